// A request's parameters, read as geth reads them (go-ethereum's rpc/json.go, rpc/types.go and common/hexutil): by position,
// and the same words where something is missing or malformed, names of Go's types included, because clients look for them.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct EthereumParameters {
  let values: [JSONValue]

  init(_ value: JSONValue?) throws(RPCError) {
    switch value {
    case nil, .null: values = []
    case .array(let array): values = array
    default: throw .invalidParameters("non-array args")
    }
  }

  /// Refuses more than `count` parameters.
  func expect(atMost count: Int) throws(RPCError) {
    guard values.count <= count else {
      throw .invalidParameters("too many arguments, want at most \(count)")
    }
  }

  /// The parameter at `index`; `nil` where it is missing or null.
  func optional(_ index: Int) -> JSONValue? {
    guard index < values.count, !values[index].isNull else { return nil }
    return values[index]
  }

  func required(_ index: Int) throws(RPCError) -> JSONValue {
    guard let value = optional(index) else {
      throw .invalidParameters("missing value for required argument \(index)")
    }
    return value
  }

  /// The parameter at `index`, read by `read`.
  func value<Value>(
    _ index: Int, _ read: (JSONValue) throws(EthereumFormError) -> Value
  ) throws(RPCError) -> Value {
    try Self.reading(index, required(index), read)
  }

  /// The same; `nil` where it is missing or null.
  func optional<Value>(
    _ index: Int, _ read: (JSONValue) throws(EthereumFormError) -> Value
  ) throws(RPCError) -> Value? {
    guard let value = optional(index) else { return nil }
    return try Self.reading(index, value, read)
  }

  private static func reading<Value>(
    _ index: Int, _ value: JSONValue, _ read: (JSONValue) throws(EthereumFormError) -> Value
  ) throws(RPCError) -> Value {
    do throws(EthereumFormError) { return try read(value) } catch {
      throw .invalidParameters("invalid argument \(index): \(error.text)")
    }
  }

  func data(_ index: Int) throws(RPCError) -> [UInt8] { try value(index, EthereumForm.data) }
  func address(_ index: Int) throws(RPCError) -> Address { try value(index, EthereumForm.address) }
  func hash(_ index: Int) throws(RPCError) -> Hash { try value(index, EthereumForm.hash) }
  func quantity(_ index: Int) throws(RPCError) -> UInt64 { try value(index, EthereumForm.quantity) }
  func bool(_ index: Int) throws(RPCError) -> Bool { try value(index, EthereumForm.bool) }

  /// A number or tag.
  func blockNumber(_ index: Int) throws(RPCError) -> EthereumBlockReference {
    try value(index, EthereumForm.blockNumber)
  }

  /// A number, tag, hash or EIP-1898's object; `nil` where it is missing or null.
  func block(_ index: Int) throws(RPCError) -> EthereumBlockReference? {
    try optional(index) == nil ? nil : requiredBlock(index)
  }

  /// The same; the last block where it is missing or null.
  func blockOrLatest(_ index: Int) throws(RPCError) -> EthereumBlockReference {
    try block(index) ?? .tag(.latest)
  }

  /// The same; an error where it is missing or null.
  func requiredBlock(_ index: Int) throws(RPCError) -> EthereumBlockReference {
    guard let reference = try value(index, EthereumForm.block) else {
      throw .ethereum("invalid arguments; neither block nor hash specified")
    }
    return reference
  }
}

/// Which block a request is about.
enum EthereumBlockReference: Equatable, Sendable {
  enum Tag: String, Sendable { case latest, pending, safe, finalized, earliest }

  case tag(Tag)
  case number(UInt64)
  case hash(Hash)
}

/// What is wrong with a value, in geth's words.
struct EthereumFormError: Error, Equatable {
  let text: String

  init(_ text: String) { self.text = text }

  /// A value of another kind of JSON than the type `name` is read from.
  static func kind(_ value: JSONValue, _ name: String) -> EthereumFormError {
    let kind =
      switch value {
      case .null: "null"
      case .bool: "bool"
      case .unsigned, .negative, .number: "number"
      case .string: "string"
      case .array: "array"
      case .object: "object"
      }
    return EthereumFormError("json: cannot unmarshal \(kind) into Go value of type \(name)")
  }

  static func nonString(_ name: String) -> EthereumFormError {
    EthereumFormError("json: cannot unmarshal non-string into Go value of type \(name)")
  }

  fileprivate static func hex(_ problem: String, _ name: String) -> EthereumFormError {
    EthereumFormError("json: cannot unmarshal \(problem) into Go value of type \(name)")
  }
}

// MARK: Reading

extension EthereumForm {
  static func string(_ value: JSONValue) throws(EthereumFormError) -> String {
    guard let text = value.string else { throw .kind(value, "string") }
    return text
  }

  static func bool(_ value: JSONValue) throws(EthereumFormError) -> Bool {
    guard let bool = value.bool else { throw .kind(value, "bool") }
    return bool
  }

  static func object(_ value: JSONValue, _ name: String) throws(EthereumFormError) -> JSONObject {
    guard let object = value.object else { throw .kind(value, name) }
    return object
  }

  /// Any number of bytes.
  static func data(_ value: JSONValue) throws(EthereumFormError) -> [UInt8] {
    try data(value, "hexutil.Bytes")
  }

