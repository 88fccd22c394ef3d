// A tolerant look at a file's symbols, for the names that people see (FunctionNames.swift): what cannot be read is left
// out, nothing is thrown.
import CElfTypes

struct SectionView {
  private let file: ELFFile?
  private let sections: [Elf64_Shdr]

  init(_ bytes: UnsafeRawBufferPointer) {
    file = try? ELFFile(bytes)
    guard let file, file.header.sectionHeaderEntrySize == UInt16(ELFHeader.sectionHeaderByteCount) else {
      sections = []
      return
    }
    let table = try? file.sectionHeaders(
      offset: file.header.sectionHeaderOffset, count: file.header.sectionHeaderCount)
    sections = table ?? []
  }

  /// Symbols of the first section of `type`, and the index of its string table.
  private func symbols(ofType type: Int32) -> (symbols: [Elf64_Sym], strings: Int) {
    guard let file, let section = sections.first(where: { $0.sh_type == UInt32(type) }),
      let symbols = try? file.symbols(offset: section.sh_offset, byteCount: section.sh_size, "symbols")
    else { return ([], 0) }
    return (symbols, Int(section.sh_link))
  }

  /// Function symbols by slot index.
  func functionNames(textAddress: UInt64, slotCount: Int) -> FunctionNames {
    var names = FunctionNames()
    guard let file else { return names }
    for type in [SHT_SYMTAB, SHT_DYNSYM] {
      let table = symbols(ofType: type)
      guard sections.indices.contains(table.strings) else { continue }
      let strings = sections[table.strings]
      for symbol in table.symbols where symbol.type == UInt8(STT_FUNC) && symbol.st_value >= textAddress {
        let offset = symbol.st_value - textAddress
        guard offset % 8 == 0, offset / 8 < UInt64(slotCount) else { continue }
        let window = file.nameWindow(at: symbol.st_name, in: strings, limit: FunctionNames.nameLimit)
        guard names.add(Int(offset / 8), window) else { return names }
      }
    }
    return names
  }
}
