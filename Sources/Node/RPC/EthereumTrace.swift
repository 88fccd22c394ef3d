// One execution as geth's tracers tell it (go-ethereum's eth/tracers/logger and eth/tracers/native).

import Contracts
import EVM
import Estuary
import Execution
import Ledger
import Primitives
import WideIntegers

/// Used by one thread.
final class EthereumTrace {
  /// What was executed.
  struct Subject {
    let transaction: EthereumTransaction
    let sender: Address
    let emulation: Emulation
    /// The place of its first log among its block's.
    let firstLogIndex: Int

    init(
      _ transaction: EthereumTransaction, from sender: Address, _ emulation: Emulation, firstLogIndex: Int = 0
    ) {
      (self.transaction, self.sender, self.emulation) = (transaction, sender, emulation)
      self.firstLogIndex = firstLogIndex
    }

    init(_ record: EthereumTransactionRecord, _ emulation: Emulation) {
      self.init(
        record.transaction, from: record.sender, emulation, firstLogIndex: record.firstLogIndex)
    }

    var receipt: EVMReceipt { emulation.receipt }
    var target: Address? { transaction.to ?? receipt.contractAddress }
  }

  /// Bytes of an answer at most; what would be more is refused.
  static let byteLimit = 64 << 20

  private let options: EthereumTraceOptions
  private let limit: Int
  private(set) var tracer: EVMTracer?
  // Struct logs:
  private var steps = JSONWriter()
  private var stepCount = 0
  private var isTooLarge = false
  private var storage: [Address: [(key: UInt256, value: UInt256)]] = [:]

  init(_ options: EthereumTraceOptions, byteLimit: Int = EthereumTrace.byteLimit) {
    (self.options, limit) = (options, byteLimit)
    switch options.form {
    case .structLogs:
      steps.beginArray()
      tracer = EVMTracer(takingMemory: options.hasMemory) { [weak self] in self?.take($0) }
    case .calls, .selectors: tracer = EVMTracer(recordingCallsAnd: nil)
    case .prestate, .nothing: tracer = nil
    }
    let deadline = Clocks.monotonicNanoseconds() + UInt64(options.seconds * 1e9)
    tracer?.goesOn = { [weak self] in
      self?.isTooLarge != true && Clocks.monotonicNanoseconds() < deadline
    }
  }

  /// What an execution is answered with that did not end.
  private var interruption: RPCError {
    isTooLarge ? Self.tooLarge : .ethereum("execution timeout")
  }

  /// What an execution is answered with that could not be made, or was ended.
  func failure(
    _ error: EmulationError, _ transaction: EthereumTransaction, from sender: Address
  ) -> RPCError {
    if case .state(.interrupted) = error { return interruption }
    return RPCError(error, transaction, from: sender)
  }

  private static let tooLarge = RPCError.ethereum(
    "trace of more than \(byteLimit) bytes: give a limit, disableStack, or another tracer")

  /// The trace as JSON.
  ///
  /// - Parameter emulator: the one that executed it, on the state before.
  func answer(_ subject: Subject, on emulator: Emulator) throws(RPCError) -> [UInt8] {
    var writer = JSONWriter()
    switch options.form {
    case .structLogs: writeStructLogs(subject, to: &writer)
    case .calls(let isOnlyTop, let hasLogs):
      writeCalls(subject, isOnlyTop: isOnlyTop, hasLogs: hasLogs, to: &writer)
    case .prestate(let isDifference, let hasCode, let hasStorage):
      do throws(EmulationError) {
        let states = try EthereumPrestate(subject, on: emulator)
        states.write(isDifference: isDifference, hasCode: hasCode, hasStorage: hasStorage, to: &writer)
      } catch { throw RPCError(error, subject.transaction, from: subject.sender) }
    case .selectors: writeSelectors(to: &writer)
    case .nothing: writer.object { _ in }
    }
    if isTooLarge || writer.bytes.count > limit {
      throw Self.tooLarge
    }
    return writer.bytes
  }

  // MARK: Struct logs

