import Primitives
import Testing
import WideIntegers

@testable import EVM

struct RLPTests {
  /// Any item, for tests that look at whole trees.
  indirect enum Item: Equatable {
    case bytes([UInt8])
    case list([Item])

    static func read(_ reader: inout RLPReader) throws(RLPError) -> Item {
      guard reader.isAtList else { return .bytes(Array(try reader.readBytes())) }
      var list = try reader.readList()
      var items: [Item] = []
      while !list.isAtEnd { items.append(try read(&list)) }
      return .list(items)
    }

    func write(to writer: inout RLPWriter) {
      switch self {
      case .bytes(let bytes): writer.write(bytes)
      case .list(let items): writer.writeList { writer in for item in items { item.write(to: &writer) } }
      }
    }

    static func random(_ random: inout SplitMix64, depth: Int) -> Item {
      if depth > 0, Bool.random(using: &random) {
        return .list(
          (0..<Int.random(in: 0...5, using: &random)).map { _ in Item.random(&random, depth: depth - 1) })
      }
      let count = [0, 1, 1, 2, 31, 32, 54, 55, 56, 57, 255, 256, 300].randomElement(using: &random)!
      return .bytes((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
  }

  static func decode(_ bytes: [UInt8]) -> Result<Item, RLPError> {
    bytes.withUnsafeBytes { bytes in
      var reader = RLPReader(bytes)
      do throws(RLPError) {
        let item = try Item.read(&reader)
        try reader.expectEnd()
        return .success(item)
      } catch { return .failure(error) }
    }
  }

  static let valid: [(hex: String, item: Item)] = [
    ("80", .bytes([])), ("00", .bytes([0])), ("7f", .bytes([0x7f])), ("8180", .bytes([0x80])),
    ("83646f67", .bytes(Array("dog".utf8))), ("c0", .list([])),
    ("c88363617483646f67", .list([.bytes(Array("cat".utf8)), .bytes(Array("dog".utf8))])),
    ("c7c0c1c0c3c0c1c0", .list([.list([]), .list([.list([])]), .list([.list([]), .list([.list([])])])])),
    ("b7" + String(repeating: "41", count: 55), .bytes([UInt8](repeating: 0x41, count: 55))),
    ("b838" + String(repeating: "41", count: 56), .bytes([UInt8](repeating: 0x41, count: 56))),
    ("f838" + String(repeating: "41", count: 56), .list([Item](repeating: .bytes([0x41]), count: 56))),
    ("b90100" + String(repeating: "41", count: 256), .bytes([UInt8](repeating: 0x41, count: 256))),
  ]

  @Test(arguments: valid) func wellKnownEncodings(hex: String, item: Item) {
    #expect(Self.decode(Hex.decode(hex)!) == .success(item))
    var writer = RLPWriter()
    item.write(to: &writer)
    #expect(Hex.encode(writer.bytes) == hex)
  }

  static let invalid: [(hex: String, error: RLPError)] = [
    ("", .endOfInput(offset: 0)), ("8100", .nonCanonicalByte(offset: 0)),
    ("817f", .nonCanonicalByte(offset: 0)),
    ("81", .lengthExceedsInput(offset: 0)), ("b8", .lengthExceedsInput(offset: 0)),
    ("b800", .nonCanonicalLength(offset: 0)),
    ("b837" + String(repeating: "41", count: 55), .nonCanonicalLength(offset: 0)),
    ("b90038" + String(repeating: "41", count: 56), .nonCanonicalLength(offset: 0)),
    ("bfffffffffffffffff", .lengthExceedsInput(offset: 0)),
    ("ffffffffffffffffff", .lengthExceedsInput(offset: 0)),
    ("bf7fffffffffffffff", .lengthExceedsInput(offset: 0)),
    ("ff7fffffffffffffff", .lengthExceedsInput(offset: 0)),
    ("f837" + String(repeating: "41", count: 55), .nonCanonicalLength(offset: 0)),
    ("f8", .lengthExceedsInput(offset: 0)),
    ("c1", .lengthExceedsInput(offset: 0)), ("c28100", .nonCanonicalByte(offset: 1)),
    ("c283", .lengthExceedsInput(offset: 0)), ("c3836464", .lengthExceedsInput(offset: 1)),
    ("c0c0", .trailingBytes(offset: 1, count: 1)), ("8000", .trailingBytes(offset: 1, count: 1)),
  ]

  @Test(arguments: invalid) func malformedInput(hex: String, error: RLPError) {
    #expect(Self.decode(Hex.decode(hex)!) == .failure(error))
  }

  @Test func randomTreesComeBack() {
    var random = SplitMix64(seed: 31)
    for _ in 0..<2_000 {
      let item = Item.random(&random, depth: 4)
      var writer = RLPWriter()
      item.write(to: &writer)
      #expect(Self.decode(writer.bytes) == .success(item))
    }
  }

  /// Whatever is accepted is the one encoding of what it holds.
  @Test func acceptedBytesAreCanonical() {
    var random = SplitMix64(seed: 32)
    var accepted = 0
    for _ in 0..<200_000 {
      let count = Int.random(in: 1...6, using: &random)
      let bytes = (0..<count).map { _ in
        [0, 1, 0x7f, 0x80, 0x81, 0x82, 0xb7, 0xb8, 0xc0, 0xc1, 0xc2, 0xc4, 0xf7, 0xf8, 0xff].randomElement(
          using: &random)!
          as UInt8
      }
      guard case .success(let item) = Self.decode(bytes) else { continue }
      accepted += 1
      var writer = RLPWriter()
      item.write(to: &writer)
      #expect(writer.bytes == bytes)
    }
    #expect(accepted > 1_000)
  }

  static let integers: [(value: UInt256, hex: String)] = [
    (0, "80"), (1, "01"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"),
    (UInt256(.max), "88ffffffffffffffff"), (UInt256(0, 1, 0, 0), "89010000000000000000"),
    (.max, "a0" + String(repeating: "ff", count: 32)),
  ]

  @Test(arguments: integers) func integersHaveNoLeadingZeros(value: UInt256, hex: String) throws {
    var writer = RLPWriter()
    writer.write(value)
    #expect(Hex.encode(writer.bytes) == hex)
    let (wide, narrow) = try writer.bytes.withUnsafeBytes { bytes in
      var (reader, second) = (RLPReader(bytes), RLPReader(bytes))
      return (try reader.readUInt256(), try? second.readUInt64())
    }
    #expect(wide == value)
    #expect(narrow == value.uint64)
    guard let small = value.uint64 else { return }
    var again = RLPWriter()
    again.write(small)
    #expect(again.bytes == writer.bytes)
  }

  @Test func failedReadsLeaveTheReaderWhereItWas() throws {
    try Hex.decode("820001c0")!.withUnsafeBytes { bytes throws in
      var reader = RLPReader(bytes)
      #expect(throws: RLPError.leadingZero(offset: 0)) { try reader.readUInt64() }
      #expect(throws: RLPError.integerTooLarge(offset: 0, byteCount: 2)) {
        try reader.readUInt256(byteCount: 1)
      }
      #expect(throws: RLPError.invalidByteCount(offset: 0, expected: 20, found: 2)) {
        try reader.readAddress()
      }
      #expect(throws: RLPError.invalidByteCount(offset: 0, expected: 32, found: 2)) { try reader.readHash() }
      #expect(throws: RLPError.expectedList(offset: 0)) { try reader.readList() }
      let encoded = try reader.readEncoded()
      #expect(Array(encoded) == [0x82, 0, 1])
      #expect(throws: RLPError.expectedBytes(offset: 3)) { try reader.readBytes() }
      let list = try reader.readList()
      #expect(list.isAtEnd)
      #expect(reader.isAtEnd)
    }
  }
}
