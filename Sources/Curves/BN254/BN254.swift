// BN254 (alt_bn128) and what the precompiles of EIP-196 and EIP-197 do on it:
// https://eips.ethereum.org/EIPS/eip-196, https://eips.ethereum.org/EIPS/eip-197. G1 is y^2 = x^3 + 3 over
// Fp, whose every point has prime order r; G2 is the subgroup of order r of the twist y^2 = x^3 + 3 / (9 +
// u) over Fp2.
//
// Numbers are 32 bytes, big-endian; a point of G1 is x then y, one of G2 x then y with the imaginary part
// of each first; infinity is all zeros.

package enum BN254 {
  typealias G1 = AffinePoint<Fp>
  typealias G2 = AffinePoint<Fp2<Fp>>

  /// The parameter of the curve's family.
  static var u: UInt64 { 4_965_661_367_192_848_881 }
  private static let uDigits = nonAdjacentForm(UInt128(u))

  /// r, the order of G1 and G2: 36u^4 + 36u^3 + 18u^2 + 6u + 1.
  static let order = Scalar(
    low: 0x2833_e848_79b9_7091_43e1_f593_f000_0001, high: 0x3064_4e72_e131_a029_b850_45b6_8181_585d)

  /// The bytes of a point of G1 and of one of G2.
  package static var g1ByteCount: Int { 64 }
  package static var g2ByteCount: Int { 128 }

  // MARK: Operations on encoded points

  /// The sum of two points of G1. `input` is `[64, 64]` bytes.
  package static func add(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == 128, let start = input.baseAddress else { throw .invalidLength }
    let (p, q) = (try decodeG1(start), try decodeG1(start + 64))
    return encode((JacobianPoint(p) + q).affine)
  }

  /// A multiple of a point of G1. `input` is `[64]` bytes and the scalar, 32 big-endian bytes of any value.
  package static func multiply(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == 96, let start = input.baseAddress else { throw .invalidLength }
    let point = try decodeG1(start)
    return encode(multiply(point, by: Scalar(reading: start + 64)).affine)
  }

  /// Whether the product of the pairings of (G1, G2) pairs of 192 bytes each is one; it is for no pairs.
  package static func pairingProductIsOne(_ input: UnsafeRawBufferPointer) throws(CurveError) -> Bool {
    guard input.count % 192 == 0 else { throw .invalidLength }
    var pairs: [(G1, G2)] = []
    pairs.reserveCapacity(input.count / 192)
    for offset in stride(from: 0, to: input.count, by: 192) {
      guard let start = input.baseAddress else { break }
      pairs.append((try decodeG1(start + offset), try decodeG2(start + offset + 64)))
    }
    return Pairing.productIsOne(pairs)
  }

  /// The sum of two points of the twist, of any order. `input` is `[128, 128]` bytes.
  package static func addG2(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == 256, let start = input.baseAddress else { throw .invalidLength }
    let (p, q) = (try decodeOnTwist(start), try decodeOnTwist(start + 128))
    return encode((JacobianPoint(p) + q).affine)
  }

  /// A multiple of a point of G2. `input` is `[128]` bytes and the scalar, 32 big-endian bytes of any value.
  package static func multiplyG2(_ input: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard input.count == 160, let start = input.baseAddress else { throw .invalidLength }
    let point = try decodeG2(start)
    let scalar = Scalar(reading: start + 128).reduced(modulo: order)
    let terms = [
      Term(point: point, scalar: scalar.low),
      Term(point: JacobianPoint(point).doubled(times: 128).affine, scalar: scalar.high),
    ]
    return encode(MultiScalar.sum(terms).affine)
  }

  // MARK: Groups

  /// Whether a point of the twist has order r: [u + 1]Q + psi([u]Q) + psi^2([u]Q) = psi^3([2u]Q)
  /// (https://eprint.iacr.org/2022/348, section 4.3); no point outside G2 fulfils this, as the norm of that
  /// polynomial in psi is prime to the twist's cofactor.
  static func isInG2(_ point: G2) -> Bool {
    if point.isInfinity { return true }
    let multiple = JacobianPoint(point).multiplied(byDigits: uDigits)
    let (first, second) = (psi(multiple), psi(psi(multiple)))
    return (multiple + point + first + second).equals(psi(second).doubled())
  }

  /// The endomorphism untwist, Frobenius, twist, which multiplies G2 by p.
  static func psi(_ point: JacobianPoint<Fp2<Fp>>) -> JacobianPoint<Fp2<Fp>> {
    JacobianPoint(point.x.conjugate * psiX, point.y.conjugate * psiY, point.z.conjugate)
  }

  static func multiply(_ point: G1, by scalar: Scalar) -> JacobianPoint<Fp> {
    MultiScalar.sum(split(scalar, point))
  }

  /// The scalar in parts of 127 bits for the point and its image (beta x, y), which is `lambda` times the
  /// point, lambda = 0xb3c4d79d41a917585bfc41088d8daaa78b17ea66b99c90dd (Gallant, Lambert, Vanstone, CRYPTO
  /// 2001). The lattice of (a, b) with a + b lambda = 0 modulo r has the basis (a1, -b1), (a2, a1) below.
  static func split(_ scalar: Scalar, _ point: G1) -> [Term<Fp>] {
    let a1: UInt128 = 0x89d3_2568_94d2_13e3
    let b1: UInt128 = 0x6f4d_8248_eeb8_59fc_8211_bbeb_7d4f_1128
    let a2: UInt128 = 0x6f4d_8248_eeb8_59fd_0be4_e154_1221_250b
    let scalar = scalar.reduced(modulo: order)
    // The nearest multiples of both, up to one: scalar a1 / r and scalar b1 / r.
    let c1 = scaled(scalar, by: 0xb647_48cb_b1f8_2cf6)  // a1 2^254 / r, rounded
    let c2 = scaled(scalar, by: 0x9333_bc05_29dc_f4b3_de9e_f675_0e47_ac63)
    // Both parts are below 2^127 in size, so that their low 128 bits tell them.
    let first = Int128(truncatingIfNeeded: scalar.low &- c1 &* a1 &- c2 &* a2)
    let second = Int128(truncatingIfNeeded: c1 &* b1 &- c2 &* a1)
    let image = AffinePoint(point.x * beta, point.y)
    return [
      Term(point: first < 0 ? -point : point, scalar: first.magnitude),
      Term(point: second < 0 ? -image : image, scalar: second.magnitude),
    ]
  }

  /// `scalar * factor / 2^254`, rounded to the nearest, for a scalar below r.
  private static func scaled(_ scalar: Scalar, by factor: UInt128) -> UInt128 {
    let (low, high) = (
      factor.multipliedFullWidth(by: scalar.low), factor.multipliedFullWidth(by: scalar.high)
    )
    let (middle, carry) = low.high.addingReportingOverflow(high.low)
    return ((high.high &+ (carry ? 1 : 0)) << 2 | middle >> 126) &+ (middle >> 125 & 1)
  }
}
