// Random wide programs that pass the verifier and mostly do something: blocks that charge gas, so that they end,
// check the stack and compute on what lies near the window; jumps of every kind, memory near its end, hooks.
import WideIntegers

@testable import SBPF

struct RandomWideProgram {
  private var random: SeededGenerator
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

  private static let computing = Opcode.table.filter {
    $0.form.hasWideD && ![.wload, .winput].contains($0.opcode)
  }
  private static let hooks = [
    WideTestHook.add, WideTestHook.spend, WideTestHook.call, WideTestHook.note, WideTestHook.fail,
    WideTestHook.stop, 200,
  ]

  /// Draws from `random` and leaves it where it stopped.
  static func image(_ random: inout SeededGenerator) -> ProgramImage {
    var program = RandomWideProgram(random: random)
    let image = program.image()
    random = program.random
    return image
  }

  private init(random: SeededGenerator) { self.random = random }

  private mutating func image() -> ProgramImage {
    let blockCount = 2 + number(10)
    makeConstants(blockCount: blockCount)
    for index in 0..<blockCount { appendBlock(isLast: index == blockCount - 1) }
    let entry = number(4) == 0 ? starts[number(blockCount)] : 0
    for pc in jumps { aim(pc) }
    let targets = starts.enumerated().filter { $0.offset % 3 != 2 }
      .map { WideJumpTarget(evmPC: UInt32($0.offset * 2), slot: UInt32($0.element)) }
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
    slots.append(.wide(.wadjust, number: Int32(target - adjustment)))
    adjustment = target
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
    case 7: slots.append(.wide(.wload, d: destination(), a: place(), flags: narrowD()))
    case 8: slots.append(.wide(.winput, d: destination(), a: place(), flags: narrowD()))
    default:
      let facts = Self.computing[number(Self.computing.count)]
      let (a, flagA) = facts.form.hasWideA ? source(.narrowA) : (.slot(0), [])
      let (b, flagB) = facts.form.hasWideB ? source(.narrowB) : (.slot(0), [])
      slots.append(
        .wide(facts.opcode, d: destination(), a: a, b: b, flags: flagA.union(flagB).union(narrowD())))
    }
  }

  private mutating func appendHook() {
    let base = destination()
    // The arguments of the hooks here are two words at most.
    let free = min(1024 - adjustment, max(base + 2, 8 + number(6)))
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

  private mutating func source(_ narrow: WideFlags) -> (WideOperand, WideFlags) {
    if isOneIn(3) { return (.constant(number(constants.count)), []) }
    return (.slot(destination()), isOneIn(4) ? narrow : [])
  }

  /// A place in memory or input: near, mostly.
  private mutating func place() -> WideOperand {
    isOneIn(12) ? .slot(destination()) : .constant(4 + number(4))
  }

  private mutating func narrowD() -> WideFlags { isOneIn(5) ? .narrowD : [] }
}