  private func take(_ step: EVMTracedStep) {
    if isTooLarge || options.limit > 0 && stepCount >= options.limit { return }
    stepCount += 1
    steps.object { writer in
      writer.member("pc", step.pc)
      writer.member("op", step.name ?? "opcode \(EthereumForm.data([step.opcode])) not defined")
      writer.member("gas", step.gas)
      writer.member("gasCost", step.gasCost)
      writer.member("depth", step.depth + 1)
      if let error = step.error { writer.member("error", error) }
      if options.hasStack {
        writer.key("stack")
        writer.array { writer in for word in step.stack { writer.value(word.description) } }
      }
      if options.hasReturnData, !step.returnData.isEmpty { writer.data("returnData", step.returnData) }
      if let memory = step.memory, !memory.isEmpty {
        writer.key("memory")
        writer.array { writer in
          for start in stride(from: 0, to: memory.count, by: 32) {
            writer.value(EthereumForm.data(Array(memory[start..<min(start + 32, memory.count)])))
          }
        }
      }
      if options.hasStorage, let slot = step.slot { writeStorage(slot, to: &writer) }
      if step.refund > 0 { writer.member("refund", step.refund) }
    }
    isTooLarge = steps.bytes.count > limit
  }

  /// All slots of the account that were met so far.
  private func writeStorage(
    _ slot: (account: Address, key: UInt256, value: UInt256), to writer: inout JSONWriter
  ) {
    var known = storage[slot.account] ?? []
    if let place = known.firstIndex(where: { $0.key == slot.key }) {
      known[place].value = slot.value
    } else {
      known.append((slot.key, slot.value))
    }
    storage[slot.account] = known
    writer.key("storage")
    writer.object { writer in
      for entry in known { writer.member(EthereumForm.word(entry.key), EthereumForm.word(entry.value)) }
    }
  }

  private func writeStructLogs(_ subject: Subject, to writer: inout JSONWriter) {
    steps.endArray()
    let receipt = subject.receipt
    let hasOutput = receipt.isSuccess || receipt.halt == .revert
    writer.object { writer in
      writer.member("gas", receipt.gasUsed)
      writer.member("failed", !receipt.isSuccess)
      writer.data("returnValue", hasOutput ? receipt.output : [])
      writer.member("structLogs", rawJSON: isTooLarge ? Array("[]".utf8) : steps.bytes)
    }
  }

  // MARK: Calls

  private func writeCalls(
    _ subject: Subject, isOnlyTop: Bool, hasLogs: Bool, to writer: inout JSONWriter
  ) {
    let trace = tracer?.takeCalls() ?? CallTrace()
    let frames = CallFrames(trace: trace, isOnlyTop: isOnlyTop, hasLogs: hasLogs)
    if trace.calls.isEmpty {
      // Nothing began: what a creation met at its address, or a balance that does not suffice.
      writer.object { writer in
        writer.address("from", subject.sender)
        writer.quantity("gas", subject.transaction.gasLimit)
        writer.quantity("gasUsed", subject.receipt.gasUsed)
        if let target = subject.transaction.to { writer.address("to", target) }
        writer.data("input", subject.transaction.data)
        if let halt = subject.receipt.halt { writer.member("error", halt.gethText) }
        writer.quantity("value", subject.transaction.value)
        writer.member("type", subject.transaction.isCreation ? "CREATE" : "CALL")
      }
      return
    }
    var logIndex = subject.firstLogIndex
    frames.write(
      0, gas: subject.transaction.gasLimit, gasUsed: subject.receipt.gasUsed, isLost: false, &logIndex,
      to: &writer)
  }

  private func writeSelectors(to writer: inout JSONWriter) {
    var counts: [String: UInt64] = [:]
    for call in tracer?.takeCalls().calls ?? []
    where !call.kind.isCreation && !call.isPrecompile && call.input.count >= 4 {
      counts["\(EthereumForm.data(Array(call.input.prefix(4))))-\(call.input.count - 4)", default: 0] += 1
    }
    writer.object { writer in
      for (name, count) in counts.sorted(by: { $0.key < $1.key }) { writer.member(name, count) }
    }
  }
}

