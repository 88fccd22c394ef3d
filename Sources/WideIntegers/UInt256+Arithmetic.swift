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
    typealias Wide = UInt128
    @inline(__always) func product(_ a: UInt64, _ b: UInt64) -> Wide {
      let (high, low) = a.multipliedFullWidth(by: b)
      return Wide(high) &<< 64 | Wide(low)
    }
    let (a, b) = (left, right)
    let p00 = product(a.limb0, b.limb0)
    // Row 0: a × b0, then rows 1 to 3 added; each partial sum a·b + c + d fits 128 bits.
    let t1 = product(a.limb1, b.limb0) &+ (p00 &>> 64)
    let t2 = product(a.limb2, b.limb0) &+ (t1 &>> 64)
    let t3 = a.limb3 &* b.limb0 &+ UInt64(truncatingIfNeeded: t2 &>> 64)
    let u1 = product(a.limb0, b.limb1) &+ Wide(UInt64(truncatingIfNeeded: t1))
    let u2 = product(a.limb1, b.limb1) &+ Wide(UInt64(truncatingIfNeeded: t2)) &+ (u1 &>> 64)
    let u3 = a.limb2 &* b.limb1 &+ t3 &+ UInt64(truncatingIfNeeded: u2 &>> 64)
    let v2 = product(a.limb0, b.limb2) &+ Wide(UInt64(truncatingIfNeeded: u2))
    let v3 = a.limb1 &* b.limb2 &+ u3 &+ UInt64(truncatingIfNeeded: v2 &>> 64)
    let w3 = a.limb0 &* b.limb3 &+ v3
    return UInt256(
      UInt64(truncatingIfNeeded: p00), UInt64(truncatingIfNeeded: u1), UInt64(truncatingIfNeeded: v2), w3)
  }
}
