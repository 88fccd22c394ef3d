// The tables of an SBPF v0–v2 file, accepted and refused exactly as the validators' parser does it, in its
// order, because the first refusal's words reach transaction logs (https://github.com/anza-xyz/sbpf,
// src/elf_parser). What it insists on: headers and tables that do not overlap, sections in file order, short
// names.
import CElfTypes

struct LenientELF {
  static let sectionNameLimit = 16
  static let symbolNameLimit = 64

  let file: ELFFile
  let programHeaders: [Elf64_Phdr]
  let sections: [Elf64_Shdr]
  /// Raw bytes of each section's name, by section index.
  private(set) var sectionNames: [[UInt8]] = []
  /// Index of `.symtab`, `.strtab`, `.dynstr`.
  private(set) var symbolSection: Int?
  private(set) var symbolNamesSection: Int?
  private(set) var dynamicNamesSection: Int?
  private(set) var dynamicSymbols: [Elf64_Sym] = []
  private(set) var dynamicRelocations: [Elf64_Rel] = []

  private typealias Span = (range: Range<UInt64>, name: String)

  init(_ source: UnsafeRawBufferPointer) throws(ELFError) {
    let file = try ELFFile(source)
    try LenientELF.check(file.header)
    self.file = file
    let headerSpan: Span = (0..<ELFHeader.byteCount, "file header")
    let programSpan = try LenientELF.span(
      file.header.programHeaderOffset,
      UInt64(file.header.programHeaderCount) * ELFHeader.programHeaderByteCount,
      "program header table")
    try LenientELF.checkApart(headerSpan, programSpan)
    programHeaders = try file.programHeaders(
      offset: file.header.programHeaderOffset, count: file.header.programHeaderCount)
    let sectionSpan = try LenientELF.span(
      file.header.sectionHeaderOffset,
      UInt64(file.header.sectionHeaderCount) * ELFHeader.sectionHeaderByteCount,
      "section header table")
    try LenientELF.checkApart(headerSpan, sectionSpan)
    try LenientELF.checkApart(programSpan, sectionSpan)
    sections = try file.sectionHeaders(
      offset: file.header.sectionHeaderOffset, count: file.header.sectionHeaderCount)
    guard let first = sections.first, first.sh_type == UInt32(SHT_NULL) else {
      throw .invalidSectionHeader(index: 0)
    }
    try checkSegments()
    try checkSectionOrder(apartFrom: [headerSpan, programSpan, sectionSpan])
    try readSectionNames()
    try readDynamicTable()
  }

  private static func check(_ header: ELFHeader) throws(ELFError) {
    if header.headerByteCount != UInt16(ELFHeader.byteCount) { throw .invalidFileHeader(field: "e_ehsize") }
    if header.programHeaderEntrySize != UInt16(ELFHeader.programHeaderByteCount) {
      throw .invalidFileHeader(field: "e_phentsize")
    }
    if header.sectionHeaderEntrySize != UInt16(ELFHeader.sectionHeaderByteCount) {
      throw .invalidFileHeader(field: "e_shentsize")
    }
    if header.sectionNamesIndex >= header.sectionHeaderCount { throw .invalidFileHeader(field: "e_shstrndx") }
  }

  private static func span(_ offset: UInt64, _ byteCount: UInt64, _ name: String) throws(ELFError) -> Span {
    (offset..<(try ELFFile.sum(offset, byteCount, name)), name)
  }

  /// Empty spans count as places: one strictly inside the other span is refused, one at its edge is not.
  private static func checkApart(_ first: Span, _ second: Span) throws(ELFError) {
    if first.range.upperBound <= second.range.lowerBound { return }
    if second.range.upperBound <= first.range.lowerBound { return }
    throw .overlap(first.name, second.name)
  }

  private func checkSegments() throws(ELFError) {
    var lowest: UInt64 = 0
    for (index, segment) in programHeaders.enumerated() where segment.p_type == UInt32(PT_LOAD) {
      if segment.p_vaddr < lowest { throw .invalidProgramHeader(index: index, field: "p_vaddr descends") }
      let end = try ELFFile.sum(segment.p_offset, segment.p_filesz, "program header \(index)")
      if end > UInt64(file.bytes.count) { throw .outOfBounds(what: "program header \(index)", value: end) }
      lowest = segment.p_vaddr
    }
  }

  private func checkSectionOrder(apartFrom spans: [Span]) throws(ELFError) {
    var end: UInt64 = 0
    for (index, section) in sections.enumerated() where section.sh_type != UInt32(SHT_NOBITS) {
      let span = try LenientELF.span(section.sh_offset, section.sh_size, "section \(index)")
      for other in spans { try LenientELF.checkApart(span, other) }
      if span.range.lowerBound < end { throw .sectionsNotInOrder(index: index) }
      end = span.range.upperBound
      if end > UInt64(file.bytes.count) { throw .outOfBounds(what: span.name, value: end) }
    }
  }

