// One link in progress: code is decoded and lowered, everything gets its address, references are filled in.
import SBPF

/// One link in progress.
struct Linkage {
  /// Objects start here in the read-only segment of v3, so that none has the address 0.
  private static let strictDataStart: UInt64 = 16

  private let objects: LinkedObjects
  private let version: SBPFVersion
  private let syscalls: SyscallRegistry?

  init(_ objects: LinkedObjects, version: SBPFVersion, syscalls: SyscallRegistry?) {
    self.objects = objects
    self.version = version
    self.syscalls = syscalls
  }

  func program() throws(LinkError) -> LinkedProgram {
    var sections: [[ObjectInstruction]] = []
    for ordinal in objects.code.indices { sections.append(try ObjectCode.decode(objects, section: ordinal)) }
    let words = try dataWords()
    let starts = functionStarts(sections, words)
    let code = try CodeLowering(version: version, objects: objects).lower(sections, functionStarts: starts)
    var program = LinkedProgram(version: version)
    program.functions = functions(code)
    program.entryPC = try pc(of: objects.entry.section, slot: Int(objects.entry.byteOffset / 8), code)
    let layout = try Layout(objects, version: version, code: code)
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

    init(_ objects: LinkedObjects, version: SBPFVersion, code: LoweredCode) throws(LinkError) {
      var end: UInt64 = version.hasStrictELF && !objects.data.isEmpty ? strictDataStart : 0
      for section in objects.data {
        end = (end + section.alignment - 1) & ~(section.alignment - 1)
        rodataAlignment = max(rodataAlignment, section.alignment)
        dataOffsets.append(end)
        end += UInt64(section.bytes.count)
        if end > ObjectLinker.byteCountLimit { throw LinkError(.tooLarge(byteCount: end)) }
      }
      rodataByteCount = (end + 7) & ~7
      let textByteCount = UInt64(code.slots.count) * 8
      if textByteCount > ObjectLinker.byteCountLimit { throw LinkError(.tooLarge(byteCount: textByteCount)) }
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
    var starts = [Set<Int>](repeating: [], count: objects.code.count)
    for function in objects.functions { starts[function.section].insert(Int(function.byteOffset / 8)) }
    starts[objects.entry.section].remove(Int(objects.entry.byteOffset / 8))
    for instruction in sections.joined() {
      if case .function(let section, let slot) = instruction.reference { starts[section].insert(slot) }
    }
    for word in words {
      if case .address(.function(let section, let slot)) = word.value { starts[section].insert(slot) }
    }
    return starts
  }

  private func functions(_ code: LoweredCode) -> [LinkedProgram.Function] {
    let sectionStarts = code.callTargets.map { $0.values.min() }
    return objects.functions.compactMap { function in
      let targets = code.callTargets[function.section]
      guard let pc = targets[Int(function.byteOffset / 8)] else { return nil }
      let end = Int(clamping: (function.byteOffset &+ function.byteCount) / 8)
      let sectionEnd =
        sectionStarts[(function.section + 1)...].lazy.compactMap { $0 }.first ?? code.slots.count
      // A slot that was left out may lie between two functions.
      let endPC = targets[end] ?? (end < Int.max ? targets[end + 1] : nil) ?? sectionEnd
      return LinkedProgram.Function(
        name: function.name, pc: pc, slotCount: max(0, endPC - pc), isGlobal: function.isGlobal)
    }
  }

  private func pc(of section: Int, slot: Int, _ code: LoweredCode) throws(LinkError) -> Int {
    guard let pc = code.callTargets[section][slot] else {
      throw objects.error(.jumpOutOfRange, code: section, offset: UInt64(slot) * 8)
    }
    return pc
  }

  // MARK: Read-only data

  private struct DataWord {
    enum Value {
      case address(ObjectInstruction.Reference)
      /// From the word to a place `addend` bytes after a data section's byte.
      case distance(section: Int, byteOffset: UInt64, addend: Int64)
    }

    var section: Int
    var offset: Int
    var value: Value
  }

  private func dataWords() throws(LinkError) -> [DataWord] {
    var words: [DataWord] = []
    for (ordinal, section) in objects.data.enumerated() {
      for relocation in section.relocations {
        let value: DataWord.Value
        do throws(ObjectCode.ReferenceError) {
          value = try self.value(of: relocation, in: section)
        } catch {
          throw objects.error(error.reason, data: ordinal, offset: relocation.offset)
        }
        words.append(DataWord(section: ordinal, offset: Int(relocation.offset), value: value))
      }
    }
    return words
  }

  private func value(
    of relocation: RelocatableObject.Relocation, in section: RelocatableObject.Section
  ) throws(ObjectCode.ReferenceError) -> DataWord.Value {
    let byteCount: Int
    switch relocation.type {
    case ELFRelocation.dataWord64: byteCount = 8
    case ELFRelocation.dataWord32: byteCount = 4
    default: throw ObjectCode.ReferenceError(.relocationType(relocation.type))
    }
    guard section.bytes.count >= byteCount, relocation.offset <= UInt64(section.bytes.count - byteCount)
    else {
      throw ObjectCode.ReferenceError(.relocation(why: "outside the section"))
    }
    let offset = Int(relocation.offset)
    var addend: UInt64 = 0
    for index in 0..<byteCount { addend |= UInt64(section.bytes[offset + index]) << UInt64(8 * index) }
    if byteCount == 8 {
      return .address(try ObjectCode.reference(relocation.target, addend: addend, objects))
    }
    // In data that is loaded clang writes 32-bit words for the tables of -fPIC alone, and means S + A - P. The addend
    // holds the word's place in its table as well, so S + A itself may point anywhere.
    switch relocation.target {
    case .data(let section, let base):
      let addend = Int64(Int32(truncatingIfNeeded: addend))
      return .distance(section: section, byteOffset: base, addend: addend)
    case .code:
      throw ObjectCode.ReferenceError(.relocation(why: "a 32-bit distance to code; compile without -fPIC"))
    case .named(let name): throw ObjectCode.ReferenceError(.undefinedData(name))
    }
  }

  private func rodata(_ layout: Layout, _ words: [DataWord], _ code: LoweredCode) throws(LinkError) -> [UInt8]
  {
    var rodata = [UInt8](repeating: 0, count: Int(layout.rodataByteCount))
    for (section, offset) in zip(objects.data, layout.dataOffsets) {
      rodata.replaceSubrange(Int(offset)..<(Int(offset) + section.bytes.count), with: section.bytes)
    }
    for word in words {
      let start = Int(layout.dataOffsets[word.section]) + word.offset
      switch word.value {
      case .address(let reference):
        let address = try address(reference, layout, code)
        for index in 0..<8 { rodata[start + index] = UInt8(truncatingIfNeeded: address >> UInt64(8 * index)) }
      case .distance(let section, let byteOffset, let addend):
        // All read-only data is below 10 MiB, so only the addend can overflow 32 bits.
        let target = Int64(layout.dataOffsets[section] + byteOffset) + addend
        guard let distance = Int32(exactly: target - Int64(start)) else {
          throw objects.error(
            .relocation(why: "distance does not fit 32 bits"), data: word.section, offset: UInt64(word.offset)
          )
        }
        for index in 0..<4 { rodata[start + index] = UInt8(truncatingIfNeeded: distance >> Int32(8 * index)) }
      }
    }
    return rodata
  }

  private func address(
    _ reference: ObjectInstruction.Reference, _ layout: Layout, _ code: LoweredCode
  ) throws(LinkError) -> UInt64 {
    switch reference {
    case .data(let section, let byteOffset):
      return layout.rodataAddress + layout.dataOffsets[section] + byteOffset
    case .function(let section, let slot):
      return layout.textAddress + UInt64(try pc(of: section, slot: slot, code)) * 8
    case .none, .jump, .syscall: return 0
    }
  }

  // MARK: Instructions

  private func resolve(
    _ lowered: LoweredSlot, at pc: Int, _ code: LoweredCode, _ layout: Layout,
    calls: inout [LinkedProgram.DynamicCall]
  ) throws(LinkError) -> LoweredSlot {
    var slot = lowered
    switch slot.reference {
    case .none: break
    case .jump(let target):
      guard let targetPC = code.jumpTargets[slot.section][target],
        let offset = Int16(exactly: targetPC - pc - 1)
      else { throw objects.error(.jumpOutOfRange, code: slot.section, offset: UInt64(slot.slot) * 8) }
      slot.offset = offset
    case .syscall(let name):
      let key = Murmur3.hash(Array(name.utf8))
      if let syscalls, syscalls.index(ofKey: key) == nil {
        throw objects.error(
          .undefinedFunction(name, near: Linkage.near(name, syscalls)), code: slot.section,
          offset: UInt64(slot.slot) * 8)
      }
      slot.source = 0
      slot.immediate = version.hasStrictELF ? Int32(bitPattern: key) : -1
      if !version.hasStrictELF { calls.append(LinkedProgram.DynamicCall(pc: pc, name: name, function: nil)) }
    case .function(let section, let target) where slot.opcode == 0x85:
      let targetPC = try self.pc(of: section, slot: target, code)
      slot.source = 1
      slot.immediate = Int32(targetPC - pc - 1)  // both below 2^21
      if !version.hasStrictELF && slot.immediate == -1 {
        calls.append(LinkedProgram.DynamicCall(pc: pc, name: "function_\(targetPC)", function: targetPC))
      }
    case .function, .data:
      slot.immediate = Int32(truncatingIfNeeded: try address(slot.reference, layout, code))
    }
    if pc > 0, isUpperHalf(pc, code) {
      let lower = code.slots[pc - 1]
      let address = try address(lower.reference, layout, code)
      slot.immediate = Int32(truncatingIfNeeded: address >> 32)
    }
    return slot
  }

  /// The syscall that differs from `name` by underscores alone, the usual slip.
  private static func near(_ name: String, _ syscalls: SyscallRegistry) -> String? {
    let letters = name.filter { $0 != "_" }
    return syscalls.entries.first { $0.name.filter { $0 != "_" } == letters }?.name
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
