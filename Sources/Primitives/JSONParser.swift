// The recursive-descent parser behind JSONValue.parse. `offset` stays in [0, bytes.count]; every read is
// checked.

struct JSONParser {
  static let depthLimit = 128

  private let bytes: UnsafeRawBufferPointer
  private var offset = 0
  private var depth = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue()
    skipWhiteSpace()
    if offset < bytes.count { throw failure(.trailingBytes, at: offset) }
    return value
  }

  private mutating func parseValue() throws(JSONError) -> JSONValue {
    skipWhiteSpace()
    switch peek() {
    case UInt8(ascii: "{"): return try parseObject()
    case UInt8(ascii: "["): return try parseArray()
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseLiteral("true", .bool(true))
    case UInt8(ascii: "f"): return try parseLiteral("false", .bool(false))
    case UInt8(ascii: "n"): return try parseLiteral("null", .null)
    case UInt8(ascii: "-"): return try parseNumber()
    default:
      if peekDigit() != nil { return try parseNumber() }
      throw unexpected()
    }
  }

  private mutating func parseObject() throws(JSONError) -> JSONValue {
    try descend()
    var members: [JSONObject.Member] = []
    var names: Set<String> = []  // filled once a linear search would cost; never iterated
    skipWhiteSpace()
    if peek() == UInt8(ascii: "}") {
      ascend()
      return .object(JSONObject())
    }
    while true {
      skipWhiteSpace()
      let start = offset
      guard peek() == UInt8(ascii: "\"") else { throw unexpected() }
      let name = try parseString()
      if members.count < 16 {
        if members.contains(where: { $0.name == name }) { throw failure(.duplicateName(name), at: start) }
      } else {
        if names.isEmpty { names = Set(members.map(\.name)) }
        if !names.insert(name).inserted { throw failure(.duplicateName(name), at: start) }
      }
      skipWhiteSpace()
      guard peek() == UInt8(ascii: ":") else { throw unexpected() }
      offset += 1
      members.append(JSONObject.Member(name: name, value: try parseValue()))
      skipWhiteSpace()
      switch peek() {
      case UInt8(ascii: ","): offset += 1
      case UInt8(ascii: "}"):
        ascend()
        return .object(JSONObject(members: members))
      default: throw unexpected()
      }
    }
  }

  private mutating func parseArray() throws(JSONError) -> JSONValue {
    try descend()
    var elements: [JSONValue] = []
    skipWhiteSpace()
    if peek() == UInt8(ascii: "]") {
      ascend()
      return .array([])
    }
    while true {
      elements.append(try parseValue())
      skipWhiteSpace()
      switch peek() {
      case UInt8(ascii: ","): offset += 1
      case UInt8(ascii: "]"):
        ascend()
        return .array(elements)
      default: throw unexpected()
      }
    }
  }

  /// Behind an opening bracket.
  private mutating func descend() throws(JSONError) {
    guard depth < Self.depthLimit else { throw failure(.tooDeep(limit: Self.depthLimit), at: offset) }
    depth += 1
    offset += 1
  }

  /// Behind a closing bracket.
  private mutating func ascend() {
    depth -= 1
    offset += 1
  }

  private mutating func parseLiteral(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue
  {
    for index in 0..<text.utf8CodeUnitCount {
      guard peek() == text.utf8Start[index] else { throw unexpected() }
      offset += 1
    }
    return value
  }

  // MARK: Numbers

  private mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = offset
    let isNegative = peek() == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    let firstDigit = offset
    var (magnitude, fits): (UInt64, Bool) = (0, true)
    while let digit = peekDigit() {
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      if overflow || carry { fits = false }
      magnitude = sum
      offset += 1
    }
    let digitCount = offset - firstDigit
    if digitCount == 0 || digitCount > 1 && bytes[firstDigit] == UInt8(ascii: "0") {
      throw failure(.invalidNumber, at: start)
    }
    let isInteger = try !skipFraction(of: start)
    if isInteger && fits {
      if !isNegative { return .unsigned(magnitude) }
      if magnitude > 0, let value = Int64(exactly: -Int128(magnitude)) { return .negative(value) }
    }
    return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  /// Whether there was a fraction or an exponent.
  private mutating func skipFraction(of start: Int) throws(JSONError) -> Bool {
    let end = offset
    if peek() == UInt8(ascii: ".") {
      offset += 1
      try skipDigits(of: start)
    }
    if let character = peek(), character | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { offset += 1 }
      try skipDigits(of: start)
    }
    return offset > end
  }

  private mutating func skipDigits(of start: Int) throws(JSONError) {
    guard peekDigit() != nil else { throw failure(.invalidNumber, at: start) }
    while peekDigit() != nil { offset += 1 }
  }

  private func peekDigit() -> UInt8? {
    guard let character = peek() else { return nil }
    let digit = character &- UInt8(ascii: "0")
    return digit < 10 ? digit : nil
  }

  // MARK: Strings

  private mutating func parseString() throws(JSONError) -> String {
    offset += 1  // the quote
    let start = offset
    skipPlainWords()
    while offset < bytes.count {
      let character = bytes[offset]
      if character == UInt8(ascii: "\"") {
        defer { offset += 1 }
        return try decodeUTF8(UnsafeRawBufferPointer(rebasing: bytes[start..<offset]), at: start)
      }
      if character == UInt8(ascii: "\\") { return try parseEscapedString(from: start) }
      if character < 0x20 { throw failure(.unescapedControlCharacter(character), at: offset) }
      offset += 1
    }
    throw failure(.unexpectedEnd, at: offset)
  }

  /// Passes eight bytes a time while none of them is a quote, a backslash, a control character or not ASCII: base64
  /// fills most of what is read.
  private mutating func skipPlainWords() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    while offset + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      let (quote, backslash) = (word ^ ones &* 0x22, word ^ ones &* 0x5c)
      // A byte's top bit is set where the byte was below the number subtracted, or above 0x7f to begin with; a
      // borrow can set it for a byte behind such a one, never hide one.
      let special = (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | word
      if special & (ones &* 0x80) != 0 { return }
      offset += 8
    }
  }

  /// Goes on at the first backslash of a string that starts at `start`.
  private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
    var text = Array(bytes[start..<offset])
    while offset < bytes.count {
      let character = bytes[offset]
      switch character {
      case UInt8(ascii: "\""):
        offset += 1
        let result = text.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
        guard let result else { throw failure(.invalidUTF8, at: start) }
        return result
      case UInt8(ascii: "\\"): try parseEscape(into: &text)
      case 0..<0x20: throw failure(.unescapedControlCharacter(character), at: offset)
      default:
        text.append(character)
        offset += 1
      }
    }
    throw failure(.unexpectedEnd, at: offset)
  }

  private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
    let start = offset
    offset += 1
    guard let character = peek() else { throw failure(.unexpectedEnd, at: offset) }
    offset += 1
    switch character {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(character)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: String(try parseUnicodeEscape(from: start)).utf8)
    default: throw failure(.invalidEscape, at: start)
    }
  }

  /// Behind `\u`; reads the second half of a surrogate pair as well.
  private mutating func parseUnicodeEscape(from start: Int) throws(JSONError) -> Character {
    var code = try parseFourHexDigits(from: start)
    if code >= 0xd800 && code < 0xdc00 {
      guard peek() == UInt8(ascii: "\\") else { throw failure(.invalidEscape, at: start) }
      offset += 1
      guard peek() == UInt8(ascii: "u") else { throw failure(.invalidEscape, at: start) }
      offset += 1
      let low = try parseFourHexDigits(from: start)
      guard low >= 0xdc00 && low < 0xe000 else { throw failure(.invalidEscape, at: start) }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw failure(.invalidEscape, at: start) }
    return Character(scalar)
  }

  private mutating func parseFourHexDigits(from start: Int) throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let character = peek() else { throw failure(.unexpectedEnd, at: offset) }
      guard let digit = Hex.value(of: character) else { throw failure(.invalidEscape, at: start) }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }

  private func decodeUTF8(_ slice: UnsafeRawBufferPointer, at start: Int) throws(JSONError) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else { throw failure(.invalidUTF8, at: start) }
    return text
  }

  // MARK: Position

  @inline(__always) private func peek() -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipWhiteSpace() {
    while let character = peek(),
      character == 0x20 || character == 0x0a || character == 0x0d || character == 0x09
    { offset += 1 }
  }

  private func unexpected() -> JSONError {
    failure(peek().map { .unexpectedByte($0) } ?? .unexpectedEnd, at: offset)
  }

  @inline(never) private func failure(_ reason: JSONError.Reason, at offset: Int) -> JSONError {
    let line = bytes[..<offset].reduce(1) { $0 + ($1 == 0x0a ? 1 : 0) }
    return JSONError(reason: reason, offset: offset, line: line)
  }
}
