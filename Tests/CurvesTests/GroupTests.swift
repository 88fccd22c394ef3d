import Primitives
import Testing

@testable import Curves

/// The groups of both curves: laws, endomorphisms, subgroup checks, multiples by every way.
@Suite struct GroupTests {
  @Test func generatorsHaveTheGroupsOrder() {
    checkGenerator(BN254.generator1, BN254.b, BN254.order)
    checkGenerator(BN254.generator2, BN254.twistB, BN254.order)
    checkGenerator(BLS12381.generator1, BLS12381.b, BLS12381.order)
    checkGenerator(BLS12381.generator2, BLS12381.twistB, BLS12381.order)
    let nine = Fp2(BN254.Fp(9), .one)
    #expect(BN254.b == BN254.Fp(3) && BN254.twistB * nine == Fp2(BN254.Fp(3), .zero))
    #expect(BLS12381.b == BLS12381.Fp(4) && BLS12381.twistB == Fp2(BLS12381.Fp(4), BLS12381.Fp(4)))
  }

  private func checkGenerator<F: Field>(_ point: AffinePoint<F>, _ b: F, _ order: Scalar) {
    #expect(point.isOnCurve(b: b) && !point.isInfinity)
    #expect(plainMultiple(JacobianPoint(point), order).isInfinity)
    #expect(!AffinePoint(point.x, point.y + .one).isOnCurve(b: b))
  }

  @Test func groupLaws() {
    var generator = SplitMix64(seed: seed)
    checkLaws(BN254.generator1, &generator)
    checkLaws(BN254.generator2, &generator)
    checkLaws(BLS12381.generator1, &generator)
    checkLaws(BLS12381.generator2, &generator)
  }

  private func checkLaws<F: Field>(_ base: AffinePoint<F>, _ generator: inout SplitMix64) {
    let infinity = JacobianPoint<F>.infinity
    #expect(infinity.affine.isInfinity && infinity.doubled().isInfinity && (infinity + infinity).isInfinity)
    for _ in 0..<20 {
      let points = (0..<3).map { _ in plainMultiple(JacobianPoint(base), Scalar(UInt128(generator.next()))) }
      let (p, q, r) = (points[0], points[1], points[2])
      #expect((p + q).equals(q + p) && ((p + q) + r).equals(p + (q + r)))
      #expect((p + p).equals(p.doubled()) && (p + p.affine).equals(p.doubled()))
      #expect((p + -p).isInfinity && (p + -p.affine).isInfinity && !p.equals(-p) && !p.equals(infinity))
      #expect((p + infinity).equals(p) && (infinity + p).equals(p) && (infinity + p.affine).equals(p))
      #expect((p + q.affine).equals(p + q) && (p + AffinePoint<F>.infinity).equals(p))
      #expect(JacobianPoint(p.affine).equals(p) && JacobianPoint(p.affine).affine == p.affine)
      #expect(p.multiplied(byDigits: nonAdjacentForm(1_000_003)).equals(plainMultiple(p, Scalar(1_000_003))))
    }
  }

  /// Scalars at the edges and random ones: both ends of the group, of the halves, of 256 bits.
  private func scalars(_ order: Scalar, _ generator: inout SplitMix64) -> [Scalar] {
    let one = Scalar(1)
    return [
      Scalar(0), one, Scalar(2), Scalar(31), Scalar(32), Scalar(UInt128.max), Scalar(low: 0, high: 1), order,
      order &- one, order &- Scalar(2), order &- (Scalar(0) &- one), Scalar(0) &- one,
      Scalar(BLS12381.uSquared), Scalar(BLS12381.uSquared - 1), Scalar(UInt128(BLS12381.u)),
    ] + (0..<20).map { _ in Scalar.random(&generator) }
  }

  @Test func multiples() {
    var generator = SplitMix64(seed: seed)
    for scalar in scalars(BN254.order, &generator) {
      let point = plainMultiple(JacobianPoint(BN254.generator1), Scalar(UInt128(generator.next()))).affine
      #expect(BN254.multiply(point, by: scalar).equals(plainMultiple(JacobianPoint(point), scalar)))
      let split = BN254.split(scalar, point)
      #expect(split.allSatisfy { $0.scalar < 1 << 127 })
    }
    for scalar in scalars(BLS12381.order, &generator) {
      let p = plainMultiple(JacobianPoint(BLS12381.generator1), Scalar(UInt128(generator.next()))).affine
      #expect(BLS12381.Fp.multiply(p, by: scalar).equals(plainMultiple(JacobianPoint(p), scalar)))
      let q = plainMultiple(JacobianPoint(BLS12381.generator2), Scalar(UInt128(generator.next()))).affine
      var terms: [Term<Fp2<BLS12381.Fp>>] = []
      BLS12381.split(scalar, q, into: &terms)
      #expect(terms.allSatisfy { $0.scalar < 1 << 64 })
      #expect(MultiScalar.sum(terms).equals(plainMultiple(JacobianPoint(q), scalar)))
    }
  }

