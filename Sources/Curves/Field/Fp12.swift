// Fp12 = Fp6[w] / (w^2 - v), where pairings live; over Fp2 its basis is 1, w, ... w^5. The cyclotomic
// subgroup, where the easy part of the final exponentiation leads, has a cheap inverse and the squaring of
// Granger and Scott (https://eprint.iacr.org/2009/565).

struct Fp12<F: TowerField>: Field {
  /// The element c0 + c1 w.
  var c0: Fp6<F>, c1: Fp6<F>

  @inline(__always)
  init(_ c0: Fp6<F>, _ c1: Fp6<F>) {
    self.c0 = c0
    self.c1 = c1
  }

  static var zero: Self { Self(.zero, .zero) }
  static var one: Self { Self(.one, .zero) }
  var isZero: Bool { c0.isZero && c1.isZero }

  static func + (a: Self, b: Self) -> Self { Self(a.c0 + b.c0, a.c1 + b.c1) }
  static func - (a: Self, b: Self) -> Self { Self(a.c0 - b.c0, a.c1 - b.c1) }
  static prefix func - (a: Self) -> Self { Self(-a.c0, -a.c1) }
  func doubled() -> Self { Self(c0.doubled(), c1.doubled()) }

  @inline(never)
  static func * (a: Self, b: Self) -> Self {
    let (low, high) = (a.c0 * b.c0, a.c1 * b.c1)
    return Self(low + high.timesV(), (a.c0 + a.c1) * (b.c0 + b.c1) - low - high)
  }

  @inline(never)
  func squared() -> Self {
    let product = c0 * c1
    return Self((c0 + c1) * (c0 + c1.timesV()) - product - product.timesV(), product.doubled())
  }

  func inverted() -> Self {
    let inverse = (c0.squared() - c1.squared().timesV()).inverted()
    return Self(c0 * inverse, -(c1 * inverse))
  }

  /// The power p^6; the inverse in the cyclotomic subgroup.
  var conjugate: Self { Self(c0, -c1) }

  /// `self * (b0 + b3 w^3 + b1 w)`: the lines of a twist of type D.
  @inline(never)
  func timesLine(_ b0: Fp2<F>, w b1: Fp2<F>, w3 b3: Fp2<F>) -> Self {
    let (low, high) = (c0 * b0, c1.timesSparse(b1, b3))
    let sum = (c0 + c1).timesSparse(b0 + b1, b3)
    return Self(low + high.timesV(), sum - low - high)
  }

  /// `self * (b0 + b2 w^2 + b3 w^3)`: the lines of a twist of type M.
  @inline(never)
  func timesLine(_ b0: Fp2<F>, w2 b2: Fp2<F>, w3 b3: Fp2<F>) -> Self {
    let (low, high) = (c0.timesSparse(b0, b2), c1.timesSparse(v: b3))
    let sum = (c0 + c1).timesSparse(b0, b2 + b3)
    return Self(low + high.timesV(), sum - low - high)
  }

  /// The power p.
  @inline(never)
  func frobenius() -> Self {
    let factors = F.frobenius1
    return Self(
      Fp6(c0.c0.conjugate, c0.c1.conjugate * factors.w2, c0.c2.conjugate * factors.w4),
      Fp6(c1.c0.conjugate * factors.w1, c1.c1.conjugate * factors.w3, c1.c2.conjugate * factors.w5))
  }

  /// The power p^2.
  @inline(never)
  func frobeniusSquared() -> Self {
    let factors = F.frobenius2
    return Self(
      Fp6(c0.c0, c0.c1 * factors.w2, c0.c2 * factors.w4),
      Fp6(c1.c0 * factors.w1, c1.c1 * factors.w3, c1.c2 * factors.w5))
  }

  /// The square of an element of the cyclotomic subgroup.
  @inline(never)
  func cyclotomicSquared() -> Self {
    let (a0, a1) = Self.quarticSquare(c0.c0, c1.c1)
    let (b0, b1) = Self.quarticSquare(c1.c0, c0.c2)
    let (d0, d1) = Self.quarticSquare(c0.c1, c1.c2)
    let shifted = F.timesXi(d1)
    return Self(
      Fp6((a0 - c0.c0).doubled() + a0, (b0 - c0.c1).doubled() + b0, (d0 - c0.c2).doubled() + d0),
      Fp6((shifted + c1.c0).doubled() + shifted, (a1 + c1.c1).doubled() + a1, (b1 + c1.c2).doubled() + b1))
  }

  /// (a + b s)^2 where s^2 = xi.
  @inline(__always)
  private static func quarticSquare(_ a: Fp2<F>, _ b: Fp2<F>) -> (Fp2<F>, Fp2<F>) {
    let (low, high) = (a.squared(), b.squared())
    return (F.timesXi(high) + low, (a + b).squared() - low - high)
  }

  /// The power of a positive number whose digits are -1, 0 and 1, most significant first; in the cyclotomic
  /// subgroup.
  func cyclotomicPower(_ digits: [Int8]) -> Self {
    var result = self
    let inverse = conjugate
    for digit in digits.dropFirst() {
      result = result.cyclotomicSquared()
      if digit > 0 { result = result * self } else if digit < 0 { result = result * inverse }
    }
    return result
  }
}
