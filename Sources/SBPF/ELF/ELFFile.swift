// A file's bytes and their tables, decoded by libelf from places that were checked here first. libelf
// (https://sourceware.org/elfutils/) is never asked to find anything: the section table is hidden from it and
// it gets typed chunks at offsets known to lie in the file, so that a hostile header can neither crash it nor
// widen or narrow what the loaders accept. Sizes, alignment and bounds of every chunk follow the validators'
// parser: entries whole, offset a multiple of 8.
import CElf
import Synchronization

/// The file header's fields.
package struct ELFHeader: Equatable, Sendable {
  package static let byteCount: UInt64 = 64
  package static let programHeaderByteCount: UInt64 = 56
  package static let sectionHeaderByteCount: UInt64 = 64

  package var identification: [UInt8]
  package var type: UInt16
  package var machine: UInt16
  package var version: UInt32
  package var entry: UInt64
  package var programHeaderOffset: UInt64
  package var sectionHeaderOffset: UInt64
  package var flags: UInt32
  package var headerByteCount: UInt16
  package var programHeaderEntrySize: UInt16
  package var programHeaderCount: UInt16
  package var sectionHeaderEntrySize: UInt16
  package var sectionHeaderCount: UInt16
  package var sectionNamesIndex: UInt16

  /// - Parameter bytes: at least `byteCount` of them.
  init(_ bytes: UnsafeRawBufferPointer) {
    func field<T: FixedWidthInteger>(_ offset: Int, as: T.Type) -> T {
      T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    identification = Array(bytes[0..<16])
    type = field(16, as: UInt16.self)
    machine = field(18, as: UInt16.self)
    version = field(20, as: UInt32.self)
    entry = field(24, as: UInt64.self)
    programHeaderOffset = field(32, as: UInt64.self)
    sectionHeaderOffset = field(40, as: UInt64.self)
    flags = field(48, as: UInt32.self)
    headerByteCount = field(52, as: UInt16.self)
    programHeaderEntrySize = field(54, as: UInt16.self)
    programHeaderCount = field(56, as: UInt16.self)
    sectionHeaderEntrySize = field(58, as: UInt16.self)
    sectionHeaderCount = field(60, as: UInt16.self)
    sectionNamesIndex = field(62, as: UInt16.self)
  }
}

/// Owns a copy of the file, its section-table fields blanked (libelf wants memory that neither moves nor
/// changes) and libelf's handle on it. Confined to the thread that made it.
final class ELFFile {
  let bytes: UnsafeRawBufferPointer
  let header: ELFHeader
  private let storage: UnsafeMutableRawBufferPointer
  private let handle: OpaquePointer

  // libelf wants elf_version called before anything else; a global's initialiser runs exactly once.
  private static let isLibraryReady = elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE)

  init(copying source: UnsafeRawBufferPointer) throws(ELFError) {
    guard UInt64(source.count) >= ELFHeader.byteCount else {
      throw .outOfBounds(what: "file header in a file of this many bytes", value: UInt64(source.count))
    }
    let header = ELFHeader(source)
    try ELFFile.checkIdentification(header)
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
    storage.copyMemory(from: source)
    // e_shoff, e_shnum and e_shstrndx: libelf would judge the section table while opening the file.
    storage.storeBytes(of: 0, toByteOffset: 40, as: UInt64.self)
    storage.storeBytes(of: 0, toByteOffset: 60, as: UInt32.self)
    // storage has at least 64 bytes, so its base address exists.
    let image = storage.baseAddress?.assumingMemoryBound(to: CChar.self)
    guard ELFFile.isLibraryReady, let handle = elf_memory(image, storage.count), elf_kind(handle) == ELF_K_ELF
    else {
      storage.deallocate()
      throw .rejectedByLibelf(ELFFile.lastLibraryError())
    }
    self.header = header
    self.storage = storage
    self.bytes = UnsafeRawBufferPointer(storage)
    self.handle = handle
  }

  deinit {
    elf_end(handle)
    storage.deallocate()
  }

  /// What libelf needs to take the file for a 64-bit little-endian ELF at all; the loaders demand the same.
  private static func checkIdentification(_ header: ELFHeader) throws(ELFError) {
    let identification = header.identification
    if identification[0..<4] != [0x7f, 0x45, 0x4c, 0x46] { throw .invalidFileHeader(field: "magic") }
    if identification[4] != UInt8(ELFCLASS64) { throw .invalidFileHeader(field: "class") }
    if identification[5] != UInt8(ELFDATA2LSB) { throw .invalidFileHeader(field: "byte order") }
    if identification[6] != UInt8(EV_CURRENT) || header.version != UInt32(EV_CURRENT) {
      throw .invalidFileHeader(field: "version")
    }
  }

  private static func lastLibraryError() -> String {
    guard let text = elf_errmsg(-1) else { return "not an ELF file" }
    return String(cString: text)
  }

  // MARK: Bounds

  /// The range `[offset, offset + byteCount)`, which must lie in the file.
  func range(_ offset: UInt64, _ byteCount: UInt64, _ what: String) throws(ELFError) -> Range<Int> {
    let end = try ELFFile.sum(offset, byteCount, what)
    guard end <= UInt64(bytes.count) else { throw .outOfBounds(what: what, value: end) }
    return Int(offset)..<Int(end)
  }

  static func sum(_ first: UInt64, _ second: UInt64, _ what: String) throws(ELFError) -> UInt64 {
    let (sum, overflow) = first.addingReportingOverflow(second)
    if overflow { throw .outOfBounds(what: what, value: first) }
    return sum
  }

  // MARK: Tables

  func programHeaders(offset: UInt64, count: UInt16) throws(ELFError) -> [GElf_Phdr] {
    let byteCount = UInt64(count) * ELFHeader.programHeaderByteCount
    // gelf_getphdr reads libelf's own idea of the table; a raw chunk reads the one that was checked.
    guard let chunk = try chunk(offset, byteCount, ELF_T_PHDR, entrySize: 56, "program header table"),
      let entries = chunk.pointee.d_buf
    else { return [] }
    let table = entries.assumingMemoryBound(to: Elf64_Phdr.self)
    return (0..<Int(count)).map { table[$0] }
  }

  func sectionHeaders(offset: UInt64, count: UInt16) throws(ELFError) -> [GElf_Shdr] {
    let byteCount = UInt64(count) * ELFHeader.sectionHeaderByteCount
    guard let chunk = try chunk(offset, byteCount, ELF_T_SHDR, entrySize: 64, "section header table"),
      let entries = chunk.pointee.d_buf
    else { return [] }
    let table = entries.assumingMemoryBound(to: Elf64_Shdr.self)
    return (0..<Int(count)).map { table[$0] }
  }

  func symbols(offset: UInt64, byteCount: UInt64, _ what: String) throws(ELFError) -> [GElf_Sym] {
    guard let chunk = try chunk(offset, byteCount, ELF_T_SYM, entrySize: 24, what) else { return [] }
    return ELFFile.decode(chunk, Int(byteCount / 24), GElf_Sym(), gelf_getsym)
  }

  func relocations(offset: UInt64, byteCount: UInt64, _ what: String) throws(ELFError) -> [GElf_Rel] {
    guard let chunk = try chunk(offset, byteCount, ELF_T_REL, entrySize: 16, what) else { return [] }
    return ELFFile.decode(chunk, Int(byteCount / 16), GElf_Rel(), gelf_getrel)
  }

  func dynamicEntries(offset: UInt64, byteCount: UInt64) throws(ELFError) -> [GElf_Dyn] {
    guard let chunk = try chunk(offset, byteCount, ELF_T_DYN, entrySize: 16, "dynamic table") else {
      return []
    }
    return ELFFile.decode(chunk, Int(byteCount / 16), GElf_Dyn(), gelf_getdyn)
  }

  private static func decode<Entry>(
    _ chunk: UnsafeMutablePointer<Elf_Data>, _ count: Int, _ blank: Entry,
    _ get: (UnsafeMutablePointer<Elf_Data>?, Int32, UnsafeMutablePointer<Entry>?)
      -> UnsafeMutablePointer<Entry>?
  ) -> [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    var entry = blank
    for index in 0..<count {
      guard let index = Int32(exactly: index), get(chunk, index, &entry) != nil else { break }
      entries.append(entry)
    }
    return entries
  }

  /// nil for an empty table.
  private func chunk(
    _ offset: UInt64, _ byteCount: UInt64, _ type: Elf_Type, entrySize: UInt64, _ what: String
  ) throws(ELFError) -> UnsafeMutablePointer<Elf_Data>? {
    if byteCount % entrySize != 0 { throw .invalidSize(what: what, byteCount: byteCount) }
    let range = try range(offset, byteCount, what)
    if offset % 8 != 0 { throw .invalidAlignment(what: what, offset: offset) }
    if range.isEmpty { return nil }
    guard let data = elf_getdata_rawchunk(handle, Int64(range.lowerBound), range.count, type) else {
      throw .rejectedByLibelf(ELFFile.lastLibraryError())
    }
    return data
  }

  // MARK: Names

  /// The name at `offset` of the string table `table`; with its terminator it takes at most `limit` bytes.
  func name(
    at offset: UInt32, in table: GElf_Shdr, index: Int, limit: Int
  ) throws(ELFError) -> UnsafeRawBufferPointer {
    if table.sh_type != UInt32(SHT_STRTAB) { throw .invalidSectionHeader(index: index) }
    let start = try ELFFile.sum(table.sh_offset, UInt64(offset), "name")
    let tableEnd = try ELFFile.sum(table.sh_offset, table.sh_size, "string table")
    let end = min(tableEnd, try ELFFile.sum(start, UInt64(limit), "name"))
    guard start <= end, end <= UInt64(bytes.count) else { throw .outOfBounds(what: "name", value: start) }
    let window = UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(end)])
    guard let length = window.firstIndex(of: 0) else {
      throw .nameTooLong(String(decoding: window, as: UTF8.self), limit: limit)
    }
    return UnsafeRawBufferPointer(rebasing: window[..<length])
  }
}

extension GElf_Shdr {
  /// Where the section's bytes lie in the file; a section without bytes gives the empty range at 0.
  var fileRange: (offset: UInt64, byteCount: UInt64) {
    sh_type == UInt32(SHT_NOBITS) ? (0, 0) : (sh_offset, sh_size)
  }

  /// Whether `address` is one of the section's, whose end saturates.
  func contains(address: UInt64) -> Bool {
    let (end, overflow) = sh_addr.addingReportingOverflow(sh_size)
    return address >= sh_addr && address < (overflow ? .max : end)
  }

  var isWritable: Bool {
    let both = UInt64(SHF_ALLOC) | UInt64(SHF_WRITE)
    return sh_flags & both == both
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
