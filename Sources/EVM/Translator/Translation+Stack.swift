// The virtual stack: taking and giving values, where results go, and bringing entries to their places.
import SBPF
import WideIntegers

extension Translation {
  // MARK: Emitting

  @inline(__always)
  mutating func emit(_ opcode: Opcode, flags: UInt64 = 0, d: Int = 0, a: Int = 0, b: Int = 0) {
    let operands =
      UInt64(UInt16(truncatingIfNeeded: d)) << 16 | UInt64(UInt16(truncatingIfNeeded: a)) << 32
      | UInt64(UInt16(truncatingIfNeeded: b)) << 48
    text.append(WideWord(bits: UInt64(encodingBytes[Int(opcode.rawValue)]) | flags << 8 | operands))
  }

  @inline(__always) mutating func emit(_ opcode: Opcode, number: Int) {
    text.append(
      WideWord(
        bits: UInt64(encodingBytes[Int(opcode.rawValue)])
          | UInt64(UInt32(truncatingIfNeeded: number)) << 32))
  }

  /// The operand that reads `value` in the next instruction, and whether it is narrow.
  @inline(__always) mutating func operand(_ value: VirtualValue) -> (number: Int, narrow: Bool) {
    if value.isConstant { return (constantOperand(Int(value.number)), false) }
    slots[value.position].reader = Int32(truncatingIfNeeded: text.count)
    return (value.position &- adjustment, value.isNarrow)
  }

  /// The operand of a scratch constant, which enters the pool here.
  private mutating func constantOperand(_ index: Int) -> Int {
    var known = scratch[index].poolIndex
    if known < 0 {
      known = Int32(truncatingIfNeeded: pool.index(of: scratch[index].word))
      scratch.base[index].poolIndex = known
    }
    return Int(WideOperand.firstConstant) &+ Int(known)
  }

  // MARK: Taking and giving

  /// The top of the stack, whose slot stays referenced until `release`.
  @inline(__always) mutating func pop() -> VirtualValue {
    height &-= 1
    cleanBelow = min(cleanBelow, height)
    return entries[height]
  }

  @inline(__always) mutating func release(_ value: VirtualValue) {
    guard !value.isConstant else { return }
    let left = slots[value.position].references &- 1
    slots[value.position].references = left
    if left == 0, value.position >= checkedHigh { freeSlots.append(value.number) }
  }

  @inline(__always) mutating func retain(_ value: VirtualValue) {
    if !value.isConstant { slots[value.position].references &+= 1 }
  }

  /// Pushes a value that is referenced already.
  @inline(__always) mutating func push(_ value: VirtualValue) {
    entries[height] = value
    cleanBelow = min(cleanBelow, height)
    height &+= 1
  }

  @inline(__always) func word(_ value: VirtualValue) -> UInt256 { scratch[Int(value.number)].word }

  /// The word where `value` is constant.
  @inline(__always) func constant(_ value: VirtualValue) -> UInt256? {
    value.isConstant ? word(value) : nil
  }

  mutating func makeConstant(_ word: UInt256, poolIndex: Int = -1) -> VirtualValue {
    scratch.append(ScratchConstant(word: word, poolIndex: Int32(truncatingIfNeeded: poolIndex)))
    return VirtualValue(
      number: Int32(truncatingIfNeeded: scratch.count &- 1),
      bits: UInt16(truncatingIfNeeded: word.bitWidth), isConstant: true)
  }

  @inline(__always) mutating func pushConstant(_ word: UInt256) { push(makeConstant(word)) }

  /// A slot for a new value: the place of the entry that comes next, where nothing else needs it.
  @inline(__always) mutating func resultSlot() -> Int {
    slots[height].references == 0 ? height : freeSlot()
  }

  /// A slot that nothing refers to, above all places of this stretch.
  mutating func freeSlot() -> Int {
    while let slot = freeSlots.popLast() {
      if slots[Int(slot)].references == 0 { return Int(slot) }
    }
    nextFreshSlot &+= 1
    return nextFreshSlot &- 1
  }

