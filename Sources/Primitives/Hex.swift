// Hexadecimal text (RFC 4648 section 8, lower case on output, either case on input).

package enum Hex {
  @usableFromInline static let digits: StaticString = "0123456789abcdef"

  /// Lower-case digits, two a byte, without prefix.
  package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { text in
      var at = 0
      for byte in bytes {
        text[at] = digits.utf8Start[Int(byte >> 4)]
        text[at + 1] = digits.utf8Start[Int(byte & 15)]
        at += 2
      }
      return at
    }
  }

  package static func encode(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { encode($0) }
  }

  /// The bytes of an even number of hex digits, with or without `0x` before them; `nil` where `text` is not
  /// that.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var copy = String(text)
    return copy.withUTF8 { decode($0) }
  }

  /// The bytes of an even number of hex digits, with or without `0x` before them; `nil` where `text` is not
  /// that.
  package static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    let hasPrefix = text.count >= 2 && text[0] == UInt8(ascii: "0") && text[1] | 0x20 == UInt8(ascii: "x")
    let digits = UnsafeBufferPointer(rebasing: text[(hasPrefix ? 2 : 0)...])
    guard digits.count % 2 == 0 else { return nil }
    guard let source = digits.baseAddress else { return [] }
    let byteCount = digits.count / 2
    var refused: UInt8 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
      values.withUnsafeBufferPointer { values in
        for index in 0..<byteCount {
          let (high, low) = (values[Int(source[2 * index])], values[Int(source[2 * index + 1])])
          refused |= high | low
          target[index] = high << 4 | low & 15
        }
      }
      count = byteCount
    }
    return refused < 16 ? bytes : nil
  }

  /// 16 and above: no digit.
  private static let values: [UInt8] = (0..<256).map { value(of: UInt8($0)) ?? 0xff }

  /// `[0, 16)`, or `nil` for a character that is no hex digit.
  static func value(of character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character &- UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character &- UInt8(ascii: "a") &+ 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character &- UInt8(ascii: "A") &+ 10
    default: nil
    }
  }
}
