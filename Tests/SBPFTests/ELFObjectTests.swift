// The linker of relocatable objects: what each SBPF version makes of an instruction, and what is refused with its
// name. Objects are built here; those of a real clang are linked by Tools/oracle/check_link.py.
import Testing

@testable import Linking
@testable import SBPF

struct ELFObjectTests {
  /// Symbols: 1 `entrypoint` at slot 0 of .text, 2 `sol_log_` undefined, 3 .rodata, 4 `helper` at .text.helper.
  static func object(
    _ text: [UInt8], relocations: [(offset: UInt64, type: UInt32, symbol: UInt32)] = [],
    data: [UInt8] = Array("text".utf8),
    dataRelocations: [(offset: UInt64, type: UInt32, symbol: UInt32)] = [],
    change: (inout TestELF) -> Void = { _ in }
  ) -> [UInt8] {
    func entries(_ list: [(offset: UInt64, type: UInt32, symbol: UInt32)]) -> [UInt8] {
      list.flatMap { bytes($0.offset) + bytes(UInt64($0.symbol) << 32 | UInt64($0.type)) }
    }
    var strings: [UInt8] = [0]
    var symbols = [UInt8](repeating: 0, count: 24)
    let table: [(String, UInt8, UInt16)] = [
      ("entrypoint", 0x12, 1), ("sol_log_", 0x10, 0), ("", 3, 2), ("helper", 2, 3),
    ]
    for (name, info, section) in table {
      symbols += TestELF.symbol(
        name: name.isEmpty ? 0 : UInt32(strings.count), info: info, section: section, value: 0)
      if !name.isEmpty { strings += Array(name.utf8) + [0] }
    }
    var elf = TestELF(type: 1, entry: 0)
    elf.sections = [
      TestSection(name: ".text", type: 1, flags: 6, address: 0, contents: text),
      TestSection(name: ".rodata", type: 1, flags: 2, address: 0, contents: data),
      TestSection(
        name: ".text.helper", type: 1, flags: 6, address: 0, contents: slot(0xb7, imm: 7) + exitSlot),
      TestSection(name: ".rel.text", type: 9, contents: entries(relocations), link: 6, info: 1),
      TestSection(name: ".rel.rodata", type: 9, contents: entries(dataRelocations), link: 6, info: 2),
      TestSection(name: ".symtab", type: 2, contents: symbols, link: 7, info: 1),
      TestSection(name: ".strtab", type: 3, contents: strings, alignment: 1),
    ]
    change(&elf)
    return elf.build()
  }

  static func image(_ object: [UInt8], _ version: SBPFVersion) throws -> ProgramImage {
    let file = try ObjectLinker.link(object, version: version, syscalls: ELFLoaderTests.syscalls)
    return try ELFLoader.load(file, syscalls: ELFLoaderTests.syscalls, options: .deployment)
  }

  static func words(_ object: [UInt8], _ version: SBPFVersion = .v3) -> String {
    do throws(LinkError) {
      _ = try ObjectLinker.link(object, version: version, syscalls: ELFLoaderTests.syscalls)
      return "ok"
    } catch {
      return error.description
    }
  }

  // MARK: What is written

