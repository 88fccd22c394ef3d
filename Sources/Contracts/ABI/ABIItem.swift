// What a contract's interface consists of: functions, events, errors, its constructor
// (https://docs.soliditylang.org/en/latest/abi-spec.html#function-selector). A selector is the first four bytes of
// the Keccak-256 of the canonical signature, a topic all 32.

import Primitives

/// A function, an event, an error, or the constructor.
package struct ABIItem: Equatable, Sendable {
  package enum Kind: String, Sendable {
    case function, event, error, constructor
  }

  package var kind: Kind
  /// Empty for the constructor.
  package var name: String
  package var inputs: [ABIParameter]
  /// `nil` where the signature does not say.
  package var outputs: [ABIParameter]?
  package var isAnonymous = false
  package var isPayable = false

  package init(kind: Kind, name: String, inputs: [ABIParameter], outputs: [ABIParameter]? = nil) {
    (self.kind, self.name, self.inputs, self.outputs) = (kind, name, inputs, outputs)
  }

  /// Reads a signature; `kind` is what it is unless it says so itself.
  package init(signature text: String, kind: Kind? = nil) throws(ABIError) {
    var parser = ABIParser(text)
    self = try parser.signature(kind: kind)
  }

  /// `transfer(address,uint256)`
  package var signature: String {
    (kind == .constructor ? kind.rawValue : name) + ABIParameter.list(inputs)
  }

  /// Keccak-256 of the signature: an event's first topic unless it is anonymous.
  package var topic: Hash { Keccak256.hash(Array(signature.utf8)) }

  /// The four bytes that a call of a function, or the data of an error, begins with.
  package var selector: [UInt8] { Array(topic.bytes.prefix(4)) }

  /// A call's input: the selector and the encoded arguments.
  package func callData(_ arguments: [ABIValue]) throws(ABIError) -> [UInt8] {
    selector + (try inputs.encode(arguments, signature: signature))
  }

  /// The same of arguments as text.
  package func callData(texts: [String]) throws(ABIError) -> [UInt8] {
    try callData(try arguments(texts: texts))
  }

  /// Arguments as text, one each.
  package func arguments(texts: [String]) throws(ABIError) -> [ABIValue] {
    try inputs.values(texts: texts, signature: signature)
  }
}
