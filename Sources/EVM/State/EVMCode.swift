// The bytecode of contracts, one object a code wherever it is used, with the executables made of it. Journals and
// frames refer to it by pointer, so that a call finds its executable without looking anything up by hash.

import Ledger
import Primitives
import SBPF
import Synchronization

/// Immutable bytes in plain memory, owned from `init` to `deinit`; what is made of them later is added under `lock`,
/// which makes the unchecked `Sendable` sound.
package final class EVMCode: @unchecked Sendable {
  package let bytes: UnsafePointer<UInt8>
  package let byteCount: Int
  /// Keccak-256 of the bytes.
  package let hash: Hash
  /// The account that this code delegates to, where it is a delegation (EIP-7702: 0xef0100 and an address).
  package let delegate: Address?

  private let lock = Lock()
  /// Never removed from, so that `first` stays good.
  private var programs: [Program] = []
  /// The first of `programs`, found without the lock: a ledger has one fork.
  private let first = Atomic<UnsafeRawPointer?>(nil)
  private let runs = Atomic<Int>(0)

  private final class Program: @unchecked Sendable {
    // Sendable: nothing changes; the executable is sendable.
    let fork: Fork
    let mode: TranslationMode
    let executable: Executable
    /// The same, not counted.
    let unmanaged: Unmanaged<Executable>

    init(fork: Fork, mode: TranslationMode, executable: Executable) {
      (self.fork, self.mode, self.executable) = (fork, mode, executable)
      unmanaged = .passUnretained(executable)
    }
  }

  package static let empty = EVMCode([], hash: EVMAccount.emptyCodeHash)

  package init(_ source: [UInt8], hash: Hash) {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(source.count, 1))
    source.withUnsafeBufferPointer { buffer in
      if let start = buffer.baseAddress { memory.initialize(from: start, count: source.count) }
    }
    bytes = UnsafePointer(memory)
    byteCount = source.count
    self.hash = hash
    delegate =
      source.count == 23 && source.starts(with: [0xef, 0x01, 0x00])
      ? Address(reading: UnsafeRawPointer(memory) + 3) : nil
  }

  package convenience init(_ source: [UInt8]) { self.init(source, hash: Keccak256.hash(source)) }

  /// Code whose executable was made before: `image` holds the bytecode too.
  package convenience init(
    image: ProgramImage, fork: Fork, mode: TranslationMode = .fast
  ) throws(EVMStateError) {
    let bytes = image.wide?.bytecode ?? []
    self.init(bytes)
    guard byteCount > 0, delegate == nil else {
      throw .program(codeHash: hash, detail: "what it was translated from is no code that runs")
    }
    do throws(ExecutableError) {
      let executable = try Executable(image: image, syscalls: SyscallRegistry())
      add(Program(fork: fork, mode: mode, executable: executable))
    } catch {
      throw .program(codeHash: hash, detail: error.description)
    }
  }

  deinit { UnsafeMutablePointer(mutating: bytes).deallocate() }

  package var array: [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: byteCount)) }

  /// EIP-7702's code of an account that delegates to `address`.
  package static func delegationBytes(to address: Address) -> [UInt8] { [0xef, 0x01, 0x00] + address.bytes }

  /// What runs this code under `fork`, if it is the one made first; it lives as long as the code. Not counted: all workers
  /// that run a contract would count at one place.
  @inline(__always) func madeExecutable(fork: Fork, mode: TranslationMode) -> Unmanaged<Executable>? {
    // Acquire: pairs with the release in `add`.
    guard let first = first.load(ordering: .acquiring) else { return nil }
    return Unmanaged<Program>.fromOpaque(first)._withUnsafeGuaranteedRef { program in
      program.fork == fork && program.mode == mode ? program.unmanaged : nil
    }
  }

  /// What runs this code under `fork`, made by the first caller.
  package func executable(fork: Fork, mode: TranslationMode) throws(EVMStateError) -> Executable {
    try lock.withLock { () throws(EVMStateError) -> Executable in
      for program in programs where program.fork == fork && program.mode == mode { return program.executable }
      let executable: Executable
      do {
        executable = try Executable(
          image: Translator.translate(code: array, fork: fork, mode: mode), syscalls: SyscallRegistry())
      } catch {
        throw .program(codeHash: hash, detail: "\(error)")
      }
      add(Program(fork: fork, mode: mode, executable: executable))
      return executable
    }
  }

  private func add(_ program: Program) {
    programs.append(program)
    if programs.count == 1 {
      first.store(UnsafeRawPointer(Unmanaged.passUnretained(program).toOpaque()), ordering: .releasing)
    }
  }

  /// How often this was called before; initcode is worth machine code when it runs again.
  func countRun() -> Int {
    // Relaxed: a hint, nothing is ordered by it.
    runs.wrappingAdd(1, ordering: .relaxed).oldValue
  }
}
