// ELF files as libelf writes them: 64-bit, little-endian, every section where its builder put it. The caller lays the
// file out (SBPF's loaders compare addresses with file offsets); libelf writes headers and tables and checks that they
// agree.
import CElf
import Glibc
import SBPF

struct ELFWriter {
  struct Section {
    var name: String
    var type: Int32
    var flags: Int32 = 0
    var address: UInt64 = 0
    var offset: UInt64 = 0
    var contents: [UInt8] = []
    var link: UInt32 = 0
    var info: UInt32 = 0
    var alignment: UInt64 = 1
    var entrySize: UInt64 = 0

    var byteCount: UInt64 { UInt64(contents.count) }
  }

  struct Segment {
    var type: Int32
    var flags: Int32
    var address: UInt64
    var offset: UInt64
    var byteCount: UInt64
  }

  /// In file order; index 0 of the file's own table, the empty section, is none of them.
  private(set) var sections: [Section] = []
  /// Where the next byte goes.
  private(set) var end: UInt64

  /// - Parameter segmentCount: program headers to leave room for.
  init(segmentCount: Int) {
    end = ELFHeader.byteCount + UInt64(segmentCount) * ELFHeader.programHeaderByteCount
  }

  /// Puts a section at the next multiple of its alignment; returns its index in the file's table.
  @discardableResult
  mutating func add(
    _ name: String, _ contents: [UInt8], type: Int32, flags: Int32 = 0, address: UInt64? = nil,
    alignment: UInt64 = 8, link: UInt32 = 0, info: UInt32 = 0, entrySize: UInt64 = 0
  ) -> Int {
    let offset = (end + alignment - 1) & ~(alignment - 1)
    sections.append(
      Section(
        name: name, type: type, flags: flags, address: address ?? (flags & SHF_ALLOC != 0 ? offset : 0),
        offset: offset, contents: contents, link: link, info: info, alignment: alignment, entrySize: entrySize
      ))
    end = offset + UInt64(contents.count)
    return sections.count
  }

  /// The section at `index` of the file's table.
  subscript(index: Int) -> Section { sections[index - 1] }

  /// Adds the names and writes the file.
  ///
  /// - Throws: `writing` when the system has no memory or no file handle for it.
  mutating func finish(flags: UInt32, entry: UInt64, segments: [Segment]) throws(LinkError) -> [UInt8] {
    var names = StringTable()
    let nameOffsets = (sections.map(\.name) + [".shstrtab"]).map { names.add($0) }
    add(".shstrtab", names.bytes, type: SHT_STRTAB, alignment: 1)
    guard elf_version(UInt32(EV_CURRENT)) != UInt32(EV_NONE) else { throw ELFWriter.failure() }
    let file = estuary_memory_file()
    guard file >= 0 else { throw LinkError(.writing(detail: String(cString: strerror(errno)))) }
    defer { close(file) }
    guard let elf = elf_begin(file, ELF_C_WRITE, nil) else { throw ELFWriter.failure() }
    defer { elf_end(elf) }
    guard gelf_newehdr(elf, ELFCLASS64) != nil, elf_flagelf(elf, ELF_C_SET, UInt32(ELF_F_LAYOUT)) != 0 else {
      throw ELFWriter.failure()
    }
    try writeHeader(elf, flags: flags, entry: entry)
    try ELFWriter.write(segments, to: elf)
    // libelf reads the contents when it writes the file, so they stay where they are until then.
    var buffers: [UnsafeMutableRawBufferPointer] = []
    defer { for buffer in buffers { buffer.deallocate() } }
    for (section, name) in zip(sections, nameOffsets) {
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(section.contents.count, 1), alignment: 8)
      buffer.copyBytes(from: section.contents)
      buffers.append(buffer)
      try ELFWriter.write(section, name: name, contents: buffer, to: elf)
    }
    let byteCount = elf_update(elf, ELF_C_WRITE)
    guard byteCount > 0 else { throw ELFWriter.failure() }
    return try ELFWriter.read(file, byteCount: Int(byteCount))
  }

  private func writeHeader(_ elf: OpaquePointer, flags: UInt32, entry: UInt64) throws(LinkError) {
    var header = GElf_Ehdr()
    guard gelf_getehdr(elf, &header) != nil else { throw ELFWriter.failure() }
    header.e_ident.5 = UInt8(ELFDATA2LSB)
    header.e_type = UInt16(ET_DYN)
    header.e_machine = ELFMachine.bpf
    header.e_version = UInt32(EV_CURRENT)
    header.e_entry = entry
    header.e_phoff = ELFHeader.byteCount
    header.e_shoff = (end + 7) & ~7
    header.e_flags = flags
    header.e_shstrndx = UInt16(sections.count)
    guard gelf_update_ehdr(elf, &header) != 0 else { throw ELFWriter.failure() }
  }

  private static func write(_ segments: [Segment], to elf: OpaquePointer) throws(LinkError) {
    guard gelf_newphdr(elf, segments.count) != nil else { throw failure() }
    for (index, segment) in segments.enumerated() {
      var header = GElf_Phdr()
      header.p_type = UInt32(segment.type)
      header.p_flags = UInt32(segment.flags)
      header.p_offset = segment.offset
      header.p_vaddr = segment.address
      header.p_paddr = segment.address
      header.p_filesz = segment.byteCount
      header.p_memsz = segment.byteCount
      header.p_align = 8
      guard gelf_update_phdr(elf, Int32(index), &header) != 0 else { throw failure() }
    }
  }

  private static func write(
    _ section: Section, name: UInt32, contents: UnsafeMutableRawBufferPointer, to elf: OpaquePointer
  ) throws(LinkError) {
    var header = GElf_Shdr()
    guard let handle = elf_newscn(elf), let data = elf_newdata(handle), gelf_getshdr(handle, &header) != nil
    else { throw failure() }
    data.pointee.d_buf = contents.baseAddress
    data.pointee.d_size = section.contents.count
    data.pointee.d_type = ELF_T_BYTE  // already in the file's byte order
    data.pointee.d_align = 1
    data.pointee.d_off = 0
    data.pointee.d_version = UInt32(EV_CURRENT)
    header.sh_name = name
    header.sh_type = UInt32(section.type)
    header.sh_flags = UInt64(section.flags)
    header.sh_addr = section.address
    header.sh_offset = section.offset
    header.sh_size = section.byteCount
    header.sh_link = section.link
    header.sh_info = section.info
    header.sh_addralign = section.alignment
    header.sh_entsize = section.entrySize
    guard gelf_update_shdr(handle, &header) != 0 else { throw failure() }
  }

  private static func read(_ file: Int32, byteCount: Int) throws(LinkError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var offset = 0
    while offset < byteCount {
      let count = bytes.withUnsafeMutableBytes { buffer in
        pread(file, buffer.baseAddress.map { $0 + offset }, byteCount - offset, offset)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw LinkError(.writing(detail: String(cString: strerror(errno)))) }
      offset += count
    }
    return bytes
  }

  private static func failure() -> LinkError {
    let text = elf_errmsg(-1).map { String(cString: $0) } ?? "unknown error"
    return LinkError(.writing(detail: "libelf: \(text)"))
  }
}

/// Texts one after the other, each ended by a zero byte; offset 0 is the empty one.
struct StringTable {
  private(set) var bytes: [UInt8] = [0]

  mutating func add(_ string: String) -> UInt32 {
    if string.isEmpty { return 0 }
    let offset = UInt32(bytes.count)
    bytes += Array(string.utf8) + [0]
    return offset
  }
}
