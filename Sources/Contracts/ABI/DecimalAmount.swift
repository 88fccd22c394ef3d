// Numbers as people give them: `7`, `-0x1f`, `1.5ether`, `2e18`, `30 gwei`. Exact: a fraction that the unit does not
// resolve is an error, never rounded.

import Primitives
import WideIntegers

/// Why a text is no amount.
package enum AmountError: Error, Equatable, Sendable {
  /// Digits, fraction, exponent or unit are not as they should be.
  case unreadable
  /// Less than one of the smallest unit is left over.
  case fraction
  case tooLarge
}

/// A number's text, taken apart.
package struct DecimalAmount {
  private let isNegative: Bool
  private let magnitude: UInt256

  /// - Parameter decimals: digits behind the point that one unit of the result has, `[0, 80]`.
  package init(_ text: String, decimals: Int = 0) throws(AmountError) {
    var rest = text[...]
    isNegative = rest.first == "-"
    if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
    if let radix = DecimalAmount.radix(of: rest) {
      // Digits of another base have neither point nor exponent, but may have a unit.
      let digits = rest.dropFirst(2).prefix { $0.isHexDigit }
      let number = try DecimalAmount.integer(digits, radix: radix)
      let unit = try DecimalAmount.unit(rest.dropFirst(2 + digits.count))
      magnitude = try DecimalAmount.scaled(number, by: unit + decimals)
      return
    }
    let whole = rest.prefix { $0.isASCII && $0.isNumber }
    rest = rest.dropFirst(whole.count)
    guard !whole.isEmpty else { throw .unreadable }
    var fraction: Substring = ""
    if rest.first == "." {
      fraction = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
      guard !fraction.isEmpty else { throw .unreadable }
      rest = rest.dropFirst(1 + fraction.count)
    }
    var exponent = 0
    if let letter = rest.first, letter == "e" || letter == "E", !rest.lowercased().hasPrefix("ether"),
      !rest.hasPrefix("eth")
    {
      let isDown = rest.dropFirst().first == "-"
      let sign = isDown || rest.dropFirst().first == "+" ? 1 : 0
      let digits = rest.dropFirst(1 + sign).prefix { $0.isASCII && $0.isNumber }
      guard let value = Int(digits), value <= 1000 else { throw digits.isEmpty ? .unreadable : .tooLarge }
      exponent = isDown ? -value : value
      rest = rest.dropFirst(1 + sign + digits.count)
    }
    let shift = exponent + decimals + (try DecimalAmount.unit(rest))
    magnitude = try DecimalAmount.digits(whole + fraction, shiftedBy: shift - fraction.count)
  }

  /// Wei, from an amount with or without a unit: `1ether`, `5gwei`, `7`, `0x10`.
  package static func wei(_ text: String) throws(AmountError) -> UInt256 {
    let amount = try DecimalAmount(text)
    if amount.isNegative && !amount.magnitude.isZero { throw .tooLarge }
    return amount.magnitude
  }

  /// The word of a number of `type`.
  static func word(
    _ text: String, _ type: ABIType, _ fault: (ABIValueFault) -> ABIError
  ) throws(ABIError) -> UInt256 {
    guard let range = type.range else { throw fault(.mismatch) }
    let amount: DecimalAmount
    do throws(AmountError) { amount = try DecimalAmount(text, decimals: type.decimals) } catch {
      switch error {
      case .unreadable:
        throw fault(.unreadable(text, expected: "a number: decimal or 0x…, with a unit if need be (5gwei)"))
      case .fraction: throw fault(.fraction(text))
      case .tooLarge: throw fault(type.outOfRange(text))
      }
    }
    let word = amount.isNegative ? amount.magnitude.negated : amount.magnitude
    let isOutside =
      amount.isNegative
      ? amount.magnitude > range.lowest.negated && !amount.magnitude.isZero : amount.magnitude > range.highest
    if isOutside { throw fault(type.outOfRange(text)) }
    return word
  }

  // MARK: Parts

  private static func radix(of text: Substring) -> UInt64? {
    switch text.prefix(2).lowercased() {
    case "0x": 16
    case "0o": 8
    case "0b": 2
    default: nil
    }
  }

  private static func integer(_ digits: Substring, radix: UInt64) throws(AmountError) -> UInt256 {
    guard !digits.isEmpty else { throw .unreadable }
    let shift = UInt64(radix.trailingZeroBitCount)
    var value = UInt256.zero
    for digit in digits {
      guard let number = digit.hexDigitValue, number < radix else { throw .unreadable }
      if value.bitWidth + Int(shift) > 256 { throw .tooLarge }
      value = value << shift | UInt256(UInt64(number))
    }
    return value
  }

  /// The digits' number times 10^shift, which must be whole.
  private static func digits(_ digits: Substring, shiftedBy shift: Int) throws(AmountError) -> UInt256 {
    var digits = digits.drop { $0 == "0" }
    if digits.isEmpty { return .zero }
    if shift < 0 {
      let cut = digits.suffix(-shift)
      if digits.count <= -shift || cut.contains(where: { $0 != "0" }) { throw .fraction }
      digits = digits.dropLast(-shift)
    }
    var value = UInt256.zero
    for digit in digits {
      guard let next = value.appending(decimalDigit: UInt64(digit.wholeNumberValue ?? 0)) else {
        throw .tooLarge
      }
      value = next
    }
    return try scaled(value, by: max(0, shift))
  }

  private static func scaled(_ value: UInt256, by exponent: Int) throws(AmountError) -> UInt256 {
    if value.isZero { return value }
    var value = value
    for _ in 0..<exponent {
      guard let next = value.appending(decimalDigit: 0) else { throw .tooLarge }
      value = next
    }
    return value
  }

  /// The power of ten that a unit stands for; none is wei.
  private static func unit(_ text: Substring) throws(AmountError) -> Int {
    switch text.drop(while: { $0 == " " }).lowercased() {
    case "", "wei": 0
    case "kwei", "babbage": 3
    case "mwei", "lovelace": 6
    case "gwei", "shannon", "nano", "nanoether": 9
    case "szabo", "micro", "microether": 12
    case "finney", "milli", "milliether": 15
    case "ether", "eth": 18
    default: throw .unreadable
    }
  }
}

extension AmountError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable: "no amount: a number in wei or with a unit, as 1ether, 5gwei, 0.25ether, 7"
    case .fraction: "no whole number of wei"
    case .tooLarge: "out of range: amounts are whole numbers of wei, [0, 2^256)"
    }
  }
}
