// Running a precompile as a call's code.

import Primitives
import SBPF
import WideIntegers

/// What is at some addresses in place of the fork's precompiles; `nil`: none.
final class MovedPrecompiles {
  let entries: [Address: Precompile?]

  init(_ entries: [Address: Precompile?]) { self.entries = entries }
}

extension HostState {
  /// The precompile at `address`, if there is one.
  @inline(__always) func precompile(at address: Address) -> Precompile? {
    if let movedPrecompiles, let entry = movedPrecompiles.entries[address] { return entry }
    return PrecompileCall.active(address, fork: fork)
  }
}

extension EVMHost {
  /// Puts precompiles elsewhere: each address that is named has the one that stands at the other, or none.
  package func movePrecompiles(_ moves: [Address: Address?], fork: Fork) {
    state.pointee.movedPrecompiles =
      moves.isEmpty
      ? nil : MovedPrecompiles(moves.mapValues { $0.flatMap { PrecompileCall.active($0, fork: fork) } })
  }
}

enum PrecompileCall {
  /// The precompile at `address`, if one is active in `fork`.
  @inline(__always) static func active(_ address: Address, fork: Fork) -> Precompile? {
    guard address.word0 == 0 && address.word1 == 0 else { return nil }
    let number = UInt32(bigEndian: address.word2)
    return number <= 0xffff ? Precompile.active(address: UInt16(truncatingIfNeeded: number), fork: fork) : nil
  }

  /// Charges the prepared frame `child` and leaves the result as return data.
  @inline(never)
  static func run(_ precompile: Precompile, _ child: FramePointer) -> FrameStatus {
    let host = child.host
    host.pointee.returnByteCount = 0
    let input = UnsafeRawBufferPointer(
      start: child.pointee.context.input, count: Int(child.pointee.context.inputByteCount))
    guard child.charge(precompile.gasCost(input: input)) else {
      child.pointee.context.fault = .outOfGas
      return .failure
    }
    if precompile.function == .identity {
      host.pointee.setReturnData(child.pointee.context.input, input.count)
      return .success
    }
    var output: [UInt8] = []
    guard precompile.run(input: input, output: &output) else { return .failure }
    output.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { host.pointee.setReturnData(start, bytes.count) }
    }
    return .success
  }
}
