// Bounds-checked reading of little-endian wire formats: Solana's transaction format (compact-u16 counts, the
// "short vec" of solana-sdk) and bincode 1 with fixed-width integers (u64 counts, u32 enum tags, one-byte
// options), which instruction data and account state use. A failed read leaves the offset where it was.

/// Why bytes were refused, with the offset from the start of the input.
package enum CodecError: Error, Equatable, Sendable {
  /// `needed` bytes were asked for at `offset` and only `available` are left.
  case endOfInput(offset: Int, needed: Int, available: Int)
  /// Not the shortest form of a number below 65,536.
  case invalidCompactU16(offset: Int)
  /// A boolean or option byte other than 0 and 1.
  case invalidTag(offset: Int, value: UInt8)
  /// A count or length that cannot fit into the bytes that are left.
  case lengthExceedsInput(offset: Int, length: UInt64)
  case invalidUTF8(offset: Int)
  case trailingBytes(offset: Int, count: Int)
}

extension CodecError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .endOfInput(let offset, let needed, let available):
      "\(needed) bytes are needed at offset \(offset), and \(available) are left"
    case .invalidCompactU16(let offset):
      "the number at offset \(offset) is not the shortest form of one below 65,536"
    case .invalidTag(let offset, let value): "the byte at offset \(offset) is \(value), neither 0 nor 1"
    case .lengthExceedsInput(let offset, let length):
      "the length at offset \(offset), \(length), is more than what is left"
    case .invalidUTF8(let offset): "the text at offset \(offset) is not UTF-8"
    case .trailingBytes(let offset, let count): "\(count) bytes too many at offset \(offset)"
    }
  }
}

/// A cursor over bytes that somebody else keeps alive.
package struct ByteReader {
  package let bytes: UnsafeRawBufferPointer
  /// `[0, bytes.count]`
  package private(set) var offset = 0

  @inlinable package init(_ bytes: UnsafeRawBufferPointer) {
    self.init(bytes: bytes)
  }

  @usableFromInline init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// How many bytes are left.
  package var remaining: Int { bytes.count - offset }
  package var isAtEnd: Bool { offset == bytes.count }

  /// The next `count` bytes, which are not copied.
  package mutating func read(byteCount count: Int) throws(CodecError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else {
      throw .endOfInput(offset: offset, needed: count, available: remaining)
    }
    let slice = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    offset += count
    return slice
  }

  package mutating func skip(byteCount count: Int) throws(CodecError) {
    _ = try read(byteCount: count)
  }

  @inline(__always) private mutating func load<T: BitwiseCopyable>(_ type: T.Type) throws(CodecError) -> T {
    let count = MemoryLayout<T>.size
    guard count <= remaining, let base = bytes.baseAddress else {
      throw .endOfInput(offset: offset, needed: count, available: remaining)
    }
    let value = base.loadUnaligned(fromByteOffset: offset, as: T.self)
    offset += count
    return value
  }

  package mutating func readUInt8() throws(CodecError) -> UInt8 { try load(UInt8.self) }
  package mutating func readUInt16() throws(CodecError) -> UInt16 {
    UInt16(littleEndian: try load(UInt16.self))
  }
  package mutating func readUInt32() throws(CodecError) -> UInt32 {
    UInt32(littleEndian: try load(UInt32.self))
  }
  package mutating func readUInt64() throws(CodecError) -> UInt64 {
    UInt64(littleEndian: try load(UInt64.self))
  }
  package mutating func readInt64() throws(CodecError) -> Int64 { Int64(littleEndian: try load(Int64.self)) }

  package mutating func readDouble() throws(CodecError) -> Double {
    Double(bitPattern: try readUInt64())
  }

  package mutating func readPubkey() throws(CodecError) -> Pubkey { try readBytes32() }
  package mutating func readHash() throws(CodecError) -> Hash { try readBytes32() }

  private mutating func readBytes32<Value: Bytes32>() throws(CodecError) -> Value {
    let slice = try read(byteCount: 32)
    return Value(reading: slice.baseAddress.unsafelyUnwrapped)  // not empty, so it has an address
  }

  package mutating func readSignature() throws(CodecError) -> Signature {
    let slice = try read(byteCount: 64)
    return Signature(reading: slice.baseAddress.unsafelyUnwrapped)  // not empty, so it has an address
  }

  /// One byte, 0 or 1.
  package mutating func readBool() throws(CodecError) -> Bool {
    let start = offset
    let value = try readUInt8()
    guard value < 2 else {
      offset = start
      throw .invalidTag(offset: start, value: value)
    }
    return value == 1
  }

  /// bincode's option: one byte, 0 or 1, then the value where it is 1.
  package mutating func readOption<Value>(
    _ read: (inout ByteReader) throws(CodecError) -> Value
  ) throws(CodecError) -> Value? {
    let start = offset
    do throws(CodecError) {
      return try readBool() ? try read(&self) : nil
    } catch {
      offset = start
      throw error
    }
  }

  /// bincode's byte vector: u64 length, then the bytes, which are not copied.
  package mutating func readVector() throws(CodecError) -> UnsafeRawBufferPointer {
    let start = offset
    let length = try readUInt64()
    guard length <= UInt64(remaining) else {
      offset = start
      throw .lengthExceedsInput(offset: start, length: length)
    }
    return try read(byteCount: Int(length))
  }

  /// bincode's string: u64 length, then UTF-8.
  package mutating func readString() throws(CodecError) -> String {
    let start = offset
    let slice = try readVector()
    guard let text = String(validating: slice, as: UTF8.self) else {
      offset = start
      throw .invalidUTF8(offset: start)
    }
    return text
  }

  /// A number below 65,536 in one to three bytes of seven bits, least significant first; only the shortest
  /// form is accepted, as by Agave.
  package mutating func readCompactU16() throws(CodecError) -> UInt16 {
    let start = offset
    var value: UInt32 = 0
    for index in 0..<3 {
      guard offset < bytes.count else {
        let available = bytes.count - start
        offset = start
        throw .endOfInput(offset: start, needed: available + 1, available: available)
      }
      let byte = bytes[offset]
      offset += 1
      if byte == 0 && index > 0 { break }  // a longer form of a smaller number
      value |= UInt32(byte & 0x7f) << UInt32(7 * index)
      if byte < 0x80 {
        if value > 0xffff { break }
        return UInt16(value)
      }
    }
    offset = start
    throw .invalidCompactU16(offset: start)
  }

  /// Refuses input that goes on.
  package func expectEnd() throws(CodecError) {
    if remaining > 0 { throw .trailingBytes(offset: offset, count: remaining) }
  }
}
