// What a transaction of Solana's did, instruction by instruction: who called whom with what, the units that each used, its
// log lines, how it ended, and where a program stopped that did not end by itself. Contracts that programs call, and programs
// that those call, are calls below them.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF

/// Records the instructions of a transaction. Used by one thread.
package final class InstructionTrace: InvokeObserver {
  package struct Call {
    /// The EVM program, for a contract.
    package let program: Pubkey
    /// What a contract did, where it is one's.
    package fileprivate(set) var contract: CallTrace.Call?
    package let data: [UInt8]
    package let accounts: [(key: Pubkey, isSigner: Bool, isWritable: Bool)]
    /// Compute units or gas, calls below it included.
    package fileprivate(set) var units: UInt64
    package fileprivate(set) var error: InstructionError?
    /// Log lines and calls, in order.
    package fileprivate(set) var events: [Event] = []
    /// Where the program stopped, if it was stopped or gave a result other than 0.
    package fileprivate(set) var stop: Stop?
  }

  package enum Event {
    case log(String)
    /// The position of a call in `calls`.
    case call(Int)
  }

  /// The machine when a program stopped.
  package struct Stop {
    /// Slot of the instruction.
    package let pc: Int
    /// r0–r10.
    package let registers: [UInt64]
    /// What stopped it; `nil` where it ended by itself.
    package let fault: String?
  }

  /// In the order in which they began.
  package private(set) var calls: [Call] = []
  /// Positions of the transaction's own instructions.
  package private(set) var roots: [Int] = []
  /// Positions of those that have not ended.
  private var open: [Int] = []
  private var logCount = 0
  /// The transaction's own context, whose log has the lines of those below.
  private var outermost: ObjectIdentifier?

  package init() {}

  /// The call that failed first.
  package var failed: Call? { calls.last { $0.error != nil && $0.stop != nil } }

  package func didBegin(_ invoke: InvokeContext) {
    guard let frame = invoke.transaction.current else { return }
    if open.isEmpty { outermost = ObjectIdentifier(invoke) }
    takeLogs(invoke)
    let call = Call(
      program: invoke.transaction.keys[frame.programIndex], data: Array(frame.data),
      accounts: frame.accounts.map {
        (invoke.transaction.keys[$0.indexInTransaction], $0.isSigner, $0.isWritable)
      }, units: invoke.remainingUnits)
    begin(call)
  }

  private func begin(_ call: Call) {
    if let caller = open.last {
      calls[caller].events.append(.call(calls.count))
    } else {
      roots.append(calls.count)
    }
    open.append(calls.count)
    calls.append(call)
  }

  /// A contract's call has begun, below a program or another contract.
  func didBegin(_ contract: CallTrace.Call) {
    begin(
      Call(
        program: ProgramID.ethereum, contract: contract, data: contract.input, accounts: [], units: contract.gas))
  }

  func didEnd(_ contract: CallTrace.Call) {
    guard let position = open.popLast() else { return }
    calls[position].contract = contract
    calls[position].units = contract.gasUsed
  }

  package func willEnd(_ invoke: InvokeContext, _ error: InstructionError?) {
    takeLogs(invoke)
    guard let position = open.popLast() else { return }
    calls[position].units -= min(calls[position].units, invoke.remainingUnits)
    calls[position].error = error
  }

  package func willRun(_ executable: Executable, pc: Int, _ machine: UnsafeMutablePointer<VMContext>) {}

  package func didRun(_ executable: Executable, _ outcome: RunOutcome, on machine: VirtualMachine) {
    guard let position = open.last, outcome.fault != .none || outcome.result != 0 else { return }
    calls[position].stop = Stop(
      pc: outcome.pc, registers: machine.registers,
      fault: outcome.fault == .syscallError
        ? "a syscall failed" : outcome.faultText(version: executable.version))
  }

  private func takeLogs(_ invoke: InvokeContext) {
    guard invoke.logs.count != logCount, ObjectIdentifier(invoke) == outermost else { return }
    let lines = invoke.logs.lines
    for line in lines.dropFirst(min(logCount, lines.count)) {
      if let running = open.last { calls[running].events.append(.log(line)) }
    }
    logCount = lines.count
  }
}
