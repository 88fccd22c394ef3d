// The calls of an execution as a node's tracers tell them (callTracer with logs, struct logs, prestateTracer:
// https://geth.ethereum.org/docs/developers/evm-tracing/built-in-tracers), put together to what our own tracer records.
//
// callTracer has the calls and their logs. It has neither what they store nor what the transaction's own call was given and
// used by itself: those are read from the struct logs, and what a slot held before from the accounts as the execution met them.

import EVM
import Primitives
import WideIntegers

/// An execution that a node traced.
package struct GethTrace {
  package private(set) var calls: CallTrace
  /// Failures that no `EVMHalt` stands for, by the position of the call: the node's words.
  package private(set) var words: [Int: String] = [:]
  /// Charged to the sender, refunds taken off.
  package let gasUsed: UInt64

  /// What an answer lacks.
  package struct FormError: Error, Equatable {
    package let member: String
  }

  /// - Parameters:
  ///   - callTracer: the answer of callTracer.
  ///   - structLogs: those of the same execution, with stacks; `nil` where there are none to be had: nothing is known of
  ///     storage then.
  ///   - prestate: the answer of prestateTracer, likewise.
  package init(
    callTracer: JSONValue, structLogs: [JSONValue]?, prestate: JSONValue?
  ) throws(FormError) {
    guard let gasUsed = callTracer["gasUsed"]?.ethereumNumber else { throw FormError(member: "gasUsed") }
    self.gasUsed = gasUsed
    var reader = GethTraceReader(structLogs: structLogs, prestate: prestate)
    _ = try reader.read(callTracer, depth: 1)
    calls = CallTrace(reader.calls)
    words = reader.words
  }
}

private struct GethTraceReader {
  private struct Slot: Hashable {
    let account: Address
    let key: UInt256
  }

  private(set) var calls: [CallTrace.Call] = []
  private(set) var words: [Int: String] = [:]
  private let steps: [JSONValue]?
  /// Of the next step.
  private var cursor = 0
  /// What slots hold now, as far as something is known of them; others hold 0.
  private var storage: [Slot: UInt256] = [:]

  init(structLogs: [JSONValue]?, prestate: JSONValue?) {
    steps = prestate == nil ? nil : structLogs
    for account in prestate?.object?.members ?? [] {
      guard let address = Address(hex: account.name) else { continue }
      for slot in account.value["storage"]?.object?.members ?? [] {
        guard let key = UInt256(hex: slot.name), let value = slot.value.string.flatMap({ UInt256(hex: $0) })
        else {
          continue
        }
        storage[Slot(account: address, key: key)] = value
      }
    }
  }

  // MARK: Calls

  /// - Parameter depth: 1 for the transaction's own call.
  /// - Returns: the call's position.
  mutating func read(_ json: JSONValue, depth: Int) throws(GethTrace.FormError) -> Int {
    let call = try begin(json, depth)
    let position = calls.count
    calls.append(call)
    let before = storage
    let error = json["error"]?.string
    var inside = Inside(calls: json["calls"]?.array?[...] ?? [], logs: json["logs"]?.array?[...] ?? [])
    try follow(call, depth, hasFailed: error != nil, &inside)
    while try takeNext(depth, &inside) {}
    if error != nil { storage = before }
    calls[position].events = inside.events
    if let error { calls[position].halt = halt(error, position) }
    return position
  }

