// Several objects as one program, tables of distances, functions that clang calls by itself, and what a file is.
// Objects are built here; those of a real clang are linked by Tools/oracle/check_link.py.
import Testing

@testable import Linking
@testable import SBPF

struct LinkingTests {
  private static let plain = slot(0xb7) + exitSlot

  /// `ELFObjectTests.object` with symbol 1 called `name`, of as many letters as "entrypoint", and with `binding` (1
  /// global, 2 weak).
  private static func named(
    _ name: String, _ text: [UInt8] = plain, binding: UInt8 = 1,
    relocations: [(offset: UInt64, type: UInt32, symbol: UInt32)] = []
  ) -> [UInt8] {
    ELFObjectTests.object(text, relocations: relocations) {
      $0.sections[6].contents.replaceSubrange(1..<11, with: Array(name.utf8))
      $0.sections[5].contents[28] = binding << 4 | 2
    }
  }

  private static func words(_ objects: [(name: String?, bytes: [UInt8])]) -> String {
    do throws(LinkError) {
      _ = try ObjectLinker.link(objects, syscalls: ELFLoaderTests.syscalls)
      return "ok"
    } catch {
      return error.description
    }
  }

  /// An object whose undefined function is called `name` (eight letters).
  private static func calling(_ name: String) -> [UInt8] {
    ELFObjectTests.object(slot(0x85, src: 1, imm: -1) + exitSlot, relocations: [(0, 10, 2)]) {
      $0.sections[6].contents.replaceSubrange(12..<20, with: Array(name.utf8))
    }
  }

  private static let memorySyscalls: SyscallRegistry = {
    var registry = SyscallRegistry()
    for name in ["sol_memmove_", "sol_memset_", "sol_memcmp_"] {
      registry.register(name) { _, _, _, _, _, _ in 0 }
    }
    return registry
  }()

  // MARK: Several objects

  @Test(arguments: SBPFVersion.classic)
  func namesResolveBetweenObjects(version: SBPFVersion) throws {
    // The first object calls what the second defines; its own undefined symbol has eight letters.
    let other = Self.named("otherpart\0", slot(0xb7, imm: 42) + exitSlot)
    let first = ELFObjectTests.object(slot(0x85, src: 1, imm: -1) + exitSlot, relocations: [(0, 10, 2)]) {
      $0.sections[6].contents.removeSubrange(12..<20)
      $0.sections[6].contents.insert(contentsOf: Array("otherpart".utf8), at: 12)
      // `helper` is a letter further on.
      $0.sections[5].contents[4 * 24] += 1
    }
    for order in [[("a.o", first), ("b.o", other)], [("b.o", other), ("a.o", first)]] {
      let file = try ObjectLinker.link(order.map { (name: $0.0, bytes: $0.1) }, version: version)
      let image = try ELFLoader.load(file, syscalls: ELFLoaderTests.syscalls, options: .deployment)
      let executable = try Executable(image: image, syscalls: ELFLoaderTests.syscalls)
      #expect(image.functionNames.values.contains("otherpart"))
      #expect(executable.functionNames[image.entryPC] == "entrypoint")
    }
  }

