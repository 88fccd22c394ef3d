// Operations that wide instructions compute. With constants they become cheaper ones or none; each shortcut is exact for
// every value of the other operand. Operands are named as the Yellow Paper has them: a is the top of the stack.
import SBPF
import WideIntegers

extension Translation {
  mutating func translatePure(_ opcode: EVMOpcode) {
    switch opcode {
    case .iszero: isZero(pop())
    case .not: unary(pop(), .wnot, bits: 256) { ~$0 }
    case .clz: unary(pop(), .wclz, bits: 9) { UInt256(UInt64($0.leadingZeroBitCount)) }
    case .calldataload: pushResult(.winput, pop(), bits: 256)
    case .calldatasize: pushResult(.winputsize, bits: 64)
    case .msize: pushResult(.wmemsize, bits: 64)
    case .mload: load()
    case .mstore: store()
    case .mstore8: storeByte()
    case .addmod, .mulmod: modular(opcode)
    default:
      let (a, b) = (pop(), pop())
      if a.isConstant, b.isConstant, let folded = fold(opcode, word(a), word(b)), pushFolded(folded) {
        return
      }
      binary(opcode, a, b)
    }
  }

  private mutating func binary(_ opcode: EVMOpcode, _ a: VirtualValue, _ b: VirtualValue) {
    switch opcode {
    case .add: add(a, b)
    case .sub: subtract(a, b)
    case .mul: multiply(a, b)
    case .div: divide(a, b)
    case .mod: remainder(a, b)
    case .sdiv: isNonnegative(a) && isNonnegative(b) ? divide(a, b) : pushResult(.wsdiv, a, b, bits: 256)
    case .smod: isNonnegative(a) && isNonnegative(b) ? remainder(a, b) : pushResult(.wsmod, a, b, bits: 256)
    case .signextend: signExtend(a, b)
    case .lt: less(a, b)
    case .gt: less(b, a)
    case .slt: isNonnegative(a) && isNonnegative(b) ? less(a, b) : pushResult(.wslt, a, b, bits: 1)
    case .sgt: isNonnegative(a) && isNonnegative(b) ? less(b, a) : pushResult(.wslt, b, a, bits: 1)
    case .eq: equal(a, b)
    case .and: and(a, b)
    case .or: or(a, b)
    case .xor: xor(a, b)
    case .byte: byte(a, b)
    case .shl: shiftLeft(a, b)
    case .shr: shiftRight(a, b)
    default: isNonnegative(b) ? shiftRight(a, b) : pushResult(.wsar, a, b, bits: 256)
    }
  }

  /// What the operation gives for two constants.
  private func fold(_ opcode: EVMOpcode, _ a: UInt256, _ b: UInt256) -> UInt256? {
    switch opcode {
    case .add: a &+ b
    case .sub: a &- b
    case .mul: a &* b
    case .div: a.divided(by: b)
    case .sdiv: a.signedDivided(by: b)
    case .mod: a.modulo(b)
    case .smod: a.signedModulo(b)
    case .signextend: b.signExtended(fromByte: a)
    case .lt: a < b ? .one : .zero
    case .gt: b < a ? .one : .zero
    case .slt: a.isSignedLess(than: b) ? .one : .zero
    case .sgt: b.isSignedLess(than: a) ? .one : .zero
    case .eq: a == b ? .one : .zero
    case .and: a & b
    case .or: a | b
    case .xor: a ^ b
    case .byte: b.byte(at: a)
    case .shl: b.shiftedLeft(by: a)
    case .shr: b.shiftedRight(by: a)
    case .sar: b.shiftedRightSigned(by: a)
    default: nil
    }
  }

  // MARK: Parts

  /// Pushes `value`, which was popped, and lets `other` go.
  private mutating func keep(_ value: VirtualValue, dropping other: VirtualValue) {
    release(other)
    push(value)
  }

