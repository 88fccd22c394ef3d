// A program as the runtime finds it in the cache: ready to run, or a reason why it cannot.

import Ledger
import SBPF
import Synchronization

/// Shared by all workers; immutable but for what the cache keeps about it.
package final class ProgramEntry: Sendable {
  package enum State: Sendable {
    case executable(Executable)
    /// The ELF file or its code is refused; the text says why.
    case failedVerification(String)
    /// Deployed by this very transaction: visible from the next one on.
    case delayedVisibility
    /// Closed, by this very transaction or before it, or an account of a loader that holds no program.
    case closed
  }

  package let state: State
  /// The executable of `state`, which keeps it alive; `nil` where it cannot run.
  let executable: Unmanaged<Executable>?
  /// The cache's count of blocks when it was last used; relaxed, because any recent value will do.
  private let lastUse = Atomic<UInt64>(0)
  private let evicted = Atomic<Bool>(false)

  package init(_ state: State) {
    self.state = state
    if case .executable(let executable) = state {
      self.executable = .passUnretained(executable)
    } else {
      executable = nil
    }
  }

  package static let delayedVisibility = ProgramEntry(.delayedVisibility)
  package static let closed = ProgramEntry(.closed)

  // MARK: For the cache

  var lastUsedBlock: UInt64 { lastUse.load(ordering: .relaxed) }

  /// Written once a block, however often the program is used.
  @inline(__always) func noteUse(inBlock block: UInt64) {
    if lastUse.load(ordering: .relaxed) != block { lastUse.store(block, ordering: .relaxed) }
  }

  /// Whether the cache has let go of it: it still runs, but tables had better forget it.
  var isEvicted: Bool { evicted.load(ordering: .relaxed) }

  func evict() { evicted.store(true, ordering: .relaxed) }

  /// Memory of the program, machine code included once it is made.
  var byteCount: Int {
    if case .executable(let executable) = state { return executable.byteCount }
    return 0
  }
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

  /// Why `elf` would be refused if it were deployed; `nil` if it would not.
  package static func objection(
    toDeploying elf: [UInt8], _ features: Features = .mainnet
  ) -> ProgramLoadError? {
    elf.withUnsafeBytes { bytes in
      do throws(ProgramLoadError) {
        _ = try executable(bytes, syscalls: SyscallTable.deployment(features), options: .deployment)
        return nil
      } catch {
        return error
      }
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

  /// `description` and, of a file, what was wrong and where: for people, where logs have to say what Agave's say.
  package var diagnosis: String {
    if case .file(let error) = self { return error.diagnosis }
    return description
  }
}
