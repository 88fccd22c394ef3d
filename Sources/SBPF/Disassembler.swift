// A program to the text that Assembler.swift reads: labels at functions and jump targets, names of functions
// and syscalls where they are known. Assembling the text again gives the same bytes; a slot that the spelling
// would not bring back bit for bit (junk in unused fields, opcodes of other versions) is written as a number.

package enum Disassembler {
  /// The text of `image`; `syscalls` gives names to calls by hash.
  package static func disassemble(_ image: ProgramImage, syscalls: SyscallRegistry = SyscallRegistry())
    -> String
  {
    Listing(image: image, syscalls: syscalls).text()
  }
}

extension Disassembler {
  /// A line of an excerpt.
  package struct Line: Sendable, Equatable {
    package let pc: Int
    /// Of a function or a jump's target.
    package let label: String?
    package let text: String
  }

  /// The instructions around one, `count` before and behind it, and the function that it lies in.
  package static func excerpt(
    _ image: ProgramImage, around pc: Int, count: Int, syscalls: SyscallRegistry = SyscallRegistry()
  ) -> (function: String, lines: [Line]) {
    let lines = Listing(image: image, syscalls: syscalls).lines()
    let place = lines.lastIndex { $0.pc <= pc } ?? 0
    let function = lines.prefix(place + 1).last { line in
      line.label.map { !$0.hasPrefix("lbb_") } ?? false
    }
    let range = max(0, place - count)..<min(lines.count, place + count + 1)
    return (function?.label ?? "", Array(lines[range]))
  }
}

private struct Listing {
  let image: ProgramImage
  let slots: [EncodedInsn]
  let syscallNames: [UInt32: String]
  /// By pc.
  let labels: [Int: String]

  init(image: ProgramImage, syscalls: SyscallRegistry) {
    self.image = image
    slots = EncodedInsn.slots(of: image.text)
    var names = image.importNames
    for entry in syscalls.entries { names[entry.key] = entry.name }
    labels = Listing.labels(image: image, slots: slots, syscallNames: Set(names.values))
    let taken = Set(labels.values)
    syscallNames = names.filter { Assembler.isName($0.value) && !taken.contains($0.value) }
  }

  func lines() -> [Disassembler.Line] {
    var lines: [Disassembler.Line] = []
    var pc = 0
    while pc < slots.count {
      let (text, count) = instruction(pc)
      lines.append(Disassembler.Line(pc: pc, label: labels[pc], text: text))
      pc += count
    }
    return lines
  }