  /// Pushes a constant in the place of two values; shortcuts need few different ones.
  private mutating func replace(_ a: VirtualValue, _ b: VirtualValue, by word: UInt256) {
    release(a)
    release(b)
    pushConstant(word)
  }

  private func isNonnegative(_ value: VirtualValue) -> Bool { value.bitCount < 256 }

  /// Whether both are the content of one slot.
  private func areSame(_ a: VirtualValue, _ b: VirtualValue) -> Bool {
    !a.isConstant && !b.isConstant && a.number == b.number
  }

  /// The exponent of a power of two.
  private func exponent(_ word: UInt256) -> Int? {
    word.isZero || !(word & (word &- .one)).isZero ? nil : word.bitWidth - 1
  }

  private mutating func unary(
    _ a: VirtualValue, _ opcode: Opcode, bits: Int, _ compute: (UInt256) -> UInt256
  ) {
    if let word = constant(a), pushFolded(compute(word)) { return }
    pushResult(opcode, a, bits: bits)
  }

  private mutating func isZero(_ a: VirtualValue) {
    if let word = constant(a) { return pushConstant(word.isZero ? .one : .zero) }
    pushResult(.wiszero, a, bits: 1)
  }

  // MARK: Sums and products

  private mutating func add(_ a: VirtualValue, _ b: VirtualValue) {
    if a.isConstant { return addConstant(b, a) }
    if b.isConstant { return addConstant(a, b) }
    pushResult(.wadd, a, b, bits: min(256, max(a.bitCount, b.bitCount) + 1))
  }

  private mutating func addConstant(_ a: VirtualValue, _ b: VirtualValue) {
    if word(b).isZero { return keep(a, dropping: b) }
    pushResult(.wadd, a, b, bits: min(256, max(a.bitCount, b.bitCount) + 1))
  }

  private mutating func subtract(_ a: VirtualValue, _ b: VirtualValue) {
    if constant(b) == .zero { return keep(a, dropping: b) }
    if areSame(a, b) { return replace(a, b, by: .zero) }
    pushResult(.wsub, a, b, bits: 256)
  }

  private mutating func multiply(_ a: VirtualValue, _ b: VirtualValue) {
    if a.isConstant, !b.isConstant { return multiply(b, a) }
    if let word = constant(b) {
      if word.isZero { return replace(a, b, by: .zero) }
      if word == .one { return keep(a, dropping: b) }
      if let shift = exponent(word) {
        return pushResult(.wshl, makeConstant(UInt256(UInt64(shift))), a, bits: min(256, a.bitCount + shift))
      }
    }
    pushResult(.wmul, a, b, bits: min(256, a.bitCount + b.bitCount))
  }

  private mutating func divide(_ a: VirtualValue, _ b: VirtualValue) {
    if let word = constant(b) {
      if word.isZero { return replace(a, b, by: .zero) }
      if word == .one { return keep(a, dropping: b) }
      if let shift = exponent(word) { return shiftRight(makeConstant(UInt256(UInt64(shift))), a) }
      return pushResult(.wdiv, a, b, bits: max(1, a.bitCount - b.bitCount + 1))
    }
    pushResult(.wdiv, a, b, bits: a.bitCount)
  }

  private mutating func remainder(_ a: VirtualValue, _ b: VirtualValue) {
    if let word = constant(b) {
      if word.isZero || word == .one { return replace(a, b, by: .zero) }
      if exponent(word) != nil { return and(a, makeConstant(word &- .one)) }
    }
    if areSame(a, b) { return replace(a, b, by: .zero) }
    pushResult(.wmod, a, b, bits: min(a.bitCount, b.bitCount))
  }