  @Test(arguments: [0, 1, 2, 3, 191, 192, 193, 700])
  func sumsOfMultiples(count: Int) {
    var generator = SplitMix64(seed: seed &+ UInt64(count))
    var point = JacobianPoint(BN254.generator1)
    var expected = JacobianPoint<BN254.Fp>.infinity
    var terms: [Term<BN254.Fp>] = []
    for index in 0..<count {
      // Equal points, opposite ones, infinity and scalars of every length among them.
      if index % 5 > 0 { point = point.doubled() + BN254.generator1 }
      let affine = index % 7 == 3 ? .infinity : (index % 3 == 0 ? -point : point).affine
      let scalar = UInt128.random(in: 0...UInt128.max, using: &generator) >> UInt128(generator.next() % 130)
      terms.append(Term(point: affine, scalar: scalar))
      expected = expected + plainMultiple(JacobianPoint(affine), Scalar(scalar))
    }
    #expect(MultiScalar.sum(terms).equals(expected))
  }

  @Test func endomorphisms() {
    let g1 = BN254.generator1
    let lambda = Scalar(low: 0x5bfc_4108_8d8d_aaa7_8b17_ea66_b99c_90dd, high: 0xb3c4_d79d_41a9_1758)
    #expect(plainMultiple(JacobianPoint(g1), lambda).affine == AffinePoint(g1.x * BN254.beta, g1.y))
    let h1 = BLS12381.generator1
    let image = AffinePoint(h1.x * BLS12381.beta, h1.y)
    #expect(plainMultiple(JacobianPoint(h1), Scalar(BLS12381.uSquared)).affine == -image)
    let h2 = BLS12381.generator2
    #expect(plainMultiple(JacobianPoint(h2), Scalar(UInt128(BLS12381.u))).affine == -BLS12381.psi(h2))
    let g2 = JacobianPoint(BN254.generator2)  // psi is p, which is 6u^2 modulo r
    #expect(plainMultiple(g2, Scalar(6 * UInt128(BN254.u) * UInt128(BN254.u))).equals(BN254.psi(g2)))
  }

  /// Points of the curve or the twist with a random x: all but one in a cofactor of them lie outside the
  /// subgroup.
  @Test func pointsOutsideTheSubgroupAreFound() {
    var generator = SplitMix64(seed: seed)
    var outside = 0
    while outside < 30 {
      let x = BLS12381.Fp.random(&generator)
      let (x1, x2) = (Fp2<BLS12381.Fp>.random(&generator), Fp2<BN254.Fp>.random(&generator))
      if let y = (x.squared() * x + BLS12381.b).squareRoot(), !x.isZero {
        #expect(!BLS12381.isInG1(AffinePoint(x, y)))
        outside += 1
      }
      if let y = (x1.squared() * x1 + BLS12381.twistB).squareRoot() {
        #expect(!BLS12381.isInG2(AffinePoint(x1, y)))
        outside += 1
      }
      if let y = (x2.squared() * x2 + BN254.twistB).squareRoot() {
        #expect(!BN254.isInG2(AffinePoint(x2, y)))
        outside += 1
        // Such a point less its part of order r, and more by a point of G2, is outside as well.
        let rest = plainMultiple(JacobianPoint(AffinePoint(x2, y)), BN254.order)
        #expect(!BN254.isInG2(rest.affine) && !BN254.isInG2((rest + BN254.generator2).affine))
      }
    }
  }

  @Test func pointsOfSmallOrderAreFound() {
    // (0, 2) on y^2 = x^3 + 4 has order 3; [r] of any point has an order that divides the cofactor.
    let three = AffinePoint(BLS12381.Fp.zero, BLS12381.Fp(2))
    #expect(three.isOnCurve(b: BLS12381.b) && !BLS12381.isInG1(three) && !BLS12381.isInG1(-three))
    #expect((JacobianPoint(three).doubled() + three).isInfinity)
    #expect(!BLS12381.isInG1((JacobianPoint(three) + BLS12381.generator1).affine))
  }

  @Test func pointsInTheSubgroupAreKnown() {
    var generator = SplitMix64(seed: seed)
    #expect(BLS12381.isInG1(.infinity) && BLS12381.isInG2(.infinity) && BN254.isInG2(.infinity))
    for _ in 0..<20 {
      let scalar = Scalar.random(&generator)
      #expect(BLS12381.isInG1(plainMultiple(JacobianPoint(BLS12381.generator1), scalar).affine))
      #expect(BLS12381.isInG2(plainMultiple(JacobianPoint(BLS12381.generator2), scalar).affine))
      #expect(BN254.isInG2(plainMultiple(JacobianPoint(BN254.generator2), scalar).affine))
    }
  }

  @Test func mapsLeadIntoTheSubgroups() {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<20 {
      let p = BLS12381.mapToG1(.random(&generator))
      #expect(!p.isInfinity && p.isOnCurve(b: BLS12381.b) && BLS12381.isInG1(p))
      let q = BLS12381.mapToG2(.random(&generator))
      #expect(!q.isInfinity && q.isOnCurve(b: BLS12381.twistB) && BLS12381.isInG2(q))
    }
  }
}
