// JUMP and JUMPI: constant targets are branches, comparisons are part of the branch that they decide.
//
// Branches reach 32,767 slots (`reach`; tests take less). Those that go forward wait in `shortJumps` until their
// target has a slot; before one of them is too old, an island of `wja`s takes it on. A branch that leaves entries out
// of their places goes to a stub, which brings them there, so that the way past the branch has nothing to do.
import SBPF
import WideIntegers

/// A jump whose target is a JUMPDEST.
struct PendingJump: BitwiseCopyable {
  /// Of the instruction.
  var index: Int32
  var targetPC: Int32
}

/// Code to be placed that a branch leads to.
struct Stub: BitwiseCopyable {
  /// Of the branch.
  var index: Int32
  /// −1 where there is no such JUMPDEST.
  var targetPC: Int32
  /// In `stubMoves`.
  var firstMove: Int32
  var moveCount: Int32
  /// The window's way at the branch, and what is checked there.
  var adjustment: Int16
  var height: Int16
  var checkedLow: Int16
  var checkedHigh: Int16
}

/// What decides a branch.
private struct Condition {
  var opcode: Opcode
  var a: VirtualValue
  /// `nil` for `wjz` and `wjnz`.
  var b: VirtualValue?

  var inverted: Opcode {
    switch opcode {
    case .wjz: .wjnz
    case .wjnz: .wjz
    case .wjeq: .wjne
    case .wjne: .wjeq
    case .wjlt: .wjge
    case .wjge: .wjlt
    case .wjslt: .wjsge
    default: .wjslt
    }
  }
}

extension Translation {
  /// More slots than any byte of code becomes, entries aside that it finds out of their places.
  private static let maxSlotsPerByte = 16
  private static let maxStubMoves = 4
  /// Slots that no byte accounts for: jumps around an island, checks, held values that make way.
  private static let islandSlack = 64

  // MARK: Leaving the line

  /// Before `leaveLine`, right behind a branch: sees to it that the moves do not take this branch or an earlier one out
  /// of reach, and that the verifier knows the stack.
  mutating func makeWayToLeave() {
    guard cleanBelow < height || height != adjustment else { return }
    placeIslandIfFar(byteCount: 0)
    guard !isChecked else { return }
    emit(.wstack, d: adjustment &- checkedLow, a: checkedHigh &- adjustment)
    isChecked = true
    barrier = text.count
  }

  /// Brings the stack to its places and moves the window to its top.
  mutating func leaveLine() {
    var held = HeldValues()
    settle(from: cleanBelow, held: &held)
    moveWindow()
  }

  private mutating func moveWindow() {
    guard height != adjustment else { return }
    emit(.wadjust, number: height &- adjustment)
    adjustment = height
    barrier = text.count
  }

  /// The pc of a constant's JUMPDEST, or −1.
  private func target(_ word: UInt256) -> Int {
    guard word.fitsUInt64, word.limb0 < UInt64(byteCount) else { return -1 }
    let pc = Int(truncatingIfNeeded: word.limb0)
    return targets[pc] == Translation.noTarget ? -1 : pc
  }

  mutating func jump() {
    var held = HeldValues(first: pop())
    guard let destination = held.first else { return }
    guard let word = constant(destination) else {
      settle(from: cleanBelow, held: &held)
      moveWindow()
      return emitDynamicJump(held.first ?? destination)
    }
    let target = target(word)
    if target < 0 { return emitBadJump() }
    settle(from: firstNeeded(at: target), held: &held)
    moveWindow()
    emitLongJump(to: target)
  }

  private mutating func emitDynamicJump(_ destination: VirtualValue) {
    let (number, narrow) = operand(destination)
    release(destination)
    emit(.wjump, flags: narrow ? WideWord.narrowA : 0, a: number)
  }

  /// Faults: no code has a JUMPDEST there.
  private mutating func emitBadJump() {
    emit(.wjump, a: operand(makeConstant(.max)).number)
  }

  private mutating func emitLongJump(to target: Int) {
    longJumps.append(
      PendingJump(index: Int32(truncatingIfNeeded: text.count), targetPC: Int32(truncatingIfNeeded: target)))
    emit(.wja, number: 0)
  }

