// MurmurHash3 x86_32 with seed 0, the hash SBPF uses for call targets and syscall names.

package enum Murmur3 {
  package static func hash(_ bytes: [UInt8]) -> UInt32 {
    var hash: UInt32 = 0
    let blocks = bytes.count / 4
    for index in 0..<blocks {
      var block: UInt32 = 0
      for byte in 0..<4 { block |= UInt32(bytes[index * 4 + byte]) << UInt32(8 * byte) }
      hash = mixed(hash, block)
    }
    var tail: UInt32 = 0
    for (offset, byte) in bytes[(blocks * 4)...].enumerated() { tail |= UInt32(byte) << UInt32(8 * offset) }
    if bytes.count % 4 != 0 { hash ^= scramble(tail) }
    return finished(hash ^ UInt32(truncatingIfNeeded: bytes.count))
  }

  /// The key of an internal function at `pc` in versions whose calls are hashed: of the eight bytes of `pc`.
  package static func key(ofPC pc: Int) -> UInt32 {
    let word = UInt64(truncatingIfNeeded: pc)
    let low = mixed(0, UInt32(truncatingIfNeeded: word))
    return finished(mixed(low, UInt32(truncatingIfNeeded: word >> 32)) ^ 8)
  }

  @inline(__always) private static func mixed(_ hash: UInt32, _ block: UInt32) -> UInt32 {
    let word = hash ^ scramble(block)
    return (word << 13 | word >> 19) &* 5 &+ 0xe654_6b64
  }

  @inline(__always) private static func finished(_ hash: UInt32) -> UInt32 {
    var hash = (hash ^ hash >> 16) &* 0x85eb_ca6b
    hash = (hash ^ hash >> 13) &* 0xc2b2_ae35
    return hash ^ hash >> 16
  }

  @inline(__always) private static func scramble(_ block: UInt32) -> UInt32 {
    let mixed = block &* 0xcc9e_2d51
    return (mixed << 15 | mixed >> 17) &* 0x1b87_3593
  }
}
