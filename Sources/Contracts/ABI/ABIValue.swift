// A value of the contract ABI. Its type is not part of it: whoever codes one knows the type.

import Primitives
import WideIntegers

/// A value that some `ABIType` has.
public indirect enum ABIValue: Equatable, Sendable {
  /// `uintN`, and `ufixedMxN` in units of 10^-N.
  case uint(UInt256)
  /// `intN` and `fixedMxN`, two's complement of 256 bits.
  case int(UInt256)
  case address(Address)
  case bool(Bool)
  /// `bytes`, `bytesN` and `function`.
  case bytes([UInt8])
  case string(String)
  /// The elements of an array, the members of a tuple.
  case list([ABIValue])
}

// MARK: - Literals

/// A number without a sign; with one it is of a signed type. `fitted(to:)` makes it what a parameter takes.
extension ABIValue: ExpressibleByIntegerLiteral {
  /// - Parameter value: in [-2^255, 2^256).
  public init(integerLiteral value: StaticBigInt) {
    precondition(value.bitWidth <= (value.signum() < 0 ? 256 : 257), "a literal of more than 256 bits")
    let number = UInt256(
      UInt64(value[0]), UInt64(value[1]), UInt64(value[2]), UInt64(value[3]))
    self = value.signum() < 0 ? .int(number) : .uint(number)
  }
}

extension ABIValue: ExpressibleByBooleanLiteral {
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// Text; where a parameter takes no text, a value as the command line spells it: "0x7099…", "1.5ether".
extension ABIValue: ExpressibleByStringLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
}

/// The elements of an array, the members of a tuple.
extension ABIValue: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: ABIValue...) { self = .list(elements) }
}

extension ABIValue: CustomStringConvertible {
  /// As Foundry's cast prints it, but that units of fixed-point numbers stay units.
  public var description: String {
    switch self {
    case .uint(let number): number.decimalText
    case .int(let number): number.isNegative ? "-" + number.negated.decimalText : number.decimalText
    case .address(let address): address.checksummed
    case .bool(let flag): flag ? "true" : "false"
    case .bytes(let bytes): "0x" + Hex.encode(bytes)
    case .string(let text): text
    case .list(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    }
  }
}

// MARK: - Fitting

extension ABIValue {
  /// What the value means for a parameter of `type`: a number without a sign where a signed one belongs, text where
  /// something else belongs, which is read as the command line reads it. Any other value is itself.
  package func fitted(to type: ABIType) throws(ABIError) -> ABIValue {
    switch (self, type) {
    case (.string, .string): return self
    case (.string(let text), _):
      var parser = ABITextParser(text)
      return try parser.onlyValue(type)
    case (.uint(let number), .int) where !number.isNegative,
      (.uint(let number), .fixed(_, _, true)) where !number.isNegative:
      return .int(number)
    case (.list(let values), .array(let element)), (.list(let values), .fixedArray(let element, _)):
      var fitted: [ABIValue] = []
      for (index, value) in values.enumerated() {
        do throws(ABIError) { fitted.append(try value.fitted(to: element)) } catch {
          throw error.inside(.element(index))
        }
      }
      return .list(fitted)
    case (.list(let values), .tuple(let members)) where values.count == members.count:
      var fitted: [ABIValue] = []
      for (index, value) in values.enumerated() {
        do throws(ABIError) { fitted.append(try value.fitted(to: members[index].type)) } catch {
          throw error.inside(.member(index, members[index].name))
        }
      }
      return .list(fitted)
    default: return self
    }
  }
}

extension [ABIParameter] {
  /// The encoding of `values`, each fitted to its parameter.
  ///
  /// - Parameter signature: what an error calls them.
  package func encode(fitting values: [ABIValue], signature: String) throws(ABIError) -> [UInt8] {
    var fitted: [ABIValue] = []
    for (index, value) in values.enumerated() {
      guard index < count else {
        fitted.append(value)
        continue
      }
      do throws(ABIError) { fitted.append(try value.fitted(to: self[index].type)) } catch {
        throw error.inside(.root(.argument, index, self[index].name))
      }
    }
    return try encode(fitted, signature: signature)
  }
}
