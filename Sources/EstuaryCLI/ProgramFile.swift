// A program's file as verbs take it: an executable, or an object of stock clang that is linked on the way. A file that
// is neither is refused by what it is.

import Linking
import Runtime
import SBPF

enum ProgramFile {
  /// The bytes of an SBPF program or an eBPF object.
  static func read(_ path: String) throws -> [UInt8] {
    let bytes = try WholeFile.read(path)
    let kind = FileKind(bytes)
    guard kind.family == .program || kind.family == .object else {
      throw CLIError.program(
        path: path, detail: "it is \(kind), no program for SBPF" + (kind.advice.map { ": \($0)" } ?? ""))
    }
    return bytes
  }

  static func executable(at path: String) throws -> [UInt8] {
    let bytes = try read(path)
    guard ObjectLinker.isObject(bytes) else { return bytes }
    return try link([(path, bytes)], version: .v3)
  }

  /// Refuses what could not run on a ledger, from where it is. Programs that stand on a chain already may call what new ones
  /// may not.
  static func checkRuns(_ elf: [UInt8], from source: String) throws {
    do throws(ProgramLoadError) {
      _ = try ProgramRunner.load(elf: elf, engine: .interpreter)
    } catch {
      throw CLIError.program(path: source, detail: error.diagnosis)
    }
  }

  /// The executable of objects, by path.
  static func executable(ofObjectsAt paths: [String], version: SBPFVersion) throws -> [UInt8] {
    try link(
      try paths.map { path in
        let bytes = try read(path)
        let kind = FileKind(bytes)
        guard kind.family == .object else {
          throw CLIError.program(
            path: path, detail: "it is \(kind), linked already: give objects of clang -target bpf -c")
        }
        return (path, bytes)
      }, version: version)
  }

  private static func link(
    _ objects: [(path: String, bytes: [UInt8])], version: SBPFVersion
  ) throws -> [UInt8] {
    do throws(LinkError) {
      return try ObjectLinker.link(
        objects.map { (name: $0.path, bytes: $0.bytes) }, version: version, syscalls: SyscallTable.registry(.all))
    } catch {
      var error = error
      let path = error.object ?? objects.map(\.path).joined(separator: "' and '")
      error.object = nil
      throw CLIError.program(path: path, detail: error.description)
    }
  }
}
