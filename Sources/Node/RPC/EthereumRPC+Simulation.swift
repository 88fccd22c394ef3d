// eth_simulateV1: blocks that nobody makes, one behind the other over a stored one, with what each sees and has in place of the
// chain's (https://github.com/ethereum/execution-apis, src/eth/execute.yaml; go-ethereum's internal/ethapi/simulate.go).

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

/// What a request simulates.
struct EthereumSimulation: Sendable {
  struct Block: Sendable {
    var overrides = BlockOverrides()
    var beaconRoot: Hash?
    var withdrawals: [EVMWithdrawal] = []
    var accounts: [Address: AccountOverride] = [:]
    var calls: [EthereumCallArguments] = []
  }

  var blocks: [Block] = []
  /// Whether moved value is told as logs.
  var tracesTransfers = false
  /// Whether transactions have to be valid, signatures aside.
  var validates = false
  var returnsTransactions = false

  /// Blocks of one request at most.
  static let blockLimit: UInt64 = 256
  /// Seconds between blocks that name no time.
  static let secondsPerBlock: UInt64 = 12

  init(_ value: JSONValue) throws(EthereumFormError) {
    let fields = EthereumFields(try EthereumForm.object(value, "ethapi.simOpts"), "simOpts")
    tracesTransfers = try fields.optional("traceTransfers", EthereumForm.bool) ?? false
    validates = try fields.optional("validation", EthereumForm.bool) ?? false
    returnsTransactions = try fields.optional("returnFullTransactions", EthereumForm.bool) ?? false
    blocks =
      try fields.list("blockStateCalls") { value throws(EthereumFormError) in
        let fields = EthereumFields(try EthereumForm.object(value, "ethapi.simBlock"), "simBlock")
        var block = Block()
        block.overrides =
          try fields.optional("blockOverrides", EthereumForm.blockOverrides) ?? block.overrides
        if let overrides = fields.object["blockOverrides"]?.object {
          let fields = EthereumFields(overrides, "BlockOverrides")
          block.beaconRoot = try fields.optional("beaconRoot", EthereumForm.hash)
          block.withdrawals = try fields.list("withdrawals", EthereumForm.withdrawal) ?? []
        }
        block.accounts = try fields.optional("stateOverrides", EthereumForm.stateOverrides) ?? [:]
        block.calls =
          try fields.list("calls") { value throws(EthereumFormError) in try EthereumCallArguments(value) }
          ?? []
        return block
      } ?? []
  }
}

extension EthereumRPC {
  static let simulationMethods: [String: Method] = [
    "eth_simulateV1": { (rpc, parameters) async throws(RPCError) in
      let simulation = try parameters.value(0) { value throws(EthereumFormError) in
        try EthereumSimulation(value)
      }
      let reference = try parameters.blockOrLatest(1)
      try parameters.expect(atMost: 2)
      if simulation.blocks.isEmpty { throw .invalidParameters("empty input") }
      if UInt64(simulation.blocks.count) > EthereumSimulation.blockLimit {
        throw RPCError(-38026, "too many blocks")
      }
      let place = try rpc.place(reference)
      return try await rpc.working { () throws(RPCError) in
        let simulator = try EthereumSimulator(rpc.ledger, simulation, over: place)
        return try simulator.run()
      }
    }
  ]
}

/// Used by one thread.
private final class EthereumSimulator {
  private let ledger: EthereumLedger
  private let simulation: EthereumSimulation
  private let base: EthereumPlace
  private var emulator: Emulator
  private var tries: StateTries
  private let tracer: EVMTracer?
  /// Of the blocks that are made.
  private var hashes: [UInt64: Hash] = [:]
  private var parent: EthereumHeader
  /// What all calls together may still use.
  private var gasLeft = EthereumRPC.callGasCap

  init(
    _ ledger: EthereumLedger, _ simulation: EthereumSimulation, over base: EthereumPlace
  ) throws(RPCError) {
    (self.ledger, self.simulation, self.base) = (ledger, simulation, base)
    parent = base.block.header
    tries = ledger.tries(of: base.block)
    tracer = simulation.tracesTransfers ? EVMTracer(recordingCallsAnd: nil) : nil
    do throws(ChainError) {
      emulator = try ledger.emulator(
        .init(ledger.environment(of: base.block), height: base.height, isBegun: true), tracer: tracer)
    } catch { throw RPCError(error) }
  }

  // MARK: Blocks

  func run() throws(RPCError) -> [UInt8] {
    var answers: [[UInt8]] = []
    var byteCount = 0
    for block in try sanitized() {
      let answer = try make(block)
      byteCount += answer.count
      guard byteCount <= EthereumTrace.byteLimit else {
        throw RPCError(-38026, "an answer of more than \(EthereumTrace.byteLimit) bytes")
      }
      answers.append(answer)
    }
    return EthereumRPC.answer { writer in
      writer.array { writer in for answer in answers { writer.value(rawJSON: answer) } }
    }
  }

