// One operation of the EVM at a time: stack operations, the host's, and what is left of the control flow.
import SBPF
import WideIntegers

extension Translation {
  /// Translates the operation at `pc` and moves `pc` behind it.
  mutating func translateOperation() -> Ending {
    guard pc < byteCount else { return end(operations[Int(EVMOpcode.stop.rawValue)]) }
    if nextFreshSlot > freshLimit { renewFreshSlots() }
    let here = pc
    let operation = operations[Int(code[here])]
    pc = min(here &+ 1 &+ Int(operation.immediateByteCount), byteCount)
    switch operation.kind {
    case .pure: translatePure(operation.opcode)
    case .stack: translateStack(operation, at: here)
    case .hook:
      if operation.opcode == .exp { raise() } else { callHost(operation) }
    case .gasHook:
      callHost(operation)
      continueCharging()
    case .end: return end(operation)
    case .undefined:
      emit(.winvalid)
      return .ended
    case .control: return translateControl(operation.opcode)
    }
    return .joined
  }

  private mutating func translateControl(_ opcode: EVMOpcode) -> Ending {
    switch opcode {
    case .jump:
      jump()
      return .ended
    case .jumpi: return jumpIf()
    case .gas:
      pushResult(.wgas, bits: 64)
      continueCharging()
      return .joined
    case .jumpdest: return .joined
    default:
      emit(.winvalid)
      return .ended
    }
  }

  private mutating func end(_ operation: EVMOperation) -> Ending {
    callHost(operation)
    return .ended
  }

  // MARK: Stack operations

  private mutating func translateStack(_ operation: EVMOperation, at here: Int) {
    let byte = operation.opcode.rawValue
    switch byte {
    case EVMOpcode.push0.rawValue...EVMOpcode.push32.rawValue:
      pushLiteral(data(at: here &+ 1, byteCount: Int(operation.immediateByteCount)))
    case EVMOpcode.dup1.rawValue...EVMOpcode.dup16.rawValue:
      let value = entries[height &- Int(operation.pops)]
      retain(value)
      push(value)
    case EVMOpcode.swap1.rawValue...EVMOpcode.swap16.rawValue:
      let other = height &- Int(operation.pops)
      (entries[height &- 1], entries[other]) = (entries[other], entries[height &- 1])
      cleanBelow = min(cleanBelow, other)
    case EVMOpcode.pop.rawValue: release(pop())
    case EVMOpcode.pc.rawValue: pushLiteral(UInt256(UInt64(here)))
    default: pushLiteral(UInt256(UInt64(byteCount)))
    }
  }

  /// The big-endian number in `byteCount` bytes of the code, `[0, 32]`; zeros beyond its end.
  @inline(__always) private func data(at start: Int, byteCount: Int) -> UInt256 {
    // The code is padded by 32 bytes at either end, so whole words can be read wherever it lies.
    let end = UnsafeRawPointer(code + min(start, self.byteCount)) + byteCount
    if byteCount <= 8 {
      guard byteCount > 0 else { return .zero }
      let word = UInt64(bigEndian: end.loadUnaligned(fromByteOffset: -8, as: UInt64.self))
      return UInt256(word & UInt64.max >> UInt64(64 &- 8 &* byteCount))
    }
    let word = UInt256(bigEndianAt: end - 32)
    return word & UInt256.max >> UInt64(256 &- 8 &* byteCount)
  }

  /// Pushes a number that the code tells.
  private mutating func pushLiteral(_ word: UInt256) {
    guard pool.isFull, !pool.contains(word), isTracing || !isJumpNext else { return pushConstant(word) }
    buildConstant(word)
  }

  /// A jump's target stays out of the pool, unless it has to be in its place for a trace.
  private var isJumpNext: Bool {
    guard pc < byteCount else { return false }
    return code[pc] == EVMOpcode.jump.rawValue || code[pc] == EVMOpcode.jumpi.rawValue
  }

  /// Pushes a computed constant, unless the pool has no room for it.
  mutating func pushFolded(_ word: UInt256) -> Bool {
    if pool.isFull, !pool.contains(word) { return false }
    pushConstant(word)
    return true
  }

