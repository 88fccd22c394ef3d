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
  var complement: Self {
    var borrow: UInt64 = 0
    var result = self
    result.l0 = subtractBorrowing(Self.p0, l0, &borrow)
    result.l1 = subtractBorrowing(Self.p1, l1, &borrow)
    result.l2 = subtractBorrowing(Self.p2, l2, &borrow)
    result.l3 = subtractBorrowing(Self.p3, l3, &borrow)
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
    l3 = first &+ second &+ reduction
  }

  @inline(never)
  static func sumOfProducts(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self {
    var sum = zero
    sum.accumulate(a, b.l0, c, d.l0)
    sum.accumulate(a, b.l1, c, d.l1)
    sum.accumulate(a, b.l2, c, d.l2)
    sum.accumulate(a, b.l3, c, d.l3)
    return sum.reducedOnce()
  }

  @inline(__always)
  func squared() -> Self { self * self }

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
  var integer: Self { self * Self(1, 0, 0, 0) }

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
