// One relocatable eBPF object as stock clang writes it (ET_REL, EM_BPF; relocation kinds:
// https://docs.kernel.org/bpf/llvm_reloc.html): its code sections, its read-only data, its functions, and what each
// relocation refers to. Everything a program cannot have (writable globals, thread-locals, common symbols, maps,
// constructors) is refused here by name. Indices into `code` and `data` are ordinals of this type, not section indices
// of the file.
import CElf
import SBPF

struct RelocatableObject {
  /// Something an instruction or a data word refers to.
  enum Target: Equatable {
    case code(section: Int, byteOffset: UInt64)
    case data(section: Int, byteOffset: UInt64)
    /// Another object's, a syscall, or a weak symbol of this object, which another's may replace.
    case named(String)
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

  /// What other objects can refer to.
  struct Global {
    var name: String
    var target: Target
    var isWeak: Bool
  }

  private(set) var code: [Section] = []
  private(set) var data: [Section] = []
  /// By section, then offset.
  private(set) var functions: [Function] = []
  private(set) var globals: [Global] = []
  private(set) var lines: LineTable?

  private enum Place {
    case code(Int)
    case data(Int)
    case ignored
  }

  /// Whether the file says that it is a relocatable object of eBPF.
  static func isObject(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= Int(ELFHeader.byteCount) else { return false }
    let header = ELFHeader(bytes)
    return header.identification[0..<4] == [0x7f, 0x45, 0x4c, 0x46] && header.type == UInt16(ET_REL)
      && header.machine == ELFMachine.bpf
  }

  init(_ source: UnsafeRawBufferPointer) throws(LinkError) {
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
      guard places.indices.contains(Int(header.sh_info)) else {
        throw LinkError(.malformed(.invalidSectionHeader(index: index)))
      }
      let targets = symbols.map(\.referred)
      switch places[Int(header.sh_info)] {
      case .code(let ordinal):
        code[ordinal].relocations += try reader.relocations(index, of: code[ordinal], symbols: targets)
      case .data(let ordinal):
        data[ordinal].relocations += try reader.relocations(index, of: data[ordinal], symbols: targets)
      case .ignored: continue
      }
    }
    for ordinal in code.indices { code[ordinal].relocations.sort { $0.offset < $1.offset } }
    self.code = code
    self.data = data
    functions = try RelocatableObject.functions(reader, symbols: symbols)
    globals = reader.symbols.indices.compactMap { index in
      guard reader.symbols[index].binding != UInt8(STB_LOCAL), let target = symbols[index].defined else {
        return nil
      }
      let isWeak = reader.symbols[index].binding == UInt8(STB_WEAK)
      return Global(name: reader.symbolName(index), target: target, isWeak: isWeak)
    }
    lines = LineTable(types: reader.contents(named: ".BTF"), extensions: reader.contents(named: ".BTF.ext"))
  }

  /// An object of one function, written here (`SupportFunction`).
  init(function name: String, code bytes: [UInt8], calls: [(offset: UInt64, name: String)]) {
    let relocations = calls.map {
      Relocation(offset: $0.offset, type: ELFRelocation.call, target: .named($0.name))
    }
    code = [Section(name: ".text.\(name)", bytes: bytes, alignment: 8, relocations: relocations)]
    let function = Function(
      name: name, section: 0, byteOffset: 0, byteCount: UInt64(bytes.count), isGlobal: true)
    functions = [function]
    globals = [Global(name: name, target: .code(section: 0, byteOffset: 0), isWeak: true)]
  }

  // MARK: Sections

  private enum Kind { case code, data, ignored }