  private mutating func readSectionNames() throws(ELFError) {
    let namesIndex = Int(file.header.sectionNamesIndex)
    if namesIndex == Int(SHN_UNDEF) { throw .noSectionNames }
    for (index, section) in sections.enumerated() {
      let name = Array(
        try file.name(
          at: section.sh_name, in: sections[namesIndex], index: namesIndex, limit: LenientELF.sectionNameLimit
        ))
      sectionNames.append(name)
      switch name {
      case LenientELF.symtab: try LenientELF.assign(index, to: &symbolSection)
      case LenientELF.strtab: try LenientELF.assign(index, to: &symbolNamesSection)
      case LenientELF.dynstr: try LenientELF.assign(index, to: &dynamicNamesSection)
      default: break
      }
    }
  }

  private static let symtab = Array(".symtab".utf8)
  private static let strtab = Array(".strtab".utf8)
  private static let dynstr = Array(".dynstr".utf8)

  private static func assign(_ index: Int, to slot: inout Int?) throws(ELFError) {
    if slot != nil { throw .invalidSectionHeader(index: index) }
    slot = index
  }

  /// The only section of this name, or the first.
  func firstSection(named name: String) throws(ELFError) -> Elf64_Shdr {
    let wanted = Array(name.utf8)
    guard let index = sectionNames.firstIndex(of: wanted) else { throw .sectionNotFound(name) }
    return sections[index]
  }

  func dynamicName(of symbol: Elf64_Sym) throws(ELFError) -> UnsafeRawBufferPointer {
    guard let index = dynamicNamesSection else { throw .noDynamicNames }
    return try file.name(
      at: symbol.st_name, in: sections[index], index: index, limit: LenientELF.symbolNameLimit)
  }
}

// MARK: The dynamic table

extension LenientELF {
  /// The dynamic tags that matter, 0 where absent.
  private struct DynamicTable {
    var symbols: UInt64 = 0
    var relocations: UInt64 = 0
    var relocationByteCount: UInt64 = 0
    var relocationEntrySize: UInt64 = 0

    init(_ entries: [Elf64_Dyn]) {
      for entry in entries {
        switch entry.d_tag {
        case Int64(DT_NULL): return
        case Int64(DT_SYMTAB): symbols = entry.d_un.d_val
        case Int64(DT_REL): relocations = entry.d_un.d_val
        case Int64(DT_RELSZ): relocationByteCount = entry.d_un.d_val
        case Int64(DT_RELENT): relocationEntrySize = entry.d_un.d_val
        default: break
        }
      }
    }
  }

  /// PT_DYNAMIC if it is readable, else SHT_DYNAMIC, else the file is static.
  private mutating func readDynamicTable() throws(ELFError) {
    guard let entries = try dynamicEntries() else { return }
    let table = DynamicTable(entries)
    try readDynamicRelocations(table)
    try readDynamicSymbols(table)
  }

  private func dynamicEntries() throws(ELFError) -> [Elf64_Dyn]? {
    if let segment = programHeaders.first(where: { $0.p_type == UInt32(PT_DYNAMIC) }) {
      do {
        return try file.dynamicEntries(offset: segment.p_offset, byteCount: segment.p_filesz)
      } catch {}  // tool chains wrote invalid PT_DYNAMIC headers: the section says it, too
    }
    guard let section = sections.first(where: { $0.sh_type == UInt32(SHT_DYNAMIC) }) else { return nil }
    do {
      return try file.dynamicEntries(offset: section.sh_offset, byteCount: section.sh_size)
    } catch {
      throw .invalidDynamicTable(field: "section of type SHT_DYNAMIC")
    }
  }

  private mutating func readDynamicRelocations(_ table: DynamicTable) throws(ELFError) {
    if table.relocations == 0 { return }
    if table.relocationEntrySize != 16 { throw .invalidDynamicTable(field: "DT_RELENT") }
    if table.relocationByteCount == 0 { throw .invalidDynamicTable(field: "DT_RELSZ") }
    let offset = try fileOffset(ofRelocationsAt: table.relocations)
    _ = try ELFFile.sum(offset, table.relocationByteCount, "DT_RELSZ")
    do {
      dynamicRelocations = try file.relocations(
        offset: offset, byteCount: table.relocationByteCount, "dynamic relocations")
    } catch {
      throw .invalidDynamicTable(field: "DT_REL")
    }
  }

  private func fileOffset(ofRelocationsAt address: UInt64) throws(ELFError) -> UInt64 {
    for (index, segment) in programHeaders.enumerated() {
      let end = try ELFFile.sum(segment.p_vaddr, segment.p_memsz, "program header \(index)")
      if address >= segment.p_vaddr && address < end {
        return try ELFFile.sum(address - segment.p_vaddr, segment.p_offset, "DT_REL")
      }
    }
    // Early Rust tool chains placed the table outside every segment: find its section by address.
    guard let section = sections.first(where: { $0.sh_addr == address }) else {
      throw .invalidDynamicTable(field: "DT_REL")
    }
    return section.sh_offset
  }

  private mutating func readDynamicSymbols(_ table: DynamicTable) throws(ELFError) {
    if table.symbols == 0 { return }
    guard let index = sections.firstIndex(where: { $0.sh_addr == table.symbols }) else {
      throw .invalidDynamicTable(field: "DT_SYMTAB")
    }
    let section = sections[index]
    if section.sh_type != UInt32(SHT_SYMTAB) && section.sh_type != UInt32(SHT_DYNSYM) {
      throw .invalidSectionHeader(index: index)
    }
    dynamicSymbols = try file.symbols(
      offset: section.sh_offset, byteCount: section.sh_size, "dynamic symbol table")
  }
}