  private mutating func begin(_ json: JSONValue, _ depth: Int) throws(GethTrace.FormError) -> CallTrace.Call {
    guard let name = json["type"]?.string, let kind = CallTrace.Kind(name: name) else {
      throw GethTrace.FormError(member: "type")
    }
    guard let from = json["from"]?.ethereumAddress else { throw GethTrace.FormError(member: "from") }
    // A contract that was not made has no address.
    guard let code = json["to"]?.ethereumAddress ?? (kind.isCreation ? .zero : nil) else {
      throw GethTrace.FormError(member: "to")
    }
    guard let input = json["input"]?.ethereumData else { throw GethTrace.FormError(member: "input") }
    guard var gas = json["gas"]?.ethereumNumber else { throw GethTrace.FormError(member: "gas") }
    guard var gasUsed = json["gasUsed"]?.ethereumNumber else { throw GethTrace.FormError(member: "gasUsed") }
    let isOwn = kind == .callCode || kind == .delegateCall
    let output = json["output"]?.ethereumData ?? []
    let isPrecompile = !kind.isCreation && Precompile.isReserved(code)
    if depth == 1, let steps {
      let creation = kind.isCreation && json["error"] == nil ? UInt64(output.count) * Self.gasPerCodeByte : 0
      let isLost = json["error"]?.string.map { !Self.isRevert($0) } ?? false
      if let own = Self.gas(of: steps, depositing: creation, isLost: isLost) {
        (gas, gasUsed) = own
      } else {
        let transaction = EthereumTransaction(
          kind: .legacy, chainID: nil, nonce: 0, maxPriorityFeePerGas: .zero, maxFeePerGas: .zero,
          gasLimit: gas,
          to: kind.isCreation ? nil : code, data: input)
        let intrinsic = IntrinsicGas(of: transaction, fork: .latest).gas
        gas = gas > intrinsic ? gas - intrinsic : 0
        gasUsed = isPrecompile && gasUsed > intrinsic ? gasUsed - intrinsic : 0
      }
    }
    var call = CallTrace.Call(
      kind: kind, from: from, account: isOwn ? from : code, code: code,
      value: json["value"]?.ethereumQuantity ?? .zero, gas: gas, input: input, isPrecompile: isPrecompile)
    call.gasUsed = gasUsed
    call.output = output
    return call
  }

  /// What a byte of deposited code costs (Yellow Paper, G_codedeposit).
  private static let gasPerCodeByte: UInt64 = 200

  /// What the transaction's own call was given and used; the tracer tells the transaction's in their place.
  private static func gas(of steps: [JSONValue], depositing deposit: UInt64, isLost: Bool) -> (
    UInt64, UInt64
  )? {
    guard let gas = steps.first?["gas"]?.ethereumNumber,
      let last = steps.last(where: { $0["depth"]?.uint64 == 1 }),
      let left = last["gas"]?.ethereumNumber, let cost = last["gasCost"]?.ethereumNumber
    else { return nil }
    if isLost { return (gas, gas) }
    return (gas, min(gas, gas - min(left, gas) + cost + deposit))
  }

  private static func isRevert(_ text: String) -> Bool { text.lowercased().contains("revert") }

  private mutating func halt(_ text: String, _ position: Int) -> EVMHalt {
    if Self.isRevert(text) { return .revert }
    if let halt = EVMHalt(gethText: text) { return halt }
    words[position] = text
    return calls[position].isPrecompile ? .precompileFailed : .invalidOpcode
  }

  // MARK: What a call does

  /// What the tracer tells below a call, and what of it is placed already.
  private struct Inside {
    var calls: ArraySlice<JSONValue>
    var logs: ArraySlice<JSONValue>
    var callCount: UInt64 = 0
    var events: [CallTrace.Event] = []
  }

  /// Goes through the steps of a call, which say what stands between its calls and logs.
  private mutating func follow(
    _ call: CallTrace.Call, _ depth: Int, hasFailed: Bool, _ inside: inout Inside
  ) throws(GethTrace.FormError) {
    guard let steps else { return }
    while cursor < steps.count, let at = steps[cursor]["depth"]?.uint64, at >= UInt64(depth) {
      let step = steps[cursor]
      cursor += 1
      // Steps of a call that is not told of.
      guard at == UInt64(depth), let name = step["op"]?.string else { continue }
      let isLast = cursor == steps.count || steps[cursor]["depth"]?.uint64 ?? 0 < UInt64(depth)
      if hasFailed && isLast || step["error"]?.string != nil { continue }
      switch name {
      case "SSTORE": if let event = store(step, call.account) { inside.events.append(event) }
      case "LOG0", "LOG1", "LOG2", "LOG3", "LOG4":
        if let log = inside.logs.popFirst() { try take(log: log, &inside) }
      case "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2", "SELFDESTRUCT":
        let goesDeeper = cursor < steps.count && steps[cursor]["depth"]?.uint64 ?? 0 > UInt64(depth)
        if let next = inside.calls.first, Self.begins(next, name, step, goesDeeper: goesDeeper) {
          try takeCall(depth, &inside)
        }
      default: break
      }
    }
  }