  /// The lowest position that the code at `target` may look at, if it is clear that the frame ends there soon; or
  /// where the entries begin that are not in their places.
  private func firstNeeded(at target: Int) -> Int {
    guard let need = needBeforeEnding(at: target) else { return cleanBelow }
    return max(cleanBelow, height &- need)
  }

  /// How many words the code at `target` looks at before it ends the frame; `nil` if it does other things first.
  private func needBeforeEnding(at target: Int) -> Int? {
    var pc = target &+ 1
    var (low, height) = (0, 0)
    for _ in 0..<8 {
      guard pc < byteCount else { return -low }
      let operation = operations[Int(code[pc])]
      if operation.kind == .undefined || operation.opcode == .invalid { return -low }
      if operation.kind == .control || operation.kind == .gasHook { return nil }
      low = min(low, height &- Int(operation.pops))
      if operation.kind == .end { return -low }
      height &+= Int(operation.pushes) &- Int(operation.pops)
      pc &+= 1 &+ Int(operation.immediateByteCount)
    }
    return nil
  }

  // MARK: JUMPI

  mutating func jumpIf() -> Ending {
    let destination = pop()
    let decision = pop()
    if let word = constant(decision) {
      if word.isZero {
        release(destination)
        return .branched
      }
      push(destination)
      jump()
      return .ended
    }
    let condition = takeCondition(decision)
    if let word = constant(destination) {
      branch(condition, to: target(word))
    } else {
      branch(condition, toValue: destination)
    }
    barrier = text.count
    return .branched
  }

  private mutating func branch(_ condition: Condition, toValue destination: VirtualValue) {
    var held = HeldValues(first: condition.a, second: condition.b, third: destination)
    settle(from: cleanBelow, held: &held)
    moveWindow()
    var settled = condition
    settled.a = held.first ?? condition.a
    settled.b = held.second
    settled.opcode = condition.inverted
    emitBranch(settled, distance: 1)
    emitDynamicJump(held.third ?? destination)
    isChecked = false
  }

  private mutating func branch(_ condition: Condition, to target: Int) {
    if target < 0 { return branchToStub(condition, target: -1, moves: 0..<0) }
    let ending = needBeforeEnding(at: target)
    let start = ending.map { max(cleanBelow, height &- $0) } ?? cleanBelow
    let misplaced = misplacedCount(from: start)
    let isBackward = targets[target] != Translation.unreachedTarget
    if misplaced <= Translation.maxStubMoves, misplaced > 0 || height != adjustment,
      ending != nil || (misplaced > 0 && !isBackward)
    {
      return branchToStub(condition, target: target, moves: start..<max(start, height))
    }
    var held = HeldValues(first: condition.a, second: condition.b)
    if misplaced > 0 {
      settle(from: cleanBelow, held: &held)
    } else if start == cleanBelow {
      cleanBelow = max(start, height)
    }
    moveWindow()
    var settled = condition
    settled.a = held.first ?? condition.a
    settled.b = held.second
    emitBranch(settled, to: target)
  }

  /// How many entries from `start` on are not in their places, up to one more than a stub takes; those that are get
  /// all their limbs written.
  private mutating func misplacedCount(from start: Int) -> Int {
    // Looking at more of them at every branch would not be linear.
    if height &- start > 64 { return Translation.maxStubMoves + 1 }
    var count = 0
    for position in start..<max(start, height) {
      if !entries[position].isSlot(position) {
        count &+= 1
      } else if entries[position].isNarrow {
        widen(position)
      }
    }
    return count
  }

  /// To a JUMPDEST, with the stack in place.
  private mutating func emitBranch(_ condition: Condition, to target: Int) {
    let slot = targets[target]
    if slot == Translation.unreachedTarget {
      shortJumps.append(
        PendingJump(index: Int32(truncatingIfNeeded: text.count), targetPC: Int32(truncatingIfNeeded: target))
      )
      return emitBranch(condition, distance: 0)
    }
    let distance = Int(slot) &- (text.count &+ 1)
    if distance >= -reach { return emitBranch(condition, distance: distance) }
    var over = condition
    over.opcode = condition.inverted
    emitBranch(over, distance: 1)
    emit(.wja, number: Int(slot) &- (text.count &+ 1))
    isChecked = false
  }

