// SHA-256 and SHA-512 (FIPS 180-4) by libcrypto, which uses the processor's SHA instructions.
// The low-level functions work on a context of ours, so a call neither fetches a provider nor allocates (the
// EVP interface costs several times a short hash). No state is shared: any thread may hash.

import CCrypto

/// A hash in progress over several slices; the static functions hash what is already in memory.
package struct SHA256 {
  private var context = SHA256_CTX()

  package init() { _ = SHA256_Init(&context) }  // these three fail on no input

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    _ = SHA256_Update(&context, bytes.baseAddress, bytes.count)
  }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  package mutating func update(_ value: Pubkey) {
    withUnsafeBytes(of: value) { update($0) }
  }

  package mutating func update(_ value: Hash) {
    withUnsafeBytes(of: value) { update($0) }
  }

  /// Ends the hash; `self` must not be used after it.
  package mutating func finalize() -> Hash {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
      _ = SHA256_Final(digest.baseAddress, &context)
      return Hash(reading: UnsafeRawPointer(digest.baseAddress.unsafelyUnwrapped))
    }
  }

  package static func hash(_ bytes: UnsafeRawBufferPointer) -> Hash {
    var hasher = SHA256()
    hasher.update(bytes)
    return hasher.finalize()
  }

  package static func hash(_ bytes: [UInt8]) -> Hash {
    bytes.withUnsafeBytes { hash($0) }
  }
}

package enum SHA512 {
  /// 64 bytes.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var context = SHA512_CTX()
    _ = SHA512_Init(&context)
    _ = SHA512_Update(&context, bytes.baseAddress, bytes.count)
    return [UInt8](unsafeUninitializedCapacity: 64) { digest, count in
      _ = SHA512_Final(digest.baseAddress, &context)
      count = 64
    }
  }

  package static func hash(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { hash($0) }
  }
}
