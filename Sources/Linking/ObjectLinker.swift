// `estuary link`: relocatable objects of stock clang become an SBPF executable that validators take, v3 (strict layout)
// by default, v0–v2 (lenient layout, calls of syscalls by dynamic relocation) on request. Addresses are final in the
// file; only syscalls, and a function whose first instruction calls itself, need the loader's help. Limits: no writable
// data, at most 4096 bytes of stack a function (compile with `-mllvm -bpf-stack-size=4096`).
import SBPF

package enum ObjectLinker {
  /// An account's data, and so a program, has at most 10 MiB.
  static let byteCountLimit: UInt64 = 10 << 20

  /// Whether the file says that it is a relocatable object of eBPF, which `link` takes and loaders refuse.
  package static func isObject(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { RelocatableObject.isObject($0) }
  }

  /// Writes the executable; thread-safe, and the same bytes each time.
  ///
  /// - Parameter syscalls: if given, an undefined function that is none of them is refused by name.
  package static func link(
    _ object: [UInt8], version: SBPFVersion = .v3, syscalls: SyscallRegistry? = nil
  ) throws(LinkError) -> [UInt8] {
    try link([(nil, object)], version: version, syscalls: syscalls)
  }

  /// Writes one executable of several objects, in their order; thread-safe, and the same bytes each time.
  ///
  /// - Parameters:
  ///   - objects: with the names that errors call them by.
  ///   - syscalls: if given, an undefined function that is none of them is refused by name.
  package static func link(
    _ objects: [(name: String?, bytes: [UInt8])], version: SBPFVersion = .v3, syscalls: SyscallRegistry? = nil
  ) throws(LinkError) -> [UInt8] {
    guard !version.hasWideInstructions else { throw LinkError(.unsupportedVersion(version)) }
    var read: [(name: String?, object: RelocatableObject)] = []
    for (name, bytes) in objects {
      do throws(LinkError) {
        read.append((name, try parse(bytes)))
      } catch {
        throw LinkError(error.reason, at: error.place, in: name)
      }
    }
    let linked = try LinkedObjects(read) { name in
      syscalls?.index(ofKey: Murmur3.hash(Array(name.utf8))) != nil
    }
    let program = try Linkage(linked, version: version, syscalls: syscalls).program()
    let file =
      version.hasStrictELF ? try ExecutableWriter.strict(program) : try ExecutableWriter.lenient(program)
    try check(file, version: version, syscalls: syscalls)
    return file
  }

  /// Writes an image of a version with the strict layout (what the assembler makes) as an executable.
  package static func executable(_ image: ProgramImage) throws(LinkError) -> [UInt8] {
    precondition(image.version.hasStrictELF, "an image of the lenient versions needs its relocations")
    return try ExecutableWriter.strict(
      LinkedProgram(
        version: image.version, text: image.text, rodata: image.wide?.encoded ?? image.rodata,
        entryPC: image.entryPC))
  }

  static func parse(_ bytes: [UInt8]) throws(LinkError) -> RelocatableObject {
    let result = bytes.withUnsafeBytes { buffer -> Result<RelocatableObject, LinkError> in
      do throws(LinkError) { return .success(try RelocatableObject(buffer)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Never hands out a file that would be refused (two functions with one hash, for instance).
  private static func check(
    _ file: [UInt8], version: SBPFVersion, syscalls: SyscallRegistry?
  ) throws(LinkError) {
    let image: ProgramImage
    do throws(ELFError) {
      image = try ELFLoader.load(
        file, syscalls: syscalls ?? SyscallRegistry(), options: syscalls == nil ? .execution : .deployment)
    } catch {
      throw LinkError(.refusedByLoader(error))
    }
    do throws(VerifierError) { try Verifier.verify(text: image.text, version: version) } catch {
      throw LinkError(.refusedByVerifier(error))
    }
  }
}

/// An executable's contents, every address final.
struct LinkedProgram {
  struct Function {
    var name: String
    var pc: Int
    var slotCount: Int
    var isGlobal: Bool
  }

  /// A `call -1` that the lenient loader completes.
  struct DynamicCall {
    var pc: Int
    var name: String
    /// Slot index of the callee; nil: a syscall.
    var function: Int?
  }

  var version: SBPFVersion
  var text: [UInt8] = []
  var rodata: [UInt8] = []
  /// A power of two, at least 8.
  var rodataAlignment: UInt64 = 8
  var entryPC = 0
  var functions: [Function] = []
  var calls: [DynamicCall] = []
}
