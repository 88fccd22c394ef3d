// Call trees from a node's tracers. That they are those of our own tracer is compared over whole programs by
// Tools/oracle/ethereum_tools.py; here is what our node does not answer: nodes of other makes, missing parts, damage.

import EVM
import Primitives
import Testing
import WideIntegers

@testable import Estuary

struct GethTraceTests {
  static let (alice, first, second) = ("0x" + hex(0xa1), "0x" + hex(0xc1), "0x" + hex(0xc2))

  static func hex(_ number: UInt8) -> String { String(repeating: Hex.encode([number]), count: 20) }
  static func address(_ text: String) -> Address { Address(hex: text) ?? .zero }

  static func frame(
    _ type: String, from: String, to: String?, gasUsed: String = "0x64", error: String? = nil,
    _ rest: String = ""
  ) -> String {
    var text =
      "{\"type\":\"\(type)\",\"from\":\"\(from)\",\"gas\":\"0x186a0\",\"gasUsed\":\"\(gasUsed)\",\"input\":\"0x\""
    if let to { text += ",\"to\":\"\(to)\"" }
    if let error { text += ",\"error\":\"\(error)\"" }
    return text + (rest.isEmpty ? "" : "," + rest) + "}"
  }

  static func log(_ position: Int?) -> String {
    "{\"address\":\"\(first)\",\"topics\":[],\"data\":\"0x\(position.map { "0\($0)" } ?? "ff")\""
      + (position.map { ",\"position\":\"0x\($0)\"" } ?? "") + "}"
  }

