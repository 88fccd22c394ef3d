import Primitives
import Testing

@testable import Curves

/// Points as bytes: what comes back, and what is refused for which reason. Results are compared with other
/// implementations in the tests of the precompiles.
@Suite struct EncodingTests {
  private let zero = [UInt8](repeating: 0, count: 64)

  private func error<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(CurveError) -> R)
    -> CurveError?
  {
    do throws(CurveError) {
      _ = try with(bytes, body)
      return nil
    } catch { return error }
  }

  private func added(_ value: [UInt8], _ words: [UInt64]) -> [UInt8] {
    var (sum, carry) = (value, 0)
    let addend = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
    for index in 0..<value.count {
      carry += Int(sum[value.count - 1 - index]) + (index < addend.count ? Int(addend[index]) : 0)
      sum[value.count - 1 - index] = UInt8(carry & 255)
      carry >>= 8
    }
    return sum
  }

  @Test func bn254() throws {
    let (g1, g2) = (BN254.encode(BN254.generator1), BN254.encode(BN254.generator2))
    let add = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BN254.add(b) }
    let multiply = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BN254.multiply(b) }
    let pairing = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BN254.pairingProductIsOne(b) }
    let addG2 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BN254.addG2(b) }
    let multiplyG2 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BN254.multiplyG2(b) }
    #expect(try with(g1 + zero, add) == g1 && with(zero + zero, add) == zero)
    #expect(try with(g2 + zero + zero, addG2) == g2)
    for scalar in [Scalar(0), Scalar(1), Scalar(7), BN254.order, Scalar(0) &- Scalar(1)] {
      let expected = plainMultiple(JacobianPoint(BN254.generator1), scalar).affine
      #expect(try with(g1 + scalar.bytes, multiply) == BN254.encode(expected))
      let expectedG2 = plainMultiple(JacobianPoint(BN254.generator2), scalar).affine
      #expect(try with(g2 + scalar.bytes, multiplyG2) == BN254.encode(expectedG2))
    }
    for count in [0, 1, 63, 127, 129] {
      let bytes = [UInt8](repeating: 0, count: count)
      #expect(error(bytes, add) == .invalidLength && error(bytes, multiply) == .invalidLength)
      #expect(error(bytes, addG2) == .invalidLength && error(bytes, multiplyG2) == .invalidLength)
      #expect(count == 0 || error(bytes, pairing) == .invalidLength)
    }
    let beyond = added(Array(g1[..<32]), BN254.Fp.modulus) + g1[32...]
    #expect(
      error(beyond + zero, add) == .invalidFieldElement && error(zero + beyond, add) == .invalidFieldElement)
    let off: [UInt8] = g1[..<63] + [3]
    #expect(error(off + zero, add) == .notOnCurve && error(off + zero[..<32], multiply) == .notOnCurve)
    #expect(error(off + g2, pairing) == .notOnCurve && error(g1 + g2[..<127] + [0], pairing) == .notOnCurve)
    let outside = BN254.encode(try twistPoint(BN254.twistB))
    #expect(
      error(g1 + outside, pairing) == .notInSubgroup && error(zero + outside, pairing) == .notInSubgroup)
    #expect(
      error(outside + zero[..<32], multiplyG2) == .notInSubgroup && error(outside + outside, addG2) == nil)
  }

  /// A point of the twist that does not have order r.
  private func twistPoint<F: PrimeField>(_ b: Fp2<F>) throws -> AffinePoint<Fp2<F>> {
    var x = Fp2<F>(.one, .one)
    while true {
      if let y = (x.squared() * x + b).squareRoot() { return AffinePoint(x, y) }
      x = x + .one
    }
  }

  @Test func bls12381() throws {
    let (g1, g2) = (BLS12381.encode(BLS12381.generator1), BLS12381.encode(BLS12381.generator2))
    let (zero1, zero2) = (zero + zero, zero + zero + zero + zero)
    let add1 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BLS12381.addG1(b) }
    let add2 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BLS12381.addG2(b) }
    let sum1 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BLS12381.multiScalarG1(b) }
    let sum2 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BLS12381.multiScalarG2(b) }
    let pairing = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BLS12381.pairingProductIsOne(b) }
    let map1 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BLS12381.mapToG1(b) }
    let map2 = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BLS12381.mapToG2(b) }
    #expect(try with(g1 + zero1, add1) == g1 && with(g2 + zero2, add2) == g2)
    #expect(try with(g1 + Scalar(1).bytes, sum1) == g1 && with(g2 + Scalar(1).bytes, sum2) == g2)
    #expect(try with(g1 + BLS12381.order.bytes, sum1) == zero1)
    for count in [0, 1, 127, 255, 257, 513] {
      let bytes = [UInt8](repeating: 0, count: count)
      for operation in [add1, add2, sum1, sum2, map1, map2] {
        #expect(error(bytes, operation) == .invalidLength)
      }
      #expect(error(bytes, pairing) == .invalidLength)
    }
    let scalar = Scalar(1).bytes
    let padded = [1] + g1[1...]
    #expect(
      error(padded + zero1, add1) == .invalidFieldElement
        && error(padded + scalar, sum1) == .invalidFieldElement)
    let beyond = added(Array(g1[..<64]), BLS12381.Fp.modulus)
    #expect(error(beyond + g1[64...] + zero1, add1) == .invalidFieldElement)
    #expect(error(beyond, map1) == .invalidFieldElement && error(zero + beyond, map2) == .invalidFieldElement)
    let off: [UInt8] = g1[..<127] + [g1[127] ^ 1]
    #expect(error(off + zero1, add1) == .notOnCurve && error(off + scalar, sum1) == .notOnCurve)
    let outside1 = BLS12381.encode(AffinePoint(BLS12381.Fp.zero, BLS12381.Fp(2)))
    #expect(error(outside1 + zero1, add1) == nil && error(outside1 + scalar, sum1) == .notInSubgroup)
    #expect(error(outside1 + zero2, pairing) == .notInSubgroup)
    let outside2 = BLS12381.encode(try twistPoint(BLS12381.twistB))
    #expect(error(outside2 + zero2, add2) == nil && error(outside2 + scalar, sum2) == .notInSubgroup)
    #expect(error(zero1 + outside2, pairing) == .notInSubgroup)
  }

  @Test func flags() throws {
    var generator = SplitMix64(seed: seed)
    let compress = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BN254.compress(b) }
    let decompress = { (b: UnsafeRawBufferPointer) throws(CurveError) in try BN254.decompress(b) }
    for _ in 0..<20 {
      let scalar = Scalar(UInt128(generator.next()))
      let g1 = BN254.encode(plainMultiple(JacobianPoint(BN254.generator1), scalar).affine)
      let g2 = BN254.encode(plainMultiple(JacobianPoint(BN254.generator2), scalar).affine)
      for point in [g1, g2] {
        let compressed = try with(point, compress)
        #expect(compressed.count == point.count / 2)
        #expect(try with(compressed, decompress) == point)
        let other = try with([compressed[0] ^ 0x80] + compressed[1...], decompress)
        #expect(other != point && other[..<(point.count / 2)] == point[..<(point.count / 2)])
        #expect(error([compressed[0] | 0xc0] + compressed[1...], decompress) == .invalidFlags)
      }
    }
    #expect(error([UInt8](repeating: 0, count: 31) + [4], decompress) == .notOnCurve)
    for count in [0, 1, 31, 33, 63, 65, 127, 129] {
      #expect(error([UInt8](repeating: 0, count: count), decompress) == .invalidLength)
      #expect(error([UInt8](repeating: 0, count: count), compress) == .invalidLength)
    }
  }
}