  /// The modulus lies where the result goes.
  private mutating func modular(_ opcode: EVMOpcode) {
    let (a, b, modulus) = (pop(), pop(), pop())
    if let wordA = constant(a), let wordB = constant(b), let wordN = constant(modulus),
      pushFolded(
        opcode == .addmod ? wordA.adding(wordB, modulo: wordN) : wordA.multiplied(by: wordB, modulo: wordN))
    {
      return
    }
    let bits = modulus.bitCount
    let slot: Int
    if modulus.isSlot(height), slots[height].references == 1 {
      slot = height
      if modulus.isNarrow { widen(slot) }
    } else {
      slot = resultSlot()
      emitMove(to: slot, modulus)
      release(modulus)
    }
    let (first, second) = a.isConstant ? (b, a) : (a, b)
    let (numberA, narrowA) = operand(first)
    let (numberB, narrowB) = operand(second)
    release(a)
    release(b)
    slots[slot].reader = Int32(truncatingIfNeeded: text.count)
    emit(
      opcode == .addmod ? .waddmod : .wmulmod,
      flags: (narrowA ? WideWord.narrowA : 0) | (narrowB ? WideWord.narrowB : 0), d: slot &- adjustment,
      a: numberA, b: numberB)
    pushSlot(slot, bits: bits, writer: text.count &- 1)
  }

  /// EXP costs by the exponent's length: the host's work unless the exponent is known.
  mutating func raise() {
    let (a, b) = (entries[height &- 1], entries[height &- 2])
    guard let exponent = constant(b) else { return callHost(operations[Int(EVMOpcode.exp.rawValue)]) }
    height &-= 2
    cleanBelow = min(cleanBelow, height)
    let units = exponent.byteWidth * (fork < .spuriousDragon ? 10 : 50)
    if units > 0 { emit(.wcharge, number: units) }
    if let base = constant(a), pushFolded(base.raised(to: exponent)) { return }
    switch exponent {
    case .zero: replace(a, b, by: .one)
    case .one: keep(a, dropping: b)
    default:
      guard exponent == UInt256(2) else { return pushResult(.wexp, a, b, bits: 256) }
      retain(a)
      pushResult(.wmul, a, a, bits: min(256, 2 * a.bitCount))
    }
  }

  // MARK: Comparisons

  private mutating func less(_ a: VirtualValue, _ b: VirtualValue) {
    if let word = constant(b) {
      if word.isZero { return replace(a, b, by: .zero) }
      if word == .one { return isZero(a) }
    }
    if areSame(a, b) { return replace(a, b, by: .zero) }
    pushResult(.wlt, a, b, bits: 1)
  }

  private mutating func equal(_ a: VirtualValue, _ b: VirtualValue) {
    if a.isConstant, !b.isConstant { return equal(b, a) }
    if constant(b) == .zero { return isZero(a) }
    if areSame(a, b) { return replace(a, b, by: .one) }
    pushResult(.weq, a, b, bits: 1)
  }

  // MARK: Bits

  private mutating func and(_ a: VirtualValue, _ b: VirtualValue) {
    if a.isConstant, !b.isConstant { return and(b, a) }
    if areSame(a, b) { return keep(a, dropping: b) }
    if let mask = constant(b) {
      if mask.isZero { return replace(a, b, by: .zero) }
      // All bits that a may have are in the mask.
      if (~mask).trailingZeroCount >= a.bitCount { return keep(a, dropping: b) }
      if mask.fitsUInt64, !a.isNarrow, !a.isConstant { return maskLow(a, b) }
    }
    pushResult(.wand, a, b, bits: min(a.bitCount, b.bitCount))
  }

  /// Nothing of a beyond limb 0 shows: it is read so, and where this is the only use of a, nothing else is computed.
  private mutating func maskLow(_ a: VirtualValue, _ b: VirtualValue) {
    let state = slots[a.position]
    if state.references == 1, state.writer >= barrier, state.reader <= state.writer {
      narrowComputation(Int(state.writer))
    }
    pushResult(.wand, .slot(a.position, bits: 64), b, bits: b.bitCount)
  }

