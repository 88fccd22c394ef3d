// Ethereum's 20-byte account address (Yellow Paper section 4.1), kept in machine words as Bytes32 keeps its values:
// equality and hashing are integer operations and no array is allocated.
import WideIntegers

/// An Ethereum address: the last 20 bytes of a Keccak-256, or a precompile's small number.
///
/// Words hold the bytes in memory order (`word0` = bytes 0–7, loaded little-endian).
@frozen public struct Address: Hashable, Sendable, Comparable, CustomStringConvertible, BitwiseCopyable {
  @usableFromInline package let word0, word1: UInt64
  @usableFromInline package let word2: UInt32

  @inlinable package init(word0: UInt64, word1: UInt64, word2: UInt32) {
    (self.word0, self.word1, self.word2) = (word0, word1, word2)
  }

  @inlinable public static var zero: Address { Address(word0: 0, word1: 0, word2: 0) }

  /// Reads 20 bytes; `pointer` needs no alignment.
  @inlinable @inline(__always) package init(reading pointer: UnsafeRawPointer) {
    self.init(
      word0: pointer.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      word1: pointer.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
      word2: pointer.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
  }

  /// `nil` unless `bytes` holds exactly 20 bytes.
  public init?(_ bytes: some Sequence<UInt8>) {
    let array = Array(bytes)
    guard array.count == 20 else { return nil }
    self = array.withUnsafeBytes { Address(reading: $0.baseAddress.unsafelyUnwrapped) }
  }

  /// `nil` unless `text` is 40 hex digits, with or without `0x`; the checksum of EIP-55 is not asked for.
  public init?(hex text: some StringProtocol) {
    guard let bytes = Hex.decode(text) else { return nil }
    self.init(bytes)
  }

  /// The low 20 bytes of an EVM word; a literal gives a precompile's address.
  @inlinable @inline(__always) package init(_ word: UInt256) {
    let middle = word.limb1 << 32 | word.limb0 >> 32
    self.init(
      word0: (word.limb2 << 32 | word.limb1 >> 32).bigEndian, word1: middle.bigEndian,
      word2: UInt32(truncatingIfNeeded: word.limb0).bigEndian)
  }

  /// The last 20 bytes of a digest.
  @inlinable package init(_ hash: Hash) { self.init(UInt256(hash)) }

  /// Writes 20 bytes; `pointer` needs no alignment.
  @inlinable @inline(__always) package func write(to pointer: UnsafeMutableRawPointer) {
    pointer.storeBytes(of: word0, toByteOffset: 0, as: UInt64.self)
    pointer.storeBytes(of: word1, toByteOffset: 8, as: UInt64.self)
    pointer.storeBytes(of: word2, toByteOffset: 16, as: UInt32.self)
  }

  /// All 20, in order.
  public var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 20) { buffer, count in
      write(to: UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped))
      count = 20
    }
  }

  /// Orders by bytes, first byte most significant.
  @inlinable public static func < (left: Address, right: Address) -> Bool {
    (left.word0.bigEndian, left.word1.bigEndian, left.word2.bigEndian)
      < (right.word0.bigEndian, right.word1.bigEndian, right.word2.bigEndian)
  }

  /// `0x` and 40 lower-case hex digits.
  public var description: String { "0x" + Hex.encode(bytes) }
}

extension UInt256 {
  /// An address as an EVM word: the number its bytes spell, most significant first.
  @inlinable @inline(__always) package init(_ address: Address) {
    let (first, second) = (UInt64(bigEndian: address.word0), UInt64(bigEndian: address.word1))
    self.init(
      second << 32 | UInt64(UInt32(bigEndian: address.word2)), first << 32 | second >> 32, first >> 32, 0)
  }
}
