// ADDMOD, MULMOD and EXP (Yellow Paper appendix H): sums and products are not cut to 256 bits before they are
// reduced; a modulus of 0 gives 0. The 512-bit product is reduced by Knuth's algorithm D, digit after digit from the
// top (UInt256+Division.swift has the shorter divisions).

extension UInt256 {
  /// ADDMOD: (self + other) mod `modulus`; 0 where the modulus is 0.
  package func adding(_ other: UInt256, modulo modulus: UInt256) -> UInt256 {
    // Operands below twice the modulus, the usual ones, need no division.
    if modulus.limb3 != 0, limb3 <= modulus.limb3, other.limb3 <= modulus.limb3 {
      let (left, right) = (reducedOnce(modulus), other.reducedOnce(modulus))
      let (sum, carry) = left.addingReportingOverflow(right)
      let (difference, borrow) = sum.subtractingReportingOverflow(modulus)
      return carry || !borrow ? difference : sum
    }
    let (sum, carry) = addingReportingOverflow(other)
    guard carry else { return sum.modulo(modulus) }
    return UInt512(low: sum, high: .one).modulo(modulus)
  }

  /// MULMOD: (self × other) mod `modulus`; 0 where the modulus is 0.
  package func multiplied(by other: UInt256, modulo modulus: UInt256) -> UInt256 {
    let product = UInt512(product: self, other)
    return product.high.isZero ? product.low.modulo(modulus) : product.modulo(modulus)
  }

  /// EXP: self to the power of `exponent`, modulo 2^256; 0 to the power of 0 is 1.
  package func raised(to exponent: UInt256) -> UInt256 {
    if limb0 & 1 == 0 {
      // An even base has 2^exponent as a factor: nothing is left from 256 on. A power of two is a shift.
      guard exponent.fitsUInt64, exponent.limb0 < 256 else { return .zero }
      if isPowerOfTwo { return .one << (UInt64(255 &- leadingZeroBitCount) &* exponent.limb0) }
    }
    var bit = exponent.bitWidth &- 1
    guard bit >= 0 else { return .one }
    var result = self
    let limbs = (exponent.limb0, exponent.limb1, exponent.limb2, exponent.limb3)
    while bit > 0 {
      bit &-= 1
      result = result &* result
      let limb = bit < 128 ? (bit < 64 ? limbs.0 : limbs.1) : (bit < 192 ? limbs.2 : limbs.3)
      if limb &>> UInt64(bit & 63) & 1 != 0 { result = result &* self }
    }
    return result
  }

  /// Exactly one bit is set.
  package var isPowerOfTwo: Bool { !isZero && (self & (self &- .one)).isZero }

  @inline(__always) private func reducedOnce(_ modulus: UInt256) -> UInt256 {
    let (difference, borrow) = subtractingReportingOverflow(modulus)
    return borrow ? self : difference
  }
}

