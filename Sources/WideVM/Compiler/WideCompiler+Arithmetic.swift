// Sums, bits and comparisons, limb by limb. Where the left operand is not needed any more and stands in registers,
// the result takes its place.

import MachineCode
import SBPF

extension WideCompiler {
  static let narrowA: UInt8 = 1
  static let narrowB: UInt8 = 2
  static let narrowD: UInt8 = 4

  @inline(__always) func sourceA(_ insn: Insn, _ pc: Int) -> WideSource {
    source(insn.wideA, isNarrow: insn.destination & Self.narrowA != 0, pc, Note.endsA)
  }

  @inline(__always) func sourceB(_ insn: Insn, _ pc: Int) -> WideSource {
    source(insn.wideB, isNarrow: insn.destination & Self.narrowB != 0, pc, Note.endsB)
  }

  /// Limbs of a result that needs up to `count`.
  @inline(__always) func resultCount(_ insn: Insn, _ count: Int) -> Int {
    insn.destination & Self.narrowD != 0 ? min(count, 1) : min(count, 4)
  }

  // MARK: Building results

  /// Whether the instruction may write into the registers of `source`. What is also a word of memory is kept while
  /// there are registers.
  @inline(__always) func isClaimable(_ source: WideSource, _ count: Int) -> Bool {
    guard source.isLastUse, source.value != 0, source.constant < 0, values[source.value].slotCount == 1 else {
      return false
    }
    return values[source.value].wordCount == 0 || freeRegisterCount < count
  }

  /// Registers that a result of `count` limbs needs beside those of `left`.
  @inline(__always) func need(_ left: WideSource, _ count: Int) -> Int {
    guard isClaimable(left, count) else { return count }
    var need = count
    for limb in 0..<count where left.register(limb) != 0xff { need -= 1 }
    return need
  }

  /// A register with limb `limb` of `left` that may be written; flags stay.
  @inline(__always) mutating func take(_ left: WideSource, isClaimed: Bool, _ limb: Int) -> UInt8 {
    let held = left.register(limb)
    let register = isClaimed && held != 0xff ? held : allocate()
    load(register, left, limb)
    return register
  }

  /// The same without the limb.
  @inline(__always)
  mutating func takeRoom(_ left: WideSource, isClaimed: Bool, _ limb: Int) -> UInt8 {
    isClaimed && left.register(limb) != 0xff ? left.register(limb) : allocate()
  }

  @inline(__always) static func place(_ register: UInt8, _ limb: Int, in registers: inout UInt32) {
    registers =
      registers & ~(0xff << (8 * UInt32(truncatingIfNeeded: limb)))
      | UInt32(register) << (8 * UInt32(truncatingIfNeeded: limb))
  }

  /// Frees the claimed registers of limbs that the result did not take.
  @inline(__always) mutating func freeRest(_ left: WideSource, isClaimed: Bool, from count: Int) {
    guard isClaimed else { return }
    for limb in count..<max(count, 4) where left.register(limb) != 0xff { free(left.register(limb)) }
  }

  /// Ends the operands' slots if they are not read again.
  @inline(__always) mutating func end(_ source: WideSource) {
    if source.isLastUse { unbind(source.place) }
  }

  @inline(__always) mutating func setResult(_ insn: Insn, _ registers: UInt32, _ count: Int) {
    bind(insn.wideD &+ shift, makeValue(registers, limbCount: count))
  }

  /// Loads the pool's address into rcx if an operand of `alu` needs it; flags stay.
  @inline(__always) mutating func usePool(_ source: WideSource) {
    if source.needsPool { assembler.memory(0x8b, Host.rcx, Host.context, WideContext.Offset.constants) }
  }

