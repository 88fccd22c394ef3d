// Sums of multiples of points. A group first splits its scalars by an endomorphism into terms with short
// ones; few terms are then added by interleaved windows (Straus), many by buckets (Pippenger), both with
// signed digits.

/// `scalar` times `point`.
struct Term<F: Field> {
  var point: AffinePoint<F>, scalar: UInt128
}

enum MultiScalar<F: Field> {
  /// From this many terms on buckets win.
  private static var bucketThreshold: Int { 192 }

  static func sum(_ terms: [Term<F>]) -> JacobianPoint<F> {
    let used = terms.filter { $0.scalar > 0 && !$0.point.isInfinity }
    let bitCount = used.reduce(0) { max($0, 128 - $1.scalar.leadingZeroBitCount) }
    if used.isEmpty { return .infinity }
    return used.count < bucketThreshold ? interleaved(used, bitCount) : buckets(used, bitCount)
  }

  // MARK: Interleaved windows

  /// Digits are odd and below 2^windowBits, or zero: a table holds a point's odd multiples up to that.
  private static var windowBits: Int { 5 }
  private static var tableSize: Int { 8 }

  private static func interleaved(_ terms: [Term<F>], _ bitCount: Int) -> JacobianPoint<F> {
    let digitCount = bitCount + 1
    var result = JacobianPoint<F>.infinity
    withUnsafeTemporaryAllocation(of: JacobianPoint<F>.self, capacity: terms.count * tableSize) { tables in
      withUnsafeTemporaryAllocation(of: Int8.self, capacity: terms.count * digitCount) { digits in
        digits.initialize(repeating: 0)
        for (index, term) in terms.enumerated() {
          fillTable(
            UnsafeMutableBufferPointer(rebasing: tables[index * tableSize..<(index + 1) * tableSize]), term)
          fillDigits(
            UnsafeMutableBufferPointer(rebasing: digits[index * digitCount..<(index + 1) * digitCount]), term)
        }
        for position in (0..<digitCount).reversed() {
          result = result.doubled()
          for index in terms.indices {
            let digit = Int(digits[index * digitCount + position])
            if digit > 0 {
              result = result + tables[index * tableSize + digit / 2]
            } else if digit < 0 {
              result = result + -tables[index * tableSize - digit / 2]
            }
          }
        }
      }
    }
    return result
  }

  private static func fillTable(_ table: UnsafeMutableBufferPointer<JacobianPoint<F>>, _ term: Term<F>) {
    let point = JacobianPoint(term.point)
    let double = point.doubled()
    table.initializeElement(at: 0, to: point)
    for index in 1..<tableSize { table.initializeElement(at: index, to: table[index - 1] + double) }
  }

  /// The digits of the scalar in non-adjacent form of width `windowBits`, least significant first.
  private static func fillDigits(_ digits: UnsafeMutableBufferPointer<Int8>, _ term: Term<F>) {
    var (rest, position, carry): (UInt128, Int, UInt64) = (term.scalar, 0, 0)
    while rest > 0 || carry > 0 {
      let low = UInt64(truncatingIfNeeded: rest) & 31 &+ carry
      if low & 1 == 0 {
        // A carry into an odd low bit leaves it even and moves on.
        digits[position] = 0
        carry = (UInt64(truncatingIfNeeded: rest) & 1 &+ carry) >> 1
        rest >>= 1
        position += 1
      } else {
        digits[position] = low < 16 ? Int8(low) : Int8(Int(low) - 32)
        carry = low < 16 ? 0 : 1
        rest >>= 5
        position += windowBits
      }
    }
  }

  // MARK: Buckets

  /// Bits of a digit, by what minimises bucket additions plus their final sums.
  private static func digitBits(_ count: Int) -> Int {
    max(4, min(14, Int.bitWidth - count.leadingZeroBitCount - 3))
  }

  private static func buckets(_ terms: [Term<F>], _ bitCount: Int) -> JacobianPoint<F> {
    let bits = digitBits(terms.count)
    let windowCount = bitCount / bits + 1
    var result = JacobianPoint<F>.infinity
    withUnsafeTemporaryAllocation(of: Int16.self, capacity: terms.count * windowCount) { digits in
      for (index, term) in terms.enumerated() {
        fillSignedDigits(
          UnsafeMutableBufferPointer(rebasing: digits[index * windowCount..<(index + 1) * windowCount]), term,
          bits)
      }
      var buckets = [JacobianPoint<F>](repeating: .infinity, count: 1 << (bits - 1))
      for window in (0..<windowCount).reversed() {
        result = result.doubled(times: bits)
        for (index, term) in terms.enumerated() {
          let digit = Int(digits[index * windowCount + window])
          if digit > 0 {
            buckets[digit - 1] = buckets[digit - 1] + term.point
          } else if digit < 0 {
            buckets[-digit - 1] = buckets[-digit - 1] + -term.point
          }
        }
        result = result + weightedSum(&buckets)
      }
    }
    return result
  }

  /// The sum of (i + 1) times bucket i; empties the buckets.
  private static func weightedSum(_ buckets: inout [JacobianPoint<F>]) -> JacobianPoint<F> {
    var (running, sum) = (JacobianPoint<F>.infinity, JacobianPoint<F>.infinity)
    for index in buckets.indices.reversed() {
      running = running + buckets[index]
      sum = sum + running
      buckets[index] = .infinity
    }
    return sum
  }

  /// Digits in [-2^(bits-1), 2^(bits-1)], least significant first.
  private static func fillSignedDigits(
    _ digits: UnsafeMutableBufferPointer<Int16>, _ term: Term<F>, _ bits: Int
  ) {
    var (rest, carry) = (term.scalar, 0)
    for window in digits.indices {
      let digit = Int(truncatingIfNeeded: rest) & (1 << bits - 1) + carry
      carry = digit > 1 << (bits - 1) ? 1 : 0
      digits.initializeElement(at: window, to: Int16(digit - carry << bits))
      rest >>= UInt128(bits)
    }
  }
}
