// Why bytes are refused as points, field elements or scalars.

package enum CurveError: Error, Equatable, Sendable {
  /// The input's length is not what the operation takes.
  case invalidLength
  /// A coordinate is not below p, or bytes that must be zero are not.
  case invalidFieldElement
  /// A scalar that must be below the order of the group is not.
  case invalidScalar
  /// No point of the curve has these coordinates, or this x.
  case notOnCurve
  /// The point is on the curve, outside the group of prime order.
  case notInSubgroup
  /// The flags of a compressed point contradict each other or the point.
  case invalidFlags
}
