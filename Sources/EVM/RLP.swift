// Recursive length prefix, Ethereum's serialisation (Yellow Paper appendix B): an item is a byte string or a list of
// items. RLPReader.swift reads it, strictly; this file writes it and says what can be wrong with it.

import WideIntegers

/// Why bytes are no RLP, or not the RLP that was asked for; offsets count from the start of the input.
package enum RLPError: Error, Equatable, Sendable {
  /// An item was asked for at the end of the input or of its list.
  case endOfInput(offset: Int)
  /// An item goes beyond the input or the list that holds it.
  case lengthExceedsInput(offset: Int)
  /// A length that has a shorter form: leading zeros, or the long form for 55 bytes or fewer.
  case nonCanonicalLength(offset: Int)
  /// A single byte below 0x80 with a length before it.
  case nonCanonicalByte(offset: Int)
  case expectedList(offset: Int)
  case expectedBytes(offset: Int)
  /// An integer that begins with a zero byte.
  case leadingZero(offset: Int)
  /// An integer of more bytes than its type has.
  case integerTooLarge(offset: Int, byteCount: Int)
  /// A fixed-size value of another size.
  case invalidByteCount(offset: Int, expected: Int, found: Int)
  /// An input or a list goes on after its last expected item.
  case trailingBytes(offset: Int, count: Int)
}

extension RLPError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .endOfInput(let offset): "the input ends at offset \(offset)"
    case .lengthExceedsInput(let offset): "the item at offset \(offset) goes beyond what holds it"
    case .nonCanonicalLength(let offset): "the length at offset \(offset) has a shorter form"
    case .nonCanonicalByte(let offset): "the byte at offset \(offset) needs no length before it"
    case .expectedList(let offset): "no list at offset \(offset)"
    case .expectedBytes(let offset): "no byte string at offset \(offset)"
    case .leadingZero(let offset): "the integer at offset \(offset) begins with a zero byte"
    case .integerTooLarge(let offset, let count): "the integer at offset \(offset) has \(count) bytes"
    case .invalidByteCount(let offset, let expected, let found):
      "\(found) bytes at offset \(offset), there should be \(expected)"
    case .trailingBytes(let offset, let count): "\(count) bytes too many at offset \(offset)"
    }
  }
}

package enum RLP {
  /// The empty byte string's encoding: also zero, and a missing address.
  package static let emptyBytes: UInt8 = 0x80
  package static let emptyList: UInt8 = 0xc0

  /// How many bytes the header of a payload of `count` bytes takes, a single byte below 0x80 aside.
  package static func headerByteCount(forPayload count: Int) -> Int {
    count <= 55 ? 1 : 1 + lengthByteCount(count)
  }

  /// How many bytes the encoding of an integer takes.
  static func byteCount(of value: UInt256) -> Int { value < 0x80 ? 1 : 1 + value.byteWidth }

  private static func lengthByteCount(_ count: Int) -> Int {
    (UInt64.bitWidth - UInt64(count).leadingZeroBitCount + 7) / 8
  }

  /// Writes the header of a payload of `count` bytes; `base` is `emptyBytes` or `emptyList`.
  static func appendHeader(base: UInt8, payload count: Int, to bytes: inout [UInt8]) {
    guard count > 55 else { return bytes.append(base &+ UInt8(count)) }
    let lengthCount = lengthByteCount(count)
    bytes.append(base &+ 55 &+ UInt8(lengthCount))
    for index in (0..<lengthCount).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: count >> (8 * index)))
    }
  }
}
