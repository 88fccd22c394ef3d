// The optimal ate pairing of BLS12-381: the loop has length |u|, the sign of u is a conjugation.

extension BLS12381.Fp: PairingField {
  static var twistB: Fp2<Self> { BLS12381.twistB }

  /// xi = 1 + u
  @inline(__always)
  static func timesXi(_ a: Fp2<Self>) -> Fp2<Self> { Fp2(a.c0 - a.c1, a.c0 + a.c1) }

  /// The twist is of type M: the lines have coefficients at 1, w^2 and w^3.
  @inline(__always)
  static func accumulate(_ line: Line<Self>, at point: AffinePoint<Self>, into f: inout Fp12<Self>) {
    f = f.timesLine(line.constant, w2: line.x * point.x, w3: line.y * point.y)
  }

  static let loopDigits = nonAdjacentForm(UInt128(BLS12381.u))

  static func finishLoop(_ pairs: UnsafeMutableBufferPointer<PairingPair<Self>>, _ f: inout Fp12<Self>) {
    f = f.conjugate
  }

  /// The power 3 (p^4 - p^2 + 1) / r = (u - 1)^2 (u + p) (u^2 + p^2 - 1) + 3
  /// (Hayashida, Hayasaka and Teruya, https://eprint.iacr.org/2020/875).
  static func hardPart(_ f: Fp12<Self>) -> Fp12<Self> {
    func power(_ base: Fp12<Self>) -> Fp12<Self> {
      base.cyclotomicPower(BLS12381.uDigits).conjugate  // u is negative
    }
    let first = power(f) * f.conjugate
    let second = power(first) * first.conjugate
    let third = power(second) * second.frobenius()
    let fourth = power(power(third)) * third.frobeniusSquared() * third.conjugate
    return fourth * f.cyclotomicSquared() * f
  }
}
