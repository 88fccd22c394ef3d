// A file's bytes and their tables, read where they lie. Nothing is copied and no table is trusted: offset, size,
// alignment and count of each are checked against the file, then its entries are loaded one by one. Sizes,
// alignment and bounds of every table follow the validators' parser: entries whole, offset a multiple of 8.
// The structures are <elf.h>'s; file and machine are both little-endian.
import CElfTypes

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
  package init(_ bytes: UnsafeRawBufferPointer) {
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

/// A view of a file, which has to stay in memory and as it is while the view exists.
struct ELFFile {
  let bytes: UnsafeRawBufferPointer
  let header: ELFHeader

  init(_ bytes: UnsafeRawBufferPointer) throws(ELFError) {
    guard UInt64(bytes.count) >= ELFHeader.byteCount else {
      throw .outOfBounds(what: "file header in a file of this many bytes", value: UInt64(bytes.count))
    }
    header = ELFHeader(bytes)
    self.bytes = bytes
    try ELFFile.checkIdentification(header)
  }

  /// A 64-bit little-endian ELF at all.
  private static func checkIdentification(_ header: ELFHeader) throws(ELFError) {
    let identification = header.identification
    if identification[0..<4] != [0x7f, 0x45, 0x4c, 0x46] { throw .invalidFileHeader(field: "magic") }
    if identification[4] != UInt8(ELFCLASS64) { throw .invalidFileHeader(field: "class") }
    if identification[5] != UInt8(ELFDATA2LSB) { throw .invalidFileHeader(field: "byte order") }
    if identification[6] != UInt8(EV_CURRENT) || header.version != UInt32(EV_CURRENT) {
      throw .invalidFileHeader(field: "version")
    }
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

  func programHeaders(offset: UInt64, count: UInt16) throws(ELFError) -> [Elf64_Phdr] {
    try table(offset, UInt64(count) * ELFHeader.programHeaderByteCount, "program header table")
  }

  func sectionHeaders(offset: UInt64, count: UInt16) throws(ELFError) -> [Elf64_Shdr] {
    try table(offset, UInt64(count) * ELFHeader.sectionHeaderByteCount, "section header table")
  }

  func symbols(offset: UInt64, byteCount: UInt64, _ what: String) throws(ELFError) -> [Elf64_Sym] {
    try table(offset, byteCount, what)
  }

  func relocations(offset: UInt64, byteCount: UInt64, _ what: String) throws(ELFError) -> [Elf64_Rel] {
    try table(offset, byteCount, what)
  }

  func dynamicEntries(offset: UInt64, byteCount: UInt64) throws(ELFError) -> [Elf64_Dyn] {
    try table(offset, byteCount, "dynamic table")
  }

  /// The entries of a table: structures of C, which in the file as in memory have no padding between them.
  private func table<Entry>(
    _ offset: UInt64, _ byteCount: UInt64, _ what: String
  ) throws(ELFError) -> [Entry] {
    let entryByteCount = MemoryLayout<Entry>.stride
    if byteCount % UInt64(entryByteCount) != 0 { throw .invalidSize(what: what, byteCount: byteCount) }
    let range = try range(offset, byteCount, what)
    if offset % 8 != 0 { throw .invalidAlignment(what: what, offset: offset) }
    let entries = UnsafeRawBufferPointer(rebasing: bytes[range])
    let count = entries.count / entryByteCount
    return [Entry](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: entries)
      initializedCount = count
    }
  }

  // MARK: Names

  /// The name at `offset` of the string table `table`; with its terminator it takes at most `limit` bytes.
  func name(
    at offset: UInt32, in table: Elf64_Shdr, index: Int, limit: Int
  ) throws(ELFError) -> UnsafeRawBufferPointer {
    if table.sh_type != UInt32(SHT_STRTAB) { throw .invalidSectionHeader(index: index) }
    let start = try ELFFile.sum(table.sh_offset, UInt64(offset), "name")
    _ = try ELFFile.sum(table.sh_offset, table.sh_size, "string table")
    _ = try ELFFile.sum(start, UInt64(limit), "name")
    guard let window = nameWindow(at: offset, in: table, limit: limit) else {
      throw .outOfBounds(what: "name", value: start)
    }
    guard let length = window.firstIndex(of: 0) else {
      throw .nameTooLong(String(decoding: window, as: UTF8.self), limit: limit)
    }
    return UnsafeRawBufferPointer(rebasing: window[..<length])
  }

  /// Where that name is: `limit` bytes, or as far as the table goes; `nil` where there is no such table or place.
  func nameWindow(at offset: UInt32, in table: Elf64_Shdr, limit: Int) -> UnsafeRawBufferPointer? {
    let (start, isStartBeyond) = table.sh_offset.addingReportingOverflow(UInt64(offset))
    let (tableEnd, isEndBeyond) = table.sh_offset.addingReportingOverflow(table.sh_size)
    let (limitEnd, isLimitBeyond) = start.addingReportingOverflow(UInt64(limit))
    let end = min(tableEnd, limitEnd)
    guard table.sh_type == UInt32(SHT_STRTAB), !isStartBeyond, !isEndBeyond, !isLimitBeyond, start <= end,
      end <= UInt64(bytes.count)
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(end)])
  }
}

extension Elf64_Shdr {
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

extension Elf64_Sym {
  var type: UInt8 { st_info & 0xf }
  var binding: UInt8 { st_info >> 4 }
}

extension Elf64_Rel {
  var type: UInt32 { UInt32(truncatingIfNeeded: r_info) }
  var symbolIndex: UInt32 { UInt32(truncatingIfNeeded: r_info >> 32) }
}
