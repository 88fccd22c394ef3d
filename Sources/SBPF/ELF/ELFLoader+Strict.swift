// The loader of SBPF v3 (SIMD-0189) and of wide images, whose read-only data are their tables: only the file header and the first one or two program headers count.
// Read-only data, if any, is mapped at 0 and the code at 0x1_0000_0000; both lie back to back behind the
// program headers. Nothing is relocated; section headers serve names for people only and may be nonsense.
import CElfTypes

extension ELFLoader {
  private static let regionByteCount: UInt64 = 0x1_0000_0000

  static func loadStrict(
    _ bytes: UnsafeRawBufferPointer, version: SBPFVersion
  ) throws(ELFError) -> ProgramImage {
    let file = try ELFFile(bytes)
    try checkStrict(file.header, byteCount: UInt64(bytes.count))
    let headers = try file.programHeaders(offset: ELFHeader.byteCount, count: file.header.programHeaderCount)
    let (rodata, text) = try strictSegments(headers, of: file)
    let entry = file.header.entry
    let textRange = try file.range(text.p_offset, text.p_filesz, "text segment")
    guard entry >= text.p_vaddr, entry - text.p_vaddr < text.p_memsz, entry % 8 == 0 else {
      throw .invalidFileHeader(field: "e_entry \(ELFError.hex(entry))")
    }
    let entryPC = Int((entry - text.p_vaddr) / 8)
    var names = SectionView(bytes).functionNames(textAddress: text.p_vaddr, slotCount: textRange.count / 8)
    names.addEntry(entryPC)
    var functions: FunctionTable = [:]
    for pc in names.byPC.keys { functions[UInt32(clamping: pc)] = pc }
    let rodataRange = try file.range(rodata?.p_offset ?? 0, rodata?.p_filesz ?? 0, "read-only segment")
    if version.hasWideInstructions {
      return ProgramImage(
        version: version, text: Array(bytes[textRange]), textAddress: text.p_vaddr, rodataAddress: 0,
        entryPC: entryPC, functions: functions, functionNames: names.byPC,
        wide: try WideTables(decoding: UnsafeRawBufferPointer(rebasing: bytes[rodataRange])))
    }
    return ProgramImage(
      version: version, text: Array(bytes[textRange]), textAddress: text.p_vaddr,
      rodata: Array(bytes[rodataRange]), rodataAddress: 0, entryPC: entryPC, functions: functions,
      functionNames: names.byPC)
  }

  private static func checkStrict(_ header: ELFHeader, byteCount: UInt64) throws(ELFError) {
    let tableEnd = ELFHeader.byteCount + UInt64(header.programHeaderCount) * ELFHeader.programHeaderByteCount
    let checks: [(holds: Bool, field: String)] = [
      (header.identification[7...].allSatisfy { $0 == 0 }, "EI_OSABI, EI_ABIVERSION or padding"),
      (header.machine == ELFMachine.bpf, "e_machine \(header.machine)"),
      (header.programHeaderOffset == ELFHeader.byteCount, "e_phoff"),
      (header.headerByteCount == UInt16(ELFHeader.byteCount), "e_ehsize"),
      (header.programHeaderEntrySize == UInt16(ELFHeader.programHeaderByteCount), "e_phentsize"),
      (header.programHeaderCount >= 1, "e_phnum"),
      (tableEnd <= byteCount, "program headers beyond the end of the file"),
    ]
    for check in checks where !check.holds { throw .invalidFileHeader(field: check.field) }
  }

  private static func strictSegments(
    _ headers: [Elf64_Phdr], of file: ELFFile
  ) throws(ELFError) -> (rodata: Elf64_Phdr?, text: Elf64_Phdr) {
    var expectedOffset = ELFHeader.byteCount + UInt64(headers.count) * ELFHeader.programHeaderByteCount
    var rodata: Elf64_Phdr?
    var index = 0
    if headers[0].p_flags == UInt32(PF_R) {
      if headers.count < 2 { throw .invalidFileHeader(field: "e_phnum: no header for the code") }
      rodata = headers[0]
      try checkSegment(headers[0], 0, flags: PF_R, address: 0, offset: expectedOffset, of: file)
      expectedOffset += headers[0].p_filesz
      index = 1
    }
    try checkSegment(
      headers[index], index, flags: PF_X, address: programAddress, offset: expectedOffset, of: file)
    return (rodata, headers[index])
  }

  private static func checkSegment(
    _ segment: Elf64_Phdr, _ index: Int, flags: Int32, address: UInt64, offset: UInt64, of file: ELFFile
  ) throws(ELFError) {
    let byteCount = UInt64(file.bytes.count)
    let checks: [(holds: Bool, field: String)] = [
      (segment.p_type == UInt32(PT_LOAD), "p_type"),
      (segment.p_flags == UInt32(flags), "p_flags"),
      (segment.p_offset == offset && offset < byteCount && offset % 8 == 0, "p_offset"),
      (segment.p_vaddr == address, "p_vaddr"),
      (segment.p_paddr == address, "p_paddr"),
      (segment.p_filesz == segment.p_memsz && segment.p_filesz % 8 == 0, "p_filesz"),
      (offset <= byteCount && segment.p_filesz <= byteCount - offset, "p_filesz beyond the file"),
      (segment.p_memsz < regionByteCount, "p_memsz"),
    ]
    for check in checks where !check.holds { throw .invalidProgramHeader(index: index, field: check.field) }
  }
}
