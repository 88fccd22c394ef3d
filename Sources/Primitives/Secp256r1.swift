// ECDSA over P-256 with SHA-256 by libcrypto, as Agave's secp256r1 precompile has it (SIMD-0075): r in [1,
// n), s in [1, n/2], compressed public keys.

import CCrypto

package enum Secp256r1 {
  package enum VerificationError: Error, Equatable, Sendable {
    case invalidSignature
    case invalidPublicKey
  }

  /// Constant once it is made: verification only reads it, so all threads share it.
  private struct Group: @unchecked Sendable {
    let pointer: OpaquePointer?
  }
  private static let group = Group(pointer: EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1))

  /// n − 1 and n / 2, as big-endian words.
  private static let orderMinusOne =
    [
      0xffff_ffff_0000_0000, 0xffff_ffff_ffff_ffff, 0xbce6_faad_a717_9e84, 0xf3b9_cac2_fc63_2550,
    ] as [UInt64]
  private static let halfOrder =
    [
      0x7fff_ffff_8000_0000, 0x7fff_ffff_ffff_ffff, 0xde73_7d56_d38b_cf42, 0x79dc_e561_7e31_92a8,
    ] as [UInt64]

  /// Verifies `signature` (64 bytes, r then s, big-endian) over `message` by `key` (33 bytes, SEC 1
  /// compressed).
  package static func verify(
    signature: UnsafeRawBufferPointer, message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
  ) throws(VerificationError) {
    guard signature.count == 64, let group = group.pointer else { throw .invalidSignature }
    guard isInRange(signature, at: 0, limit: orderMinusOne), isInRange(signature, at: 32, limit: halfOrder)
    else {
      throw .invalidSignature
    }
    guard key.count == 33, let point = EC_POINT_new(group) else { throw .invalidPublicKey }
    defer { EC_POINT_free(point) }
    let bytes = key.bindMemory(to: UInt8.self).baseAddress
    guard EC_POINT_oct2point(group, point, bytes, key.count, nil) == 1, let owner = EC_KEY_new() else {
      ERR_clear_error()
      throw .invalidPublicKey
    }
    defer { EC_KEY_free(owner) }
    guard EC_KEY_set_group(owner, group) == 1, EC_KEY_set_public_key(owner, point) == 1 else {
      throw .invalidPublicKey
    }
    guard verify(signature, SHA256.hash(message), owner) else { throw .invalidSignature }
  }

  package static func verify(signature: [UInt8], message: [UInt8], key: [UInt8]) throws(VerificationError) {
    let result = signature.withUnsafeBytes { signature in
      message.withUnsafeBytes { message in
        key.withUnsafeBytes { key -> Result<Void, VerificationError> in
          do throws(VerificationError) {
            return .success(try verify(signature: signature, message: message, key: key))
          } catch { return .failure(error) }
        }
      }
    }
    try result.get()
  }

  /// Whether (r, s) signs a digest by the key (x, y), as Ethereum's P256VERIFY has it (EIP-7951,
  /// https://eips.ethereum.org/EIPS/eip-7951): s may be high.
  ///
  /// - Parameters:
  ///   - digest: 32 bytes, whatever hash made them.
  ///   - signature: r, then s, 64 bytes, big-endian.
  ///   - key: x, then y, 64 bytes, big-endian.
  package static func isSigned(
    digest: Hash, signature: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
  ) -> Bool {
    guard signature.count == 64, key.count == 64, let group = group.pointer,
      isInRange(signature, at: 0, limit: orderMinusOne), isInRange(signature, at: 32, limit: orderMinusOne),
      let point = EC_POINT_new(group)
    else { return false }
    defer { EC_POINT_free(point) }
    // The uncompressed form of SEC 1, which has none of the point at infinity; coordinates from p on are
    // refused.
    let isOnCurve = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 65) { bytes in
      bytes[0] = UInt8(POINT_CONVERSION_UNCOMPRESSED.rawValue)
      for index in 0..<64 { bytes[index + 1] = key[index] }
      return EC_POINT_oct2point(group, point, bytes.baseAddress, 65, nil) == 1
    }
    guard isOnCurve, let owner = EC_KEY_new() else {
      ERR_clear_error()
      return false
    }
    defer { EC_KEY_free(owner) }
    guard EC_KEY_set_group(owner, group) == 1, EC_KEY_set_public_key(owner, point) == 1 else { return false }
    return verify(signature, digest, owner)
  }

  private static func verify(_ signature: UnsafeRawBufferPointer, _ digest: Hash, _ key: OpaquePointer)
    -> Bool
  {
    let bytes = signature.bindMemory(to: UInt8.self).baseAddress.unsafelyUnwrapped  // 64 bytes, never empty
    guard let parsed = ECDSA_SIG_new() else { return false }
    defer { ECDSA_SIG_free(parsed) }
    let (r, s) = (BN_bin2bn(bytes, 32, nil), BN_bin2bn(bytes + 32, 32, nil))
    guard let r, let s, ECDSA_SIG_set0(parsed, r, s) == 1 else {  // takes both over where it succeeds
      BN_free(r)
      BN_free(s)
      return false
    }
    let isValid = ECDSA_do_verify(digest.bytes, 32, parsed, key) == 1
    if !isValid { ERR_clear_error() }
    return isValid
  }

  /// Whether the 32-byte big-endian number at `offset` is in `[1, limit]`.
  private static func isInRange(_ bytes: UnsafeRawBufferPointer, at offset: Int, limit: [UInt64]) -> Bool {
    let words = (0..<4).map {
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + $0 * 8, as: UInt64.self))
    }
    return words.contains { $0 > 0 } && !limit.lexicographicallyPrecedes(words)
  }
}