  private static func kind(
    of header: GElf_Shdr, name: String, index: Int, reader: ObjectReader
  ) throws(LinkError) -> Kind {
    guard header.sh_flags & UInt64(SHF_ALLOC) != 0, header.sh_size > 0 else { return .ignored }
    let symbol = reader.firstSymbol(inSection: index) ?? name
    if header.sh_flags & UInt64(SHF_TLS) != 0 { throw LinkError(.threadLocal(symbol: symbol)) }
    if isConstructorTable(header, name) {
      throw LinkError(.constructor(function: reader.firstRelocated(inSection: index), section: name))
    }
    if header.sh_flags & UInt64(SHF_EXECINSTR) != 0 && header.sh_type == UInt32(SHT_PROGBITS) { return .code }
    let isRelocatedConstant = name == ".data.rel.ro" || name.hasPrefix(".data.rel.ro.")
    let isWritable = header.sh_flags & UInt64(SHF_WRITE) != 0 && !isRelocatedConstant
    if name == ".maps" || name == "maps" { throw LinkError(.kernelMap(symbol: symbol, section: name)) }
    if name == "license" || name == "version" { throw LinkError(.kernelMark(symbol: symbol, section: name)) }
    if isWritable || header.sh_type == UInt32(SHT_NOBITS) {
      throw LinkError(.writableGlobal(symbol: symbol, section: name))
    }
    // Unwinding tables describe frames of another machine; notes are for other loaders.
    if name == ".eh_frame" || header.sh_type != UInt32(SHT_PROGBITS) { return .ignored }
    return .data
  }

  private static func isConstructorTable(_ header: GElf_Shdr, _ name: String) -> Bool {
    if [SHT_INIT_ARRAY, SHT_FINI_ARRAY, SHT_PREINIT_ARRAY].contains(Int32(bitPattern: header.sh_type)) {
      return true
    }
    return [".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors"].contains {
      name == $0 || name.hasPrefix($0 + ".")
    }
  }

  // MARK: Symbols

  /// What a symbol of the table stands for, and what its users are given; nil for files, sections that are left out,
  /// and absolute values.
  private struct Symbol {
    var defined: Target?
    var referred: Target?
  }

  private static func resolve(
    _ reader: ObjectReader, places: [Place], code: [Section], data: [Section]
  ) throws(LinkError) -> [Symbol] {
    var symbols: [Symbol] = []
    for (index, symbol) in reader.symbols.enumerated() {
      let name = reader.symbolName(index)
      if symbol.type == UInt8(STT_TLS) { throw LinkError(.threadLocal(symbol: name)) }
      var defined: Target?
      switch Int(symbol.st_shndx) {
      case Int(SHN_UNDEF):
        symbols.append(Symbol(defined: nil, referred: .named(name)))
        continue
      case Int(SHN_COMMON): throw LinkError(.commonSymbol(name))
      case Int(SHN_ABS): break
      case let section where places.indices.contains(section):
        switch places[section] {
        case .code(let ordinal):
          try checkInside(symbol, name, byteCount: code[ordinal].bytes.count)
          defined = .code(section: ordinal, byteOffset: symbol.st_value)
        case .data(let ordinal):
          try checkInside(symbol, name, byteCount: data[ordinal].bytes.count)
          defined = .data(section: ordinal, byteOffset: symbol.st_value)
        case .ignored: break
        }
      default:
        throw LinkError(.invalidSymbol(name: name, why: "section index \(symbol.st_shndx) does not exist"))
      }
      let isWeak = symbol.binding == UInt8(STB_WEAK) && defined != nil
      symbols.append(Symbol(defined: defined, referred: isWeak ? .named(name) : defined))
    }
    return symbols
  }

  private static func checkInside(_ symbol: GElf_Sym, _ name: String, byteCount: Int) throws(LinkError) {
    if symbol.st_value > UInt64(byteCount) {
      throw LinkError(
        .invalidSymbol(name: name, why: "value \(ELFError.hex(symbol.st_value)) is outside its section"))
    }
  }

  private static func functions(_ reader: ObjectReader, symbols: [Symbol]) throws(LinkError) -> [Function] {
    var functions: [Function] = []
    for (index, symbol) in reader.symbols.enumerated() {
      guard case .code(let section, let offset)? = symbols[index].defined else { continue }
      let isGlobal = symbol.binding != UInt8(STB_LOCAL)
      let name = reader.symbolName(index)
      guard symbol.type == UInt8(STT_FUNC) || isGlobal && symbol.type == UInt8(STT_NOTYPE) else { continue }
      if offset % 8 != 0 {
        throw LinkError(.invalidSymbol(name: name, why: "does not start at an instruction"))
      }
      functions.append(
        Function(
          name: name, section: section, byteOffset: offset, byteCount: symbol.st_size, isGlobal: isGlobal))
    }
    return functions.sorted { ($0.section, $0.byteOffset, $0.name) < ($1.section, $1.byteOffset, $1.name) }
  }
}
