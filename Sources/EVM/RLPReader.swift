// Strict reading of RLP (Yellow Paper appendix B): one encoding a value, nothing beyond the end. A failed read leaves
// the reader where it was. Nesting costs no stack: a list is read by a reader of its own.

import Primitives
import WideIntegers

/// A cursor over the items of an input or of one list in it; somebody else keeps the bytes alive.
package struct RLPReader {
  private let bytes: UnsafeRawBufferPointer
  /// Counted from the start of the whole input, `[0, end]`.
  package private(set) var offset: Int
  private let end: Int

  package init(_ bytes: UnsafeRawBufferPointer) { self.init(bytes: bytes, range: 0..<bytes.count) }

  private init(bytes: UnsafeRawBufferPointer, range: Range<Int>) {
    (self.bytes, offset, end) = (bytes, range.lowerBound, range.upperBound)
  }

  package var isAtEnd: Bool { offset == end }

  /// Whether the next item is a list; false at the end.
  package var isAtList: Bool { offset < end && bytes[offset] >= RLP.emptyList }

  /// Refuses items that nobody asked for.
  package func expectEnd() throws(RLPError) {
    if offset < end { throw .trailingBytes(offset: offset, count: end - offset) }
  }

  /// The next item, a byte string; the bytes are not copied.
  package mutating func readBytes() throws(RLPError) -> UnsafeRawBufferPointer {
    let (isList, payload) = try header()
    if isList { throw .expectedBytes(offset: offset) }
    offset = payload.upperBound
    return UnsafeRawBufferPointer(rebasing: bytes[payload])
  }

  /// The next item, a list.
  package mutating func readList() throws(RLPError) -> RLPReader {
    let (isList, payload) = try header()
    if !isList { throw .expectedList(offset: offset) }
    offset = payload.upperBound
    return RLPReader(bytes: bytes, range: payload)
  }

  /// The next item's encoding, header included; what a list holds is not looked at.
  package mutating func readEncoded() throws(RLPError) -> UnsafeRawBufferPointer {
    let start = offset
    offset = try header().payload.upperBound
    return UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
  }

  package mutating func readUInt64() throws(RLPError) -> UInt64 { try readUInt256(byteCount: 8).limb0 }

  /// An integer of at most `byteCount` bytes, which is at most 32.
  package mutating func readUInt256(byteCount limit: Int = 32) throws(RLPError) -> UInt256 {
    var ahead = self
    let raw = try ahead.readBytes()
    guard raw.count <= limit else { throw .integerTooLarge(offset: offset, byteCount: raw.count) }
    if let first = raw.first, first == 0 { throw .leadingZero(offset: offset) }
    self = ahead
    return UInt256(bigEndian: raw) ?? .zero  // at most 32 bytes
  }

  package mutating func readAddress() throws(RLPError) -> Address {
    Address(reading: try readBytes(count: 20).baseAddress.unsafelyUnwrapped)  // 20 bytes
  }

  /// An address, or `nil` for the empty byte string.
  package mutating func readOptionalAddress() throws(RLPError) -> Address? {
    if offset < end, bytes[offset] == RLP.emptyBytes {
      offset += 1
      return nil
    }
    return try readAddress()
  }

  package mutating func readHash() throws(RLPError) -> Hash {
    Hash(reading: try readBytes(count: 32).baseAddress.unsafelyUnwrapped)  // 32 bytes
  }

  private mutating func readBytes(count: Int) throws(RLPError) -> UnsafeRawBufferPointer {
    var ahead = self
    let raw = try ahead.readBytes()
    guard raw.count == count else {
      throw .invalidByteCount(offset: offset, expected: count, found: raw.count)
    }
    self = ahead
    return raw
  }

  /// What the item at `offset` is and where its payload lies.
  private func header() throws(RLPError) -> (isList: Bool, payload: Range<Int>) {
    guard offset < end else { throw .endOfInput(offset: offset) }
    let first = bytes[offset]
    if first < RLP.emptyBytes { return (false, offset..<offset + 1) }
    let isList = first >= RLP.emptyList
    let size = Int(first &- (isList ? RLP.emptyList : RLP.emptyBytes))
    if size <= 55 {
      let payload = try range(from: offset + 1, count: size)
      if !isList, size == 1, bytes[payload.lowerBound] < RLP.emptyBytes {
        throw .nonCanonicalByte(offset: offset)
      }
      return (isList, payload)
    }
    let lengthBytes = try range(from: offset + 1, count: size - 55)
    if bytes[lengthBytes.lowerBound] == 0 { throw .nonCanonicalLength(offset: offset) }
    // Up to eight bytes; a length above Int.max cannot be in memory.
    let length = lengthBytes.reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
    if length <= 55 { throw .nonCanonicalLength(offset: offset) }
    guard let count = Int(exactly: length) else { throw .lengthExceedsInput(offset: offset) }
    return (isList, try range(from: lengthBytes.upperBound, count: count))
  }

  private func range(from start: Int, count: Int) throws(RLPError) -> Range<Int> {
    guard count <= end - start else { throw .lengthExceedsInput(offset: offset) }
    return start..<start + count
  }
}
