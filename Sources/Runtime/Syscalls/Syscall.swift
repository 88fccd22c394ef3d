// How a syscall recovers its state, pays, and fails. The VM knows nothing of accounts: it hands over one
// pointer, whose `host` is the worker's InvokeContext. While a program runs, the VM holds the compute meter
// and syscalls draw on it.

import Ledger
import Primitives
import SBPF

/// The machine of the program that made the syscall; valid until the syscall returns.
package typealias Machine = UnsafeMutablePointer<VMContext>

/// Runs a syscall's body with its machine and invoke context.
///
/// What the body throws stops the program: the machine's fault becomes `.syscallError` and the failure itself
/// goes to `InvokeContext.pendingSyscallError`.
@inline(__always)
package func withInvoke(
  _ vm: UnsafeMutableRawPointer, _ body: (Machine, InvokeContext) throws(SyscallFailure) -> UInt64
) -> UInt64 {
  let machine = vm.assumingMemoryBound(to: VMContext.self)
  // The runtime sets `host` to the worker's context for the length of every run and keeps that context alive.
  guard let host = machine.pointee.host else { preconditionFailure("a syscall without an invoke context") }
  return Unmanaged<InvokeContext>.fromOpaque(host)._withUnsafeGuaranteedRef { invoke in
    do throws(SyscallFailure) {
      return try body(machine, invoke)
    } catch {
      stop(machine, invoke, error)
      return 0
    }
  }
}

@inline(never)
private func stop(_ machine: Machine, _ invoke: InvokeContext, _ failure: SyscallFailure) {
  machine.pointee.fault = .syscallError
  invoke.pendingSyscallError = failure
}

extension UnsafeMutablePointer<VMContext> {
  /// Takes `units` from the meter; what is left is zero where there were too few.
  @inline(__always)
  package func consume(_ units: UInt64) throws(SyscallFailure) {
    let remaining = pointee.remainingUnits
    guard remaining >= 0, units <= UInt64(bitPattern: remaining) else {
      pointee.remainingUnits = 0
      throw .outOfUnits
    }
    pointee.remainingUnits = remaining &- Int64(bitPattern: units)
  }
}

extension InvokeContext {
  /// Whether pointers to wider values must be aligned for them: for every loader but the first.
  package var checksAlignment: Bool {
    guard let frame = transaction.current else { return true }
    return transaction.accounts[frame.programIndex].owner != ProgramID.bpfLoader1
  }
}

extension SyscallFailure {
  /// Runs code that fails with an instruction's error.
  @inline(__always)
  package static func wrapping<Value>(
    _ body: () throws(InstructionError) -> Value
  ) throws(SyscallFailure) -> Value {
    do throws(InstructionError) {
      return try body()
    } catch {
      throw .instruction(error)
    }
  }
}
