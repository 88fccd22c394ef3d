// Powers of integers of any length modulo a third, by GMP: the arithmetic of Ethereum's modexp precompile
// (EIP-198, https://eips.ethereum.org/EIPS/eip-198) and of Solana's sol_big_mod_exp. GMP ends the process
// on a zero modulus and where it gets no memory, so neither ever reaches it.

import CGMP

package enum ModularExponentiation {
  /// The longest operand, in bytes. Prices keep honest ones far below.
  package static let maximumByteCount = 1 << 26

  /// `base` to the power of `exponent` modulo `modulus`, in as many bytes as `modulus` has; all big-endian.
  /// Zero where the modulus is zero; the power zero is one. `nil` if an operand is longer than
  /// `maximumByteCount`.
  package static func power(
    base: UnsafeRawBufferPointer, exponent: UnsafeRawBufferPointer, modulus: UnsafeRawBufferPointer
  ) -> [UInt8]? {
    guard max(base.count, exponent.count, modulus.count) <= maximumByteCount else { return nil }
    let zero = [UInt8](repeating: 0, count: modulus.count)
    let (base, exponent, modulus) = (trimmed(base), trimmed(exponent), trimmed(modulus))
    if modulus.isEmpty { return zero }
    var (result, b, e, m) = (__mpz_struct(), __mpz_struct(), __mpz_struct(), __mpz_struct())
    __gmpz_init(&result)
    load(&b, base)
    load(&e, exponent)
    load(&m, modulus)
    defer {
      __gmpz_clear(&result)
      __gmpz_clear(&b)
      __gmpz_clear(&e)
      __gmpz_clear(&m)
    }
    __gmpz_powm(&result, &b, &e, &m)
    let count = (__gmpz_sizeinbase(&result, 2) + 7) / 8  // one for zero, which exports as no bytes
    var bytes = zero
    bytes.withUnsafeMutableBytes { bytes in
      // The result is below the modulus, so it fits.
      if let start = bytes.baseAddress {
        __gmpz_export(start + bytes.count - count, nil, 1, 1, 1, 0, &result)
      }
    }
    return bytes
  }

  package static func power(base: [UInt8], exponent: [UInt8], modulus: [UInt8]) -> [UInt8]? {
    base.withUnsafeBytes { base in
      exponent.withUnsafeBytes { exponent in
        modulus.withUnsafeBytes { power(base: base, exponent: exponent, modulus: $0) }
      }
    }
  }

  /// Without leading zeros.
  private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[(bytes.firstIndex { $0 != 0 } ?? bytes.endIndex)...])
  }

  private static func load(_ number: inout __mpz_struct, _ bytes: UnsafeRawBufferPointer) {
    __gmpz_init(&number)
    if let start = bytes.baseAddress { __gmpz_import(&number, bytes.count, 1, 1, 1, 0, start) }
  }
}
