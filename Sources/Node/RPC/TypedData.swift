// Structured data as wallets sign it (EIP-712): JSON with its types, hashed type by type.

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct TypedData {
  private struct Field {
    let name: String
    let type: String
  }

  private let types: [String: [Field]]
  private let domain: JSONObject
  private let primaryType: String
  private let message: JSONObject

  private static let domainType = "EIP712Domain"
  /// Structures and arrays in one another.
  private static let deepest = 32

  /// - Parameter value: an object, or its text.
  init(_ value: JSONValue) throws(EthereumFormError) {
    var value = value
    if let text = value.string {
      guard let parsed = try? JSONValue.parse(text) else { throw EthereumFormError("typed data is not JSON") }
      value = parsed
    }
    let object = try EthereumForm.object(value, "apitypes.TypedData")
    func member(_ name: String) throws(EthereumFormError) -> JSONObject {
      guard let member = object[name]?.object else {
        throw EthereumFormError("typed data has no object '\(name)'")
      }
      return member
    }
    var types: [String: [Field]] = [:]
    for entry in try member("types").members {
      guard let list = entry.value.array else { throw .kind(entry.value, "[]apitypes.Type") }
      var fields: [Field] = []
      for field in list {
        guard let name = field["name"]?.string, let type = field["type"]?.string, !type.isEmpty else {
          throw EthereumFormError("a field of type '\(entry.name.prefix(80))' has no name or no type")
        }
        fields.append(Field(name: name, type: type))
      }
      types[entry.name] = fields
    }
    (domain, message) = (try member("domain"), try member("message"))
    guard let primaryType = object["primaryType"]?.string else {
      throw EthereumFormError("typed data has no text 'primaryType'")
    }
    if types[Self.domainType] == nil { types[Self.domainType] = Self.domainFields(domain) }
    guard types[primaryType] != nil else {
      throw EthereumFormError("there is no type '\(primaryType.prefix(80))'")
    }
    (self.types, self.primaryType) = (types, primaryType)
  }

  /// Where the domain's type is not among the types, it has the fields that the domain has.
  private static func domainFields(_ domain: JSONObject) -> [Field] {
    [
      ("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"),
      ("salt", "bytes32"),
    ].filter { domain[$0.0] != nil }.map { Field(name: $0.0, type: $0.1) }
  }

  /// What is signed.
  var hash: Hash {
    get throws(EthereumFormError) {
      var bytes: [UInt8] = [0x19, 0x01]
      bytes += try hash(of: domain, Self.domainType, depth: 0)
      if primaryType != Self.domainType { bytes += try hash(of: message, primaryType, depth: 0) }
      return Keccak256.hash(bytes)
    }
  }

  /// `hashStruct`
  private func hash(of object: JSONObject, _ type: String, depth: Int) throws(EthereumFormError) -> [UInt8] {
    guard depth < Self.deepest else {
      throw EthereumFormError("typed data of more than \(Self.deepest) levels")
    }
    var bytes = Keccak256.hash(Array(encoded(type).utf8)).bytes
    for field in types[type] ?? [] {
      bytes += try encode(
        object[field.name] ?? .null, field.type, in: "\(type).\(field.name)", depth: depth + 1)
    }
    return Keccak256.hash(bytes).bytes
  }

  /// `encodeType`: the type and behind it those that it refers to, by name.
  private func encoded(_ type: String) -> String {
    var (met, waiting): (Set<String>, [String]) = ([], [type])
    while let next = waiting.popLast() {
      guard met.insert(next).inserted else { continue }
      waiting += (types[next] ?? []).map { Self.element($0.type) }.filter { types[$0] != nil }
    }
    met.remove(type)
    return ([type] + met.sorted()).map { name in
      let fields = (types[name] ?? []).map { "\($0.type) \($0.name)" }.joined(separator: ",")
      return "\(name)(\(fields))"
    }.joined()
  }

  /// What an array is of, however many times over.
  private static func element(_ type: String) -> String { String(type.prefix { $0 != "[" }) }

  // MARK: Values

  /// `encodeData` of one field: 32 bytes.
  private func encode(
    _ value: JSONValue, _ type: String, in place: String, depth: Int
  ) throws(EthereumFormError) -> [UInt8] {
    func failure() -> EthereumFormError {
      EthereumFormError("'\(place.prefix(80))' is no \(type.prefix(80))")
    }
    if type.hasSuffix("]"), let open = type.lastIndex(of: "[") {
      let (element, size) = (String(type[..<open]), type[type.index(after: open)...].dropLast())
      guard let list = value.array, size.isEmpty || Int(size) == list.count else { throw failure() }
      guard depth < Self.deepest else {
        throw EthereumFormError("typed data of more than \(Self.deepest) levels")
      }
      var bytes: [UInt8] = []
      for item in list { bytes += try encode(item, element, in: place, depth: depth + 1) }
      return Keccak256.hash(bytes).bytes
    }
    if types[type] != nil {
      // A structure that is left out is 32 bytes of 0.
      if value.isNull { return [UInt8](repeating: 0, count: 32) }
      guard let object = value.object else { throw failure() }
      return try hash(of: object, type, depth: depth)
    }
    switch type {
    case "string":
      guard let text = value.string else { throw failure() }
      return Keccak256.hash(Array(text.utf8)).bytes
    case "bytes": return Keccak256.hash(try EthereumForm.data(value)).bytes
    case "bool":
      guard let flag = value.bool else { throw failure() }
      return UInt256(flag ? 1 : 0).bigEndianBytes
    case "address":
      return UInt256(try EthereumForm.address(value)).bigEndianBytes
    default: break
    }
    if type.hasPrefix("bytes"), let size = Int(type.dropFirst(5)), (1...32).contains(size) {
      let bytes = try EthereumForm.data(value)
      guard bytes.count == size else { throw failure() }
      return bytes + [UInt8](repeating: 0, count: 32 - size)
    }
    let isSigned = type.hasPrefix("int")
    let digits = type.dropFirst(isSigned ? 3 : 4)
    guard isSigned || type.hasPrefix("uint"), let bits = digits.isEmpty ? 256 : Int(digits),
      (8...256).contains(bits),
      bits % 8 == 0
    else { throw EthereumFormError("there is no type '\(type.prefix(80))', of '\(place.prefix(80))'") }
    guard let (magnitude, isNegative) = Self.integer(value) else { throw failure() }
    // A signed number has one bit less, and one more below 0.
    let limit =
      isSigned ? UInt256.one << UInt64(bits - 1) : bits == 256 ? .zero : UInt256.one << UInt64(bits)
    let fits =
      isNegative
      ? isSigned && magnitude <= limit : !isSigned && bits == 256 || magnitude < limit
    guard fits else { throw failure() }
    return (isNegative ? .zero &- magnitude : magnitude).bigEndianBytes
  }

  /// A number, or text of one, decimal or hex.
  private static func integer(_ value: JSONValue) -> (magnitude: UInt256, isNegative: Bool)? {
    var text: Substring
    switch value {
    case .unsigned(let number): return (UInt256(number), false)
    case .negative(let number): return (UInt256(number.magnitude), true)
    case .number(let digits): text = digits[...]
    case .string(let string): text = string[...]
    default: return nil
    }
    let isNegative = text.hasPrefix("-")
    if isNegative { text = text.dropFirst() }
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      let digits = text.dropFirst(2)
      guard digits.utf8.count <= 64, let number = UInt256(hex: digits) else { return nil }
      return (number, isNegative)
    }
    guard !text.isEmpty, text.utf8.count <= 78 else { return nil }
    var number = UInt256.zero
    for character in text.utf8 {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
      let ten = UInt512(product: number, 10)
      let (next, overflow) = ten.low.addingReportingOverflow(UInt256(UInt64(character - UInt8(ascii: "0"))))
      guard ten.high.isZero, !overflow else { return nil }
      number = next
    }
    return (number, isNegative)
  }
}
