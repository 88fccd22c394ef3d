// The field of 2^255 − 19 elements in five limbs of 51 bits. Nothing here is secret, so nothing is
// constant-time. Invariant: limbs of a stored element stay below 2^52; sums of two go into a product without
// carrying, because a product bears limbs below 2^54.

struct FieldElement25519: Sendable {
  var l0, l1, l2, l3, l4: UInt64

  private static let mask: UInt64 = 1 << 51 - 1

  @inline(__always) init(_ l0: UInt64, _ l1: UInt64, _ l2: UInt64, _ l3: UInt64, _ l4: UInt64) {
    (self.l0, self.l1, self.l2, self.l3, self.l4) = (l0, l1, l2, l3, l4)
  }

  static let zero = FieldElement25519(0, 0, 0, 0, 0)
  static let one = FieldElement25519(1, 0, 0, 0, 0)
  /// The square root of −1 that RFC 8032 section 5.1.3 names: 2^((p−1)/4).
  static let squareRootOfMinusOne = FieldElement25519(
    1_718_705_420_411_056, 234_908_883_556_509, 2_233_514_472_574_048, 2_117_202_627_021_982,
    765_476_049_583_133)

  /// Little-endian; bit 255 is ignored, and 2^255 − 19 and above are taken modulo the prime.
  init(_ bytes: Hash) {
    let (a, b, c, d) = (bytes.word0, bytes.word1, bytes.word2, bytes.word3)
    self.init(
      a & Self.mask, (a >> 51 | b << 13) & Self.mask, (b >> 38 | c << 26) & Self.mask,
      (c >> 25 | d << 39) & Self.mask, d >> 12 & Self.mask)
  }

  /// The number below 2^255 − 19, little-endian.
  var bytes: Hash {
    var t = carried()
    // 2^255 − 19 is subtracted once more where the number is not below it: q is 0 or 1.
    var q = (t.l0 &+ 19) >> 51
    q = (t.l1 &+ q) >> 51
    q = (t.l2 &+ q) >> 51
    q = (t.l3 &+ q) >> 51
    q = (t.l4 &+ q) >> 51
    t.l0 &+= 19 &* q
    t.l1 &+= t.l0 >> 51
    t.l2 &+= t.l1 >> 51
    t.l3 &+= t.l2 >> 51
    t.l4 &+= t.l3 >> 51
    let (a, b, c) = (t.l0 & Self.mask, t.l1 & Self.mask, t.l2 & Self.mask)
    let (d, e) = (t.l3 & Self.mask, t.l4 & Self.mask)
    return Hash(
      word0: a | b << 51, word1: b >> 13 | c << 38, word2: c >> 26 | d << 25, word3: d >> 39 | e << 12)
  }

  /// Limbs below 2^51 plus a few bits.
  @inline(__always) private func carried() -> FieldElement25519 {
    FieldElement25519(
      (l0 & Self.mask) &+ (l4 >> 51) &* 19, (l1 & Self.mask) &+ (l0 >> 51), (l2 & Self.mask) &+ (l1 >> 51),
      (l3 & Self.mask) &+ (l2 >> 51), (l4 & Self.mask) &+ (l3 >> 51))
  }

  var isZero: Bool { bytes == .zero }

  /// The sign of RFC 8032 and RFC 9496: the lowest bit of the canonical number.
  var isNegative: Bool { bytes.word0 & 1 == 1 }

  static func == (left: FieldElement25519, right: FieldElement25519) -> Bool { left.bytes == right.bytes }

  @inline(__always) static func + (a: FieldElement25519, b: FieldElement25519) -> FieldElement25519 {
    FieldElement25519(a.l0 &+ b.l0, a.l1 &+ b.l1, a.l2 &+ b.l2, a.l3 &+ b.l3, a.l4 &+ b.l4).carried()
  }

  /// Adds 16 p first, so that no limb goes below zero.
  @inline(__always) static func - (a: FieldElement25519, b: FieldElement25519) -> FieldElement25519 {
    let (low, other): (UInt64, UInt64) = ((1 << 51 - 19) << 4, (1 << 51 - 1) << 4)
    return FieldElement25519(
      a.l0 &+ low &- b.l0, a.l1 &+ other &- b.l1, a.l2 &+ other &- b.l2, a.l3 &+ other &- b.l3,
      a.l4 &+ other &- b.l4
    ).carried()
  }

  @inline(__always) static prefix func - (a: FieldElement25519) -> FieldElement25519 { .zero - a }

  @inline(__always) private static func wide(_ a: UInt64, _ b: UInt64) -> UInt128 {
    UInt128(truncatingIfNeeded: a) &* UInt128(truncatingIfNeeded: b)
  }