  /// The blocks with numbers and times, and with empty ones where numbers were left out.
  private func sanitized() throws(RPCError) -> [EthereumSimulation.Block] {
    var (number, time) = (base.block.header.number, base.block.header.timestamp)
    var blocks: [EthereumSimulation.Block] = []
    func advance() throws(RPCError) {
      let (next, isBeyond) = time.addingReportingOverflow(EthereumSimulation.secondsPerBlock)
      guard !isBeyond else {
        throw RPCError(-38021, "block timestamps must be in order: none follows \(time)")
      }
      time = next
    }
    for var block in simulation.blocks {
      let wanted = block.overrides.number ?? number &+ 1
      guard wanted > number else {
        throw RPCError(-38020, "block numbers must be in order: \(wanted) <= \(number)")
      }
      guard wanted - base.block.header.number <= EthereumSimulation.blockLimit else {
        throw RPCError(-38026, "too many blocks")
      }
      for gap in number + 1..<wanted {
        var empty = EthereumSimulation.Block()
        try advance()
        (empty.overrides.number, empty.overrides.timestamp) = (gap, time)
        blocks.append(empty)
      }
      number = wanted
      if let given = block.overrides.timestamp {
        guard given > time else {
          throw RPCError(-38021, "block timestamps must be in order: \(given) <= \(time)")
        }
        time = given
      } else {
        try advance()
      }
      (block.overrides.number, block.overrides.timestamp) = (number, time)
      blocks.append(block)
    }
    return blocks
  }

  /// The header as far as it is known before the block is executed.
  private func header(_ block: EthereumSimulation.Block) -> (EthereumHeader, Fork) {
    let overrides = block.overrides
    let (number, timestamp) = (overrides.number ?? 0, overrides.timestamp ?? 0)
    let fork = ledger.configuration.fork(
      number: number, timestamp: timestamp, totalDifficulty: base.block.totalDifficulty)
    var header = EthereumHeader(
      parentHash: parent.hash, coinbase: overrides.coinbase ?? parent.coinbase,
      difficulty: overrides.difficulty ?? parent.difficulty, number: number,
      gasLimit: overrides.gasLimit ?? parent.gasLimit, timestamp: timestamp,
      mixHash: overrides.prevRandao ?? .zero)
    if fork >= .paris { header.difficulty = .zero }
    if fork >= .london {
      header.baseFeePerGas =
        overrides.baseFeePerGas ?? (simulation.validates ? HeaderRules.baseFee(after: parent) : .zero)
    }
    if fork >= .shanghai { header.withdrawalsRoot = MerklePatriciaTrie.emptyRoot }
    if fork >= .cancun {
      header.parentBeaconBlockRoot = block.beaconRoot ?? .zero
      header.excessBlobGas =
        parent.excessBlobGas == nil
        ? 0
        : HeaderRules.excessBlobGas(
          after: parent, fork: fork, ledger.configuration.blobParameters(fork))
    }
    return (header, fork)
  }

  private struct Executed {
    var transaction: EthereumTransaction
    var hash: Hash
    var sender: Address
    var receipt: EVMReceipt
    /// The root after it, before Byzantium.
    var stateRoot: Hash?
    var spentGas: UInt64
    /// With what value moved, where that is told.
    var logs: [EVMLog]
  }

  private func make(_ block: EthereumSimulation.Block) throws(RPCError) -> [UInt8] {
    var (header, fork) = header(block)
    let (archive, hashes) = (ledger.archive, hashes)
    let environment = BlockEnvironment(header, fork: fork, ledger.configuration) { number in
      hashes[number] ?? (try? archive.header(number))?.hash
    }
    var onlyBlobFee = BlockOverrides()
    onlyBlobFee.blobBaseFee = block.overrides.blobBaseFee
    try EthereumRPC.check(block.accounts, in: fork)
    try chained { () throws(ChainError) in
      try emulator.begin(environment.overridden(by: onlyBlobFee), overriding: block.accounts)
    }
    let executed = try self.run(block.calls)
    let requests = try chained { () throws(ChainError) in
      let requests = try emulator.endBlock(withdrawals: block.withdrawals)
      header.stateRoot = try emulator.moveTries(&tries)
      return requests
    }
    let draft = EthereumBlockDraft(
      entries: executed.map {
        .init(
          transaction: $0.transaction, receipt: $0.receipt, stateRoot: $0.stateRoot, isUnsigned: true)
      },
      withdrawals: block.withdrawals, requests: requests)
    let body = draft.block(under: header, fork: fork, ledger.configuration).block
    let hash = body.header.hash
    self.hashes[body.header.number] = hash
    parent = body.header
    return answer(body, hash, executed)
  }

