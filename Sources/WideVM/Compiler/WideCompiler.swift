// Wide executables (256-bit instructions over slots of an operand stack; docs/vm.md) to x86-64 machine code: one
// pass finds where blocks start, one goes backwards and finds each operand's last use, one writes the code.
//
// A block is entered at its start only and may be left in the middle by a conditional jump. Within it the compiler
// knows which slot holds which value, and a value's limbs may stand in host registers, in the slot's memory, or be a
// constant; slots are written when control may leave the block or a hook may look at them, and never if they are
// overwritten or dead by then. What is dead follows from the convention of wide code: where control comes by a jump
// backwards or a computed one, slots at and above the window hold nothing, and after a hook neither do those from its
// `free` on. What a jump forwards takes along is found by looking at where it goes.
//
// Host registers: rbx the window, rbp the WideContext, r12 gas, r13 the frame's memory; rax, rcx, rdx are free
// within an instruction, the rest holds values. No operand of the program stands in the code as more than 16 bits,
// except stack distances, so nobody can plan what bytes the code has; larger constants are read from the pool.

import MachineCode
import SBPF

struct WideCompiler {
  /// Larger programs are left to the interpreter; EVM code has at most 49,152 bytes, two slots a byte.
  static let maxSlotCount = 1 << 21
  /// What one instruction may add to the code: see `reserve` and WideCompilerTests.
  static let maxByteCountPerSlot = 1400

  let text: EncodedText
  private let opcodes = WideCompiler.opcodes
  let slotCount: Int
  /// Limbs of the executable's constants, four each.
  let constants: UnsafePointer<UInt64>
  /// By constant: how many limbs it has, and `needsPool` if one of them may not stand in the code.
  let constantNotes: UnsafeMutablePointer<UInt8>
  static let needsPool: UInt8 = 8
  let usesMOVBE: Bool
  var assembler: X86Assembler
  var shared = SharedCode()
  /// By slot: `Note`s.
  let notes: UnsafeMutablePointer<UInt8>
  /// By slot, for starts of blocks: how many slots from the window on may be read there; 255 for any number.
  let exposed: UnsafeMutablePointer<UInt8>
  /// By slot, for starts of blocks: where its code is, or `isPending` and the last jump that waits for it, or 0.
  let entries: UnsafeMutablePointer<UInt32>
  static let isPending: UInt32 = 0x8000_0000
  var coldPaths: [WideColdPath] = []
  var slowCalls: [WideSlowCall] = []

  // What is known at this place of a block; see WideCompiler+Values.swift.
  let scratch: WideScratch
  /// Words that the window has moved since the block's start.
  var shift = 0
  var trackedCount = 0
  var freeValues: UInt64 = ~1
  var freeRegisters: UInt16 = WideCompiler.pool
  var freeRegisterCount = 8
  var wordCount = 0
  var clock: UInt32 = 0
  /// Bytes that the frame's memory is known to have.
  var knownMemoryByteCount = 0
  /// Slots already compiled as part of an earlier one.
  var skippedSlots = 0

  enum Note {
    static let isBlock: UInt8 = 1
    static let endsA: UInt8 = 2
    static let endsB: UInt8 = 4
    static let isUnused: UInt8 = 8
  }

  enum Host {
    static let rax: UInt8 = 0
    static let rcx: UInt8 = 1
    static let rdx: UInt8 = 2
    static let window: UInt8 = 3
    static let context: UInt8 = 5
    static let gas: UInt8 = 12
    static let memory: UInt8 = 13
  }

  /// rsi, rdi, r8–r11, r14, r15 hold values.
  static let pool: UInt16 = 0b1100_1111_1100_0000

  /// nil where the program is too large or there is no memory for its code.
  static func compile(_ executable: Executable, usesMOVBE: Bool = X86Features.hasMOVBE) -> MachineCode? {
    guard MachineCode.isSupported, executable.slotCount <= maxSlotCount, let program = executable.wide else {
      return nil
    }
    let assembler = X86Assembler(capacity: SharedCode.maxByteCount + executable.slotCount * 48)
    guard let assembler else { return nil }
    let scratch = WideScratch.take()
    var compiler = WideCompiler(executable, program, scratch, assembler, usesMOVBE: usesMOVBE)
    defer {
      compiler.notes.deallocate()
      compiler.entries.deallocate()
      compiler.exposed.deallocate()
      compiler.constantNotes.deallocate()
      scratch.give()
    }
    compiler.emitAll(program, entryPC: executable.entryPC)
    return compiler.finish(program)
  }

