// Fp6 = Fp2[v] / (v^3 - xi). Six products in Fp2 for one here (Karatsuba; Devegili et al., "Multiplication
// and Squaring on Pairing-Friendly Fields", https://eprint.iacr.org/2006/471).

struct Fp6<F: TowerField>: Field {
  /// The element c0 + c1 v + c2 v^2.
  var c0: Fp2<F>, c1: Fp2<F>, c2: Fp2<F>

  @inline(__always)
  init(_ c0: Fp2<F>, _ c1: Fp2<F>, _ c2: Fp2<F>) {
    self.c0 = c0
    self.c1 = c1
    self.c2 = c2
  }

  static var zero: Self { Self(.zero, .zero, .zero) }
  static var one: Self { Self(.one, .zero, .zero) }
  var isZero: Bool { c0.isZero && c1.isZero && c2.isZero }

  @inline(__always)
  static func + (a: Self, b: Self) -> Self { Self(a.c0 + b.c0, a.c1 + b.c1, a.c2 + b.c2) }

  @inline(__always)
  static func - (a: Self, b: Self) -> Self { Self(a.c0 - b.c0, a.c1 - b.c1, a.c2 - b.c2) }

  @inline(__always)
  static prefix func - (a: Self) -> Self { Self(-a.c0, -a.c1, -a.c2) }

  @inline(__always)
  func doubled() -> Self { Self(c0.doubled(), c1.doubled(), c2.doubled()) }

  @inline(never)
  static func * (a: Self, b: Self) -> Self {
    let (low, middle, high) = (a.c0 * b.c0, a.c1 * b.c1, a.c2 * b.c2)
    return Self(
      F.timesXi((a.c1 + a.c2) * (b.c1 + b.c2) - middle - high) + low,
      (a.c0 + a.c1) * (b.c0 + b.c1) - low - middle + F.timesXi(high),
      (a.c0 + a.c2) * (b.c0 + b.c2) - low - high + middle)
  }

  func squared() -> Self { self * self }

  @inline(__always)
  static func * (a: Self, b: Fp2<F>) -> Self { Self(a.c0 * b, a.c1 * b, a.c2 * b) }

  /// `self * v`
  @inline(__always)
  func timesV() -> Self { Self(F.timesXi(c2), c0, c1) }

  /// `self * (b0 + b1 v)`
  @inline(never)
  func timesSparse(_ b0: Fp2<F>, _ b1: Fp2<F>) -> Self {
    let (low, middle) = (c0 * b0, c1 * b1)
    return Self(
      F.timesXi((c1 + c2) * b1 - middle) + low,
      (b0 + b1) * (c0 + c1) - low - middle,
      (c0 + c2) * b0 - low + middle)
  }

  /// `self * b1 v`
  @inline(__always)
  func timesSparse(v b1: Fp2<F>) -> Self { Self(F.timesXi(c2 * b1), c0 * b1, c1 * b1) }

  func inverted() -> Self {
    let t0 = c0.squared() - F.timesXi(c1 * c2)
    let t1 = F.timesXi(c2.squared()) - c0 * c1
    let t2 = c1.squared() - c0 * c2
    let norm = F.timesXi(c2 * t1 + c1 * t2) + c0 * t0
    return Self(t0, t1, t2) * norm.inverted()
  }
}
