// BLS12-381 and what the precompiles of EIP-2537 do on it (https://eips.ethereum.org/EIPS/eip-2537). G1 is
// the subgroup of prime order r of y^2 = x^3 + 4 over Fp, G2 that of the twist y^2 = x^3 + 4 (1 + u) over
// Fp2.
//
// An element of Fp is 64 bytes, big-endian, the first 16 of them zero; one of Fp2 is its real part, then
// its imaginary part; a point is x, then y; infinity is all zeros; a scalar is 32 bytes, big-endian, of any
// value.

package enum BLS12381 {
  typealias G1 = AffinePoint<Fp>
  typealias G2 = AffinePoint<Fp2<Fp>>

  /// The magnitude of the curve's parameter u, which is negative.
  static var u: UInt64 { 0xd201_0000_0001_0000 }
  static let uDigits = nonAdjacentForm(UInt128(u))
  /// u^2
  static var uSquared: UInt128 { 0xac45_a401_0001_a402_0000_0001_0000_0000 }

  /// r, the order of G1 and G2: u^4 - u^2 + 1.
  static let order = Scalar(
    low: 0x53bd_a402_fffe_5bfe_ffff_ffff_0000_0001, high: 0x73ed_a753_299d_7d48_3339_d808_09a1_d805)

  /// The bytes of an element of Fp, of a point of G1 and of one of G2.
  package static var fieldByteCount: Int { 64 }
  package static var g1ByteCount: Int { 128 }
  package static var g2ByteCount: Int { 256 }

  // MARK: Operations on encoded points

  /// The sum of two points of G1's curve, of any order. `input` is `[128, 128]` bytes.
  package static func addG1(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == 2 * g1ByteCount, let start = input.baseAddress else { throw .invalidLength }
    let (p, q) = (try decodeOnCurve(start), try decodeOnCurve(start + g1ByteCount))
    return encode((JacobianPoint(p) + q).affine)
  }

  /// The sum of two points of the twist, of any order. `input` is `[256, 256]` bytes.
  package static func addG2(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == 2 * g2ByteCount, let start = input.baseAddress else { throw .invalidLength }
    let (p, q) = (try decodeOnTwist(start), try decodeOnTwist(start + g2ByteCount))
    return encode((JacobianPoint(p) + q).affine)
  }

  /// The sum of multiples of points of G1. `input` is one or more pairs of a point and a scalar, 160 bytes
  /// each.
  package static func multiScalarG1(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    let pairByteCount = g1ByteCount + 32
    guard input.count > 0, input.count % pairByteCount == 0, let start = input.baseAddress else {
      throw .invalidLength
    }
    var terms: [Term<Fp>] = []
    terms.reserveCapacity(input.count / pairByteCount * 2)
    for offset in stride(from: 0, to: input.count, by: pairByteCount) {
      let point = try decodeG1(start + offset)
      split(Scalar(reading: start + offset + g1ByteCount), point, into: &terms)
    }
    return encode(MultiScalar.sum(terms).affine)
  }

  /// The sum of multiples of points of G2. `input` is one or more pairs of a point and a scalar, 288 bytes
  /// each.
  package static func multiScalarG2(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    let pairByteCount = g2ByteCount + 32
    guard input.count > 0, input.count % pairByteCount == 0, let start = input.baseAddress else {
      throw .invalidLength
    }
    var terms: [Term<Fp2<Fp>>] = []
    terms.reserveCapacity(input.count / pairByteCount * 4)
    for offset in stride(from: 0, to: input.count, by: pairByteCount) {
      let point = try decodeG2(start + offset)
      split(Scalar(reading: start + offset + g2ByteCount), point, into: &terms)
    }
    return encode(MultiScalar.sum(terms).affine)
  }

  /// Whether the product of the pairings of one or more (G1, G2) pairs of 384 bytes each is one.
  package static func pairingProductIsOne(_ input: UnsafeRawBufferPointer) throws(CurveError) -> Bool {
    let pairByteCount = g1ByteCount + g2ByteCount
    guard input.count > 0, input.count % pairByteCount == 0, let start = input.baseAddress else {
      throw .invalidLength
    }
    var pairs: [(G1, G2)] = []
    pairs.reserveCapacity(input.count / pairByteCount)
    for offset in stride(from: 0, to: input.count, by: pairByteCount) {
      pairs.append((try decodeG1(start + offset), try decodeG2(start + offset + g1ByteCount)))
    }
    return Pairing.productIsOne(pairs)
  }

  /// The point of G1 that an element of Fp, 64 bytes, maps to.
  package static func mapToG1(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == fieldByteCount, let start = input.baseAddress else { throw .invalidLength }
    return encode(mapToG1(try decodeField(start)))
  }

  /// The point of G2 that an element of Fp2, 128 bytes, maps to.
  package static func mapToG2(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == 2 * fieldByteCount, let start = input.baseAddress else { throw .invalidLength }
    return encode(mapToG2(Fp2(try decodeField(start), try decodeField(start + fieldByteCount))))
  }

  // MARK: Groups

  /// Whether a point of the curve has order r: its image (beta x, y) is -u^2 times the point
  /// (Scott, https://eprint.iacr.org/2021/1130).
  static func isInG1(_ point: G1) -> Bool {
    if point.isInfinity { return true }
    let multiple = JacobianPoint(point).multiplied(byDigits: uDigits).multiplied(byDigits: uDigits)
    return (-multiple).equals(JacobianPoint(AffinePoint(point.x * beta, point.y)))
  }

  /// Whether a point of the twist has order r: psi multiplies it by u (same paper).
  static func isInG2(_ point: G2) -> Bool {
    if point.isInfinity { return true }
    let multiple = JacobianPoint(point).multiplied(byDigits: uDigits)
    return (-multiple).equals(JacobianPoint(psi(point)))
  }

  /// The endomorphism untwist, Frobenius, twist, which multiplies G2 by u.
  static func psi(_ point: G2) -> G2 {
    AffinePoint(point.x.conjugate * psiX, point.y.conjugate * psiY)
  }

  static func psi(_ point: JacobianPoint<Fp2<Fp>>) -> JacobianPoint<Fp2<Fp>> {
    JacobianPoint(point.x.conjugate * psiX, point.y.conjugate * psiY, point.z.conjugate)
  }

  /// The scalar modulo r in base u^2, whose digits are for the point and for u^2 times it: minus its image
  /// (beta x, y).
  static func split(_ scalar: Scalar, _ point: G1, into terms: inout [Term<Fp>]) {
    let scalar = scalar.reduced(modulo: order)
    let (quotient, remainder) = uSquared.dividingFullWidth((scalar.high, scalar.low))
    terms.append(Term(point: point, scalar: remainder))
    terms.append(Term(point: AffinePoint(point.x * beta, -point.y), scalar: quotient))
  }

  /// The scalar modulo r in base |u|, whose digits are for the point and its images under -psi.
  static func split(_ scalar: Scalar, _ point: G2, into terms: inout [Term<Fp2<Fp>>]) {
    let scalar = scalar.reduced(modulo: order)
    let (high, low) = uSquared.dividingFullWidth((scalar.high, scalar.low))
    var image = point
    for digit in [low % UInt128(u), low / UInt128(u), high % UInt128(u), high / UInt128(u)] {
      terms.append(Term(point: image, scalar: digit))
      image = -psi(image)
    }
  }
}
