// The 32-byte values every floor passes around, kept in four machine words so that equality and hashing are
// integer operations and no array is allocated for them.

/// A 32-byte value: `Pubkey` and `Hash` are its two meanings.
///
/// Words hold the bytes in memory order (`word0` = bytes 0–7, loaded little-endian).
@usableFromInline package protocol Bytes32: Hashable, Sendable, Comparable, CustomStringConvertible {
  var word0: UInt64 { get }
  var word1: UInt64 { get }
  var word2: UInt64 { get }
  var word3: UInt64 { get }
  init(word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64)
}

/// An ed25519 public key or a program-derived address.
@frozen public struct Pubkey: Bytes32 {
  @usableFromInline package let word0, word1, word2, word3: UInt64
  @inlinable package init(word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64) {
    (self.word0, self.word1, self.word2, self.word3) = (word0, word1, word2, word3)
  }
}

/// A 32-byte digest: blockhash, state hash, message hash.
@frozen public struct Hash: Bytes32 {
  @usableFromInline package let word0, word1, word2, word3: UInt64
  @inlinable package init(word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64) {
    (self.word0, self.word1, self.word2, self.word3) = (word0, word1, word2, word3)
  }
}

extension Bytes32 {
  @inlinable package static var zero: Self { Self(word0: 0, word1: 0, word2: 0, word3: 0) }

  /// Reads 32 bytes; `pointer` needs no alignment.
  @inlinable @inline(__always) package init(reading pointer: UnsafeRawPointer) {
    self.init(
      word0: pointer.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      word1: pointer.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
      word2: pointer.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
      word3: pointer.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
  }

  /// `nil` unless `bytes` holds exactly 32 bytes.
  public init?(_ bytes: some Sequence<UInt8>) {
    let array = Array(bytes)
    guard array.count == 32 else { return nil }
    self = array.withUnsafeBytes { Self(reading: $0.baseAddress.unsafelyUnwrapped) }
  }

  /// `nil` unless `text` is the base58 of exactly 32 bytes.
  public init?(base58 text: some StringProtocol) {
    guard let bytes = Base58.decode(text, byteCount: 32) else { return nil }
    self.init(bytes)
  }

  /// Writes 32 bytes; `pointer` needs no alignment.
  @inlinable @inline(__always) package func write(to pointer: UnsafeMutableRawPointer) {
    pointer.storeBytes(of: word0, toByteOffset: 0, as: UInt64.self)
    pointer.storeBytes(of: word1, toByteOffset: 8, as: UInt64.self)
    pointer.storeBytes(of: word2, toByteOffset: 16, as: UInt64.self)
    pointer.storeBytes(of: word3, toByteOffset: 24, as: UInt64.self)
  }

  /// All 32, in order.
  public var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      write(to: UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped))
      count = 32
    }
  }

  /// Orders by bytes, first byte most significant.
  @inlinable public static func < (left: Self, right: Self) -> Bool {
    if left.word0 != right.word0 { return left.word0.byteSwapped < right.word0.byteSwapped }
    let (a, b) = (
      (left.word1.byteSwapped, left.word2.byteSwapped, left.word3.byteSwapped),
      (right.word1.byteSwapped, right.word2.byteSwapped, right.word3.byteSwapped)
    )
    return a < b
  }

  /// Base58, as Solana prints keys and hashes.
  public var description: String { withUnsafeBytes(of: self) { Base58.encode($0) } }
}

extension Pubkey {
  /// A digest taken as an address.
  @inlinable package init(_ hash: Hash) {
    self.init(word0: hash.word0, word1: hash.word1, word2: hash.word2, word3: hash.word3)
  }
}

extension Hash {
  /// An address taken as 32 bytes.
  @inlinable package init(_ pubkey: Pubkey) {
    self.init(word0: pubkey.word0, word1: pubkey.word1, word2: pubkey.word2, word3: pubkey.word3)
  }
}
