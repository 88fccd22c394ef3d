// A log read by an event of the interface (https://docs.soliditylang.org/en/latest/abi-spec.html#events): the first
// topic is the event's unless it is anonymous, the next are the indexed fields, the data are the others. An indexed
// field that takes more than a word is there as its hash alone.

import Primitives
import WideIntegers

/// An event with its fields, in the order they are declared.
public struct DecodedEvent: Equatable, Sendable {
  package enum Value: Equatable, Sendable {
    case value(ABIValue)
    /// Of an indexed field of a dynamic or composite type.
    case hash(Hash)
  }

  package let event: ABIItem
  package let values: [Value]

  /// The event's name.
  public var name: String { event.name }

  /// A field by its name; `nil` where there is none of it, or only its hash.
  public subscript(field: String) -> ABIValue? {
    guard let index = event.inputs.firstIndex(where: { $0.name == field }),
      case .value(let value) = values[index]
    else { return nil }
    return value
  }

  /// The fields as text, hashes as 32 bytes of hex.
  public var texts: [String] {
    zip(event.inputs, values).map { parameter, value in
      switch value {
      case .value(let value): value.text(parameter.type)
      case .hash(let hash): "0x" + Hex.encode(hash.bytes)
      }
    }
  }
}

extension DecodedEvent: CustomStringConvertible {
  /// `Transfer(from: 0x…, to: 0x…, value: 7)`
  public var description: String {
    let fields = zip(event.inputs, texts).map { $0.name.isEmpty ? $1 : "\($0.name): \($1)" }
    return "\(event.name)(\(fields.joined(separator: ", ")))"
  }
}

extension ABIItem {
  /// Reads a log as this event; `nil` where it is another's (by first topic and number of topics).
  package func decode(topics: [Hash], data: [UInt8]) throws(ABIError) -> DecodedEvent? {
    var rest = topics[...]
    if !isAnonymous {
      guard rest.popFirst() == topic else { return nil }
    }
    guard kind == .event, rest.count == inputs.count(where: \.isIndexed) else { return nil }
    var plain = try inputs.filter { !$0.isIndexed }.decode(data, root: .field)[...]
    var values: [DecodedEvent.Value] = []
    for (index, input) in inputs.enumerated() {
      if !input.isIndexed {
        if let value = plain.popFirst() { values.append(.value(value)) }
        continue
      }
      guard let topic = rest.popFirst() else { return nil }
      if input.type.isElementary {
        do throws(ABIError) {
          values += try [ABIParameter(type: input.type)].decode(topic.bytes, root: .field).map { .value($0) }
        } catch { throw error.renamed(index, input.name) }
      } else {
        values.append(.hash(topic))
      }
    }
    return DecodedEvent(event: self, values: values)
  }
}

extension ContractABI {
  /// The first event that a log can be read as; `nil` where it is none of the interface's.
  package func decode(topics: [Hash], data: [UInt8]) -> DecodedEvent? {
    // Named events come first: an anonymous one fits many logs.
    for isAnonymous in [false, true] {
      for item in items where item.kind == .event && item.isAnonymous == isAnonymous {
        if let event = try? item.decode(topics: topics, data: data) { return event }
      }
    }
    return nil
  }
}

extension ABIType {
  /// Whether a value is one word.
  fileprivate var isElementary: Bool {
    switch self {
    case .uint, .int, .fixed, .address, .bool, .fixedBytes, .function: true
    case .bytes, .string, .array, .fixedArray, .tuple: false
    }
  }
}

extension ABIError {
  /// The same error about the field of that number, where it came from one decoded alone.
  fileprivate func renamed(_ index: Int, _ name: String) -> ABIError {
    guard case .data(var path, let type, let offset, let fault) = self, !path.components.isEmpty else {
      return self
    }
    path.components[0] = .root(.field, index, name)
    return .data(path, type: type, offset: offset, fault)
  }
}