  private init(
    _ executable: Executable, _ program: WideProgram, _ scratch: WideScratch, _ assembler: X86Assembler,
    usesMOVBE: Bool
  ) {
    text = executable.text
    slotCount = executable.slotCount
    self.assembler = assembler
    constants = UnsafeRawPointer(program.constants).assumingMemoryBound(to: UInt64.self)
    self.usesMOVBE = usesMOVBE
    self.scratch = scratch
    notes = .allocate(capacity: slotCount + 1)
    notes.initialize(repeating: 0, count: slotCount + 1)
    constantNotes = Self.makeConstantNotes(constants, program.constantCount)
    exposed = .allocate(capacity: slotCount + 1)
    exposed.initialize(repeating: 0, count: slotCount + 1)
    entries = .allocate(capacity: slotCount + 1)
    entries.initialize(repeating: 0, count: slotCount + 1)
    coldPaths.reserveCapacity(slotCount / 2 + 8)
  }

  private static func makeConstantNotes(
    _ limbs: UnsafePointer<UInt64>, _ count: Int
  ) -> UnsafeMutablePointer<UInt8> {
    let notes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(count, 1))
    for constant in 0..<count {
      var limbCount = 4
      while limbCount > 0, limbs[constant * 4 + limbCount - 1] == 0 { limbCount -= 1 }
      var note = UInt8(limbCount)
      for limb in 0..<limbCount where !isHarmless(limbs[constant * 4 + limb]) { note |= needsPool }
      notes[constant] = note
    }
    return notes
  }

  private mutating func emitAll(_ program: WideProgram, entryPC: Int) {
    markBlocks(program, entryPC: entryPC)
    markLastUses()
    assembler.reserve(SharedCode.maxByteCount)
    emitSharedCode()
    jump(assembler.jump(), to: entryPC)
    emitBlocks()
    if !assembler.hasFailed { emitSlowCalls() }
    if !assembler.hasFailed { emitColdPaths() }
  }

  private func finish(_ program: WideProgram) -> MachineCode? {
    let codeByteCount = assembler.offset
    // Jumps are distances of 32 bits and pending ones have 31.
    guard !assembler.hasFailed, codeByteCount < Int(Self.isPending), let table = jumpTable(program) else {
      assembler.free()
      return nil
    }
    guard let block = CodePages.publish(assembler.finish(), codeByteCount: codeByteCount) else {
      CodePages.giveBack(table)
      return nil
    }
    return MachineCode(
      block: block, codeByteCount: codeByteCount, entries: table, entryCount: max(program.jumpSlotCount, 1))
  }

  /// By EVM pc: where the code of its slot is, or `noJump`.
  private func jumpTable(_ program: WideProgram) -> CodePages.Block? {
    let count = max(program.jumpSlotCount, 1)
    guard let block = CodePages.allocate(count * MemoryLayout<UInt32>.stride) else { return nil }
    let table = block.start.bindMemory(to: UInt32.self, capacity: count)
    table.initialize(repeating: WideProgram.noJump, count: count)
    for pc in 0..<program.jumpSlotCount where program.jumpSlots[pc] != WideProgram.noJump {
      table[pc] = entries[Int(program.jumpSlots[pc])]
    }
    return block
  }

  /// By encoding byte; written once, never freed.
  private nonisolated(unsafe) static let opcodes: UnsafePointer<Opcode> = {
    let table = UnsafeMutablePointer<Opcode>.allocate(capacity: 256)
    for byte in 0..<256 {
      (table + byte).initialize(to: Opcode.decoding(UInt8(byte), in: .wide) ?? .winvalid)
    }
    return UnsafePointer(table)
  }()

  /// The instruction at `pc`, in `0..<slotCount`; the verifier has seen that there is one.
  @inline(__always) func insn(at pc: Int) -> Insn {
    let slot = text[pc]
    return Insn(
      opcodes[Int(slot.opcode)], destination: slot.destination, offset: slot.offset,
      immediate: Int64(slot.immediate))
  }

  private mutating func emitBlocks() {
    var pc = 0
    var isReachable = false
    while pc < slotCount, !assembler.hasFailed {
      if notes[pc] & Note.isBlock != 0 {
        if isReachable { flush(below: liveEnd(at: pc)) }
        startBlock(pc)
        isReachable = true
      }
      let insn = insn(at: pc)
      if isReachable {
        assembler.reserve(Self.maxByteCountPerSlot)
        clock &+= 1
        emit(insn, pc)
        if insn.opcode.endsStraightLine { isReachable = false }
      }
      pc += 1 + skippedSlots
      skippedSlots = 0
    }
    // The tables are to be empty for the next program.
    forgetAll()
    // The verifier has seen that control does not come here.
    assembler.trap()
  }

  private mutating func startBlock(_ pc: Int) {
    forgetAll()
    // Code that has been overwritten has no chains.
    if assembler.hasFailed { return }
    shift = 0
    knownMemoryByteCount = 0
    // Jumps that wait for this block are chained through their distances.
    var pending = entries[pc]
    entries[pc] = UInt32(truncatingIfNeeded: assembler.offset)
    while pending & Self.isPending != 0 {
      let patch = X86Patch(offset: Int32(truncatingIfNeeded: pending & ~Self.isPending))
      pending = assembler.distance(at: patch)
      assembler.resolve(patch, to: assembler.offset)
    }
  }

  /// Where the slots end that have to be in memory when control goes on at the block at `target`.
  func liveEnd(at target: Int) -> Int { exposed[target] == 255 ? .max : shift + Int(exposed[target]) }

  /// Sends `patch` to the block at slot `target`.
  mutating func jump(_ patch: X86Patch, to target: Int) {
    let entry = entries[target]
    if entry != 0, entry & Self.isPending == 0 {
      assembler.resolve(patch, to: Int(entry))
    } else {
      assembler.setDistance(at: patch, entry)
      entries[target] = UInt32(bitPattern: patch.offset) | Self.isPending
    }
  }
}

