// Where bytes stop being UTF-8, as Rust's core::str::from_utf8 reports it
// (https://doc.rust-lang.org/core/str/struct.Utf8Error.html): logs quote that report. The rules of
// well-formedness are Unicode's table 3-7 (no overlong forms, no surrogates, nothing above U+10FFFF).

package struct UTF8Defect: Error, Equatable, Sendable, CustomStringConvertible {
  /// Bytes before this index are well-formed.
  package let index: Int
  /// Length of the ill-formed sequence, in [1, 3]; `nil` where the input ends within a sequence.
  package let byteCount: Int?

  package var description: String {
    if let byteCount {
      "invalid utf-8 sequence of \(byteCount) bytes from index \(index)"
    } else {
      "incomplete utf-8 byte sequence from index \(index)"
    }
  }
}

extension UTF8Defect {
  /// The first defect of `bytes`, or nil where they are well-formed.
  package static func first(in bytes: UnsafeRawBufferPointer) -> UTF8Defect? {
    var index = 0
    while index < bytes.count {
      if index + 8 <= bytes.count,
        bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        index += 8
        continue
      }
      let lead = bytes[index]
      if lead < 0x80 {
        index += 1
        continue
      }
      guard let (length, second) = shape(of: lead) else { return UTF8Defect(index: index, byteCount: 1) }
      for offset in 1..<length {
        guard index + offset < bytes.count else { return UTF8Defect(index: index, byteCount: nil) }
        let allowed = offset == 1 ? second : 0x80...0xbf
        guard allowed.contains(bytes[index + offset]) else {
          return UTF8Defect(index: index, byteCount: offset)
        }
      }
      index += length
    }
    return nil
  }

  /// How long a sequence that begins with `lead` is, and which second bytes it allows; nil where none begins
  /// so.
  private static func shape(of lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
    switch lead {
    case 0xc2...0xdf: (2, 0x80...0xbf)
    case 0xe0: (3, 0xa0...0xbf)
    case 0xed: (3, 0x80...0x9f)
    case 0xe1...0xef: (3, 0x80...0xbf)
    case 0xf0: (4, 0x90...0xbf)
    case 0xf1...0xf3: (4, 0x80...0xbf)
    case 0xf4: (4, 0x80...0x8f)
    default: nil
    }
  }
}
