// Points of short Weierstrass curves y^2 = x^3 + b (a = 0, b not 0), over Fp or Fp2.

/// x and y, or both zero for the point at infinity: (0, 0) lies on no such curve.
struct AffinePoint<F: Field>: Equatable, Sendable {
  var x: F, y: F

  @inline(__always)
  init(_ x: F, _ y: F) {
    self.x = x
    self.y = y
  }

  static var infinity: Self { Self(.zero, .zero) }
  var isInfinity: Bool { x.isZero && y.isZero }
  static prefix func - (a: Self) -> Self { Self(a.x, -a.y) }

  /// Infinity is on the curve.
  func isOnCurve(b: F) -> Bool { isInfinity || y.squared() == x.squared() * x + b }
}

extension AffinePoint where F: CoordinateField {
  /// The point of the curve with this x and the larger or the smaller of its two y; nil where there is none.
  init?(x: F, isYLarger: Bool, b: F) {
    guard let root = (x.squared() * x + b).squareRoot() else { return nil }
    self.init(x, root.isLexicographicallyLarge == isYLarger ? root : -root)
  }
}

/// x / z^2 and y / z^3; z is zero at infinity. Formulas:
/// https://hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-0.html (dbl-2009-l, add-2007-bl, madd-2007-bl).
struct JacobianPoint<F: Field>: Sendable {
  var x: F, y: F, z: F

  @inline(__always)
  init(_ x: F, _ y: F, _ z: F) {
    self.x = x
    self.y = y
    self.z = z
  }

  init(_ point: AffinePoint<F>) {
    self = point.isInfinity ? .infinity : Self(point.x, point.y, .one)
  }

  static var infinity: Self { Self(.one, .one, .zero) }
  var isInfinity: Bool { @inline(__always) get { z.isZero } }

  static prefix func - (a: Self) -> Self { Self(a.x, -a.y, a.z) }

  var affine: AffinePoint<F> {
    if isInfinity { return .infinity }
    let inverse = z.inverted()
    let squared = inverse.squared()
    return AffinePoint(x * squared, y * squared * inverse)
  }

  /// Whether both are the same point.
  func equals(_ other: Self) -> Bool {
    if isInfinity || other.isInfinity { return isInfinity && other.isInfinity }
    let (ours, theirs) = (z.squared(), other.z.squared())
    return x * theirs == other.x * ours && y * theirs * other.z == other.y * ours * z
  }

  @inline(never)
  func doubled() -> Self {
    let (a, b) = (x.squared(), y.squared())
    let c = b.squared()
    let d = ((x + b).squared() - a - c).doubled()
    let e = a.tripled()
    let x3 = e.squared() - d.doubled()
    let y3 = e * (d - x3) - c.doubled().doubled().doubled()
    return Self(x3, y3, (y * z).doubled())  // z stays zero at infinity
  }

  @inline(never)
  static func + (p: Self, q: Self) -> Self {
    if p.isInfinity { return q }
    if q.isInfinity { return p }
    let (z1, z2) = (p.z.squared(), q.z.squared())
    let (u1, u2) = (p.x * z2, q.x * z1)
    let (s1, s2) = (p.y * q.z * z2, q.y * p.z * z1)
    let (h, slope) = (u2 - u1, (s2 - s1).doubled())
    if h.isZero { return slope.isZero ? p.doubled() : .infinity }
    let i = h.doubled().squared()
    let j = h * i
    let v = u1 * i
    let x3 = slope.squared() - j - v.doubled()
    let y3 = slope * (v - x3) - (s1 * j).doubled()
    return Self(x3, y3, ((p.z + q.z).squared() - z1 - z2) * h)
  }

  @inline(never)
  static func + (p: Self, q: AffinePoint<F>) -> Self {
    if q.isInfinity { return p }
    if p.isInfinity { return Self(q) }
    let z1 = p.z.squared()
    let h = q.x * z1 - p.x
    let slope = (q.y * p.z * z1 - p.y).doubled()
    if h.isZero { return slope.isZero ? p.doubled() : .infinity }
    let hh = h.squared()
    let i = hh.doubled().doubled()
    let j = h * i
    let v = p.x * i
    let x3 = slope.squared() - j - v.doubled()
    let y3 = slope * (v - x3) - (p.y * j).doubled()
    return Self(x3, y3, (p.z + h).squared() - z1 - hh)
  }

  /// `count` doublings.
  func doubled(times count: Int) -> Self {
    var result = self
    for _ in 0..<count { result = result.doubled() }
    return result
  }

  /// The multiple by a number given by its digits -1, 0 and 1, most significant first, the first of them 1:
  /// for the fixed parameters of the curves.
  func multiplied(byDigits digits: [Int8]) -> Self {
    let negated = -self
    var result = self
    for digit in digits.dropFirst() {
      result = result.doubled()
      if digit > 0 { result = result + self } else if digit < 0 { result = result + negated }
    }
    return result
  }
}