  /// Pushes what instruction `writer` has left in `slot`.
  @inline(__always) mutating func pushSlot(_ slot: Int, bits: Int, writer: Int) {
    slots[slot].references = 1
    slots[slot].writer = Int32(truncatingIfNeeded: writer)
    use(slot)
    entries[height] = .slot(slot, bits: bits)
    if slot != height || bits <= 64 {
      cleanBelow = min(cleanBelow, height)
    } else if cleanBelow == height {
      cleanBelow &+= 1
    }
    height &+= 1
  }

  @inline(__always) mutating func use(_ slot: Int) {
    slotEnd = max(slotEnd, slot &+ 1)
    usedEnd = max(usedEnd, slot &+ 1)
  }

  // MARK: Instructions with a result

  /// Pushes `opcode` of nothing; the result is below 2^bits.
  mutating func pushResult(_ opcode: Opcode, bits: Int) {
    let slot = resultSlot()
    emit(opcode, flags: bits <= 64 ? WideWord.narrowD : 0, d: slot &- adjustment)
    pushSlot(slot, bits: bits, writer: text.count &- 1)
  }

  /// Pushes `opcode` of `a`, which is released.
  mutating func pushResult(_ opcode: Opcode, _ a: VirtualValue, bits: Int) {
    let (numberA, narrowA) = operand(a)
    release(a)
    let slot = resultSlot()
    emit(
      opcode, flags: (narrowA ? WideWord.narrowA : 0) | (bits <= 64 ? WideWord.narrowD : 0),
      d: slot &- adjustment, a: numberA)
    pushSlot(slot, bits: bits, writer: text.count &- 1)
  }

  /// Pushes `opcode` of `a` and `b`, which are released.
  mutating func pushResult(_ opcode: Opcode, _ a: VirtualValue, _ b: VirtualValue, bits: Int) {
    let (numberA, narrowA) = operand(a)
    let (numberB, narrowB) = operand(b)
    release(a)
    release(b)
    let slot = resultSlot()
    let flags =
      (narrowA ? WideWord.narrowA : 0) | (narrowB ? WideWord.narrowB : 0)
      | (bits <= 64 ? WideWord.narrowD : 0)
    emit(opcode, flags: flags, d: slot &- adjustment, a: numberA, b: numberB)
    pushSlot(slot, bits: bits, writer: text.count &- 1)
  }

  /// Writes all limbs of `value` to `slot`, which nothing refers to.
  mutating func emitMove(to slot: Int, _ value: VirtualValue) {
    let (number, narrow) = operand(value)
    emit(.wmov, flags: narrow ? WideWord.narrowA : 0, d: slot &- adjustment, a: number)
    slots[slot].writer = Int32(truncatingIfNeeded: text.count &- 1)
    use(slot)
  }

  // MARK: Places

  /// Makes the instruction that wrote `slot` write all its limbs.
  @inline(__always) mutating func widen(_ slot: Int) {
    let writer = Int(slots[slot].writer)
    if writer >= 0 { text.base[writer].widenD() }
  }

  /// Lets the instruction that computed the content of `source` write it to `slot` instead, if nothing in between
  /// needs either slot as it was. Only places will do: a host's call in between may use what lies beyond them.
  /// `heldCount` references to the content are held values'.
  mutating func rename(_ source: Int, to slot: Int, heldCount: Int32 = 0) -> Bool {
    let writer = slots[source].writer
    guard slot < checkedHigh, writer >= barrier, slots[source].references == 1 &+ heldCount,
      slots[source].reader <= writer,
      slots[slot].reader <= writer, slots[slot].writer < writer,
      encoding.hasResult[Int(text[Int(writer)].byte)]
    else { return false }
    text.base[Int(writer)].d = slot &- adjustment
    text.base[Int(writer)].widenD()
    slots[slot].writer = writer
    use(slot)
    return true
  }

