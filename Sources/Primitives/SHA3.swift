// SHA3-512 and SHAKE256 (FIPS 202) by libcrypto. For hashes that are taken once a process: a call fetches its algorithm.

import CCrypto

package enum SHA3 {
  /// 64 bytes.
  package static func hash512(_ bytes: [UInt8]) -> [UInt8] {
    digest(bytes, EVP_sha3_512(), byteCount: 64) { EVP_DigestFinal_ex($0, $1, nil) }
  }

  /// The first `byteCount` bytes of the output, which has no end.
  package static func shake256(_ bytes: [UInt8], byteCount: Int) -> [UInt8] {
    digest(bytes, EVP_shake256(), byteCount: byteCount) { EVP_DigestFinalXOF($0, $1, byteCount) }
  }

  private static func digest(
    _ bytes: [UInt8], _ algorithm: OpaquePointer?, byteCount: Int,
    _ finish: (OpaquePointer?, UnsafeMutablePointer<UInt8>?) -> CInt
  ) -> [UInt8] {
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    return [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
      let isDone =
        EVP_DigestInit_ex(context, algorithm, nil) == 1 && EVP_DigestUpdate(context, bytes, bytes.count) == 1
        && finish(context, output.baseAddress) == 1
      precondition(isDone, "libcrypto without SHA-3, or without memory")
      count = byteCount
    }
  }
}
