import Primitives
import Testing

@Suite struct ByteReaderTests {
  private func reading<Value>(
    _ bytes: [UInt8], _ body: (inout ByteReader) throws(CodecError) -> Value
  ) -> (Result<Value, CodecError>, offset: Int) {
    bytes.withUnsafeBytes { raw in
      var reader = ByteReader(raw)
      do throws(CodecError) {
        let value = try body(&reader)
        return (.success(value), reader.offset)
      } catch {
        return (.failure(error), reader.offset)
      }
    }
  }

  @Test func readsWhatTheWriterWrote() throws {
    var random = SplitMix64(seed: 3)
    let (key, hash, signature) = (random.pubkey(), random.hash(), Signature(random.bytes(64))!)
    var writer = ByteWriter(capacity: 16)
    writer.write(UInt8(200))
    writer.write(UInt16(0x1234))
    writer.write(UInt32(0xdead_beef))
    writer.write(UInt64.max - 1)
    writer.write(Int64.min)
    writer.write(0.99)
    writer.write(true)
    writer.write(key)
    writer.write(hash)
    writer.write(signature)
    writer.writeVector([1, 2, 3])
    writer.writeString("über")
    writer.writeOption(key) { $0.write($1) }
    writer.writeOption(UInt64?.none) { $0.write($1) }
    writer.writeCompactU16(300)
    writer.writeZeroes(count: 5)
    try writer.bytes.withUnsafeBytes { raw in
      var reader = ByteReader(raw)
      #expect(try reader.readUInt8() == 200)
      #expect(try reader.readUInt16() == 0x1234)
      #expect(try reader.readUInt32() == 0xdead_beef)
      #expect(try reader.readUInt64() == UInt64.max - 1)
      #expect(try reader.readInt64() == Int64.min)
      #expect(try reader.readDouble() == 0.99)
      #expect(try reader.readBool())
      #expect(try reader.readPubkey() == key)
      #expect(try reader.readHash() == hash)
      #expect(try reader.readSignature() == signature)
      #expect(try Array(reader.readVector()) == [1, 2, 3])
      #expect(try reader.readString() == "über")
      #expect(try reader.readOption { (inner) throws(CodecError) in try inner.readPubkey() } == key)
      #expect(try reader.readOption { (inner) throws(CodecError) in try inner.readUInt64() } == nil)
      #expect(try reader.readCompactU16() == 300)
      #expect(reader.remaining == 5)
      try reader.skip(byteCount: 5)
      try reader.expectEnd()
      #expect(reader.isAtEnd)
    }
    #expect(Array(writer.bytes[1..<7]) == [0x34, 0x12, 0xef, 0xbe, 0xad, 0xde])
  }

  @Test(
    arguments: [
      ([0x00], 0), ([0x7f], 0x7f), ([0x80, 0x01], 0x80), ([0xff, 0x01], 0xff), ([0x80, 0x02], 0x100),
      ([0xff, 0xff, 0x01], 0x7fff), ([0x80, 0x80, 0x02], 0x8000), ([0xff, 0xff, 0x03], 0xffff),
    ] as [([UInt8], UInt16)])
  func compactU16(bytes: [UInt8], value: UInt16) {
    let (result, offset) = reading(bytes + [9]) { (reader) throws(CodecError) in try reader.readCompactU16() }
    #expect(result == .success(value))
    #expect(offset == bytes.count)
    var writer = ByteWriter()
    writer.writeCompactU16(value)
    #expect(writer.bytes == bytes)
  }

  @Test(
    arguments: [
      [], [0x80], [0x80, 0x80], [0x80, 0x00], [0x80, 0x80, 0x00], [0xff, 0x00], [0xff, 0x80, 0x00],
      [0x80, 0x80, 0x04],
      [0x80, 0x80, 0x80], [0x80, 0x80, 0x80, 0x00], [0xff, 0xff, 0x04], [0x80, 0x80, 0x06],
    ] as [[UInt8]])
  func refusesCompactU16(bytes: [UInt8]) {
    let (result, offset) = reading(bytes) { (reader) throws(CodecError) in try reader.readCompactU16() }
    #expect(throws: CodecError.self) { try result.get() }
    #expect(offset == 0)
  }

  @Test func everyCompactU16ComesBack() {
    for value in UInt16.min...UInt16.max {
      var writer = ByteWriter()
      writer.writeCompactU16(value)
      let (result, offset) = reading(writer.bytes) { (reader) throws(CodecError) in
        try reader.readCompactU16()
      }
      if result != .success(value) || offset != writer.bytes.count { Issue.record("\(value)") }
    }
  }

  @Test func truncationNamesTheOffset() {
    let short = reading([1, 2, 3, 4, 5]) { (reader) throws(CodecError) in
      try reader.skip(byteCount: 3)
      return try reader.readUInt32()
    }
    #expect(short.0 == .failure(.endOfInput(offset: 3, needed: 4, available: 2)))
    #expect(short.offset == 3)
    let key = reading(pattern(31)) { (reader) throws(CodecError) in try reader.readPubkey() }
    #expect(key.0 == .failure(.endOfInput(offset: 0, needed: 32, available: 31)))
    let negative = reading(pattern(31)) { (reader) throws(CodecError) in try reader.skip(byteCount: -1) }
    #expect(throws: CodecError.self) { try negative.0.get() }
    let none = reading([]) { (reader) throws(CodecError) in try reader.readUInt8() }
    #expect(none.0 == .failure(.endOfInput(offset: 0, needed: 1, available: 0)))
  }

  @Test func lengthsAndTagsAreChecked() {
    let huge = reading([UInt8](repeating: 255, count: 12)) { (reader) throws(CodecError) in
      try reader.readVector().count
    }
    #expect(huge.0 == .failure(.lengthExceedsInput(offset: 0, length: .max)))
    #expect(huge.offset == 0)
    let text = reading([2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x28]) { (reader) throws(CodecError) in
      try reader.readString()
    }
    #expect(text.0 == .failure(.invalidUTF8(offset: 0)))
    #expect(text.offset == 0)
    for tag in UInt8(2)...255 {
      let option = reading([tag, 1, 1, 1, 1, 1, 1, 1, 1]) { (reader) throws(CodecError) in
        try reader.readOption { (inner) throws(CodecError) in try inner.readUInt64() }
      }
      #expect(option.0 == .failure(.invalidTag(offset: 0, value: tag)))
    }
    let cut = reading([1, 1]) { (reader) throws(CodecError) in
      try reader.readOption { (inner) throws(CodecError) in try inner.readUInt64() }
    }
    #expect(cut.0 == .failure(.endOfInput(offset: 1, needed: 8, available: 1)))
    #expect(cut.offset == 0)
    let rest = reading([1, 2, 3]) { (reader) throws(CodecError) in
      _ = try reader.readUInt8()
      try reader.expectEnd()
      return 0
    }
    #expect(rest.0 == .failure(.trailingBytes(offset: 1, count: 2)))
  }
}