// MARK: - What blocks are and which uses are the last

extension WideCompiler {
  private mutating func markBlocks(_ program: WideProgram, entryPC: Int) {
    notes[entryPC] |= Note.isBlock
    for pc in 0..<slotCount {
      let insn = insn(at: pc)
      switch insn.opcode {
      case .wjz, .wjnz, .wjeq, .wjne, .wjlt, .wjge, .wjslt, .wjsge, .ja:
        notes[pc + 1 + Int(insn.offset)] |= Note.isBlock
      case .wja: notes[pc + 1 + Int(insn.immediate)] |= Note.isBlock
      default: break
      }
    }
    for pc in 0..<program.jumpSlotCount where program.jumpSlots[pc] != WideProgram.noJump {
      notes[Int(program.jumpSlots[pc])] |= Note.isBlock
    }
  }

  private mutating func markLastUses() {
    var walk = WideLiveness(events: scratch.events, epoch: scratch.epoch)
    let shapes = Self.shapes
    var pc = slotCount - 1
    while pc >= 0 {
      if notes[pc + 1] & Note.isBlock != 0 {
        exposed[pc + 1] = walk.exposed
        walk.goOn(at: exposed[pc + 1])
      }
      let insn = insn(at: pc)
      let shape = shapes[Int(insn.opcode.rawValue)]
      if shape & Shape.isPlain == 0 { control(insn, pc, &walk) }
      if shape & Shape.hasD != 0 {
        if walk.define(insn.wideD) { notes[pc] |= Note.isUnused }
        if shape & Shape.readsD != 0 { _ = walk.use(insn.wideD) }
      }
      var note: UInt8 = 0
      if shape & Shape.hasA != 0, insn.wideA < 0x4000, walk.use(insn.wideA) { note = Note.endsA }
      if shape & Shape.hasB != 0, insn.wideB < 0x4000 {
        if insn.wideB == insn.wideA, shape & Shape.hasA != 0 {
          if note != 0 { note |= Note.endsB }
        } else if walk.use(insn.wideB) {
          note |= Note.endsB
        }
      }
      notes[pc] |= note
      pc -= 1
    }
    scratch.epoch = walk.epoch
  }

  /// What an instruction that does more than compute means for what is live before it.
  private func control(_ insn: Insn, _ pc: Int, _ walk: inout WideLiveness) {
    switch insn.opcode {
    // Where a jump backwards goes has not been looked at, and counts 0.
    case .ja: walk.goOn(at: exposed[pc + 1 + Int(insn.offset)])
    case .wja: walk.goOn(at: exposed[pc + 1 + Int(insn.immediate)])
    case .wjump, .winvalid: walk.goOn(at: 0)
    case .exit: walk.goOn(at: 255)
    case .wsys: walk.callHook(free: insn.wideA)
    case .wjz, .wjnz, .wjeq, .wjne, .wjlt, .wjge, .wjslt, .wjsge:
      walk.branch(to: exposed[pc + 1 + Int(insn.offset)])
    case .wadjust: walk.adjust(by: Int(insn.immediate))
    default: break
    }
  }