  private func chained<Value>(_ body: () throws(ChainError) -> Value) throws(RPCError) -> Value {
    do throws(ChainError) { return try body() } catch { throw RPCError(error) }
  }

  // MARK: Calls

  private func run(_ calls: [EthereumCallArguments]) throws(RPCError) -> [Executed] {
    var executed: [Executed] = []
    var gasUsed: UInt64 = 0
    for call in calls {
      let done = try run(call, blockGasUsed: gasUsed)
      gasUsed += done.receipt.gasUsed
      gasLeft -= min(gasLeft, done.receipt.gasUsed)
      executed.append(done)
    }
    return executed
  }

  private func run(_ call: EthereumCallArguments, blockGasUsed: UInt64) throws(RPCError) -> Executed {
    let (block, sender) = (emulator.block, call.sender)
    let next: UInt64
    do throws(EmulationError) { next = try emulator.account(sender)?.nonce ?? 0 } catch {
      throw RPCError(error, EthereumTransaction.nothing, from: sender)
    }
    let available = block.gasLimit - min(blockGasUsed, block.gasLimit)
    if let gas = call.gas, gas > available {
      throw RPCError(-38015, "block gas limit reached: remaining: \(available), required: \(gas)")
    }
    var call = call
    call.gas = min(call.gas ?? available, gasLeft)
    var transaction = try call.transaction(
      in: block.fork, chainID: ledger.chainID, gasCap: gasLeft, nonce: next)
    if simulation.validates { try check(transaction.nonce, next, transaction, sender) }
    var asked = transaction
    // With a gas price it is told as a legacy one, whatever else it has.
    if call.gasPrice != nil { (asked.kind, asked.chainID) = (.legacy, nil) }
    let hash = asked.unsignedHash
    // Where nothing is checked, the nonce is the account's, whatever it says.
    if !simulation.validates { transaction.nonce = next }
    var overrides = BlockOverrides()
    if !simulation.validates {
      if !call.hasPrice { overrides.baseFeePerGas = .zero }
      if call.hasFreeBlobs { overrides.blobBaseFee = .zero }
    }
    let emulation: Emulation
    do throws(EmulationError) {
      emulation = try emulator.run(
        transaction, from: sender, checks: .call, in: block.overridden(by: overrides))
    } catch {
      if case .refused(let reason) = error {
        throw RPCError(reason, asked, simulatedFrom: sender)
      }
      throw RPCError(error, asked, from: sender)
    }
    emulator.apply(emulation)
    let stateRoot =
      block.fork < .byzantium
      ? try chained { () throws(ChainError) in try emulator.moveTries(&tries) } : nil
    return Executed(
      transaction: asked, hash: hash, sender: sender, receipt: emulation.receipt, stateRoot: stateRoot,
      spentGas: emulation.gasSpent,
      logs: tracer.map { Self.logs(of: $0.takeCalls()) } ?? emulation.receipt.logs)
  }

  private func check(
    _ nonce: UInt64, _ next: UInt64, _ transaction: EthereumTransaction, _ sender: Address
  ) throws(RPCError) {
    let reason: TransactionValidityError
    if nonce == .max {
      reason = .nonceIsMaximum
    } else if nonce < next {
      reason = .nonceTooLow(nonce: nonce, account: next)
    } else if nonce > next {
      reason = .nonceTooHigh(nonce: nonce, account: next)
    } else {
      return
    }
    throw RPCError(reason, transaction, simulatedFrom: sender)
  }

  // MARK: Value that moves, as logs

  /// What a token's contract would log, of an address that has no code.
  private static let transferTopic = Keccak256.hash(Array("Transfer(address,address,uint256)".utf8))
  private static let etherAddress = Address([UInt8](repeating: 0xee, count: 20)) ?? .zero

  /// The logs of an execution in order, with those of value that moved; calls that failed have none.
  private static func logs(of trace: CallTrace) -> [EVMLog] {
    var logs: [EVMLog] = []
    func visit(_ position: Int) {
      let call = trace.calls[position]
      if call.halt != nil { return }
      if call.kind != .delegateCall, call.kind != .staticCall, !call.value.isZero {
        logs.append(transfer(call.value, from: call.from, to: call.code))
      }
      for event in call.events {
        switch event {
        case .call(let inner): visit(inner)
        case .log(let log): logs.append(log)
        case .selfDestruct(let heir, let value):
          if !value.isZero { logs.append(transfer(value, from: call.account, to: heir)) }
        case .storage, .program: break
        }
      }
    }
    if !trace.calls.isEmpty { visit(0) }
    return logs
  }

