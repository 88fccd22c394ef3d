// Integers modulo 2^252 + 27742317777372353535851937790883648493, the order of ristretto255 and of the prime-order
// subgroup of edwards25519 (RFC 9496 section 4.4), by libsodium. Pure functions of their arguments.

import CSodium

package struct Scalar25519: Equatable, Sendable {
  /// Little-endian, below the order.
  package let bytes: Hash

  private init(unchecked bytes: Hash) { self.bytes = bytes }

  package init(_ number: UInt64) { bytes = Hash(word0: number, word1: 0, word2: 0, word3: 0) }

  /// `nil` unless the little-endian number is below the order.
  package init?(canonical bytes: Hash) {
    guard Curve25519.isCanonicalScalar(bytes) else { return nil }
    self.bytes = bytes
  }

  /// Takes 64 little-endian bytes modulo the order.
  package init(reducing bytes: [UInt8]) {
    precondition(bytes.count == 64)
    self = Self.made { crypto_core_ristretto255_scalar_reduce($0, bytes) }
  }

  package static let zero = Scalar25519(0)
  package static let one = Scalar25519(1)

  package static func + (a: Self, b: Self) -> Self { combine(a, b, crypto_core_ristretto255_scalar_add) }
  package static func - (a: Self, b: Self) -> Self { combine(a, b, crypto_core_ristretto255_scalar_sub) }
  package static func * (a: Self, b: Self) -> Self { combine(a, b, crypto_core_ristretto255_scalar_mul) }
  package static prefix func - (a: Self) -> Self { zero - a }
  package static func += (a: inout Self, b: Self) { a = a + b }
  package static func *= (a: inout Self, b: Self) { a = a * b }

  /// Zero for zero.
  package var inverse: Self {
    let source = self
    return Self.made { result in
      source.withBytes { _ = crypto_core_ristretto255_scalar_invert(result, $0) }
    }
  }

  private static func combine(
    _ a: Self, _ b: Self,
    _ operation: (UnsafeMutablePointer<UInt8>, UnsafePointer<UInt8>, UnsafePointer<UInt8>) -> Void
  ) -> Self {
    made { result in a.withBytes { a in b.withBytes { b in operation(result, a, b) } } }
  }

  private func withBytes(_ body: (UnsafePointer<UInt8>) -> Void) {
    // 32 bytes, never empty.
    withUnsafeBytes(of: bytes) { body($0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)) }
  }

  private static func made(_ body: (UnsafeMutablePointer<UInt8>) -> Void) -> Self {
    var result = Hash.zero
    withUnsafeMutableBytes(of: &result) {
      body($0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self))
    }
    return Self(unchecked: result)
  }
}
