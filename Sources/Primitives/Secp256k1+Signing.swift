// Keys and signatures of secp256k1 by libsecp256k1: deterministic nonces (RFC 6979), s in the lower half of the group.

import CSecp256k1

extension Secp256k1 {
  /// A signature with which the signer's key can be found again.
  package struct RecoverableSignature: Equatable, Sendable {
    /// 32 bytes each, big-endian; s is at most half the group's order.
    package let r, s: [UInt8]
    /// Parity of R's y, 0 or 1.
    package let recoveryID: UInt8
  }

  /// Whether 32 bytes are a secret key: a number in [1, n), big-endian.
  package static func isSecretKey(_ bytes: [UInt8]) -> Bool {
    guard bytes.count == 32, let context = context.pointer else { return false }
    return secp256k1_ec_seckey_verify(context, bytes) == 1
  }

  /// The public key (64 bytes, x then y); `nil` where `secretKey` is none.
  package static func publicKey(of secretKey: [UInt8]) -> [UInt8]? {
    guard isSecretKey(secretKey), let context = context.pointer else { return nil }
    var key = secp256k1_pubkey()
    guard secp256k1_ec_pubkey_create(context, &key, secretKey) == 1 else { return nil }
    return serialized(key, context)
  }

  /// Signs a 32-byte message hash; `nil` where `secretKey` is none.
  package static func sign(_ hash: Hash, secretKey: [UInt8]) -> RecoverableSignature? {
    guard isSecretKey(secretKey), let context = context.pointer else { return nil }
    var signature = secp256k1_ecdsa_recoverable_signature()
    guard secp256k1_ecdsa_sign_recoverable(context, &signature, hash.bytes, secretKey, nil, nil) == 1 else {
      return nil
    }
    var (bytes, recoveryID) = ([UInt8](repeating: 0, count: 64), Int32(0))
    _ = secp256k1_ecdsa_recoverable_signature_serialize_compact(context, &bytes, &recoveryID, &signature)
    return RecoverableSignature(
      r: Array(bytes[..<32]), s: Array(bytes[32...]), recoveryID: UInt8(truncatingIfNeeded: recoveryID))
  }

  /// The sum of a secret key and a number modulo n; `nil` where either is no such number or the sum is 0 (BIP-32).
  package static func secretKey(_ secretKey: [UInt8], adding tweak: [UInt8]) -> [UInt8]? {
    guard isSecretKey(secretKey), tweak.count == 32, let context = context.pointer else { return nil }
    var sum = secretKey
    return secp256k1_ec_seckey_tweak_add(context, &sum, tweak) == 1 ? sum : nil
  }
}
