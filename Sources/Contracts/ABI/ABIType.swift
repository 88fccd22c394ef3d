// The types of Ethereum's contract ABI (https://docs.soliditylang.org/en/latest/abi-spec.html#types) with what the
// coding asks of them: the canonical name, whether the encoding has a tail, how many words the head takes.
// Invariants, kept by the parser that makes them: widths are the ABI's, no type is empty, none has more than
// `ABIType.wordLimit` words in its head or nests deeper than `ABIType.depthLimit`.

/// A type of the contract ABI.
package indirect enum ABIType: Equatable, Sendable {
  /// `uint8` … `uint256`.
  case uint(bits: Int)
  /// `int8` … `int256`.
  case int(bits: Int)
  /// `fixed128x18` and its like: an integer of so many bits, taken in units of 10^-decimals.
  case fixed(bits: Int, decimals: Int, isSigned: Bool)
  case address
  case bool
  case bytes
  case string
  /// `bytes1` … `bytes32`.
  case fixedBytes(count: Int)
  /// An address and a selector, 24 bytes.
  case function
  case array(of: ABIType)
  case fixedArray(of: ABIType, count: Int)
  case tuple([ABIParameter])
}

/// A type with the name it goes by: an argument, a result, a field of an event or a member of a tuple.
package struct ABIParameter: Equatable, Sendable {
  /// Empty where it has none.
  package var name: String
  package var type: ABIType
  /// In an event: whether it is a topic.
  package var isIndexed: Bool

  package init(name: String = "", type: ABIType, isIndexed: Bool = false) {
    (self.name, self.type, self.isIndexed) = (name, type, isIndexed)
  }
}

extension ABIType {
  /// Words in the head of a type that fits the parser; what it keeps out are lists nobody's memory can hold.
  static let wordLimit = 1 << 20
  static let depthLimit = 32

  /// The name as selectors are made of: `(uint256,address)[2]`.
  package var name: String {
    switch self {
    case .uint(let bits): "uint\(bits)"
    case .int(let bits): "int\(bits)"
    case .fixed(let bits, let decimals, let isSigned): "\(isSigned ? "fixed" : "ufixed")\(bits)x\(decimals)"
    case .address: "address"
    case .bool: "bool"
    case .bytes: "bytes"
    case .string: "string"
    case .fixedBytes(let count): "bytes\(count)"
    case .function: "function"
    case .array(let element): element.name + "[]"
    case .fixedArray(let element, let count): "\(element.name)[\(count)]"
    case .tuple(let members): ABIParameter.list(members)
    }
  }

  /// Whether the value lies in the tail, with its offset in the head.
  package var isDynamic: Bool {
    switch self {
    case .bytes, .string, .array: true
    case .fixedArray(let element, _): element.isDynamic
    case .tuple(let members): members.contains { $0.type.isDynamic }
    case .uint, .int, .fixed, .address, .bool, .fixedBytes, .function: false
    }
  }

  /// Words that the value takes in the head of what holds it: one for a dynamic type.
  package var headWordCount: Int {
    if isDynamic { return 1 }
    return switch self {
    case .fixedArray(let element, let count): element.headWordCount * count
    case .tuple(let members): members.reduce(0) { $0 + $1.type.headWordCount }
    default: 1
    }
  }
}

extension ABIParameter {
  /// `(uint256,address)`
  static func list(_ parameters: [ABIParameter]) -> String {
    "(" + parameters.map(\.type.name).joined(separator: ",") + ")"
  }
}

/// What an encoding puts side by side: the members of a tuple, or the elements of an array.
enum ABISequence {
  case members([ABIParameter], root: ABIPath.Root?)
  case elements(ABIType, count: Int)

  var count: Int {
    switch self {
    case .members(let members, _): members.count
    case .elements(_, let count): count
    }
  }

  var headWordCount: Int {
    switch self {
    case .members(let members, _): members.reduce(0) { $0 + $1.type.headWordCount }
    case .elements(let element, let count): element.headWordCount * count
    }
  }

  func type(at index: Int) -> ABIType {
    switch self {
    case .members(let members, _): members[index].type
    case .elements(let element, _): element
    }
  }

  func component(at index: Int) -> ABIPath.Component {
    switch self {
    case .members(let members, let root?): .root(root, index, members[index].name)
    case .members(let members, nil): .member(index, members[index].name)
    case .elements: .element(index)
    }
  }
}
