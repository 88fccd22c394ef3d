import Primitives
import Testing

@testable import Curves

/// What makes a pairing one: bilinear, not trivial, of order r.
@Suite struct PairingTests {
  @Test func bn254IsBilinear() {
    checkBilinear(BN254.generator1, BN254.generator2, BN254.order)
  }

  @Test func bls12381IsBilinear() {
    checkBilinear(BLS12381.generator1, BLS12381.generator2, BLS12381.order)
  }

  private func checkBilinear<F: PairingField>(
    _ g1: AffinePoint<F>, _ g2: AffinePoint<Fp2<F>>, _ order: Scalar
  ) {
    var generator = SplitMix64(seed: seed)
    func pairing(_ p: AffinePoint<F>, _ q: AffinePoint<Fp2<F>>) -> Fp12<F> {
      Pairing.finalExponentiation(Pairing.millerLoop([(p, q)]))
    }
    func words(_ scalar: Scalar) -> [UInt64] {
      [scalar.low, scalar.low >> 64, scalar.high, scalar.high >> 64].map { UInt64(truncatingIfNeeded: $0) }
    }
    let base = pairing(g1, g2)
    #expect(base != .one && base.power(words(order)) == .one)
    #expect(pairing(.infinity, g2) == .one && pairing(g1, .infinity) == .one)
    for _ in 0..<5 {
      let (a, b) = (generator.next(), generator.next())
      let p = plainMultiple(JacobianPoint(g1), Scalar(UInt128(a))).affine
      let q = plainMultiple(JacobianPoint(g2), Scalar(UInt128(b))).affine
      #expect(pairing(p, q) == base.power([a]).power([b]))
      #expect(pairing(-p, q) == pairing(p, q).inverted() && pairing(p, -q) == pairing(-p, q))
      let product = plainMultiple(plainMultiple(JacobianPoint(g1), Scalar(UInt128(a))), Scalar(UInt128(b)))
        .affine
      #expect(Pairing.productIsOne([(p, q), (-product, g2)]))
      #expect(!Pairing.productIsOne([(p, q), (product, g2)]))
      #expect(!Pairing.productIsOne([(p, q)]))
      let sum = (JacobianPoint(p) + product).affine
      #expect(Pairing.productIsOne([(p, q), (product, q), (.infinity, g2), (-sum, q), (p, .infinity)]))
      #expect(!Pairing.productIsOne([(p, q), (product, q), (-sum, g2)]))
    }
    #expect(Pairing<F>.productIsOne([]))
  }
}
