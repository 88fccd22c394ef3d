// A value of a vector file and the way to it, so that what is wrong with a file can be told. Numbers are text, hexadecimal
// behind 0x and else decimal, as the tests of all clients have them.

import Ledger
import Primitives
import WideIntegers

/// A JSON value and the way to it.
struct Node {
  let value: JSONValue
  let path: String

  init(_ value: JSONValue, path: String) { (self.value, self.path) = (value, path) }

  /// More than any suite's largest file has.
  private static let byteCountLimit = 1 << 30

  /// The members of a file, which is an object of tests by name; a byte order mark before it is passed over.
  static func members(ofFile path: String) throws -> [JSONObject.Member] {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileBytes.readText(path, limit: byteCountLimit) } catch {
      throw StateTestError(path: "/", problem: "cannot be read: \(error.detail)")
    }
    let json = try JSONValue.parse(bytes)
    guard let members = json.object?.members else {
      throw StateTestError(path: "/", problem: "is no object of tests by name")
    }
    return members
  }

  subscript(_ key: String) -> Node {
    get throws(StateTestError) {
      guard let member = value[key] else { throw StateTestError(path: "\(path)/\(key)") }
      return Node(member, path: "\(path)/\(key)")
    }
  }

  /// The member, `nil` where there is none or it is null.
  func optional(_ key: String) -> Node? {
    guard let member = value[key], !member.isNull else { return nil }
    return Node(member, path: "\(path)/\(key)")
  }

  func members() throws(StateTestError) -> [(String, Node)] {
    guard let object = value.object else { throw StateTestError(path: path) }
    return object.members.map { ($0.name, Node($0.value, path: "\(path)/\($0.name)")) }
  }

  func elements() throws(StateTestError) -> [Node] {
    guard let array = value.array else { throw StateTestError(path: path) }
    return array.enumerated().map { Node($1, path: "\(path)/\($0)") }
  }

  /// The element that an index names.
  func element(_ index: UInt64) throws(StateTestError) -> Node {
    let all = try elements()
    guard index < UInt64(all.count) else {
      throw StateTestError(path: path, problem: "has \(all.count) elements, none with index \(index)")
    }
    return all[Int(index)]
  }

  private func some<Value>(_ value: Value?) throws(StateTestError) -> Value {
    guard let value else { throw StateTestError(path: path) }
    return value
  }

  func text() throws(StateTestError) -> String { try some(value.string) }
  func bytes() throws(StateTestError) -> [UInt8] { try some(value.string.flatMap { Hex.decode($0) }) }
  func hash() throws(StateTestError) -> Hash { try some(Hash(try bytes())) }
  func number() throws(StateTestError) -> UInt256 { try some(value.string.flatMap { Node.number($0) }) }
  func integer() throws(StateTestError) -> UInt64 { try some(try number().uint64) }
  func address() throws(StateTestError) -> Address { try some(value.string.flatMap { Address(hex: $0) }) }
  func index() throws(StateTestError) -> UInt64 { try some(value.uint64) }

  /// 0 where there is no such member.
  func number(_ key: String) throws(StateTestError) -> UInt256 { try optional(key)?.number() ?? .zero }

  /// A number as text; `0x` alone and no text at all are 0.
  private static func number(_ text: String) -> UInt256? {
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      return text.utf8.count == 2 ? .zero : UInt256(hex: text)
    }
    var value = UInt256.zero
    for digit in text.utf8 {
      guard (0x30...0x39).contains(digit) else { return nil }
      let high = UInt512(product: value, 10)
      let (sum, overflow) = high.low.addingReportingOverflow(UInt256(UInt64(digit - 0x30)))
      guard high.high.isZero, !overflow else { return nil }
      value = sum
    }
    return value
  }
}
