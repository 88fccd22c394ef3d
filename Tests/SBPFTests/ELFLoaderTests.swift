// The loader's acceptance, tabled: valid files and what they become; files with one thing wrong and the error each
// gives, in the validators' words.
import Foundation
import Testing

@testable import Linking
@testable import SBPF

struct ELFLoaderTests {
  static let syscalls: SyscallRegistry = {
    var registry = SyscallRegistry()
    for name in ["sol_log_", "abort"] { registry.register(name) { _, _, _, _, _, _ in 0 } }
    return registry
  }()

  static func load(_ file: [UInt8], _ options: LoaderOptions = .deployment) throws(ELFError) -> ProgramImage {
    try ELFLoader.load(file, syscalls: syscalls, options: options)
  }

  static func words(_ file: [UInt8], _ options: LoaderOptions = .deployment) -> String {
    do throws(ELFError) {
      _ = try load(file, options)
      return "ok"
    } catch {
      return error.description
    }
  }

  // MARK: Valid files

  @Test(arguments: [SBPFVersion.v0, .v1, .v2])
  func lenientProgram(version: SBPFVersion) throws {
    var elf = TestELF.lenient()
    elf.flags = version.rawValue
    let image = try Self.load(elf.build())
    #expect(image.version == version)
    #expect(image.text == slot(0xb7) + exitSlot)
    #expect(image.textAddress == 0x1_0000_0040)
    #expect(image.rodataAddress == 0x1_0000_0000)
    #expect(image.rodata == [UInt8](repeating: 0, count: 64) + image.text + Array("constant".utf8))
    #expect(image.entryPC == 0)
    #expect(image.functions == [Murmur3.hash(Array("entrypoint".utf8)): 0])
  }

  @Test func strictProgram() throws {
    let image = try Self.load(TestELF.strict())
    #expect(image.version == .v3)
    #expect(image.text == slot(0xb7) + exitSlot)
    #expect(image.textAddress == 0x1_0000_0000)
    #expect(image.rodata == Array("constant".utf8))
    #expect(image.rodataAddress == 0)
    let bare = try Self.load(TestELF.strict(rodata: []))
    #expect(bare.text == image.text && bare.rodata.isEmpty)
    let second = try Self.load(patched(TestELF.strict(), 24, UInt64(0x1_0000_0008)))
    #expect(second.entryPC == 1)
    for machine: UInt16 in [0, 3, 62, 263] {
      #expect(
        Self.words(patched(TestELF.strict(), 18, machine)) == "Failed to parse ELF file: invalid file header")
    }
    for type: UInt16 in [0, 1, 2, 3, 9] { #expect(Self.words(patched(TestELF.strict(), 16, type)) == "ok") }
  }

  @Test func relativeCallsBecomeKeys() throws {
    // call +1; exit; mov; exit: the target is slot 2.
    let text = slot(0x85, src: 1, imm: 1) + exitSlot + slot(0xb7) + exitSlot
    var elf = TestELF.lenient(text)
    let image = try Self.load(elf.build())
    let key = Murmur3.key(ofPC: 2)
    #expect(image.functions[key] == 2)
    #expect(Array(image.text[4..<8]) == bytes(key))
    for imm: Int32 in [3, -2, .max, .min] {
      var broken = TestELF.lenient(slot(0x85, imm: imm) + exitSlot)
      #expect(Self.words(broken.build()) == "Relative jump out of bounds at instruction #0")
    }
  }