  private mutating func emitBranch(_ condition: Condition, distance: Int) {
    let (numberA, narrowA) = operand(condition.a)
    var flags = narrowA ? WideWord.narrowA : 0
    var numberB = 0
    if let b = condition.b {
      let (number, narrow) = operand(b)
      numberB = number
      if narrow { flags |= WideWord.narrowB }
      release(b)
    }
    release(condition.a)
    emit(condition.opcode, flags: flags, d: distance, a: numberA, b: numberB)
  }

  // MARK: Conditions

  /// What the popped `decision` compares, undoing the comparison where this is its only use.
  private mutating func takeCondition(_ decision: VirtualValue) -> Condition {
    var value = decision
    var isInverted = false
    while !value.isConstant, slots[value.position].references == 1, text.count > barrier {
      let last = text[text.count &- 1]
      guard last.d == value.position &- adjustment else { break }
      let opcode = encoding.opcodes[Int(last.byte)]
      if opcode == .wiszero {
        text.truncate(to: text.count &- 1)
        release(value)
        value = readOperand(last.a, isNarrow: last.flags & WideWord.narrowA != 0)
        isInverted.toggle()
        continue
      }
      guard let branch = Translation.branch(for: opcode) else { break }
      text.truncate(to: text.count &- 1)
      release(value)
      let a = readOperand(last.a, isNarrow: last.flags & WideWord.narrowA != 0)
      let b = readOperand(last.b, isNarrow: last.flags & WideWord.narrowB != 0)
      var condition = Condition(opcode: branch, a: a, b: b)
      if opcode == .wlt, constant(a) == .zero { condition = Condition(opcode: .wjnz, a: b, b: nil) }
      if isInverted { condition.opcode = condition.inverted }
      return condition
    }
    return Condition(opcode: isInverted ? .wjz : .wjnz, a: value, b: nil)
  }

  private static func branch(for opcode: Opcode) -> Opcode? {
    switch opcode {
    case .weq: .wjeq
    case .wlt: .wjlt
    case .wslt: .wjslt
    case .wxor, .wsub: .wjne
    default: nil
    }
  }

  /// The value that an instruction's operand names, referenced once more.
  private mutating func readOperand(_ number: Int, isNarrow: Bool) -> VirtualValue {
    let first = Int(WideOperand.firstConstant)
    if number >= first {
      return makeConstant(pool.words[number &- first], poolIndex: number &- first)
    }
    let value = VirtualValue.slot(number &+ adjustment, bits: isNarrow ? 64 : 256)
    retain(value)
    return value
  }

  // MARK: Stubs

  /// Branches to code that brings the entries of `positions` to their places and goes on to `target`.
  private mutating func branchToStub(_ condition: Condition, target: Int, moves positions: Range<Int>) {
    let firstMove = stubMoves.count
    let index = text.count
    emitBranch(condition, distance: 0)
    planMoves(positions)
    stubs.append(
      Stub(
        index: Int32(truncatingIfNeeded: index), targetPC: Int32(truncatingIfNeeded: target),
        firstMove: Int32(truncatingIfNeeded: firstMove),
        moveCount: Int32(truncatingIfNeeded: stubMoves.count &- firstMove),
        adjustment: Int16(truncatingIfNeeded: adjustment), height: Int16(truncatingIfNeeded: height),
        checkedLow: Int16(truncatingIfNeeded: checkedLow), checkedHigh: Int16(truncatingIfNeeded: checkedHigh)
      ))
  }

  /// Appends to `stubMoves` what brings the few misplaced entries of `positions` to their places, leaving the virtual
  /// stack as it is: what is moved here is moved on the branch's way only.
  private mutating func planMoves(_ positions: Range<Int>) {
    for position in positions where !entries[position].isSlot(position) {
      readySlots.append(Int32(truncatingIfNeeded: position))
    }
    // With so few moves, one circle is under way at a time.
    var saved = Int.min
    while !readySlots.isEmpty {
      var index = 0
      while index < readySlots.count, isAwaited(Int(readySlots[index]), saved: saved) { index &+= 1 }
      if index == readySlots.count {
        index = 0
        saved = Int(readySlots[0])
        emitMove(to: nextFreshSlot, .slot(saved))
        takeStubMove()
      }
      let position = Int(readySlots[index])
      var value = entries[position]
      if value.isSlot(saved) { value.number = Int32(truncatingIfNeeded: nextFreshSlot) }
      let writer = slots[position].writer
      emitMove(to: position, value)
      slots[position].writer = writer
      takeStubMove()
      readySlots[index] = readySlots[readySlots.count &- 1]
      readySlots.truncate(to: readySlots.count &- 1)
    }
  }

