// What a reverted call says
// (https://docs.soliditylang.org/en/latest/control-structures.html#panic-via-assert-and-error-via-require):
// `Error(string)`, `Panic(uint256)` with its meaning, an error of the contract's interface, or bytes.

import Primitives
import WideIntegers

/// The output of a call that reverted, read.
package enum RevertReason: Equatable, Sendable {
  /// No output.
  case none
  /// `Error(string)`
  case message(String)
  /// `Panic(uint256)`
  case panic(UInt256)
  /// An error of the interface.
  case custom(ABIItem, [ABIValue])
  /// Anything else.
  case data([UInt8])

  private static let messageError = ABIItem(
    kind: .error, name: "Error", inputs: [ABIParameter(type: .string)])
  private static let panicError = ABIItem(
    kind: .error, name: "Panic", inputs: [ABIParameter(type: .uint(bits: 256))])

  /// Reads the output of a revert; what cannot be decoded is `data`.
  package init(_ output: [UInt8], errors: [ABIItem] = []) {
    self = output.isEmpty ? .none : .data(output)
    for item in [Self.messageError, Self.panicError] + errors where output.starts(with: item.selector) {
      guard let values = try? item.inputs.decode(Array(output.dropFirst(4))) else { continue }
      switch (item.name, values.first) {
      case ("Error", .string(let text)) where item == Self.messageError: self = .message(text)
      case ("Panic", .uint(let code)) where item == Self.panicError: self = .panic(code)
      default: self = .custom(item, values)
      }
      return
    }
  }

  /// What Solidity's compiler says by a panic.
  private static func meaning(_ code: UInt256) -> String {
    switch code {
    case 0x00: "generic panic of the compiler"
    case 0x01: "assertion failed"
    case 0x11: "arithmetic overflow or underflow"
    case 0x12: "division or modulo by zero"
    case 0x21: "value is no member of the enum"
    case 0x22: "storage byte array encoded wrongly"
    case 0x31: "pop of an empty array"
    case 0x32: "array index out of bounds"
    case 0x41: "too much memory allocated"
    case 0x51: "call of an uninitialised internal function"
    default: "unknown panic"
    }
  }
}

extension RevertReason: CustomStringConvertible {
  /// One line; a message is itself.
  package var description: String {
    switch self {
    case .none: "reverted without a reason"
    case .message(let text): text
    case .panic(let code):
      "Panic(0x\(code.fitsUInt64 && code < 16 ? "0" : "")\(code.description.dropFirst(2))): \(Self.meaning(code))"
    case .custom(let item, let values):
      "\(item.name)(\(item.inputs.texts(values).joined(separator: ", ")))"
    case .data(let bytes): "0x" + Hex.encode(bytes)
    }
  }
}
