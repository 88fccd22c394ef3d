// Arithmetic modulo an odd number that is a value, not a type: for hashes over a prime field, which need sums and products
// only. The fields below the pairings have code of their own, with the modulus folded in.

/// The integers modulo an odd number of up to 254 bits, in Montgomery form: x is kept as x 2^256 modulo it.
struct MontgomeryRing: Sendable {
  typealias Element = (UInt64, UInt64, UInt64, UInt64)

  /// Least significant limb first.
  private let m0: UInt64, m1: UInt64, m2: UInt64, m3: UInt64
  /// -m^-1 modulo 2^64.
  private let negatedInverse: UInt64
  /// 2^512 modulo m, which takes an integer into Montgomery form.
  private let rSquared: Scalar

  let modulus: Scalar

  /// `modulus` is odd and below 2^254.
  init(modulus: Scalar) {
    self.modulus = modulus
    (m0, m1) = (UInt64(truncatingIfNeeded: modulus.low), UInt64(truncatingIfNeeded: modulus.low >> 64))
    (m2, m3) = (UInt64(truncatingIfNeeded: modulus.high), UInt64(truncatingIfNeeded: modulus.high >> 64))
    var inverse = m0  // right modulo 2^3; each round doubles the bits
    for _ in 0..<5 { inverse = inverse &* (2 &- m0 &* inverse) }
    negatedInverse = 0 &- inverse
    var power = Scalar(low: 1, high: 0)
    for _ in 0..<512 {
      power = Scalar(low: power.low << 1, high: power.high << 1 | power.low >> 127).reduced(modulo: modulus)
    }
    rSquared = power
  }

  @inline(__always)
  private func reducedOnce(_ value: Element) -> Element {
    var borrow: UInt64 = 0
    let r0 = subtractBorrowing(value.0, m0, &borrow)
    let r1 = subtractBorrowing(value.1, m1, &borrow)
    let r2 = subtractBorrowing(value.2, m2, &borrow)
    let r3 = subtractBorrowing(value.3, m3, &borrow)
    return borrow == 1 ? value : (r0, r1, r2, r3)
  }

  @inline(__always)
  func sum(_ a: Element, _ b: Element) -> Element {
    var carry: UInt64 = 0
    let r0 = addCarrying(a.0, b.0, &carry)
    let r1 = addCarrying(a.1, b.1, &carry)
    let r2 = addCarrying(a.2, b.2, &carry)
    return reducedOnce((r0, r1, r2, addCarrying(a.3, b.3, &carry)))
  }

  /// `(sum + a * b) / 2^64` after a multiple of m has made it divisible.
  @inline(__always)
  private func row(_ sum: Element, _ a: Element, _ b: UInt64) -> Element {
    var (carry, reduction): (UInt64, UInt64) = (0, 0)
    let t0 = multiplyAdd(sum.0, a.0, b, &carry)
    let m = t0 &* negatedInverse
    _ = multiplyAdd(t0, m, m0, &reduction)
    let r0 = multiplyAdd(multiplyAdd(sum.1, a.1, b, &carry), m, m1, &reduction)
    let r1 = multiplyAdd(multiplyAdd(sum.2, a.2, b, &carry), m, m2, &reduction)
    let r2 = multiplyAdd(multiplyAdd(sum.3, a.3, b, &carry), m, m3, &reduction)
    return (r0, r1, r2, carry &+ reduction)
  }

  @inline(__always)
  func product(_ a: Element, _ b: Element) -> Element {
    reducedOnce(row(row(row(row((0, 0, 0, 0), a, b.0), a, b.1), a, b.2), a, b.3))
  }

  /// The inverse modulo m, a prime, by Fermat; zero for zero.
  func inverse(_ a: Element) -> Element {
    let exponent = modulus &- Scalar(low: 2, high: 0)
    var result = element(Scalar(low: 1, high: 0))
    for word in [exponent.high, exponent.low] {
      for bit in (0..<128).reversed() {
        result = product(result, result)
        if word >> UInt128(bit) & 1 == 1 { result = product(result, a) }
      }
    }
    return result
  }

  /// An integer, which is reduced, in Montgomery form.
  func element(_ integer: Scalar) -> Element {
    product(limbs(integer.reduced(modulo: modulus)), limbs(rSquared))
  }

  /// The integer below m.
  func integer(_ element: Element) -> Scalar {
    let value = product(element, (1, 0, 0, 0))
    return Scalar(
      low: UInt128(value.1) << 64 | UInt128(value.0), high: UInt128(value.3) << 64 | UInt128(value.2))
  }

  private func limbs(_ scalar: Scalar) -> Element {
    (
      UInt64(truncatingIfNeeded: scalar.low), UInt64(truncatingIfNeeded: scalar.low >> 64),
      UInt64(truncatingIfNeeded: scalar.high), UInt64(truncatingIfNeeded: scalar.high >> 64)
    )
  }
}
