// The raw tables of a relocatable object: sections, names, symbols, relocations, read by libelf and re-checked.
import CElf
import SBPF

struct ObjectReader {
  private static let nameLimit = 4096

  private let file: ELFReader
  private(set) var symbols: [GElf_Sym] = []
  private var symbolNames: [String] = []

  var sections: [GElf_Shdr] { file.sections }

  init(_ source: UnsafeRawBufferPointer) throws(LinkError) {
    guard UInt64(source.count) >= ELFHeader.byteCount else {
      throw LinkError(
        .malformed(
          .outOfBounds(what: "file header in a file of this many bytes", value: UInt64(source.count))))
    }
    let header = ELFHeader(source)
    do throws(ELFError) { try ObjectReader.check(header, fileByteCount: source.count) } catch {
      throw LinkError(.malformed(error))
    }
    guard let file = ELFReader(source), file.sections.count == Int(header.sectionHeaderCount) else {
      throw LinkError(.malformed(.invalidFileHeader(field: "section header table")))
    }
    self.file = file
    try checkDisjoint()
    try readSymbols()
  }

  private static func check(_ header: ELFHeader, fileByteCount: Int) throws(ELFError) {
    let identification = header.identification
    if identification[0..<4] != [0x7f, 0x45, 0x4c, 0x46] { throw .invalidFileHeader(field: "magic") }
    if identification[4] != UInt8(ELFCLASS64) { throw .invalidFileHeader(field: "class") }
    if identification[5] != UInt8(ELFDATA2LSB) { throw .invalidFileHeader(field: "byte order") }
    if identification[6] != UInt8(EV_CURRENT) || header.version != UInt32(EV_CURRENT) {
      throw .invalidFileHeader(field: "version")
    }
    if header.type != UInt16(ET_REL) { throw .wrongType(header.type) }
    if header.machine != ELFMachine.bpf { throw .wrongMachine(header.machine) }
    if header.headerByteCount != UInt16(ELFHeader.byteCount) { throw .invalidFileHeader(field: "e_ehsize") }
    if header.sectionHeaderEntrySize != UInt16(ELFHeader.sectionHeaderByteCount) {
      throw .invalidFileHeader(field: "e_shentsize")
    }
    if header.sectionNamesIndex == 0 || header.sectionNamesIndex >= header.sectionHeaderCount {
      throw .invalidFileHeader(field: "e_shstrndx")
    }
    let tableByteCount = UInt64(header.sectionHeaderCount) * ELFHeader.sectionHeaderByteCount
    let (end, overflow) = header.sectionHeaderOffset.addingReportingOverflow(tableByteCount)
    if overflow || end > UInt64(fileByteCount) {
      throw .outOfBounds(what: "section header table", value: end)
    }
  }

  /// Sections that share bytes could make a small file cost much memory; compilers write none.
  private func checkDisjoint() throws(LinkError) {
    var left = UInt64(file.byteCount)
    for (index, section) in sections.enumerated() where section.sh_type != UInt32(SHT_NULL) {
      guard let contents = file.contents(ofSection: index) else {
        throw LinkError(.malformed(.outOfBounds(what: "section \(index)", value: section.sh_offset)))
      }
      guard UInt64(contents.count) <= left else {
        throw LinkError(.malformed(.overlap("section \(index)", "other sections")))
      }
      left -= UInt64(contents.count)
    }
  }

  private mutating func readSymbols() throws(LinkError) {
    let tables = sections.indices.filter { sections[$0].sh_type == UInt32(SHT_SYMTAB) }
    if tables.count > 1 { throw LinkError(.malformed(.invalidSectionHeader(index: tables[1]))) }
    guard let table = tables.first else { return }
    let header = sections[table]
    guard sections.indices.contains(Int(header.sh_link)) else {
      throw LinkError(.malformed(.invalidSectionHeader(index: table)))
    }
    guard let symbols = file.symbols(inSection: table) else {
      throw LinkError(.malformed(.invalidSize(what: ".symtab", byteCount: header.sh_size)))
    }
    self.symbols = symbols
    var left = 4 * file.byteCount + ObjectReader.nameLimit  // names may share bytes, within reason
    for symbol in symbols {
      let isSection = symbol.type == UInt8(STT_SECTION) && sections.indices.contains(Int(symbol.st_shndx))
      let name =
        isSection
        ? try sectionName(Int(symbol.st_shndx)) : try string(symbol.st_name, table: Int(header.sh_link))
      left -= name.utf8.count
      if left < 0 { throw LinkError(.malformed(.overlap("symbol names", "each other"))) }
      symbolNames.append(name)
    }
  }