  func text() -> String {
    var lines: [String] = []
    for key in image.functions.keys where needsFunctionLine(key) {
      guard let pc = image.functions[key], let label = labels[pc] else { continue }
      lines.append(".function 0x\(String(key, radix: 16)) \(label)")
    }
    if let tables = image.wide { lines += WideSpelling.directives(tables, labels: labels) }
    var pc = 0
    while pc < slots.count {
      if let label = labels[pc] { lines.append("\(label):") }
      let (line, count) = instruction(pc)
      lines.append("  \(line)")
      pc += count
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Whether the assembler would not find this key by itself.
  private func needsFunctionLine(_ key: UInt32) -> Bool {
    guard !image.version.hasStaticSyscalls, let pc = image.functions[key], let label = labels[pc] else {
      return false
    }
    guard Assembler.functionKey(name: label, pc: pc) == key else { return true }
    let byte = Opcode.call.facts.encoding(in: image.version)
    return !slots.contains { $0.opcode == byte && UInt32(bitPattern: $0.immediate) == key }
  }

  /// The instruction at `pc` and the slots that it takes.
  private func instruction(_ pc: Int) -> (text: String, slotCount: Int) {
    let slot = slots[pc]
    let next = pc + 1 < slots.count ? slots[pc + 1] : nil
    guard let insn = Insn(decoding: slot, next: next, version: image.version),
      let text = spelling(insn, slot: slot, pc: pc)
    else { return (".slot 0x\(String(slot.word, radix: 16))", 1) }
    if insn.opcode == .lddw {
      let isPlain = next.map { $0 == EncodedInsn(opcode: 0, immediate: $0.immediate) } ?? false
      guard isPlain, labels[pc + 1] == nil else { return (".slot 0x\(String(slot.word, radix: 16))", 1) }
    }
    let count = insn.opcode == .lddw ? 2 : 1
    return (text, count)
  }

  /// nil where the text would not assemble to `slot`.
  private func spelling(_ insn: Insn, slot: EncodedInsn, pc: Int) -> String? {
    let facts = insn.opcode.facts
    if facts.opcodeClass == .wide { return WideSpelling.text(insn, slot) { labels[pc + 1 + $0] } }
    let (destination, source) = ("r\(insn.destination)", "r\(insn.source)")
    let name = facts.mnemonic
    var plain = EncodedInsn(opcode: slot.opcode)
    var text: String
    switch facts.form {
    case .bare: text = name
    case .register:
      plain.destination = slot.destination
      text = "\(name) \(destination)"
    case .registerImmediate:
      (plain.destination, plain.immediate) = (slot.destination, slot.immediate)
      text = "\(name) \(destination), \(slot.immediate)"
    case .registers:
      (plain.destination, plain.source) = (slot.destination, slot.source)
      text = "\(name) \(destination), \(source)"
    case .byteOrder:
      guard [16, 32, 64].contains(slot.immediate) else { return nil }
      (plain.destination, plain.immediate) = (slot.destination, slot.immediate)
      text = "\(name)\(slot.immediate) \(destination)"
    case .wideImmediate:
      (plain.destination, plain.immediate) = (slot.destination, slot.immediate)
      text = "\(name) \(destination), 0x\(String(UInt64(bitPattern: insn.immediate), radix: 16))"
    case .load:
      (plain.destination, plain.source, plain.offset) = (slot.destination, slot.source, slot.offset)
      text = "\(name) \(destination), [\(source)\(signed(slot.offset))]"
    case .storeImmediate:
      (plain.destination, plain.offset, plain.immediate) = (slot.destination, slot.offset, slot.immediate)
      text = "\(name) [\(destination)\(signed(slot.offset))], \(slot.immediate)"
    case .storeRegister:
      (plain.destination, plain.source, plain.offset) = (slot.destination, slot.source, slot.offset)
      text = "\(name) [\(destination)\(signed(slot.offset))], \(source)"
    case .jump:
      plain.offset = slot.offset
      text = "\(name) \(target(slot, pc))"
    case .jumpImmediate:
      (plain.destination, plain.offset, plain.immediate) = (slot.destination, slot.offset, slot.immediate)
      text = "\(name) \(destination), \(slot.immediate), \(target(slot, pc))"
    case .jumpRegisters:
      (plain.destination, plain.source, plain.offset) = (slot.destination, slot.source, slot.offset)
      text = "\(name) \(destination), \(source), \(target(slot, pc))"
    case .call: return call(slot, pc: pc)
    case .callRegister:
      if image.version.callxUsesSourceField {
        plain.source = slot.source
      } else if image.version.callxUsesDestinationField {
        plain.destination = slot.destination
      } else {
        guard (0...10).contains(slot.immediate) else { return nil }
        plain.immediate = slot.immediate
      }
      text = "\(name) \(source)"
    default: return nil
    }
    guard plain == slot, slot.destination <= 10, slot.source <= 10, insn.source <= 10 else { return nil }
    return text
  }

  private func call(_ slot: EncodedInsn, pc: Int) -> String? {
    guard slot.destination == 0, slot.offset == 0 else { return nil }
    let key = UInt32(bitPattern: slot.immediate)
    if image.version.hasStaticSyscalls, slot.source == 1 {
      return labels[pc + 1 + Int(slot.immediate)].map { "call \($0)" }
    }
    guard slot.source == 0 else { return nil }
    if let name = syscallNames[key], Murmur3.hash(Array(name.utf8)) == key { return "call \(name)" }
    if !image.version.hasStaticSyscalls, let callee = image.functions[key], let label = labels[callee],
      Assembler.functionKey(name: label, pc: callee) == key
    {
      return "call \(label)"
    }
    return "call 0x\(String(key, radix: 16))"
  }

  private func target(_ slot: EncodedInsn, _ pc: Int) -> String {
    labels[pc + 1 + Int(slot.offset)] ?? signed(slot.offset)
  }

  private func signed(_ offset: Int16) -> String { offset < 0 ? "\(offset)" : "+\(offset)" }
}

// MARK: - Labels

extension Listing {
  /// Names for the entry point, functions and jump targets that a label can stand at.
  fileprivate static func labels(
    image: ProgramImage, slots: [EncodedInsn], syscallNames: Set<String>
  ) -> [Int: String] {
    let starts = instructionStarts(slots, version: image.version)
    var targets: Set<Int> = []
    var functions = Set(image.functions.values).union(image.functionNames.keys)
    for target in image.wide?.jumpTargets ?? [] { targets.insert(Int(target.slot)) }
    for pc in starts {
      guard let facts = Opcode.decoding(slots[pc].opcode, in: image.version)?.facts else { continue }
      switch facts.form {
      case .wideJumpUnary, .wideJumpBinary: targets.insert(pc + 1 + Int(slots[pc].offset))
      case .wideJumpLong: targets.insert(pc + 1 + Int(slots[pc].immediate))
      default: break
      }
      if facts.opcodeClass == .jump { targets.insert(pc + 1 + Int(slots[pc].offset)) }
      if facts.opcode == .call, image.version.hasStaticSyscalls, slots[pc].source == 1 {
        functions.insert(pc + 1 + Int(slots[pc].immediate))
      }
    }
    var labels: [Int: String] = [:]
    var taken = syscallNames.union(["entrypoint"])
    if starts.contains(image.entryPC) { labels[image.entryPC] = "entrypoint" }
    for pc in functions.sorted() where starts.contains(pc) && labels[pc] == nil {
      var name = image.functionNames[pc] ?? ""
      if !Assembler.isName(name) || taken.contains(name) { name = "function_\(pc)" }
      if taken.contains(name) { continue }
      taken.insert(name)
      labels[pc] = name
    }
    for pc in targets.sorted() where starts.contains(pc) && labels[pc] == nil {
      let name = "lbb_\(pc)"
      if taken.insert(name).inserted { labels[pc] = name }
    }
    return labels
  }

  private static func instructionStarts(_ slots: [EncodedInsn], version: SBPFVersion) -> Set<Int> {
    var starts: Set<Int> = []
    var pc = 0
    while pc < slots.count {
      starts.insert(pc)
      let isWide = Opcode.decoding(slots[pc].opcode, in: version) == .lddw && pc + 1 < slots.count
      let isPlain = isWide && slots[pc + 1] == EncodedInsn(opcode: 0, immediate: slots[pc + 1].immediate)
      pc += isPlain ? 2 : 1
    }
    return starts
  }
}
