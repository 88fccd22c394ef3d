// Inversion modulo an odd integer by division steps, after Bernstein and Yang, "Fast constant-time gcd
// computation and modular inversion" (https://eprint.iacr.org/2019/266), in variable time: everything here
// is public. Sixty-two steps are taken on the low words alone and collected in a 2x2 matrix, which is then
// applied to the long integers. Measured against Fermat's exponentiation it is about nine times as fast.
//
// Long integers are signed: `count` limbs of 62 bits, all but the highest in [0, 2^62).

struct ModularInverse: Sendable {
  /// The modulus in limbs of 62 bits.
  private let modulus: [Int64]
  /// modulus^-1 modulo 2^62.
  private let inverseOfLowLimb: UInt64

  private static let mask = Int64(bitPattern: UInt64.max >> 2)

  /// What 62 steps do: 2^62 (f', g') = (u f + v g, q f + r g).
  private struct Matrix {
    var u: Int64 = 1, v: Int64 = 0, q: Int64 = 0, r: Int64 = 1
  }

  /// `modulus` is odd, in 64-bit words, least significant first.
  init(modulus words: [UInt64]) {
    let count = (words.count * 64 + 2 + 61) / 62
    modulus = (0..<count).map { Self.limb($0, of: words) }
    var inverse = words[0]  // right modulo 2^3; each round doubles the bits
    for _ in 0..<5 { inverse = inverse &* (2 &- words[0] &* inverse) }
    inverseOfLowLimb = inverse & UInt64(bitPattern: Self.mask)
  }

  /// Limb `index` of 62 bits of a number in 64-bit words.
  private static func limb(_ index: Int, of words: [UInt64]) -> Int64 {
    let (word, shift) = (index * 62 / 64, UInt64(index * 62 % 64))
    guard word < words.count else { return 0 }
    var bits = words[word] >> shift
    if shift > 2, word + 1 < words.count { bits |= words[word + 1] << (64 - shift) }
    return Int64(bitPattern: bits) & mask
  }

