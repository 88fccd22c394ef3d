// A contract that does what its calldata says, step after step, so that tests can put together any tree of calls:
//
//   step    op (1 byte) · target (20) · value (16, big-endian) · length of the payload (3) · payload
//
// It returns, of each call in order, whether it succeeded (a word), the length of its return data (a word), and these data.

import Primitives
import WideIntegers

enum ScriptContract {
  enum Op: UInt8 {
    /// Goes on whatever comes of the call.
    case call = 0
    /// Reverts with the call's return data where it fails.
    case mustCall = 1
    case staticCall = 2
    case delegateCall = 3
    case callCode = 4
    /// Stores the payload, a word, in the slot whose number is the value.
    case store = 5
    case revert = 6
    case log = 7
    /// Uses up the gas.
    case invalid = 8
    /// Creates a contract with the payload as initcode; the address is the return data.
    case create = 9
    /// The payload is not looked at: EXTCODESIZE of the target is the return data.
    case codeSize = 10
  }

  struct Step {
    var op: Op
    var target = Address.zero
    var value = UInt256.zero
    var payload: [UInt8] = []

    init(_ op: Op, _ target: Address, value: UInt256 = .zero, _ payload: [UInt8] = []) {
      (self.op, self.target, self.value, self.payload) = (op, target, value, payload)
    }

    /// One that has no target.
    init(_ op: Op, value: UInt256 = .zero, _ payload: [UInt8] = []) {
      (self.op, self.value, self.payload) = (op, value, payload)
    }

