// What `estuary inspect` tells about a file: its kind, tables, functions, syscalls and relocations, and the loader's
// or linker's objection if there is one. Tolerant where they are strict: whatever can be read is shown.
import CElf
import SBPF

package struct ELFSummary: Sendable {
  package enum Kind: Sendable, Equatable, CustomStringConvertible {
    case program(SBPFVersion)
    case object
    case other

    package var description: String {
      switch self {
      case .program(let version): "SBPF \(version) program"
      case .object: "relocatable eBPF object"
      case .other: "no SBPF file"
      }
    }
  }

  package struct Segment: Sendable {
    package var type: String
    /// Of `R`, `W`, `X`.
    package var flags: String
    package var address: UInt64
    package var offset: UInt64
    package var fileByteCount: UInt64
    package var memoryByteCount: UInt64
  }

  package struct Section: Sendable {
    package var name: String
    package var type: String
    /// Of `W` (writable), `A` (loaded), `X` (executable).
    package var flags: String
    package var address: UInt64
    package var offset: UInt64
    package var byteCount: UInt64
  }

  package struct Function: Sendable, Equatable {
    package var name: String
    /// Slot index in the program's code; in an object, in its section.
    package var pc: Int
    /// The object's section; nil in a program.
    package var section: String?
  }

  package private(set) var kind = Kind.other
  /// What the file is, SBPF or not.
  package let file: FileKind
  package private(set) var byteCount: Int
  package private(set) var flags: UInt32 = 0
  package private(set) var machine: UInt16 = 0
  package private(set) var type: UInt16 = 0
  package private(set) var entryAddress: UInt64 = 0
  /// nil if the file does not load, or is an object.
  package private(set) var entryPC: Int?
  /// Slots of code; in an object, of all code sections.
  package private(set) var slotCount = 0
  package private(set) var segments: [Segment] = []
  package private(set) var sections: [Section] = []
  /// By pc (objects: by section, then pc).
  package private(set) var functions: [Function] = []
  /// Names in alphabetical order; a hash that is no known syscall's appears as 0x….
  package private(set) var syscalls: [String] = []
  /// Relocations by kind, in order of their number.
  package private(set) var relocations: [(kind: String, count: Int)] = []
  /// The tables of translated EVM code; nil for anything else.
  package private(set) var wide: WideTables?
  /// Why the file would be refused, in words; nil if it would not.
  package private(set) var objection: String?

  /// - Parameter syscalls: by which names are found for hashes and unresolved symbols are judged.
  package init(_ bytes: [UInt8], syscalls registry: SyscallRegistry, options: LoaderOptions = .deployment) {
    byteCount = bytes.count
    file = FileKind(bytes)
    if let reader = bytes.withUnsafeBytes({ ELFReader($0) }) {
      readHeader(reader)
      readTables(reader)
      countRelocations(reader)
    }
    switch file.family {
    case .object: summarizeObject(bytes, registry)
    case .program: summarizeProgram(bytes, registry, options)
    case .foreignELF, .other:
      objection = "it is \(file), no program for SBPF" + (file.advice.map { ": \($0)" } ?? "")
    }
  }

  private mutating func readHeader(_ reader: ELFReader) {
    let header = reader.header
    (flags, machine, type, entryAddress) = (header.flags, header.machine, header.type, header.entry)
    if file.family == .object {
      kind = .object
    } else if file.family == .program, let version = SBPFVersion(rawValue: header.flags) {
      kind = .program(version)
    }
    for segment in reader.segments {
      segments.append(
        Segment(
          type: ELFSummary.segmentType(segment.p_type), flags: ELFSummary.segmentFlags(segment.p_flags),
          address: segment.p_vaddr, offset: segment.p_offset, fileByteCount: segment.p_filesz,
          memoryByteCount: segment.p_memsz))
    }
  }

  private mutating func readTables(_ reader: ELFReader) {
    for (index, section) in reader.sections.enumerated() {
      sections.append(
        Section(
          name: reader.name(ofSection: index) ?? "?", type: ELFSummary.sectionType(section.sh_type),
          flags: ELFSummary.sectionFlags(section.sh_flags), address: section.sh_addr,
          offset: section.sh_offset, byteCount: section.sh_size))
    }
  }

  private mutating func countRelocations(_ reader: ELFReader) {
    guard file.family == .program || file.family == .object else { return }
    var counts: [UInt32: Int] = [:]
    var left = byteCount  // only sections that overlap can hold more entries than this
    for (index, section) in reader.sections.enumerated() where section.sh_type == UInt32(SHT_REL) {
      guard UInt64(left) >= section.sh_size else { break }
      left -= Int(section.sh_size)
      for relocation in reader.relocations(inSection: index) ?? [] {
        counts[relocation.type, default: 0] += 1
      }
    }
    for type in counts.keys.sorted() {
      relocations.append((ELFSummary.relocationKind(type), counts[type] ?? 0))
    }
  }

  // MARK: Programs

  private mutating func summarizeProgram(
    _ bytes: [UInt8], _ registry: SyscallRegistry, _ options: LoaderOptions
  ) {
    var image: ProgramImage?
    do {
      image = try ELFLoader.load(bytes, syscalls: registry, options: options)
    } catch {
      objection = error.diagnosis
      // What execution would accept is still worth showing.
      image = try? ELFLoader.load(bytes, syscalls: SyscallRegistry(), options: .inspection)
    }
    guard let image else { return }
    entryPC = image.entryPC
    slotCount = image.slotCount
    let pcs = Set(image.functions.values).union(image.functionNames.keys).sorted()
    functions = pcs.map {
      Function(name: image.functionNames[$0] ?? "function_\($0)", pc: $0, section: nil)
    }
    syscalls = image.version.hasWideInstructions ? [] : ELFSummary.syscalls(of: image, registry)
    wide = image.wide
  }

  /// Every `call` that names no function of the program.
  private static func syscalls(of image: ProgramImage, _ registry: SyscallRegistry) -> [String] {
    var names: Set<String> = []
    let slots = EncodedInsn.slots(of: image.text)
    var pc = 0
    while pc < slots.count {
      let slot = slots[pc]
      pc += slot.opcode == 0x18 ? 2 : 1
      guard slot.opcode == 0x85 else { continue }
      let key = UInt32(bitPattern: slot.immediate)
      if image.version.hasStrictELF ? slot.source != 0 : image.functions[key] != nil { continue }
      names.insert(registry.index(ofKey: key).map { registry.entries[$0].name } ?? ELFError.hex(UInt64(key)))
    }
    return names.sorted()
  }

  // MARK: Objects

  private mutating func summarizeObject(_ bytes: [UInt8], _ registry: SyscallRegistry) {
    do throws(LinkError) {
      _ = try ObjectLinker.link(bytes, syscalls: registry)
    } catch {
      objection = error.description
    }
    guard let parsed = try? ObjectLinker.parse(bytes) else { return }
    slotCount = parsed.code.reduce(0) { $0 + $1.bytes.count / 8 }
    functions = parsed.functions.map {
      Function(name: $0.name, pc: Int($0.byteOffset / 8), section: parsed.code[$0.section].name)
    }
    let defined = Set(parsed.globals.map(\.name))
    var names: Set<String> = []
    for relocation in parsed.code.lazy.flatMap(\.relocations) {
      if case .named(let name) = relocation.target, !defined.contains(name) { names.insert(name) }
    }
    syscalls = names.sorted()
  }
}

