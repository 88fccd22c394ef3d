// The base field of BLS12-381 (EIP-2537): p = (u - 1)^2 (u^4 - u^2 + 1) / 3 + u, u = -0xd201000000010000,
// 381 bits. Elements are in Montgomery form, R = 2^384. Multiplication interleaves product and reduction
// row by row (CIOS: Koc, Acar and Kaliski, "Analyzing and Comparing Montgomery Multiplication Algorithms",
// 1996); p leaves the top bits of its highest limb free, so that no row needs a further carry limb and
// operands may be as large as 2p.

extension BLS12381 {
  /// An element of Fp, below p, in Montgomery form, least significant limb first.
  struct Fp: TowerField {
    var l0: UInt64, l1: UInt64, l2: UInt64, l3: UInt64, l4: UInt64, l5: UInt64

    @inline(__always)
    init(
      _ l0: UInt64, _ l1: UInt64, _ l2: UInt64, _ l3: UInt64, _ l4: UInt64, _ l5: UInt64
    ) {
      self.l0 = l0
      self.l1 = l1
      self.l2 = l2
      self.l3 = l3
      self.l4 = l4
      self.l5 = l5
    }
  }
}

extension BLS12381.Fp {
  /// p, and -p^-1 modulo 2^64.
  @inline(__always) private static var p0: UInt64 { 0xb9fe_ffff_ffff_aaab }
  @inline(__always) private static var p1: UInt64 { 0x1eab_fffe_b153_ffff }
  @inline(__always) private static var p2: UInt64 { 0x6730_d2a0_f6b0_f624 }
  @inline(__always) private static var p3: UInt64 { 0x6477_4b84_f385_12bf }
  @inline(__always) private static var p4: UInt64 { 0x4b1b_a7b6_434b_acd7 }
  @inline(__always) private static var p5: UInt64 { 0x1a01_11ea_397f_e69a }
  @inline(__always) private static var negatedInverse: UInt64 { 0x89f3_fffc_fffc_fffd }

  static let zero = Self(0, 0, 0, 0, 0, 0)
  /// R mod p
  static let one = Self(
    0x7609_0000_0002_fffd, 0xebf4_000b_c40c_0002, 0x5f48_9857_53c7_58ba, 0x77ce_5853_7052_5745,
    0x5c07_1a97_a256_ec6d, 0x15f6_5ec3_fa80_e493)
  /// R^2 mod p, which takes an integer into Montgomery form.
  private static let rSquared = Self(
    0xf4df_1f34_1c34_1746, 0x0a76_e6a6_09d1_04f1, 0x8de5_476c_4c95_b6d5, 0x67eb_88a9_939d_83c0,
    0x9a79_3e85_b519_952d, 0x1198_8fe5_92ca_e3aa)
  /// R^3 mod p, which does so for the inverse of a Montgomery form.
  private static let rCubed = Self(
    0xed48_ac6b_d94c_a1e0, 0x315f_831e_03a7_adf8, 0x9a53_352a_615e_29dd, 0x34c0_4e5e_921e_1761,
    0x2512_d435_6572_4728, 0x0aa6_3460_9175_5d4d)
  static let modulus: [UInt64] = [p0, p1, p2, p3, p4, p5]
  private static let inversion = ModularInverse(modulus: modulus)
  static let byteCount = 48

  var isZero: Bool { @inline(__always) get { l0 | l1 | l2 | l3 | l4 | l5 == 0 } }

  /// `self` where it is below p, else `self - p`; for values below 2p.
  @inline(__always)
  private func reducedOnce() -> Self {
    var borrow: UInt64 = 0
    let r0 = subtractBorrowing(l0, Self.p0, &borrow)
    let r1 = subtractBorrowing(l1, Self.p1, &borrow)
    let r2 = subtractBorrowing(l2, Self.p2, &borrow)
    let r3 = subtractBorrowing(l3, Self.p3, &borrow)
    let r4 = subtractBorrowing(l4, Self.p4, &borrow)
    let r5 = subtractBorrowing(l5, Self.p5, &borrow)
    let keep = 0 &- borrow
    return Self(
      r0 & ~keep | l0 & keep, r1 & ~keep | l1 & keep, r2 & ~keep | l2 & keep,
      r3 & ~keep | l3 & keep, r4 & ~keep | l4 & keep, r5 & ~keep | l5 & keep)
  }

  @inline(__always)
  static func unreducedSum(_ a: Self, _ b: Self) -> Self {
    var carry: UInt64 = 0
    var sum = a
    sum.l0 = addCarrying(a.l0, b.l0, &carry)
    sum.l1 = addCarrying(a.l1, b.l1, &carry)
    sum.l2 = addCarrying(a.l2, b.l2, &carry)
    sum.l3 = addCarrying(a.l3, b.l3, &carry)
    sum.l4 = addCarrying(a.l4, b.l4, &carry)
    sum.l5 = addCarrying(a.l5, b.l5, &carry)
    return sum
  }