  @Test func whoDefinesWhat() {
    let entry = ELFObjectTests.object(Self.plain)
    #expect(Self.words([]) == "no object to link")
    #expect(
      Self.words([("a.o", entry), ("b.o", entry)]).contains("entrypoint is defined twice: in a.o and in b.o"))
    #expect(Self.words([("a.o", entry), ("a.o", entry)]).contains("a.o is given twice"))
    // A weak definition gives way, in either order; two weak ones do not quarrel.
    let weak = Self.named("entrypoint", slot(0xb7, imm: 1) + exitSlot, binding: 2)
    for objects in [
      [("a.o", entry), ("w.o", weak)], [("w.o", weak), ("a.o", entry)], [("w.o", weak), ("x.o", weak)],
    ] {
      #expect(Self.words(objects.map { (name: $0.0, bytes: $0.1) }) == "ok")
    }
    // An error inside one of several objects names it.
    let broken = Self.named("otherpart\0", slot(0xdb, dst: 1, src: 2) + exitSlot)
    #expect(
      Self.words([("a.o", entry), ("b.o", broken)]).hasPrefix(
        "b.o: in otherpart (.text+0x0): atomic operation"))
    #expect(Self.words([("a.o", entry), ("b.o", [1, 2, 3])]).hasPrefix("b.o: "))
    #expect(Self.words([("a.o", Self.named("otherpart\0"))]).contains("it has otherpart)"))
    let hidden = ELFObjectTests.object(Self.plain) { $0.sections[5].contents[28] = 2 }
    #expect(Self.words([("a.o", hidden)]).contains("entrypoint is static"))
  }

  // MARK: What clang calls by itself

  @Test(arguments: SBPFVersion.classic)
  func supportFunctionsAreLinkedIn(version: SBPFVersion) throws {
    for name in SupportFunction.names {
      let padded = Array(name.utf8) + [UInt8](repeating: 0, count: 8 - name.utf8.count)
      let object = Self.calling(String(decoding: padded, as: UTF8.self))
      let file = try ObjectLinker.link(object, version: version, syscalls: Self.memorySyscalls)
      let image = try ELFLoader.load(file, syscalls: Self.memorySyscalls, options: .deployment)
      #expect(image.functionNames.values.contains(name), "\(name)")
    }
  }

  @Test func trapsAbort() throws {
    let trap = ELFObjectTests.object(slot(0x85, src: 1, imm: -1) + exitSlot, relocations: [(0, 10, 2)]) {
      $0.sections[6].contents.removeSubrange(12..<20)
      $0.sections[6].contents.insert(contentsOf: Array("__bpf_trap".utf8), at: 12)
      $0.sections[5].contents[4 * 24] += 2
    }
    let image = try ELFObjectTests.image(trap, .v3)
    #expect(Array(image.text[4..<8]) == bytes(Murmur3.hash(Array("abort".utf8))))
  }

  @Test func undefinedFunctions() {
    let near = Self.words([(nil, Self.calling("sol_log\0"))])
    #expect(near.hasPrefix("in entrypoint (.text+0x0): undefined function sol_log: "), "\(near)")
    #expect(near.hasSuffix("did you mean sol_log_?"))
    #expect(Self.words([(nil, Self.calling("__multi3"))]).contains("an operation that eBPF lacks"))
    #expect(Self.words([(nil, Self.calling("snprintf"))]).contains("-fno-builtin"))
  }

  // MARK: Tables of distances (-fPIC)

  @Test(arguments: SBPFVersion.classic)
  func distances(version: SBPFVersion) throws {
    // Two words behind 4 bytes: the text's start as seen from the word, and 4 bytes further on.
    let data: [UInt8] = Array("text".utf8) + bytes(Int32(4)) + bytes(Int32(8 + 1))
    let object = ELFObjectTests.object(Self.plain, data: data, dataRelocations: [(4, 3, 3), (8, 3, 3)])
    let image = try ELFObjectTests.image(object, version)
    let start = try #require(
      (0...(image.rodata.count - 12)).first { Array(image.rodata[$0..<($0 + 4)]) == Array("text".utf8) })
    #expect(Array(image.rodata[(start + 4)..<(start + 8)]) == bytes(Int32(0)))  // 0 + 4 - 4
    #expect(Array(image.rodata[(start + 8)..<(start + 12)]) == bytes(Int32(1)))  // 0 + 9 - 8
  }

  // MARK: Sections that no program has

  @Test func kernelsAndConstructors() {
    func changed(_ change: (inout TestELF) -> Void) -> String {
      ELFObjectTests.words(ELFObjectTests.object(Self.plain, change: change))
    }
    let cases: [(String, (inout TestELF) -> Void)] = [
      ("BPF maps are the Linux kernel's", { ($0.sections[1].name, $0.sections[1].flags) = (".maps", 3) }),
      ("in section license: ", { ($0.sections[1].name, $0.sections[1].flags) = ("license", 3) }),
      ("nothing runs before", { ($0.sections[1].name, $0.sections[1].type) = (".init_array", 14) }),
      ("nothing runs before", { ($0.sections[1].name, $0.sections[1].flags) = (".ctors.7", 3) }),
    ]
    for (expected, change) in cases {
      let words = changed(change)
      #expect(words.contains(expected), "\(words)")
    }
  }

  // MARK: What a file is

  @Test func kindsOfFiles() {
    func elf(_ bits: UInt8, _ order: UInt8, type: UInt16, machine: UInt16) -> [UInt8] {
      var file = [0x7f, 0x45, 0x4c, 0x46, bits, order, 1] + [UInt8](repeating: 0, count: 57)
      let words = order == 1 ? [type, machine] : [type.byteSwapped, machine.byteSwapped]
      file.replaceSubrange(16..<20, with: words.flatMap { bytes($0) })
      file.replaceSubrange(20..<24, with: order == 1 ? [1, 0, 0, 0] : [0, 0, 0, 1])
      return file
    }
    let cases: [([UInt8], String, FileKind.Family)] = [
      ([], "an empty file", .other), (Array("#!/bin/sh\n".utf8), "a script (for /bin/sh)", .other),
      (Array("!<arch>\nx".utf8), "an archive of objects (ar)", .other),
      ([0xcf, 0xfa, 0xed, 0xfe, 7], "a Mach-O file (64-bit, macOS)", .other),
      ([0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], "a Mach-O file for several machines (macOS)", .other),
      ([0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 0x34], "a Java class file", .other),
      ([0x4d, 0x5a, 0x90], "a Windows program or library (PE)", .other),
      ([0, 0x61, 0x73, 0x6d, 1], "a WebAssembly module", .other),
      ([0x42, 0x43, 0xc0, 0xde], "LLVM bitcode", .other),
      (Array("{\"a\":1}".utf8), "JSON text", .other),
      (Array("0x60016001\n".utf8), "hexadecimal text", .other),
      (Array("int main;".utf8), "a text file", .other),
      ([1, 2, 3], "a file of unknown kind, no ELF file", .other),
      (elf(2, 1, type: 3, machine: 62), "an x86-64 shared object (64-bit little-endian ELF)", .foreignELF),
      (elf(2, 1, type: 2, machine: 183), "an AArch64 executable (64-bit little-endian ELF)", .foreignELF),
      (elf(1, 2, type: 1, machine: 8), "a MIPS relocatable object (32-bit big-endian ELF)", .foreignELF),
      (elf(2, 2, type: 1, machine: 247), "an eBPF relocatable object (64-bit big-endian ELF)", .foreignELF),
      (ELFObjectTests.object(Self.plain), "an eBPF relocatable object (64-bit little-endian ELF)", .object),
      (TestELF.strict(), "an eBPF shared object (64-bit little-endian ELF)", .program),
    ]
    for (file, description, family) in cases {
      let kind = FileKind(file)
      #expect(
        kind.description == description.replacing("an eBPF", with: "an eBPF") && kind.family == family,
        "\(kind)")
      #expect((kind.advice == nil) == (family == .program || family == .object))
    }
  }

  /// libelf is handed every damage; whatever comes back, nothing reads outside the file.
  @Test func damagedFilesAreDescribed() {
    let object = ELFObjectTests.object(Self.plain, relocations: [], data: Array("text".utf8))
    for length in stride(from: 0, to: object.count, by: 3) {
      _ = ELFSummary(Array(object.prefix(length)), syscalls: SyscallRegistry())
    }
    for offset in object.indices {
      for value: UInt8 in [0, 1, 0x7f, 0xff] {
        #expect(
          !ELFSummary(patched(object, offset, value), syscalls: SyscallRegistry()).file.description.isEmpty)
      }
    }
  }

  // MARK: Source lines

  @Test func linesOfBTF() throws {
    let strings = Array("\0.text\0program.c\0".utf8)
    let types =
      bytes(UInt16(0xeb9f)) + [1, 0] + bytes(UInt32(24)) + bytes(UInt32(0)) + bytes(UInt32(0))
      + bytes(UInt32(0))
      + bytes(UInt32(strings.count)) + strings
    func record(_ offset: UInt32, line: UInt32) -> [UInt8] {
      bytes(offset) + bytes(UInt32(7)) + bytes(UInt32(0)) + bytes(line << 10 | 3)
    }
    let records =
      bytes(UInt32(16)) + bytes(UInt32(1)) + bytes(UInt32(2)) + record(0, line: 12) + record(24, line: 14)
    let extensions =
      bytes(UInt16(0xeb9f)) + [1, 0] + bytes(UInt32(24)) + bytes(UInt32(0)) + bytes(UInt32(0))
      + bytes(UInt32(0))
      + bytes(UInt32(records.count)) + records
    let table = try #require(LineTable(types: types, extensions: extensions))
    #expect(table.line(section: ".text", offset: 0) == "program.c:12")
    #expect(table.line(section: ".text", offset: 16) == "program.c:12")
    #expect(table.line(section: ".text", offset: 24) == "program.c:14")
    #expect(table.line(section: ".other", offset: 24) == nil)
    // Any damage leaves the line out or gives another; it reads nothing outside.
    for offset in extensions.indices {
      for value: UInt8 in [0, 0xff] {
        _ = LineTable(types: types, extensions: patched(extensions, offset, value))?.line(
          section: ".text", offset: 8)
      }
    }
    for length in 0..<types.count {
      _ = LineTable(types: Array(types.prefix(length)), extensions: extensions)?.line(
        section: ".text", offset: 8)
    }
  }
}
