// Random wide programs that pass the verifier and mostly do something: blocks that charge gas, so that they end,
// check the stack and compute on what lies near the window; jumps of every kind, memory near its end, hooks.
import Primitives
import WideIntegers

@testable import SBPF

struct RandomWideProgram {
  private var random: SplitMix64
  private var slots: [EncodedInsn] = []
  /// First slots of blocks.
  private var starts: [Int] = []
  /// Jumps whose distance is still to be drawn.
  private var jumps: [Int] = []
  private var constants: [UInt256] = []
  /// The straight line's state, as the verifier keeps it.
  private var need = 0
  private var grow = 0
  private var adjustment = 0
  /// Words that the window has moved since the block's start, and slots above that start that hold something,
  /// counted from there: what lies at or above the window means nothing when a block starts.
  private var shift = 0
  private var written: Set<Int> = []

  private static let computing = Opcode.table.filter {
    $0.form.hasWideD && ![.wload, .winput].contains($0.opcode)
  }
  private static let hooks = [
    WideTestHook.add, WideTestHook.spend, WideTestHook.call, WideTestHook.note, WideTestHook.fail,
    WideTestHook.stop, 200,
  ]

  /// Draws from `random` and leaves it where it stopped.
  static func image(_ random: inout SplitMix64) -> ProgramImage {
    var program = RandomWideProgram(random: random)
    let image = program.image()
    random = program.random
    return image
  }

  private init(random: SplitMix64) { self.random = random }

  private mutating func image() -> ProgramImage {
    let blockCount = 2 + number(10)
    makeConstants(blockCount: blockCount)
    for index in 0..<blockCount { appendBlock(isLast: index == blockCount - 1) }
    let entry = number(4) == 0 ? starts[number(blockCount)] : 0
    for pc in jumps { aim(pc) }
    let targets = starts.enumerated().filter { $0.offset % 3 != 2 }
      .map { WideJumpTarget(sourceOffset: UInt32($0.offset * 2), slot: UInt32($0.element)) }
    return ProgramImage(
      version: .wide, text: EncodedInsn.bytes(of: slots), entryPC: entry,
      wide: WideTables(
        constants: constants, jumpTargets: targets, bytecode: [UInt8](repeating: 0x5b, count: blockCount * 2))
    )
  }

  private mutating func number(_ end: Int) -> Int { Int(random.next() % UInt64(end)) }
  private mutating func isOneIn(_ count: Int) -> Bool { number(count) == 0 }

  private mutating func makeConstants(blockCount: Int) {
    constants = (0..<4).map { _ in WideWords.random(&random) }
    // Offsets in memory and input, and EVM pcs.
    constants += (0..<4).map { _ in UInt256(UInt64(number(200))) }
    constants += (0..<3).map { _ in UInt256(UInt64(number(blockCount + 1) * 2)) }
    constants.append(WideWords.corners[number(WideWords.corners.count)])
  }

  // MARK: Blocks

  private mutating func appendBlock(isLast: Bool) {
    starts.append(slots.count)
    (shift, written) = (0, [])
    slots.append(.wide(.wcharge, number: Int32(1 + number(20))))
    checkStack()
    for _ in 0..<number(14) { appendInsn() }
    if isOneIn(3) {
      adjust()
      for _ in 0..<number(4) { appendInsn() }
    }
    switch number(isLast ? 6 : 14) {
    case 0: slots.append(EncodedInsn(opcode: 0x95))
    case 1: slots.append(.wide(.winvalid))
    case 2:
      let (target, flags) = source(.narrowA)
      let constant = WideOperand.constant(8 + number(3))
      slots.append(isOneIn(4) ? .wide(.wjump, a: target, flags: flags) : .wide(.wjump, a: constant))
    case 3, 4: appendJump(EncodedInsn(opcode: 0x05))
    case 5: appendJump(.wide(.wja, number: 0))
    default: if isOneIn(2) { appendBranch() }
    }
  }

  private mutating func checkStack() {
    (need, grow, adjustment) = (isOneIn(2) ? 0 : number(4), 4 + number(8), 0)
    if isOneIn(30) { (need, grow) = (number(1025), number(1025)) }
    slots.append(.wstack(need: need, grow: grow))
  }

