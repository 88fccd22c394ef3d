// The prime-order group ristretto255 (RFC 9496), whose elements are classes of points of the Edwards curve. Pure
// functions of their arguments; nothing here is secret.

import CSodium

package struct RistrettoPoint: Sendable {
  /// Any point of the class.
  var point: EdwardsPoint

  /// 1/√(a − d)
  private static let inverseRootOfAMinusD = FieldElement25519(
    278_908_739_862_762, 821_645_201_101_625, 8_113_234_426_968, 1_777_959_178_193_151, 2_118_520_810_568_447)

  init(_ point: EdwardsPoint) { self.point = point }

  /// The class of the Edwards curve's base point, whose y is 4/5.
  package static let base: RistrettoPoint = {
    let sixes: UInt64 = 0x6666_6666_6666_6666
    let y = Hash(word0: sixes - 0x0e, word1: sixes, word2: sixes, word3: sixes)
    guard let point = EdwardsPoint(compressed: y) else { preconditionFailure("4/5 is on the curve") }
    return RistrettoPoint(point)
  }()

  /// RFC 9496 section 4.3.4: the element that 64 uniform bytes are mapped to, by libsodium.
  package init(uniform bytes: [UInt8]) {
    precondition(bytes.count == 64)
    var encoding = Hash.zero
    withUnsafeMutableBytes(of: &encoding) { encoding in
      let result = encoding.baseAddress.unsafelyUnwrapped  // 32 bytes, never empty
      _ = crypto_core_ristretto255_from_hash(result.assumingMemoryBound(to: UInt8.self), bytes)
    }
    guard let point = RistrettoPoint(compressed: encoding) else {
      preconditionFailure("libsodium encodes canonically")
    }
    self = point
  }

  /// RFC 9496 section 4.3.1; `nil` for what is no canonical encoding.
  package init?(compressed bytes: Hash) {
    let s = FieldElement25519(bytes)
    guard s.bytes == bytes, !s.isNegative else { return nil }
    let ss = s.squared
    let (u1, u2) = (FieldElement25519.one - ss, FieldElement25519.one + ss)
    let u2Squared = u2.squared
    let v = -(EdwardsPoint.d * u1.squared) - u2Squared
    let (wasSquare, inverseRoot) = FieldElement25519.squareRoot(of: .one, over: v * u2Squared)
    let denominatorX = inverseRoot * u2
    let denominatorY = inverseRoot * denominatorX * v
    var x = (s + s) * denominatorX
    if x.isNegative { x = -x }
    let y = u1 * denominatorY
    let t = x * y
    guard wasSquare, !t.isNegative, !y.isZero else { return nil }
    point = EdwardsPoint(x: x, y: y, z: .one, t: t)
  }

  /// Whether the class is that of the neutral element: its points have x or y zero (RFC 9496 section 4.3.3).
  package var isIdentity: Bool { point.x.isZero || point.y.isZero }

  /// The sum of each scalar times its point.
  package static func sum(of terms: [(scalar: Scalar25519, point: RistrettoPoint)]) -> RistrettoPoint {
    RistrettoPoint(EdwardsPoint.sum(of: terms.map { ($0.scalar.bytes, $0.point.point) }))
  }

  /// The sum of each scalar times its point, those of `basis` too, which has a point for each of `scalars` or more.
  package static func sum(
    of terms: [(scalar: Scalar25519, point: RistrettoPoint)], _ scalars: [Scalar25519],
    times basis: RistrettoBasis
  ) -> RistrettoPoint {
    let terms = terms.map { ($0.scalar.bytes, $0.point.point) }
    return RistrettoPoint(EdwardsPoint.sum(of: terms, scalars.map(\.bytes), times: basis.basis))
  }

  /// RFC 9496 section 4.3.2.
  package var compressed: Hash {
    let u1 = (point.z + point.y) * (point.z - point.y)
    let u2 = point.x * point.y
    let (_, inverseRoot) = FieldElement25519.squareRoot(of: .one, over: u1 * u2.squared)
    let (denominator1, denominator2) = (inverseRoot * u1, inverseRoot * u2)
    let inverseZ = denominator1 * denominator2 * point.t
    var (x, y, denominator) = (point.x, point.y, denominator2)
    if (point.t * inverseZ).isNegative {
      x = point.y * .squareRootOfMinusOne
      y = point.x * .squareRootOfMinusOne
      denominator = denominator1 * Self.inverseRootOfAMinusD
    }
    if (x * inverseZ).isNegative { y = -y }
    let s = denominator * (point.z - y)
    return (s.isNegative ? -s : s).bytes
  }
}

/// Points that many sums have in common, prepared for them: 1.9 KB a point.
package struct RistrettoBasis: Sendable {
  let basis: EdwardsBasis

  package init(_ points: [RistrettoPoint]) { basis = EdwardsBasis(points.map(\.point)) }
}