  private enum Shape {
    static let hasA: UInt8 = 1
    static let hasB: UInt8 = 2
    static let hasD: UInt8 = 4
    static let readsD: UInt8 = 8
    /// Computes, and nothing else.
    static let isPlain: UInt8 = 16
  }

  /// By operation; written once, never freed.
  private nonisolated(unsafe) static let shapes: UnsafePointer<UInt8> = {
    let shapes = UnsafeMutablePointer<UInt8>.allocate(capacity: Opcode.table.count)
    for (index, facts) in Opcode.table.enumerated() { (shapes + index).initialize(to: shape(of: facts)) }
    return UnsafePointer(shapes)
  }()

  private static func shape(of facts: OpcodeFacts) -> UInt8 {
    var shape: UInt8 = 0
    if facts.form.hasWideA { shape |= Shape.hasA }
    if facts.form.hasWideB { shape |= Shape.hasB }
    if facts.form.hasWideD { shape |= Shape.hasD }
    if facts.opcode == .waddmod || facts.opcode == .wmulmod { shape |= Shape.readsD }
    switch facts.form {
    case .wideUnary, .wideBinary, .wideResult, .wideStore: shape |= Shape.isPlain
    default: break
    }
    return shape
  }
}

/// The backward walk: which slots will be read again. Slots are numbered from the window at the end of the block.
private struct WideLiveness {
  /// By slot: epoch of the last event, doubled, plus 1 if it was a use.
  let events: UnsafeMutablePointer<UInt32>
  var epoch: UInt32
  private var shift = 0
  /// Slots below are live unless an event since `low` says otherwise, the others dead unless one since `high`.
  private var floor = 0
  /// No slot from here on is live.
  private var reach = 0
  private var low: UInt32
  private var high: UInt32

  init(events: UnsafeMutablePointer<UInt32>, epoch: UInt32) {
    self.events = events
    self.epoch = epoch + 1
    low = epoch + 1
    high = epoch + 1
  }

  /// Control goes on where `count` slots from the window on are live, 255 for all.
  mutating func goOn(at count: UInt8) { restart(floor: count == 255 ? .max : Int(count)) }

  private mutating func restart(floor newFloor: Int) {
    epoch &+= 1
    (low, high, floor, reach, shift) = (epoch, epoch, newFloor, newFloor, 0)
  }

  /// How many slots from the window on are live here, 255 for more than a few.
  var exposed: UInt8 {
    mutating get {
      if floor == .max { return 255 }
      while reach > shift, !isLive(reach - 1) { reach -= 1 }
      return UInt8(clamping: max(reach - shift, 0))
    }
  }

  @inline(__always) private func isLive(_ place: Int) -> Bool {
    let event = events[place & WideScratch.slotMask]
    return event >> 1 >= (place < floor ? low : high) ? event & 1 != 0 : place < floor
  }

  /// Notes a read; true if no later instruction reads the slot.
  @inline(__always) mutating func use(_ slot: Int) -> Bool {
    let place = slot &+ shift
    let isLast = !isLive(place)
    if place >= reach { reach = place &+ 1 }
    events[place & WideScratch.slotMask] = epoch << 1 | 1
    return isLast
  }

  /// Notes a write; true if nothing reads it.
  @inline(__always) mutating func define(_ slot: Int) -> Bool {
    let place = slot &+ shift
    let isUnused = !isLive(place)
    events[place & WideScratch.slotMask] = epoch << 1
    return isUnused
  }

  mutating func callHook(free: Int) {
    epoch &+= 1
    (low, high, floor, reach) = (epoch, epoch, free &+ shift, free &+ shift)
  }

  mutating func branch(to count: UInt8) {
    epoch &+= 1
    (low, floor) = (epoch, count == 255 ? .max : max(floor, shift &+ Int(count)))
    reach = max(reach, floor)
  }

  mutating func adjust(by distance: Int) {
    shift &-= distance
    // Numbers have to stay in the table's range; beyond it everything counts as live.
    if abs(shift) > WideScratch.maxShift { restart(floor: .max) }
  }
}