  /// Puts a word together from its bytes.
  private mutating func buildConstant(_ word: UInt256) {
    let slot = resultSlot()
    let place = VirtualValue.slot(slot)
    let bytes = word.bigEndianBytes.drop { $0 == 0 }
    emitMove(to: slot, makeConstant(UInt256(UInt64(bytes.first ?? 0))))
    var shift: UInt64 = 0
    for byte in bytes.dropFirst() {
      shift += 8
      if byte != 0 {
        emitInPlace(.wshl, makeConstant(UInt256(shift)), place)
        emitInPlace(.wor, place, makeConstant(UInt256(UInt64(byte))))
        shift = 0
      }
    }
    if shift > 0 { emitInPlace(.wshl, makeConstant(UInt256(shift)), place) }
    pushSlot(slot, bits: 256, writer: text.count &- 1)
  }

  /// Writes `opcode` of `a` and `b` to the slot that is one of them.
  private mutating func emitInPlace(_ opcode: Opcode, _ a: VirtualValue, _ b: VirtualValue) {
    let d = (a.isConstant ? b : a).position &- adjustment
    let (numberA, numberB) = (operand(a).number, operand(b).number)
    emit(opcode, d: d, a: numberA, b: numberB)
  }

  // MARK: The host

  /// Calls the hook of an operation: its operands lie side by side, the result where the first of them was.
  mutating func callHost(_ operation: EVMOperation) {
    let count = Int(operation.pops)
    let first = height &- count
    let hasResult = operation.pushes > 0
    if operation.opcode.mayWriteMemory {
      forgetMemory()
    } else {
      forgetMemory(in: first..<max(height, first &+ 1))
    }
    let base: Int
    if count == 0 {
      base = hasResult ? resultSlot() : height
    } else if canUsePlaces(from: first, forResult: hasResult) {
      base = first
      for position in first..<height { movePlainly(position, to: position) }
    } else {
      base = nextFreshSlot
      nextFreshSlot &+= count
      for position in first..<height {
        movePlainly(position, to: base &+ position &- first)
        freeSlots.append(Int32(truncatingIfNeeded: base &+ position &- first))
      }
    }
    for offset in 0..<count {
      slots[base &+ offset].reader = Int32(truncatingIfNeeded: text.count)
      release(pop())
    }
    if hasResult { use(base) }
    // Renaming may come to use any place of this stretch.
    let free = max(slotEnd, checkedHigh, base &+ count)
    emit(.wsys, d: base &- adjustment, a: free &- adjustment, b: Int(operation.opcode.rawValue))
    if hasResult { pushSlot(base, bits: operation.opcode.hostResultBits, writer: text.count &- 1) }
  }

  /// Whether the operands from `first` on can be brought to their places one after the other, and the result may
  /// overwrite the first.
  private func canUsePlaces(from first: Int, forResult: Bool) -> Bool {
    var firstReferences = slots[first].references
    for position in first..<height {
      if entries[position].isSlot(first) { firstReferences &-= 1 }
      if !entries[position].isSlot(position), slots[position].references != 0 { return false }
    }
    return !forResult || firstReferences == 0
  }

  /// Brings the entry at `position` to `slot`, which nothing refers to unless it is there.
  private mutating func movePlainly(_ position: Int, to slot: Int) {
    let value = entries[position]
    if value.isSlot(slot) {
      if value.isNarrow { widen(slot) }
      return
    }
    if value.isConstant || !rename(value.position, to: slot) { emitMove(to: slot, value) }
    release(value)
    entries[position] = .slot(slot, bits: value.bitCount)
    slots[slot].references = 1
  }
}

extension EVMOpcode {
  /// What the host's result is always below, as a power of two.
  var hostResultBits: Int {
    switch self {
    case .address, .origin, .caller, .coinbase, .create, .create2: 160
    case .extcodesize, .returndatasize: 64
    case .call, .callcode, .delegatecall, .staticcall: 1
    default: 256
    }
  }
}
