// The optimal ate pairing of BN254: loop length 6u + 2 and two lines through Frobenius images
// (Vercauteren, https://eprint.iacr.org/2008/096).

extension BN254.Fp: PairingField {
  static var twistB: Fp2<Self> { BN254.twistB }

  /// xi = 9 + u
  @inline(__always)
  static func timesXi(_ a: Fp2<Self>) -> Fp2<Self> {
    let eight = a.doubled().doubled().doubled()
    return Fp2(eight.c0 + a.c0 - a.c1, eight.c1 + a.c1 + a.c0)
  }

  /// The twist is of type D: the lines have coefficients at 1, w and w^3.
  @inline(__always)
  static func accumulate(_ line: Line<Self>, at point: AffinePoint<Self>, into f: inout Fp12<Self>) {
    f = f.timesLine(line.y * point.y, w: line.x * point.x, w3: line.constant)
  }

  static let loopDigits = nonAdjacentForm(6 * UInt128(BN254.u) + 2)

  static func finishLoop(_ pairs: UnsafeMutableBufferPointer<PairingPair<Self>>, _ f: inout Fp12<Self>) {
    for index in pairs.indices {
      let q = pairs[index].q
      let first = AffinePoint(q.x.conjugate * BN254.psiX, q.y.conjugate * BN254.psiY)
      let second = AffinePoint(first.x.conjugate * BN254.psiX, first.y.conjugate * BN254.psiY)
      accumulate(pairs[index].t.add(first), at: pairs[index].p, into: &f)
      accumulate(pairs[index].t.add(-second), at: pairs[index].p, into: &f)
    }
  }

  private static let uDigits = nonAdjacentForm(UInt128(BN254.u))

  /// The power 2u (6u^2 + 3u + 1) (p^4 - p^2 + 1) / r, of which
  /// l0 + l1 p + l2 p^2 + l3 p^3, l2 = 12u^3 + 6u^2 + 6u, l1 = l2 - 2u, l0 = l2 + 6u^2 + 1, l3 = l1 - 1
  /// (Fuentes-Castaneda, Knapp and Rodriguez-Henriquez, SAC 2011).
  static func hardPart(_ f: Fp12<Self>) -> Fp12<Self> {
    let twoU = f.cyclotomicPower(uDigits).cyclotomicSquared()
    let sixU = twoU.cyclotomicSquared() * twoU
    let sixUSquared = sixU.cyclotomicPower(uDigits)
    let twelveUCubed = sixUSquared.cyclotomicSquared().cyclotomicPower(uDigits)
    let l2 = twelveUCubed * sixUSquared * sixU
    let l1 = l2 * twoU.conjugate
    let l0 = l2 * sixUSquared * f
    let l3 = l1 * f.conjugate
    return l0 * l1.frobenius() * l2.frobeniusSquared() * l3.frobenius().frobeniusSquared()
  }
}
