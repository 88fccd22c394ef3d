// Which program a key holds. What an account held when the transaction began is what runs; a program that the
// transaction itself deploys, upgrades, extends or closes does not run in it, as on chain, where a deployment
// becomes visible in the next slot (LiteSVM: in the next transaction).

import Ledger
import Primitives
import SBPF

extension InvokeContext {
  /// Notes what the key at `position` holds when the transaction begins; the caller keeps `entry` until it has run.
  func setProgram(_ entry: Unmanaged<ProgramEntry>, at position: Int) {
    programs[position] = entry
    programsEnd = max(programsEnd, position + 1)
  }

  /// The code of `program`, whose key is at `index` in the transaction; alive until the transaction has run.
  @inline(__always)
  func executable(of program: Pubkey, at index: Int) throws(ProgramFailure) -> Unmanaged<Executable> {
    if modifiedPrograms.isEmpty, let entry = programs[index],
      let executable = entry._withUnsafeGuaranteedRef({ $0.executable })
    {
      return executable
    }
    return try findExecutable(of: program, at: index)
  }

  @inline(never)
  private func findExecutable(
    of program: Pubkey, at index: Int
  ) throws(ProgramFailure) -> Unmanaged<Executable> {
    let modified = modifiedPrograms.last { $0.program == program }?.entry
    let entry = modified ?? programs[index]?.takeUnretainedValue()
    switch entry?.state {
    case .executable(let executable): return .passUnretained(executable)
    case .failedVerification, .delayedVisibility, .closed: log("Program is not deployed")
    case nil:
      undeclaredAccount = undeclaredPrograms.first { $0.position == index }?.programData ?? undeclaredAccount
      log("Program is not cached")
    }
    throw ProgramFailure(.unsupportedProgramId)
  }

  /// Checks the ELF file that `program` is about to be deployed with, under the stricter rules of deployment;
  /// from here on the transaction cannot run it.
  ///
  /// Why a file is refused goes to the log; the error is then `invalidAccountData`.
  package func deployProgram(_ program: Pubkey, elf: UnsafeRawBufferPointer) throws(InstructionError) {
    do throws(ProgramLoadError) {
      _ = try ProgramEntry.executable(
        elf, syscalls: environment.programs.deploymentSyscalls, options: .deployment)
    } catch {
      log(error.description)
      throw .invalidAccountData
    }
    modifiedPrograms.append((program, .delayedVisibility))
  }

  /// From here on the transaction cannot run `program`.
  package func closeProgram(_ program: Pubkey) {
    modifiedPrograms.append((program, .closed))
  }
}