  @inline(__always)
  static func + (a: Self, b: Self) -> Self { unreducedSum(a, b).reducedOnce() }

  @inline(__always)
  func doubled() -> Self { Self.unreducedSum(self, self).reducedOnce() }

  @inline(__always)
  static func - (a: Self, b: Self) -> Self {
    var (borrow, carry): (UInt64, UInt64) = (0, 0)
    var result = a
    result.l0 = subtractBorrowing(a.l0, b.l0, &borrow)
    result.l1 = subtractBorrowing(a.l1, b.l1, &borrow)
    result.l2 = subtractBorrowing(a.l2, b.l2, &borrow)
    result.l3 = subtractBorrowing(a.l3, b.l3, &borrow)
    result.l4 = subtractBorrowing(a.l4, b.l4, &borrow)
    result.l5 = subtractBorrowing(a.l5, b.l5, &borrow)
    let mask = 0 &- borrow
    result.l0 = addCarrying(result.l0, p0 & mask, &carry)
    result.l1 = addCarrying(result.l1, p1 & mask, &carry)
    result.l2 = addCarrying(result.l2, p2 & mask, &carry)
    result.l3 = addCarrying(result.l3, p3 & mask, &carry)
    result.l4 = addCarrying(result.l4, p4 & mask, &carry)
    result.l5 = addCarrying(result.l5, p5 & mask, &carry)
    return result
  }

  @inline(__always)
  static prefix func - (a: Self) -> Self { zero - a }

  @inline(__always)
  var complement: Self {
    var borrow: UInt64 = 0
    var result = self
    result.l0 = subtractBorrowing(Self.p0, l0, &borrow)
    result.l1 = subtractBorrowing(Self.p1, l1, &borrow)
    result.l2 = subtractBorrowing(Self.p2, l2, &borrow)
    result.l3 = subtractBorrowing(Self.p3, l3, &borrow)
    result.l4 = subtractBorrowing(Self.p4, l4, &borrow)
    result.l5 = subtractBorrowing(Self.p5, l5, &borrow)
    return result
  }

  @inline(__always)
  func halved() -> Self {
    var carry: UInt64 = 0
    let mask = 0 &- (l0 & 1)
    let r0 = addCarrying(l0, Self.p0 & mask, &carry)
    let r1 = addCarrying(l1, Self.p1 & mask, &carry)
    let r2 = addCarrying(l2, Self.p2 & mask, &carry)
    let r3 = addCarrying(l3, Self.p3 & mask, &carry)
    let r4 = addCarrying(l4, Self.p4 & mask, &carry)
    let r5 = addCarrying(l5, Self.p5 & mask, &carry)
    return Self(
      r0 >> 1 | r1 << 63, r1 >> 1 | r2 << 63, r2 >> 1 | r3 << 63,
      r3 >> 1 | r4 << 63, r4 >> 1 | r5 << 63, r5 >> 1)
  }
}

extension BLS12381.Fp {
  /// `self + a * b`, divided by 2^64 after a multiple of p has made it divisible.
  @inline(__always)
  private mutating func accumulate(_ a: Self, _ b: UInt64) {
    var (carry, reduction): (UInt64, UInt64) = (0, 0)
    l0 = multiplyAdd(l0, a.l0, b, &carry)
    let m = l0 &* Self.negatedInverse
    _ = multiplyAdd(l0, m, Self.p0, &reduction)
    l1 = multiplyAdd(l1, a.l1, b, &carry)
    l0 = multiplyAdd(l1, m, Self.p1, &reduction)
    l2 = multiplyAdd(l2, a.l2, b, &carry)
    l1 = multiplyAdd(l2, m, Self.p2, &reduction)
    l3 = multiplyAdd(l3, a.l3, b, &carry)
    l2 = multiplyAdd(l3, m, Self.p3, &reduction)
    l4 = multiplyAdd(l4, a.l4, b, &carry)
    l3 = multiplyAdd(l4, m, Self.p4, &reduction)
    l5 = multiplyAdd(l5, a.l5, b, &carry)
    l4 = multiplyAdd(l5, m, Self.p5, &reduction)
    l5 = carry &+ reduction
  }

  @inline(never)
  static func * (a: Self, b: Self) -> Self {
    var sum = zero
    sum.accumulate(a, b.l0)
    sum.accumulate(a, b.l1)
    sum.accumulate(a, b.l2)
    sum.accumulate(a, b.l3)
    sum.accumulate(a, b.l4)
    sum.accumulate(a, b.l5)
    return sum.reducedOnce()
  }

