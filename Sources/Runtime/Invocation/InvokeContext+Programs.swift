// Which programs a transaction changes: what a loader deploys is verified here under the stricter rules of deployment.

import Ledger
import Primitives
import SBPF

extension InvokeContext {
  /// Checks the ELF file that `program` is about to be deployed with; from here on the transaction cannot run it.
  ///
  /// Why a file is refused goes to the log; the error is then `invalidAccountData`.
  package func deployProgram(_ program: Pubkey, elf: UnsafeRawBufferPointer) throws(InstructionError) {
    let image: ProgramImage
    do throws(ELFError) {
      image = try ELFLoader.load(elf, syscalls: SyscallTable.deployment, options: .deployment)
    } catch {
      log(error.description)
      throw .invalidAccountData
    }
    do throws(ExecutableError) {
      _ = try Executable(
        image: image, syscalls: SyscallTable.deployment, refusesUnresolvedCalls: image.version.hasStaticSyscalls)
    } catch {
      if case .verifier(let error) = error { log("Verifier error: \(error)") } else { log(error.description) }
      throw .invalidAccountData
    }
    modifiedPrograms.append(program)
  }

  /// From here on the transaction cannot run `program`.
  package func closeProgram(_ program: Pubkey) { modifiedPrograms.append(program) }
}