  /// `operation target, limb`, with rcx the pool's address if `source` needs it.
  @inline(__always)
  mutating func alu(_ operation: UInt8, _ target: UInt8, _ source: WideSource, _ limb: Int) {
    if limb >= source.limbCount { return assembler.immediate(operation, target, 0) }
    if source.constant >= 0 {
      let value = self.limb(source.constant, limb)
      if Self.isHarmless(value) {
        return assembler.immediate(operation, target, Int8(truncatingIfNeeded: Int64(bitPattern: value)))
      }
      return assembler.memory(operation << 3 | 3, target, Host.rcx, poolOffset(source.constant, limb))
    }
    let held = source.register(limb)
    if held == 0xff {
      assembler.memory(operation << 3 | 3, target, Host.window, source.home + Int32(limb) * 8)
    } else {
      assembler.registers(operation << 3 | 1, held, target)
    }
  }

  @inline(__always) func isZero(_ source: WideSource, _ limb: Int) -> Bool {
    limb >= source.limbCount || source.constant >= 0 && self.limb(source.constant, limb) == 0
  }

  // MARK: Sums

  mutating func addOrSubtract(_ insn: Insn, _ pc: Int, subtracts: Bool) {
    var (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    var count = 0
    while true {
      keepWhole(&a, &b)
      if !subtracts, prefersRight(a, b) { swap(&a, &b) }
      count = resultCount(insn, subtracts ? 4 : max(a.limbCount, b.limbCount) + 1)
      if freeRegisterCount >= need(a, count) { break }
      evict()
      (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    }
    let isClaimed = isClaimable(a, count)
    if isClaimed { claim(a) }
    usePool(b)
    var registers = UInt32.max
    var hasCarry = false
    for limb in 0..<count {
      let register = take(a, isClaimed: isClaimed, limb)
      if hasCarry {
        alu(subtracts ? X86Group.subBorrow : X86Group.addCarry, register, b, limb)
      } else if !isZero(b, limb) {
        alu(subtracts ? X86Group.sub : X86Group.add, register, b, limb)
        hasCarry = true
      }
      Self.place(register, limb, in: &registers)
    }
    freeRest(a, isClaimed: isClaimed, from: count)
    end(a)
    end(b)
    setResult(insn, registers, count)
  }

  /// Where one slot is read whole and as one limb, the narrow operand may not give its registers to the result: the
  /// other one still needs them.
  @inline(__always) func keepWhole(_ a: inout WideSource, _ b: inout WideSource) {
    guard a.value != 0, a.value == b.value, a.place == b.place else { return }
    if a.limbCount < b.limbCount { a.isLastUse = false }
    if b.limbCount < a.limbCount { b.isLastUse = false }
  }

  /// Whether a commutative operation should write into the right operand.
  @inline(__always) func prefersRight(_ a: WideSource, _ b: WideSource) -> Bool {
    if a.constant >= 0 { return b.constant < 0 }
    return b.constant < 0 && isClaimable(b, 0) && !isClaimable(a, 0)
  }

  // MARK: Bits

  mutating func bits(_ insn: Insn, _ pc: Int, _ operation: UInt8) {
    var (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    var count = 0
    while true {
      keepWhole(&a, &b)
      if prefersRight(a, b) { swap(&a, &b) }
      let isAnd = operation == X86Group.and
      count = resultCount(insn, isAnd ? min(a.limbCount, b.limbCount) : max(a.limbCount, b.limbCount))
      if freeRegisterCount >= need(a, count) { break }
      evict()
      (a, b) = (sourceA(insn, pc), sourceB(insn, pc))
    }
    let isClaimed = isClaimable(a, count)
    if isClaimed { claim(a) }
    usePool(b)
    var registers = UInt32.max
    for limb in 0..<count {
      let register: UInt8
      if operation == X86Group.and, b.constant >= 0 {
        register = masked(a, isClaimed: isClaimed, b, limb)
      } else {
        register = take(a, isClaimed: isClaimed, limb)
        if !isZero(b, limb) { alu(operation, register, b, limb) }
      }
      Self.place(register, limb, in: &registers)
    }
    freeRest(a, isClaimed: isClaimed, from: count)
    end(a)
    end(b)
    setResult(insn, registers, count)
  }

  /// A limb of `a` under a mask that is a constant; masks of 0, 32 and 64 bits are common.
  private mutating func masked(_ a: WideSource, isClaimed: Bool, _ mask: WideSource, _ limb: Int) -> UInt8 {
    let bits = limb < mask.limbCount ? self.limb(mask.constant, limb) : 0
    let held = a.constant >= 0 || limb >= a.limbCount ? 0xff : a.register(limb)
    let mayReuse = isClaimed && held != 0xff
    switch bits {
    case 0:
      let register = mayReuse ? held : allocate()
      assembler.moveWord(register, 0)
      return register
    case 0xffff_ffff where a.constant < 0:
      let register = mayReuse ? held : allocate()
      if held != 0xff {
        assembler.words(0x89, held, register)
      } else {
        assembler.memory(0x8b, register, Host.window, a.home + Int32(limb) * 8, rex: 0x40)
      }
      return register
    default:
      let register = take(a, isClaimed: isClaimed, limb)
      if bits != .max { alu(X86Group.and, register, mask, limb) }
      return register
    }
  }

  mutating func complement(_ insn: Insn, _ pc: Int) {
    var a = sourceA(insn, pc)
    let count = resultCount(insn, 4)
    while freeRegisterCount < need(a, count) {
      evict()
      a = sourceA(insn, pc)
    }
    let isClaimed = isClaimable(a, count)
    if isClaimed { claim(a) }
    var registers = UInt32.max
    for limb in 0..<count {
      let register = take(a, isClaimed: isClaimed, limb)
      assembler.registers(0xf7, X86Unary.not.rawValue, register)
      Self.place(register, limb, in: &registers)
    }
    freeRest(a, isClaimed: isClaimed, from: count)
    end(a)
    setResult(insn, registers, count)
  }

  /// `wmov`: nothing is moved, unless limbs have to be cut off.
  mutating func move(_ insn: Insn, _ pc: Int) {
    var a = sourceA(insn, pc)
    let place = insn.wideD &+ shift
    let isNarrowed = insn.destination & Self.narrowD != 0 && a.limbCount > 1
    if a.constant >= 0, !isNarrowed, a.value == 0 {
      return bind(place, makeValue(.max, limbCount: a.limbCount, constant: a.constant), level: 0)
    }
    let isCut = isNarrowed || a.limbCount < (a.value == 0 ? 4 : Int(values[a.value].limbCount))
    if !isCut {
      if place == a.place, a.value != 0 { return }
      if a.value == 0 {
        let value = makeValue(.max, limbCount: 4)
        bind(a.place, value, level: 2)
        a.value = value
        if place == a.place { return }
      }
      bind(place, a.value)
      return end(a)
    }
    while freeRegisterCount < 1 {
      evict()
      a = sourceA(insn, pc)
    }
    let register = allocate()
    load(register, a, 0)
    end(a)
    setResult(insn, 0xffff_ff00 | UInt32(register), 1)
  }
}

// MARK: - Comparisons

extension WideCompiler {
  /// Writes code that sets the flags and names the condition under which A and B compare as `opcode` says. Uses rax,
  /// rcx, rdx; nothing tracked changes.
  mutating func compare(_ opcode: Opcode, _ insn: Insn, _ pc: Int) -> X86Condition {
    let a = sourceA(insn, pc)
    switch opcode {
    case .wiszero, .wjz:
      compareZero(a)
      return .equal
    case .wjnz:
      compareZero(a)
      return .notEqual
    case .weq, .wjeq:
      compareEqual(a, sourceB(insn, pc))
      return .equal
    case .wjne:
      compareEqual(a, sourceB(insn, pc))
      return .notEqual
    default:
      let b = sourceB(insn, pc)
      let isSigned = opcode == .wslt || opcode == .wjslt || opcode == .wjsge
      let isNegated = opcode == .wjge || opcode == .wjsge
      // Without the fourth limb nothing is negative.
      if isSigned, max(a.limbCount, b.limbCount) == 4 {
        compareOrder(a, b, 4)
        return isNegated ? .greaterOrEqual : .less
      }
      compareOrder(a, b, max(a.limbCount, b.limbCount))
      return isNegated ? .aboveOrEqual : .below
    }
  }

  private mutating func compareZero(_ a: WideSource) {
    if a.limbCount == 1, a.constant < 0 {
      if a.register(0) != 0xff {
        assembler.registers(0x85, a.register(0), a.register(0))
      } else {
        assembler.memory(0x83, X86Group.compare, Host.window, a.home)
        assembler.emit(0, 1)
      }
      return
    }
    usePool(a)
    load(Host.rax, a, 0)
    for limb in 1..<max(a.limbCount, 2) { alu(X86Group.or, Host.rax, a, limb) }
  }

  private mutating func compareEqual(_ first: WideSource, _ second: WideSource) {
    let (a, b) = first.constant >= 0 ? (second, first) : (first, second)
    let count = max(a.limbCount, b.limbCount)
    usePool(b)
    if count <= 1 {
      var register = a.constant < 0 && a.limbCount > 0 ? a.register(0) : 0xff
      if register == 0xff {
        register = Host.rax
        load(register, a, 0)
      }
      return alu(X86Group.compare, register, b, 0)
    }
    // The differing bits of all limbs in rax.
    for limb in 0..<count {
      if limb > 0, a.constant < 0, isZero(b, limb) {
        alu(X86Group.or, Host.rax, a, limb)
        continue
      }
      let register = limb == 0 ? Host.rax : Host.rdx
      load(register, a, limb)
      if !isZero(b, limb) { alu(X86Group.xor, register, b, limb) }
      if limb > 0 { assembler.registers(0x09, Host.rdx, Host.rax) }
    }
  }

  private mutating func compareOrder(_ a: WideSource, _ b: WideSource, _ count: Int) {
    usePool(b)
    for limb in 0..<max(count, 1) {
      if limb == 0, a.constant < 0, a.limbCount > 0, a.register(0) != 0xff {
        alu(X86Group.compare, a.register(0), b, 0)
        continue
      }
      load(Host.rax, a, limb)
      alu(limb == 0 ? X86Group.compare : X86Group.subBorrow, Host.rax, b, limb)
    }
  }

  /// A comparison's result, or the conditional jump that follows it and is its only reader.
  mutating func comparison(_ insn: Insn, _ pc: Int) {
    let next = self.insn(at: pc + 1)
    let readsIt = next.opcode == .wjz || next.opcode == .wjnz
    if readsIt, next.wideA == insn.wideD, notes[pc + 1] & Note.isBlock == 0,
      notes[pc + 1] & Note.endsA != 0
    {
      skippedSlots = 1
      return branch(insn, pc, jump: next, at: pc + 1)
    }
    if freeRegisterCount == 0 { evict() }
    let condition = compare(insn.opcode, insn, pc)
    let register = allocate()
    assembler.setAll(register, if: condition)
    end(sourceA(insn, pc))
    if insn.opcode != .wiszero { end(sourceB(insn, pc)) }
    setResult(insn, 0xffff_ff00 | UInt32(register), 1)
  }

  /// A conditional jump: `comparison` sets the flags, itself or the instruction before `jump`.
  mutating func branch(_ comparison: Insn, _ pc: Int, jump insn: Insn, at jumpPC: Int) {
    flush(below: liveEnd(at: jumpPC + 1 + Int(insn.offset)))
    var condition = compare(comparison.opcode, comparison, pc)
    if comparison.opcode != insn.opcode, insn.opcode == .wjz {
      condition = X86Condition(rawValue: condition.rawValue ^ 1) ?? condition
    }
    jump(assembler.jump(if: condition), to: jumpPC + 1 + Int(insn.offset))
    end(sourceA(comparison, pc))
    switch comparison.opcode {
    case .wiszero, .wjz, .wjnz: break
    default: end(sourceB(comparison, pc))
    }
  }
}