  /// Brings the entries from `start` on to their places, all limbs written. What `held` keeps may move to other slots.
  mutating func settle(from start: Int, held: inout HeldValues) {
    forgetMemory()
    for position in start..<max(start, height) {
      let value = entries[position]
      if value.isSlot(position) {
        if value.isNarrow { widen(position) }
      } else if slots[position].references == 0 {
        readySlots.append(Int32(truncatingIfNeeded: position))
      }
    }
    moveReady(from: start, held)
    // What is left waits for itself in circles, or for a held value: make way.
    for position in start..<max(start, height) where !entries[position].isSlot(position) {
      let refuge = freeSlot()
      emitMove(to: refuge, .slot(position))
      slots[refuge].references = slots[position].references
      slots[position].references = 0
      slots[position].relocation = Int32(truncatingIfNeeded: refuge)
      relocatedSlots.append(Int32(truncatingIfNeeded: position))
      readySlots.append(Int32(truncatingIfNeeded: position))
      moveReady(from: start, held)
    }
    held.relocate(slots)
    while let position = relocatedSlots.popLast() { slots[Int(position)].relocation = .min }
    if start <= cleanBelow { cleanBelow = height }
  }

  private mutating func moveReady(from start: Int, _ held: HeldValues) {
    while let ready = readySlots.popLast() {
      let position = Int(ready)
      var value = entries[position]
      let isRelocated = !value.isConstant && slots[value.position].relocation != .min
      if isRelocated { value.number = slots[value.position].relocation }
      var heldCount: Int32 = 0
      if value.isConstant || isRelocated {
        emitMove(to: position, value)
      } else {
        heldCount = held.count(value.position)
        if rename(value.position, to: position, heldCount: heldCount) {
          if heldCount > 0 { relocate(value.position, to: position, heldCount) }
        } else {
          heldCount = 0
          emitMove(to: position, value)
        }
      }
      entries[position] = .slot(position, bits: value.bitCount)
      slots[position].references = 1 &+ heldCount
      release(value)
      // The slot may be the place of another entry that waited for it.
      guard !value.isConstant, value.position >= start, value.position < height,
        slots[value.position].references == 0, !entries[value.position].isSlot(value.position)
      else { continue }
      readySlots.append(value.number)
    }
  }

  /// Held values follow a content that has been renamed.
  private mutating func relocate(_ source: Int, to slot: Int, _ heldCount: Int32) {
    slots[source].references &-= heldCount
    slots[source].relocation = Int32(truncatingIfNeeded: slot)
    relocatedSlots.append(Int32(truncatingIfNeeded: source))
  }

  /// Every entry in its place: all other slots are free.
  mutating func flush() {
    var held = HeldValues()
    settle(from: cleanBelow, held: &held)
    freeSlots.truncate(to: 0)
    nextFreshSlot = checkedHigh
    slotEnd = height
  }
}

/// Popped values that are needed after entries have been brought to their places.
struct HeldValues {
  var first: VirtualValue?
  var second: VirtualValue?
  var third: VirtualValue?

  /// How many of them are the content of `slot`.
  func count(_ slot: Int) -> Int32 {
    (first?.isSlot(slot) == true ? 1 : 0) &+ (second?.isSlot(slot) == true ? 1 : 0)
      &+ (third?.isSlot(slot) == true ? 1 : 0)
  }

  mutating func relocate(_ slots: UnsafeMutablePointer<SlotState>) {
    first = HeldValues.relocated(first, slots)
    second = HeldValues.relocated(second, slots)
    third = HeldValues.relocated(third, slots)
  }

  private static func relocated(
    _ value: VirtualValue?, _ slots: UnsafeMutablePointer<SlotState>
  ) -> VirtualValue? {
    guard var value, !value.isConstant, slots[value.position].relocation != .min else { return value }
    value.number = slots[value.position].relocation
    return value
  }
}