  /// The inverse of a number below the modulus, in as many words; zero for zero. `words` is both input and
  /// output.
  func invert(_ words: UnsafeMutablePointer<UInt64>, wordCount: Int) {
    let count = modulus.count
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: 4 * count) { memory in
      memory.initialize(repeating: 0)
      guard let f = memory.baseAddress else { return }
      let (g, d, e) = (f + count, f + 2 * count, f + 3 * count)
      for index in 0..<count {
        f[index] = modulus[index]
        let (word, shift) = (index * 62 / 64, UInt64(index * 62 % 64))
        guard word < wordCount else { continue }
        var bits = words[word] >> shift
        if shift > 2, word + 1 < wordCount { bits |= words[word + 1] << (64 - shift) }
        g[index] = Int64(bitPattern: bits) & Self.mask
      }
      e[0] = 1
      // f = d x and g = e x modulo the modulus, up to the powers of two that the steps divide by.
      var delta: Int64 = -1
      while !(0..<count).allSatisfy({ g[$0] == 0 }) {
        let matrix = Self.steps(&delta, f[0], g[0])
        updateModular(d, e, matrix)
        Self.update(f, g, matrix, count)
      }
      normalize(d, isNegated: f[count - 1] < 0)
      for word in 0..<wordCount {
        let (limb, shift) = (word * 64 / 62, Int64(word * 64 % 62))
        words[word] =
          UInt64(bitPattern: d[limb]) >> UInt64(shift)
          | (limb + 1 < count ? UInt64(bitPattern: d[limb + 1]) << UInt64(62 - shift) : 0)
      }
    }
  }

  /// 62 division steps on the low limbs, several at a time where g has trailing zeros.
  private static func steps(_ delta: inout Int64, _ f0: Int64, _ g0: Int64) -> Matrix {
    var (f, g) = (UInt64(bitPattern: f0), UInt64(bitPattern: g0))
    var (u, v, q, r): (UInt64, UInt64, UInt64, UInt64) = (1, 0, 0, 1)
    var eta = delta  // -delta in the paper's words
    var left: Int64 = 62
    while true {
      let zeros = Int64((g | UInt64.max << UInt64(left)).trailingZeroBitCount)
      g >>= UInt64(zeros)
      u <<= UInt64(zeros)
      v <<= UInt64(zeros)
      eta &-= zeros
      left &-= zeros
      if left == 0 { break }
      if eta < 0 {
        eta = 0 &- eta
        (f, g) = (g, 0 &- f)
        (u, q) = (q, 0 &- u)
        (v, r) = (r, 0 &- v)
      }
      // Adding a multiple of f clears up to six low bits of g: -f^-1 modulo 64 is f (f^2 - 2).
      let limit = min(eta &+ 1, left)
      let low = UInt64.max >> UInt64(64 &- limit) & 63
      let w = f &* g &* (f &* f &- 2) & low
      g = g &+ f &* w
      q = q &+ u &* w
      r = r &+ v &* w
    }
    delta = eta
    return Matrix(
      u: Int64(bitPattern: u), v: Int64(bitPattern: v), q: Int64(bitPattern: q), r: Int64(bitPattern: r))
  }

  /// (f, g) becomes (u f + v g, q f + r g) / 2^62, which is exact.
  @inline(__always)
  private static func update(
    _ f: UnsafeMutablePointer<Int64>, _ g: UnsafeMutablePointer<Int64>, _ m: Matrix, _ count: Int
  ) {
    var (first, second) = (product(m.u, f[0]) &+ product(m.v, g[0]), product(m.q, f[0]) &+ product(m.r, g[0]))
    first >>= 62
    second >>= 62
    for index in 1..<count {
      first &+= product(m.u, f[index]) &+ product(m.v, g[index])
      second &+= product(m.q, f[index]) &+ product(m.r, g[index])
      f[index - 1] = Int64(truncatingIfNeeded: first) & mask
      g[index - 1] = Int64(truncatingIfNeeded: second) & mask
      first >>= 62
      second >>= 62
    }
    f[count - 1] = Int64(truncatingIfNeeded: first)
    g[count - 1] = Int64(truncatingIfNeeded: second)
  }

  /// (d, e) becomes (u d + v e, q d + r e) / 2^62 modulo the modulus; both stay in (-2 modulus, modulus).
  @inline(__always)
  private func updateModular(
    _ d: UnsafeMutablePointer<Int64>, _ e: UnsafeMutablePointer<Int64>, _ m: Matrix
  ) {
    let count = modulus.count
    modulus.withUnsafeBufferPointer { modulus in
      // A negative d or e counts as itself plus the modulus.
      let (signD, signE) = (d[count - 1] >> 63, e[count - 1] >> 63)
      var multipleD = (m.u & signD) &+ (m.v & signE)
      var multipleE = (m.q & signD) &+ (m.r & signE)
      var first = Self.product(m.u, d[0]) &+ Self.product(m.v, e[0])
      var second = Self.product(m.q, d[0]) &+ Self.product(m.r, e[0])
      // Multiples of the modulus that make the low 62 bits zero.
      let inverse = Int64(bitPattern: inverseOfLowLimb)
      multipleD &-= (inverse &* Int64(truncatingIfNeeded: first) &+ multipleD) & Self.mask
      multipleE &-= (inverse &* Int64(truncatingIfNeeded: second) &+ multipleE) & Self.mask
      first = (first &+ Self.product(modulus[0], multipleD)) >> 62
      second = (second &+ Self.product(modulus[0], multipleE)) >> 62
      for index in 1..<count {
        first &+=
          Self.product(m.u, d[index]) &+ Self.product(m.v, e[index])
          &+ Self.product(modulus[index], multipleD)
        second &+=
          Self.product(m.q, d[index]) &+ Self.product(m.r, e[index])
          &+ Self.product(modulus[index], multipleE)
        d[index - 1] = Int64(truncatingIfNeeded: first) & Self.mask
        e[index - 1] = Int64(truncatingIfNeeded: second) & Self.mask
        first >>= 62
        second >>= 62
      }
      d[count - 1] = Int64(truncatingIfNeeded: first)
      e[count - 1] = Int64(truncatingIfNeeded: second)
    }
  }

  /// Brings d, or -d, from (-2 modulus, modulus) into [0, modulus).
  private func normalize(_ d: UnsafeMutablePointer<Int64>, isNegated: Bool) {
    let count = modulus.count
    if d[count - 1] < 0 { addModulus(d) }
    if isNegated {
      for index in 0..<count { d[index] = 0 &- d[index] }
      carry(d)
    }
    if d[count - 1] < 0 { addModulus(d) }
  }

  private func addModulus(_ d: UnsafeMutablePointer<Int64>) {
    for index in 0..<modulus.count { d[index] &+= modulus[index] }
    carry(d)
  }

  private func carry(_ d: UnsafeMutablePointer<Int64>) {
    for index in 0..<modulus.count - 1 {
      d[index + 1] &+= d[index] >> 62
      d[index] &= Self.mask
    }
  }

  @inline(__always)
  private static func product(_ a: Int64, _ b: Int64) -> Int128 { Int128(a) &* Int128(b) }
}