  /// clang's instruction, and what v0, v1, v2 and v3 have for it.
  static let lowerings: [(name: String, from: [UInt8], to: [[UInt8]])] = {
    func same(_ code: [UInt8], v2: [UInt8]) -> [[UInt8]] { [code, code, v2, code] }
    let load = slot(0x18, dst: 1, imm: 5) + slot(0, imm: 6)
    let extended = slot(0x0c, dst: 1, src: 2) + slot(0xbc, dst: 1, src: 1)
    let narrowed = slot(0x0c, dst: 1, src: 2) + slot(0x54, dst: 1, imm: 255)
    return [
      ("add64", slot(0x0f, dst: 1, src: 2), same(slot(0x0f, dst: 1, src: 2), v2: slot(0x0f, dst: 1, src: 2))),
      ("add32", slot(0x0c, dst: 1, src: 2), same(extended, v2: slot(0x0c, dst: 1, src: 2))),
      ("add32, and32", narrowed, same(narrowed, v2: narrowed)),
      ("lddw", load, same(load, v2: slot(0xb4, dst: 1, imm: 5) + slot(0xf7, dst: 1, imm: 6))),
      ("mul64", slot(0x27, dst: 1, imm: 3), same(slot(0x27, dst: 1, imm: 3), v2: slot(0x96, dst: 1, imm: 3))),
      ("div32", slot(0x3c, dst: 1, src: 2), same(slot(0x3c, dst: 1, src: 2), v2: slot(0x4e, dst: 1, src: 2))),
      ("mod64", slot(0x9f, dst: 1, src: 2), same(slot(0x9f, dst: 1, src: 2), v2: slot(0x7e, dst: 1, src: 2))),
      ("neg64", slot(0x87, dst: 1), same(slot(0x87, dst: 1), v2: slot(0x17, dst: 1))),
      (
        "sub64", slot(0x17, dst: 1, imm: 9), same(slot(0x17, dst: 1, imm: 9), v2: slot(0x07, dst: 1, imm: -9))
      ),
      (
        "mov32", slot(0xbc, dst: 1, src: 2),
        same(slot(0xbc, dst: 1, src: 2), v2: slot(0xbf, dst: 1, src: 2) + slot(0x54, dst: 1, imm: -1))
      ),
      (
        "le16", slot(0xd4, dst: 1, imm: 16),
        same(slot(0xd4, dst: 1, imm: 16), v2: slot(0x54, dst: 1, imm: 0xffff))
      ),
      (
        "ldxw", slot(0x61, dst: 1, src: 2, off: 4),
        same(slot(0x61, dst: 1, src: 2, off: 4), v2: slot(0x8c, dst: 1, src: 2, off: 4))
      ),
      (
        "stxdw", slot(0x7b, dst: 1, src: 2, off: 8),
        same(slot(0x7b, dst: 1, src: 2, off: 8), v2: slot(0x9f, dst: 1, src: 2, off: 8))
      ),
      (
        "callx", slot(0x8d, dst: 3),
        [slot(0x8d, imm: 3), slot(0x8d, imm: 3), slot(0x8d, src: 3), slot(0x8d, dst: 3)]
      ),
    ]
  }()

  @Test(arguments: lowerings.indices)
  func lowering(index: Int) throws {
    let test = Self.lowerings[index]
    for version in SBPFVersion.classic {
      let image = try Self.image(Self.object(test.from + exitSlot), version)
      let expected = test.to[Int(version.rawValue)] + exitSlot
      #expect(Array(image.text.prefix(expected.count)) == expected, "\(test.name) in \(version)")
    }
  }

