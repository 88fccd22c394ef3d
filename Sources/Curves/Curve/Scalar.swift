// Multipliers of points: integers of 256 bits, any of which the precompiles accept, and their reduction
// modulo the order of a group.

/// An integer in [0, 2^256).
struct Scalar: Equatable, Sendable {
  var low: UInt128, high: UInt128

  @inline(__always)
  init(low: UInt128, high: UInt128) {
    self.low = low
    self.high = high
  }

  /// 32 big-endian bytes.
  init(reading bytes: UnsafeRawPointer) {
    high = UInt128(loadWord(bytes, 0)) << 64 | UInt128(loadWord(bytes, 8))
    low = UInt128(loadWord(bytes, 16)) << 64 | UInt128(loadWord(bytes, 24))
  }

  var isZero: Bool { low | high == 0 }

  static func < (a: Self, b: Self) -> Bool { a.high < b.high || a.high == b.high && a.low < b.low }

  /// Wraps around.
  static func &- (a: Self, b: Self) -> Self {
    let (low, borrow) = a.low.subtractingReportingOverflow(b.low)
    return Self(low: low, high: a.high &- b.high &- (borrow ? 1 : 0))
  }

  /// By repeated subtraction: the orders have 254 and 255 bits.
  func reduced(modulo order: Scalar) -> Scalar {
    var result = self
    while !(result < order) { result = result &- order }
    return result
  }
}

/// The digits -1, 0 and 1 of a positive integer in non-adjacent form, most significant first.
func nonAdjacentForm(_ value: UInt128) -> [Int8] {
  var (digits, rest): ([Int8], UInt128) = ([], value)
  while rest > 0 {
    let digit: Int8 = rest & 1 == 0 ? 0 : (rest & 3 == 1 ? 1 : -1)
    digits.append(digit)
    rest = rest >> 1 + (digit < 0 ? 1 : 0)
  }
  return digits.reversed()
}
