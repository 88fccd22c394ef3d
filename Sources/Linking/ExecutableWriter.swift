// Writes SBPF executables: the strict layout of v3 (headers, read-only data, code, then what only people
// read) and the lenient one of v0–v2 (code and read-only data at addresses equal to their file offsets, a
// dynamic table for the calls that loaders complete). Both carry .symtab, so that a disassembly shows names.
import CElf
import SBPF

enum ExecutableWriter {
  private static func addSymbols(
    of program: LinkedProgram, to writer: inout ELFWriter, textIndex: Int, textAddress: UInt64
  ) {
    var strings = StringTable()
    let ordered = program.functions.filter { !$0.isGlobal } + program.functions.filter(\.isGlobal)
    var table = [UInt8](repeating: 0, count: 24)
    for function in ordered {
      table += symbol(
        name: strings.add(function.name), type: STT_FUNC, isGlobal: function.isGlobal, section: textIndex,
        value: textAddress + UInt64(function.pc) * 8, byteCount: UInt64(function.slotCount) * 8)
    }
    let firstGlobal = 1 + program.functions.count { !$0.isGlobal }
    writer.add(
      ".symtab", table, type: SHT_SYMTAB, link: UInt32(writer.sections.count + 2), info: UInt32(firstGlobal),
      entrySize: 24)
    writer.add(".strtab", strings.bytes, type: SHT_STRTAB, alignment: 1)
  }

  // MARK: v3

  static func strict(_ program: LinkedProgram) throws(LinkError) -> [UInt8] {
    let hasData = !program.rodata.isEmpty
    var writer = ELFWriter(segmentCount: hasData ? 2 : 1)
    var segments: [ELFWriter.Segment] = []
    if hasData {
      let index = writer.add(".rodata", program.rodata, type: SHT_PROGBITS, flags: SHF_ALLOC, address: 0)
      segments.append(segment(writer[index], PT_LOAD, PF_R))
    }
    let text = writer.add(
      ".text", program.text, type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR,
      address: ELFLoader.programAddress)
    segments.append(segment(writer[text], PT_LOAD, PF_X))
    addSymbols(of: program, to: &writer, textIndex: text, textAddress: ELFLoader.programAddress)
    let entry = ELFLoader.programAddress + UInt64(program.entryPC) * 8
    return try writer.finish(flags: program.version.rawValue, entry: entry, segments: segments)
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

  static func lenient(_ program: LinkedProgram) throws(LinkError) -> [UInt8] {
    let hasCalls = !program.calls.isEmpty
    var writer = ELFWriter(segmentCount: 1 + (program.rodata.isEmpty ? 0 : 1) + (hasCalls ? 2 : 0))
    let text = writer.add(".text", program.text, type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR)
    var segments = [segment(writer[text], PT_LOAD, PF_R | PF_X)]
    if !program.rodata.isEmpty {
      let rodata = writer.add(
        ".rodata", program.rodata, type: SHT_PROGBITS, flags: SHF_ALLOC, alignment: program.rodataAlignment)
      segments.append(segment(writer[rodata], PT_LOAD, PF_R))
    }
    let textAddress = writer[text].address
    if hasCalls { segments += addDynamicSections(program, to: &writer, textIndex: text) }
    addSymbols(of: program, to: &writer, textIndex: text, textAddress: textAddress)
    return try writer.finish(
      flags: program.version.rawValue, entry: textAddress + UInt64(program.entryPC) * 8, segments: segments)
  }

  /// .dynamic, .dynsym, .dynstr and .rel.dyn, back to back.
  private static func addDynamicSections(
    _ program: LinkedProgram, to writer: inout ELFWriter, textIndex: Int
  ) -> [ELFWriter.Segment] {
    let textAddress = writer[textIndex].address
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
    let first = writer.sections.count + 1
    let start = (writer.end + 7) & ~7
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
    let header = writer[table]
    let byteCount = writer.end - header.offset
    return [
      ELFWriter.Segment(
        type: PT_LOAD, flags: PF_R, address: header.address, offset: header.offset, byteCount: byteCount),
      ELFWriter.Segment(
        type: PT_DYNAMIC, flags: PF_R, address: header.address, offset: header.offset,
        byteCount: header.byteCount),
    ]
  }

  // MARK: Words, little-endian

  private static func segment(_ section: ELFWriter.Section, _ type: Int32, _ flags: Int32)
    -> ELFWriter.Segment
  {
    ELFWriter.Segment(
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
