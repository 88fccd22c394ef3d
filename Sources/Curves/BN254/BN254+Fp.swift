// The base field of BN254 (alt_bn128, EIP-196): p = 36u^4 + 36u^3 + 24u^2 + 6u + 1, u =
// 4965661367192848881, 254 bits. Elements are in Montgomery form, R = 2^256. Multiplication interleaves
// product and reduction row by row (CIOS: Koc, Acar and Kaliski, "Analyzing and Comparing Montgomery
// Multiplication Algorithms", 1996); p leaves the top bits of its highest limb free, so that no row needs a
// further carry limb and operands may be as large as 2p.

extension BN254 {
  /// An element of Fp, below p, in Montgomery form, least significant limb first.
  struct Fp: TowerField {
    var l0: UInt64, l1: UInt64, l2: UInt64, l3: UInt64

    @inline(__always)
    init(
      _ l0: UInt64, _ l1: UInt64, _ l2: UInt64, _ l3: UInt64
    ) {
      self.l0 = l0
      self.l1 = l1
      self.l2 = l2
      self.l3 = l3
    }
  }
}

extension BN254.Fp {
  /// p, and -p^-1 modulo 2^64.
  @inline(__always) private static var p0: UInt64 { 0x3c20_8c16_d87c_fd47 }
  @inline(__always) private static var p1: UInt64 { 0x9781_6a91_6871_ca8d }
  @inline(__always) private static var p2: UInt64 { 0xb850_45b6_8181_585d }
  @inline(__always) private static var p3: UInt64 { 0x3064_4e72_e131_a029 }
  @inline(__always) private static var negatedInverse: UInt64 { 0x87d2_0782_e486_6389 }

  static let zero = Self(0, 0, 0, 0)
  /// R mod p
  static let one = Self(
    0xd35d_438d_c58f_0d9d, 0x0a78_eb28_f5c7_0b3d, 0x666e_a36f_7879_462c, 0x0e0a_77c1_9a07_df2f)
  /// R^2 mod p, which takes an integer into Montgomery form.
  private static let rSquared = Self(
    0xf32c_fc5b_538a_fa89, 0xb5e7_1911_d445_01fb, 0x47ab_1eff_0a41_7ff6, 0x06d8_9f71_cab8_351f)
  /// R^3 mod p, which does so for the inverse of a Montgomery form.
  private static let rCubed = Self(
    0xb1cd_6daf_da15_30df, 0x62f2_10e6_a728_3db6, 0xef7f_0b0c_0ada_0afb, 0x20fd_6e90_2d59_2544)
  static let modulus: [UInt64] = [p0, p1, p2, p3]
  private static let inversion = ModularInverse(modulus: modulus)
  static let byteCount = 32

  var isZero: Bool { @inline(__always) get { l0 | l1 | l2 | l3 == 0 } }

  /// `self` where it is below p, else `self - p`; for values below 2p.
  @inline(__always)
  private func reducedOnce() -> Self {
    var borrow: UInt64 = 0
    let r0 = subtractBorrowing(l0, Self.p0, &borrow)
    let r1 = subtractBorrowing(l1, Self.p1, &borrow)
    let r2 = subtractBorrowing(l2, Self.p2, &borrow)
    let r3 = subtractBorrowing(l3, Self.p3, &borrow)
    let keep = 0 &- borrow
    return Self(
      r0 & ~keep | l0 & keep, r1 & ~keep | l1 & keep, r2 & ~keep | l2 & keep,
      r3 & ~keep | l3 & keep)
  }

  @inline(__always)
  static func unreducedSum(_ a: Self, _ b: Self) -> Self {
    var carry: UInt64 = 0
    var sum = a
    sum.l0 = addCarrying(a.l0, b.l0, &carry)
    sum.l1 = addCarrying(a.l1, b.l1, &carry)
    sum.l2 = addCarrying(a.l2, b.l2, &carry)
    sum.l3 = addCarrying(a.l3, b.l3, &carry)
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
    let mask = 0 &- borrow
    result.l0 = addCarrying(result.l0, p0 & mask, &carry)
    result.l1 = addCarrying(result.l1, p1 & mask, &carry)
    result.l2 = addCarrying(result.l2, p2 & mask, &carry)
    result.l3 = addCarrying(result.l3, p3 & mask, &carry)
    return result
  }

  @inline(__always)
  static prefix func - (a: Self) -> Self { zero - a }

  @inline(__always)
  func halved() -> Self {
    var carry: UInt64 = 0
    let mask = 0 &- (l0 & 1)
    let r0 = addCarrying(l0, Self.p0 & mask, &carry)
    let r1 = addCarrying(l1, Self.p1 & mask, &carry)
    let r2 = addCarrying(l2, Self.p2 & mask, &carry)
    let r3 = addCarrying(l3, Self.p3 & mask, &carry)
    return Self(
      r0 >> 1 | r1 << 63, r1 >> 1 | r2 << 63, r2 >> 1 | r3 << 63,
      r3 >> 1)
  }
}

