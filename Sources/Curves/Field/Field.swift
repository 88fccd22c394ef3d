// What the curves ask of their fields. The towers, the points and the pairings are generic over these
// protocols and are used within this module only, where the compiler makes concrete code of them for each
// of the two curves.

/// An element is always fully reduced, so that equality is equality of representations.
protocol Field: Equatable, Sendable {
  static var zero: Self { get }
  static var one: Self { get }
  var isZero: Bool { get }

  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static prefix func - (a: Self) -> Self
  func squared() -> Self
  func doubled() -> Self
  /// The inverse; zero for zero.
  func inverted() -> Self
}

extension Field {
  /// `self` to the power of `exponent`, 64-bit words, least significant first. Time depends on the exponent.
  func power(_ exponent: [UInt64]) -> Self {
    // Four bits at a time: the exponents are fixed ones of a few hundred bits.
    withUnsafeTemporaryAllocation(of: Self.self, capacity: 16) { table in
      table.initializeElement(at: 0, to: .one)
      for index in 1..<16 { table.initializeElement(at: index, to: table[index - 1] * self) }
      var result = Self.one
      var hasStarted = false
      for word in exponent.reversed() {
        for shift in stride(from: 60, through: 0, by: -4) {
          if hasStarted { result = result.squared().squared().squared().squared() }
          let digit = Int(truncatingIfNeeded: word >> UInt64(shift)) & 15
          if digit > 0 {
            result = hasStarted ? result * table[digit] : table[digit]
            hasStarted = true
          }
        }
      }
      return result
    }
  }

  @inline(__always)
  func tripled() -> Self { doubled() + self }
}

/// A field that points have their coordinates in.
protocol CoordinateField: Field {
  /// Big-endian bytes of one element; of Fp2 the imaginary part, then the real one.
  static var byteCount: Int { get }
  /// `byteCount` bytes; nil unless each part is below p.
  init?(reading bytes: UnsafeRawPointer)
  func write(to bytes: UnsafeMutableRawPointer)
  /// A square root where there is one.
  func squareRoot() -> Self?
  /// Whether the element is greater than its negative: in Fp2 by the imaginary part, then by the real one.
  var isLexicographicallyLarge: Bool { get }
}

/// The integers modulo an odd prime p, in Montgomery form: x is kept as xR mod p, R = 2^(64 * limbs), 4p < R.
protocol PrimeField: CoordinateField {
  /// `a + b` without reduction, below 2p; only for use as one operand of `*`.
  static func unreducedSum(_ a: Self, _ b: Self) -> Self
  /// p - self, which is p for zero; only for use as an operand of a product.
  var complement: Self { get }
  /// `a * b + c * d`, with one reduction.
  static func sumOfProducts(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self

  func halved() -> Self
  /// Whether the integer is odd.
  var isOdd: Bool { get }
}

/// A prime field below a pairing: the constants of its tower Fp2 = Fp[u]/(u^2 + 1), Fp6 = Fp2[v]/(v^3 - xi),
/// Fp12 = Fp6[w]/(w^2 - v).
protocol TowerField: PrimeField {
  /// `a * xi`
  static func timesXi(_ a: Fp2<Self>) -> Fp2<Self>
  /// xi^(i (p - 1) / 6) for i in `[0, 5]`: what Frobenius multiplies the coefficient of w^i with.
  static var frobenius1: FrobeniusFactors<Fp2<Self>> { get }
  /// xi^(i (p^2 - 1) / 6), which lies in Fp.
  static var frobenius2: FrobeniusFactors<Self> { get }
}

/// Factors of w^1 to w^5 (that of w^0 is one).
struct FrobeniusFactors<F: Field>: Sendable {
  var w1: F, w2: F, w3: F, w4: F, w5: F
}