  @Test func syscallRelocation() throws {
    let text = slot(0x85, imm: -1) + exitSlot
    let image = try Self.load(TestELF.dynamic(text, [(0, 10, 1)]))
    #expect(Array(image.text[4..<8]) == bytes(Murmur3.hash(Array("sol_log_".utf8))))
    let unknown = TestELF.dynamic(text, [(0, 10, 1)], name: "sol_nothing_")
    #expect(
      Self.words(unknown) == "Unresolved symbol (sol_nothing_) at instruction #15 (ELF file offset 0x78)")
    #expect(Self.words(unknown, .execution) == "ok")
    #expect(
      Self.words(TestELF.dynamic(text, [(0, 10, 1)], name: String(repeating: "x", count: 64)))
        == "Unknown symbol with index 1")
  }

  /// What is looked at counts, whether there is a name or not.
  @Test(arguments: [0, 1, 100, 1024]) func namesAreReadWithinALimit(byteCount: Int) {
    for isTerminated in [false, true] {
      let bytes = [UInt8](repeating: 65, count: byteCount) + (isTerminated ? [0] : [])
      var names = FunctionNames()
      var count = 0
      bytes.withUnsafeBytes { window in
        while count < 1 << 20, names.add(count, window) { count += 1 }
      }
      #expect(count == FunctionNames.byteCountLimit / max(64, byteCount))
      #expect(names.byPC.count == (isTerminated && byteCount > 0 ? count : 0))
    }
    var names = FunctionNames()
    var isFull = false
    for pc in 0..<1 << 20 where !isFull { isFull = !names.add(pc, nil) }
    #expect(isFull)
  }

  @Test func functionRelocation() throws {
    let image = try Self.load(TestELF.dynamic(slot(0x85, imm: -1) + exitSlot, [(0, 10, 2)]))
    #expect(Array(image.text[4..<8]) == bytes(Murmur3.key(ofPC: 0)))
    #expect(image.functionNames[0] == "first")
  }

  @Test func addressRelocations() throws {
    let load = slot(0x18, dst: 1, imm: 4) + slot(0)
    let image = try Self.load(TestELF.dynamic(load + exitSlot, [(0, 1, 3)]))
    let rodata: UInt64 = 0x1_0000_0000 + 64 + 56 + 24
    #expect(Array(image.text[4..<8]) == bytes(UInt32(truncatingIfNeeded: rodata + 4)))
    #expect(Array(image.text[12..<16]) == bytes(UInt32(1)))
    let relative = try Self.load(TestELF.dynamic(load + exitSlot, [(0, 8, 0)]))
    #expect(
      Array(relative.text[4..<8]) == bytes(UInt32(4)) && Array(relative.text[12..<16]) == bytes(UInt32(1)))
    let zero = TestELF.dynamic(slot(0x18) + slot(0) + exitSlot, [(0, 8, 0)])
    #expect(Self.words(zero) == "Relocation failed, invalid referenced virtual address 0x0")
    // A data word keeps its address in the upper half; the loader moves it.
    let word = try Self.load(TestELF.dynamic(load + exitSlot, [(24, 8, 0)]))
    let stored = word.rodata[(64 + 56 + 24)...]
    #expect(Array(stored.prefix(8)) == bytes(0x1_0000_0000 + UInt64(0x746e_6174)))
  }

  @Test func brokenRelocations() {
    let text = slot(0x85, imm: -1) + exitSlot
    let cases: [(offset: UInt64, type: UInt32, symbol: UInt32, words: String)] = [
      (0, 10, 4, "Unknown symbol with index 4"),
      (0, 1, .max, "Unknown symbol with index 4294967295"),
      (0, 2, 1, "Relocation failed, unknown type 2"),
      (0, 99, 1, "Relocation failed, unknown type 99"),
      (1 << 40, 10, 1, "Offset or value is out of bounds"),
      (.max - 200, 10, 2, "Offset or value is out of bounds"),
      (.max - 200, 1, 3, "Offset or value is out of bounds"),
      (1 << 40, 8, 0, "Offset or value is out of bounds"),
    ]
    for test in cases {
      let file = TestELF.dynamic(text, [(test.offset, test.type, test.symbol)])
      #expect(Self.words(file) == test.words, "\(test)")
    }
  }

  @Test func laterSectionOverCode() throws {
    // .rodata laid over .text: what runs is the merged image. Deployment refuses it.
    var elf = TestELF.lenient(rodata: exitSlot)
    elf.sections[1].address = 64
    #expect(try Self.load(elf.build(), .execution).text == exitSlot + exitSlot)
    #expect(Self.words(elf.build()) == "Offset or value is out of bounds")
  }

  @Test func enabledVersions() {
    let options = LoaderOptions(rejectsBrokenELFs: true, enabledVersions: [.v0, .v2])
    let refusal = "Detected sbpf_version required by the executable which are not enabled"
    for (flags, words): (UInt32, String) in [(0, "ok"), (1, refusal), (2, "ok"), (3, refusal), (4, refusal)] {
      var elf = TestELF.lenient()
      elf.flags = flags
      #expect(Self.words(elf.build(), options) == words)
    }
    for flags: UInt32 in [4, 5, 0x20, .max] {
      #expect(Self.words(patched(TestELF.strict(), 48, flags)) == refusal)
    }
  }

  // MARK: One thing wrong

  @Test func lenientSections() {
    func with(_ change: (inout TestELF) -> Void) -> String {
      var elf = TestELF.lenient()
      change(&elf)
      return Self.words(elf.build())
    }
    let outOfBounds = "Offset or value is out of bounds"
    let textCount = "Multiple or no text sections, consider removing llc option: -function-sections"
    let cases: [(String, (inout TestELF) -> Void)] = [
      ("ok", { $0.sections[1].name = ".rodata.str1" }),
      ("ok", { $0.sections[1].name = ".data.rel.ro" }),
      ("ok", { $0.machine = 263 }),
      (textCount, { $0.sections[0].name = ".code" }),
      (textCount, { $0.sections[1].name = ".text" }),
      (
        "Found writable section (.bss) in ELF, read-write data not supported",
        { $0.sections[1].name = ".bss" }
      ),
      (
        "Found writable section (.data) in ELF, read-write data not supported",
        { ($0.sections[1].name, $0.sections[1].flags) = (".data", 3) }
      ),
      ("ok", { ($0.sections[1].name, $0.sections[1].flags) = (".data.rel.local", 3) }),
      (
        "Failed to parse ELF file: Section or symbol name `.rodata.far.too.` is longer than `16` bytes",
        { $0.sections[1].name = ".rodata.far.too.long" }
      ),
      ("Incompatible ELF: wrong machine", { $0.machine = 62 }),
      ("Incompatible ELF: wrong type", { $0.type = 2 }),
      ("Entrypoint out of bounds", { $0.entry = 0 }),
      ("Entrypoint out of bounds", { $0.entry = 80 }),
      ("Entrypoint out of bounds", { $0.entry = .max }),
      ("Invalid entrypoint", { $0.entry = 65 }),
      (
        outOfBounds,
        {
          $0.sections[0].address = 72
          $0.entry = 72
        }
      ),
      (
        outOfBounds,
        {
          $0.sections[0].address = 0x1_0000_0001
          $0.entry = 0x1_0000_0001
        }
      ),
      (
        outOfBounds,
        {
          $0.sections[0].address = .max - 8
          $0.entry = .max - 8
        }
      ),
      (outOfBounds, { $0.sections[1].address = 1 << 40 }),
      (
        "Failed to parse ELF file: invalid section header",
        {
          $0.sections.append(TestSection(name: ".strtab", type: 3))
          $0.sections.append($0.sections[2])
        }
      ),
    ]
    for (index, test) in cases.enumerated() { #expect(with(test.1) == test.0, "case \(index)") }
  }

  @Test func sectionTableFields() {
    var elf = TestELF.lenient()
    let file = elf.build()
    let table = Int(file[40]) | Int(file[41]) << 8
    let outOfBounds = "Offset or value is out of bounds"
    let cases: [(section: Int, field: Int, value: UInt64, words: String)] = [
      (1, 24, 0, "Failed to parse ELF file: values overlap"),
      (1, 24, UInt64(table), "Failed to parse ELF file: values overlap"),
      (1, 32, .max, outOfBounds),
      (1, 32, .max - 64, "Failed to parse ELF file: values overlap"),
      (2, 24, 64, "Failed to parse ELF file: sections not in ascending order"),
      (2, 32, 1 << 32, "Failed to parse ELF file: values overlap"),
      (3, 32, 0, "Failed to parse ELF file: Section or symbol name `` is longer than `16` bytes"),
      (0, 0, 0x1_0000_0000, "Failed to parse ELF file: invalid section header"),
    ]
    for test in cases {
      let broken = patched(file, table + 64 * test.section + test.field, test.value)
      #expect(Self.words(broken) == test.words, "\(test)")
    }
  }

  @Test func lenientHeaderFields() {
    var elf = TestELF.lenient()
    let file = elf.build()
    let header = "Failed to parse ELF file: invalid file header"
    let outOfBounds = "Offset or value is out of bounds"
    let cases: [(offset: Int, value: UInt8, words: String)] = [
      (0, 0, header), (4, 1, header), (5, 2, header), (6, 0, header), (7, 1, "Incompatible ELF: wrong ABI"),
      (20, 2, header), (52, 63, header), (54, 55, header), (58, 65, header), (62, 9, header),
      (62, 0, "Failed to parse ELF file: no section name string table found"),
      (62, 1, "Failed to parse ELF file: invalid section header"),
      (56, 1, "Failed to parse ELF file: values overlap"), (61, 0xff, outOfBounds), (47, 0xff, outOfBounds),
      (40, file[40] + 1, outOfBounds), (40, file[40] - 4, "Failed to parse ELF file: invalid alignment"),
    ]
    for test in cases {
      #expect(Self.words(patched(file, test.offset, test.value)) == test.words, "\(test)")
    }
  }

  @Test func strictFields() {
    let file = TestELF.strict()
    let header = "Failed to parse ELF file: invalid file header"
    let segment = "Invalid ELF program header"
    let cases: [(offset: Int, value: UInt64, words: String)] = [
      (8, 1, header), (32, 72, header), (24, 0, header), (24, 0x1_0000_0004, header),
      (24, 0x1_0000_0010, header),
      (24, .max - 7, header), (56, 0x0001, header), (56, 0, header), (56, 0xffff, header),
      (64, 0x4_0000_0002, segment), (64, 0x5_0000_0001, segment), (72, 0, segment), (80, 8, segment),
      (88, 8, segment), (96, 16, segment), (104, 16, segment), (96, 7, segment),
      (120, 0x4_0000_0001, segment),
      (128, 1 << 40, segment), (136, 0, segment), (144, 0, segment), (152, .max, segment),
      (160, 1 << 33, segment),
      (40, .max, "ok"), (58, .max, "ok"),
    ]
    for test in cases {
      let size = test.offset == 8 ? 1 : [56, 58].contains(test.offset) ? 2 : 8
      var broken = file
      broken.replaceSubrange(test.offset..<(test.offset + size), with: bytes(test.value).prefix(size))
      #expect(Self.words(broken) == test.words, "\(test)")
    }
  }

  // MARK: Anything goes wrong

  @Test func everyTruncation() {
    var lenient = TestELF.lenient()
    let dynamic = TestELF.dynamic(slot(0x85, imm: -1) + exitSlot, [(0, 10, 1)])
    for file in [lenient.build(), dynamic, TestELF.strict()] {
      for length in 0..<file.count {
        #expect(Self.words(Array(file.prefix(length))) != "ok", "\(length) of \(file.count) bytes")
      }
      #expect(Self.words(file) == "ok")
    }
  }

  @Test func everyByteCorrupted() {
    // No verdict is demanded but that there is one, and that deployment is no laxer than execution.
    var lenient = TestELF.lenient()
    let dynamic = TestELF.dynamic(slot(0x85, imm: -1) + exitSlot, [(0, 10, 1)])
    for file in [lenient.build(), dynamic, TestELF.strict()] {
      for offset in file.indices {
        for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] where file[offset] != value {
          let broken = patched(file, offset, value)
          let (deployed, executed) = (Self.words(broken), Self.words(broken, .execution))
          #expect(deployed != "ok" || executed == "ok", "byte \(offset) = \(value)")
          _ = ELFSummary(broken, syscalls: Self.syscalls)
        }
      }
    }
  }

  @Test func collisions() {
    // Two registers of one key with different targets: the entry's key belongs to the entry alone.
    var keys = FunctionKeys()
    #expect(throws: Never.self) { try keys.register(7, pc: 1, syscalls: Self.syscalls) }
    #expect(throws: ELFError.symbolHashCollision(key: 7)) {
      try keys.register(7, pc: 2, syscalls: Self.syscalls)
    }
    let taken = Murmur3.hash(Array("abort".utf8))
    #expect(throws: ELFError.symbolHashCollision(key: taken)) {
      try keys.register(taken, pc: 1, syscalls: Self.syscalls)
    }
    #expect(ELFError.symbolHashCollision(key: 0x1f).description == "Symbol hash collision 0x1f")
  }

  // MARK: Real programs

  static let benchFolder =
    (ProcessInfo.processInfo.environment["ESTUARY_VECTORS"] ?? "../shared/vectors")
    + "/sbpf/bench"
  static let programsFolder = ProcessInfo.processInfo.environment["ESTUARY_PROGRAMS"] ?? ""

  static func programs(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".so") }.sorted().map { folder + "/" + $0 }
  }

  @Test(.enabled(if: !programs(in: benchFolder).isEmpty, "no vectors"), arguments: programs(in: benchFolder))
  func benchmarkPrograms(path: String) throws {
    let file = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    let image = try Self.load(file)
    #expect(image.version == .v0 && image.entryPC == 0 && image.text.count % 8 == 0)
    _ = try Executable(image: image, syscalls: Self.syscalls)
  }

  @Test(
    .enabled(if: !programs(in: programsFolder).isEmpty, "no programs"),
    arguments: programs(in: programsFolder))
  func realPrograms(path: String) throws {
    let file = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    let image = try Self.load(file, .execution)
    _ = try Executable(image: image, syscalls: Self.syscalls)
    let summary = ELFSummary(file, syscalls: Self.syscalls, options: .execution)
    #expect(summary.objection == nil && summary.entryPC == image.entryPC)
    #expect(summary.functions.count >= image.functions.count - 1 && !summary.syscalls.isEmpty)
  }
}
