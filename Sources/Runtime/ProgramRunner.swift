// Runs one ELF program outside of any ledger: no accounts, the instruction data serialised as the aligned
// input ABI has it. What `estuary run` does, and what benchmarks and tests of the virtual machine start from.

import Ledger
import Primitives
import SBPF

/// Owned by one thread; reusable.
package final class ProgramRunner {
  package struct Outcome: Sendable {
    /// r0.
    package var result: UInt64
    /// What a transaction's log would say of the fault that stopped the program; `nil` where it ended by
    /// itself.
    package var error: String?
    package var computeUnits: UInt64
    /// Instructions run, without those of syscalls.
    package var instructionCount: UInt64
    package var logs: TransactionLogs
  }

  package let executable: Executable
  /// Watches the program: every instruction, where the engine is `plain`.
  package var observer: (any InvokeObserver)? {
    get { invoke.observer }
    set { invoke.observer = newValue }
  }
  private let program: ProgramEntry
  private let invoke: InvokeContext

  /// The key under which the program runs, for its input and its logs.
  package static let programID = Pubkey(word0: 0x52_41_55_54_53_45, word1: 0, word2: 0, word3: 0)

  /// Loads and verifies an SBPF ELF file and makes what `engine` runs of it.
  package static func load(elf: [UInt8], engine: Engine) throws(ProgramLoadError) -> Executable {
    let result = elf.withUnsafeBytes { bytes -> Result<Executable, ProgramLoadError> in
      do throws(ProgramLoadError) {
        return .success(
          try ProgramEntry.executable(bytes, syscalls: SyscallTable.registry(.all), options: .execution))
      } catch {
        return .failure(error)
      }
    }
    let executable = try result.get()
    executable.prepare(for: engine)
    return executable
  }

  /// Runs an SBPF ELF file.
  package convenience init(elf: [UInt8], engine: Engine = .interpreter) throws(ProgramLoadError) {
    self.init(try Self.load(elf: elf, engine: engine), engine: engine)
  }

  package init(_ executable: Executable, engine: Engine) {
    self.executable = executable
    program = ProgramEntry(.executable(executable))
    guard let sysvars = try? Sysvars(slot: 0, unixTimestamp: 0, blockhash: .zero) else {
      preconditionFailure("a fresh ledger's sysvars are well-formed")
    }
    let environment = ExecutionEnvironment(slot: 0, blockhash: .zero, sysvars: sysvars)
    invoke = InvokeContext(environment: environment, engine: engine)
  }

  /// Runs the program once with `data` as its instruction data and `unitLimit` compute units, at most 2^63−1.
  ///
  /// - Throws: `InstructionError` where the input cannot be serialised.
  package func run(
    data: [UInt8], unitLimit: UInt64 = UInt64(ComputeBudget.maximumUnitLimit)
  ) throws(InstructionError) -> Outcome {
    let units = min(unitLimit, UInt64(Int64.max))
    invoke.reset(
      accountCount: 1, blockhash: .zero, units: units, heapByteCount: Int(ComputeBudget.minimumHeapByteCount),
      collectsLogs: true)
    invoke.transaction.keys[0] = Self.programID
    invoke.transaction.accounts[0] = Account(lamports: 1, owner: ProgramID.bpfLoader2, executable: true)
    invoke.setProgram(.passUnretained(program), at: 0)
    let frame = invoke.nextFrame
    frame.programIndex = 0
    frame.topLevelIndex = 0
    frame.resizeAccounts(to: 0)
    data.withUnsafeBytes { frame.setData($0) }
    try invoke.push()
    let level = invoke.level
    try level.input.serialize(frame, of: invoke.transaction, isUnaligned: false)
    let run = invoke.run(executable, on: level)
    let text =
      run.fault == .syscallError ? invoke.pendingSyscallError?.logText(version: executable.version) : nil
    return Outcome(
      result: run.result, error: text ?? run.faultText(version: executable.version),
      computeUnits: units - UInt64(max(0, run.remainingUnits)),
      instructionCount: UInt64(max(0, run.instructionCount)), logs: invoke.logs.collect())
  }
}
