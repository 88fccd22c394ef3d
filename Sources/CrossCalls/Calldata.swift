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

  /// The same where it fits 64 bits; `nil` where it does not.
  private func small(_ index: Int, _ name: String) throws(CrossCallError) -> UInt64? {
    let start = try word(at: 32 * index, name)
    let high =
      start.loadUnaligned(as: UInt64.self) | start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      | start.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    return high == 0 ? UInt64(bigEndian: start.loadUnaligned(fromByteOffset: 24, as: UInt64.self)) : nil
  }

  func key(_ index: Int, _ name: String) throws(CrossCallError) -> Pubkey {
    Pubkey(reading: try word(at: 32 * index, name))
  }

  /// The low 20 bytes of a word.
  func address(_ index: Int, _ name: String) throws(CrossCallError) -> Address {
    Address(try number(index, name))
  }

  func uint64(_ index: Int, _ name: String) throws(CrossCallError) -> UInt64 {
    guard let value = try small(index, name) else { throw .refused("\(name) is no uint64") }
    return value
  }

  func uint8(_ index: Int, _ name: String) throws(CrossCallError) -> UInt8 {
    guard let value = try small(index, name), value < 256 else { throw .refused("\(name) is no uint8") }
    return UInt8(truncatingIfNeeded: value)
  }

  func bool(_ index: Int, _ name: String) throws(CrossCallError) -> Bool {
    guard let value = try small(index, name), value < 2 else { throw .refused("\(name) is no bool") }
    return value == 1
  }

  /// Where the tail of the dynamic argument at `index` begins.
  private func tail(_ index: Int, _ name: String) throws(CrossCallError) -> UnsafeRawBufferPointer {
    let offset = try small(index, name)
    guard let offset, offset <= UInt64(bytes.count) else {
      throw .refused("the offset of \(name) is beyond the calldata")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[Int(offset)...])
  }

  /// A tail that begins with a count, without it.
  private func counted(
    _ index: Int, _ name: String, stride: Int
  ) throws(CrossCallError) -> (count: Int, rest: UnsafeRawBufferPointer) {
    let tail = try tail(index, name)
    guard tail.count >= 32 else { throw .refused("calldata ends before the length of \(name)") }
    let count = try Calldata(tail).small(0, name)
    let rest = UnsafeRawBufferPointer(rebasing: tail[32...])
    guard let count, count <= UInt64(rest.count / stride) else {
      throw .refused("calldata ends within \(name)")
    }
    return (Int(count), rest)
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
  /// One value of type `bytes`.
  static func encoded(bytes content: [UInt8]) -> [UInt8] {
    let byteCount = 64 + (content.count + 31) / 32 * 32
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      guard let start = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
      start.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
      start.storeBytes(of: 32, toByteOffset: 31, as: UInt8.self)
      start.storeBytes(of: UInt64(content.count).bigEndian, toByteOffset: 56, as: UInt64.self)
      content.withUnsafeBytes { bytes in
        if let source = bytes.baseAddress { (start + 64).copyMemory(from: source, byteCount: bytes.count) }
      }
      count = byteCount
    }
  }

  static func word(_ value: UInt64) -> [UInt8] { UInt256(value).bigEndianBytes }
  static func truth(_ value: Bool) -> [UInt8] { word(value ? 1 : 0) }
}
