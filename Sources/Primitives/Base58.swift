// Base58 with Bitcoin's alphabet, the text form of keys, hashes and signatures.
// 32 and 64 bytes, which a replay prints by the hundred thousand, are multiplied by a table of the powers of
// 2^32 in base 58^5, so that they need one division a five digits; other lengths take the long way. Decoding
// works in chunks of ten digits and refuses texts that are too long for what is expected before it looks at
// them.

package enum Base58 {
  private static let alphabet: StaticString = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
  /// 58^5, the largest power of 58 below 2^32.
  private static let limbBase: UInt64 = 656_356_768
  /// What a general `decode` accepts unless told otherwise: more than any transaction or instruction holds.
  package static let maximumByteCount = 2048

  /// 0xff: not of the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xff, count: 256)
    for index in 0..<58 { values[Int(alphabet.utf8Start[index])] = UInt8(index) }
    return values
  }()

  private static let powers32 = powers(wordCount: 8, limbCount: 9)
  private static let powers64 = powers(wordCount: 16, limbCount: 18)

  /// Row i is 2^(32·(wordCount−1−i)) in base 58^5, least significant limb first.
  private static func powers(wordCount: Int, limbCount: Int) -> [UInt64] {
    var table = [UInt64](repeating: 0, count: wordCount * limbCount)
    table[(wordCount - 1) * limbCount] = 1
    for row in stride(from: wordCount - 2, through: 0, by: -1) {
      var carry: UInt64 = 0
      for limb in 0..<limbCount {
        let value = table[(row + 1) * limbCount + limb] << 32 + carry
        table[row * limbCount + limb] = value % limbBase
        carry = value / limbBase
      }
    }
    return table
  }

  // MARK: Encoding

  package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
    switch bytes.count {
    case 32: encode(bytes, powers32, wordCount: 8, limbCount: 9)
    case 64: encode(bytes, powers64, wordCount: 16, limbCount: 18)
    default: encodeAnyLength(bytes)
    }
  }

  package static func encode(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { encode($0) }
  }

  private static func encode(
    _ bytes: UnsafeRawBufferPointer, _ powers: [UInt64], wordCount: Int, limbCount: Int
  ) -> String {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: limbCount) { limbs in
      limbs.initialize(repeating: 0)
      powers.withUnsafeBufferPointer { powers in
        // A column of eight rows sums up to less than 0.92 · 2^64 (checked over both tables), carries
        // included.
        for group in stride(from: 0, to: wordCount, by: 8) {
          for row in group..<group + 8 {
            let word = UInt64(
              UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self)))
            // Limbs that 2^bits reaches, at log2(58^5) = 29.29 bits each.
            let reached = min(limbCount, (wordCount - 1 - row) * 32_000 / 29_289 + 1)
            for limb in 0..<reached { limbs[limb] &+= word &* powers[row * limbCount + limb] }
          }
          var carry: UInt64 = 0
          for limb in 0..<limbCount {
            let value = limbs[limb] &+ carry
            carry = value / limbBase
            limbs[limb] = value &- carry &* limbBase
          }
        }
      }
      return text(of: UnsafeBufferPointer(limbs), leadingZeroes: bytes.prefix { $0 == 0 }.count)
    }
  }

  /// The digits of `limbs` (base 58^5, least significant first) behind as many ones as there were zero bytes.
  private static func text(of limbs: UnsafeBufferPointer<UInt64>, leadingZeroes: Int) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: limbs.count * 5) { digits in
      var end = limbs.count * 5
      for limb in limbs {
        var rest = UInt32(truncatingIfNeeded: limb)
        for back in 1...5 {
          let quotient = rest / 58
          digits[end - back] = alphabet.utf8Start[Int(rest &- quotient &* 58)]
          rest = quotient
        }
        end -= 5
      }
      let one = alphabet.utf8Start[0]
      let ones = digits.prefix { $0 == one }.count
      let count = digits.count - ones + leadingZeroes
      return String(unsafeUninitializedCapacity: count) { text in
        for index in 0..<leadingZeroes { text[index] = one }
        for index in ones..<digits.count { text[index - ones + leadingZeroes] = digits[index] }
        return count
      }
    }
  }

  /// Quadratic in the length; meant for bytes of ours.
  private static func encodeAnyLength(_ bytes: UnsafeRawBufferPointer) -> String {
    let zeroes = bytes.prefix { $0 == 0 }.count
    var limbs: [UInt64] = []  // base 58^5, least significant first
    for byte in bytes.dropFirst(zeroes) {
      var carry = UInt64(byte)
      for index in limbs.indices {
        carry += limbs[index] << 8
        limbs[index] = carry % limbBase
        carry /= limbBase
      }
      if carry > 0 { limbs.append(carry) }
    }
    return limbs.withUnsafeBufferPointer { text(of: $0, leadingZeroes: zeroes) }
  }

  // MARK: Decoding

  /// `nil` where `text` holds a character outside the alphabet or stands for more than `maximumByteCount`
  /// bytes.
  package static func decode(
    _ text: some StringProtocol, maximumByteCount: Int = Base58.maximumByteCount
  ) -> [UInt8]? {
    var copy = String(text)
    return copy.withUTF8 { text in
      guard text.count <= maximumDigitCount(byteCount: maximumByteCount) else { return nil }
      guard let bytes = decode(text) else { return nil }
      return bytes.count <= maximumByteCount ? bytes : nil
    }
  }

  /// `nil` unless `text` stands for exactly `byteCount` bytes.
  package static func decode(_ text: some StringProtocol, byteCount: Int) -> [UInt8]? {
    guard let bytes = decode(text, maximumByteCount: byteCount), bytes.count == byteCount else { return nil }
    return bytes
  }

  /// An upper bound: 256^n < 58^(1.366 n).
  private static func maximumDigitCount(byteCount: Int) -> Int { byteCount * 1366 / 1000 + 1 }

  private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    let zeroes = text.prefix { $0 == alphabet.utf8Start[0] }.count
    // Ten digits are less than 2^58.6, so a word a ten digits is enough.
    let wordCount = (text.count - zeroes + 9) / 10
    return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: wordCount) { words in
      words.initialize(repeating: 0)
      return values.withUnsafeBufferPointer { values in
        var (at, used) = (zeroes, 0)
        while at < text.count {
          let end = min(at + 10, text.count)
          var (chunk, factor): (UInt64, UInt64) = (0, 1)
          while at < end {
            let digit = values[Int(text[at])]
            if digit == 0xff { return nil }
            chunk = chunk &* 58 &+ UInt64(digit)
            factor = factor &* 58
            at += 1
          }
          var carry = chunk
          for index in 0..<used {
            let (high, low) = words[index].multipliedFullWidth(by: factor)
            let (sum, overflow) = low.addingReportingOverflow(carry)
            words[index] = sum
            carry = high &+ (overflow ? 1 : 0)
          }
          if carry > 0 {
            words[used] = carry
            used += 1
          }
        }
        return bytes(of: words, used: used, leadingZeroes: zeroes)
      }
    }
  }

  /// The big-endian bytes of `used` words (least significant first) behind `leadingZeroes` zero bytes.
  private static func bytes(
    of words: UnsafeMutableBufferPointer<UInt64>, used: Int, leadingZeroes: Int
  ) -> [UInt8] {
    let top = used > 0 ? 8 - words[used - 1].leadingZeroBitCount / 8 : 0
    let significant = used > 0 ? (used - 1) * 8 + top : 0
    return [UInt8](unsafeUninitializedCapacity: leadingZeroes + significant) { bytes, count in
      for index in 0..<leadingZeroes { bytes[index] = 0 }
      for index in 0..<significant {
        let fromEnd = significant - 1 - index
        bytes[leadingZeroes + index] = UInt8(
          truncatingIfNeeded: words[fromEnd / 8] >> UInt64(fromEnd % 8 * 8))
      }
      count = leadingZeroes + significant
    }
  }
}
