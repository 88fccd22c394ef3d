// MurmurHash3 x86_32 with seed 0, the hash SBPF uses for call targets and syscall names.

package enum Murmur3 {
  package static func hash(_ bytes: [UInt8]) -> UInt32 {
    var hash: UInt32 = 0
    let blocks = bytes.count / 4
    for index in 0..<blocks {
      var block: UInt32 = 0
      for byte in 0..<4 { block |= UInt32(bytes[index * 4 + byte]) << UInt32(8 * byte) }
      hash ^= scramble(block)
      hash = (hash << 13 | hash >> 19) &* 5 &+ 0xe654_6b64
    }
    var tail: UInt32 = 0
    for (offset, byte) in bytes[(blocks * 4)...].enumerated() { tail |= UInt32(byte) << UInt32(8 * offset) }
    if bytes.count % 4 != 0 { hash ^= scramble(tail) }
    hash ^= UInt32(truncatingIfNeeded: bytes.count)
    hash = (hash ^ hash >> 16) &* 0x85eb_ca6b
    hash = (hash ^ hash >> 13) &* 0xc2b2_ae35
    return hash ^ hash >> 16
  }

  /// The key of an internal function at `pc` in versions whose calls are hashed.
  package static func key(ofPC pc: Int) -> UInt32 {
    hash(withUnsafeBytes(of: UInt64(pc).littleEndian) { Array($0) })
  }

  private static func scramble(_ block: UInt32) -> UInt32 {
    let mixed = block &* 0xcc9e_2d51
    return (mixed << 15 | mixed >> 17) &* 0x1b87_3593
  }
}
