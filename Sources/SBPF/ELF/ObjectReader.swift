// The raw tables of a relocatable object: sections, names, symbols, relocations, each re-checked against the
// file.
import CElf

struct ObjectReader {
  private static let nameLimit = 4096

  let sections: [GElf_Shdr]
  private(set) var symbols: [GElf_Sym] = []
  private let file: ELFFile
  private var symbolNames: [String] = []

  init(_ source: UnsafeRawBufferPointer) throws(ELFError) {
    let file = try ELFFile(source)
    let header = file.header
    if header.type != UInt16(ET_REL) { throw .wrongType(header.type) }
    if header.machine != ELFMachine.bpf { throw .wrongMachine(header.machine) }
    if header.headerByteCount != UInt16(ELFHeader.byteCount) { throw .invalidFileHeader(field: "e_ehsize") }
    if header.sectionHeaderEntrySize != UInt16(ELFHeader.sectionHeaderByteCount) {
      throw .invalidFileHeader(field: "e_shentsize")
    }
    if header.sectionNamesIndex == 0 || header.sectionNamesIndex >= header.sectionHeaderCount {
      throw .invalidFileHeader(field: "e_shstrndx")
    }
    self.file = file
    sections = try file.sectionHeaders(offset: header.sectionHeaderOffset, count: header.sectionHeaderCount)
    try checkDisjoint()
    try readSymbols()
  }

  /// Sections that share bytes could make a small file cost much memory; compilers write none.
  private func checkDisjoint() throws(ELFError) {
    var left = UInt64(file.bytes.count)
    for (index, section) in sections.enumerated() where section.sh_type != UInt32(SHT_NOBITS) {
      guard section.sh_size <= left else { throw .overlap("section \(index)", "other sections") }
      left -= section.sh_size
    }
  }

  private mutating func readSymbols() throws(ELFError) {
    let tables = sections.indices.filter { sections[$0].sh_type == UInt32(SHT_SYMTAB) }
    if tables.count > 1 { throw .invalidSectionHeader(index: tables[1]) }
    guard let table = tables.first else { return }
    let header = sections[table]
    guard sections.indices.contains(Int(header.sh_link)) else { throw .invalidSectionHeader(index: table) }
    symbols = try file.symbols(offset: header.sh_offset, byteCount: header.sh_size, ".symtab")
    var left = 4 * file.bytes.count + ObjectReader.nameLimit  // names may share bytes, within reason
    for symbol in symbols {
      let isSection = symbol.type == UInt8(STT_SECTION) && sections.indices.contains(Int(symbol.st_shndx))
      let name =
        isSection
        ? try sectionName(Int(symbol.st_shndx)) : try string(symbol.st_name, table: Int(header.sh_link))
      left -= name.utf8.count
      if left < 0 { throw .overlap("symbol names", "each other") }
      symbolNames.append(name)
    }
  }

  private func string(_ offset: UInt32, table: Int) throws(ELFError) -> String {
    String(
      decoding: try file.name(at: offset, in: sections[table], index: table, limit: ObjectReader.nameLimit),
      as: UTF8.self)
  }

  func sectionName(_ index: Int) throws(ELFError) -> String {
    try string(sections[index].sh_name, table: Int(file.header.sectionNamesIndex))
  }

  func symbolName(_ index: Int) -> String { symbolNames[index] }

  /// A name to blame for the section's existence.
  func firstSymbol(inSection index: Int) -> String? {
    let found = symbols.indices.first {
      symbols[$0].st_shndx == UInt16(clamping: index) && symbols[$0].type != UInt8(STT_SECTION)
        && !symbolNames[$0].isEmpty
    }
    return found.map { symbolNames[$0] }
  }

  func section(_ index: Int, name: String) throws(ELFError) -> RelocatableObject.Section {
    let header = sections[index]
    let range = try file.range(header.sh_offset, header.sh_size, "section \(name)")
    let alignment = max(header.sh_addralign, 1)
    guard alignment & (alignment - 1) == 0, alignment <= 4096 else {
      throw .invalidAlignment(what: "section \(name)", offset: alignment)
    }
    return RelocatableObject.Section(name: name, bytes: Array(file.bytes[range]), alignment: alignment)
  }

  /// The entries of relocation section `index`, which apply to `section`.
  func relocations(
    _ index: Int, of section: RelocatableObject.Section, symbols targets: [RelocatableObject.Target?]
  ) throws(ELFError) -> [RelocatableObject.Relocation] {
    let header = sections[index]
    if header.sh_type != UInt32(SHT_REL) {
      throw .relocationOutOfRange(section: section.name, offset: 0, why: "relocations with addends (RELA)")
    }
    var relocations: [RelocatableObject.Relocation] = []
    let entries = try file.relocations(
      offset: header.sh_offset, byteCount: header.sh_size, "relocations of \(section.name)")
    for entry in entries where entry.type != ELFRelocation.none {
      let symbol = Int(entry.symbolIndex)
      guard targets.indices.contains(symbol), symbol != 0 else { throw .unknownSymbol(index: UInt64(symbol)) }
      guard let target = targets[symbol] else {
        throw .relocationOutOfRange(
          section: section.name, offset: entry.r_offset,
          why: "refers to \(symbolName(symbol)), which is not loaded")
      }
      relocations.append(
        RelocatableObject.Relocation(offset: entry.r_offset, type: entry.type, target: target))
    }
    return relocations
  }
}
