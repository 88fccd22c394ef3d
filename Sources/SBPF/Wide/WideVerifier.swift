// What is checked before wide code may run, in two passes over the slots. Afterwards every slot operand lies in the
// frame's stack, jumps land on instructions, constants and hooks exist, and control cannot run off the end: memory
// safety depends on nobody who wrote a file. Gas does: a loop without `wcharge` is accepted.
//
// How: at every place where control may arrive from elsewhere (entry, jump targets) the window lies 0 to 1024 words
// above the bottom and nothing else is known. `wstack need, grow` makes known that at least `need` words lie below
// it and that it may rise by `grow`; until the next such place or terminator operands lie in [-need, 1024 + grow) of
// where the window was then, and `wadjust` moves it within [-need, grow]. So the invariant holds wherever control
// goes.

enum WideVerifier {
  static func verify(_ image: ProgramImage) throws(VerifierError) {
    let text = image.text
    guard text.count % EncodedInsn.byteCount == 0 else { throw .programLengthNotMultiple }
    guard !text.isEmpty else { throw .noProgram }
    guard let tables = image.wide else { throw .missingWideTables }
    let slots = EncodedInsn.slots(of: text)
    try check(tables, slotCount: slots.count)
    var walk = Walk(slots: slots, constantCount: tables.constants.count)
    guard slots.indices.contains(image.entryPC) else { throw .invalidEntry(pc: image.entryPC) }
    walk.isArrival[image.entryPC] = true
    for target in tables.jumpTargets { walk.isArrival[Int(target.slot)] = true }
    try walk.findTargets()
    try walk.checkStack()
  }

  private static func check(_ tables: WideTables, slotCount: Int) throws(VerifierError) {
    guard tables.constants.count <= WideOperand.maxConstantCount else {
      throw .tooManyConstants(count: tables.constants.count)
    }
    guard slotCount < Int(Int32.max), tables.bytecode.count < Int(Int32.max) else { throw .programTooLong }
    var last = -1
    for (index, target) in tables.jumpTargets.enumerated() {
      guard Int(target.sourceOffset) > last, Int(target.sourceOffset) < tables.bytecode.count, Int(target.slot) < slotCount
      else { throw .invalidJumpTarget(index: index) }
      last = Int(target.sourceOffset)
    }
    let fits = tables.pcMap.isEmpty || tables.pcMap.count == slotCount
    guard fits, tables.pcMap.allSatisfy({ Int($0) <= tables.bytecode.count }) else { throw .invalidPCMap }
  }
}

/// What is known of the stack on a straight line of code.
private struct StackState {
  var need: Int
  var grow: Int
  /// Words that the window has moved since `wstack`.
  var adjustment: Int
}

private struct Walk {
  let slots: [EncodedInsn]
  let constantCount: Int
  let shapes = OpcodeShapes(.wide)
  /// By slot: whether control arrives from elsewhere.
  var isArrival: [Bool]

  init(slots: [EncodedInsn], constantCount: Int) {
    self.slots = slots
    self.constantCount = constantCount
    isArrival = [Bool](repeating: false, count: slots.count)
  }

  private func insn(_ pc: Int) throws(VerifierError) -> (insn: Insn, form: OperandForm) {
    let slot = slots[pc]
    guard let shape = shapes.decoding(slot.opcode) else {
      throw .unknownOpcode(byte: slot.opcode, pc: pc)
    }
    return (Insn(slot, shape, next: nil, version: .wide), shape.form)
  }

  /// First pass: fields, flags, and where jumps go.
  mutating func findTargets() throws(VerifierError) {
    var endsHere = false
    for pc in slots.indices {
      let (insn, form) = try insn(pc)
      guard slots[pc] == slots[pc].canonicalWide(form) else { throw .unusedField(pc: pc) }
      try checkFlags(insn, form, pc: pc)
      switch form {
      case .jump, .wideJumpUnary, .wideJumpBinary: try arrive(at: pc + 1 + Int(insn.offset), from: pc)
      case .wideJumpLong: try arrive(at: pc + 1 + Int(insn.immediate), from: pc)
      default: break
      }
      endsHere = insn.opcode.endsStraightLine
    }
    guard endsHere else { throw .runsOffTheEnd }
  }

  private mutating func arrive(at target: Int, from pc: Int) throws(VerifierError) {
    guard slots.indices.contains(target) else { throw .jumpOutOfCode(target: target, pc: pc) }
    isArrival[target] = true
  }

  /// Narrow is for slots that the instruction has.
  private func checkFlags(_ insn: Insn, _ form: OperandForm, pc: Int) throws(VerifierError) {
    var allowed: WideFlags = []
    if form.hasWideA, insn.wideA < Int(WideOperand.firstConstant) { allowed.insert(.narrowA) }
    if form.hasWideB, insn.wideB < Int(WideOperand.firstConstant) { allowed.insert(.narrowB) }
    if form.hasWideD { allowed.insert(.narrowD) }
    guard allowed.isSuperset(of: insn.wideFlags) else { throw .invalidFlags(pc: pc) }
  }

