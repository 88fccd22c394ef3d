// Base64 with the standard alphabet and padding (RFC 4648 section 4), the text form of account data and of
// transactions. Decoding is strict: padding is required, the bits behind it are zero, and nothing but the
// alphabet occurs, so that every byte string has exactly one text.

package enum Base64 {
  private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  private static let padding = UInt8(ascii: "=")

  /// 64 and above: not of the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xff, count: 256)
    for index in 0..<64 { values[Int(alphabet.utf8Start[index])] = UInt8(index) }
    return values
  }()

  package static func encodedByteCount(_ byteCount: Int) -> Int { (byteCount + 2) / 3 * 4 }

  package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
    String(unsafeUninitializedCapacity: encodedByteCount(bytes.count)) { encode(bytes, into: $0) }
  }

  package static func encode(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { encode($0) }
  }

  /// Writes the text at the start of `text`, which has room for `encodedByteCount(bytes.count)`; returns that
  /// count.
  package static func encode(_ bytes: UnsafeRawBufferPointer, into text: UnsafeMutableBufferPointer<UInt8>)
    -> Int
  {
    precondition(text.count >= encodedByteCount(bytes.count))
    guard let source = bytes.baseAddress, let target = text.baseAddress else { return 0 }
    let digits = alphabet.utf8Start
    let whole = bytes.count / 3 * 3
    var (from, to) = (0, 0)
    while from < whole {
      let group =
        UInt32(source.load(fromByteOffset: from, as: UInt8.self)) << 16
        | UInt32(source.load(fromByteOffset: from + 1, as: UInt8.self)) << 8
        | UInt32(source.load(fromByteOffset: from + 2, as: UInt8.self))
      target[to] = digits[Int(group >> 18)]
      target[to + 1] = digits[Int(group >> 12 & 63)]
      target[to + 2] = digits[Int(group >> 6 & 63)]
      target[to + 3] = digits[Int(group & 63)]
      from += 3
      to += 4
    }
    if from < bytes.count {
      let second = from + 1 < bytes.count ? bytes[from + 1] : 0
      let group = UInt32(bytes[from]) << 16 | UInt32(second) << 8
      target[to] = digits[Int(group >> 18)]
      target[to + 1] = digits[Int(group >> 12 & 63)]
      target[to + 2] = from + 1 < bytes.count ? digits[Int(group >> 6 & 63)] : padding
      target[to + 3] = padding
      to += 4
    }
    return to
  }

  /// `nil` where `text` is not base64 as `encode` writes it.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var copy = String(text)
    return copy.withUTF8 { decode($0) }
  }

  /// `nil` where `text` is not base64 as `encode` writes it.
  package static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    guard text.count > 0, let source = text.baseAddress else { return [] }
    let pads = text[text.count - 1] != padding ? 0 : text[text.count - 2] != padding ? 1 : 2
    let byteCount = text.count / 4 * 3 - pads
    var valid = true
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
      // `text` is not empty, so `target` has room for a byte at least; there are 256 values.
      if let base = target.baseAddress {
        valid = values.withUnsafeBufferPointer { values in
          values.baseAddress.map { decode(source, text.count, pads, $0, into: base) } ?? false
        }
      }
      count = valid ? byteCount : 0
    }
    return valid ? bytes : nil
  }

  /// - Parameters:
  ///   - values: 256.
  ///   - target: has room for three bytes of every four characters, less `pads`.
  private static func decode(
    _ source: UnsafePointer<UInt8>, _ count: Int, _ pads: Int, _ values: UnsafePointer<UInt8>,
    into target: UnsafeMutablePointer<UInt8>
  ) -> Bool {
    let whole = pads == 0 ? count : count &- 4
    var (from, to) = (source, target)
    let end = source + whole
    var refused: UInt32 = 0
    while from < end {
      let word = UnsafeRawPointer(from).loadUnaligned(as: UInt32.self)
      let a = UInt32(values[Int(word & 0xff)])
      let b = UInt32(values[Int(word >> 8 & 0xff)])
      let c = UInt32(values[Int(word >> 16 & 0xff)])
      let d = UInt32(values[Int(word >> 24)])
      refused |= a | b | c | d
      let group = a << 18 | b << 12 | c << 6 | d
      to[0] = UInt8(truncatingIfNeeded: group >> 16)
      to[1] = UInt8(truncatingIfNeeded: group >> 8)
      to[2] = UInt8(truncatingIfNeeded: group)
      from += 4
      to += 3
    }
    if pads > 0 {
      let (a, b) = (values[Int(from[0])], values[Int(from[1])])
      let c = pads == 1 ? values[Int(from[2])] : 0
      refused |= UInt32(a | b | c)
      to[0] = a << 2 | (b & 63) >> 4
      if pads == 1 { to[1] = b << 4 | (c & 63) >> 2 }
      if pads == 1 ? c & 3 != 0 : b & 15 != 0 { return false }
    }
    return refused < 64
  }
}
