// A relocatable eBPF object as stock clang writes it (ET_REL, EM_BPF; relocation kinds:
// https://docs.kernel.org/bpf/llvm_reloc.html): its code sections, its read-only data, its functions, and
// what each relocation refers to. Everything a program cannot have (writable globals, thread-locals, common
// symbols) is refused here by name. Indices into `code` and `data` are ordinals of this type, not section
// indices of the file.
import CElf

struct RelocatableObject {
  /// Something an instruction or a data word refers to.
  enum Target: Equatable {
    case code(section: Int, byteOffset: UInt64)
    case data(section: Int, byteOffset: UInt64)
    case undefined(name: String)
  }

  struct Relocation {
    var offset: UInt64
    var type: UInt32
    /// The symbol's place, without the addend.
    var target: Target
  }

  struct Section {
    var name: String
    var bytes: [UInt8]
    var alignment: UInt64
    /// In ascending order of offset.
    var relocations: [Relocation] = []
  }

  struct Function {
    var name: String
    var section: Int
    var byteOffset: UInt64
    var byteCount: UInt64
    var isGlobal: Bool
  }

  private(set) var code: [Section] = []
  private(set) var data: [Section] = []
  /// By section, then offset.
  private(set) var functions: [Function] = []
  private(set) var entry: Function

  private enum Place {
    case code(Int)
    case data(Int)
    case ignored
  }

  /// Whether the file says that it is a relocatable object.
  package static func isObject(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= Int(ELFHeader.byteCount) else { return false }
    let header = ELFHeader(bytes)
    return header.identification[0..<4] == [0x7f, 0x45, 0x4c, 0x46] && header.type == UInt16(ET_REL)
  }

  init(_ source: UnsafeRawBufferPointer) throws(ELFError) {
    let reader = try ObjectReader(source)
    var code: [Section] = []
    var data: [Section] = []
    var places: [Place] = []
    for (index, header) in reader.sections.enumerated() {
      let name = try reader.sectionName(index)
      switch try RelocatableObject.kind(of: header, name: name, index: index, reader: reader) {
      case .code:
        places.append(.code(code.count))
        code.append(try reader.section(index, name: name))
      case .data:
        places.append(.data(data.count))
        data.append(try reader.section(index, name: name))
      case .ignored: places.append(.ignored)
      }
    }
    let symbols = try RelocatableObject.resolve(reader, places: places, code: code, data: data)
    for (index, header) in reader.sections.enumerated() {
      guard header.sh_type == UInt32(SHT_REL) || header.sh_type == UInt32(SHT_RELA) else { continue }
      guard places.indices.contains(Int(header.sh_info)) else { throw .invalidSectionHeader(index: index) }
      switch places[Int(header.sh_info)] {
      case .code(let ordinal):
        code[ordinal].relocations += try reader.relocations(index, of: code[ordinal], symbols: symbols)
      case .data(let ordinal):
        data[ordinal].relocations += try reader.relocations(index, of: data[ordinal], symbols: symbols)
      case .ignored: continue
      }
    }
    for ordinal in code.indices { code[ordinal].relocations.sort { $0.offset < $1.offset } }
    self.code = code
    self.data = data
    functions = try RelocatableObject.functions(reader, symbols: symbols)
    guard let entry = functions.first(where: { $0.name == "entrypoint" && $0.isGlobal }) else {
      let isOther = reader.symbols.indices.contains { reader.symbolName($0) == "entrypoint" }
      if isOther { throw .entrypointNotFunction(symbol: "entrypoint") }
      throw .noEntrypoint
    }
    self.entry = entry
  }

  private enum Kind { case code, data, ignored }

  private static func kind(
    of header: GElf_Shdr, name: String, index: Int, reader: ObjectReader
  ) throws(ELFError) -> Kind {
    guard header.sh_flags & UInt64(SHF_ALLOC) != 0, header.sh_size > 0 else { return .ignored }
    if header.sh_flags & UInt64(SHF_TLS) != 0 {
      throw .threadLocal(symbol: reader.firstSymbol(inSection: index) ?? name)
    }
    if header.sh_flags & UInt64(SHF_EXECINSTR) != 0 && header.sh_type == UInt32(SHT_PROGBITS) { return .code }
    let isRelocatedConstant = name == ".data.rel.ro" || name.hasPrefix(".data.rel.ro.")
    let isWritable = header.sh_flags & UInt64(SHF_WRITE) != 0 && !isRelocatedConstant
    if isWritable || header.sh_type == UInt32(SHT_NOBITS) {
      throw .writableGlobal(symbol: reader.firstSymbol(inSection: index) ?? name, section: name)
    }
    // Unwinding tables describe frames of another machine; notes are for other loaders.
    if name == ".eh_frame" || header.sh_type != UInt32(SHT_PROGBITS) { return .ignored }
    return .data
  }

  /// What each symbol of the table stands for; nil for files, sections that are left out, and absolute
  /// values.
  private static func resolve(
    _ reader: ObjectReader, places: [Place], code: [Section], data: [Section]
  ) throws(ELFError) -> [Target?] {
    var targets: [Target?] = []
    for (index, symbol) in reader.symbols.enumerated() {
      let name = reader.symbolName(index)
      if symbol.type == UInt8(STT_TLS) { throw .threadLocal(symbol: name) }
      switch Int(symbol.st_shndx) {
      case Int(SHN_UNDEF): targets.append(.undefined(name: name))
      case Int(SHN_COMMON): throw .commonSymbol(name)
      case Int(SHN_ABS): targets.append(nil)
      case let section where places.indices.contains(section):
        switch places[section] {
        case .code(let ordinal):
          try checkInside(symbol, name, byteCount: code[ordinal].bytes.count)
          targets.append(.code(section: ordinal, byteOffset: symbol.st_value))
        case .data(let ordinal):
          try checkInside(symbol, name, byteCount: data[ordinal].bytes.count)
          targets.append(.data(section: ordinal, byteOffset: symbol.st_value))
        case .ignored: targets.append(nil)
        }
      default: throw .invalidSymbol(name: name, why: "section index \(symbol.st_shndx) does not exist")
      }
    }
    return targets
  }

  private static func checkInside(_ symbol: GElf_Sym, _ name: String, byteCount: Int) throws(ELFError) {
    if symbol.st_value > UInt64(byteCount) {
      throw .invalidSymbol(name: name, why: "value \(ELFError.hex(symbol.st_value)) is outside its section")
    }
  }

  private static func functions(_ reader: ObjectReader, symbols: [Target?]) throws(ELFError) -> [Function] {
    var functions: [Function] = []
    var globals: Set<String> = []
    for (index, symbol) in reader.symbols.enumerated() {
      guard case .code(let section, let offset)? = symbols[index] else { continue }
      let isGlobal = symbol.binding != UInt8(STB_LOCAL)
      let name = reader.symbolName(index)
      guard symbol.type == UInt8(STT_FUNC) || isGlobal && symbol.type == UInt8(STT_NOTYPE) else { continue }
      if offset % 8 != 0 { throw .invalidSymbol(name: name, why: "does not start at an instruction") }
      if isGlobal && !globals.insert(name).inserted { throw .duplicateSymbol(name) }
      functions.append(
        Function(
          name: name, section: section, byteOffset: offset, byteCount: symbol.st_size, isGlobal: isGlobal))
    }
    return functions.sorted { ($0.section, $0.byteOffset, $0.name) < ($1.section, $1.byteOffset, $1.name) }
  }
}
