// Gas by function of contracts: by selectors, whose names an interface may have, and within a contract by the jump
// destinations that internal functions begin at. An internal call is a jump with the offset behind it among the operands,
// as compilers leave it for the way back; the jump to that offset is the return.

import Contracts
import EVM
import Primitives
import WideIntegers

/// Watches contracts and adds up what their functions use. Used by one thread.
package final class ContractProfiler: EVMObserver {
  package let observesOpcodes = true
  package private(set) var profile = ExecutionProfile()

  /// A call that has not ended.
  private struct Frame {
    let base: Int
    let startGas: UInt64
    /// What has been charged so far, calls below included.
    var charged: UInt64 = 0
    /// Where internal functions go back to.
    var returns: [Int] = []
    /// Where a jump that has been noted goes to.
    var jump: (target: Int, isCall: Bool, back: Int)?
  }

  private var frames: [Frame] = []
  private let abi: ContractABI

  /// - Parameter abi: what functions are named by.
  package init(_ abi: ContractABI = ContractABI()) { self.abi = abi }

  package func didBegin(_ call: CallTrace.Call, depth: Int) {
    frames.append(Frame(base: profile.depth, startGas: call.gas))
    profile.push(name(call))
  }

  package func didEnd(_ call: CallTrace.Call, depth: Int) {
    guard let frame = frames.popLast() else { return }
    profile.charge(call.gasUsed > frame.charged ? call.gasUsed - frame.charged : 0)
    while profile.depth > frame.base { profile.pop() }
    if !frames.isEmpty { frames[frames.count - 1].charged += call.gasUsed }
  }

  package func didChange(slot: UInt256, of address: Address, from before: UInt256, to after: UInt256) {}
  package func didLog(_ log: EVMLog) {}

  package func willRun(_ step: EVMStep) {
    guard var frame = frames.last else { return }
    let used = frame.startGas > step.gas ? frame.startGas - step.gas : 0
    if used > frame.charged {
      profile.charge(used - frame.charged)
      frame.charged = used
    }
    if let jump = frame.jump, step.pc == jump.target {
      if jump.isCall {
        frame.returns.append(jump.back)
        profile.push("@0x" + String(jump.target, radix: 16))
      } else if frame.returns.last == jump.target {
        frame.returns.removeLast()
        profile.pop()
      }
    }
    frame.jump = Self.jump(step)
    frames[frames.count - 1] = frame
  }

  private static let (jump, jumpDestination): (UInt8, UInt8) = (0x56, 0x5b)

  private static func jump(_ step: EVMStep) -> (target: Int, isCall: Bool, back: Int)? {
    guard step.opcode == jump, let target = step.stack.last?.uint64 else { return nil }
    let back = UInt256(UInt64(step.pc + 1))
    let isCall = step.next == jumpDestination && step.stack.dropLast().contains(back)
    return (Int(clamping: target), isCall, step.pc + 1)
  }

  private func name(_ call: CallTrace.Call) -> String {
    let place = call.code.checksummed
    if call.kind.isCreation { return "\(place)::constructor" }
    if call.isPrecompile { return "\(place) (precompile)" }
    if call.input.isEmpty { return "\(place)::()" }
    if let item = abi.item(.function, selector: call.input) { return "\(place)::\(item.name)" }
    return "\(place)::0x\(Hex.encode(Array(call.input.prefix(4))))"
  }
}
