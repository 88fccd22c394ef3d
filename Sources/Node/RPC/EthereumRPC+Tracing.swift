// Executions looked at: debug_traceTransaction, debug_traceCall, debug_traceBlockByNumber, …ByHash, with geth's struct logs and
// its tracers (https://geth.ethereum.org/docs/developers/evm-tracing/built-in-tracers).

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

/// What a trace is to look like.
struct EthereumTraceOptions: Sendable {
  enum Form: Sendable {
    case structLogs
    case calls(isOnlyTop: Bool, hasLogs: Bool)
    case prestate(isDifference: Bool, hasCode: Bool, hasStorage: Bool)
    case selectors
    case nothing
  }

  var form = Form.structLogs
  var (hasStack, hasMemory, hasStorage, hasReturnData) = (true, false, true, false)
  /// Steps at most; 0: any number.
  var limit = 0
  var overrides = EmulationOverrides()
  /// How long one execution may take.
  var seconds = 5.0

  private static let longestSeconds = 60.0

  private init(_ form: Form) { self.form = form }

  static let nothing = EthereumTraceOptions(.nothing)
  static let calls = EthereumTraceOptions(.calls(isOnlyTop: false, hasLogs: false))

  init(_ value: JSONValue?) throws(EthereumFormError) {
    guard let value else { return }
    let fields = EthereumFields(try EthereumForm.object(value, "tracers.TraceConfig"), "TraceConfig")
    hasStack = try !(fields.optional("disableStack", EthereumForm.bool) ?? false)
    hasMemory = try fields.optional("enableMemory", EthereumForm.bool) ?? false
    hasStorage = try !(fields.optional("disableStorage", EthereumForm.bool) ?? false)
    hasReturnData = try fields.optional("enableReturnData", EthereumForm.bool) ?? false
    limit =
      try fields.optional("limit") { value throws(EthereumFormError) in
        guard let number = value.uint64 else { throw EthereumFormError.kind(value, "int") }
        return Int(clamping: number)
      } ?? 0
    if let text = try fields.optional("timeout", EthereumForm.string) {
      guard let given = Self.seconds(text) else {
        throw EthereumFormError("time: invalid duration \"\(text.prefix(100))\"")
      }
      seconds = min(given, Self.longestSeconds)
    }
    overrides.accounts = try fields.optional("stateOverrides", EthereumForm.stateOverrides) ?? [:]
    overrides.block = try fields.optional("blockOverrides", EthereumForm.blockOverrides) ?? BlockOverrides()
    guard let name = try fields.optional("tracer", EthereumForm.string), !name.isEmpty else { return }
    let configuration = EthereumFields(fields.object["tracerConfig"]?.object ?? JSONObject(), "Config")
    func flag(_ key: String) throws(EthereumFormError) -> Bool {
      try configuration.optional(key, EthereumForm.bool) ?? false
    }
    switch name {
    case "callTracer": form = .calls(isOnlyTop: try flag("onlyTopCall"), hasLogs: try flag("withLog"))
    case "prestateTracer":
      form = .prestate(
        isDifference: try flag("diffMode"), hasCode: try !flag("disableCode"),
        hasStorage: try !flag("disableStorage"))
    case "4byteTracer": form = .selectors
    case "noopTracer": form = .nothing
    default:
      throw EthereumFormError(
        "tracer '\(name.prefix(100))' not found: there are callTracer, prestateTracer, 4byteTracer and noopTracer"
      )
    }
  }

  /// A duration as Go writes it: numbers with units, one behind the other.
  private static func seconds(_ text: String) -> Double? {
    let units = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)]
    var (rest, sum) = (text[...], 0.0)
    if rest.isEmpty { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isNumber || $0 == "." }
      rest = rest.dropFirst(digits.count)
      guard let number = Double(digits),
        let unit = units.first(where: { rest.hasPrefix($0.0) && !($0.0 == "m" && rest.hasPrefix("ms")) })
      else { return nil }
      rest = rest.dropFirst(unit.0.count)
      sum += number * unit.1
    }
    return sum
  }

  var isTraced: Bool {
    switch form {
    case .structLogs, .calls, .selectors: true
    case .prestate, .nothing: false
    }
  }
}

extension EthereumRPC {
  static let traceMethods: [String: Method] = [
    "debug_traceTransaction": { (rpc, parameters) async throws(RPCError) in
      let hash = try parameters.hash(0)
      let options = try parameters.traceOptions(1)
      try parameters.expect(atMost: 2)
      guard let record = try rpc.record(hash) else { throw .ethereum("transaction not found") }
      return try await rpc.working { () throws(RPCError) in try rpc.trace(record, options) }
    },
    "debug_traceBlockByNumber": { (rpc, parameters) async throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      let options = try parameters.traceOptions(1)
      try parameters.expect(atMost: 2)
      if reference == .tag(.pending) { throw pendingRefused }
      guard let block = try rpc.block(reference) else { throw notFound(reference) }
      return try await rpc.working { () throws(RPCError) in try rpc.traceAll(of: block, options) }
    },
    "debug_traceBlockByHash": { (rpc, parameters) async throws(RPCError) in
      let hash = try parameters.hash(0)
      let options = try parameters.traceOptions(1)
      try parameters.expect(atMost: 2)
      guard let block = try rpc.block(.hash(hash)) else { throw notFound(.hash(hash)) }
      return try await rpc.working { () throws(RPCError) in try rpc.traceAll(of: block, options) }
    },
    "debug_traceCall": { (rpc, parameters) async throws(RPCError) in
      let arguments = try parameters.value(0) { value throws(EthereumFormError) in
        try EthereumCallArguments(value)
      }
      let reference = try parameters.blockOrLatest(1)
      let options = try parameters.traceOptions(2)
      try checkBlockOverrides(parameters.optional(2)?["blockOverrides"])
      try parameters.expect(atMost: 3)
      if reference == .tag(.pending) { throw pendingRefused }
      guard let known = try rpc.knownPlace(reference) else { throw notFound(reference) }
      let place = try rpc.callPlace(known)
      let call = Call(arguments: arguments, place: place, overrides: options.overrides)
      return try await rpc.working { () throws(RPCError) in
        let trace = EthereumTrace(options)
        let (emulator, transaction) = try rpc.prepare(call, tracer: trace.tracer)
        let emulation: Emulation
        do throws(EmulationError) {
          emulation = try emulator.run(transaction, from: arguments.sender, checks: .call)
        } catch { throw trace.failure(error, transaction, from: arguments.sender) }
        return try trace.answer(
          EthereumTrace.Subject(transaction, from: arguments.sender, emulation), on: emulator)
      }
    },
  ]