// MARK: Names of numbers

extension ELFSummary {
  private static func segmentType(_ type: UInt32) -> String {
    switch type {
    case UInt32(PT_NULL): "NULL"
    case UInt32(PT_LOAD): "LOAD"
    case UInt32(PT_DYNAMIC): "DYNAMIC"
    case UInt32(PT_NOTE): "NOTE"
    case 0x6474_e551: "GNU_STACK"
    case 0x6474_e552: "GNU_RELRO"
    default: ELFError.hex(UInt64(type))
    }
  }

  private static func segmentFlags(_ flags: UInt32) -> String {
    [(PF_R, "R"), (PF_W, "W"), (PF_X, "X")].reduce("") { flags & UInt32($1.0) != 0 ? $0 + $1.1 : $0 }
  }

  private static func sectionType(_ type: UInt32) -> String {
    let names: [Int32: String] = [
      SHT_NULL: "NULL", SHT_PROGBITS: "PROGBITS", SHT_SYMTAB: "SYMTAB", SHT_STRTAB: "STRTAB",
      SHT_RELA: "RELA",
      SHT_HASH: "HASH", SHT_DYNAMIC: "DYNAMIC", SHT_NOTE: "NOTE", SHT_NOBITS: "NOBITS", SHT_REL: "REL",
      SHT_DYNSYM: "DYNSYM",
    ]
    return names[Int32(truncatingIfNeeded: type)] ?? ELFError.hex(UInt64(type))
  }

  private static func sectionFlags(_ flags: UInt64) -> String {
    let letters = [(SHF_WRITE, "W"), (SHF_ALLOC, "A"), (SHF_EXECINSTR, "X")]
    return letters.reduce("") { flags & UInt64($1.0) != 0 ? $0 + $1.1 : $0 }
  }

  private static func relocationKind(_ type: UInt32) -> String {
    switch type {
    case ELFRelocation.none: "R_BPF_NONE"
    case ELFRelocation.wideLoad: "R_BPF_64_64"
    case ELFRelocation.dataWord64: "R_BPF_64_ABS64"
    case ELFRelocation.dataWord32: "R_BPF_64_ABS32"
    case ELFRelocation.debugWord32: "R_BPF_64_NODYLD32"
    case ELFRelocation.relative: "R_BPF_64_RELATIVE"
    case ELFRelocation.call: "R_BPF_64_32"
    default: "type \(type)"
    }
  }
}
