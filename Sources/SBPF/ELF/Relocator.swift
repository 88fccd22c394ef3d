// Relocation of SBPF v0–v2 files, on a copy of the file's bytes while tables and names are read from the
// original, as the validators do: a relocation that overwrites a table changes nothing that follows. Offsets
// are file offsets. Kinds: R_BPF_64_64 (lddw of a symbol), R_BPF_64_RELATIVE (lddw or data word holding an
// address), R_BPF_64_32 (call by symbol).
import CElfTypes

struct Relocator {
  /// The copy, which nobody else has yet.
  private let image: ProgramBytes
  let textRange: Range<Int>
  var functions = FunctionKeys()
  private let elf: LenientELF
  private let text: Elf64_Shdr
  private let syscalls: SyscallRegistry
  private var syscallKeys: [UInt32: UInt32] = [:]  // by st_name
  /// A bit for each slot whose key is registered: most functions are called many times.
  private var registered: [UInt64]

  init(elf: LenientELF, image: ProgramBytes, text: Elf64_Shdr, syscalls: SyscallRegistry) throws(ELFError) {
    let place = text.fileRange
    textRange = try elf.file.range(place.offset, place.byteCount, ".text")
    self.elf = elf
    self.image = image
    self.text = text
    self.syscalls = syscalls
    registered = [UInt64](repeating: 0, count: textRange.count / 8 / 64 + 1)
  }

  /// Gives every `call` with a displacement the key of its target; -1 waits for a relocation.
  mutating func hashRelativeCalls() throws(ELFError) {
    let count = textRange.count / 8
    let code = EncodedText(start: image.start + textRange.lowerBound, byteCount: textRange.count)
    for pc in 0..<count where code.opcode(at: pc) == 0x85 {
      let displacement = code[pc].immediate
      if displacement == -1 { continue }
      let target = pc + 1 + Int(displacement)
      guard target >= 0, target < count else { throw .relativeJumpOutOfBounds(instruction: pc) }
      let key = try key(ofFunctionAt: target)
      image.start.storeBytes(
        of: key.littleEndian, toByteOffset: textRange.lowerBound + pc * 8 + 4, as: UInt32.self)
    }
  }

  private mutating func key(ofFunctionAt pc: Int) throws(ELFError) -> UInt32 {
    let (word, bit) = (pc >> 6, UInt64(1) << UInt64(pc & 63))
    if word < registered.count {
      if registered[word] & bit != 0 { return Murmur3.key(ofPC: pc) }
      registered[word] |= bit
    }
    return try functions.register(pc: pc, syscalls: syscalls)
  }

  mutating func applyDynamicRelocations(rejectsUnresolved: Bool) throws(ELFError) {
    for relocation in elf.dynamicRelocations {
      switch relocation.type {
      case ELFRelocation.wideLoad: try relocateSymbolAddress(relocation)
      case ELFRelocation.relative: try relocateAddress(relocation)
      case ELFRelocation.call: try relocateCall(relocation, rejectsUnresolved: rejectsUnresolved)
      default: throw .unknownRelocation(type: relocation.type, fileOffset: relocation.r_offset)
      }
    }
  }

  private func symbol(of relocation: Elf64_Rel) throws(ELFError) -> Elf64_Sym {
    let index = UInt64(relocation.symbolIndex)
    guard index < UInt64(elf.dynamicSymbols.count) else { throw .unknownSymbol(index: index) }
    return elf.dynamicSymbols[Int(index)]
  }

  private mutating func relocateSymbolAddress(_ relocation: Elf64_Rel) throws(ELFError) {
    let low = Relocator.saturatingSum(relocation.r_offset, 4)
    let addend = UInt64(try load32(low))
    let symbol = try symbol(of: relocation)
    let address = Relocator.inProgramRegion(Relocator.saturatingSum(symbol.st_value, addend))
    try store32(UInt32(truncatingIfNeeded: address), at: low)
    try store32(UInt32(truncatingIfNeeded: address >> 32), at: Relocator.saturatingSum(low, 8))
  }

