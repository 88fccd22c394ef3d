// Compute units by function of SBPF programs: by the symbols of the ELF file, or by where a function begins. What a syscall
// costs counts for the function that makes it; a program that is called has a stack of its own on the caller's.

import Ledger
import Primitives
import Runtime
import SBPF

/// Watches programs and adds up what their functions use. Used by one thread.
package final class ProgramProfiler: InvokeObserver {
  package private(set) var profile = ExecutionProfile()

  /// A program that runs.
  private struct Run {
    let name: String
    /// How deep the profile's stack was without it.
    let base: Int
    /// Functions on the stack, each by the depth of its call.
    var depths: [Int] = []
    var lastUnits: UInt64
  }

  private var runs: [Run] = []
  private let name: (Pubkey) -> String

  /// - Parameter name: what to call a program.
  package init(name: @escaping (Pubkey) -> String = { $0.description }) { self.name = name }

  package func didBegin(_ invoke: InvokeContext) {
    guard let frame = invoke.transaction.current else { return }
    settle(invoke.remainingUnits)
    let program = name(invoke.transaction.keys[frame.programIndex])
    runs.append(Run(name: program, base: profile.depth, lastUnits: invoke.remainingUnits))
    profile.push(program)
  }

  package func willEnd(_ invoke: InvokeContext, _ error: InstructionError?) {
    settle(invoke.remainingUnits)
    guard let run = runs.popLast() else { return }
    while profile.depth > run.base { profile.pop() }
    if !runs.isEmpty { runs[runs.count - 1].lastUnits = invoke.remainingUnits }
  }

  package func willRun(_ executable: Executable, pc: Int, _ machine: UnsafeMutablePointer<VMContext>) {
    // Without an instruction of the runtime's, as where a file is run by itself.
    if runs.isEmpty {
      runs.append(
        Run(name: "program", base: 0, lastUnits: UInt64(max(machine.pointee.remainingUnits, 0))))
      profile.push("program")
    }
    settle(UInt64(max(machine.pointee.remainingUnits, 0)))
    let depth = machine.pointee.callDepth
    while let last = runs[runs.count - 1].depths.last, last > depth {
      runs[runs.count - 1].depths.removeLast()
      profile.pop()
    }
    if runs[runs.count - 1].depths.last != depth {
      runs[runs.count - 1].depths.append(depth)
      profile.push(executable.functionName(at: pc))
    }
  }

  package func didRun(_ executable: Executable, _ outcome: RunOutcome, on machine: VirtualMachine) {
    settle(UInt64(max(outcome.remainingUnits, 0)))
  }

  private func settle(_ units: UInt64) {
    guard !runs.isEmpty else { return }
    let last = runs[runs.count - 1].lastUnits
    profile.charge(last > units ? last - units : 0)
    runs[runs.count - 1].lastUnits = units
  }
}

extension Executable {
  /// The name of the function that begins at `pc`.
  package func functionName(at pc: Int) -> String {
    if pc == entryPC { return functionNames[pc].flatMap { $0.isEmpty ? nil : $0 } ?? "entrypoint" }
    return functionNames[pc].flatMap { $0.isEmpty ? nil : $0 } ?? "function_\(pc)"
  }
}
