// The loader of SBPF v0–v2: any shared object with one .text section. Calls are keyed by murmur3 of their
// target, dynamic relocations are applied, the read-only sections are merged into one image from
// 0x1_0000_0000 on. Each check stands where the validators' loader has it, for the first one that fails names
// the error.
import CElfTypes

extension ELFLoader {
  static func loadLenient(
    _ bytes: UnsafeRawBufferPointer, version: SBPFVersion, syscalls: SyscallRegistry, options: LoaderOptions
  ) throws(ELFError) -> ProgramImage {
    let elf = try LenientELF(bytes)
    try validate(elf)
    let text = try elf.firstSection(named: ".text")
    let (textAddress, overflow) = text.sh_addr.addingReportingOverflow(programAddress)
    if options.rejectsBrokenELFs && text.sh_addr != text.sh_offset {
      throw .outOfBounds(what: "address of .text, which is not its file offset", value: text.sh_addr)
    }
    if overflow || textAddress > stackAddress {
      throw .outOfBounds(what: "address of .text", value: text.sh_addr)
    }

    let image = ProgramBytes(copying: bytes)
    var relocator = try Relocator(elf: elf, image: image, text: text, syscalls: syscalls)
    try relocator.hashRelativeCalls()
    try relocator.applyDynamicRelocations(rejectsUnresolved: options.rejectsBrokenELFs)

    let entryPC = try entryPC(elf.file.header, text: text)
    try relocator.functions.registerEntry(pc: entryPC, syscalls: syscalls)
    let rodata = try mergeReadOnlySections(elf, image: image, options: options)
    // The code that runs is the merged image's: a read-only section laid over it has overwritten it there.
    let textStart = Int(text.sh_addr)
    return ProgramImage(
      version: version, textIn: textStart..<(textStart + relocator.textRange.count), textAddress: textAddress,
      rodata: rodata, rodataAddress: programAddress, entryPC: entryPC, functions: relocator.functions.pcByKey,
      functionNames: functionNames(elf, text: text, entryPC: entryPC))
  }

  private static func validate(_ elf: LenientELF) throws(ELFError) {
    let header = elf.file.header
    if header.identification[7] != UInt8(ELFOSABI_NONE) { throw .wrongABI(header.identification[7]) }
    if header.machine != ELFMachine.bpf && header.machine != ELFMachine.sbpf {
      throw .wrongMachine(header.machine)
    }
    if header.type != UInt16(ET_DYN) { throw .wrongType(header.type) }
    let textName = Array(".text".utf8)
    let textCount = elf.sectionNames.count { $0 == textName }
    if textCount != 1 { throw .notOneTextSection(count: textCount) }
    for (section, name) in zip(elf.sections, elf.sectionNames) {
      let isData = name.starts(with: ".data".utf8) && !name.starts(with: ".data.rel".utf8)
      if name.starts(with: ".bss".utf8) || section.isWritable && isData {
        throw .writableSection(String(decoding: name, as: UTF8.self))
      }
    }
    for (index, section) in elf.sections.enumerated() {
      _ = try elf.file.range(section.sh_offset, section.sh_size, "section \(index)")
    }
    let text = try elf.firstSection(named: ".text")
    if !text.contains(address: header.entry) { throw .entrypointOutOfBounds(address: header.entry) }
  }

  private static func entryPC(_ header: ELFHeader, text: Elf64_Shdr) throws(ELFError) -> Int {
    let offset = header.entry - text.sh_addr  // validate() saw the entry inside .text
    if offset % 8 != 0 { throw .invalidEntrypoint(address: header.entry) }
    return Int(clamping: offset / 8)
  }

  /// The bytes `[0, end of the last read-only section)` of the guest's program region, zero between sections.
  /// They are made in `image`, the relocated file, where no section moves.
  private static func mergeReadOnlySections(
    _ elf: LenientELF, image: ProgramBytes, options: LoaderOptions
  ) throws(ELFError) -> ProgramBytes {
    let names = [".text", ".rodata", ".data.rel.ro", ".eh_frame"].map { Array($0.utf8) }
    var isAwayFromOffset = false
    var lowest = UInt64.max
    var highest: UInt64 = 0
    var filled: UInt64 = 0
    var slices: [(address: Int, range: Range<Int>)] = []
    for (section, name) in zip(elf.sections, elf.sectionNames) where names.contains(name) {
      let label = String(decoding: name, as: UTF8.self)
      if section.sh_addr != section.sh_offset { isAwayFromOffset = true }
      if options.rejectsBrokenELFs && isAwayFromOffset || section.sh_addr > stackAddress - programAddress {
        throw .outOfBounds(what: "address of \(label)", value: section.sh_addr)
      }
      let place = section.fileRange
      let range = try elf.file.range(place.offset, place.byteCount, label)
      lowest = min(lowest, section.sh_addr)
      highest = max(highest, section.sh_addr + UInt64(range.count))  // both far below 2^63
      filled += UInt64(range.count)
      slices.append((Int(section.sh_addr), range))
    }
    let (packed, overflow) = lowest.addingReportingOverflow(filled)
    if options.rejectsBrokenELFs && (overflow || packed > highest) {
      throw .outOfBounds(what: "overlapping read-only sections", value: filled)
    }
    if highest > UInt64(image.count) {
      throw .outOfBounds(what: "end of the read-only sections", value: highest)
    }
    return merged(slices, of: image, byteCount: Int(highest))
  }