  private mutating func relocateAddress(_ relocation: Elf64_Rel) throws(ELFError) {
    let offset = relocation.r_offset
    let low = Relocator.saturatingSum(offset, 4)
    guard offset >= UInt64(textRange.lowerBound), offset < UInt64(textRange.upperBound) else {
      // Early tool chains put the low half of a data word's address into its upper half; that became the
      // format.
      let address = Relocator.saturatingSum(UInt64(try load32(low)), ELFLoader.programAddress)
      try store32(UInt32(truncatingIfNeeded: address), at: offset, of: 8)
      try store32(UInt32(truncatingIfNeeded: address >> 32), at: low)
      return
    }
    let high = Relocator.saturatingSum(offset, 12)
    let halves = (low: try load32(low), high: try load32(high))
    let address = UInt64(halves.high) << 32 | UInt64(halves.low)
    if address == 0 { throw .invalidVirtualAddress(address) }
    let moved = Relocator.inProgramRegion(address)
    try store32(UInt32(truncatingIfNeeded: moved), at: low)
    try store32(UInt32(truncatingIfNeeded: moved >> 32), at: high)
  }

  private mutating func relocateCall(
    _ relocation: Elf64_Rel, rejectsUnresolved: Bool
  ) throws(ELFError) {
    let symbol = try symbol(of: relocation)
    let name: UnsafeRawBufferPointer
    do {
      name = try elf.dynamicName(of: symbol)
    } catch {
      throw .unknownSymbol(index: UInt64(symbol.st_name))
    }
    let key: UInt32
    if symbol.type == UInt8(STT_FUNC) && symbol.st_value != 0 {
      guard text.contains(address: symbol.st_value) else {
        throw .outOfBounds(what: "function \(String(decoding: name, as: UTF8.self))", value: symbol.st_value)
      }
      let pc = Int(clamping: (symbol.st_value - text.sh_addr) / 8)
      if name.elementsEqual("entrypoint".utf8) {
        key = FunctionKeys.entryKey
        try functions.register(key, pc: pc, syscalls: syscalls)
      } else {
        key = try self.key(ofFunctionAt: pc)
      }
    } else {
      key = syscallKeys[symbol.st_name] ?? Murmur3.hash(Array(name))
      syscallKeys[symbol.st_name] = key
      if rejectsUnresolved && syscalls.index(ofKey: key) == nil {
        throw .unresolvedSymbol(
          name: String(decoding: name, as: UTF8.self), instruction: relocation.r_offset / 8,
          fileOffset: relocation.r_offset)
      }
    }
    try store32(key, at: Relocator.saturatingSum(relocation.r_offset, 4))
  }

  // MARK: Words

  static func saturatingSum(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : sum
  }

  /// Linkers place programs from 0 or from 0x1_0000_0000 on; the machine has them at the latter.
  private static func inProgramRegion(_ address: UInt64) -> UInt64 {
    address < ELFLoader.programAddress ? address + ELFLoader.programAddress : address
  }

  private func index(_ offset: UInt64, of byteCount: UInt64) throws(ELFError) -> Int {
    guard offset <= UInt64(image.count), UInt64(image.count) - offset >= byteCount else {
      throw .outOfBounds(what: "relocated word at file offset", value: offset)
    }
    return Int(offset)
  }

  private func load32(_ offset: UInt64) throws(ELFError) -> UInt32 {
    let index = try index(offset, of: 4)
    return UInt32(littleEndian: image.start.loadUnaligned(fromByteOffset: index, as: UInt32.self))
  }

  /// - Parameter byteCount: bytes from `offset` on that must exist.
  private func store32(_ value: UInt32, at offset: UInt64, of byteCount: UInt64 = 4) throws(ELFError) {
    let index = try index(offset, of: byteCount)
    image.start.storeBytes(of: value.littleEndian, toByteOffset: index, as: UInt32.self)
  }
}