  /// `self + a * b + c * d`, likewise.
  @inline(__always)
  private mutating func accumulate(_ a: Self, _ b: UInt64, _ c: Self, _ d: UInt64) {
    var (first, second, reduction): (UInt64, UInt64, UInt64) = (0, 0, 0)
    l0 = multiplyAdd(l0, a.l0, b, &first)
    l0 = multiplyAdd(l0, c.l0, d, &second)
    let m = l0 &* Self.negatedInverse
    _ = multiplyAdd(l0, m, Self.p0, &reduction)
    l1 = multiplyAdd(l1, a.l1, b, &first)
    l1 = multiplyAdd(l1, c.l1, d, &second)
    l0 = multiplyAdd(l1, m, Self.p1, &reduction)
    l2 = multiplyAdd(l2, a.l2, b, &first)
    l2 = multiplyAdd(l2, c.l2, d, &second)
    l1 = multiplyAdd(l2, m, Self.p2, &reduction)
    l3 = multiplyAdd(l3, a.l3, b, &first)
    l3 = multiplyAdd(l3, c.l3, d, &second)
    l2 = multiplyAdd(l3, m, Self.p3, &reduction)
    l4 = multiplyAdd(l4, a.l4, b, &first)
    l4 = multiplyAdd(l4, c.l4, d, &second)
    l3 = multiplyAdd(l4, m, Self.p4, &reduction)
    l5 = multiplyAdd(l5, a.l5, b, &first)
    l5 = multiplyAdd(l5, c.l5, d, &second)
    l4 = multiplyAdd(l5, m, Self.p5, &reduction)
    l5 = first &+ second &+ reduction
  }

  @inline(never)
  static func sumOfProducts(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self {
    var sum = zero
    sum.accumulate(a, b.l0, c, d.l0)
    sum.accumulate(a, b.l1, c, d.l1)
    sum.accumulate(a, b.l2, c, d.l2)
    sum.accumulate(a, b.l3, c, d.l3)
    sum.accumulate(a, b.l4, c, d.l4)
    sum.accumulate(a, b.l5, c, d.l5)
    return sum.reducedOnce()
  }

  @inline(__always)
  func squared() -> Self { self * self }

  @inline(never)
  func inverted() -> Self {
    var copy = self
    withUnsafeMutableBytes(of: &copy) { bytes in
      // The struct is 6 words in order, and no padding.
      bytes.withMemoryRebound(to: UInt64.self) { words in
        if let start = words.baseAddress { Self.inversion.invert(start, wordCount: 6) }
      }
    }
    return copy * Self.rCubed
  }
}

extension BLS12381.Fp {
  init?(reading bytes: UnsafeRawPointer) {
    let integer = Self(
      loadWord(bytes, 40), loadWord(bytes, 32), loadWord(bytes, 24),
      loadWord(bytes, 16), loadWord(bytes, 8), loadWord(bytes, 0))
    var borrow: UInt64 = 0
    _ = subtractBorrowing(integer.l0, Self.p0, &borrow)
    _ = subtractBorrowing(integer.l1, Self.p1, &borrow)
    _ = subtractBorrowing(integer.l2, Self.p2, &borrow)
    _ = subtractBorrowing(integer.l3, Self.p3, &borrow)
    _ = subtractBorrowing(integer.l4, Self.p4, &borrow)
    _ = subtractBorrowing(integer.l5, Self.p5, &borrow)
    guard borrow == 1 else { return nil }
    self = integer * Self.rSquared
  }

  /// A small integer.
  init(_ integer: UInt64) {
    self = Self(integer, 0, 0, 0, 0, 0) * Self.rSquared
  }

  /// The integer below p, out of Montgomery form.
  var integer: Self { self * Self(1, 0, 0, 0, 0, 0) }

  func write(to bytes: UnsafeMutableRawPointer) {
    let value = integer
    storeWord(value.l5, bytes, 0)
    storeWord(value.l4, bytes, 8)
    storeWord(value.l3, bytes, 16)
    storeWord(value.l2, bytes, 24)
    storeWord(value.l1, bytes, 32)
    storeWord(value.l0, bytes, 40)
  }

  var isOdd: Bool { integer.l0 & 1 == 1 }

  var isLexicographicallyLarge: Bool {
    // (p - 1) / 2 - self borrows where self is greater.
    let value = integer
    var borrow: UInt64 = 0
    _ = subtractBorrowing(0xdcff_7fff_ffff_d555, value.l0, &borrow)
    _ = subtractBorrowing(0x0f55_ffff_58a9_ffff, value.l1, &borrow)
    _ = subtractBorrowing(0xb398_6950_7b58_7b12, value.l2, &borrow)
    _ = subtractBorrowing(0xb23b_a5c2_79c2_895f, value.l3, &borrow)
    _ = subtractBorrowing(0x258d_d3db_21a5_d66b, value.l4, &borrow)
    _ = subtractBorrowing(0x0d00_88f5_1cbf_f34d, value.l5, &borrow)
    return borrow == 1
  }

  /// (p + 1) / 4; p is 3 modulo 4.
  private static let rootExponent: [UInt64] = [
    0xee7f_bfff_ffff_eaab, 0x07aa_ffff_ac54_ffff, 0xd9cc_34a8_3dac_3d89, 0xd91d_d2e1_3ce1_44af,
    0x92c6_e9ed_90d2_eb35, 0x0680_447a_8e5f_f9a6,
  ]

  func squareRoot() -> Self? {
    let root = power(Self.rootExponent)
    return root.squared() == self ? root : nil
  }
}
