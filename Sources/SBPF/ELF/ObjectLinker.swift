// `estuary link`: a relocatable object of stock clang becomes an SBPF executable that validators take, v3
// (strict layout) by default, v0–v2 (lenient layout, calls of syscalls by dynamic relocation) on request.
// Addresses are final in the file; only syscalls, and a function whose first instruction calls itself, need
// the loader's help. Limits: one object, no writable data, at most 4096 bytes of stack a function (compile
// with `-mllvm -bpf-stack-size=4096`).
import CElf

package enum ObjectLinker {
  /// An account's data, and so a program, has at most 10 MiB.
  static let byteCountLimit: UInt64 = 10 << 20

  /// Whether the file says that it is a relocatable object, which `link` takes and loaders refuse.
  package static func isObject(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { RelocatableObject.isObject($0) }
  }

  /// Writes the executable; thread-safe, and the same bytes each time.
  ///
  /// - Parameter syscalls: if given, an undefined function that is none of them is refused by name.
  package static func link(
    _ object: [UInt8], version: SBPFVersion = .v3, syscalls: SyscallRegistry? = nil
  ) throws(ELFError) -> [UInt8] {
    let result = object.withUnsafeBytes { buffer -> Result<[UInt8], ELFError> in
      do throws(ELFError) {
        return .success(try link(buffer, version: version, syscalls: syscalls))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Writes an image of a version with the strict layout (what the assembler makes) as an executable.
  package static func executable(_ image: ProgramImage) -> [UInt8] {
    precondition(image.version.hasStrictELF, "an image of the lenient versions needs its relocations")
    return ExecutableWriter.strict(
      LinkedProgram(
        version: image.version, text: image.text, rodata: image.wide?.encoded ?? image.rodata,
        entryPC: image.entryPC))
  }

  private static func link(
    _ bytes: UnsafeRawBufferPointer, version: SBPFVersion, syscalls: SyscallRegistry?
  ) throws(ELFError) -> [UInt8] {
    guard !version.hasWideInstructions else { throw .unsupportedVersion(flags: version.rawValue) }
    let program = try Linkage(RelocatableObject(bytes), version: version, syscalls: syscalls).program()
    let file = version.hasStrictELF ? ExecutableWriter.strict(program) : ExecutableWriter.lenient(program)
    // Never hand out a file that would be refused (two functions with one hash, for instance).
    let image = try ELFLoader.load(
      file, syscalls: syscalls ?? SyscallRegistry(),
      options: syscalls == nil ? .execution : .deployment)
    do {
      try Verifier.verify(text: image.text, version: version)
    } catch {
      throw .refusedByVerifier(error)
    }
    return file
  }
}

/// An executable's contents, every address final.
struct LinkedProgram {
  struct Function {
    var name: String
    var pc: Int
    var slotCount: Int
    var isGlobal: Bool
  }

  /// A `call -1` that the lenient loader completes.
  struct DynamicCall {
    var pc: Int
    var name: String
    /// Slot index of the callee; nil: a syscall.
    var function: Int?
  }

  var version: SBPFVersion
  var text: [UInt8] = []
  var rodata: [UInt8] = []
  /// A power of two, at least 8.
  var rodataAlignment: UInt64 = 8
  var entryPC = 0
  var functions: [Function] = []
  var calls: [DynamicCall] = []
}

/// One link in progress.
struct Linkage {
  /// Objects start here in the read-only segment of v3, so that none has the address 0.
  private static let strictDataStart: UInt64 = 16

  private let object: RelocatableObject
  private let version: SBPFVersion
  private let syscalls: SyscallRegistry?

  init(_ object: RelocatableObject, version: SBPFVersion, syscalls: SyscallRegistry?) {
    self.object = object
    self.version = version
    self.syscalls = syscalls
  }

  func program() throws(ELFError) -> LinkedProgram {
    var sections: [[ObjectInstruction]] = []
    for ordinal in object.code.indices { sections.append(try ObjectCode.decode(object, section: ordinal)) }
    let words = try dataWords()
    let starts = functionStarts(sections, words)
    let code = try CodeLowering(version: version, object: object).lower(sections, functionStarts: starts)
    var program = LinkedProgram(version: version)
    program.functions = functions(code)
    program.entryPC = try pc(of: object.entry.section, slot: Int(object.entry.byteOffset / 8), code, in: nil)
    let layout = try Layout(object, version: version, code: code)
    program.rodata = try rodata(layout, words, code)
    program.rodataAlignment = layout.rodataAlignment
    for index in code.slots.indices {
      let slot = try resolve(code.slots[index], at: index, code, layout, calls: &program.calls)
      append(slot, to: &program.text)
    }
    return program
  }

  // MARK: What is where

  /// Guest addresses of the code and of each data section.
  private struct Layout {
    var textAddress: UInt64
    /// Address of `rodata[0]`.
    var rodataAddress: UInt64
    var dataOffsets: [UInt64] = []
    var rodataByteCount: UInt64
    var rodataAlignment: UInt64 = 8

    init(_ object: RelocatableObject, version: SBPFVersion, code: LoweredCode) throws(ELFError) {
      var end: UInt64 = version.hasStrictELF && !object.data.isEmpty ? strictDataStart : 0
      for section in object.data {
        end = (end + section.alignment - 1) & ~(section.alignment - 1)
        rodataAlignment = max(rodataAlignment, section.alignment)
        dataOffsets.append(end)
        end += UInt64(section.bytes.count)
        if end > ObjectLinker.byteCountLimit { throw .programTooLarge(byteCount: end) }
      }
      rodataByteCount = (end + 7) & ~7
      let textByteCount = UInt64(code.slots.count) * 8
      if textByteCount > ObjectLinker.byteCountLimit { throw .programTooLarge(byteCount: textByteCount) }
      if version.hasStrictELF {
        textAddress = ELFLoader.programAddress
        rodataAddress = 0
      } else {
        let places = ExecutableWriter.lenientPlaces(
          textByteCount: textByteCount, rodataByteCount: rodataByteCount, rodataAlignment: rodataAlignment,
          hasCalls: Layout.needsLoader(code))
        textAddress = ELFLoader.programAddress + places.text
        rodataAddress = ELFLoader.programAddress + places.rodata
      }
    }

    /// Whether any call will be a `call -1`: of a syscall, or of the very instruction that calls.
    private static func needsLoader(_ code: LoweredCode) -> Bool {
      code.slots.enumerated().contains { pc, slot in
        switch slot.reference {
        case .syscall: true
        case .function(let section, let target):
          slot.opcode == 0x85 && code.callTargets[section][target] == pc
        default: false
        }
      }
    }
  }

  /// Where calls and jumps from elsewhere may arrive: symbols, call targets, functions whose address is
  /// taken. The entry is one only if the program itself calls it, for only then does its frame need room
  /// below another's.
  private func functionStarts(_ sections: [[ObjectInstruction]], _ words: [DataWord]) -> [Set<Int>] {
    var starts = [Set<Int>](repeating: [], count: object.code.count)
    for function in object.functions { starts[function.section].insert(Int(function.byteOffset / 8)) }
    starts[object.entry.section].remove(Int(object.entry.byteOffset / 8))
    for instruction in sections.joined() {
      if case .function(let section, let slot) = instruction.reference { starts[section].insert(slot) }
    }
    for word in words {
      if case .function(let section, let slot) = word.reference { starts[section].insert(slot) }
    }
    return starts
  }

  private func functions(_ code: LoweredCode) -> [LinkedProgram.Function] {
    var functions: [LinkedProgram.Function] = []
    for function in object.functions {
      guard let pc = code.callTargets[function.section][Int(function.byteOffset / 8)] else { continue }
      let end = Int(clamping: (function.byteOffset &+ function.byteCount) / 8)
      let sectionEnd =
        function.section + 1 < code.callTargets.count
        ? code.callTargets[(function.section + 1)...].lazy.compactMap { $0[0] }.first ?? code.slots.count
        : code.slots.count
      let endPC = code.callTargets[function.section][end] ?? sectionEnd
      functions.append(
        LinkedProgram.Function(
          name: function.name, pc: pc, slotCount: max(0, endPC - pc), isGlobal: function.isGlobal))
    }
    return functions
  }

  private func pc(
    of section: Int, slot: Int, _ code: LoweredCode, in place: (section: String, offset: UInt64)?
  ) throws(ELFError) -> Int {
    guard let pc = code.callTargets[section][slot] else {
      throw .jumpOutOfRange(
        section: place?.section ?? object.code[section].name, offset: place?.offset ?? UInt64(slot) * 8)
    }
    return pc
  }

  // MARK: Read-only data

  private struct DataWord {
    var section: Int
    var offset: Int
    var byteCount: Int
    var reference: ObjectInstruction.Reference
  }

  private func dataWords() throws(ELFError) -> [DataWord] {
    var words: [DataWord] = []
    for (ordinal, section) in object.data.enumerated() {
      for relocation in section.relocations {
        let byteCount: Int
        switch relocation.type {
        case ELFRelocation.dataWord64: byteCount = 8
        case ELFRelocation.dataWord32: byteCount = 4
        default:
          throw .unsupportedRelocation(
            type: relocation.type, section: section.name, offset: relocation.offset)
        }
        guard section.bytes.count >= byteCount, relocation.offset <= UInt64(section.bytes.count - byteCount)
        else {
          throw .relocationOutOfRange(
            section: section.name, offset: relocation.offset, why: "outside the section")
        }
        let offset = Int(relocation.offset)
        var addend: UInt64 = 0
        for index in 0..<byteCount { addend |= UInt64(section.bytes[offset + index]) << UInt64(8 * index) }
        let reference = try ObjectCode.reference(
          relocation.target, addend: addend, object: object, section: section.name, offset: relocation.offset)
        words.append(DataWord(section: ordinal, offset: offset, byteCount: byteCount, reference: reference))
      }
    }
    return words
  }

  private func rodata(_ layout: Layout, _ words: [DataWord], _ code: LoweredCode) throws(ELFError) -> [UInt8]
  {
    var rodata = [UInt8](repeating: 0, count: Int(layout.rodataByteCount))
    for (section, offset) in zip(object.data, layout.dataOffsets) {
      rodata.replaceSubrange(Int(offset)..<(Int(offset) + section.bytes.count), with: section.bytes)
    }
    for word in words {
      let place = (section: object.data[word.section].name, offset: UInt64(word.offset))
      let address = try address(word.reference, layout, code, in: place)
      if word.byteCount == 4 && address > UInt64(UInt32.max) {
        throw .relocationOutOfRange(
          section: place.section, offset: place.offset, why: "address does not fit 32 bits")
      }
      let start = Int(layout.dataOffsets[word.section]) + word.offset
      for index in 0..<word.byteCount {
        rodata[start + index] = UInt8(truncatingIfNeeded: address >> UInt64(8 * index))
      }
    }
    return rodata
  }

  private func address(
    _ reference: ObjectInstruction.Reference, _ layout: Layout, _ code: LoweredCode,
    in place: (section: String, offset: UInt64)
  ) throws(ELFError) -> UInt64 {
    switch reference {
    case .data(let section, let byteOffset):
      return layout.rodataAddress + layout.dataOffsets[section] + byteOffset
    case .function(let section, let slot):
      return layout.textAddress + UInt64(try pc(of: section, slot: slot, code, in: place)) * 8
    case .none, .jump, .syscall: return 0
    }
  }

  // MARK: Instructions

  private func resolve(
    _ lowered: LoweredSlot, at pc: Int, _ code: LoweredCode, _ layout: Layout,
    calls: inout [LinkedProgram.DynamicCall]
  ) throws(ELFError) -> LoweredSlot {
    var slot = lowered
    let place = (section: object.code[slot.section].name, offset: UInt64(slot.slot) * 8)
    switch slot.reference {
    case .none: break
    case .jump(let target):
      guard let targetPC = code.jumpTargets[slot.section][target],
        let offset = Int16(exactly: targetPC - pc - 1)
      else { throw .jumpOutOfRange(section: place.section, offset: place.offset) }
      slot.offset = offset
    case .syscall(let name):
      let key = Murmur3.hash(Array(name.utf8))
      if let syscalls, syscalls.index(ofKey: key) == nil {
        throw .unresolvedSymbol(name: name, instruction: UInt64(slot.slot), fileOffset: place.offset)
      }
      slot.source = 0
      slot.immediate = version.hasStrictELF ? Int32(bitPattern: key) : -1
      if !version.hasStrictELF { calls.append(LinkedProgram.DynamicCall(pc: pc, name: name, function: nil)) }
    case .function(let section, let target) where slot.opcode == 0x85:
      let targetPC = try self.pc(of: section, slot: target, code, in: place)
      slot.source = 1
      slot.immediate = Int32(targetPC - pc - 1)  // both below 2^21
      if !version.hasStrictELF && slot.immediate == -1 {
        calls.append(LinkedProgram.DynamicCall(pc: pc, name: "function_\(targetPC)", function: targetPC))
      }
    case .function, .data:
      slot.immediate = Int32(truncatingIfNeeded: try address(slot.reference, layout, code, in: place))
    }
    if pc > 0, isUpperHalf(pc, code) {
      let lower = code.slots[pc - 1]
      let address = try address(lower.reference, layout, code, in: place)
      slot.immediate = Int32(truncatingIfNeeded: address >> 32)
    }
    return slot
  }

  /// Whether the slot holds the upper half of an address that the slot before refers to.
  private func isUpperHalf(_ pc: Int, _ code: LoweredCode) -> Bool {
    let (lower, upper) = (code.slots[pc - 1], code.slots[pc])
    guard lower.section == upper.section, lower.slot == upper.slot else { return false }
    guard upper.opcode == 0 || upper.opcode == 0xf7 else { return false }
    return switch lower.reference {
    case .data, .function: true
    default: false
    }
  }

  private func append(_ slot: LoweredSlot, to text: inout [UInt8]) {
    text.append(slot.opcode)
    text.append(slot.destination | slot.source << 4)
    let offset = UInt16(bitPattern: slot.offset)
    text.append(UInt8(truncatingIfNeeded: offset))
    text.append(UInt8(truncatingIfNeeded: offset >> 8))
    let immediate = UInt32(bitPattern: slot.immediate)
    for byte in 0..<4 { text.append(UInt8(truncatingIfNeeded: immediate >> UInt32(8 * byte))) }
  }
}
