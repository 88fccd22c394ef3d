// Arguments as the contract ABI encodes them (https://docs.soliditylang.org/en/latest/abi-spec.html), read where they lie.
// Every offset and length is checked: a call that is cut short, or points beyond its end, is refused and names the argument.

import Ledger
import Primitives
import WideIntegers

struct Calldata {
  /// Behind the selector, or from the start of a tuple on.
  let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func word(at offset: Int, _ name: String) throws(CrossCallError) -> UnsafeRawPointer {
    guard offset <= bytes.count - 32, let start = bytes.baseAddress else {
      throw .refused("calldata ends before \(name)")
    }
    return start + offset
  }

  /// The word of the argument at `index`.
  func number(_ index: Int, _ name: String) throws(CrossCallError) -> UInt256 {
    UInt256(bigEndianAt: try word(at: 32 * index, name))
  }

  func key(_ index: Int, _ name: String) throws(CrossCallError) -> Pubkey {
    Pubkey(reading: try word(at: 32 * index, name))
  }

  /// The low 20 bytes of a word.
  func address(_ index: Int, _ name: String) throws(CrossCallError) -> Address {
    Address(try number(index, name))
  }

  func uint64(_ index: Int, _ name: String) throws(CrossCallError) -> UInt64 {
    let value = try number(index, name)
    guard value.fitsUInt64 else { throw .refused("\(name) is no uint64") }
    return value.limb0
  }

  func uint8(_ index: Int, _ name: String) throws(CrossCallError) -> UInt8 {
    let value = try number(index, name)
    guard value.fitsUInt64, value.limb0 < 256 else { throw .refused("\(name) is no uint8") }
    return UInt8(truncatingIfNeeded: value.limb0)
  }

  func bool(_ index: Int, _ name: String) throws(CrossCallError) -> Bool {
    let value = try number(index, name)
    guard value.fitsUInt64, value.limb0 < 2 else { throw .refused("\(name) is no bool") }
    return value.limb0 == 1
  }

  /// Where the tail of the dynamic argument at `index` begins.
  private func tail(_ index: Int, _ name: String) throws(CrossCallError) -> UnsafeRawBufferPointer {
    let offset = try number(index, name)
    guard offset.fitsUInt64, offset.limb0 <= UInt64(bytes.count) else {
      throw .refused("the offset of \(name) is beyond the calldata")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[Int(offset.limb0)...])
  }

  /// A tail that begins with a count, without it.
  private func counted(
    _ index: Int, _ name: String, stride: Int
  ) throws(CrossCallError) -> (count: Int, rest: UnsafeRawBufferPointer) {
    let tail = try tail(index, name)
    let count = try Calldata(tail).number(0, "the length of \(name)")
    let rest = UnsafeRawBufferPointer(rebasing: tail[32...])
    guard count.fitsUInt64, count.limb0 <= UInt64(rest.count / stride) else {
      throw .refused("calldata ends within \(name)")
    }
    return (Int(count.limb0), rest)
  }

  func bytes(_ index: Int, _ name: String) throws(CrossCallError) -> UnsafeRawBufferPointer {
    let (count, rest) = try counted(index, name, stride: 1)
    return UnsafeRawBufferPointer(rebasing: rest[..<count])
  }

  func tuple(_ index: Int, _ name: String) throws(CrossCallError) -> Calldata {
    Calldata(try tail(index, name))
  }

  /// An array of static tuples, `wordCount` words each, one after the other.
  func array(
    _ index: Int, _ name: String, wordCount: Int
  ) throws(CrossCallError) -> (count: Int, words: Calldata) {
    let (count, rest) = try counted(index, name, stride: 32 * wordCount)
    return (count, Calldata(rest))
  }
}

/// What a call returns, word after word.
struct ReturnWords {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ value: UInt256) { bytes += value.bigEndianBytes }
  mutating func append(_ value: UInt64) { append(UInt256(value)) }
  mutating func append(_ value: Bool) { append(value ? 1 as UInt64 : 0) }
  mutating func append(_ key: Pubkey) { bytes += key.bytes }

  /// A last member of dynamic type: its offset, and behind it its length and its bytes, zeros up to a whole word.
  mutating func append(bytes content: [UInt8]) {
    append(UInt64(bytes.count + 32))
    append(UInt64(content.count))
    bytes += content
    bytes += repeatElement(0, count: (32 - content.count % 32) % 32)
  }
}

extension ReturnWords {
  static func word(_ value: UInt64) -> [UInt8] { UInt256(value).bigEndianBytes }
  static func truth(_ value: Bool) -> [UInt8] { word(value ? 1 : 0) }
}
