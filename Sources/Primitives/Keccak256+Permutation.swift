// Keccak-f[1600] (FIPS 202 section 3.3): the kernel's where AVX-512 has registers for all 25 lanes, otherwise what
// stands here, written for machines with few registers. A round reads the lanes of one state and writes those of
// another, plane by plane, so that five lanes are in registers at a time and the compiler keeps none of the 25 alive:
// a third fewer instructions than with all lanes in locals. Six lanes are stored complemented, which leaves chi one
// negation a plane instead of five (Keccak implementation overview, section 2.2,
// https://keccak.team/files/Keccak-implementation-3.2.pdf). Lane x + 5y of the state has that index; rho and pi are
// folded into `b`, the plane between pi and chi.

import CVectorCrypto

extension Keccak256 {
  /// Iota's constants, FIPS 202 algorithm 5.
  private static let constants: [UInt64] = [
    0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
    0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
    0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
    0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
    0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
    0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
  ]

  /// Permutes the 25 lanes at `lanes`.
  package static func permute(_ lanes: UnsafeMutablePointer<UInt64>) {
    #if arch(x86_64)
      if VectorUnit.best == .avx512 { return vc_keccak_permute_avx512(lanes) }
    #endif
    permuteInSwift(lanes)
  }

  package static func permuteInSwift(_ lanes: UnsafeMutablePointer<UInt64>) {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 25) { scratch in
      constants.withUnsafeBufferPointer { constants in
        // 25 lanes and 24 constants: neither is empty.
        let (scratch, constants) = (
          scratch.baseAddress.unsafelyUnwrapped, constants.baseAddress.unsafelyUnwrapped
        )
        complement(lanes)
        permuteComplemented(lanes, scratch, constants)
        complement(lanes)
      }
    }
  }

  /// The lanes that are kept complemented: each column but the last has an odd number of them.
  @inline(__always) private static func complement(_ a: UnsafeMutablePointer<UInt64>) {
    a[1] = ~a[1]
    a[2] = ~a[2]
    a[8] = ~a[8]
    a[12] = ~a[12]
    a[17] = ~a[17]
    a[20] = ~a[20]
  }

  /// Not inlined: were `scratch` seen to be local, its 25 lanes would become locals again.
  @inline(never) private static func permuteComplemented(
    _ lanes: UnsafeMutablePointer<UInt64>, _ scratch: UnsafeMutablePointer<UInt64>,
    _ constants: UnsafePointer<UInt64>
  ) {
    var constant = constants
    while constant != constants + 24 {
      round(from: lanes, to: scratch, constant[0])
      round(from: scratch, to: lanes, constant[1])
      constant += 2
    }
  }

  @inline(__always) private static func rotated(_ lane: UInt64, _ count: UInt64) -> UInt64 {
    lane &<< count | lane &>> (64 &- count)
  }

  @inline(__always) private static func round(
    from a: UnsafeMutablePointer<UInt64>, to e: UnsafeMutablePointer<UInt64>, _ constant: UInt64
  ) {
    let c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
    let c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
    let c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
    let c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
    let c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
    let d0 = c4 ^ rotated(c1, 1)
    let d1 = c0 ^ rotated(c2, 1)
    let d2 = c1 ^ rotated(c3, 1)
    let d3 = c2 ^ rotated(c4, 1)
    let d4 = c3 ^ rotated(c0, 1)
    // Where a plane's `b` or an output is stored complemented, De Morgan's laws turn ~x & y into what stands here.
    do {
      let b0 = a[0] ^ d0
      let b1 = rotated(a[6] ^ d1, 44)
      let b2 = rotated(a[12] ^ d2, 43)
      let b3 = rotated(a[18] ^ d3, 21)
      let b4 = rotated(a[24] ^ d4, 14)
      e[0] = b0 ^ (b1 | b2) ^ constant
      e[1] = b1 ^ (~b2 | b3)
      e[2] = b2 ^ (b3 & b4)
      e[3] = b3 ^ (b4 | b0)
      e[4] = b4 ^ (b0 & b1)
    }
    do {
      let b0 = rotated(a[3] ^ d3, 28)
      let b1 = rotated(a[9] ^ d4, 20)
      let b2 = rotated(a[10] ^ d0, 3)
      let b3 = rotated(a[16] ^ d1, 45)
      let b4 = rotated(a[22] ^ d2, 61)
      e[5] = b0 ^ (b1 | b2)
      e[6] = b1 ^ (b2 & b3)
      e[7] = b2 ^ (b3 | ~b4)
      e[8] = b3 ^ (b4 | b0)
      e[9] = b4 ^ (b0 & b1)
    }
    do {
      let b0 = rotated(a[1] ^ d1, 1)
      let b1 = rotated(a[7] ^ d2, 6)
      let b2 = rotated(a[13] ^ d3, 25)
      let b3 = rotated(a[19] ^ d4, 8)
      let b4 = rotated(a[20] ^ d0, 18)
      e[10] = b0 ^ (b1 | b2)
      e[11] = b1 ^ (b2 & b3)
      e[12] = b2 ^ (~b3 & b4)
      e[13] = ~b3 ^ (b4 | b0)
      e[14] = b4 ^ (b0 & b1)
    }
    do {
      let b0 = rotated(a[4] ^ d4, 27)
      let b1 = rotated(a[5] ^ d0, 36)
      let b2 = rotated(a[11] ^ d1, 10)
      let b3 = rotated(a[17] ^ d2, 15)
      let b4 = rotated(a[23] ^ d3, 56)
      e[15] = b0 ^ (b1 & b2)
      e[16] = b1 ^ (b2 | b3)
      e[17] = b2 ^ (~b3 | b4)
      e[18] = ~b3 ^ (b4 & b0)
      e[19] = b4 ^ (b0 | b1)
    }
    do {
      let b0 = rotated(a[2] ^ d2, 62)
      let b1 = rotated(a[8] ^ d3, 55)
      let b2 = rotated(a[14] ^ d4, 39)
      let b3 = rotated(a[15] ^ d0, 41)
      let b4 = rotated(a[21] ^ d1, 2)
      e[20] = b0 ^ (~b1 & b2)
      e[21] = ~b1 ^ (b2 | b3)
      e[22] = b2 ^ (b3 & b4)
      e[23] = b3 ^ (b4 | b0)
      e[24] = b4 ^ (b0 & b1)
    }
  }
}
