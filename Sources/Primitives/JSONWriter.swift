// JSON text written straight into bytes (RFC 8259). Results of a replay are hundreds of thousands of log
// lines, and Foundation's encoder spends about 10 µs on each. Members come out in the order they are written,
// so the same calls give the same bytes.
// The caller is trusted to nest properly (`key` before each value of an object); commas and indentation
// follow.

package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  private let indentation: Int?
  private var depth = 0
  private var needsComma = false
  private var followsKey = false

  /// Pretty text has two spaces a level and a space behind colons; otherwise there is no white space.
  package init(pretty: Bool = false, capacity: Int = 0) {
    indentation = pretty ? 2 : nil
    bytes.reserveCapacity(capacity)
  }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Empties the writer and keeps its memory, for output that is written piece by piece.
  package mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    (depth, needsComma, followsKey) = (0, false, false)
  }

  /// Hands over what is written so far; what follows goes on behind it, at the same depth.
  package mutating func drain() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  // MARK: Structure

  package mutating func beginObject() { open(UInt8(ascii: "{")) }
  package mutating func endObject() { close(UInt8(ascii: "}")) }
  package mutating func beginArray() { open(UInt8(ascii: "[")) }
  package mutating func endArray() { close(UInt8(ascii: "]")) }

  package mutating func object(_ members: (inout JSONWriter) -> Void) {
    beginObject()
    members(&self)
    endObject()
  }

  package mutating func array(_ elements: (inout JSONWriter) -> Void) {
    beginArray()
    elements(&self)
    endArray()
  }

  package mutating func key(_ name: String) {
    separate()
    appendString(name)
    bytes.append(UInt8(ascii: ":"))
    if indentation != nil { bytes.append(UInt8(ascii: " ")) }
    followsKey = true
  }

  /// A line feed between two top-level values (JSON lines).
  package mutating func newline() {
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  // MARK: Values

  package mutating func null() { literal("null") }
  package mutating func value(_ value: Bool) { literal(value ? "true" : "false") }

  package mutating func value(_ value: String) {
    separate()
    appendString(value)
    needsComma = true
  }

  /// A string of UTF-8 bytes; what is not UTF-8 becomes U+FFFD.
  package mutating func value(utf8 raw: UnsafeRawBufferPointer) {
    value(String(decoding: raw, as: UTF8.self))
  }

  package mutating func value(_ value: UInt64) {
    separate()
    appendDecimal(value)
    needsComma = true
  }

  package mutating func value(_ value: Int64) {
    separate()
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    appendDecimal(value.magnitude)
    needsComma = true
  }

  package mutating func value(_ value: Int) { self.value(Int64(value)) }

  /// A finite number in its shortest exact form; `null` for what JSON cannot say (infinities, not-a-number).
  package mutating func value(_ value: Double) {
    guard value.isFinite else { return null() }
    var digits = value.description
    digits.withUTF8 { text in
      separate()
      bytes.append(contentsOf: text)
    }
    needsComma = true
  }

  /// A string of base64.
  package mutating func value(base64 raw: UnsafeRawBufferPointer) {
    value(Base64.encode(raw))
  }

  package mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let bool): self.value(bool)
    case .unsigned(let number): self.value(number)
    case .negative(let number): self.value(number)
    case .number(let digits): literal(digits)
    case .string(let string): self.value(string)
    case .array(let elements):
      beginArray()
      for element in elements { self.value(element) }
      endArray()
    case .object(let object):
      beginObject()
      for member in object.members {
        key(member.name)
        self.value(member.value)
      }
      endObject()
    }
  }

  /// A value that is written already, without white space around it.
  package mutating func value(rawJSON text: [UInt8]) {
    separate()
    bytes.append(contentsOf: text)
    needsComma = true
  }

  // MARK: Members: key and value in one call

  package mutating func member(_ name: String, _ value: String) {
    key(name)
    self.value(value)
  }
  package mutating func member(_ name: String, _ value: UInt64) {
    key(name)
    self.value(value)
  }
  package mutating func member(_ name: String, _ value: Int64) {
    key(name)
    self.value(value)
  }
  package mutating func member(_ name: String, _ value: Int) {
    key(name)
    self.value(value)
  }
  package mutating func member(_ name: String, _ value: Double) {
    key(name)
    self.value(value)
  }
  package mutating func member(_ name: String, _ value: Bool) {
    key(name)
    self.value(value)
  }
  package mutating func member(_ name: String, rawJSON text: [UInt8]) {
    key(name)
    value(rawJSON: text)
  }
  package mutating func memberNull(_ name: String) {
    key(name)
    null()
  }

  // MARK: Bytes

  private mutating func literal(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    depth += 1
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    depth -= 1
    if needsComma { breakLine() }  // an empty object or array stays on its line
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if followsKey {
      followsKey = false
      return
    }
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = false
    if depth > 0 { breakLine() }
  }

  private mutating func breakLine() {
    guard let indentation else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation * depth))
  }

  private mutating func appendDecimal(_ value: UInt64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var (rest, at) = (value, 20)
      repeat {
        at -= 1
        digits[at] = UInt8(truncatingIfNeeded: rest % 10) | UInt8(ascii: "0")
        rest /= 10
      } while rest > 0
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[at..<20]))
    }
  }

  private mutating func appendString(_ string: String) {
    var copy = string
    bytes.append(UInt8(ascii: "\""))
    copy.withUTF8 { appendEscaped($0) }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
    var plain = 0  // start of the characters not yet appended, none of which needs an escape
    for index in text.indices {
      let character = text[index]
      guard character < 0x20 || character == UInt8(ascii: "\"") || character == UInt8(ascii: "\\") else {
        continue
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<index]))
      plain = index + 1
      appendEscape(of: character)
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain...]))
  }

  private mutating func appendEscape(of character: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch character {
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0a: bytes.append(UInt8(ascii: "n"))
    case 0x0c: bytes.append(UInt8(ascii: "f"))
    case 0x0d: bytes.append(UInt8(ascii: "r"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(character)
    default:
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(Hex.digits.utf8Start[Int(character >> 4)])
      bytes.append(Hex.digits.utf8Start[Int(character & 15)])
    }
  }
}
