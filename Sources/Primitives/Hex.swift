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
    var text = text.utf8[...]
    if text.starts(with: "0x".utf8) || text.starts(with: "0X".utf8) { text = text.dropFirst(2) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    var high: UInt8?
    for character in text {
      guard let value = value(of: character) else { return nil }
      if let upper = high {
        bytes.append(upper << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return high == nil ? bytes : nil
  }

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
