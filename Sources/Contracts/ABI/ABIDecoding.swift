// Bytes to values, strictly: padding is zero or the sign, booleans are 0 or 1, strings are UTF-8, an offset leads
// behind the heads and into the data. What follows the last value is left alone, as contracts leave it. No input
// makes it slow: bytes may be used more than once, as the format allows, but not more often than `overlapLimit` times
// on average.

import Primitives
import WideIntegers

/// Reads one encoding.
struct ABIDecoder {
  private let bytes: [UInt8]
  /// Bytes that may still be read, counting every use.
  private var budget: Int

  private static let overlapLimit = 16

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    budget = bytes.count * Self.overlapLimit
  }

  /// The values of a sequence that begins at `start`, `[0, bytes.count]`.
  mutating func read(_ sequence: ABISequence, at start: Int) throws(ABIError) -> [ABIValue] {
    let headByteCount = sequence.headWordCount * 32
    var values: [ABIValue] = []
    values.reserveCapacity(min(sequence.count, (bytes.count - start) / 32))
    var head = start
    for index in 0..<sequence.count {
      let type = sequence.type(at: index)
      do throws(ABIError) {
        if type.isDynamic {
          values.append(try readTail(type, at: try offset(at: head, start, headByteCount, type)))
        } else {
          values.append(try readStatic(type, at: head))
        }
      } catch { throw error.inside(sequence.component(at: index)) }
      head += type.headWordCount * 32
    }
    return values
  }

  /// Where a tail begins whose offset stands at `head`.
  private mutating func offset(
    at head: Int, _ start: Int, _ headByteCount: Int, _ type: ABIType
  ) throws(ABIError) -> Int {
    let word = try word(at: head, type)
    guard let value = word.uint64, value >= UInt64(headByteCount), value < UInt64(bytes.count - start) else {
      throw .data(ABIPath(), type: type.name, offset: head, .offset(word.decimalText))
    }
    return start + Int(value)
  }

  private mutating func readTail(_ type: ABIType, at offset: Int) throws(ABIError) -> ABIValue {
    switch type {
    case .bytes: return .bytes(Array(try counted(at: offset, type)))
    case .string:
      guard let text = String(validating: try counted(at: offset, type), as: UTF8.self) else {
        throw .data(ABIPath(), type: type.name, offset: offset, .notUTF8)
      }
      return .string(text)
    case .array(let element):
      let length = try word(at: offset, type)
      // Every element takes a word or more of its own.
      guard let count = length.uint64, count <= UInt64((bytes.count - offset - 32) / 32) else {
        throw .data(ABIPath(), type: type.name, offset: offset, .length(length.decimalText))
      }
      return .list(try read(.elements(element, count: Int(count)), at: offset + 32))
    case .fixedArray(let element, let count):
      return .list(try read(.elements(element, count: count), at: offset))
    case .tuple(let members): return .list(try read(.members(members, root: nil), at: offset))
    default: return try readStatic(type, at: offset)
    }
  }

  private mutating func readStatic(_ type: ABIType, at offset: Int) throws(ABIError) -> ABIValue {
    switch type {
    case .fixedArray(let element, let count):
      return .list(try read(.elements(element, count: count), at: offset))
    case .tuple(let members): return .list(try read(.members(members, root: nil), at: offset))
    default: return try ABIDecoder.value(of: try word(at: offset, type), type, at: offset)
    }
  }

  /// A type of one word.
  private static func value(
    of word: UInt256, _ type: ABIType, at offset: Int
  ) throws(ABIError) -> ABIValue {
    func fault(_ fault: ABIDataFault) -> ABIError {
      .data(ABIPath(), type: type.name, offset: offset, fault)
    }
    func leading(_ count: Int) throws(ABIError) -> ABIValue {
      guard (word << UInt64(count * 8)).isZero else { throw fault(.padding) }
      return .bytes(Array(word.bigEndianBytes.prefix(count)))
    }
    switch type {
    case .address:
      guard word.bitWidth <= 160 else { throw fault(.padding) }
      return .address(Address(word))
    case .bool:
      guard word <= .one else { throw fault(.notBool) }
      return .bool(!word.isZero)
    case .fixedBytes(let count): return try leading(count)
    case .function: return try leading(24)
    default:
      guard let range = type.range, range.contains(word) else { throw fault(.padding) }
      return range.isSigned ? .int(word) : .uint(word)
    }
  }

  /// The bytes behind a length, and zeros up to a whole word.
  private mutating func counted(at offset: Int, _ type: ABIType) throws(ABIError) -> ArraySlice<UInt8> {
    let length = try word(at: offset, type)
    let start = offset + 32
    guard let count = length.uint64, count <= UInt64(bytes.count - start) else {
      throw .data(ABIPath(), type: type.name, offset: offset, .length(length.decimalText))
    }
    let end = start + Int(count)
    let padded = start + (Int(count) + 31) / 32 * 32
    guard padded <= bytes.count else {
      throw .data(
        ABIPath(), type: type.name, offset: start,
        .tooShort(needed: UInt64(padded - start), available: bytes.count - start))
    }
    try spend(padded - start, type, at: offset)
    guard bytes[end..<padded].allSatisfy({ $0 == 0 }) else {
      throw .data(ABIPath(), type: type.name, offset: end, .padding)
    }
    return bytes[start..<end]
  }

  private mutating func word(at offset: Int, _ type: ABIType) throws(ABIError) -> UInt256 {
    guard offset + 32 <= bytes.count, let word = UInt256(bigEndian: bytes[offset..<offset + 32]) else {
      throw .data(
        ABIPath(), type: type.name, offset: offset,
        .tooShort(needed: 32, available: max(0, bytes.count - offset)))
    }
    try spend(32, type, at: offset)
    return word
  }

  private mutating func spend(_ count: Int, _ type: ABIType, at offset: Int) throws(ABIError) {
    budget -= count
    if budget < 0 { throw .data(ABIPath(), type: type.name, offset: offset, .overlapping) }
  }
}

extension [ABIParameter] {
  /// The values that `bytes` begins with.
  ///
  /// - Parameter root: what errors call a value.
  package func decode(_ bytes: [UInt8], root: ABIPath.Root = .result) throws(ABIError) -> [ABIValue] {
    var decoder = ABIDecoder(bytes)
    return try decoder.read(.members(self, root: root), at: 0)
  }
}
