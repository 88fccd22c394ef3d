import Primitives
import Testing
import WideIntegers

@testable import Contracts

@Suite struct ABICodingTests {
  private static func word(_ value: UInt64) -> [UInt8] { UInt256(value).bigEndianBytes }

  @Test func encodesSpecificationExample() throws {
    // The ABI specification's example of a call with dynamic arguments.
    let item = try ABIItem(signature: "f(uint256,uint32[],bytes10,bytes)")
    let data = try item.callData(texts: [
      "0x123", "[0x456,0x789]", "0x31323334353637383930", "0x48656c6c6f2c20776f726c6421",
    ])
    #expect(
      Hex.encode(data) == """
        8be65246\
        0000000000000000000000000000000000000000000000000000000000000123\
        0000000000000000000000000000000000000000000000000000000000000080\
        3132333435363738393000000000000000000000000000000000000000000000\
        00000000000000000000000000000000000000000000000000000000000000e0\
        0000000000000000000000000000000000000000000000000000000000000002\
        0000000000000000000000000000000000000000000000000000000000000456\
        0000000000000000000000000000000000000000000000000000000000000789\
        000000000000000000000000000000000000000000000000000000000000000d\
        48656c6c6f2c20776f726c642100000000000000000000000000000000000000
        """)
  }

  @Test func refusesValuesOfOtherShape() throws {
    let parameters = try ABIItem(signature: "f(uint8,(bool,bytes)[2])").inputs
    let good: [ABIValue] = [
      .uint(1), .list([.list([.bool(true), .bytes([])]), .list([.bool(false), .bytes([1])])]),
    ]
    #expect(try parameters.decode(parameters.encode(good)) == good)
    let bad: [[ABIValue]] = [
      [], [.uint(1)], [.uint(256), good[1]], [.int(1), good[1]], [.uint(1), .list([])],
      [.uint(1), .bool(true)],
      [.uint(1), .list([.list([.bool(true)]), .list([.bool(true), .bytes([])])])],
      [.uint(1), .list([.list([.bool(true), .string("")]), .list([.bool(true), .bytes([])])])],
    ]
    for values in bad { #expect(throws: ABIError.self) { try parameters.encode(values) } }
  }

  @Test func namesWhatCannotBeDecoded() throws {
    let outputs = try #require(try ABIItem(signature: "f()(uint256 count,(string name)[] rows)").outputs)
    let data =
      Self.word(1) + Self.word(64) + Self.word(1) + Self.word(32) + Self.word(32) + Self.word(1) + [0xff]
      + [UInt8](repeating: 0, count: 31)
    let error = #expect(throws: ABIError.self) { try outputs.decode(data) }
    #expect(
      error?.description == "result 2 'rows'[0].name (string) cannot be decoded, at byte 160: not UTF-8")
    let short = #expect(throws: ABIError.self) { try outputs.decode([]) }
    #expect(
      short?.description
        == "result 1 'count' (uint256) cannot be decoded, at byte 0: 32 bytes needed, 0 there")
  }

  /// Every level of the list leads to the same place: read without a limit, it has 64^12 values.
  @Test func stopsAtOverlaps() throws {
    let levels = 12
    var data = Self.word(32)
    for _ in 0..<levels {
      data += Self.word(64)
      for _ in 0..<64 { data += Self.word(64 * 32) }
    }
    data += Self.word(0)
    let type = try ABIType("uint256" + String(repeating: "[]", count: levels + 1))
    let error = #expect(throws: ABIError.self) { try [ABIParameter(type: type)].decode(data) }
    #expect(error?.description.contains("overlap") == true)
  }

  @Test func refusesHugeLengths() throws {
    let type = try ABIType("uint256[][]")
    for length in [UInt256(UInt64.max), .max, UInt256(1 << 40), 3] {
      #expect(throws: ABIError.self) {
        try [ABIParameter(type: type)].decode(
          Self.word(32) + length.bigEndianBytes + Self.word(32) + Self.word(0))
      }
    }
  }

  @Test func readsReverts() throws {
    let errors = [try ABIItem(signature: "error InsufficientBalance(uint256 available, uint256 required)")]
    let message = try ABIItem(signature: "Error(string)").callData(texts: ["not yours"])
    let panic = try ABIItem(signature: "Panic(uint256)").callData(texts: ["0x11"])
    let custom = try errors[0].callData(texts: ["1", "2"])
    #expect(RevertReason(message).description == "not yours")
    #expect(RevertReason(panic).description == "Panic(0x11): arithmetic overflow or underflow")
    #expect(RevertReason(custom, errors: errors).description == "InsufficientBalance(1, 2)")
    #expect(RevertReason(custom).description == "0x" + Hex.encode(custom))
    #expect(RevertReason([]) == .none)
    #expect(RevertReason(Array(message.dropLast())) == .data(Array(message.dropLast())))
    #expect(
      RevertReason(try ABIItem(signature: "Panic(uint256)").callData(texts: ["0x99"])).description
        == "Panic(0x99): unknown panic")
  }

  @Test func readsEvents() throws {
    let transfer = try ABIItem(
      signature: "event Transfer(address indexed from, address indexed to, uint256 value)")
    let token = try ABIItem(
      signature: "event Transfer(address indexed from, address indexed to, uint256 indexed id)")
    let note = try ABIItem(signature: "event Note(string indexed title, uint8[] parts, bool indexed done)")
    let nameless = try ABIItem(signature: "event Raw(uint256 indexed a, bytes b) anonymous")
    let abi = ContractABI(items: [nameless, transfer, token, note])
    let (one, two) = (Hash(UInt256(1)), Hash(UInt256(2)))
    #expect(
      abi.decode(topics: [transfer.topic, one, two], data: Self.word(7))?.description
        == "Transfer(from: 0x0000000000000000000000000000000000000001, to: 0x0000000000000000000000000000000000000002, value: 7)"
    )
    #expect(abi.decode(topics: [transfer.topic, one, two, one], data: [])?.event == token)
    let title = Keccak256.hash(Array("x".utf8))
    let data = Self.word(32) + Self.word(1) + Self.word(9)
    #expect(
      abi.decode(topics: [note.topic, title, one], data: data)?.texts
        == ["0x" + Hex.encode(title.bytes), "[9]", "true"])
    #expect(abi.decode(topics: [two], data: Self.word(32) + Self.word(0))?.event == nameless)
    #expect(abi.decode(topics: [note.topic, title, two], data: data) == nil)  // a bool of 2
    #expect(abi.decode(topics: [], data: []) == nil)
    #expect(throws: ABIError.self) { try note.decode(topics: [note.topic, title, two], data: data) }
  }
}
