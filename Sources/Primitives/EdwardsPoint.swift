// The twisted Edwards curve −x² + y² = 1 + d·x²·y² over 2^255 − 19 (RFC 8032 section 5.1) in extended
// coordinates, with the complete addition of Hisil, Wong, Carter and Dawson (2008): it holds for every pair
// of points, those of small order included. Ours and not libsodium's, which refuses points outside the
// prime-order subgroup and identity results where dalek, and so Agave, computes with them. Nothing here is
// secret: run time depends on the scalar.

/// x = X/Z, y = Y/Z, x·y = T/Z.
struct EdwardsPoint: Sendable {
  var x, y, z, t: FieldElement25519

  static let identity = EdwardsPoint(x: .zero, y: .one, z: .one, t: .zero)

  /// −121665/121666
  static let d = FieldElement25519(
    929_955_233_495_203, 466_365_720_129_213, 1_662_059_464_998_953, 2_033_849_074_728_123,
    1_442_794_654_840_575)
  static let doubleD = FieldElement25519(
    1_859_910_466_990_425, 932_731_440_258_426, 1_072_319_116_312_658, 1_815_898_335_770_999,
    633_789_495_995_903)

  init(x: FieldElement25519, y: FieldElement25519, z: FieldElement25519, t: FieldElement25519) {
    (self.x, self.y, self.z, self.t) = (x, y, z, t)
  }

  /// Decompresses as dalek does: y modulo the prime, the sign bit taken even for x = 0; `nil` where no x
  /// belongs to y.
  init?(compressed bytes: Hash) {
    let y = FieldElement25519(bytes)
    let square = y.squared
    let (wasSquare, root) = FieldElement25519.squareRoot(of: square - .one, over: Self.d * square + .one)
    guard wasSquare else { return nil }
    let x = bytes.word3 >> 63 == 1 ? -root : root
    self.init(x: x, y: y, z: .one, t: x * y)
  }

  /// y, little-endian, with the sign of x in bit 255.
  var compressed: Hash {
    let inverse = z.inverse
    let y = (y * inverse).bytes
    let sign: UInt64 = (x * inverse).isNegative ? 1 << 63 : 0
    return Hash(word0: y.word0, word1: y.word1, word2: y.word2, word3: y.word3 | sign)
  }

  static func + (p: EdwardsPoint, q: EdwardsPoint) -> EdwardsPoint {
    let a = (p.y - p.x) * (q.y - q.x)
    let b = (p.y + p.x) * (q.y + q.x)
    let c = p.t * doubleD * q.t
    let zz = p.z * q.z
    let d = zz + zz
    let (e, f, g, h) = (b - a, d - c, d + c, b + a)
    return EdwardsPoint(x: e * f, y: g * h, z: f * g, t: e * h)
  }

  static prefix func - (p: EdwardsPoint) -> EdwardsPoint { EdwardsPoint(x: -p.x, y: p.y, z: p.z, t: -p.t) }
  static func - (p: EdwardsPoint, q: EdwardsPoint) -> EdwardsPoint { p + -q }

  var doubled: EdwardsPoint {
    let (a, b, zz) = (x.squared, y.squared, z.squared)
    let h = a + b
    let e = h - (x + y).squared
    let g = a - b
    let f = zz + zz + g
    return EdwardsPoint(x: e * f, y: g * h, z: f * g, t: e * h)
  }
}
