// A program as the runtime finds it in the cache: ready to run, or a reason why it cannot.

import Ledger
import SBPF

/// Immutable; shared by all workers.
package final class ProgramEntry: Sendable {
  package enum State: Sendable {
    case executable(Executable)
    /// The ELF file or its code is refused; the text says why.
    case failedVerification(String)
    /// Deployed by this very transaction: visible from the next one on.
    case delayedVisibility
    /// Closed by this very transaction.
    case closed
  }

  package let state: State

  package init(_ state: State) { self.state = state }

  package static let delayedVisibility = ProgramEntry(.delayedVisibility)
  package static let closed = ProgramEntry(.closed)
}

extension ProgramEntry {
  /// Loads and verifies an ELF file as an account on chain holds it.
  ///
  /// Total: a file that is refused makes an entry that says why.
  static func load(_ elf: UnsafeRawBufferPointer, syscalls: SyscallRegistry) -> ProgramEntry {
    do throws(ProgramLoadError) {
      return ProgramEntry(.executable(try executable(elf, syscalls: syscalls, options: .execution)))
    } catch {
      return ProgramEntry(.failedVerification(error.description))
    }
  }

  static func executable(
    _ elf: UnsafeRawBufferPointer, syscalls: SyscallRegistry, options: LoaderOptions
  ) throws(ProgramLoadError) -> Executable {
    let image: ProgramImage
    do throws(ELFError) {
      image = try ELFLoader.load(elf, syscalls: syscalls, options: options)
    } catch {
      throw .file(error)
    }
    do throws(ExecutableError) {
      // A call of nothing passes here, whatever the version; it faults when it is reached.
      return try Executable(image: image, syscalls: syscalls)
    } catch {
      throw .code(error)
    }
  }
}

/// Why a program cannot be loaded.
package enum ProgramLoadError: Error, Sendable, CustomStringConvertible {
  case file(ELFError)
  case code(ExecutableError)

  package var description: String {
    switch self {
    case .file(let error): error.description
    case .code(.verifier(let error)): "Verifier error: \(error)"
    case .code(let error): error.description
    }
  }
}
