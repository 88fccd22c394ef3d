// A strict reader of JSON (RFC 8259, UTF-8 only) into a tree. Ours and not Foundation's because u64 lamports
// come out exact, members keep their order, errors name byte and line, and a genesis account takes 1.7 µs where
// JSONDecoder takes 5.6 and JSONSerialization 8.3 (a line of transactions.jsonl: 0.5, 1.6 and 1.2).
// Refused beyond the grammar: a name given twice in one object, unpaired surrogates, more than 128 levels.

/// One JSON value.
package enum JSONValue: Equatable, Sendable {
  case null
  case bool(Bool)
  /// An integer in `[0, 2^64)` without fraction or exponent.
  case unsigned(UInt64)
  /// An integer in `[-2^63, 0)` without fraction or exponent.
  case negative(Int64)
  /// Any other number, as it is written.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// Reads one value and nothing else but white space.
  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
    var parser = JSONParser(bytes)
    return try parser.parseDocument()
  }

  package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
    let result = bytes.withUnsafeBytes { raw -> Result<JSONValue, JSONError> in
      do throws(JSONError) { return .success(try parse(raw)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  package static func parse(_ text: String) throws(JSONError) -> JSONValue {
    try parse(Array(text.utf8))
  }

  package var isNull: Bool { self == .null }

  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  package var uint64: UInt64? {
    if case .unsigned(let value) = self { value } else { nil }
  }

  package var int64: Int64? {
    switch self {
    case .unsigned(let value): Int64(exactly: value)
    case .negative(let value): value
    default: nil
    }
  }

  /// The nearest double of any number.
  package var double: Double? {
    switch self {
    case .unsigned(let value): Double(value)
    case .negative(let value): Double(value)
    case .number(let digits): Double(digits)
    default: nil
    }
  }

  package var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  package var array: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  package var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The member of an object; `nil` where there is none or `self` is no object.
  package subscript(_ name: String) -> JSONValue? { object?[name] }
}

/// The members of an object in the order they are written; no name occurs twice.
package struct JSONObject: Equatable, Sendable {
  package struct Member: Equatable, Sendable {
    package var name: String
    package var value: JSONValue

    package init(name: String, value: JSONValue) { (self.name, self.value) = (name, value) }
  }

  package var members: [Member]

  package init(members: [Member] = []) { self.members = members }

  /// Searches from the front: meant for the handful of members of a record, not for maps.
  package subscript(_ name: String) -> JSONValue? {
    for member in members where member.name == name { return member.value }
    return nil
  }
}

/// Why a text is not the JSON that was expected, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    case unexpectedEnd
    case unexpectedByte(UInt8)
    case trailingBytes
    case invalidNumber
    case invalidEscape
    case unescapedControlCharacter(UInt8)
    case invalidUTF8
    case duplicateName(String)
    case tooDeep(limit: Int)
  }

  public let reason: Reason
  /// Counted from 0.
  public let offset: Int
  /// Counted from 1.
  public let line: Int

  public var description: String { "line \(line), byte \(offset): \(what)" }

  /// The reason in words, without the place.
  package var what: String {
    switch reason {
    case .unexpectedEnd: "the text ends too early"
    case .unexpectedByte(let byte) where byte > 0x20 && byte < 0x7f:
      "unexpected '\(Character(Unicode.Scalar(byte)))'"
    case .unexpectedByte(let byte): "unexpected byte 0x\(Hex.encode([byte]))"
    case .trailingBytes: "something follows the value"
    case .invalidNumber: "a malformed number"
    case .invalidEscape: "a malformed escape in a string"
    case .unescapedControlCharacter(let byte): "a control character 0x\(Hex.encode([byte])) in a string"
    case .invalidUTF8: "a string that is not UTF-8"
    case .duplicateName(let name): "the name \"\(name)\" twice in one object"
    case .tooDeep(let limit): "more than \(limit) levels"
    }
  }
}