extension BN254.Fp {
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
    l3 = carry &+ reduction
  }

  @inline(never)
  static func * (a: Self, b: Self) -> Self {
    var sum = zero
    sum.accumulate(a, b.l0)
    sum.accumulate(a, b.l1)
    sum.accumulate(a, b.l2)
    sum.accumulate(a, b.l3)
    return sum.reducedOnce()
  }

  @inline(never)
  func squared() -> Self { Self.reduce(Self.wideSquare(self)) }

  @inline(never)
  func inverted() -> Self {
    var copy = self
    withUnsafeMutableBytes(of: &copy) { bytes in
      // The struct is 4 words in order, and no padding.
      bytes.withMemoryRebound(to: UInt64.self) { words in
        if let start = words.baseAddress { Self.inversion.invert(start, wordCount: 4) }
      }
    }
    return copy * Self.rCubed
  }
}

/// 8 limbs, least significant first.
struct Wide8 {
  var w0: UInt64, w1: UInt64, w2: UInt64, w3: UInt64
  var w4: UInt64, w5: UInt64, w6: UInt64, w7: UInt64
}

extension BN254.Fp {
  /// `self + a * b`: leaves that divided by 2^64 and returns the remainder.
  @inline(__always)
  private mutating func multiplyRow(_ a: Self, _ b: UInt64) -> UInt64 {
    var carry: UInt64 = 0
    let lowest = multiplyAdd(l0, a.l0, b, &carry)
    l0 = multiplyAdd(l1, a.l1, b, &carry)
    l1 = multiplyAdd(l2, a.l2, b, &carry)
    l2 = multiplyAdd(l3, a.l3, b, &carry)
    l3 = carry
    return lowest
  }

  /// One limb of the reduction: adds the multiple of p that makes the lowest limb zero, drops that limb and
  /// takes in `next` at the top.
  @inline(__always)
  private mutating func reduceRow(_ next: UInt64, _ carry: inout UInt64) {
    var reduction: UInt64 = 0
    let m = l0 &* Self.negatedInverse
    _ = multiplyAdd(l0, m, Self.p0, &reduction)
    l0 = multiplyAdd(l1, m, Self.p1, &reduction)
    l1 = multiplyAdd(l2, m, Self.p2, &reduction)
    l2 = multiplyAdd(l3, m, Self.p3, &reduction)
    l3 = addCarrying(next, reduction, &carry)
  }

  @inline(__always)
  static func wideProduct(_ a: Self, _ b: Self) -> Wide8 {
    var row = zero
    let w0 = row.multiplyRow(a, b.l0)
    let w1 = row.multiplyRow(a, b.l1)
    let w2 = row.multiplyRow(a, b.l2)
    let w3 = row.multiplyRow(a, b.l3)
    return Wide8(
      w0: w0, w1: w1, w2: w2, w3: w3, w4: row.l0, w5: row.l1,
      w6: row.l2, w7: row.l3)
  }

  @inline(__always)
  static func reduce(_ wide: Wide8) -> Self {
    var rest = Self(wide.w0, wide.w1, wide.w2, wide.w3)
    var carry: UInt64 = 0
    rest.reduceRow(wide.w4, &carry)
    rest.reduceRow(wide.w5, &carry)
    rest.reduceRow(wide.w6, &carry)
    rest.reduceRow(wide.w7, &carry)
    return rest.reducedOnce()
  }

  /// The products of different limbs once, doubled, and the squares of the limbs.
  @inline(__always)
  static func wideSquare(_ a: Self) -> Wide8 {
    var carry: UInt64 = 0
    var t1 = multiplyAdd(0, a.l0, a.l1, &carry)
    var t2 = multiplyAdd(0, a.l0, a.l2, &carry)
    var t3 = multiplyAdd(0, a.l0, a.l3, &carry)
    var t4 = carry
    carry = 0
    t3 = multiplyAdd(t3, a.l1, a.l2, &carry)
    t4 = multiplyAdd(t4, a.l1, a.l3, &carry)
    var t5 = carry
    carry = 0
    t5 = multiplyAdd(t5, a.l2, a.l3, &carry)
    var t6 = carry
    let t7 = t6 >> 63
    t6 = t6 << 1 | t5 >> 63
    t5 = t5 << 1 | t4 >> 63
    t4 = t4 << 1 | t3 >> 63
    t3 = t3 << 1 | t2 >> 63
    t2 = t2 << 1 | t1 >> 63
    t1 <<= 1
    var (square, limbCarry): (UInt64, UInt64) = (0, 0)
    let w0 = multiplyAdd(0, a.l0, a.l0, &square)
    let w1 = addCarrying(t1, square, &limbCarry)
    square = 0
    let s1 = multiplyAdd(0, a.l1, a.l1, &square)
    let w2 = addCarrying(t2, s1, &limbCarry)
    let w3 = addCarrying(t3, square, &limbCarry)
    square = 0
    let s2 = multiplyAdd(0, a.l2, a.l2, &square)
    let w4 = addCarrying(t4, s2, &limbCarry)
    let w5 = addCarrying(t5, square, &limbCarry)
    square = 0
    let s3 = multiplyAdd(0, a.l3, a.l3, &square)
    let w6 = addCarrying(t6, s3, &limbCarry)
    let w7 = addCarrying(t7, square, &limbCarry)
    return Wide8(
      w0: w0, w1: w1, w2: w2, w3: w3, w4: w4, w5: w5,
      w6: w6, w7: w7)
  }

