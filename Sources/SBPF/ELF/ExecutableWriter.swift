// Writes SBPF executables: the strict layout of v3 (headers, read-only data, code, then what only people
// read) and the lenient one of v0–v2 (code and read-only data at addresses equal to their file offsets, a
// dynamic table for the calls that loaders complete). Both carry .symtab, so that a disassembly shows names.
import CElf

enum ExecutableWriter {
  private struct Section {
    var name: String
    var type: Int32
    var flags: Int32 = 0
    var address: UInt64 = 0
    var offset: UInt64
    var byteCount: UInt64
    var link: UInt32 = 0
    var info: UInt32 = 0
    var alignment: UInt64 = 1
    var entrySize: UInt64 = 0
  }

  private struct Segment {
    var type: Int32
    var flags: Int32
    var address: UInt64
    var offset: UInt64
    var byteCount: UInt64
  }

  private struct Writer {
    var bytes: [UInt8]
    var sections = [Section(name: "", type: SHT_NULL, offset: 0, byteCount: 0, alignment: 0)]

    /// - Parameter segmentCount: program headers to leave room for.
    init(segmentCount: Int) {
      bytes = [UInt8](
        repeating: 0, count: Int(ELFHeader.byteCount) + segmentCount * Int(ELFHeader.programHeaderByteCount))
    }

    /// Appends a section's bytes at the next multiple of its alignment; returns its index.
    @discardableResult
    mutating func add(
      _ name: String, _ contents: [UInt8], type: Int32, flags: Int32 = 0, address: UInt64? = nil,
      alignment: UInt64 = 8, link: UInt32 = 0, info: UInt32 = 0, entrySize: UInt64 = 0
    ) -> Int {
      while UInt64(bytes.count) % alignment != 0 { bytes.append(0) }
      let offset = UInt64(bytes.count)
      sections.append(
        Section(
          name: name, type: type, flags: flags, address: address ?? (flags & SHF_ALLOC != 0 ? offset : 0),
          offset: offset, byteCount: UInt64(contents.count), link: link, info: info, alignment: alignment,
          entrySize: entrySize))
      bytes += contents
      return sections.count - 1
    }

    mutating func addSymbols(_ program: LinkedProgram, textIndex: Int, textAddress: UInt64) {
      var strings = StringTable()
      let ordered = program.functions.filter { !$0.isGlobal } + program.functions.filter(\.isGlobal)
      var table = [UInt8](repeating: 0, count: 24)
      for function in ordered {
        table += symbol(
          name: strings.add(function.name), type: STT_FUNC, isGlobal: function.isGlobal, section: textIndex,
          value: textAddress + UInt64(function.pc) * 8, byteCount: UInt64(function.slotCount) * 8)
      }
      let firstGlobal = 1 + program.functions.count { !$0.isGlobal }
      add(
        ".symtab", table, type: SHT_SYMTAB, link: UInt32(sections.count + 1), info: UInt32(firstGlobal),
        entrySize: 24)
      add(".strtab", strings.bytes, type: SHT_STRTAB, alignment: 1)
    }

    /// Adds the names and the section table, fills in the headers.
    mutating func finish(version: SBPFVersion, entry: UInt64, segments: [Segment]) -> [UInt8] {
      var names = StringTable()
      let offsets = (sections.map(\.name) + [".shstrtab"]).map { names.add($0) }
      add(".shstrtab", names.bytes, type: SHT_STRTAB, alignment: 1)
      while bytes.count % 8 != 0 { bytes.append(0) }
      let tableOffset = UInt64(bytes.count)
      for (section, name) in zip(sections, offsets) {
        bytes += words32(name, UInt32(section.type))
        bytes += words64(UInt64(section.flags), section.address, section.offset, section.byteCount)
        bytes += words32(section.link, section.info) + words64(section.alignment, section.entrySize)
      }
      var header: [UInt8] = [
        0x7f, 0x45, 0x4c, 0x46, UInt8(ELFCLASS64), UInt8(ELFDATA2LSB), UInt8(EV_CURRENT),
      ]
      header += [UInt8](repeating: 0, count: 9)
      header += words16(UInt16(ET_DYN), ELFMachine.bpf) + words32(UInt32(EV_CURRENT))
      header += words64(entry, ELFHeader.byteCount, tableOffset) + words32(version.rawValue)
      header += words16(
        64, 56, UInt16(segments.count), 64, UInt16(sections.count), UInt16(sections.count - 1))
      for segment in segments {
        header += words32(UInt32(segment.type), UInt32(segment.flags))
        header += words64(
          segment.offset, segment.address, segment.address, segment.byteCount, segment.byteCount, 8)
      }
      bytes.replaceSubrange(0..<header.count, with: header)
      return bytes
    }
  }

