import Primitives
import Testing

@testable import Curves

/// Openings of polynomials of degree zero and one, which need only the ceremony's first two points of G1.
@Suite struct KZGTests {
  private static let tau = hex(
    "ad3eb50121139aa34db1d545093ac9374ab7bca2c0f3bf28e27c8dcd8fc7cb42"
      + "d25926fc0c97b336e9f0fb35e5a04c81")
  private static let infinity = [0xc0] + [UInt8](repeating: 0, count: 47)

  private func compressed(_ point: BLS12381.G1) -> [UInt8] {
    if point.isInfinity { return Self.infinity }
    var bytes = point.x.bytes
    bytes[0] |= point.y.isLexicographicallyLarge ? 0xa0 : 0x80
    return bytes
  }

  private func decompressed(_ bytes: [UInt8]) throws(CurveError) -> BLS12381.G1 {
    try with(bytes) { bytes throws(CurveError) in try ZcashEncoding<BLS12381.Fp>.decompress(bytes) }
  }

  private func multiple(_ point: BLS12381.G1, _ scalar: UInt64) -> JacobianPoint<BLS12381.Fp> {
    plainMultiple(JacobianPoint(point), Scalar(UInt128(scalar)))
  }

  /// nil where the input is refused.
  private func verify(_ commitment: [UInt8], _ z: [UInt8], _ y: [UInt8], _ proof: [UInt8]) -> Bool? {
    try? with(commitment + z + y + proof) { bytes throws(CurveError) in
      let z = commitment.count..<commitment.count + z.count
      func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
      }
      return try KZG.verify(
        commitment: part(0..<z.lowerBound), z: part(z), y: part(z.upperBound..<z.upperBound + y.count),
        proof: part(z.upperBound + y.count..<bytes.count))
    }
  }

  @Test func theConstantIsTheCeremonys() throws {
    let tau = try decompressed(Self.tau)
    #expect(KZG.tauG2.isOnCurve(b: BLS12381.twistB) && BLS12381.isInG2(KZG.tauG2))
    #expect(Pairing.productIsOne([(tau, -BLS12381.generator2), (BLS12381.generator1, KZG.tauG2)]))
  }

  @Test func openings() throws {
    var generator = SplitMix64(seed: seed)
    let tau = try decompressed(Self.tau)
    for index in 0..<6 {
      // a + b X at z, small enough that nothing wraps around the group's order.
      let (a, b, z) = (generator.next() >> 2, index < 2 ? 0 : generator.next() >> 32, generator.next() >> 34)
      let commitment = compressed((multiple(BLS12381.generator1, a) + multiple(tau, b)).affine)
      let proof = compressed(multiple(BLS12381.generator1, b).affine)
      let (point, value) = (Scalar(UInt128(z)).bytes, Scalar(UInt128(a) + UInt128(b) * UInt128(z)).bytes)
      let next = Scalar(UInt128(a) + UInt128(b) * UInt128(z) + 1).bytes
      #expect(verify(commitment, point, value, proof) == true)
      #expect(verify(commitment, point, next, proof) == false)
      #expect(verify(proof, point, value, commitment) != true)
      #expect(b == 0 || verify(commitment, Scalar(UInt128(z + 1)).bytes, value, proof) == false)
      #expect(verify(commitment, BLS12381.order.bytes, value, proof) == nil)
      #expect(verify(commitment, point, BLS12381.order.bytes, proof) == nil)
      #expect(verify(commitment, point, value, Array(proof.dropLast())) == nil)
      #expect(verify(commitment + [0], point, value, proof) == nil)
      #expect(verify(commitment, point, value, [proof[0] & 0x7f] + proof[1...]) == nil)
      #expect(verify([commitment[0] ^ 0x20] + commitment[1...], point, value, proof) == false)
    }
    let zero = Scalar(0).bytes
    #expect(verify(Self.infinity, zero, zero, Self.infinity) == true)
  }

  @Test func compressedPointsThatAreRefused() throws {
    #expect(try decompressed(Self.infinity).isInfinity)
    let generator = compressed(BLS12381.generator1)
    #expect(try decompressed(generator) == BLS12381.generator1)
    #expect(try decompressed([generator[0] ^ 0x20] + generator[1...]) == -BLS12381.generator1)
    let cases: [([UInt8], CurveError)] = [
      ([generator[0] & 0x7f] + generator[1...], .invalidFlags),
      ([generator[0] | 0x40] + generator[1...], .invalidFlags),
      ([0xe0] + Self.infinity[1...], .invalidFlags), (Self.infinity[..<47] + [1], .invalidFlags),
      ([UInt8](repeating: 0, count: 48), .invalidFlags),
      ([UInt8](repeating: 0xff, count: 48), .invalidFlags),
      ([0x9f] + [UInt8](repeating: 0xff, count: 47), .invalidFieldElement),
      ([0x80] + [UInt8](repeating: 0, count: 47), .notInSubgroup),  // (0, 2), of order three
      ([0x80] + [UInt8](repeating: 0, count: 46) + [1], .notOnCurve),
    ]
    for (bytes, expected) in cases {
      #expect(throws: expected) { try decompressed(bytes) }
    }
  }
}