  @inline(__always)
  static func wideDifference(_ a: Wide8, _ b: Wide8) -> Wide8 {
    var borrow: UInt64 = 0
    return difference(a, b, &borrow)
  }

  @inline(__always)
  static func wrappedWideDifference(_ a: Wide8, _ b: Wide8) -> Wide8 {
    var (borrow, carry): (UInt64, UInt64) = (0, 0)
    var result = difference(a, b, &borrow)
    let mask = 0 &- borrow
    result.w4 = addCarrying(result.w4, p0 & mask, &carry)
    result.w5 = addCarrying(result.w5, p1 & mask, &carry)
    result.w6 = addCarrying(result.w6, p2 & mask, &carry)
    result.w7 = addCarrying(result.w7, p3 & mask, &carry)
    return result
  }

  @inline(__always)
  private static func difference(_ a: Wide8, _ b: Wide8, _ borrow: inout UInt64) -> Wide8 {
    var result = a
    result.w0 = subtractBorrowing(a.w0, b.w0, &borrow)
    result.w1 = subtractBorrowing(a.w1, b.w1, &borrow)
    result.w2 = subtractBorrowing(a.w2, b.w2, &borrow)
    result.w3 = subtractBorrowing(a.w3, b.w3, &borrow)
    result.w4 = subtractBorrowing(a.w4, b.w4, &borrow)
    result.w5 = subtractBorrowing(a.w5, b.w5, &borrow)
    result.w6 = subtractBorrowing(a.w6, b.w6, &borrow)
    result.w7 = subtractBorrowing(a.w7, b.w7, &borrow)
    return result
  }
}

extension BN254.Fp {
  init?(reading bytes: UnsafeRawPointer) {
    let integer = Self(
      loadWord(bytes, 24), loadWord(bytes, 16),
      loadWord(bytes, 8), loadWord(bytes, 0))
    var borrow: UInt64 = 0
    _ = subtractBorrowing(integer.l0, Self.p0, &borrow)
    _ = subtractBorrowing(integer.l1, Self.p1, &borrow)
    _ = subtractBorrowing(integer.l2, Self.p2, &borrow)
    _ = subtractBorrowing(integer.l3, Self.p3, &borrow)
    guard borrow == 1 else { return nil }
    self = integer * Self.rSquared
  }

  /// A small integer.
  init(_ integer: UInt64) {
    self = Self(integer, 0, 0, 0) * Self.rSquared
  }

  /// The integer below p, out of Montgomery form.
  var integer: Self {
    Self.reduce(
      Wide8(
        w0: l0, w1: l1, w2: l2, w3: l3, w4: 0, w5: 0,
        w6: 0, w7: 0))
  }

  func write(to bytes: UnsafeMutableRawPointer) {
    let value = integer
    storeWord(value.l3, bytes, 0)
    storeWord(value.l2, bytes, 8)
    storeWord(value.l1, bytes, 16)
    storeWord(value.l0, bytes, 24)
  }

  var isOdd: Bool { integer.l0 & 1 == 1 }

  var isLexicographicallyLarge: Bool {
    // (p - 1) / 2 - self borrows where self is greater.
    let value = integer
    var borrow: UInt64 = 0
    _ = subtractBorrowing(0x9e10_460b_6c3e_7ea3, value.l0, &borrow)
    _ = subtractBorrowing(0xcbc0_b548_b438_e546, value.l1, &borrow)
    _ = subtractBorrowing(0xdc28_22db_40c0_ac2e, value.l2, &borrow)
    _ = subtractBorrowing(0x1832_2739_7098_d014, value.l3, &borrow)
    return borrow == 1
  }

  /// (p + 1) / 4; p is 3 modulo 4.
  private static let rootExponent: [UInt64] = [
    0x4f08_2305_b61f_3f52, 0x65e0_5aa4_5a1c_72a3, 0x6e14_116d_a060_5617, 0x0c19_139c_b84c_680a,
  ]

  func squareRoot() -> Self? {
    let root = power(Self.rootExponent)
    return root.squared() == self ? root : nil
  }
}
