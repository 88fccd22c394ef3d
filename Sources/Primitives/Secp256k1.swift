// Recovery and verification of secp256k1 ECDSA signatures by libsecp256k1, with the rules of Agave's
// sol_secp256k1_recover and secp256k1 precompile: r and s in [1, n), high s allowed, recovery ids 0 to 3.

import CSecp256k1

package enum Secp256k1 {
  package enum RecoveryError: Error, Equatable, Sendable {
    /// Not in `[0, 3]`.
    case invalidRecoveryID
    /// r or s out of range, or no key fits.
    case invalidSignature
  }

  /// The library's contexts may be used by many threads as long as none changes them; nothing here does.
  struct Context: @unchecked Sendable {
    let pointer: OpaquePointer?
  }
  /// One a process. SECP256K1_CONTEXT_NONE: verification needs no tables of its own since 0.2.
  static let context = Context(pointer: secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE)))

  /// The public key (64 bytes, x then y, big-endian) that made `signature` (64 bytes, r then s, big-endian)
  /// over a 32-byte message hash.
  package static func recover(
    hash: Hash, recoveryID: UInt64, signature: UnsafeRawBufferPointer
  ) throws(RecoveryError) -> [UInt8] {
    guard recoveryID < 4 else { throw .invalidRecoveryID }
    guard signature.count == 64, let context = context.pointer else { throw .invalidSignature }
    var parsed = secp256k1_ecdsa_recoverable_signature()
    let bytes = signature.bindMemory(to: UInt8.self).baseAddress.unsafelyUnwrapped  // 64 bytes, never empty
    guard secp256k1_ecdsa_recoverable_signature_parse_compact(context, &parsed, bytes, Int32(recoveryID)) == 1
    else {
      throw .invalidSignature
    }
    var key = secp256k1_pubkey()
    guard secp256k1_ecdsa_recover(context, &key, &parsed, hash.bytes) == 1 else { throw .invalidSignature }
    return serialized(key, context)
  }

  package static func recover(
    hash: Hash, recoveryID: UInt64, signature: [UInt8]
  ) throws(RecoveryError) -> [UInt8] {
    let result = signature.withUnsafeBytes { signature -> Result<[UInt8], RecoveryError> in
      do throws(RecoveryError) {
        return .success(try recover(hash: hash, recoveryID: recoveryID, signature: signature))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Whether `signature` (64 bytes, high s allowed) over `hash` is by `key` (33 or 65 bytes, SEC 1).
  package static func verify(_ signature: [UInt8], hash: Hash, key: [UInt8]) -> Bool {
    guard signature.count == 64, let context = context.pointer else { return false }
    var (parsed, normalized) = (secp256k1_ecdsa_signature(), secp256k1_ecdsa_signature())
    var point = secp256k1_pubkey()
    guard secp256k1_ecdsa_signature_parse_compact(context, &parsed, signature) == 1,
      secp256k1_ec_pubkey_parse(context, &point, key, key.count) == 1
    else { return false }
    _ = secp256k1_ecdsa_signature_normalize(context, &normalized, &parsed)
    return secp256k1_ecdsa_verify(context, &normalized, hash.bytes, &point) == 1
  }

  /// The last 20 bytes of the key's Keccak-256, Ethereum's address of a 64-byte public key.
  package static func ethereumAddress(of key: [UInt8]) -> [UInt8] {
    Array(Keccak256.hash(key).bytes.suffix(20))
  }

  static func serialized(_ key: secp256k1_pubkey, _ context: OpaquePointer) -> [UInt8] {
    var key = key
    var (bytes, count) = ([UInt8](repeating: 0, count: 65), 65)
    _ = secp256k1_ec_pubkey_serialize(context, &bytes, &count, &key, UInt32(SECP256K1_EC_UNCOMPRESSED))
    return Array(bytes[1...])
  }
}
