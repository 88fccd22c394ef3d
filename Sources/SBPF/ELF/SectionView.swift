// A tolerant look at a file's symbols, for the names that people see: what cannot be read is left out, nothing is
// thrown, nothing read here decides whether a program runs.
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

  private func string(at offset: UInt32, inSection index: Int) -> String? {
    guard let file, sections.indices.contains(index),
      let name = try? file.name(at: offset, in: sections[index], index: index, limit: 1024)
    else { return nil }
    return String(decoding: name, as: UTF8.self)
  }

  /// Symbols of the first section of `type`, and the index of its string table.
  private func symbols(ofType type: Int32) -> (symbols: [Elf64_Sym], strings: Int) {
    guard let file, let section = sections.first(where: { $0.sh_type == UInt32(type) }),
      let symbols = try? file.symbols(offset: section.sh_offset, byteCount: section.sh_size, "symbols")
    else { return ([], 0) }
    return (symbols, Int(section.sh_link))
  }

  /// Function symbols by slot index.
  func functionNames(textAddress: UInt64, slotCount: Int) -> [Int: String] {
    var names: [Int: String] = [:]
    var left = FunctionNames.byteCountLimit
    for type in [SHT_SYMTAB, SHT_DYNSYM] {
      let table = symbols(ofType: type)
      for symbol in table.symbols where symbol.type == UInt8(STT_FUNC) && symbol.st_value >= textAddress {
        let offset = symbol.st_value - textAddress
        guard offset % 8 == 0, offset / 8 < UInt64(slotCount), names[Int(offset / 8)] == nil,
          let name = string(at: symbol.st_name, inSection: table.strings), !name.isEmpty
        else { continue }
        left -= name.utf8.count
        if left < 0 { return names }
        names[Int(offset / 8)] = name
      }
    }
    return names
  }
}

/// Names are for people: a hostile file cannot make the loader keep more than this many bytes of them.
enum FunctionNames {
  static let byteCountLimit = 1 << 20
}
