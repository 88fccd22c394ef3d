// Addition, subtraction and multiplication modulo 2^256, and their full-width forms.

extension UInt256 {
  @inlinable @inline(__always) package static func &+ (left: UInt256, right: UInt256) -> UInt256 {
    left.addingReportingOverflow(right).partialValue
  }

  @inlinable @inline(__always) package static func &- (left: UInt256, right: UInt256) -> UInt256 {
    left.subtractingReportingOverflow(right).partialValue
  }

  @inlinable @inline(__always) package static func &+= (left: inout UInt256, right: UInt256) {
    left = left &+ right
  }
  @inlinable @inline(__always) package static func &-= (left: inout UInt256, right: UInt256) {
    left = left &- right
  }

  /// Two's complement.
  @inlinable @inline(__always) package var negated: UInt256 { .zero &- self }

  /// The value without its sign; 2^255 stays what it is.
  @inlinable @inline(__always) package var magnitude: UInt256 { isNegative ? negated : self }

  @inlinable @inline(__always)
  package func addingReportingOverflow(_ other: UInt256) -> (partialValue: UInt256, overflow: Bool) {
    let (low, carry) = self.low.addingReportingOverflow(other.low)
    let (sum, overflow) = high.addingReportingOverflow(other.high)
    let (high, overflowByCarry) = sum.addingReportingOverflow(carry ? 1 : 0)
    return (UInt256(low: low, high: high), overflow || overflowByCarry)
  }

  @inlinable @inline(__always)
  package func subtractingReportingOverflow(_ other: UInt256) -> (partialValue: UInt256, overflow: Bool) {
    let (low, borrow) = self.low.subtractingReportingOverflow(other.low)
    let (difference, overflow) = high.subtractingReportingOverflow(other.high)
    let (high, overflowByBorrow) = difference.subtractingReportingOverflow(borrow ? 1 : 0)
    return (UInt256(low: low, high: high), overflow || overflowByBorrow)
  }

  /// The sum, or 2^256 − 1 where it does not fit.
  @inlinable package func addingSaturated(_ other: UInt256) -> UInt256 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  /// The lowest 256 bits of the product.
  @inlinable @inline(__always) package static func &* (left: UInt256, right: UInt256) -> UInt256 {
    let (a, b) = (left, right)
    // Row after row of a × one limb of b; product + limb + limb always fits 128 bits.
    let p0 = UInt128(product: a.limb0, b.limb0)
    let p1 = UInt128(product: a.limb1, b.limb0) &+ UInt128(p0.highLimb)
    let p2 = UInt128(product: a.limb2, b.limb0) &+ UInt128(p1.highLimb)
    let p3 = a.limb3 &* b.limb0 &+ p2.highLimb
    let q1 = UInt128(product: a.limb0, b.limb1) &+ UInt128(p1.lowLimb)
    let q2 = UInt128(product: a.limb1, b.limb1) &+ UInt128(p2.lowLimb) &+ UInt128(q1.highLimb)
    let q3 = a.limb2 &* b.limb1 &+ p3 &+ q2.highLimb
    let r2 = UInt128(product: a.limb0, b.limb2) &+ UInt128(q2.lowLimb)
    let r3 = a.limb1 &* b.limb2 &+ q3 &+ r2.highLimb
    return UInt256(p0.lowLimb, q1.lowLimb, r2.lowLimb, a.limb0 &* b.limb3 &+ r3)
  }
}

extension UInt128 {
  @inlinable @inline(__always) init(high: UInt64, low: UInt64) { self = UInt128(high) &<< 64 | UInt128(low) }

  @inlinable @inline(__always) init(product left: UInt64, _ right: UInt64) {
    let (high, low) = left.multipliedFullWidth(by: right)
    self.init(high: high, low: low)
  }

  @inlinable @inline(__always) var lowLimb: UInt64 { UInt64(truncatingIfNeeded: self) }
  @inlinable @inline(__always) var highLimb: UInt64 { UInt64(truncatingIfNeeded: self &>> 64) }
}