  /// Second pass: the stack.
  func checkStack() throws(VerifierError) {
    var state: StackState?
    for pc in slots.indices {
      let (insn, form) = try insn(pc)
      if isArrival[pc] { state = nil }
      switch form {
      case .wideStack: state = try stackState(insn, pc: pc)
      case .wideHook:
        try checkSlot(insn.wideD, state, pc: pc)
        try checkSlot(insn.wideA, state, isEnd: true, pc: pc)
        guard (0..<WideLimits.hookCount).contains(insn.wideB) else {
          throw .invalidHook(id: insn.wideB, pc: pc)
        }
      default:
        if insn.opcode == .wadjust { try adjust(&state, by: Int(insn.immediate), pc: pc) }
        if form.hasWideD { try checkSlot(insn.wideD, state, pc: pc) }
        if form.hasWideA { try checkOperand(insn.wideA, state, pc: pc) }
        if form.hasWideB { try checkOperand(insn.wideB, state, pc: pc) }
      }
      if insn.opcode.endsStraightLine { state = nil }
    }
  }

  private func stackState(_ insn: Insn, pc: Int) throws(VerifierError) -> StackState {
    let range = 0...WideLimits.maxStackHeight
    guard range.contains(insn.wideD), range.contains(insn.wideA) else { throw .invalidStackCheck(pc: pc) }
    return StackState(need: insn.wideD, grow: insn.wideA, adjustment: 0)
  }

  private func adjust(_ state: inout StackState?, by distance: Int, pc: Int) throws(VerifierError) {
    guard let known = state else { throw .missingStackCheck(pc: pc) }
    let adjustment = known.adjustment + distance
    guard adjustment >= -known.need, adjustment <= known.grow else { throw .windowOutOfStack(pc: pc) }
    state?.adjustment = adjustment
  }

  private func checkOperand(_ number: Int, _ state: StackState?, pc: Int) throws(VerifierError) {
    let first = Int(WideOperand.firstConstant)
    guard number >= first else { return try checkSlot(number, state, pc: pc) }
    guard number - first < constantCount else { throw .constantOutOfRange(index: number - first, pc: pc) }
  }

  private func checkSlot(
    _ number: Int, _ state: StackState?, isEnd: Bool = false, pc: Int
  ) throws(VerifierError) {
    guard WideOperand.slots.contains(Int16(number)) else { throw .invalidOperand(number: number, pc: pc) }
    guard let state else { throw .missingStackCheck(pc: pc) }
    let place = number + state.adjustment
    // The height was at most 1024 - grow, so this is below 2048 words from the bottom.
    let end = WideLimits.maxStackHeight + state.grow + (isEnd ? 1 : 0)
    guard place >= -state.need, place < end else { throw .slotOutOfStack(slot: number, pc: pc) }
  }
}

extension OperandForm {
  /// Whether D is a slot that is written (or where a hook's arguments lie).
  package var hasWideD: Bool {
    switch self {
    case .wideResult, .wideUnary, .wideBinary: true
    default: false
    }
  }

  /// Whether A is a slot or constant that is read.
  package var hasWideA: Bool {
    switch self {
    case .wideUnary, .wideBinary, .wideStore, .wideJumpUnary, .wideJumpBinary, .wideJumpDynamic: true
    default: false
    }
  }

  package var hasWideB: Bool {
    switch self {
    case .wideBinary, .wideStore, .wideJumpBinary: true
    default: false
    }
  }
}

extension Opcode {
  /// Whether control of a wide program never goes on to the next slot.
  @inlinable package var endsStraightLine: Bool {
    switch self {
    case .ja, .wja, .wjump, .exit, .winvalid: true
    default: false
    }
  }
}

extension EncodedInsn {
  /// The slot with the fields cleared that an instruction of `form` does not use.
  func canonicalWide(_ form: OperandForm) -> EncodedInsn {
    var plain = EncodedInsn(opcode: opcode)
    switch form {
    case .bare: break
    case .jump: plain.offset = offset
    case .wideResult: (plain.destination, plain.offset) = (destination, offset)
    case .wideUnary:
      (plain.destination, plain.offset, plain.immediate) = (destination, offset, lowImmediate)
    case .wideBinary, .wideJumpBinary:
      (plain.destination, plain.offset, plain.immediate) = (destination, offset, immediate)
    case .wideStore: (plain.destination, plain.immediate) = (destination, immediate)
    case .wideJumpUnary:
      (plain.destination, plain.offset, plain.immediate) = (destination, offset, lowImmediate)
    case .wideJumpDynamic: (plain.destination, plain.immediate) = (destination, lowImmediate)
    case .wideJumpLong, .wideNumber: plain.immediate = immediate
    case .wideStack: (plain.offset, plain.immediate) = (offset, lowImmediate)
    case .wideHook: (plain.offset, plain.immediate) = (offset, immediate)
    default: break
    }
    return plain
  }

  /// The immediate with B cleared.
  private var lowImmediate: Int32 { immediate & 0xffff }
}