/// A 512-bit intermediate result.
package struct UInt512: Equatable, Sendable {
  package var low, high: UInt256

  @inline(__always) package init(low: UInt256, high: UInt256) { (self.low, self.high) = (low, high) }

  /// The whole product.
  @inline(__always) package init(product a: UInt256, _ b: UInt256) {
    let (r0, c0) = a.multiplied(byLimb: b.limb0, adding: .zero)
    let (r1, c1) = a.multiplied(byLimb: b.limb1, adding: UInt256(r0.limb1, r0.limb2, r0.limb3, c0))
    let (r2, c2) = a.multiplied(byLimb: b.limb2, adding: UInt256(r1.limb1, r1.limb2, r1.limb3, c1))
    let (r3, c3) = a.multiplied(byLimb: b.limb3, adding: UInt256(r2.limb1, r2.limb2, r2.limb3, c2))
    low = UInt256(r0.limb0, r1.limb0, r2.limb0, r3.limb0)
    high = UInt256(r3.limb1, r3.limb2, r3.limb3, c3)
  }

  /// The remainder; 0 where `modulus` is 0.
  package func modulo(_ modulus: UInt256) -> UInt256 {
    if modulus.limb3 != 0 { return modulo(fourLimbs: modulus) }
    if modulus.limb2 != 0 { return modulo(threeLimbs: modulus) }
    return modulus.limb1 != 0 ? modulo(twoLimbs: modulus.low) : modulo(limb: modulus.limb0)
  }

  /// The value times 2^`shift`, nine limbs; `shift` in `[0, 64)`.
  @inline(__always) private func shiftedUp(by shift: UInt64) -> (low: UInt256, high: UInt256, top: Limb) {
    let (low, middle) = self.low.shiftedUp(by: shift)
    var (high, top) = self.high.shiftedUp(by: shift)
    high.limb0 |= middle
    return (low, high, top)
  }

  @inline(__always) private func modulo(limb modulus: Limb) -> UInt256 {
    guard modulus != 0 else { return .zero }
    let shift = UInt64(modulus.leadingZeroBitCount)
    let (low, high, top) = shiftedUp(by: shift)
    let reciprocal = Reciprocal2by1(modulus &<< shift)
    // The top limb is below the normalised modulus, here and below.
    var rest = reciprocal.divide(top, high.limb3).remainder
    rest = reciprocal.divide(rest, high.limb2).remainder
    rest = reciprocal.divide(rest, high.limb1).remainder
    rest = reciprocal.divide(rest, high.limb0).remainder
    rest = reciprocal.divide(rest, low.limb3).remainder
    rest = reciprocal.divide(rest, low.limb2).remainder
    rest = reciprocal.divide(rest, low.limb1).remainder
    rest = reciprocal.divide(rest, low.limb0).remainder
    return UInt256(rest &>> shift)
  }

  @inline(__always) private func modulo(twoLimbs modulus: UInt128) -> UInt256 {
    let shift = UInt64(modulus.leadingZeroBitCount)
    let (low, high, top) = shiftedUp(by: shift)
    let reciprocal = Reciprocal3by2(modulus &<< UInt128(shift))
    var rest = UInt128(high: top, low: high.limb3)
    rest = reciprocal.divide(rest, high.limb2).remainder
    rest = reciprocal.divide(rest, high.limb1).remainder
    rest = reciprocal.divide(rest, high.limb0).remainder
    rest = reciprocal.divide(rest, low.limb3).remainder
    rest = reciprocal.divide(rest, low.limb2).remainder
    rest = reciprocal.divide(rest, low.limb1).remainder
    rest = reciprocal.divide(rest, low.limb0).remainder
    return UInt256(low: rest &>> UInt128(shift), high: 0)
  }

  @inline(__always) private func modulo(threeLimbs modulus: UInt256) -> UInt256 {
    let shift = UInt64(modulus.limb2.leadingZeroBitCount)
    let (low, high, top) = shiftedUp(by: shift)
    let divisor = modulus.shiftedUp(by: shift).limbs
    let reciprocal = Reciprocal3by2(UInt128(high: divisor.limb2, low: divisor.limb1))
    var rest = (top: UInt128(high: top, low: high.limb3), low: high.limb2)
    @inline(__always) func step(_ next: Limb) {
      let (_, top, low) = reciprocal.digit(top: rest.top, rest.low, next, divisor.limb0)
      rest = (top, low)
    }
    step(high.limb1)
    step(high.limb0)
    step(low.limb3)
    step(low.limb2)
    step(low.limb1)
    step(low.limb0)
    return UInt256(rest.low, rest.top.lowLimb, rest.top.highLimb, 0).shiftedDown(by: shift)
  }

  @inline(__always) private func modulo(fourLimbs modulus: UInt256) -> UInt256 {
    let shift = UInt64(modulus.limb3.leadingZeroBitCount)
    let (low, high, top) = shiftedUp(by: shift)
    let divisor = modulus.shiftedUp(by: shift).limbs
    let reciprocal = Reciprocal3by2(divisor.high)
    var rest = UInt256(high.limb1, high.limb2, high.limb3, top)
    @inline(__always) func step(_ next: Limb) {
      rest =
        reciprocal.digit(
          top: rest.high, rest.limb1, UInt128(high: rest.limb0, low: next), divisor.low
        ).rest
    }
    step(high.limb0)
    step(low.limb3)
    step(low.limb2)
    step(low.limb1)
    step(low.limb0)
    return rest.shiftedDown(by: shift)
  }
}

extension UInt256 {
  /// self × `limb` + `addend`, five limbs.
  @inline(__always)
  func multiplied(byLimb limb: Limb, adding addend: UInt256) -> (low: UInt256, top: Limb) {
    let p0 = UInt128(product: limb0, limb) &+ UInt128(addend.limb0)
    let p1 = UInt128(product: limb1, limb) &+ UInt128(addend.limb1) &+ (p0 &>> 64)
    let p2 = UInt128(product: limb2, limb) &+ UInt128(addend.limb2) &+ (p1 &>> 64)
    let p3 = UInt128(product: limb3, limb) &+ UInt128(addend.limb3) &+ (p2 &>> 64)
    return (UInt256(p0.lowLimb, p1.lowLimb, p2.lowLimb, p3.lowLimb), p3.highLimb)
  }
}