    var bytes: [UInt8] {
      let count = payload.count
      return [op.rawValue] + target.bytes + value.bigEndianBytes.suffix(16)
        + [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)] + payload
    }
  }

  static func script(_ steps: [Step]) -> [UInt8] { steps.flatMap(\.bytes) }

  struct CallResult: Equatable {
    var isSuccess: Bool
    var output: [UInt8]

    /// The text of `Error(string)`; `nil` where the output is none.
    var reason: String? { ScriptContract.reason(output) }
  }

  static func reason(_ output: [UInt8]) -> String? {
    guard output.count >= 68, output.starts(with: [0x08, 0xc3, 0x79, 0xa0]) else { return nil }
    let count = Int(output[64]) << 24 | Int(output[65]) << 16 | Int(output[66]) << 8 | Int(output[67])
    guard output.count >= 68 + count else { return nil }
    return String(decoding: output[68..<68 + count], as: UTF8.self)
  }

  static func results(_ output: [UInt8]) -> [CallResult] {
    var results: [CallResult] = []
    var place = 0
    while place + 64 <= output.count {
      let count = output[place + 60..<place + 64].reduce(0) { $0 << 8 | Int($1) }
      guard place + 64 + count <= output.count else { break }
      results.append(
        CallResult(isSuccess: output[place + 31] == 1, output: Array(output[place + 64..<place + 64 + count]))
      )
      place += 64 + count
    }
    return results
  }

  // MARK: The code

  private static let payload = 0x80
  /// Behind the longest payload.
  private static let resultsStart = 0x10000

  static let code: [UInt8] = {
    let code = Assembly()
    code.push(resultsStart).push(0x20).op(.mstore)
    code.label("loop")
    code.push(0).op(.mload).op(.dup1).op(.calldatasize).op(.swap1).op(.lt).op(.iszero).jumpIf("end")
    // Where the step begins, its length, its payload.
    code.op(.dup1).push(0x40).op(.mstore)
    code.op(.dup1).push(37).op(.add).op(.calldataload).push(232).op(.shr).push(0x60).op(.mstore)
    code.push(0x60).op(.mload).op(.dup2).push(40).op(.add).push(payload).op(.calldatacopy)
    code.push(0x60).op(.mload).op(.dup2).op(.add).push(40).op(.add).push(0).op(.mstore)
    code.op(.calldataload).push(248).op(.shr)
    for (op, label) in [
      (Op.call, "call"), (.mustCall, "call"), (.staticCall, "static"), (.delegateCall, "delegate"),
      (.callCode, "callcode"), (.store, "store"), (.revert, "revert"), (.log, "log"), (.create, "create"),
      (.codeSize, "codesize"),
    ] {
      code.op(.dup1).push(Int(op.rawValue)).op(.eq).jumpIf(label)
    }
    code.op(.invalid)
    code.label("call").outAndIn().value().target().op(.gas).op(.call).jump("record")
    code.label("callcode").outAndIn().value().target().op(.gas).op(.callcode).jump("record")
    code.label("static").outAndIn().target().op(.gas).op(.staticcall).jump("record")
    code.label("delegate").outAndIn().target().op(.gas).op(.delegatecall).jump("record")
    code.label("store").push(payload).op(.mload).value().op(.sstore).op(.pop).jump("loop")
    code.label("revert").push(0x60).op(.mload).push(payload).op(.revert)
    code.label("log").push(0x60).op(.mload).push(payload).op(.log0).op(.pop).jump("loop")
    code.label("create").push(0x60).op(.mload).push(payload).value().op(.create)
    // Address in place of return data, which a creation that succeeds has none of.
    code.op(.dup1).op(.iszero).op(.iszero).push(0x20).op(.mload).op(.mstore)
    code.push(32).push(0x20).op(.mload).push(32).op(.add).op(.mstore)
    code.push(0x20).op(.mload).push(64).op(.add).op(.mstore)
    code.push(0x20).op(.mload).push(96).op(.add).push(0x20).op(.mstore).op(.pop).jump("loop")
    code.label("codesize").push(1).push(0x20).op(.mload).op(.mstore)
    code.push(32).push(0x20).op(.mload).push(32).op(.add).op(.mstore)
    code.target().op(.extcodesize).push(0x20).op(.mload).push(64).op(.add).op(.mstore)
    code.push(0x20).op(.mload).push(96).op(.add).push(0x20).op(.mstore).op(.pop).jump("loop")
    // op, success
    code.label("record")
    code.op(.dup1).push(0x20).op(.mload).op(.mstore)
    code.op(.returndatasize).push(0x20).op(.mload).push(32).op(.add).op(.mstore)
    code.op(.returndatasize).push(0).push(0x20).op(.mload).push(64).op(.add).op(.returndatacopy)
    code.push(0x20).op(.mload).push(64).op(.add).op(.returndatasize).op(.add).push(0x20).op(.mstore)
    code.jumpIf("good")
    code.op(.dup1).push(Int(Op.mustCall.rawValue)).op(.eq).jumpIf("bubble")
    code.label("good").op(.pop).jump("loop")
    code.label("bubble").op(.returndatasize).push(0).push(0).op(.returndatacopy)
    code.op(.returndatasize).push(0).op(.revert)
    code.label("end")
    code.push(resultsStart).push(0x20).op(.mload).op(.sub).push(resultsStart).op(.return)
    return code.bytes
  }()

  /// Initcode that deploys the contract.
  static let initcode: [UInt8] =
    [0x61, UInt8(code.count >> 8), UInt8(code.count & 255), 0x80, 0x60, 12, 0x60, 0, 0x39, 0x60, 0, 0xf3]
    + code

  private enum Opcode: UInt8 {
    case add = 0x01, sub = 0x03, lt = 0x10, eq = 0x14, iszero = 0x15, shr = 0x1c
    case calldataload = 0x35, calldatasize = 0x36, calldatacopy = 0x37, extcodesize = 0x3b, returndatasize =
      0x3d
    case returndatacopy = 0x3e, pop = 0x50, mload = 0x51, mstore = 0x52, sstore = 0x55, gas = 0x5a
    case dup1 = 0x80, dup2 = 0x81, swap1 = 0x90, log0 = 0xa0
    case create = 0xf0, call = 0xf1, callcode = 0xf2, `return` = 0xf3, delegatecall = 0xf4, staticcall = 0xfa
    case revert = 0xfd, invalid = 0xfe
  }

  private final class Assembly {
    private var code: [UInt8] = []
    private var labels: [String: Int] = [:]
    private var uses: [(place: Int, label: String)] = []

    @discardableResult func op(_ opcode: Opcode) -> Assembly {
      code.append(opcode.rawValue)
      return self
    }
    @discardableResult func push(_ value: Int) -> Assembly {
      code +=
        value < 256
        ? [0x60, UInt8(value)] : [0x62, UInt8(value >> 16), UInt8(value >> 8 & 255), UInt8(value & 255)]
      return self
    }
    @discardableResult func label(_ name: String) -> Assembly {
      labels[name] = code.count
      code.append(0x5b)
      return self
    }
    @discardableResult func jump(_ label: String) -> Assembly {
      uses.append((code.count + 1, label))
      code += [0x61, 0, 0, 0x56]
      return self
    }
    @discardableResult func jumpIf(_ label: String) -> Assembly {
      uses.append((code.count + 1, label))
      code += [0x61, 0, 0, 0x57]
      return self
    }
    /// No output, and the payload as input.
    @discardableResult func outAndIn() -> Assembly { push(0).push(0).push(0x60).op(.mload).push(payload) }
    /// Of the step.
    @discardableResult func value() -> Assembly {
      push(0x40).op(.mload).push(21).op(.add).op(.calldataload).push(128).op(.shr)
    }
    @discardableResult func target() -> Assembly {
      push(0x40).op(.mload).push(1).op(.add).op(.calldataload).push(96).op(.shr)
    }
    var bytes: [UInt8] {
      var bytes = code
      for (place, label) in uses {
        guard let target = labels[label] else { preconditionFailure("no label \(label)") }
        (bytes[place], bytes[place + 1]) = (UInt8(target >> 8), UInt8(target & 255))
      }
      return bytes
    }
  }
}