/// Calls as callTracer tells them.
private struct CallFrames {
  let trace: CallTrace
  let isOnlyTop: Bool
  let hasLogs: Bool

  /// - Parameters:
  ///   - gas: where it is not the call's own.
  ///   - isLost: whether what the call did was taken back with a call above it.
  ///   - logIndex: of the next log that stays.
  func write(
    _ position: Int, gas: UInt64? = nil, gasUsed: UInt64? = nil, isLost: Bool, _ logIndex: inout Int,
    to writer: inout JSONWriter
  ) {
    let call = trace.calls[position]
    let isLost = isLost || call.halt != nil
    writer.beginObject()
    writer.address("from", call.from)
    writer.quantity("gas", gas ?? call.gas)
    writer.quantity("gasUsed", gasUsed ?? call.gasUsed)
    if !call.kind.isCreation || call.halt == nil { writer.address("to", call.code) }
    writer.data("input", call.input)
    if !call.output.isEmpty { writer.data("output", call.output) }
    if let halt = call.halt {
      writer.member("error", halt.gethText)
      if halt == .revert, let reason = RPCError.revertReason(call.output) {
        writer.member("revertReason", reason)
      }
    }
    writeInner(call, isLost: isLost, &logIndex, to: &writer)
    if call.kind != .staticCall { writer.quantity("value", call.value) }
    writer.member("type", call.kind.name)
    writer.endObject()
  }

  private func writeInner(
    _ call: CallTrace.Call, isLost: Bool, _ logIndex: inout Int, to writer: inout JSONWriter
  ) {
    var logs: [(log: EVMLog, index: Int, position: Int)] = []
    var inner = JSONWriter()
    var count = 0
    inner.beginArray()
    for event in call.events {
      switch event {
      case .call(let position):
        if !isOnlyTop { write(position, isLost: isLost, &logIndex, to: &inner) }
        count += 1
      case .selfDestruct(let heir, let value):
        if !isOnlyTop { write(selfDestructOf: call.account, to: heir, value, to: &inner) }
        count += 1
      case .log(let log):
        logs.append((log, logIndex, isOnlyTop ? 0 : count))
        if !isLost { logIndex += 1 }
      case .storage, .program: break
      }
    }
    inner.endArray()
    if count > 0 && !isOnlyTop { writer.member("calls", rawJSON: inner.bytes) }
    guard hasLogs, !isLost, !logs.isEmpty else { return }
    writer.key("logs")
    writer.array { writer in
      for entry in logs {
        writer.object { writer in
          writer.address("address", entry.log.address)
          writer.key("topics")
          writer.array { writer in for topic in entry.log.topics { writer.value(EthereumForm.hash(topic)) } }
          writer.data("data", entry.log.data)
          writer.quantity("index", entry.index)
          writer.quantity("position", entry.position)
        }
      }
    }
  }

  private func write(
    selfDestructOf account: Address, to heir: Address, _ value: UInt256, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.address("from", account)
      writer.quantity("gas", 0)
      writer.quantity("gasUsed", 0)
      writer.address("to", heir)
      writer.data("input", [])
      writer.quantity("value", value)
      writer.member("type", "SELFDESTRUCT")
    }
  }
}

/// Accounts that an execution met before and, where it changed them, after it: prestateTracer.
private struct EthereumPrestate {
  struct State {
    var account = EVMAccount()
    var isThere = false
    var code: [UInt8] = []
    var storage: [(slot: UInt256, value: UInt256)] = []
  }

  private var before: [Address: State] = [:]
  /// Of those that it changed; `nil`: gone.
  private var after: [Address: State?] = [:]

