// BLS signatures of the short keys: a key is a point of G1, a signature one of G2
// (https://datatracker.ietf.org/doc/draft-irtf-cfrg-bls-signature). Who calls hashes the message to uniform bytes
// (RFC 9380, expand_message_xmd); from there on it is done here (RFC 9380, hash_to_curve of
// BLS12381G2_XMD:SHA-256_SSWU_RO_).

extension BLS12381 {
  /// The bytes to which a message is expanded.
  package static var uniformByteCount: Int { 256 }

  /// Whether the signature, 96 bytes, is that of the key, 48 bytes, of the message that was expanded to `uniform`. No
  /// key is at infinity. Both are compressed.
  package static func isSignature(
    _ signature: UnsafeRawBufferPointer, of key: UnsafeRawBufferPointer, uniform: UnsafeRawBufferPointer
  ) -> Bool {
    guard uniform.count == uniformByteCount, let start = uniform.baseAddress,
      let key = try? ZcashEncoding<Fp>.decompress(key), !key.isInfinity,
      let signature = try? ZcashEncoding<Fp2<Fp>>.decompress(signature)
    else { return false }
    let elements = (0..<2).map { index in
      Fp2(reduced(start + 128 * index), reduced(start + 128 * index + 64))
    }
    let message = (JacobianPoint(mapToG2(elements[0])) + mapToG2(elements[1])).affine
    return Pairing.productIsOne([(key, message), (-generator1, signature)])
  }

  /// The remainder of 64 bytes, big-endian.
  private static func reduced(_ bytes: UnsafeRawPointer) -> Fp {
    // Halves are below p, and so are 2^128 and its square.
    half(bytes) * shift128 * shift128 + half(bytes + 32)
  }

  private static func half(_ bytes: UnsafeRawPointer) -> Fp {
    withUnsafeTemporaryAllocation(byteCount: 48, alignment: 8) { padded in
      padded.initializeMemory(as: UInt8.self, repeating: 0)
      // The allocation has 48 bytes.
      padded.baseAddress.unsafelyUnwrapped.advanced(by: 16).copyMemory(from: bytes, byteCount: 32)
      return Fp(reading: padded.baseAddress.unsafelyUnwrapped) ?? .zero  // below 2^256, so below p
    }
  }

  /// 2^128
  private static let shift128: Fp = (0..<128).reduce(.one) { value, _ in value + value }
}
