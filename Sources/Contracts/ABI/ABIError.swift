// What is wrong with a signature, an argument or encoded data. Errors of arguments and data name the place by a path
// from the argument inwards, as people would write it: argument 2 'orders'[3].owner.

/// Where in nested values something is.
public struct ABIPath: Equatable, Sendable, CustomStringConvertible {
  /// What the outermost number counts.
  public enum Root: String, Sendable {
    case argument, result, field
  }

  public enum Component: Equatable, Sendable {
    /// Counted from 0, printed from 1; the name is empty where there is none.
    case root(Root, Int, String)
    case element(Int)
    case member(Int, String)
  }

  /// From the outside inwards.
  public var components: [Component]

  public init(_ components: [Component] = []) { self.components = components }

  public var description: String {
    components.reduce("") { text, component in
      switch component {
      case .root(let root, let index, ""): text + "\(root.rawValue) \(index + 1)"
      case .root(let root, let index, let name): text + "\(root.rawValue) \(index + 1) '\(name)'"
      case .element(let index): text + "[\(index)]"
      case .member(let index, ""): text + ".\(index)"
      case .member(_, let name): text + ".\(name)"
      }
    }
  }
}

/// Why something is not the ABI's.
public enum ABIError: Error, Equatable, Sendable {
  /// A signature that is none. `offset` counts characters from 0.
  case signature(String, offset: Int, ABISyntaxFault)
  /// So many values where the signature has another number.
  case count(signature: String, expected: Int, found: Int)
  /// A value, or its text, that the type does not have.
  case value(ABIPath, type: String, ABIValueFault)
  /// Encoded bytes that are no encoding of the type. `offset` counts bytes from 0.
  case data(ABIPath, type: String, offset: Int, ABIDataFault)
  /// A JSON ABI that is none; the text says where.
  case json(String)
}

public enum ABISyntaxFault: Equatable, Sendable {
  case expected(String)
  case unknownType(String)
  case width(type: String, allowed: String)
  case emptyArray
  case emptyTupleInArray
  case tooLarge
  case tooDeep
  case notIndexable
  case tooManyTopics(Int)
}

public enum ABIValueFault: Equatable, Sendable {
  /// Text that cannot be read; what would be read.
  case unreadable(String, expected: String)
  case outOfRange(String, lowest: String, highest: String)
  /// A number that is no whole number of the type's units.
  case fraction(String)
  case byteCount(found: Int, expected: Int)
  case elementCount(found: Int, expected: Int)
  /// Upper and lower case letters that are not those of the address's checksum (EIP-55).
  case checksum(String, expected: String)
  /// A value of another shape than the type's.
  case mismatch
}

public enum ABIDataFault: Equatable, Sendable {
  /// Fewer bytes than the value needs.
  case tooShort(needed: UInt64, available: Int)
  /// An offset into the head, or beyond the end.
  case offset(String)
  case length(String)
  /// Bytes around the value that are not zero, or not its sign.
  case padding
  case notBool
  case notUTF8
  /// The same bytes used so often that no compiler has written them.
  case overlapping
}

extension ABIError {
  /// The same error, seen from one level further out.
  func inside(_ component: ABIPath.Component) -> ABIError {
    switch self {
    case .value(var path, let type, let fault):
      path.components.insert(component, at: 0)
      return .value(path, type: type, fault)
    case .data(var path, let type, let offset, let fault):
      path.components.insert(component, at: 0)
      return .data(path, type: type, offset: offset, fault)
    case .signature, .count, .json: return self
    }
  }
}

extension ABIError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .signature(let text, let offset, let fault):
      "the signature '\(text)', at character \(offset + 1): \(fault)"
    case .count(let signature, let expected, let found):
      "\(signature) takes \(expected) argument\(expected == 1 ? "" : "s"), \(found) given"
    case .value(let path, let type, let fault): "\(path) (\(type)): \(fault)"
    case .data(let path, let type, let offset, let fault):
      "\(path) (\(type)) cannot be decoded, at byte \(offset): \(fault)"
    case .json(let detail): "the ABI: \(detail)"
    }
  }
}

extension ABISyntaxFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .expected(let what): "expected \(what)"
    case .unknownType(let name):
      "unknown type '\(name)'; types are written out as in transfer(address,uint256)"
    case .width(let type, let allowed): "there is no '\(type)'; \(allowed)"
    case .emptyArray: "an array of no elements"
    case .emptyTupleInArray: "an array whose elements take no space"
    case .tooLarge: "more than \(ABIType.wordLimit) words"
    case .tooDeep: "more than \(ABIType.depthLimit) levels"
    case .notIndexable: "only an event's fields are indexed"
    case .tooManyTopics(let count): "\(count) indexed fields, an event has at most 3 (4 if anonymous)"
    }
  }
}

extension ABIValueFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let text, let expected):
      text.isEmpty ? "no text; expected \(expected)" : "'\(text.prefix(80))' is not \(expected)"
    case .outOfRange(let text, let lowest, let highest):
      "\(text.prefix(100)) is out of range, [\(lowest), \(highest)]"
    case .fraction(let text): "'\(text.prefix(80))' is no whole number of the smallest unit"
    case .byteCount(let found, let expected): "\(found) bytes given, exactly \(expected) needed"
    case .elementCount(let found, let expected): "\(found) elements given, exactly \(expected) needed"
    case .checksum(let text, let expected):
      "the letters of \(text) are not those of its checksum: mistyped? (\(expected), or all in lower case)"
    case .mismatch: "a value of another type"
    }
  }
}

extension ABIDataFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooShort(let needed, let available): "\(needed) bytes needed, \(available) there"
    case .offset(let value): "the offset \(value) leads nowhere"
    case .length(let value): "a length of \(value) is more than there is"
    case .padding: "bytes around the value that should be zero or its sign are not"
    case .notBool: "neither 0 nor 1"
    case .notUTF8: "not UTF-8"
    case .overlapping: "values that overlap many times over"
    }
  }
}
