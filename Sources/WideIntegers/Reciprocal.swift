// Division of two limbs by one and of three limbs by two by multiplication with a precomputed reciprocal (Möller,
// Granlund: Improved division by invariant integers, https://gmplib.org/~tege/division-paper.pdf; the algorithm
// numbers below are the paper's). Divisors are normalised: their top bit is set. `Reciprocal3by2` also finds the
// digits of longer divisors, of which its divisor is the top: an estimate from three limbs is at most one too large.

/// ⌊(2^128 − 1) / divisor⌋ − 2^64 of a normalised limb.
struct Reciprocal2by1 {
  let divisor: UInt64
  let value: UInt64

  @inline(__always) init(_ divisor: UInt64) {
    self.divisor = divisor
    value = divisor.dividingFullWidth((~divisor, .max)).quotient
  }

  /// (high, low) divided; `high` < divisor. Algorithm 4.
  @inline(__always) func divide(_ high: UInt64, _ low: UInt64) -> (quotient: UInt64, remainder: UInt64) {
    let estimate = UInt128(product: value, high) &+ UInt128(high: high, low: low)
    var quotient = estimate.highLimb &+ 1
    var remainder = low &- quotient &* divisor
    if remainder > estimate.lowLimb {
      quotient &-= 1
      remainder &+= divisor
    }
    if remainder >= divisor {
      quotient &+= 1
      remainder &-= divisor
    }
    return (quotient, remainder)
  }
}

/// ⌊(2^192 − 1) / divisor⌋ − 2^64 of a normalised pair of limbs.
struct Reciprocal3by2 {
  let divisor: UInt128
  let value: UInt64

  /// Algorithm 6.
  @inline(__always) init(_ divisor: UInt128) {
    self.divisor = divisor
    let (high, low) = (divisor.highLimb, divisor.lowLimb)
    var value = Reciprocal2by1(high).value
    var product = high &* value &+ low
    if product < low {
      value &-= 1
      if product >= high {
        value &-= 1
        product &-= high
      }
      product &-= high
    }
    let correction = UInt128(product: value, low)
    product &+= correction.highLimb
    if product < correction.highLimb {
      value &-= 1
      if UInt128(high: product, low: correction.lowLimb) >= divisor { value &-= 1 }
    }
    self.value = value
  }

  /// (top, low) divided; `top` < divisor. Algorithm 5.
  @inline(__always) func divide(_ top: UInt128, _ low: UInt64) -> (quotient: UInt64, remainder: UInt128) {
    let estimate = UInt128(product: value, top.highLimb) &+ top
    var quotient = estimate.highLimb
    let high = top.lowLimb &- quotient &* divisor.highLimb
    var remainder =
      UInt128(high: high, low: low) &- UInt128(product: divisor.lowLimb, quotient) &- divisor
    quotient &+= 1
    if remainder.highLimb >= estimate.lowLimb {
      quotient &-= 1
      remainder &+= divisor
    }
    if remainder >= divisor {
      quotient &+= 1
      remainder &-= divisor
    }
    return (quotient, remainder)
  }

  /// (top, low) divided where `top` may also equal the divisor: then the digit is 2^64 − 1, which is exact for
  /// the longer divisor, and `remainder` is taken modulo 2^128.
  @inline(__always) private func estimate(
    _ top: UInt128, _ low: UInt64
  ) -> (digit: UInt64, remainder: UInt128, isExact: Bool) {
    if top == divisor { return (.max, divisor &+ UInt128(low), true) }
    let (digit, remainder) = divide(top, low)
    return (digit, remainder, false)
  }

  /// One digit of a division by three limbs, (`divisor`, `lowest`), of (top, u1, u0), which is below 2^64 times
  /// that. What is left is (rest, low).
  @inline(__always) func digit(
    top: UInt128, _ u1: UInt64, _ u0: UInt64, _ lowest: UInt64
  ) -> (digit: UInt64, rest: UInt128, low: UInt64) {
    let (digit, estimated, isExact) = estimate(top, u1)
    let product = UInt128(product: digit, lowest)
    let (low, lowBorrow) = u0.subtractingReportingOverflow(product.lowLimb)
    let (rest, borrowed) = estimated.subtractingReportingOverflow(
      UInt128(product.highLimb) &+ (lowBorrow ? 1 : 0))
    guard borrowed && !isExact else { return (digit, rest, low) }
    let (sum, carry) = low.addingReportingOverflow(lowest)
    return (digit &- 1, rest &+ divisor &+ (carry ? 1 : 0), sum)
  }

  /// One digit of a division by four limbs, (`divisor`, `lowest`), of (top, u2, low), which is below 2^64 times
  /// that, and what is left.
  @inline(__always) func digit(
    top: UInt128, _ u2: UInt64, _ low: UInt128, _ lowest: UInt128
  ) -> (digit: UInt64, rest: UInt256) {
    let (digit, estimated, isExact) = estimate(top, u2)
    // digit × lowest is three limbs.
    let product0 = UInt128(product: digit, lowest.lowLimb)
    let product1 = UInt128(product: digit, lowest.highLimb) &+ UInt128(product0.highLimb)
    let (left, lowBorrow) = low.subtractingReportingOverflow(
      UInt128(high: product1.lowLimb, low: product0.lowLimb))
    let (rest, borrowed) = estimated.subtractingReportingOverflow(
      UInt128(product1.highLimb) &+ (lowBorrow ? 1 : 0))
    guard borrowed && !isExact else { return (digit, UInt256(low: left, high: rest)) }
    let (sum, carry) = left.addingReportingOverflow(lowest)
    return (digit &- 1, UInt256(low: sum, high: rest &+ divisor &+ (carry ? 1 : 0)))
  }
}