  static func data(_ value: JSONValue, _ name: String) throws(EthereumFormError) -> [UInt8] {
    guard let text = value.string else { throw .nonString(name) }
    let digits = try digits(text, name)
    if digits.utf8.count % 2 != 0 { throw .hex("hex string of odd length", name) }
    guard let bytes = Hex.decode(digits) else { throw .hex("invalid hex string", name) }
    return bytes
  }

  static func address(_ value: JSONValue) throws(EthereumFormError) -> Address {
    let bytes = try fixed(value, 20, "common.Address")
    guard let address = Address(bytes) else { throw .hex("invalid hex string", "common.Address") }
    return address
  }

  static func hash(_ value: JSONValue) throws(EthereumFormError) -> Hash {
    let bytes = try fixed(value, 32, "common.Hash")
    guard let hash = Hash(bytes) else { throw .hex("invalid hex string", "common.Hash") }
    return hash
  }

  private static func fixed(
    _ value: JSONValue, _ byteCount: Int, _ name: String
  ) throws(EthereumFormError) -> [UInt8] {
    guard let text = value.string else { throw .nonString(name) }
    return try fixed(text, byteCount, name)
  }

  private static func fixed(
    _ text: String, _ byteCount: Int, _ name: String
  ) throws(EthereumFormError) -> [UInt8] {
    let digits = try digits(text, name)
    if digits.utf8.count % 2 != 0 { throw .hex("hex string of odd length", name) }
    if digits.utf8.count != 2 * byteCount {
      throw EthereumFormError("hex string has length \(digits.utf8.count), want \(2 * byteCount) for \(name)")
    }
    guard let bytes = Hex.decode(digits) else { throw .hex("invalid hex string", name) }
    return bytes
  }

  /// What stands behind `0x`.
  private static func digits(_ text: String, _ name: String) throws(EthereumFormError) -> Substring {
    // geth reads empty text as no bytes.
    if text.isEmpty { return "" }
    guard text.hasPrefix("0x") || text.hasPrefix("0X") else {
      throw .hex("hex string without 0x prefix", name)
    }
    return text.dropFirst(2)
  }

  static func quantity(_ value: JSONValue) throws(EthereumFormError) -> UInt64 {
    try quantity(value, "hexutil.Uint64")
  }

  static func quantity(_ value: JSONValue, _ name: String) throws(EthereumFormError) -> UInt64 {
    guard let text = value.string else { throw .nonString(name) }
    let problem: String
    do throws(EthereumFormError) { return try uint64(text) } catch { problem = error.text }
    throw .hex(problem, name)
  }

  static func big(_ value: JSONValue) throws(EthereumFormError) -> UInt256 {
    guard let text = value.string else { throw .nonString("*hexutil.Big") }
    let digits: Substring
    do throws(EthereumFormError) { digits = try number(text) } catch {
      throw .hex(error.text, "*hexutil.Big")
    }
    if digits.utf8.count > 64 { throw .hex("hex number > 256 bits", "*hexutil.Big") }
    guard let number = UInt256(hex: digits) else { throw .hex("invalid hex string", "*hexutil.Big") }
    return number
  }

  /// The words of `hexutil.DecodeUint64`.
  private static func uint64(_ text: String) throws(EthereumFormError) -> UInt64 {
    let digits = try number(text)
    if digits.utf8.count > 16 { throw EthereumFormError("hex number > 64 bits") }
    guard let number = UInt64(digits, radix: 16) else { throw EthereumFormError("invalid hex string") }
    return number
  }

  private static func number(_ text: String) throws(EthereumFormError) -> Substring {
    if text.isEmpty { throw EthereumFormError("empty hex string") }
    guard text.hasPrefix("0x") || text.hasPrefix("0X") else {
      throw EthereumFormError("hex string without 0x prefix")
    }
    let digits = text.dropFirst(2)
    if digits.isEmpty { throw EthereumFormError("hex string \"0x\"") }
    if digits.utf8.count > 1, digits.hasPrefix("0") {
      throw EthereumFormError("hex number with leading zero digits")
    }
    guard digits.utf8.allSatisfy({ isDigit($0) }) else { throw EthereumFormError("invalid hex string") }
    return digits
  }

  private static func isDigit(_ character: UInt8) -> Bool {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }

  static func blockNumber(_ value: JSONValue) throws(EthereumFormError) -> EthereumBlockReference {
    let text: String
    switch value {
    case .string(let string): text = string
    // geth takes the quotes off and reads what is left.
    case .unsigned(let number): text = "\(number)"
    default: throw EthereumFormError("hex string without 0x prefix")
    }
    if let tag = EthereumBlockReference.Tag(rawValue: text) { return .tag(tag) }
    let number = try uint64(text)
    if number > UInt64(Int64.max) { throw EthereumFormError("block number larger than int64") }
    return .number(number)
  }

  /// - Returns: `nil` for an object that names neither a number nor a hash.
  static func block(_ value: JSONValue) throws(EthereumFormError) -> EthereumBlockReference? {
    switch value {
    case .object(let object):
      let (number, hash) = (object["blockNumber"] ?? .null, object["blockHash"] ?? .null)
      if let flag = object["requireCanonical"], !flag.isNull { _ = try bool(flag) }
      if !number.isNull, !hash.isNull {
        throw EthereumFormError(
          "cannot specify both BlockHash and BlockNumber, choose one or the other")
      }
      if !hash.isNull { return .hash(try self.hash(hash)) }
      return number.isNull ? nil : try blockNumber(number)
    case .string(let text):
      if text.utf8.count == 66 { return .hash(try hash(value)) }
      return try blockNumber(value)
    default: throw .kind(value, "string")
    }
  }
}