  private struct StringTable {
    var bytes: [UInt8] = [0]

    mutating func add(_ string: String) -> UInt32 {
      if string.isEmpty { return 0 }
      let offset = UInt32(bytes.count)
      bytes += Array(string.utf8) + [0]
      return offset
    }
  }

  // MARK: v3

  static func strict(_ program: LinkedProgram) -> [UInt8] {
    let hasData = !program.rodata.isEmpty
    var writer = Writer(segmentCount: hasData ? 2 : 1)
    var segments: [Segment] = []
    if hasData {
      let index = writer.add(".rodata", program.rodata, type: SHT_PROGBITS, flags: SHF_ALLOC, address: 0)
      segments.append(segment(writer.sections[index], PT_LOAD, PF_R))
    }
    let text = writer.add(
      ".text", program.text, type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR,
      address: ELFLoader.programAddress)
    segments.append(segment(writer.sections[text], PT_LOAD, PF_X))
    writer.addSymbols(program, textIndex: text, textAddress: ELFLoader.programAddress)
    let entry = ELFLoader.programAddress + UInt64(program.entryPC) * 8
    return writer.finish(version: program.version, entry: entry, segments: segments)
  }

  // MARK: v0–v2

  /// File offsets, and addresses, of the code and the read-only data.
  static func lenientPlaces(
    textByteCount: UInt64, rodataByteCount: UInt64, rodataAlignment: UInt64, hasCalls: Bool
  ) -> (text: UInt64, rodata: UInt64) {
    let segmentCount: UInt64 = 1 + (rodataByteCount > 0 ? 1 : 0) + (hasCalls ? 2 : 0)
    let text = ELFHeader.byteCount + segmentCount * ELFHeader.programHeaderByteCount
    return (text, (text + textByteCount + rodataAlignment - 1) & ~(rodataAlignment - 1))
  }

  static func lenient(_ program: LinkedProgram) -> [UInt8] {
    let hasCalls = !program.calls.isEmpty
    var writer = Writer(segmentCount: 1 + (program.rodata.isEmpty ? 0 : 1) + (hasCalls ? 2 : 0))
    let text = writer.add(".text", program.text, type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR)
    var segments = [segment(writer.sections[text], PT_LOAD, PF_R | PF_X)]
    if !program.rodata.isEmpty {
      let rodata = writer.add(
        ".rodata", program.rodata, type: SHT_PROGBITS, flags: SHF_ALLOC, alignment: program.rodataAlignment)
      segments.append(segment(writer.sections[rodata], PT_LOAD, PF_R))
    }
    let textAddress = writer.sections[text].address
    if hasCalls { segments += addDynamicSections(program, to: &writer, textIndex: text) }
    writer.addSymbols(program, textIndex: text, textAddress: textAddress)
    return writer.finish(
      version: program.version, entry: textAddress + UInt64(program.entryPC) * 8, segments: segments)
  }