  @inline(__always) static func * (a: FieldElement25519, b: FieldElement25519) -> FieldElement25519 {
    let (b1, b2, b3, b4) = (b.l1 &* 19, b.l2 &* 19, b.l3 &* 19, b.l4 &* 19)
    let c0 = wide(a.l0, b.l0) &+ wide(a.l1, b4) &+ wide(a.l2, b3) &+ wide(a.l3, b2) &+ wide(a.l4, b1)
    let c1 = wide(a.l0, b.l1) &+ wide(a.l1, b.l0) &+ wide(a.l2, b4) &+ wide(a.l3, b3) &+ wide(a.l4, b2)
    let c2 = wide(a.l0, b.l2) &+ wide(a.l1, b.l1) &+ wide(a.l2, b.l0) &+ wide(a.l3, b4) &+ wide(a.l4, b3)
    let c3 = wide(a.l0, b.l3) &+ wide(a.l1, b.l2) &+ wide(a.l2, b.l1) &+ wide(a.l3, b.l0) &+ wide(a.l4, b4)
    let c4 = wide(a.l0, b.l4) &+ wide(a.l1, b.l3) &+ wide(a.l2, b.l2) &+ wide(a.l3, b.l1) &+ wide(a.l4, b.l0)
    return reduced(c0, c1, c2, c3, c4)
  }

  @inline(__always) var squared: FieldElement25519 {
    let (d0, d1, d2) = (l0 &* 2, l1 &* 2, l2 &* 2)
    let (t3, t4) = (l3 &* 19, l4 &* 19)
    let c0 = Self.wide(l0, l0) &+ Self.wide(d1, t4) &+ Self.wide(d2, t3)
    let c1 = Self.wide(l3, t3) &+ Self.wide(d0, l1) &+ Self.wide(d2, t4)
    let c2 = Self.wide(l1, l1) &+ Self.wide(d0, l2) &+ Self.wide(l3 &* 2, t4)
    let c3 = Self.wide(l4, t4) &+ Self.wide(d0, l3) &+ Self.wide(d1, l2)
    let c4 = Self.wide(l2, l2) &+ Self.wide(d0, l4) &+ Self.wide(d1, l3)
    return Self.reduced(c0, c1, c2, c3, c4)
  }

  /// Each sum is below 2^115, so its carry fits into 64 bits.
  @inline(__always) private static func reduced(
    _ c0: UInt128, _ c1: UInt128, _ c2: UInt128, _ c3: UInt128, _ c4: UInt128
  ) -> FieldElement25519 {
    @inline(__always) func low(_ c: UInt128) -> UInt64 { UInt64(truncatingIfNeeded: c) & mask }
    @inline(__always) func carry(_ c: UInt128) -> UInt128 {
      UInt128(truncatingIfNeeded: UInt64(truncatingIfNeeded: c >> 51))
    }
    let c1 = c1 &+ carry(c0)
    let c2 = c2 &+ carry(c1)
    let c3 = c3 &+ carry(c2)
    let c4 = c4 &+ carry(c3)
    let l0 = low(c0) &+ UInt64(truncatingIfNeeded: c4 >> 51) &* 19
    return FieldElement25519(l0 & mask, low(c1) &+ (l0 >> 51), low(c2), low(c3), low(c4))
  }

  func squared(times count: Int) -> FieldElement25519 {
    var result = squared
    for _ in 1..<count { result = result.squared }
    return result
  }

  /// Powers 2^250 − 1 and 11, from which the exponents below are built.
  private var chain: (power250: FieldElement25519, power11: FieldElement25519) {
    let p2 = squared
    let p9 = p2.squared(times: 2) * self
    let p11 = p9 * p2
    let p5 = p11.squared * p9  // 2^5 − 1
    let p10 = p5.squared(times: 5) * p5
    let p20 = p10.squared(times: 10) * p10
    let p40 = p20.squared(times: 20) * p20
    let p50 = p40.squared(times: 10) * p10
    let p100 = p50.squared(times: 50) * p50
    let p200 = p100.squared(times: 100) * p100
    return (p200.squared(times: 50) * p50, p11)
  }

  /// The power p − 2; zero for zero.
  var inverse: FieldElement25519 {
    let (power250, power11) = chain
    return power250.squared(times: 5) * power11
  }

  /// The power (p − 5) / 8 = 2^252 − 3.
  private var power252: FieldElement25519 { chain.power250.squared(times: 2) * self }

  /// RFC 9496 section 4.2, SQRT_RATIO_M1: the non-negative root of u / v where that is a square (zero for u =
  /// 0), else the root of i · u / v.
  static func squareRoot(
    of u: FieldElement25519, over v: FieldElement25519
  ) -> (wasSquare: Bool, root: FieldElement25519) {
    let v3 = v.squared * v
    let v7 = v3.squared * v
    var root = u * v3 * (u * v7).power252
    let check = v * root.squared
    let (isRoot, isOther) = (check == u, check == -u)
    let isOtherTimesI = check == -u * squareRootOfMinusOne
    if isOther || isOtherTimesI { root = root * squareRootOfMinusOne }
    if root.isNegative { root = -root }
    return (isRoot || isOther, root)
  }
}
