// Contracts that whoever embeds the runtime computes, at addresses of their own: called as any contract is, they run a
// function of the host's in place of code. A call pays what a call of a contract pays, and what the function asks for.

import Primitives
import SBPF

/// The functions of one chain, by address.
package struct NativeContracts: Sendable {
  package struct Function: Sendable {
    /// Gas for an input.
    package let gas: @Sendable ([UInt8]) -> UInt64
    /// The output; `nil` fails the call, which costs all its gas.
    package let run: @Sendable ([UInt8]) -> [UInt8]?

    package init(
      gas: @escaping @Sendable ([UInt8]) -> UInt64, run: @escaping @Sendable ([UInt8]) -> [UInt8]?
    ) {
      (self.gas, self.run) = (gas, run)
    }
  }

  private let functions: [Address: Function]

  package static let none = NativeContracts([:])

  package init(_ functions: [Address: Function]) { self.functions = functions }

  package var isEmpty: Bool { functions.isEmpty }

  subscript(address: Address) -> Function? { functions[address] }
}

extension NativeContracts.Function {
  /// Charges the prepared frame `child` and leaves the result as return data.
  @inline(never)
  func run(_ child: FramePointer) -> FrameStatus {
    let host = child.host
    host.pointee.returnByteCount = 0
    let input = [UInt8](
      UnsafeRawBufferPointer(
        start: child.pointee.context.input, count: Int(child.pointee.context.inputByteCount)))
    guard child.charge(gas(input)), let output = run(input) else { return .failure }
    output.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { host.pointee.setReturnData(start, bytes.count) }
    }
    return .success
  }
}
