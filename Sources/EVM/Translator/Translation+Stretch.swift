// How a stretch begins: what it needs of the stack and costs is known before its first instruction, by looking ahead.
import SBPF

/// What an operation sequence does to the stack, in words relative to its start, and to the gas.
private struct Outlook {
  var low = 0
  var high = 0
  var byteCount = 0
  /// Base gas up to the first operation that ends a gas block, and whether that has come.
  var units = 0
  var isPaid = false
  /// JUMPDESTs only.
  var isEmpty = true
}

extension Translation {
  /// The most that one payment covers; further operations pay for themselves.
  private static let maxChargeUnits = 1 << 30

  /// Checks and charges for what follows up to the next JUMPI, JUMPDEST or terminator. False where it faults for sure;
  /// `pc` is past its first operation then.
  mutating func beginStretch() -> Bool {
    let outlook = lookAhead()
    let (low, high) = (min(checkedLow, height &+ outlook.low), max(checkedHigh, height &+ outlook.high))
    if high &- low > WideLimits.maxStackHeight {
      // No stack has both.
      emitStackFault()
      pc &+= 1
      return false
    }
    placeIslandIfFar(byteCount: outlook.byteCount)
    if !(isChecked && low == checkedLow && high == checkedHigh), !outlook.isEmpty {
      emit(.wstack, d: adjustment &- low, a: high &- adjustment)
      (checkedLow, checkedHigh, isChecked) = (low, high, true)
      // What stands before may not come to use what has been checked only now.
      barrier = text.count
    }
    nextFreshSlot = max(nextFreshSlot, checkedHigh)
    prepareSlots(from: low, to: nextFreshSlot)
    while lowest > low {
      lowest &-= 1
      entries[lowest] = .slot(lowest)
      slots[lowest] = .untouched
      slots[lowest].references = 1
    }
    emitCharge(outlook.units)
    return true
  }

  /// Faults as the first of the following operations does that finds too few words or too many; together they need
  /// more than any stack has.
  private mutating func emitStackFault() {
    var (low, high, height) = (checkedLow, checkedHigh, self.height)
    var pc = self.pc
    while true {
      let operation = operations[Int(code[pc])]
      let (lower, upper) = (
        height &- Int(operation.pops), height &- Int(operation.pops) &+ Int(operation.pushes)
      )
      let limit = WideLimits.maxStackHeight
      let isUnderflow = high &- min(low, lower) > limit
      if !isUnderflow { low = min(low, lower) }
      if isUnderflow || max(high, upper) &- low > limit {
        // Who gets by this one has what came before, and not what comes.
        emit(.wstack, d: adjustment &- low, a: high &- adjustment)
        return emitFault(moving: isUnderflow ? -limit : limit)
      }
      (high, height) = (max(high, upper), upper)
      pc &+= 1 &+ Int(operation.immediateByteCount)
    }
  }

  /// Faults whatever the height: with an underflow if `distance` is the whole stack down, an overflow if it is up.
  private mutating func emitFault(moving distance: Int) {
    let (need, grow) = (max(-distance, 0), max(distance, 0))
    emit(.wstack, d: need, a: grow)
    emit(.wadjust, number: distance)
    emit(.wstack, d: min(need, 1), a: min(grow, 1))
    emit(.winvalid)
  }

  private func lookAhead() -> Outlook {
    var outlook = Outlook()
    var height = 0
    var pc = self.pc
    while pc < byteCount {
      let operation = operations[Int(code[pc])]
      if operation.kind == .undefined || operation.opcode == .invalid { break }
      if operation.opcode != .jumpdest {
        outlook.isEmpty = false
      } else if pc != self.pc {
        break
      }
      outlook.low = min(outlook.low, height &- Int(operation.pops))
      height &+= Int(operation.pushes) &- Int(operation.pops)
      outlook.high = max(outlook.high, height)
      if !outlook.isPaid {
        outlook.units &+= Int(operation.gas)
        outlook.isPaid = operation.endsGasBlock
      }
      pc &+= 1 &+ Int(operation.immediateByteCount)
      if isTracing || operation.kind == .end || operation.opcode == .jumpi || operation.opcode == .jump {
        break
      }
    }
    if pc >= byteCount { outlook.isEmpty = false }
    outlook.byteCount = pc &- self.pc
    return outlook
  }

  /// Pays the base gas of the operations from `pc` on, in the middle of a stretch, up to the next one that can see gas.
  mutating func continueCharging() {
    if isTracing { return }
    var units = 0
    var pc = self.pc
    while pc < byteCount {
      let operation = operations[Int(code[pc])]
      if operation.opcode == .jumpdest { break }
      units &+= Int(operation.gas)
      pc &+= 1 &+ Int(operation.immediateByteCount)
      if operation.endsGasBlock { break }
    }
    emitCharge(units)
  }

  private mutating func emitCharge(_ units: Int) {
    var units = units
    while units > Translation.maxChargeUnits {
      emit(.wcharge, number: Translation.maxChargeUnits)
      units &-= Translation.maxChargeUnits
    }
    if units > 0 { emit(.wcharge, number: units) }
  }
}

extension EVMOperation {
  /// What comes behind may not be paid for before this has run.
  fileprivate var endsGasBlock: Bool {
    switch kind {
    case .gasHook, .end, .undefined: true
    case .control: opcode != .jumpdest
    case .stack, .pure, .hook: false
    }
  }
}
