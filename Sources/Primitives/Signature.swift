// An ed25519 signature of a transaction, and its text.

/// 64 bytes: R then S (RFC 8032 section 5.1.6), kept in machine words in memory order.
@frozen public struct Signature: Hashable, Sendable, CustomStringConvertible {
  @usableFromInline package let r, s: Hash

  /// Reads 64 bytes; `pointer` needs no alignment.
  @inlinable package init(reading pointer: UnsafeRawPointer) {
    r = Hash(reading: pointer)
    s = Hash(reading: pointer + 32)
  }

  /// `nil` unless `bytes` holds exactly 64 bytes.
  public init?(_ bytes: some Sequence<UInt8>) {
    let array = Array(bytes)
    guard array.count == 64 else { return nil }
    self = array.withUnsafeBytes { Signature(reading: $0.baseAddress.unsafelyUnwrapped) }
  }

  /// `nil` unless `text` is the base58 of exactly 64 bytes.
  package init?(base58 text: some StringProtocol) {
    guard let bytes = Base58.decode(text, byteCount: 64) else { return nil }
    self.init(bytes)
  }

  /// All zero, as an unsigned transaction carries it.
  package static var zero: Signature { Signature(r: .zero, s: .zero) }

  private init(r: Hash, s: Hash) { (self.r, self.s) = (r, s) }

  /// Writes 64 bytes; `pointer` needs no alignment.
  @inlinable package func write(to pointer: UnsafeMutableRawPointer) {
    r.write(to: pointer)
    s.write(to: pointer + 32)
  }

  /// All 64, in order.
  public var bytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }

  /// Base58, as Solana prints signatures.
  public var description: String { withUnsafeBytes(of: self) { Base58.encode($0) } }
}