  /// Whether another entry of `readySlots` needs the content of `slot`.
  private func isAwaited(_ slot: Int, saved: Int) -> Bool {
    guard slot != saved else { return false }
    for index in 0..<readySlots.count where Int(readySlots[index]) != slot {
      if entries[Int(readySlots[index])].isSlot(slot) { return true }
    }
    return false
  }

  /// Instructions are built at the text's end.
  private mutating func takeStubMove() {
    if let move = text.popLast() { stubMoves.append(move) }
  }

  // MARK: Islands

  /// Places waiting stubs, and `wja`s for branches that have waited long: half of what they reach. Control does not
  /// come here.
  mutating func placeStubs() { placeStubs(maxAge: reach / 2) }

  private mutating func placeStubs(maxAge: Int) {
    for index in 0..<stubs.count {
      let stub = stubs[index]
      setTarget(text.count, ofBranchAt: Int(stub.index))
      guard stub.targetPC >= 0 else {
        emitBadJump()
        continue
      }
      let adjustment = Int(stub.adjustment)
      emit(.wstack, d: adjustment &- Int(stub.checkedLow), a: Int(stub.checkedHigh) &- adjustment)
      for move in 0..<Int(stub.moveCount) { text.append(stubMoves[Int(stub.firstMove) &+ move]) }
      if stub.height != stub.adjustment { emit(.wadjust, number: Int(stub.height) &- adjustment) }
      emitLongJump(to: Int(stub.targetPC))
    }
    stubs.truncate(to: 0)
    stubMoves.truncate(to: 0)
    while firstShortJump < shortJumps.count {
      let jump = shortJumps[firstShortJump]
      guard text.count &- Int(jump.index) > maxAge else { break }
      let slot = targets[Int(jump.targetPC)]
      let destination = slot == Translation.unreachedTarget ? text.count : Int(slot)
      setTarget(destination, ofBranchAt: Int(jump.index))
      if slot == Translation.unreachedTarget { emitLongJump(to: Int(jump.targetPC)) }
      firstShortJump &+= 1
    }
  }

  private func setTarget(_ slot: Int, ofBranchAt index: Int) {
    let distance = slot &- index &- 1
    // `placeIslandIfFar` sees to it. Cut to 16 bits, the branch would go anywhere.
    precondition(abs(distance) <= reach, "a branch at slot \(index) does not reach slot \(slot)")
    text.base[index].d = distance
  }

  /// Makes an island in the middle of a line where the next `byteCount` bytes could take a branch out of reach.
  mutating func placeIslandIfFar(byteCount: Int) {
    var oldest = text.count
    if stubs.count > 0 { oldest = Int(stubs[0].index) }
    if firstShortJump < shortJumps.count { oldest = min(oldest, Int(shortJumps[firstShortJump].index)) }
    // Before its moves a stub has a check, behind them a way of the window and a jump.
    let island = stubs.count &* 3 &+ stubMoves.count &+ (shortJumps.count &- firstShortJump)
    // Entries that have been left out of their places may be moved now: one move each, and one for each circle.
    let misplaced = max(0, height &- cleanBelow)
    let coming =
      byteCount &* Translation.maxSlotsPerByte &+ misplaced &+ misplaced / 2 &+ island
      &+ Translation.islandSlack
    guard oldest < text.count, text.count &- oldest &+ coming > reach else { return }
    let over = text.count
    emit(.wja, number: 0)
    placeStubs(maxAge: -1)
    text.base[over].number = Int32(truncatingIfNeeded: text.count &- over &- 1)
    barrier = text.count
    isChecked = false
  }

  /// Gives every jump its distance; all JUMPDESTs have their slots.
  mutating func resolveJumps() {
    for index in firstShortJump..<shortJumps.count {
      let jump = shortJumps[index]
      setTarget(Int(targets[Int(jump.targetPC)]), ofBranchAt: Int(jump.index))
    }
    for index in 0..<longJumps.count {
      let jump = longJumps[index]
      text.base[Int(jump.index)].number =
        Int32(truncatingIfNeeded: Int(targets[Int(jump.targetPC)]) &- Int(jump.index) &- 1)
    }
  }
}