  private static let pendingRefused = RPCError.ethereum("tracing on top of pending is not supported")

  private static func notFound(_ reference: EthereumBlockReference) -> RPCError {
    switch reference {
    case .hash(let hash): .ethereum("block \(EthereumForm.hash(hash)) not found")
    case .number(let number): .ethereum("block #\(number) not found")
    case .tag: .ethereum("block not found")
    }
  }

  private func replay(
    _ block: EthereumArchive.StoredHeader, isTraced: Bool
  ) throws(RPCError) -> EthereumLedger.BlockReplay {
    let first = try stored { () throws(StoreError) in try ledger.firstNumber() }
    if block.header.number == first ?? 0 { throw .ethereum("genesis is not traceable") }
    let replay: EthereumLedger.BlockReplay?
    do throws(ChainError) {
      replay = try ledger.replay(of: block, through: producer.head.height, isTraced: isTraced)
    } catch { throw RPCError(error) }
    guard let replay else {
      throw .ethereum("historical state before block \(block.header.number) is not available")
    }
    return replay
  }

  /// A stored transaction executed again.
  func emulation(of record: EthereumTransactionRecord) throws(RPCError) -> Emulation {
    try run(try replay(record.block, isTraced: false), record.index, EthereumTrace(.nothing))
  }

  private func trace(
    _ record: EthereumTransactionRecord, _ options: EthereumTraceOptions
  ) throws(RPCError) -> [UInt8] {
    let replay = try replay(record.block, isTraced: options.isTraced)
    let trace = EthereumTrace(options)
    let emulation = try run(replay, record.index, trace)
    return try trace.answer(EthereumTrace.Subject(record, emulation), on: replay.emulator)
  }

  private func run(
    _ replay: EthereumLedger.BlockReplay, _ index: Int, _ trace: EthereumTrace
  ) throws(RPCError) -> Emulation {
    do throws(EmulationError) { return try replay.run(index, tracer: trace.tracer) } catch {
      let record = replay.records[index]
      throw trace.failure(error, record.transaction, from: record.sender)
    }
  }

  /// The calls of a stored transaction.
  func calls(of record: EthereumTransactionRecord) throws(RPCError) -> CallTrace {
    let replay = try replay(record.block, isTraced: true)
    let trace = EthereumTrace(.calls)
    _ = try run(replay, record.index, trace)
    return trace.tracer?.takeCalls() ?? CallTrace()
  }

  /// Calls `body` with the transactions of a block and their calls, in order, until it says false.
  func forEachCallTrace(
    of block: EthereumArchive.StoredHeader, _ body: (EthereumTransactionRecord, CallTrace) -> Bool
  ) throws(RPCError) {
    let replay = try replay(block, isTraced: true)
    for (index, record) in replay.records.enumerated() {
      let trace = EthereumTrace(.calls)
      let emulation = try run(replay, index, trace)
      guard body(record, trace.tracer?.takeCalls() ?? CallTrace()) else { return }
      replay.goOn(emulation)
    }
  }

  private func traceAll(
    of block: EthereumArchive.StoredHeader, _ options: EthereumTraceOptions
  ) throws(RPCError) -> [UInt8] {
    let replay = try replay(block, isTraced: options.isTraced)
    var answers: [(hash: Hash, trace: [UInt8])] = []
    var byteCount = 0
    for (index, record) in replay.records.enumerated() {
      let trace = EthereumTrace(options, byteLimit: EthereumTrace.byteLimit - byteCount)
      let emulation = try run(replay, index, trace)
      let answer = try trace.answer(EthereumTrace.Subject(record, emulation), on: replay.emulator)
      byteCount += answer.count
      answers.append((record.hash, answer))
      replay.goOn(emulation)
    }
    return Self.answer { [answers] writer in
      writer.array { writer in
        for (hash, trace) in answers {
          writer.object { writer in
            writer.hash("txHash", hash)
            writer.member("result", rawJSON: trace)
          }
        }
      }
    }
  }
}

extension EthereumParameters {
  fileprivate func traceOptions(_ index: Int) throws(RPCError) -> EthereumTraceOptions {
    do throws(EthereumFormError) { return try EthereumTraceOptions(optional(index)) } catch {
      throw error.text.hasPrefix("tracer ")
        ? .ethereum(error.text) : .invalidParameters("invalid argument \(index): \(error.text)")
    }
  }
}