  private static func transfer(_ value: UInt256, from: Address, to: Address) -> EVMLog {
    EVMLog(
      address: etherAddress, topics: [transferTopic, Hash(UInt256(from)), Hash(UInt256(to))],
      data: value.bigEndianBytes)
  }

  // MARK: Answers

  private func answer(_ block: EthereumBlock, _ hash: Hash, _ executed: [Executed]) -> [UInt8] {
    var logIndex = 0
    return EthereumRPC.answer { writer in
      writer.object { writer in
        EthereumForm.writeMembers(of: block.header, hash: hash, to: &writer)
        EthereumForm.writeBodyMembers(of: block, to: &writer)
        writer.key("transactions")
        writer.array { writer in
          for (index, call) in executed.enumerated() {
            guard simulation.returnsTransactions else {
              writer.value(EthereumForm.hash(call.hash))
              continue
            }
            EthereumForm.write(
              call.transaction, hash: call.hash, sender: call.sender,
              at: .init(block.header, hash: hash, index: index), to: &writer)
          }
        }
        writer.key("calls")
        writer.array { writer in
          for (index, call) in executed.enumerated() {
            let first = logIndex
            logIndex += call.logs.count
            write(call, index, firstLog: first, block.header, hash, to: &writer)
          }
        }
      }
    }
  }

  private func write(
    _ call: Executed, _ index: Int, firstLog: Int, _ header: EthereumHeader, _ hash: Hash,
    to writer: inout JSONWriter
  ) {
    writer.object { writer in
      let hasOutput = call.receipt.isSuccess || call.receipt.halt == .revert
      writer.data("returnData", call.receipt.isSuccess && hasOutput ? call.receipt.output : [])
      writer.key("logs")
      writer.array { writer in
        for (place, log) in call.logs.enumerated() {
          EthereumForm.write(
            log,
            .init(
              header, hash: hash, transactionHash: call.hash, transactionIndex: index,
              logIndex: firstLog + place), to: &writer)
        }
      }
      writer.quantity("gasUsed", call.receipt.gasUsed)
      writer.quantity("maxUsedGas", call.spentGas)
      writer.quantity("status", call.receipt.isSuccess ? 1 : 0)
      guard let halt = call.receipt.halt else { return }
      writer.key("error")
      writer.object { writer in
        if halt == .revert {
          writer.member("message", RPCError.revertText(call.receipt.output))
          writer.member("code", 3)
          writer.data("data", call.receipt.output)
        } else {
          writer.member("message", halt.gethText)
          writer.member("code", -32015)
        }
      }
    }
  }
}

extension EthereumForm {
  static func withdrawal(_ value: JSONValue) throws(EthereumFormError) -> EVMWithdrawal {
    let fields = EthereumFields(try object(value, "types.Withdrawal"), "Withdrawal")
    return EVMWithdrawal(
      index: try fields.optional("index", quantity) ?? 0,
      validatorIndex: try fields.optional("validatorIndex", quantity) ?? 0,
      address: try fields.optional("address", address) ?? .zero,
      amount: try fields.optional("amount", quantity) ?? 0)
  }
}

extension RPCError {
  fileprivate init(
    _ reason: TransactionValidityError, _ transaction: EthereumTransaction, simulatedFrom sender: Address
  ) {
    self.init(
      reason.gethCode,
      "err: \(reason.gethText(transaction, from: sender)) (supplied gas \(transaction.gasLimit))")
  }
}

extension TransactionValidityError {
  /// eth_simulateV1's code for it.
  fileprivate var gethCode: Int {
    switch self {
    case .nonceTooLow: -38010
    case .nonceTooHigh: -38011
    case .intrinsicGasTooLow, .gasBelowFloor: -38013
    case .insufficientFunds: -38014
    case .gasLimitAboveBlock: -38015
    case .senderIsContract: -38024
    case .initcodeTooLarge: -38025
    case .maxFeeBelowBaseFee: -38012
    case .priorityFeeAboveMaxFee: -32602
    default: -32603
    }
  }
}

extension EthereumTransaction {
  var unsignedHash: Hash { Keccak256.hash(unsignedEncoding) }

  /// Its encoding with all of the signature 0, also where a legacy signature would name the chain.
  var unsignedEncoding: [UInt8] {
    guard kind == .legacy else { return encoded }
    var writer = RLPWriter(capacity: data.count + 128)
    writer.writeList { writer in
      writer.write(nonce)
      writer.write(maxFeePerGas)
      writer.write(gasLimit)
      writer.write(to)
      writer.write(value)
      writer.write(data)
      for _ in 0..<3 { writer.write(UInt64(0)) }
    }
    return writer.bytes
  }

  /// For errors about none.
  fileprivate static var nothing: EthereumTransaction {
    EthereumTransaction(
      kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: .zero, maxFeePerGas: .zero, gasLimit: 0,
      to: nil)
  }
}
