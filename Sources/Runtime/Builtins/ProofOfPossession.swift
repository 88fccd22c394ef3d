// Proofs that whoever names a BLS key can sign with it (SIMD-0387; https://docs.rs/solana-bls-signatures): a signature
// of a message, which holds the key, under a domain of its own. Messages are hashed by RFC 9380's expand_message_xmd
// with SHA-256.

import Curves
import Primitives

enum ProofOfPossession {
  private static let domain = Array("BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_".utf8)

  /// Whether `proof`, 96 bytes, is the signature of `message` by `key`, 48 bytes.
  static func isValid(_ proof: [UInt8], of key: [UInt8], message: [UInt8]) -> Bool {
    let uniform = expand(message, domain, byteCount: BLS12381.uniformByteCount)
    return proof.withUnsafeBytes { proof in
      key.withUnsafeBytes { key in
        uniform.withUnsafeBytes { BLS12381.isSignature(proof, of: key, uniform: $0) }
      }
    }
  }

  /// RFC 9380, section 5.3.1; `byteCount` is a multiple of 32, at most 8,160.
  static func expand(_ message: [UInt8], _ domain: [UInt8], byteCount: Int) -> [UInt8] {
    let suffix = domain + [UInt8(domain.count)]
    var first = SHA256()
    first.update([UInt8](repeating: 0, count: 64))
    first.update(message)
    first.update([UInt8(byteCount >> 8), UInt8(byteCount & 0xff), 0] + suffix)
    let seed = first.finalize().bytes
    var block = [UInt8](repeating: 0, count: 32)
    var result: [UInt8] = []
    for index in 1...byteCount / 32 {
      var hash = SHA256()
      hash.update(zip(seed, block).map { $0 ^ $1 } + [UInt8(index)] + suffix)
      block = Array(hash.finalize().bytes)
      result += block
    }
    return result
  }
}
