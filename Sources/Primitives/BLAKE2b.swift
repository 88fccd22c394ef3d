// The compression function F of BLAKE2b (RFC 7693, section 3.2: https://www.rfc-editor.org/rfc/rfc7693)
// with any number of rounds, as Ethereum's precompile has it (EIP-152,
// https://eips.ethereum.org/EIPS/eip-152). The sixteen words of state are locals, and a round's schedule is
// constant where it is used: no table is read between two rounds.

package enum BLAKE2b {
  /// Compresses one block into `state`.
  ///
  /// - Parameters:
  ///   - rounds: 12 in BLAKE2b itself.
  ///   - state: 8 words (64 bytes), little-endian, without alignment; replaced.
  ///   - block: 16 words (128 bytes), likewise.
  ///   - offset: the number of bytes hashed so far, low word first.
  package static func compress(
    rounds: UInt32, state: UnsafeMutableRawPointer, block: UnsafeRawPointer, offset: (UInt64, UInt64),
    isLast: Bool
  ) {
    let words = UnsafeRawPointer(state)
    func h(_ index: Int) -> UInt64 {
      UInt64(littleEndian: words.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    var working = Working(
      h(0), h(1), h(2), h(3), h(4), h(5), h(6), h(7), offset: offset, isLast: isLast)
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16) { message in
      for index in 0..<16 {
        let word = block.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
        message.initializeElement(at: index, to: UInt64(littleEndian: word))
      }
      if let start = message.baseAddress { run(rounds, &working, start) }
    }
    let mixed = [
      working.v0 ^ working.v8, working.v1 ^ working.v9, working.v2 ^ working.v10, working.v3 ^ working.v11,
      working.v4 ^ working.v12, working.v5 ^ working.v13, working.v6 ^ working.v14, working.v7 ^ working.v15,
    ]
    for (index, word) in mixed.enumerated() {
      let value = (h(index) ^ word).littleEndian
      state.storeBytes(of: value, toByteOffset: index * 8, as: UInt64.self)
    }
  }

  private static func run(_ rounds: UInt32, _ working: inout Working, _ m: UnsafePointer<UInt64>) {
    var state = working  // stays in registers
    var phase = 0
    for _ in 0..<rounds {
      switch phase {
      case 0: state.round(m, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
      case 1: state.round(m, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
      case 2: state.round(m, 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)
      case 3: state.round(m, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)
      case 4: state.round(m, 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)
      case 5: state.round(m, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)
      case 6: state.round(m, 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)
      case 7: state.round(m, 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)
      case 8: state.round(m, 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)
      default: state.round(m, 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)
      }
      phase = phase == 9 ? 0 : phase + 1
    }
    working = state
  }

  /// The working variables v of RFC 7693.
  private struct Working {
    var v0: UInt64, v1: UInt64, v2: UInt64, v3: UInt64, v4: UInt64, v5: UInt64, v6: UInt64, v7: UInt64
    var v8: UInt64, v9: UInt64, v10: UInt64, v11: UInt64, v12: UInt64, v13: UInt64, v14: UInt64, v15: UInt64

    init(
      _ h0: UInt64, _ h1: UInt64, _ h2: UInt64, _ h3: UInt64, _ h4: UInt64, _ h5: UInt64, _ h6: UInt64,
      _ h7: UInt64, offset: (UInt64, UInt64), isLast: Bool
    ) {
      (v0, v1, v2, v3, v4, v5, v6, v7) = (h0, h1, h2, h3, h4, h5, h6, h7)
      // The first 64 bits of the fractions of the square roots of the first eight primes.
      (v8, v9) = (0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b)
      (v10, v11) = (0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1)
      (v12, v13) = (0x510e_527f_ade6_82d1 ^ offset.0, 0x9b05_688c_2b3e_6c1f ^ offset.1)
      (v14, v15) = (0x1f83_d9ab_fb41_bd6b ^ (isLast ? UInt64.max : 0), 0x5be0_cd19_137e_2179)
    }

    @inline(__always)
    mutating func round(
      _ m: UnsafePointer<UInt64>, _ s0: Int, _ s1: Int, _ s2: Int, _ s3: Int, _ s4: Int, _ s5: Int, _ s6: Int,
      _ s7: Int, _ s8: Int, _ s9: Int, _ s10: Int, _ s11: Int, _ s12: Int, _ s13: Int, _ s14: Int, _ s15: Int
    ) {
      Self.mix(&v0, &v4, &v8, &v12, m[s0], m[s1])
      Self.mix(&v1, &v5, &v9, &v13, m[s2], m[s3])
      Self.mix(&v2, &v6, &v10, &v14, m[s4], m[s5])
      Self.mix(&v3, &v7, &v11, &v15, m[s6], m[s7])
      Self.mix(&v0, &v5, &v10, &v15, m[s8], m[s9])
      Self.mix(&v1, &v6, &v11, &v12, m[s10], m[s11])
      Self.mix(&v2, &v7, &v8, &v13, m[s12], m[s13])
      Self.mix(&v3, &v4, &v9, &v14, m[s14], m[s15])
    }

    /// G of RFC 7693.
    @inline(__always)
    private static func mix(
      _ a: inout UInt64, _ b: inout UInt64, _ c: inout UInt64, _ d: inout UInt64, _ x: UInt64, _ y: UInt64
    ) {
      a = a &+ b &+ x
      d = rotated(d ^ a, 32)
      c = c &+ d
      b = rotated(b ^ c, 24)
      a = a &+ b &+ y
      d = rotated(d ^ a, 16)
      c = c &+ d
      b = rotated(b ^ c, 63)
    }

    @inline(__always)
    private static func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 {
      word &>> count | word &<< (64 &- count)
    }
  }
}