  private mutating func adjust() {
    let target = isOneIn(20) ? [-need, grow][number(2)] : number(need + min(grow, 12) + 1) - need
    let distance = target - adjustment
    // What the window passes by is part of the stack from then on.
    for slot in 0..<max(distance, 0) { fill(slot) }
    slots.append(.wide(.wadjust, number: Int32(distance)))
    adjustment = target
    shift += distance
  }

  private mutating func appendJump(_ slot: EncodedInsn) {
    jumps.append(slots.count)
    slots.append(slot)
  }

  private mutating func appendBranch() {
    let rows = Opcode.table.filter { $0.form == .wideJumpUnary || $0.form == .wideJumpBinary }
    let facts = rows[number(rows.count)]
    let (a, flagA) = source(.narrowA)
    let (b, flagB) = facts.form == .wideJumpBinary ? source(.narrowB) : (.slot(0), [])
    appendJump(.wide(facts.opcode, a: a, b: b, flags: flagA.union(flagB)))
  }

  private mutating func aim(_ pc: Int) {
    let target = starts[number(starts.count)] - pc - 1
    if Opcode.decoding(slots[pc].opcode, in: .wide) == .wja {
      slots[pc].immediate = Int32(target)
    } else {
      slots[pc].offset = Int16(target)
    }
  }

  // MARK: Instructions

  private mutating func appendInsn() {
    switch number(24) {
    case 0: appendBranch()
    case 1: slots.append(.wide(.wcharge, number: Int32(number(30))))
    case 2: checkStack()
    case 3, 4: appendHook()
    case 5, 6:
      let (value, flag) = source(.narrowB)
      slots.append(.wide(isOneIn(2) ? .wstore : .wstore8, a: place(), b: value, flags: flag))
    case 7, 8:
      let place = place()
      slots.append(.wide(isOneIn(2) ? .wload : .winput, d: result(), a: place, flags: narrowD()))
    default:
      let facts = Self.computing[number(Self.computing.count)]
      let (a, flagA) = facts.form.hasWideA ? source(.narrowA) : (.slot(0), [])
      let (b, flagB) = facts.form.hasWideB ? source(.narrowB) : (.slot(0), [])
      let d = destination()
      if facts.opcode == .waddmod || facts.opcode == .wmulmod { fill(d) }
      written.insert(d + shift)
      slots.append(.wide(facts.opcode, d: d, a: a, b: b, flags: flagA.union(flagB).union(narrowD())))
    }
  }

  private mutating func appendHook() {
    let base = destination()
    // The arguments of the hooks here are two words at most.
    let free = min(1024 - adjustment, max(base + 2, 8 + number(6)))
    for slot in base..<min(base + 2, 1024 - adjustment) { fill(slot) }
    written = written.filter { $0 < free + shift }
    slots.append(.wsys(base: base, free: free, id: isOneIn(40) ? WideTestHook.broken : hook()))
  }

  private mutating func hook() -> Int {
    // Those that end the run come seldom.
    let count = isOneIn(8) ? Self.hooks.count : 4
    return Self.hooks[number(count)]
  }

  /// A slot that may be written.
  private mutating func destination() -> Int {
    let lowest = max(-need - adjustment, -12)
    let highest = min(1023 - adjustment, 8)
    if isOneIn(60) { return isOneIn(2) ? -need - adjustment : 1023 - adjustment }
    return lowest + number(highest - lowest + 1)
  }

  /// A slot that is written from now on.
  private mutating func result() -> Int {
    let slot = destination()
    written.insert(slot + shift)
    return slot
  }

  private func holdsSomething(_ slot: Int) -> Bool { slot + shift < 0 || written.contains(slot + shift) }

  /// Writes a slot that holds nothing.
  private mutating func fill(_ slot: Int) {
    if holdsSomething(slot) { return }
    slots.append(.wide(.wmov, d: slot, a: .constant(number(constants.count))))
    written.insert(slot + shift)
  }

  private mutating func source(_ narrow: WideFlags) -> (WideOperand, WideFlags) {
    let slot = destination()
    if isOneIn(3) || !holdsSomething(slot) { return (.constant(number(constants.count)), []) }
    return (.slot(slot), isOneIn(4) ? narrow : [])
  }

  /// A place in memory or input: near, mostly.
  private mutating func place() -> WideOperand {
    let slot = destination()
    return isOneIn(12) && holdsSomething(slot) ? .slot(slot) : .constant(4 + number(4))
  }

  private mutating func narrowD() -> WideFlags { isOneIn(5) ? .narrowD : [] }
}