  @Test(arguments: SBPFVersion.classic)
  func referencesResolve(version: SBPFVersion) throws {
    // lddw r1, .rodata+2; call sol_log_; call helper; exit
    let text =
      slot(0x18, dst: 1, imm: 2) + slot(0) + slot(0x85, src: 1, imm: -1) + slot(0x85, src: 1, imm: -1)
    let object = Self.object(text + exitSlot, relocations: [(0, 1, 3), (16, 10, 2), (24, 10, 4)])
    let image = try Self.image(object, version)
    func word(_ slot: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(image.text[slot * 8 + 4 + $1]) << (8 * $1) }
    }
    let address = UInt64(word(1)) << 32 | UInt64(word(0))
    let offset = Int(address - image.rodataAddress)
    #expect(Array(image.rodata[offset..<(offset + 2)]) == Array("xt".utf8))
    #expect(address != 0)
    #expect(word(2) == Murmur3.hash(Array("sol_log_".utf8)))
    #expect(version == .v3 ? word(3) == 1 : image.functions[word(3)] == 5)
    #expect(image.functionNames[5] == "helper" && image.functionNames[0] == "entrypoint")
  }

  @Test(arguments: SBPFVersion.classic)
  func functionPointersInData(version: SBPFVersion) throws {
    let data = [UInt8](repeating: 0, count: 8)
    let image = try Self.image(
      Self.object(slot(0xb7) + exitSlot, data: data, dataRelocations: [(0, 2, 4)]), version)
    let stored = bytes(image.textAddress + 16)
    #expect((0...(image.rodata.count - 8)).contains { Array(image.rodata[$0..<($0 + 8)]) == stored })
  }

  @Test func framesOfManualVersions() throws {
    // The entry calls itself and uses its frame: below v0's moving r10 each call takes room; jumps miss the prologue.
    let text = slot(0x7a, dst: 10, off: -8) + slot(0x05, off: -2) + slot(0x85, src: 1, imm: -3) + exitSlot
    let prologue = slot(0x07, dst: 10, imm: -4096)
    for version: SBPFVersion in [.v1, .v2] {
      let image = try Self.image(Self.object(text), version)
      #expect(Array(image.text.prefix(8)) == prologue)
      #expect(Array(image.text[16..<24]) == slot(0x05, off: -2))
    }
    for version: SBPFVersion in [.v0, .v3] {
      #expect(
        try Array(Self.image(Self.object(text), version).text.prefix(8)) == slot(0x7a, dst: 10, off: -8))
    }
  }

  @Test func callOfItself() throws {
    // Its displacement is the -1 that means "relocate me" below v3.
    for version in SBPFVersion.classic {
      let image = try Self.image(Self.object(slot(0x85, src: 1, imm: -1) + exitSlot), version)
      let key: UInt32 = version == .v3 ? .max : Murmur3.key(ofPC: 0)
      #expect(Array(image.text[4..<8]) == bytes(key), "\(version)")
    }
  }

  // MARK: What is refused

  @Test func instructionsSBPFLacks() {
    let cases: [([UInt8], String)] = [
      (slot(0xdb, dst: 1, src: 2), "atomic operation"), (slot(0xc3, dst: 1, src: 2), "atomic operation"),
      (slot(0x3f, dst: 1, src: 2, off: 1), "signed division"),
      (slot(0x97, dst: 1, off: 1, imm: 3), "signed remainder"),
      (slot(0xbf, dst: 1, src: 2, off: 8), "sign-extending move"), (slot(0xd7, dst: 1, imm: 16), "byte swap"),
      (slot(0x91, dst: 1, src: 2), "sign-extending load"), (slot(0x20), "packet load"),
      (slot(0x06, imm: 1), "32-bit-offset jump"), (slot(0x85, imm: 5), "call of kernel helper 5"),
      (slot(0xe5), "unknown jump"), (slot(0xff), "unknown arithmetic"),
      (slot(0xb7, dst: 11), "register above r10"),
      (slot(0x18, src: 1) + slot(0), "64-bit load of a map"), (slot(0x18), "half of a 64-bit load"),
    ]
    for (code, words) in cases {
      let text = Self.words(Self.object(slot(0xb7) + code + exitSlot))
      #expect(text.contains(words) && text.contains(".text+0x8"), "\(text)")
    }
    let comparison = Self.object(slot(0x56, dst: 1, imm: 1) + exitSlot)
    #expect(Self.words(comparison) == "ok")
    for version: SBPFVersion in [.v0, .v1, .v2] {
      #expect(Self.words(comparison, version).contains("JMP32"), "\(version)")
    }
  }

  @Test func sectionsAndSymbols() {
    let plain = slot(0xb7) + exitSlot
    func changed(_ change: (inout TestELF) -> Void) -> String {
      Self.words(Self.object(plain, change: change))
    }
    let cases: [(String, (inout TestELF) -> Void)] = [
      ("ok", { _ in }),
      (
        "writable global .data in section .data",
        { ($0.sections[1].name, $0.sections[1].flags) = (".data", 3) }
      ),
      ("writable global .bss in section .bss", { ($0.sections[1].name, $0.sections[1].type) = (".bss", 8) }),
      ("thread-local .rodata", { $0.sections[1].flags = 0x402 }),
      ("common symbol sol_log_", { $0.sections[5].contents.replaceSubrange(54..<56, with: [0xf2, 0xff]) }),
      ("no function named entrypoint", { $0.sections[6].contents[1] = 0x45 }),
      ("entrypoint is not a function", { $0.sections[5].contents.replaceSubrange(30..<32, with: [2, 0]) }),
      (
        "section index 200 does not exist",
        { $0.sections[5].contents.replaceSubrange(30..<32, with: [200, 0]) }
      ),
      ("is outside its section", { $0.sections[5].contents.replaceSubrange(32..<36, with: [0, 1, 0, 0]) }),
      ("wrong machine", { $0.machine = 62 }),
      ("wrong type", { $0.type = 3 }),
      ("invalid section header", { $0.sections[5].link = 99 }),
      ("invalid section header", { $0.sections[3].info = 99 }),
      ("invalid size", { $0.sections[0].contents.removeLast() }),
      ("invalid size", { $0.sections[5].contents.removeLast() }),
      ("the linked program would be refused", { $0.sections[0].contents = slot(0x37, dst: 1) + exitSlot }),
    ]
    for (index, test) in cases.enumerated() {
      let words = changed(test.1)
      #expect(words.contains(test.0), "case \(index): \(words)")
    }
  }

  @Test func relocationsOutOfRange() {
    let text = slot(0x85, src: 1, imm: -1) + slot(0x18, dst: 1) + slot(0) + exitSlot
    let cases: [(offset: UInt64, type: UInt32, symbol: UInt32, words: String)] = [
      (0, 10, 2, "ok"), (0, 10, 3, "call of data"), (0, 10, 99, "Unknown symbol"),
      (4, 10, 2, "not at an instruction"),
      (0, 1, 2, "relocation type 1"), (8, 10, 2, "relocation type 10"),
      (8, 1, 2, "undefined symbol sol_log_"),
      (.max, 10, 2, "outside the section"), (1 << 33, 1, 3, "outside the section"),
      (0, 77, 2, "relocation type 77"),
    ]
    for test in cases {
      let object = Self.object(text, relocations: [(test.offset, test.type, test.symbol)])
      let words = Self.words(object)
      #expect(test.words == "ok" ? words == "ok" : words.contains(test.words), "\(test): \(words)")
    }
    let far = Self.object(slot(0x18, dst: 1, imm: 5) + slot(0) + exitSlot, relocations: [(0, 1, 3)])
    #expect(Self.words(far).contains("points outside its section"))
    let word = Self.object(slot(0xb7) + exitSlot, dataRelocations: [(0, 2, 3)])
    #expect(Self.words(word).contains("outside the section"))
    let narrow = Self.object(slot(0xb7) + exitSlot, data: [0, 0, 0, 0], dataRelocations: [(0, 3, 4)])
    #expect(Self.words(narrow).contains("32-bit distance to code"))
    #expect(Self.words(Self.object(slot(0x05, off: 9) + exitSlot)).contains("leaves its section"))
    let unknown = Self.object(slot(0x85, src: 1, imm: -1) + exitSlot, relocations: [(0, 10, 2)]) {
      $0.sections[6].contents[12] = 0x78
    }
    #expect(Self.words(unknown).contains("undefined function xol_log_"))
  }

  @Test func everyTruncationAndByte() {
    let text = slot(0x18, dst: 1, imm: 2) + slot(0) + slot(0x85, src: 1, imm: -1) + exitSlot
    let object = Self.object(text, relocations: [(0, 1, 3), (16, 10, 2)], dataRelocations: [])
    for length in 0..<object.count {
      #expect(Self.words(Array(object.prefix(length))) != "ok", "\(length) bytes")
    }
    for offset in object.indices {
      for value: UInt8 in [0, 1, 0x80, 0xff] where object[offset] != value {
        let broken = patched(object, offset, value)
        for version: SBPFVersion in [.v0, .v3] {
          guard let file = try? ObjectLinker.link(broken, version: version) else { continue }
          #expect(throws: Never.self) {
            try ELFLoader.load(file, syscalls: SyscallRegistry(), options: .execution)
          }
        }
      }
    }
  }
}
