// A contract's interface from its JSON form (https://docs.soliditylang.org/en/latest/abi-spec.html#json), as
// compilers write it: which function a selector is, what an event's topics and data say, what an error's data say.

import Primitives

/// The functions, events and errors of a contract, in the order they are written.
public struct ContractABI: Equatable, Sendable {
  package var items: [ABIItem]

  /// An interface that nothing is known of.
  public init() { items = [] }

  package init(items: [ABIItem]) { self.items = items }

  /// The constructor; one without arguments where the interface names none.
  package var constructor: ABIItem {
    items.first { $0.kind == .constructor } ?? ABIItem(kind: .constructor, name: "", inputs: [])
  }

  /// The functions of one name, or of one full signature.
  package func functions(named text: String) -> [ABIItem] {
    items.filter { $0.kind == .function && ($0.name == text || $0.signature == text) }
  }

  /// The function or error that data begin with.
  package func item(_ kind: ABIItem.Kind, selector data: [UInt8]) -> ABIItem? {
    items.first { $0.kind == kind && data.starts(with: $0.selector) }
  }
}

extension ContractABI {
  /// Reads the JSON that compilers write: an array of items.
  public init(json text: [UInt8]) throws(ABIError) {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(text) } catch { throw .json(error.description) }
    try self.init(json: json)
  }

  /// Reads an array of items; kinds that have no arguments to code (`receive`, `fallback`) are passed over.
  package init(json: JSONValue) throws(ABIError) {
    guard let elements = json.array else { throw .json("not an array") }
    var items: [ABIItem] = []
    for (index, element) in elements.enumerated() {
      if let item = try ABIItem(json: element, at: index) { items.append(item) }
    }
    self.items = items
  }
}

extension ABIItem {
  fileprivate init?(json: JSONValue, at index: Int) throws(ABIError) {
    guard json.object != nil else { throw .json("item \(index) is no object") }
    let kindName = json["type"]?.string ?? Kind.function.rawValue
    guard let kind = Kind(rawValue: kindName) else {
      if ["receive", "fallback"].contains(kindName) { return nil }
      throw .json("item \(index) is of an unknown type '\(kindName)'")
    }
    let name = json["name"]?.string ?? ""
    if name.isEmpty && kind != .constructor { throw .json("item \(index) has no name") }
    let place = "item \(index)" + (name.isEmpty ? " (\(kindName))" : " ('\(name)')")
    self.init(
      kind: kind, name: name, inputs: try ABIItem.parameters(json["inputs"], depth: 0, "\(place), input"),
      outputs: kind == .function ? try ABIItem.parameters(json["outputs"], depth: 0, "\(place), output") : nil
    )
    isAnonymous = json["anonymous"]?.bool ?? false
    isPayable = json["stateMutability"]?.string == "payable" || json["payable"]?.bool == true
  }

  private static func parameters(
    _ json: JSONValue?, depth: Int, _ place: String
  ) throws(ABIError) -> [ABIParameter] {
    guard let json, !json.isNull else { return [] }
    guard let elements = json.array, depth < ABIType.depthLimit else { throw .json("\(place)s are no array") }
    var parameters: [ABIParameter] = []
    for (index, element) in elements.enumerated() {
      let place = "\(place) \(index + 1)"
      guard var type = element["type"]?.string else { throw .json("\(place) has no type") }
      var members: [ABIParameter]?
      if type == "tuple" || type.hasPrefix("tuple[") {
        members = try ABIItem.parameters(element["components"], depth: depth + 1, "\(place), component")
        // The suffixes are read with a stand-in of the same size, which the members then replace.
        type = ABIParameter.list(members ?? []) + type.dropFirst("tuple".count)
      }
      do throws(ABIError) {
        let parsed = try ABIType(type)
        parameters.append(
          ABIParameter(
            name: element["name"]?.string ?? "",
            type: members.map { parsed.replacingInnermost($0) } ?? parsed,
            isIndexed: element["indexed"]?.bool ?? false))
      } catch { throw .json("\(place): \(error)") }
    }
    return parameters
  }
}

extension ABIType {
  /// The same arrays over a tuple whose members have names.
  fileprivate func replacingInnermost(_ members: [ABIParameter]) -> ABIType {
    switch self {
    case .array(let element): .array(of: element.replacingInnermost(members))
    case .fixedArray(let element, let count):
      .fixedArray(of: element.replacingInnermost(members), count: count)
    default: .tuple(members)
    }
  }
}