  private func string(_ offset: UInt32, table: Int) throws(LinkError) -> String {
    guard sections[table].sh_type == UInt32(SHT_STRTAB) else {
      throw LinkError(.malformed(.invalidSectionHeader(index: table)))
    }
    guard let text = file.string(at: offset, inSection: table, limit: ObjectReader.nameLimit) else {
      throw LinkError(.malformed(.outOfBounds(what: "name in section \(table)", value: UInt64(offset))))
    }
    return text
  }

  func sectionName(_ index: Int) throws(LinkError) -> String {
    guard let name = file.name(ofSection: index) else {
      throw LinkError(
        .malformed(.outOfBounds(what: "name of section \(index)", value: UInt64(sections[index].sh_name))))
    }
    return name
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

  func section(_ index: Int, name: String) throws(LinkError) -> RelocatableObject.Section {
    let alignment = max(sections[index].sh_addralign, 1)
    guard alignment & (alignment - 1) == 0, alignment <= 4096 else {
      throw LinkError(.malformed(.invalidAlignment(what: "section \(name)", offset: alignment)))
    }
    guard let contents = file.contents(ofSection: index) else {
      throw LinkError(.malformed(.outOfBounds(what: "section \(name)", value: sections[index].sh_offset)))
    }
    return RelocatableObject.Section(name: name, bytes: Array(contents), alignment: alignment)
  }

  /// The contents of a section by its name, where there is exactly one.
  func contents(named name: String) -> [UInt8]? {
    let found = sections.indices.filter { file.name(ofSection: $0) == name }
    guard found.count == 1 else { return nil }
    return file.contents(ofSection: found[0]).map { Array($0) }
  }

  /// The name of the first symbol that section `index` is relocated with.
  func firstRelocated(inSection index: Int) -> String? {
    for (number, header) in sections.enumerated()
    where header.sh_type == UInt32(SHT_REL) && Int(header.sh_info) == index {
      guard let first = file.relocations(inSection: number)?.first,
        symbolNames.indices.contains(Int(first.symbolIndex))
      else { return nil }
      return symbolNames[Int(first.symbolIndex)]
    }
    return nil
  }

  /// The entries of relocation section `index`, which apply to `section`.
  func relocations(
    _ index: Int, of section: RelocatableObject.Section, symbols targets: [RelocatableObject.Target?]
  ) throws(LinkError) -> [RelocatableObject.Relocation] {
    func place(_ offset: UInt64) -> LinkError.Place { LinkError.Place(section: section.name, offset: offset) }
    if sections[index].sh_type != UInt32(SHT_REL) {
      throw LinkError(
        .relocation(why: "has an addend of its own (RELA), which clang does not write"), at: place(0))
    }
    guard let entries = file.relocations(inSection: index) else {
      throw LinkError(
        .malformed(
          .invalidSize(what: "relocations of \(section.name)", byteCount: sections[index].sh_size)))
    }
    var relocations: [RelocatableObject.Relocation] = []
    for entry in entries where entry.type != ELFRelocation.none {
      let symbol = Int(entry.symbolIndex)
      guard targets.indices.contains(symbol), symbol != 0 else {
        throw LinkError(.malformed(.unknownSymbol(index: UInt64(symbol))), at: place(entry.r_offset))
      }
      guard let target = targets[symbol] else {
        throw LinkError(
          .relocation(why: "refers to \(symbolName(symbol)), which is not loaded"), at: place(entry.r_offset))
      }
      relocations.append(
        RelocatableObject.Relocation(offset: entry.r_offset, type: entry.type, target: target))
    }
    return relocations
  }
}
