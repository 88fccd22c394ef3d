// Keys from passwords and seeds by libcrypto and libsodium: PBKDF2 (RFC 8018), scrypt (RFC 7914), HMAC-SHA-512
// (RFC 2104), and the cipher that key files use, AES-128 in counter mode (NIST SP 800-38A).

import CCrypto
import CSodium

package enum KeyDerivation {
  package enum Digest: Sendable {
    case sha256, sha512

    fileprivate var method: OpaquePointer? {
      switch self {
      case .sha256: EVP_sha256()
      case .sha512: EVP_sha512()
      }
    }
  }

  /// PBKDF2 with an HMAC; `nil` for fewer than one round or no bytes asked for.
  package static func pbkdf2(
    password: [UInt8], salt: [UInt8], rounds: Int32, digest: Digest, byteCount: Int32
  ) -> [UInt8]? {
    guard rounds > 0, byteCount > 0 else { return nil }
    var key = [UInt8](repeating: 0, count: Int(byteCount))
    let done = password.withUnsafeBytes { password in
      // The library takes an empty password for one whose pointer is null only if its length is given.
      PKCS5_PBKDF2_HMAC(
        password.assumingMemoryBound(to: CChar.self).baseAddress, Int32(password.count), salt,
        Int32(salt.count), rounds, digest.method, byteCount, &key)
    }
    return done == 1 ? key : nil
  }

  /// scrypt; `nil` where the parameters are not scrypt's or there is no memory for them (128 × n × r bytes). By
  /// libsodium, since libcrypto refuses n from 2^(16 r) on, which older wallets use with an r of 1.
  package static func scrypt(
    password: [UInt8], salt: [UInt8], n: UInt64, r: UInt32, p: UInt32, byteCount: Int
  ) -> [UInt8]? {
    var key = [UInt8](repeating: 0, count: byteCount)
    let status = crypto_pwhash_scryptsalsa208sha256_ll(
      password, password.count, salt, salt.count, n, r, p, &key, byteCount)
    return status == 0 ? key : nil
  }

  /// 64 bytes.
  package static func hmacSHA512(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    let blockByteCount = 128
    let short = key.count > blockByteCount ? SHA512.hash(key) : key
    let block = short + [UInt8](repeating: 0, count: blockByteCount - short.count)
    let inner = SHA512.hash(block.map { $0 ^ 0x36 } + message)
    return SHA512.hash(block.map { $0 ^ 0x5c } + inner)
  }

  /// AES-128 in counter mode, which deciphers what it enciphers; `nil` unless key and counter have 16 bytes.
  package static func aes128CTR(_ bytes: [UInt8], key: [UInt8], counter: [UInt8]) -> [UInt8]? {
    guard key.count == 16, counter.count == 16, let context = EVP_CIPHER_CTX_new() else { return nil }
    defer { EVP_CIPHER_CTX_free(context) }
    var (output, count) = ([UInt8](repeating: 0, count: bytes.count + 16), Int32(0))
    guard EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, key, counter) == 1,
      EVP_EncryptUpdate(context, &output, &count, bytes, Int32(bytes.count)) == 1
    else { return nil }
    return Array(output.prefix(Int(count)))
  }
}
