// The prime-order group ristretto255 (RFC 9496), whose elements are classes of points of the Edwards curve.

struct RistrettoPoint {
  /// Any point of the class.
  var point: EdwardsPoint

  /// 1/√(a − d)
  private static let inverseRootOfAMinusD = FieldElement25519(
    278_908_739_862_762, 821_645_201_101_625, 8_113_234_426_968, 1_777_959_178_193_151, 2_118_520_810_568_447)

  init(_ point: EdwardsPoint) { self.point = point }

  /// RFC 9496 section 4.3.1; `nil` for what is no canonical encoding.
  init?(compressed bytes: Hash) {
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

  /// RFC 9496 section 4.3.2.
  var compressed: Hash {
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