  init(_ subject: EthereumTrace.Subject, on emulator: Emulator) throws(EmulationError) {
    let emulation = subject.emulation
    var met: Set<Address> = [subject.sender, emulator.block.coinbase]
    if let target = subject.target { met.insert(target) }
    for account in emulation.accesses.accounts { met.insert(account.address) }
    for slot in emulation.accesses.slots { met.insert(slot.address) }
    for address in met { before[address] = try Self.state(address, emulator) }
    for slot in emulation.accesses.slots {
      guard let state = before[slot.address] else { continue }
      let value =
        state.isThere
        ? try emulator.storage(of: state.account, at: slot.address, slot: slot.slot) : .zero
      before[slot.address]?.storage.append((slot.slot, value))
    }
    for change in emulation.changes.accounts {
      guard let account = change.account else {
        after[change.address] = .some(nil)
        continue
      }
      var state = State(account: account, isThere: true, code: before[change.address]?.code ?? [])
      if let code = change.code { state.code = code.array }
      after[change.address] = state
    }
    for change in emulation.changes.slots {
      if after[change.address] == nil, let state = before[change.address] {
        after[change.address] = State(account: state.account, isThere: true, code: state.code)
      }
      if var state = after[change.address] ?? nil {
        state.storage.append((change.slot, change.value))
        after[change.address] = state
      }
    }
  }

  private static func state(_ address: Address, _ emulator: Emulator) throws(EmulationError) -> State {
    guard let account = try emulator.account(address) else { return State() }
    return State(account: account, isThere: true, code: try emulator.code(of: account, at: address))
  }

  func write(isDifference: Bool, hasCode: Bool, hasStorage: Bool, to writer: inout JSONWriter) {
    guard isDifference else {
      writer.object { writer in
        for (address, state) in before.sorted(by: { $0.key < $1.key }) {
          writer.key(address.description)
          Self.write(
            state, balance: state.account.balance, nonce: state.account.nonce,
            code: hasCode ? state.code : [],
            storage: hasStorage ? state.storage : [], to: &writer)
        }
      }
      return
    }
    writer.object { writer in
      writer.key("post")
      writer.object { writer in
        for (address, state) in after.sorted(by: { $0.key < $1.key }) {
          guard let state, isChanged(address, state) else { continue }
          let old = before[address] ?? State()
          writer.key(address.description)
          Self.write(
            state, balance: state.account.balance == old.account.balance ? nil : state.account.balance,
            nonce: state.account.nonce == old.account.nonce ? 0 : state.account.nonce,
            code: hasCode && state.code != old.code ? state.code : [],
            storage: hasStorage ? changed(address, state).filter { !$0.value.isZero } : [], to: &writer)
        }
      }
      writer.key("pre")
      writer.object { writer in
        for (address, state) in after.sorted(by: { $0.key < $1.key }) {
          guard let old = before[address], old.isThere else { continue }
          if let state, !isChanged(address, state) { continue }
          let slots = state.map { changed(address, $0).map(\.slot) }
          let storage = old.storage.filter { entry in
            !entry.value.isZero && slots.map { $0.contains(entry.slot) } ?? true
          }
          writer.key(address.description)
          Self.write(
            old, balance: old.account.balance, nonce: old.account.nonce, code: hasCode ? old.code : [],
            storage: hasStorage ? storage : [], to: &writer)
        }
      }
    }
  }

  private func changed(_ address: Address, _ state: State) -> [(slot: UInt256, value: UInt256)] {
    let old = before[address]?.storage ?? []
    return state.storage.filter { entry in
      entry.value != old.first { $0.slot == entry.slot }?.value ?? .zero
    }
  }

  private func isChanged(_ address: Address, _ state: State) -> Bool {
    guard let old = before[address], old.isThere else { return true }
    return state.account.balance != old.account.balance || state.account.nonce != old.account.nonce
      || state.code != old.code || !changed(address, state).isEmpty
  }

  private static func write(
    _ state: State, balance: UInt256?, nonce: UInt64, code: [UInt8],
    storage: [(slot: UInt256, value: UInt256)], to writer: inout JSONWriter
  ) {
    writer.object { writer in
      if let balance { writer.quantity("balance", balance) }
      if !code.isEmpty { writer.data("code", code) }
      if nonce > 0 { writer.member("nonce", nonce) }
      if !storage.isEmpty {
        writer.key("storage")
        writer.object { writer in
          for entry in storage {
            writer.member(EthereumForm.word(entry.slot), EthereumForm.word(entry.value))
          }
        }
      }
    }
  }
}
