// Division of 256-bit values with the EVM's meaning of a zero divisor: quotient and remainder are 0 (DIV, MOD, SDIV,
// SMOD; Yellow Paper appendix H). Knuth's algorithm D (TAOCP 4.3.1), written out for each number of divisor limbs;
// its digits come from a reciprocal of the divisor's top limbs, so that only one machine division is left (Möller,
// Granlund: Improved division by invariant integers, https://gmplib.org/~tege/division-paper.pdf): about half the
// time of the machine's 128-by-64 division for each digit.

/// 64 bits of a longer number.
typealias Limb = UInt64

extension UInt256 {
  /// DIV: 0 where `divisor` is 0.
  package func divided(by divisor: UInt256) -> UInt256 {
    quotientAndRemainder(dividingBy: divisor).quotient
  }

  /// MOD: 0 where `divisor` is 0.
  package func modulo(_ divisor: UInt256) -> UInt256 {
    quotientAndRemainder(dividingBy: divisor).remainder
  }

  /// SDIV: two's complement, rounded towards zero; −2^255 / −1 is −2^255.
  package func signedDivided(by divisor: UInt256) -> UInt256 {
    let quotient = magnitude.divided(by: divisor.magnitude)
    return isNegative == divisor.isNegative ? quotient : quotient.negated
  }

  /// SMOD: two's complement, the sign is the dividend's.
  package func signedModulo(_ divisor: UInt256) -> UInt256 {
    let remainder = magnitude.modulo(divisor.magnitude)
    return isNegative ? remainder.negated : remainder
  }

  /// Both are 0 where `divisor` is 0.
  @inline(__always)
  package func quotientAndRemainder(dividingBy divisor: UInt256) -> (quotient: UInt256, remainder: UInt256) {
    if divisor.limb3 | divisor.limb2 | divisor.limb1 == 0 { return divided(byLimb: divisor.limb0) }
    if self < divisor { return (.zero, self) }
    if divisor.limb3 != 0 { return divided(byFourLimbs: divisor) }
    if divisor.limb2 != 0 { return divided(byThreeLimbs: divisor) }
    return divided(byTwoLimbs: divisor.low)
  }

  @inline(__always)
  private func divided(byLimb divisor: Limb) -> (quotient: UInt256, remainder: UInt256) {
    if divisor & (divisor &- 1) == 0 {
      guard divisor != 0 else { return (.zero, .zero) }
      let shift = UInt64(divisor.trailingZeroBitCount)
      return (
        UInt256(
          Limb.shiftedDown(limb1, limb0, by: shift), Limb.shiftedDown(limb2, limb1, by: shift),
          Limb.shiftedDown(limb3, limb2, by: shift), limb3 &>> shift),
        UInt256(limb0 & (divisor &- 1))
      )
    }
    if limb3 | limb2 | limb1 == 0 {
      return (UInt256(limb0 / divisor), UInt256(limb0 % divisor))
    }
    let shift = UInt64(divisor.leadingZeroBitCount)
    let u = shiftedUp(by: shift)
    let reciprocal = Reciprocal2by1(divisor &<< shift)
    let (q3, r3) = reciprocal.divide(u.top, u.limbs.limb3)
    let (q2, r2) = reciprocal.divide(r3, u.limbs.limb2)
    let (q1, r1) = reciprocal.divide(r2, u.limbs.limb1)
    let (q0, r0) = reciprocal.divide(r1, u.limbs.limb0)
    return (UInt256(q0, q1, q2, q3), UInt256(r0 &>> shift))
  }

  /// `divisor` ≥ 2^64.
  @inline(__always)
  private func divided(byTwoLimbs divisor: UInt128) -> (quotient: UInt256, remainder: UInt256) {
    let shift = UInt64(divisor.leadingZeroBitCount)
    let u = shiftedUp(by: shift)
    let reciprocal = Reciprocal3by2(divisor &<< UInt128(shift))
    // The dividend's top limb is below the divisor's, whose top bit is set: the first digit cannot overflow.
    let (q2, r2) = reciprocal.divide(UInt128(high: u.top, low: u.limbs.limb3), u.limbs.limb2)
    let (q1, r1) = reciprocal.divide(r2, u.limbs.limb1)
    let (q0, r0) = reciprocal.divide(r1, u.limbs.limb0)
    return (UInt256(q0, q1, q2, 0), UInt256(low: r0 &>> UInt128(shift), high: 0))
  }

  /// `divisor.limb3` is 0 and `divisor.limb2` is not.
  @inline(__always)
  private func divided(byThreeLimbs divisor: UInt256) -> (quotient: UInt256, remainder: UInt256) {
    let shift = UInt64(divisor.limb2.leadingZeroBitCount)
    let u = shiftedUp(by: shift)
    let d = divisor.shiftedUp(by: shift).limbs
    let reciprocal = Reciprocal3by2(UInt128(high: d.limb2, low: d.limb1))
    let first = reciprocal.digit(
      top: UInt128(high: u.top, low: u.limbs.limb3), u.limbs.limb2, u.limbs.limb1, d.limb0)
    let second = reciprocal.digit(top: first.rest, first.low, u.limbs.limb0, d.limb0)
    let remainder = UInt256(second.low, second.rest.lowLimb, second.rest.highLimb, 0)
    return (UInt256(second.digit, first.digit, 0, 0), remainder.shiftedDown(by: shift))
  }

  /// `divisor.limb3` is not 0 and the value not below it.
  @inline(__always)
  private func divided(byFourLimbs divisor: UInt256) -> (quotient: UInt256, remainder: UInt256) {
    let shift = UInt64(divisor.limb3.leadingZeroBitCount)
    let u = shiftedUp(by: shift)
    let d = divisor.shiftedUp(by: shift).limbs
    let reciprocal = Reciprocal3by2(d.high)
    let (digit, rest) = reciprocal.digit(
      top: UInt128(high: u.top, low: u.limbs.limb3), u.limbs.limb2, u.limbs.low, d.low)
    return (UInt256(digit), rest.shiftedDown(by: shift))
  }

  /// The five limbs of the value times 2^`shift`, `shift` in `[0, 64)`.
  @inline(__always) func shiftedUp(by shift: UInt64) -> (limbs: UInt256, top: Limb) {
    (
      UInt256(
        limb0 &<< shift, Limb.shiftedUp(limb1, limb0, by: shift), Limb.shiftedUp(limb2, limb1, by: shift),
        Limb.shiftedUp(limb3, limb2, by: shift)),
      Limb.shiftedUp(0, limb3, by: shift)
    )
  }

  /// The value divided by 2^`shift`, `shift` in `[0, 64)`.
  @inline(__always) func shiftedDown(by shift: UInt64) -> UInt256 {
    UInt256(
      Limb.shiftedDown(limb1, limb0, by: shift), Limb.shiftedDown(limb2, limb1, by: shift),
      Limb.shiftedDown(limb3, limb2, by: shift), limb3 &>> shift)
  }
}

extension Limb {
  /// The high limb of (high, low) × 2^`shift`, `shift` in `[0, 64)`: the form that becomes one instruction.
  @inline(__always) static func shiftedUp(_ high: Limb, _ low: Limb, by shift: UInt64) -> Limb {
    high &<< shift | (low &>> 1) &>> (63 &- shift)
  }

  /// The low limb of (high, low) / 2^`shift`, `shift` in `[0, 64)`.
  @inline(__always) static func shiftedDown(_ high: Limb, _ low: Limb, by shift: UInt64) -> Limb {
    low &>> shift | (high &<< 1) &<< (63 &- shift)
  }
}
