// RIPEMD-160 (https://homes.esat.kuleuven.be/~bosselae/ripemd160.html) by libcrypto, for Ethereum's
// precompile. Its low-level functions are used for the reason that SHA2.swift gives. Any thread may hash.

import CCrypto

package enum RIPEMD160 {
  /// 20 bytes.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var context = RIPEMD160_CTX()
    _ = RIPEMD160_Init(&context)  // these three fail on no input
    _ = RIPEMD160_Update(&context, bytes.baseAddress, bytes.count)
    return [UInt8](unsafeUninitializedCapacity: 20) { digest, count in
      _ = RIPEMD160_Final(digest.baseAddress, &context)
      count = 20
    }
  }

  package static func hash(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { hash($0) }
  }
}
