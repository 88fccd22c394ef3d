// Files as libelf reads them: relocatable objects and ELF files of other machines. Everything that libelf hands out is
// checked again here against the bytes: where a table lies, how long it is, what an index reaches. The loader of
// on-chain bytes does not come this way (docs/vm-loading.md): what a chain accepts must be Agave's verdict to the byte.
import CElf
import Glibc

final class ELFReader {
  /// Of any class and byte order, widened.
  struct Header {
    var bits: Int
    var isBigEndian: Bool
    var osABI: UInt8
    var type: UInt16
    var machine: UInt16
    var flags: UInt32
    var entry: UInt64
  }

  let header: Header
  let sections: [GElf_Shdr]
  let segments: [GElf_Phdr]
  /// A copy of the file, at a fixed address while the reader lives.
  private let bytes: UnsafeMutableRawBufferPointer
  private let elf: OpaquePointer
  private let names: Int

  private static let isReady = elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE)

  /// Nil if libelf does not take the bytes for an ELF file with a header.
  init?(_ source: UnsafeRawBufferPointer) {
    guard ELFReader.isReady, source.count >= Int(EI_NIDENT) else { return nil }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
    bytes.copyMemory(from: source)
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    var raw = GElf_Ehdr()
    guard let elf = elf_memory(start, bytes.count) else {
      bytes.deallocate()
      return nil
    }
    guard elf_kind(elf) == ELF_K_ELF, gelf_getehdr(elf, &raw) != nil else {
      elf_end(elf)
      bytes.deallocate()
      return nil
    }
    self.bytes = bytes
    self.elf = elf
    header = Header(
      bits: gelf_getclass(elf) == ELFCLASS64 ? 64 : 32,
      isBigEndian: bytes[Int(EI_DATA)] == UInt8(ELFDATA2MSB),
      osABI: bytes[Int(EI_OSABI)], type: raw.e_type, machine: raw.e_machine, flags: raw.e_flags,
      entry: raw.e_entry)
    sections = ELFReader.sections(elf, limit: bytes.count)
    segments = ELFReader.segments(elf, limit: bytes.count)
    var index = 0
    names = elf_getshdrstrndx(elf, &index) == 0 ? index : 0
  }

  deinit {
    elf_end(elf)
    bytes.deallocate()
  }

  /// Section headers take at least 40 bytes of the file each, program headers 32.
  private static func sections(_ elf: OpaquePointer, limit: Int) -> [GElf_Shdr] {
    var count = 0
    guard elf_getshdrnum(elf, &count) == 0, count <= limit / 40 else { return [] }
    var headers: [GElf_Shdr] = []
    for index in 0..<count {
      var header = GElf_Shdr()
      guard let section = elf_getscn(elf, index), gelf_getshdr(section, &header) != nil else { return [] }
      headers.append(header)
    }
    return headers
  }

  private static func segments(_ elf: OpaquePointer, limit: Int) -> [GElf_Phdr] {
    var count = 0
    guard elf_getphdrnum(elf, &count) == 0, count <= limit / 32 else { return [] }
    var headers: [GElf_Phdr] = []
    for index in 0..<count {
      var header = GElf_Phdr()
      guard gelf_getphdr(elf, Int32(index), &header) != nil else { break }
      headers.append(header)
    }
    return headers
  }

  // MARK: Contents

  var byteCount: Int { bytes.count }

  /// The bytes of a section, valid while the reader lives; nil if they lie outside the file.
  func contents(ofSection index: Int) -> UnsafeRawBufferPointer? {
    guard sections.indices.contains(index) else { return nil }
    let header = sections[index]
    if header.sh_type == UInt32(SHT_NOBITS) { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let (end, overflow) = header.sh_offset.addingReportingOverflow(header.sh_size)
    guard !overflow, end <= UInt64(bytes.count) else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[Int(header.sh_offset)..<Int(end)])
  }

  /// The text at `offset` of a string table; nil where it has none or one that takes more than `limit` bytes.
  func string(at offset: UInt32, inSection index: Int, limit: Int = 4096) -> String? {
    guard contents(ofSection: index) != nil, let start = elf_strptr(elf, index, Int(offset)) else {
      return nil
    }
    let length = strnlen(start, limit)
    guard length < limit else { return nil }
    return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
  }

  func name(ofSection index: Int) -> String? {
    sections.indices.contains(index) ? string(at: sections[index].sh_name, inSection: names) : nil
  }

  /// The entries of a symbol table; nil if they are not whole or lie outside the file.
  func symbols(inSection index: Int) -> [GElf_Sym]? {
    entries(inSection: index, ofType: ELF_T_SYM) { (data, number) in
      var symbol = GElf_Sym()
      return gelf_getsym(data, number, &symbol) == nil ? nil : symbol
    }
  }

  /// The entries of a relocation section without addends; nil if they are not whole or lie outside the file.
  func relocations(inSection index: Int) -> [GElf_Rel]? {
    entries(inSection: index, ofType: ELF_T_REL) { (data, number) in
      var relocation = GElf_Rel()
      return gelf_getrel(data, number, &relocation) == nil ? nil : relocation
    }
  }

  private func entries<Entry>(
    inSection index: Int, ofType type: Elf_Type,
    _ entry: (UnsafeMutablePointer<Elf_Data>, Int32) -> Entry?
  ) -> [Entry]? {
    guard let contents = contents(ofSection: index) else { return nil }
    let entryByteCount = gelf_fsize(elf, type, 1, UInt32(EV_CURRENT))
    guard entryByteCount > 0, contents.count % entryByteCount == 0 else { return nil }
    let count = contents.count / entryByteCount
    if count == 0 { return [] }
    guard let section = elf_getscn(elf, index), let data = elf_getdata(section, nil),
      data.pointee.d_type == type, data.pointee.d_size == contents.count
    else { return nil }
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for number in 0..<count {
      guard let next = entry(data, Int32(number)) else { return nil }
      entries.append(next)
    }
    return entries
  }
}

extension GElf_Sym {
  var type: UInt8 { st_info & 0xf }
  var binding: UInt8 { st_info >> 4 }
}

extension GElf_Rel {
  var type: UInt32 { UInt32(truncatingIfNeeded: r_info) }
  var symbolIndex: UInt32 { UInt32(truncatingIfNeeded: r_info >> 32) }
}