  /// .dynamic, .dynsym, .dynstr and .rel.dyn, back to back.
  private static func addDynamicSections(
    _ program: LinkedProgram, to writer: inout Writer, textIndex: Int
  ) -> [Segment] {
    let textAddress = writer.sections[textIndex].address
    var strings = StringTable()
    var symbols = [UInt8](repeating: 0, count: 24)
    var relocations: [UInt8] = []
    var indexByName: [String: UInt64] = [:]
    for call in program.calls {
      let index = indexByName[call.name] ?? UInt64(symbols.count / 24)
      if indexByName.updateValue(index, forKey: call.name) == nil {
        symbols += symbol(
          name: strings.add(call.name), type: call.function == nil ? STT_NOTYPE : STT_FUNC, isGlobal: true,
          section: call.function == nil ? 0 : textIndex,
          value: call.function.map { textAddress + UInt64($0) * 8 } ?? 0, byteCount: 0)
      }
      relocations += words64(textAddress + UInt64(call.pc) * 8, index << 32 | UInt64(ELFRelocation.call))
    }
    let dynamicByteCount: UInt64 = 16 * 8
    let first = writer.sections.count
    var start = UInt64(writer.bytes.count)
    start = (start + 7) & ~7
    let symbolsAddress = start + dynamicByteCount
    let stringsAddress = symbolsAddress + UInt64(symbols.count)
    let relocationsAddress = (stringsAddress + UInt64(strings.bytes.count) + 7) & ~7
    var dynamic = words64(UInt64(DT_REL), relocationsAddress, UInt64(DT_RELSZ), UInt64(relocations.count))
    dynamic += words64(UInt64(DT_RELENT), 16)
    dynamic += words64(UInt64(DT_SYMTAB), symbolsAddress, UInt64(DT_SYMENT), 24)
    dynamic += words64(UInt64(DT_STRTAB), stringsAddress, UInt64(DT_STRSZ), UInt64(strings.bytes.count))
    dynamic += words64(UInt64(DT_NULL), 0)
    let table = writer.add(
      ".dynamic", dynamic, type: SHT_DYNAMIC, flags: SHF_ALLOC, link: UInt32(first + 2), entrySize: 16)
    writer.add(
      ".dynsym", symbols, type: SHT_DYNSYM, flags: SHF_ALLOC, link: UInt32(first + 2), info: 1, entrySize: 24)
    writer.add(".dynstr", strings.bytes, type: SHT_STRTAB, flags: SHF_ALLOC, alignment: 1)
    writer.add(
      ".rel.dyn", relocations, type: SHT_REL, flags: SHF_ALLOC, link: UInt32(first + 1), entrySize: 16)
    let header = writer.sections[table]
    let byteCount = UInt64(writer.bytes.count) - header.offset
    return [
      Segment(
        type: PT_LOAD, flags: PF_R, address: header.address, offset: header.offset, byteCount: byteCount),
      Segment(
        type: PT_DYNAMIC, flags: PF_R, address: header.address, offset: header.offset,
        byteCount: header.byteCount),
    ]
  }

  // MARK: Words, little-endian

  private static func segment(_ section: Section, _ type: Int32, _ flags: Int32) -> Segment {
    Segment(
      type: type, flags: flags, address: section.address, offset: section.offset, byteCount: section.byteCount
    )
  }

  private static func symbol(
    name: UInt32, type: Int32, isGlobal: Bool, section: Int, value: UInt64, byteCount: UInt64
  ) -> [UInt8] {
    let information = UInt8(isGlobal ? STB_GLOBAL : STB_LOCAL) << 4 | UInt8(type)
    return words32(name) + [information, 0] + words16(UInt16(section)) + words64(value, byteCount)
  }

  private static func words16(_ words: UInt16...) -> [UInt8] { words.flatMap(bytes) }
  private static func words32(_ words: UInt32...) -> [UInt8] { words.flatMap(bytes) }
  private static func words64(_ words: UInt64...) -> [UInt8] { words.flatMap(bytes) }

  private static func bytes<T: FixedWidthInteger>(_ word: T) -> [UInt8] {
    withUnsafeBytes(of: word.littleEndian) { Array($0) }
  }
}
