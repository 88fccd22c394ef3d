// Text to values, spelled as Foundry's cast reads arguments: numbers in decimal or with 0x, 0o, 0b, with a fraction,
// an exponent or a unit; bytes in hex; lists in brackets, tuples in parentheses. Stricter where a guess would be one:
// fixed bytes are given whole, an address in mixed case must have its checksum (EIP-55), text in quotes ends with its
// quote.

import Primitives
import WideIntegers

/// Reads one argument. `offset` stays in `[0, text.count]`.
struct ABITextParser {
  private let text: [UInt8]
  private var offset = 0

  init(_ text: String) { self.text = Array(text.utf8) }

  /// The whole text as one value.
  mutating func onlyValue(_ type: ABIType) throws(ABIError) -> ABIValue {
    if type == .string { return .string(try wholeString()) }
    skipSpace()
    let value = try value(type, isNested: false)
    skipSpace()
    if offset < text.count {
      throw unreadable(type, rest(from: offset), "the end of the \(type.name)")
    }
    return value
  }

  /// A string that is an argument: as it stands, or in quotes where it begins with one.
  private mutating func wholeString() throws(ABIError) -> String {
    guard let quote = peek(), ABITextParser.isQuote(quote) else {
      return String(decoding: text, as: UTF8.self)
    }
    let string = try quotedString()
    if offset < text.count { throw unreadable(.string, rest(from: 0), "text whose quote ends it") }
    return string
  }

  private mutating func value(_ type: ABIType, isNested: Bool) throws(ABIError) -> ABIValue {
    switch type {
    case .array(let element): return .list(try list(type, open: "[", close: "]") { _ in element })
    case .fixedArray(let element, let count):
      let values = try list(type, open: "[", close: "]") { _ in element }
      guard values.count == count else {
        throw .value(ABIPath(), type: type.name, .elementCount(found: values.count, expected: count))
      }
      return .list(values)
    case .tuple(let members):
      let values = try list(type, open: "(", close: ")") { $0 < members.count ? members[$0].type : nil }
      guard values.count == members.count else {
        throw .value(
          ABIPath(), type: type.name, .elementCount(found: values.count, expected: members.count))
      }
      return .list(values)
    case .string where peek().map(ABITextParser.isQuote) == true: return .string(try quotedString())
    default:
      let token = isNested ? nestedToken() : wholeToken()
      if isNested && token.isEmpty && type == .string {
        throw unreadable(type, "", "text; empty text in a list is \"\"")
      }
      return try ABITextParser.elementary(token, type)
    }
  }

  /// Elements between brackets; `type` gives that of each by its index, `nil` where there may be none.
  private mutating func list(
    _ list: ABIType, open: Unicode.Scalar, close: Unicode.Scalar, _ type: (Int) -> ABIType?
  ) throws(ABIError) -> [ABIValue] {
    let (open, close) = (UInt8(ascii: open), UInt8(ascii: close))
    guard take(open) else {
      throw unreadable(
        list, rest(from: offset), close == UInt8(ascii: "]") ? "a list like [1, 2]" : "a tuple like (1, 0x02)"
      )
    }
    var values: [ABIValue] = []
    skipSpace()
    if take(close) { return values }
    while true {
      let index = values.count
      guard let element = type(index) else {
        throw .value(ABIPath(), type: list.name, .elementCount(found: index + 1, expected: index))
      }
      skipSpace()
      do throws(ABIError) { values.append(try value(element, isNested: true)) } catch {
        throw error.inside(list.component(at: index))
      }
      skipSpace()
      if take(close) { return values }
      guard take(UInt8(ascii: ",")) else {
        throw unreadable(list, rest(from: offset), "',' or '\(Character(Unicode.Scalar(close)))'")
      }
    }
  }

  private mutating func quotedString() throws(ABIError) -> String {
    let start = offset
    guard let quote = peek() else { return "" }
    offset += 1
    var bytes: [UInt8] = []
    while let character = peek() {
      offset += 1
      if character == quote { return String(decoding: bytes, as: UTF8.self) }
      if character != UInt8(ascii: "\\") {
        bytes.append(character)
        continue
      }
      guard let escaped = escape() else {
        throw unreadable(.string, rest(from: start), "text with the escapes \\\\ \\\" \\' \\n \\r \\t \\u{…}")
      }
      bytes.append(contentsOf: Array(String(escaped).utf8))
    }
    throw unreadable(.string, rest(from: start), "text whose quote is closed")
  }