  static func step(
    _ depth: Int, _ op: String, gas: Int = 100, cost: Int = 1, _ stack: [String] = [], error: String? = nil
  )
    -> String
  {
    "{\"pc\":0,\"op\":\"\(op)\",\"gas\":\(gas),\"gasCost\":\(cost),\"depth\":\(depth)"
      + (error.map { ",\"error\":\"\($0)\"" } ?? "")
      + ",\"stack\":[\(stack.map { "\"\($0)\"" }.joined(separator: ","))]}"
  }

  static func read(_ calls: String, steps: [String]? = nil, prestate: String = "{}") throws -> GethTrace {
    let steps = try steps.map { try JSONValue.parse("[" + $0.joined(separator: ",") + "]").array ?? [] }
    return try GethTrace(
      callTracer: JSONValue.parse(calls), structLogs: steps,
      prestate: steps == nil ? nil : JSONValue.parse(prestate))
  }

  /// What a call did, in one word each.
  static func outline(_ trace: GethTrace, _ position: Int = 0) -> [String] {
    trace.calls.calls[position].events.map { event in
      switch event {
      case .call(let inner): "call \(inner)"
      case .log(let log): "log \(Hex.encode(log.data))"
      case .storage(let slot, let before, let after): "\(slot): \(before) \(after)"
      case .selfDestruct(let heir, let value): "end \(heir) \(value)"
      case .program: "program"
      }
    }
  }

  @Test(arguments: EVMHalt.allCases)
  func haltsAreReadFromTheirOwnWords(halt: EVMHalt) { #expect(EVMHalt(gethText: halt.gethText) == halt) }

  @Test(arguments: [
    ("execution reverted: no", EVMHalt.revert), ("stack underflow (0 <=> 1)", .stackUnderflow),
    ("invalid opcode: opcode 0xfe not defined", .invalidOpcode),
    ("out of gas: not enough gas for reentrancy", .outOfGas),
    ("gas required exceeds allowance (30000)", .outOfGas),
    ("max code size exceeded: code size 9 limit 8", .codeTooLarge),
    ("insufficient funds for gas * price + value: address 0x00 have 0 want 1", nil),
    ("header not found", nil), ("", nil),
  ])
  func haltsAreReadFromWordsOfNodes(text: String, halt: EVMHalt?) { #expect(EVMHalt(gethText: text) == halt) }

  @Test func withoutStepsLogsStandWhereTheySay() throws {
    let inner = Self.frame("STATICCALL", from: Self.first, to: Self.second)
    let end =
      "{\"type\":\"SELFDESTRUCT\",\"from\":\"\(Self.first)\",\"to\":\"\(Self.alice)\",\"value\":\"0x5\"}"
    let calls = Self.frame(
      "CALL", from: Self.alice, to: Self.first,
      "\"calls\":[\(inner),\(end)],\"logs\":[\(Self.log(0)),\(Self.log(1)),\(Self.log(2)),\(Self.log(nil))]")
    let trace = try Self.read(calls)
    #expect(
      Self.outline(trace) == [
        "log 00", "call 1", "log 01", "end \(Self.address(Self.alice)) 0x5", "log 02", "log ff",
      ])
    #expect(trace.gasUsed == 100 && trace.calls.calls[0].gas == 100_000)
    #expect(
      trace.calls.calls[1].kind == .staticCall && trace.calls.calls[1].account == Self.address(Self.second))
  }

  @Test func stepsSayWhatIsStoredAndWhere() throws {
    // The delegated call writes the caller's slots; what the failing call stores is taken back.
    let delegated = Self.frame("DELEGATECALL", from: Self.first, to: Self.second)
    let failing = Self.frame("CALL", from: Self.first, to: Self.second, error: "execution reverted")
    let calls = Self.frame(
      "CALL", from: Self.alice, to: Self.first, gasUsed: "0x5dc0",
      "\"calls\":[\(delegated),\(failing)],\"logs\":[\(Self.log(1))]")
    let steps = [
      Self.step(1, "SSTORE", gas: 900, cost: 10, ["0x7", "0x1"]), Self.step(1, "SSTORE", ["0x7", "0x1"]),
      Self.step(1, "DELEGATECALL", ["0x0", Self.second, "0x9"]), Self.step(2, "SSTORE", ["0x8", "0x1"]),
      Self.step(2, "STOP"),
      Self.step(1, "LOG0", ["0x0", "0x0"]), Self.step(1, "CALL", ["0x0", Self.second, "0x9"]),
      Self.step(2, "SSTORE", ["0x9", "0x1"]), Self.step(2, "SSTORE", ["0x5", "0x2"], error: "out of gas"),
      Self.step(2, "REVERT"),
      Self.step(1, "SSTORE", ["0x3", "0x1"]), Self.step(1, "STOP", gas: 400, cost: 0),
    ]
    let trace = try Self.read(
      calls, steps: steps, prestate: "{\"\(Self.first)\":{\"nonce\":1,\"storage\":{\"0x01\":\"0x02\"}}}")
    #expect(Self.outline(trace) == ["0x1: 0x2 0x7", "call 1", "log 01", "call 2", "0x1: 0x8 0x3"])
    #expect(Self.outline(trace, 1) == ["0x1: 0x7 0x8"])
    #expect(Self.outline(trace, 2) == ["0x1: 0x0 0x9"])
    #expect(trace.calls.calls[1].account == Self.address(Self.first))
    #expect(trace.calls.calls[2].halt == .revert)
    // Of its own, without the transaction's.
    #expect(trace.calls.calls[0].gas == 900 && trace.calls.calls[0].gasUsed == 500)
    #expect(trace.gasUsed == 24_000)
  }

  @Test func aCallThatIsNotListedMovesNoOther() throws {
    // The first CALL failed by depth, which some nodes do not list.
    let inner = Self.frame("CALL", from: Self.first, to: Self.second)
    let calls = Self.frame("CALL", from: Self.alice, to: Self.first, "\"calls\":[\(inner)]")
    let steps = [
      Self.step(1, "CALL", ["0x0", Self.alice, "0x9"]), Self.step(1, "SSTORE", ["0x7", "0x1"]),
      Self.step(1, "CALL", ["0x0", Self.second, "0x9"]), Self.step(2, "STOP"), Self.step(1, "STOP"),
    ]
    #expect(Self.outline(try Self.read(calls, steps: steps)) == ["0x1: 0x0 0x7", "call 1"])
    // Steps without an end, of a trace that was cut off, and steps of a call that is not told of.
    #expect(Self.outline(try Self.read(calls, steps: Array(steps.prefix(2)))) == ["0x1: 0x0 0x7", "call 1"])
    let cut = [
      Self.step(1, "CALL"), Self.step(2, "CALL"), Self.step(3, "SSTORE", ["0x1", "0x1"]),
      Self.step(1, "STOP"),
    ]
    #expect(Self.outline(try Self.read(calls, steps: cut)) == ["call 1"])
  }

  @Test func aCreationThatIsNotListedMovesNoOther() throws {
    // The first one of each pair failed by balance.
    let inner = Self.frame("CREATE2", from: Self.first, to: Self.second)
    let calls = Self.frame("CALL", from: Self.alice, to: Self.first, "\"calls\":[\(inner)]")
    let stored = [Self.step(2, "SSTORE", ["0x7", "0x1"]), Self.step(2, "STOP"), Self.step(1, "STOP")]
    let empty = [Self.step(1, "CREATE2", ["0x0", "0x0", "0x9"]), Self.step(1, "SSTORE", ["0x7", "0x1"])]
    let other = Self.step(1, "CREATE2", ["0x0", "0x0", "0x0"])
    let trace = try Self.read(calls, steps: empty + [other] + stored)
    #expect(Self.outline(trace) == ["0x1: 0x0 0x7", "call 1"] && Self.outline(trace, 1) == ["0x1: 0x0 0x7"])
    // Alike in all that the stack says.
    let code = inner.replacing("\"input\":\"0x\"", with: "\"input\":\"0x00\"")
    let pair = Self.frame("CALL", from: Self.alice, to: Self.first, "\"calls\":[\(code)]")
    let alike = Self.step(1, "CREATE2", ["0x1", "0x0", "0x0"])
    let second = try Self.read(pair, steps: [alike, Self.step(1, "SSTORE", ["0x7", "0x1"]), alike] + stored)
    #expect(
      Self.outline(second) == ["0x1: 0x0 0x7", "call 1"] && Self.outline(second, 1) == ["0x1: 0x0 0x7"])
  }

  @Test func wordsOfOtherNodesAreKept() throws {
    let calls = Self.frame("CREATE", from: Self.alice, to: nil, error: "EvmError: NotActivated")
    let trace = try Self.read(calls)
    #expect(trace.words == [0: "EvmError: NotActivated"] && trace.calls.calls[0].halt != nil)
    #expect(
      try Self.read(Self.frame("CALL", from: Self.alice, to: Self.first, error: "Reverted")).calls.calls[0]
        .halt == .revert)
  }

  @Test(arguments: [
    ("{}", "gasUsed"), ("[]", "gasUsed"), (frame("SLEEP", from: alice, to: first), "type"),
    (frame("CALL", from: "0x12", to: first), "from"), (frame("CALL", from: alice, to: nil), "to"),
    (frame("CALL", from: alice, to: first, gasUsed: "lots"), "gasUsed"),
    (frame("CALL", from: alice, to: first, "\"calls\":[{\"gasUsed\":\"0x1\"}]"), "type"),
    (frame("CALL", from: alice, to: first, "\"calls\":[{\"type\":\"SELFDESTRUCT\"}]"), "to"),
    (frame("CALL", from: alice, to: first, "\"logs\":[{\"topics\":[]}]"), "logs"),
  ])
  func damageIsNamed(calls: String, member: String) {
    #expect(throws: GethTrace.FormError(member: member)) { try Self.read(calls) }
  }
}