  /// Makes instruction `index` compute limb 0 only, as far as it can, and those before it that feed nothing else.
  private mutating func narrowComputation(_ index: Int) {
    var index = index
    while index >= barrier {
      let insn = text[index]
      let opcode = encoding.opcodes[Int(insn.byte)]
      guard opcode.hasSeparableLimb0 else { return }
      // What comes before was looked at when this was made narrow: every instruction is visited once.
      if text[index].bits >> 8 & WideWord.narrowD != 0 { return }
      var flags = WideWord.narrowD
      if insn.a < WideOperand.firstConstant { flags |= WideWord.narrowA }
      if opcode != .wnot, insn.b < WideOperand.firstConstant { flags |= WideWord.narrowB }
      text.base[index].bits |= flags << 8
      // Its operand, where it was computed just before and is gone now.
      let previous = index &- 1
      guard previous >= barrier, encoding.hasResult[Int(text[previous].byte)] else { return }
      let written = text[previous].d
      let isOperand = insn.a == written || (opcode != .wnot && insn.b == written)
      let state = slots[written &+ adjustment]
      guard isOperand, written == insn.d || (state.references == 0 && state.reader <= index) else { return }
      index = previous
    }
  }

  private mutating func or(_ a: VirtualValue, _ b: VirtualValue) {
    if a.isConstant, !b.isConstant { return or(b, a) }
    if areSame(a, b) { return keep(a, dropping: b) }
    if let word = constant(b) {
      if word.isZero { return keep(a, dropping: b) }
      if word == .max { return keep(b, dropping: a) }
    }
    pushResult(.wor, a, b, bits: max(a.bitCount, b.bitCount))
  }

  private mutating func xor(_ a: VirtualValue, _ b: VirtualValue) {
    if a.isConstant, !b.isConstant { return xor(b, a) }
    if areSame(a, b) { return replace(a, b, by: .zero) }
    if constant(b) == .zero { return keep(a, dropping: b) }
    pushResult(.wxor, a, b, bits: max(a.bitCount, b.bitCount))
  }

  /// Byte a of b, counted from the most significant.
  private mutating func byte(_ a: VirtualValue, _ b: VirtualValue) {
    if let index = constant(a) {
      guard index < UInt256(32) else { return replace(a, b, by: .zero) }
      if b.bitCount <= 8 * (31 - Int(index.limb0)) { return replace(a, b, by: .zero) }
      if index.limb0 == 31, b.bitCount <= 8 { return keep(b, dropping: a) }
    }
    pushResult(.wbyte, a, b, bits: 8)
  }

  private mutating func shiftLeft(_ a: VirtualValue, _ b: VirtualValue) {
    guard let count = constant(a) else { return pushResult(.wshl, a, b, bits: 256) }
    guard count < UInt256(256) else { return replace(a, b, by: .zero) }
    if count.isZero { return keep(b, dropping: a) }
    pushResult(.wshl, a, b, bits: min(256, b.bitCount + Int(count.limb0)))
  }

  private mutating func shiftRight(_ a: VirtualValue, _ b: VirtualValue) {
    guard let count = constant(a) else { return pushResult(.wshr, a, b, bits: b.bitCount) }
    guard count < UInt256(UInt64(b.bitCount)) else { return replace(a, b, by: .zero) }
    if count.isZero { return keep(b, dropping: a) }
    pushResult(.wshr, a, b, bits: b.bitCount - Int(count.limb0))
  }

  private mutating func signExtend(_ a: VirtualValue, _ b: VirtualValue) {
    if let index = constant(a) {
      guard index < UInt256(31) else { return keep(b, dropping: a) }
      if b.bitCount < 8 * Int(index.limb0) + 8 { return keep(b, dropping: a) }
    }
    pushResult(.wsignext, a, b, bits: 256)
  }
}

extension Opcode {
  /// Whether limb 0 of the result depends on nothing but limb 0 of the operands.
  fileprivate var hasSeparableLimb0: Bool {
    switch self {
    case .wadd, .wsub, .wmul, .wand, .wor, .wxor, .wnot: true
    default: false
    }
  }
}

extension UInt256 {
  /// `[0, 256]`
  fileprivate var trailingZeroCount: Int {
    isZero ? 256 : (self & negated).bitWidth - 1
  }
}