  /// - Parameters:
  ///   - slices: ranges of `image`, ascending and apart, and where each belongs.
  ///   - byteCount: at least the end of every slice's place, at most the image's size.
  private static func merged(
    _ slices: [(address: Int, range: Range<Int>)], of image: ProgramBytes, byteCount: Int
  ) -> ProgramBytes {
    guard slices.allSatisfy({ $0.range.isEmpty || $0.address == $0.range.lowerBound }) else {
      let merged = ProgramBytes(zeroes: byteCount)
      for slice in slices {
        (merged.start + slice.address).copyMemory(
          from: image.start + slice.range.lowerBound, byteCount: slice.range.count)
      }
      return merged
    }
    var end = 0
    for slice in slices where !slice.range.isEmpty {
      image.clear(end..<max(end, slice.range.lowerBound))
      end = max(end, slice.range.upperBound)
    }
    image.truncate(to: byteCount)
    image.clear(end..<byteCount)
    return image
  }

  /// Function symbols of .dynsym and .symtab, as far as they can be read; they decide nothing.
  private static func functionNames(_ elf: LenientELF, text: Elf64_Shdr, entryPC: Int) -> [Int: String] {
    var names = FunctionNames()
    func add(_ symbols: [Elf64_Sym], _ strings: Int?, limit: Int) {
      guard let strings else { return }
      for symbol in symbols
      where symbol.type == UInt8(STT_FUNC) && text.contains(address: symbol.st_value) {
        let pc = Int(clamping: (symbol.st_value - text.sh_addr) / 8)
        let window = elf.file.nameWindow(at: symbol.st_name, in: elf.sections[strings], limit: limit)
        guard names.add(pc, window) else { return }
      }
    }
    add(elf.dynamicSymbols, elf.dynamicNamesSection, limit: LenientELF.symbolNameLimit)
    if let section = elf.symbolSection.map({ elf.sections[$0] }) {
      let symbols = try? elf.file.symbols(offset: section.sh_offset, byteCount: section.sh_size, ".symtab")
      add(symbols ?? [], elf.symbolNamesSection, limit: FunctionNames.nameLimit)
    }
    names.addEntry(entryPC)
    return names.byPC
  }
}

package enum ELFMachine {
  package static let bpf: UInt16 = 247
  package static let sbpf: UInt16 = 263
}

/// Relocation types; the field's numbers, as LLVM's BPF back end and the Solana tool chain use them.
package enum ELFRelocation {
  package static let none: UInt32 = 0
  /// R_BPF_64_64: an address in `lddw`.
  package static let wideLoad: UInt32 = 1
  /// R_BPF_64_ABS64, R_BPF_64_ABS32: an address in data.
  package static let dataWord64: UInt32 = 2
  package static let dataWord32: UInt32 = 3
  /// R_BPF_64_NODYLD32: in sections that are not loaded.
  package static let debugWord32: UInt32 = 4
  /// R_BPF_64_RELATIVE: an address without a symbol.
  package static let relative: UInt32 = 8
  /// R_BPF_64_32: a call.
  package static let call: UInt32 = 10
}

/// Functions by the key a `call` carries.
struct FunctionKeys {
  static let entryKey = Murmur3.hash(Array("entrypoint".utf8))
  private(set) var pcByKey = FunctionTable()

  /// The key of the function at `pc`, registered.
  mutating func register(pc: Int, syscalls: SyscallRegistry) throws(ELFError) -> UInt32 {
    let key = Murmur3.key(ofPC: pc)
    try register(key, pc: pc, syscalls: syscalls)
    return key
  }

  mutating func register(_ key: UInt32, pc: Int, syscalls: SyscallRegistry) throws(ELFError) {
    if syscalls.index(ofKey: key) != nil { throw .symbolHashCollision(key: key) }
    if let other = pcByKey.insert(pc, for: key), other != pc { throw .symbolHashCollision(key: key) }
  }

  /// The entry goes by its name and takes the place of whatever function had that key.
  mutating func registerEntry(pc: Int, syscalls: SyscallRegistry) throws(ELFError) {
    pcByKey[FunctionKeys.entryKey] = nil
    try register(FunctionKeys.entryKey, pc: pc, syscalls: syscalls)
  }
}
