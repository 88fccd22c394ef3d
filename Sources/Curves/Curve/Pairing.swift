// The optimal ate pairing's Miller loop over several pairs at once, which share the squarings of the
// accumulator. Points of G2 are in homogeneous coordinates, lines as in Costello, Lange and Naehrig and in
// Aranha et al. (https://eprint.iacr.org/2010/526, section 4.3); both types of twist are served.

/// A base field with a pairing above it.
protocol PairingField: TowerField {
  /// b of the twist's equation y^2 = x^3 + b.
  static var twistB: Fp2<Self> { get }
  /// The element times the value at `point` of a line a x + b y + c.
  static func accumulate(_ line: Line<Self>, at point: AffinePoint<Self>, into f: inout Fp12<Self>)
  /// The digits of the loop's length (6u + 2, or u), most significant first.
  static var loopDigits: [Int8] { get }
  /// What follows the loop: the lines through Frobenius images for BN curves, the sign of u for BLS curves.
  static func finishLoop(_ pairs: UnsafeMutableBufferPointer<PairingPair<Self>>, _ f: inout Fp12<Self>)
  /// The power (p^4 - p^2 + 1) / r or a multiple of it that is prime to r, in the cyclotomic subgroup.
  static func hardPart(_ f: Fp12<Self>) -> Fp12<Self>
}

/// A line through points of the twist, up to a factor that the final exponentiation removes.
struct Line<F: PairingField> {
  var x: Fp2<F>, y: Fp2<F>, constant: Fp2<F>
}

/// Two points to be paired, neither at infinity, and the multiple of the second where the loop stands.
struct PairingPair<F: PairingField> {
  var p: AffinePoint<F>, q: AffinePoint<Fp2<F>>
  var t: HomogeneousPoint<F>

  init(_ p: AffinePoint<F>, _ q: AffinePoint<Fp2<F>>) {
    self.p = p
    self.q = q
    t = HomogeneousPoint(x: q.x, y: q.y, z: .one)
  }
}

/// x / z and y / z on the twist.
struct HomogeneousPoint<F: PairingField> {
  var x: Fp2<F>, y: Fp2<F>, z: Fp2<F>

  /// Doubles the point; returns the tangent.
  @inline(never)
  mutating func double() -> Line<F> {
    let a = (x * y).halved()
    let (b, c) = (y.squared(), z.squared())
    let e = F.twistB * c.tripled()
    let f = e.tripled()
    let g = (b + f).halved()
    let h = (y + z).squared() - b - c
    let line = Line(x: x.squared().tripled(), y: -h, constant: e - b)
    x = a * (b - f)
    y = g.squared() - e.squared().tripled()
    z = b * h
    return line
  }

  /// Adds an affine point; returns the line through both.
  @inline(never)
  mutating func add(_ q: AffinePoint<Fp2<F>>) -> Line<F> {
    let theta = y - q.y * z
    let lambda = x - q.x * z
    let (c, d) = (theta.squared(), lambda.squared())
    let e = lambda * d
    let (f, g) = (z * c, x * d)
    let h = e + f - g.doubled()
    x = lambda * h
    y = theta * (g - h) - e * y
    z = z * e
    return Line(x: -theta, y: lambda, constant: theta * q.x - lambda * q.y)
  }
}

enum Pairing<F: PairingField> {
  /// Whether the product of the pairings is one. Points at infinity pair to one; all others must be in G1
  /// and G2.
  static func productIsOne(_ pairs: [(AffinePoint<F>, AffinePoint<Fp2<F>>)]) -> Bool {
    finalExponentiation(millerLoop(pairs)) == .one
  }

  static func millerLoop(_ pairs: [(AffinePoint<F>, AffinePoint<Fp2<F>>)]) -> Fp12<F> {
    var used = pairs.filter { !$0.0.isInfinity && !$0.1.isInfinity }.map { PairingPair($0.0, $0.1) }
    var f = Fp12<F>.one
    if used.isEmpty { return f }
    used.withUnsafeMutableBufferPointer { pairs in
      for digit in F.loopDigits.dropFirst() {
        f = f.squared()
        for index in pairs.indices {
          F.accumulate(pairs[index].t.double(), at: pairs[index].p, into: &f)
          if digit != 0 {
            let q = digit > 0 ? pairs[index].q : -pairs[index].q
            F.accumulate(pairs[index].t.add(q), at: pairs[index].p, into: &f)
          }
        }
      }
      F.finishLoop(pairs, &f)
    }
    return f
  }

  /// The power (p^12 - 1) / r, up to a factor prime to r. The Miller loop gives no zero.
  static func finalExponentiation(_ f: Fp12<F>) -> Fp12<F> {
    let easy = f.conjugate * f.inverted()
    return F.hardPart(easy.frobeniusSquared() * easy)
  }
}
