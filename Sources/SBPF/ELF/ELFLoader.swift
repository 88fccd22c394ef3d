// From a program's file to its image. Two loaders behind one door, chosen by e_flags: the lenient one (v0–v2:
// sections, relocations, calls by hash) and the strict one (v3 and wide: two segments, nothing to relocate;
// SIMD-0189). Acceptance and wording follow the validators' loader (https://github.com/anza-xyz/sbpf,
// src/elf.rs, 0.21).
import CElfTypes

/// How an ELF is judged.
package struct LoaderOptions: Sendable {
  /// Deployment refuses what execution has always let pass: unknown syscalls, sections away from their
  /// offsets.
  package var rejectsBrokenELFs: Bool
  /// Versions that may run; mainnet's feature set enables all four of Solana's.
  package var enabledVersions: Set<SBPFVersion>

  package init(rejectsBrokenELFs: Bool, enabledVersions: Set<SBPFVersion> = Set(SBPFVersion.classic)) {
    self.rejectsBrokenELFs = rejectsBrokenELFs
    self.enabledVersions = enabledVersions
  }

  /// As the upgradeable loader judges a program that is being deployed.
  package static let deployment = LoaderOptions(rejectsBrokenELFs: true)
  /// As the program cache judges a program that is on chain already.
  package static let execution = LoaderOptions(rejectsBrokenELFs: false)
  /// Translated EVM code and nothing else: its gas and stack checks are emitted code, which a file written by
  /// hand could leave out, so no ledger takes it.
  package static let wide = LoaderOptions(rejectsBrokenELFs: true, enabledVersions: [.wide])
  /// Whatever can be shown to people; nothing loaded this way may run.
  package static let inspection = LoaderOptions(
    rejectsBrokenELFs: false, enabledVersions: Set(SBPFVersion.allCases))
}

package enum ELFLoader {
  /// Guest address at which the program's bytes are mapped (and the distance between regions).
  package static let programAddress: UInt64 = 0x1_0000_0000
  static let stackAddress: UInt64 = 0x2_0000_0000
  private static let flagsOffset = 48

  /// Reads an executable; thread-safe.
  ///
  /// - Parameter syscalls: what an unresolved symbol may name, and what a function's key must not collide with.
  package static func load(
    _ bytes: [UInt8], syscalls: SyscallRegistry, options: LoaderOptions
  ) throws(ELFError) -> ProgramImage {
    let result = bytes.withUnsafeBytes { buffer -> Result<ProgramImage, ELFError> in
      do throws(ELFError) {
        return .success(try load(buffer, syscalls: syscalls, options: options))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Reads an executable from memory that stays as it is during the call; nothing of it is kept.
  package static func load(
    _ bytes: UnsafeRawBufferPointer, syscalls: SyscallRegistry, options: LoaderOptions
  ) throws(ELFError) -> ProgramImage {
    guard bytes.count >= flagsOffset + 4 else {
      throw .outOfBounds(what: "e_flags in a file of this many bytes", value: UInt64(bytes.count))
    }
    let flags = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: flagsOffset, as: UInt32.self))
    guard let version = SBPFVersion(rawValue: flags), options.enabledVersions.contains(version) else {
      throw .unsupportedVersion(flags: flags)
    }
    if version.hasStrictELF {
      return try loadStrict(bytes, version: version)
    }
    return try loadLenient(bytes, version: version, syscalls: syscalls, options: options)
  }
}
