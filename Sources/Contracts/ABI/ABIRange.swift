// The numbers a type has, and numbers as decimal text.

import WideIntegers

/// The integers of so many bits, as 256-bit words.
struct ABIRange {
  let bits: Int
  let isSigned: Bool

  func contains(_ word: UInt256) -> Bool {
    isSigned ? word.signExtended(fromByte: UInt256(UInt64(bits / 8 - 1))) == word : word.bitWidth <= bits
  }

  var lowest: UInt256 { isSigned ? (UInt256.one << UInt64(bits - 1)).negated : .zero }
  var highest: UInt256 { UInt256.max >> UInt64(256 - bits + (isSigned ? 1 : 0)) }
}

extension ABIType {
  /// Of a number's type; `nil` for others.
  var range: ABIRange? {
    switch self {
    case .uint(let bits): ABIRange(bits: bits, isSigned: false)
    case .int(let bits): ABIRange(bits: bits, isSigned: true)
    case .fixed(let bits, _, let isSigned): ABIRange(bits: bits, isSigned: isSigned)
    default: nil
    }
  }

  /// Digits behind the point.
  var decimals: Int {
    if case .fixed(_, let decimals, _) = self { decimals } else { 0 }
  }

  func outOfRange(_ word: UInt256) -> ABIValueFault {
    outOfRange(number(word))
  }

  func outOfRange(_ text: String) -> ABIValueFault {
    guard let range else { return .mismatch }
    return .outOfRange(text, lowest: number(range.lowest), highest: number(range.highest))
  }

  /// A word of this type as a decimal number.
  func number(_ word: UInt256) -> String {
    let isNegative = range?.isSigned == true && word.isNegative
    var digits = (isNegative ? word.negated : word).decimalText
    if decimals > 0 {
      if digits.count <= decimals {
        digits = String(repeating: "0", count: decimals + 1 - digits.count) + digits
      }
      digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals))
    }
    return isNegative ? "-" + digits : digits
  }
}

extension UInt256 {
  /// Decimal digits without leading zeros.
  package var decimalText: String {
    var (rest, parts) = (self, [String]())
    let base = UInt256(10_000_000_000_000_000_000)
    while true {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: base)
      let digits = String(remainder.limb0)
      if quotient.isZero {
        parts.append(digits)
        return parts.reversed().joined()
      }
      parts.append(String(repeating: "0", count: 19 - digits.count) + digits)
      rest = quotient
    }
  }

  /// The value with one decimal digit more, `nil` from 2^256 on.
  func appending(decimalDigit digit: UInt64) -> UInt256? {
    guard self <= UInt256.max.divided(by: 10) else { return nil }
    let (sum, overflow) = (self &* 10).addingReportingOverflow(UInt256(digit))
    return overflow ? nil : sum
  }
}
