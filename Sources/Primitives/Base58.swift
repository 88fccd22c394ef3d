// Base58 with Bitcoin's alphabet, the text form of keys, hashes and signatures.

package enum Base58 {
  private static let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)

  package static func encode(_ bytes: [UInt8]) -> String {
    let zeroes = bytes.prefix { $0 == 0 }.count
    var digits: [UInt8] = []  // base-58 digits, least significant first
    for byte in bytes.dropFirst(zeroes) {
      var carry = Int(byte)
      for index in digits.indices {
        carry += Int(digits[index]) << 8
        digits[index] = UInt8(carry % 58)
        carry /= 58
      }
      while carry > 0 {
        digits.append(UInt8(carry % 58))
        carry /= 58
      }
    }
    let text = [UInt8](repeating: alphabet[0], count: zeroes) + digits.reversed().map { alphabet[Int($0)] }
    return String(decoding: text, as: UTF8.self)
  }

  /// `nil` where `text` holds a character outside the alphabet.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var bytes: [UInt8] = []  // least significant first
    var zeroes = 0
    var leading = true
    for character in text.utf8 {
      guard let digit = alphabet.firstIndex(of: character) else { return nil }
      if leading && digit == 0 {
        zeroes += 1
        continue
      }
      leading = false
      var carry = digit
      for index in bytes.indices {
        carry += Int(bytes[index]) * 58
        bytes[index] = UInt8(carry & 0xff)
        carry >>= 8
      }
      while carry > 0 {
        bytes.append(UInt8(carry & 0xff))
        carry >>= 8
      }
    }
    return [UInt8](repeating: 0, count: zeroes) + bytes.reversed()
  }
}
