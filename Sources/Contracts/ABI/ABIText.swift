// Values as text, spelled as Foundry's cast prints them: `[1, 2]`, `(1, 0xab, "text")`, addresses with their checksum
// (EIP-55), decimal numbers. A string that stands alone is itself; inside a list it is quoted, with escapes.

import Primitives
import WideIntegers

extension ABIValue {
  /// The value as one text.
  package func text(_ type: ABIType) -> String {
    if case .string(let text) = self { return text }
    return nestedText(type)
  }

  private func nestedText(_ type: ABIType) -> String {
    switch self {
    case .uint(let number), .int(let number): return type.number(number)
    case .address(let address): return address.checksummed
    case .bool(let flag): return flag ? "true" : "false"
    case .bytes(let bytes): return "0x" + Hex.encode(bytes)
    case .string(let text): return ABIValue.quoted(text)
    case .list(let values):
      let texts = values.enumerated().map { index, value in
        switch type {
        case .array(let element), .fixedArray(let element, _): value.nestedText(element)
        case .tuple(let members) where index < members.count: value.nestedText(members[index].type)
        default: value.nestedText(type)
        }
      }
      let list = texts.joined(separator: ", ")
      if case .tuple = type { return "(\(list))" }
      return "[\(list)]"
    }
  }

  private static func quoted(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "\"") { quoted, scalar in
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\0"..<" ", "\u{7f}": quoted += "\\u{\(String(scalar.value, radix: 16))}"
      default: quoted.unicodeScalars.append(scalar)
      }
    } + "\""
  }
}

extension [ABIParameter] {
  /// Each value as text; as many values as parameters.
  package func texts(_ values: [ABIValue]) -> [String] {
    zip(self, values).map { parameter, value in value.text(parameter.type) }
  }
}

extension Address {
  /// `0x` and 40 hex digits whose letters' case is a checksum (https://eips.ethereum.org/EIPS/eip-55).
  public var checksummed: String {
    let digits = Array(Hex.encode(bytes).utf8)
    let hash = Keccak256.hash(digits).bytes
    let characters = digits.enumerated().map { index, digit in
      let nibble = index % 2 == 0 ? hash[index / 2] >> 4 : hash[index / 2] & 15
      return digit >= UInt8(ascii: "a") && nibble >= 8 ? digit - 32 : digit
    }
    return "0x" + String(decoding: characters, as: UTF8.self)
  }
}