  /// Whether `call` is what a step made: some nodes do not list calls that fail before they begin.
  ///
  /// - Parameter goesDeeper: whether the next step is one of a call below.
  private static func begins(
    _ call: JSONValue, _ name: String, _ step: JSONValue, goesDeeper: Bool
  ) -> Bool {
    guard call["type"]?.string == name else { return false }
    guard let stack = step["stack"]?.array else { return true }
    func word(_ fromTop: Int) -> UInt256? {
      stack.count > fromTop ? stack[stack.count - 1 - fromTop].ethereumQuantity : nil
    }
    let value = call["value"]?.ethereumQuantity ?? .zero
    let target = call["to"]?.ethereumAddress
    switch name {
    case "CREATE", "CREATE2":
      let byteCount = UInt256(UInt64(call["input"]?.ethereumData?.count ?? 0))
      guard word(0) ?? value == value, word(2) ?? byteCount == byteCount else { return false }
      if goesDeeper || byteCount.isZero { return true }
      // No initcode ran.
      guard let error = call["error"]?.string else { return false }
      return EVMHalt(gethText: error).map { failuresBeforeCode.contains($0) } ?? true
    case "CALL", "CALLCODE":
      return word(1).map { Address($0) == target } ?? true && word(2) ?? value == value
    case "SELFDESTRUCT": return word(0).map { Address($0) == target } ?? true
    default: return word(1).map { Address($0) == target } ?? true
    }
  }

  private static var failuresBeforeCode: [EVMHalt] {
    [.insufficientBalance, .callDepthExceeded, .addressCollision]
  }

  private mutating func store(_ step: JSONValue, _ account: Address) -> CallTrace.Event? {
    guard let stack = step["stack"]?.array, stack.count > 1,
      let key = stack[stack.count - 1].ethereumQuantity,
      let value = stack[stack.count - 2].ethereumQuantity
    else { return nil }
    let slot = Slot(account: account, key: key)
    let before = storage[slot] ?? .zero
    storage[slot] = value
    return before == value ? nil : .storage(slot: key, before: before, after: value)
  }

  /// Takes what comes next where no steps tell more: calls in order, and logs behind as many of them as they say.
  ///
  /// - Returns: whether there was something.
  private mutating func takeNext(_ depth: Int, _ inside: inout Inside) throws(GethTrace.FormError) -> Bool {
    if let log = inside.logs.first,
      inside.calls.isEmpty || log["position"]?.ethereumNumber ?? .max <= inside.callCount
    {
      inside.logs.removeFirst()
      try take(log: log, &inside)
      return true
    }
    if inside.calls.isEmpty { return false }
    try takeCall(depth, &inside)
    return true
  }

  private mutating func takeCall(_ depth: Int, _ inside: inout Inside) throws(GethTrace.FormError) {
    let json = inside.calls.removeFirst()
    inside.callCount += 1
    if json["type"]?.string == "SELFDESTRUCT" {
      guard let heir = json["to"]?.ethereumAddress else { throw GethTrace.FormError(member: "to") }
      inside.events.append(.selfDestruct(heir: heir, value: json["value"]?.ethereumQuantity ?? .zero))
      return
    }
    inside.events.append(.call(calls.count))
    _ = try read(json, depth: depth + 1)
  }

  private func take(log: JSONValue, _ inside: inout Inside) throws(GethTrace.FormError) {
    guard let log = log.ethereumLog else { throw GethTrace.FormError(member: "logs") }
    inside.events.append(.log(log))
  }
}

extension CallTrace.Kind {
  fileprivate init?(name: String) {
    let all: [CallTrace.Kind] = [.call, .callCode, .delegateCall, .staticCall, .create, .create2]
    guard let kind = all.first(where: { $0.name == name }) else { return nil }
    self = kind
  }
}
