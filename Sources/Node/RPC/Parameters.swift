// A request's parameters, read as Agave reads them: by position, options in an object at the end, and the same words where
// something is missing or of the wrong kind.

import Ledger
import Primitives

struct Parameters {
  let values: [JSONValue]

  init(_ value: JSONValue?) throws(RPCError) {
    switch value {
    case nil, .null: values = []
    case .array(let array): values = array
    default: throw .invalidParameters("`params` should be an array")
    }
  }

  /// Refuses another number of parameters, in the words of Agave's JSON-RPC library.
  func expect(_ counts: ClosedRange<Int>) throws(RPCError) {
    if counts.contains(values.count) { return }
    if values.count < counts.lowerBound { throw Self.tooFew(counts.lowerBound) }
    if counts.upperBound == 0 {
      throw .invalidParameters("Invalid parameters: No parameters were expected")
    }
    throw RPCError(
      -32602,
      "Invalid parameters: Expected from \(counts.lowerBound) to \(counts.upperBound) parameters.",
      data: SolanaRPC.answer { $0.value("\"Got: \(values.count)\"") })
  }

  private static func tooFew(_ count: Int) -> RPCError {
    .invalidParameters("`params` should have at least \(count) argument(s)")
  }

  /// The parameter at `index`; `nil` where it is missing or null.
  func optional(_ index: Int) -> JSONValue? {
    guard index < values.count, !values[index].isNull else { return nil }
    return values[index]
  }

  func required(_ index: Int) throws(RPCError) -> JSONValue {
    guard index < values.count else { throw Self.tooFew(index + 1) }
    return values[index]
  }

  func string(_ index: Int) throws(RPCError) -> String { try Self.string(required(index)) }
  func pubkey(_ index: Int) throws(RPCError) -> Pubkey { try Self.pubkey(string(index)) }
  func integer(_ index: Int) throws(RPCError) -> UInt64 { try Self.integer(required(index)) }

  func list(_ index: Int) throws(RPCError) -> [JSONValue] {
    guard let list = try required(index).array else {
      throw .invalidParameters(
        "Invalid params: invalid type: \(Self.kind(of: values[index])), expected a sequence.")
    }
    return list
  }

  /// The options at `index`; none where they are missing or null.
  func options(_ index: Int) throws(RPCError) -> Options {
    guard let value = optional(index) else { return Options(object: JSONObject()) }
    guard let object = value.object else {
      throw .invalidParameters(
        "Invalid params: invalid type: \(Self.kind(of: value)), expected an object of options.")
    }
    return Options(object: object)
  }

  static func kind(of value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let value): "boolean `\(value)`"
    case .unsigned(let number): "integer `\(number)`"
    case .negative(let number): "integer `\(number)`"
    case .number(let digits): "floating point `\(digits)`"
    case .string(let text): "string \"\(text.prefix(100))\""
    case .array: "sequence"
    case .object: "map"
    }
  }

  static func string(_ value: JSONValue) throws(RPCError) -> String {
    guard let string = value.string else {
      throw .invalidParameters("Invalid params: invalid type: \(kind(of: value)), expected a string.")
    }
    return string
  }

  static func integer(_ value: JSONValue) throws(RPCError) -> UInt64 {
    if let integer = value.uint64 { return integer }
    throw unexpected(value, "u64")
  }

  static func unexpected(_ value: JSONValue, _ type: String) -> RPCError {
    let isNumber =
      switch value {
      case .negative, .unsigned: true
      default: false
      }
    return .invalidParameters(
      "Invalid params: invalid \(isNumber ? "value" : "type"): \(kind(of: value)), expected \(type).")
  }

  /// Characters that 32 and 64 bytes have in base58 at most.
  private static let (keyLength, signatureLength) = (44, 88)

  static func pubkey(_ text: String) throws(RPCError) -> Pubkey {
    if let key = Pubkey(base58: text) { return key }
    throw wrong(text, longest: keyLength)
  }

  static func hash(_ text: String) throws(RPCError) -> Hash {
    if let hash = Hash(base58: text) { return hash }
    throw wrong(text, longest: keyLength)
  }

  static func signature(_ text: String) throws(RPCError) -> Signature {
    if let signature = Signature(base58: text) { return signature }
    throw wrong(text, longest: signatureLength)
  }

  private static func wrong(_ text: String, longest: Int) -> RPCError {
    let isBase58 = text.utf8.count <= longest && Base58.decode(text) != nil
    return .invalidParameters(
      "Invalid param: \(isBase58 || text.utf8.count > longest ? "WrongSize" : "Invalid")")
  }
}

/// The object of options at the end of a request's parameters.
struct Options {
  let object: JSONObject

  subscript(_ name: String) -> JSONValue? {
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  func bool(_ name: String) throws(RPCError) -> Bool? {
    guard let value = self[name] else { return nil }
    guard let bool = value.bool else {
      throw .invalidParameters(
        "Invalid params: invalid type: \(Parameters.kind(of: value)), expected a boolean.")
    }
    return bool
  }

  func string(_ name: String) throws(RPCError) -> String? {
    guard let value = self[name] else { return nil }
    return try Parameters.string(value)
  }

  func integer(_ name: String) throws(RPCError) -> UInt64? {
    guard let value = self[name] else { return nil }
    return try Parameters.integer(value)
  }

  func byte(_ name: String) throws(RPCError) -> UInt8? {
    guard let value = self[name] else { return nil }
    guard let byte = value.uint64.flatMap({ UInt8(exactly: $0) }) else {
      throw Parameters.unexpected(value, "u8")
    }
    return byte
  }

  /// One of `Choice`'s words.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, _ type: Choice.Type
  ) throws(RPCError) -> Choice? where Choice.RawValue == String {
    guard let text = try string(name) else { return nil }
    return try Self.choice(text, type)
  }

  static func choice<Choice: RawRepresentable & CaseIterable>(
    _ text: String, _ type: Choice.Type
  ) throws(RPCError) -> Choice where Choice.RawValue == String {
    if let choice = Choice(rawValue: text) { return choice }
    let known = Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
    throw .invalidParameters(
      "Invalid params: unknown variant `\(text.prefix(100))`, expected one of \(known).")
  }

  /// Commitment and `minContextSlot`, checked against `head`: all three levels name it.
  func check(_ head: Head) throws(RPCError) {
    _ = try choice("commitment", Commitment.self)
    if let slot = try integer("minContextSlot"), head.slot < slot {
      throw .minContextSlotNotReached(slot: head.slot)
    }
  }

  /// The same for methods that Agave answers from confirmed blocks only.
  func checkConfirmed(_ head: Head) throws(RPCError) {
    try check(head)
    if try choice("commitment", Commitment.self) == .processed {
      throw .invalidParameters("Method does not support commitment below `confirmed`")
    }
  }
}

enum Commitment: String, CaseIterable { case processed, confirmed, finalized }