  /// What follows a backslash.
  private mutating func escape() -> Unicode.Scalar? {
    guard let character = peek() else { return nil }
    offset += 1
    switch character {
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): return Unicode.Scalar(character)
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard take(UInt8(ascii: "{")), let end = text[offset...].firstIndex(of: UInt8(ascii: "}")) else {
        return nil
      }
      let digits = String(decoding: text[offset..<end], as: UTF8.self)
      offset = end + 1
      return UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
    default: return nil
    }
  }

  // MARK: Elementary types

  private static func elementary(_ token: String, _ type: ABIType) throws(ABIError) -> ABIValue {
    func fault(_ fault: ABIValueFault) -> ABIError { .value(ABIPath(), type: type.name, fault) }
    switch type {
    case .bool:
      guard token == "true" || token == "false" else {
        throw fault(.unreadable(token, expected: "true or false"))
      }
      return .bool(token == "true")
    case .string: return .string(token)
    case .address: return .address(try address(token, fault))
    case .bytes:
      guard !token.isEmpty, let bytes = Hex.decode(token) else {
        throw fault(.unreadable(token, expected: "bytes in hex, 0x for none"))
      }
      return .bytes(bytes)
    case .fixedBytes(let count): return .bytes(try bytes(token, count, fault))
    case .function: return .bytes(try bytes(token, 24, fault))
    default:
      let number = try DecimalAmount.word(token, type, fault)
      return type.range?.isSigned == true ? .int(number) : .uint(number)
    }
  }

  private static func bytes(
    _ token: String, _ count: Int, _ fault: (ABIValueFault) -> ABIError
  ) throws(ABIError) -> [UInt8] {
    guard !token.isEmpty, let bytes = Hex.decode(token) else {
      throw fault(.unreadable(token, expected: "\(count) bytes in hex"))
    }
    guard bytes.count == count else { throw fault(.byteCount(found: bytes.count, expected: count)) }
    return bytes
  }

  private static func address(
    _ token: String, _ fault: (ABIValueFault) -> ABIError
  ) throws(ABIError) -> Address {
    guard let address = Address(hex: token) else {
      throw fault(.unreadable(token, expected: "an address of 40 hex digits"))
    }
    guard address.hasChecksum(of: token) else {
      throw fault(.checksum(token, expected: address.checksummed))
    }
    return address
  }

  // MARK: Characters

  private mutating func wholeToken() -> String {
    defer { offset = text.count }
    return ABITextParser.trimmed(text[offset...])
  }

  /// Up to what ends an element of a list.
  private mutating func nestedToken() -> String {
    let start = offset
    while let character = peek(), !",)]".utf8.contains(character) { offset += 1 }
    return ABITextParser.trimmed(text[start..<offset])
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
    var bytes = bytes
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isSpace(_ character: UInt8) -> Bool {
    character == 0x20 || (0x09...0x0d).contains(character)
  }

  private static func isQuote(_ character: UInt8) -> Bool {
    character == UInt8(ascii: "\"") || character == UInt8(ascii: "'")
  }

  private func peek() -> UInt8? { offset < text.count ? text[offset] : nil }

  private mutating func take(_ character: UInt8) -> Bool {
    guard peek() == character else { return false }
    offset += 1
    return true
  }

  private mutating func skipSpace() {
    while let character = peek(), ABITextParser.isSpace(character) { offset += 1 }
  }

  private func rest(from start: Int) -> String { String(decoding: text[start...], as: UTF8.self) }

  private func unreadable(_ type: ABIType, _ text: String, _ expected: String) -> ABIError {
    .value(ABIPath(), type: type.name, .unreadable(text, expected: expected))
  }
}

extension ABIType {
  /// The place of a part of this array or tuple.
  fileprivate func component(at index: Int) -> ABIPath.Component {
    if case .tuple(let members) = self {
      return .member(index, index < members.count ? members[index].name : "")
    }
    return .element(index)
  }
}

extension Address {
  /// Whether `text`, 40 hex digits, is all in one case or has the case of its checksum.
  package func hasChecksum(of text: String) -> Bool {
    let letters = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text[...]
    return letters == letters.lowercased() || letters == letters.uppercased()
      || letters == checksummed.dropFirst(2)
  }
}

extension [ABIParameter] {
  /// Arguments as text, one each; an empty text is one, too.
  package func values(texts: [String], signature: String) throws(ABIError) -> [ABIValue] {
    guard texts.count == count else {
      throw .count(signature: signature, expected: count, found: texts.count)
    }
    var values: [ABIValue] = []
    for (index, parameter) in enumerated() {
      var parser = ABITextParser(texts[index])
      do throws(ABIError) { values.append(try parser.onlyValue(parameter.type)) } catch {
        throw error.inside(.root(.argument, index, parameter.name))
      }
    }
    return values
  }
}
