// Shifts, bytes and sign extension. By a constant they are moves of limbs and shifts within them; by a variable the
// value is read from the middle of a longer one in memory.

import MachineCode
import SBPF

extension WideCompiler {
  mutating func shift(_ insn: Insn, _ pc: Int) {
    let amount = sourceA(insn, pc)
    guard amount.constant >= 0 else { return shiftByVariable(insn, pc) }
    let isLarge = amount.limbCount > 1 || amount.limbCount == 1 && limb(amount.constant, 0) > 255
    let count = isLarge ? 256 : amount.limbCount == 0 ? 0 : Int(limb(amount.constant, 0))
    if insn.wideA != insn.wideB { end(amount) }
    switch insn.opcode {
    case .wshl: shiftLeft(insn, pc, by: count)
    default: shiftRight(insn, pc, by: count, isSigned: insn.opcode == .wsar)
    }
  }

  /// B down by `distance` bits, in 0...256, into D.
  mutating func shiftRight(
    _ insn: Insn, _ pc: Int, by distance: Int, isSigned: Bool, isFromA: Bool = false
  ) {
    let (limbs, bits) = (distance / 64, UInt8(distance % 64))
    var value = WideSource()
    var count = 0
    var need = 0
    while true {
      value = isFromA ? sourceA(insn, pc) : sourceB(insn, pc)
      let fillsSign = isSigned && value.limbCount == 4
      count = resultCount(insn, fillsSign ? 4 : max(value.limbCount - limbs, 0))
      need = count
      if isClaimable(value, count) {
        for limb in 0..<count where limb + limbs < 4 && value.register(limb + limbs) != 0xff { need -= 1 }
      }
      if freeRegisterCount >= need { break }
      evict()
    }
    let isClaimed = isClaimable(value, count)
    if isClaimed { claim(value) }
    var registers = UInt32.max
    for limb in 0..<count {
      let from = limb + limbs
      let register: UInt8
      if from > 3 {
        // Only signs are left; the limb below has it already, if there is one.
        register = allocate()
        if limb == 0 {
          load(register, value, 3)
        } else {
          assembler.registers(0x89, UInt8(truncatingIfNeeded: registers >> (8 * (limb - 1))), register)
        }
        assembler.shiftConstant(7, register, 63)
      } else {
        register = take(value, isClaimed: isClaimed, from)
        shiftLimbRight(register, value, from, by: bits, isSigned: isSigned && from == 3)
      }
      Self.place(register, limb, in: &registers)
    }
    for limb in 0..<4
    where isClaimed && value.register(limb) != 0xff && !(limbs..<limbs + count).contains(limb) {
      free(value.register(limb))
    }
    end(value)
    setResult(insn, registers, count)
  }

  /// `register` holds limb `limb`; the bits of the next one come in.
  private mutating func shiftLimbRight(
    _ register: UInt8, _ value: WideSource, _ limb: Int, by bits: UInt8, isSigned: Bool
  ) {
    guard bits > 0 else { return }
    assembler.shiftConstant(isSigned ? 7 : 5, register, bits)
    guard limb + 1 < value.limbCount else { return }
    load(Host.rax, value, limb + 1)
    assembler.shiftConstant(4, Host.rax, 64 - bits)
    assembler.registers(0x09, Host.rax, register)
  }

  /// B up by `distance` bits, in 0...256, into D.
  mutating func shiftLeft(_ insn: Insn, _ pc: Int, by distance: Int, isFromA: Bool = false) {
    let (limbs, bits) = (distance / 64, UInt8(distance % 64))
    var value = WideSource()
    var count = 0
    while true {
      value = isFromA ? sourceA(insn, pc) : sourceB(insn, pc)
      count = distance > 255 || value.limbCount == 0 ? 0 : value.limbCount + limbs + (bits > 0 ? 1 : 0)
      count = resultCount(insn, count)
      var need = count
      if isClaimable(value, count) {
        for limb in limbs..<max(count, limbs) where value.register(limb - limbs) != 0xff { need -= 1 }
      }
      if freeRegisterCount >= need { break }
      evict()
    }
    let isClaimed = isClaimable(value, count)
    if isClaimed { claim(value) }
    var registers = UInt32.max
    for limb in stride(from: count - 1, through: 0, by: -1) {
      let from = limb - limbs
      let register: UInt8
      if from < 0 {
        register = allocate()
        assembler.moveWord(register, 0)
      } else if from >= value.limbCount {
        register = takeRoom(value, isClaimed: isClaimed, from)
        load(register, value, from - 1)
        assembler.shiftConstant(5, register, 64 - bits)
      } else {
        register = take(value, isClaimed: isClaimed, from)
        if bits > 0 {
          assembler.shiftConstant(4, register, bits)
          if from > 0 {
            load(Host.rax, value, from - 1)
            assembler.shiftConstant(5, Host.rax, 64 - bits)
            assembler.registers(0x09, Host.rax, register)
          }
        }
      }
      Self.place(register, limb, in: &registers)
    }
    for limb in 0..<4 where isClaimed && value.register(limb) != 0xff && limb + limbs >= count {
      free(value.register(limb))
    }
    end(value)
    setResult(insn, registers, count)
  }

  // MARK: By a variable

  private mutating func shiftByVariable(_ insn: Insn, _ pc: Int) {
    let (amount, value) = (sourceA(insn, pc), sourceB(insn, pc))
    if insn.opcode != .wshl, value.limbCount <= 1 { return shiftLimbByVariable(insn, pc) }
    let isLeft = insn.opcode == .wshl
    // The value lies above (for a shift to the left) or below four limbs of what comes in.
    storeOnStack(value, at: isLeft ? 32 : 0)
    if insn.opcode == .wsar, value.limbCount == 4 {
      load(Host.rdx, value, 3)
      assembler.shiftConstant(7, Host.rdx, 63)
    } else {
      assembler.moveWord(Host.rdx, 0)
    }
    for limb in Int32(0)..<4 { assembler.stack(0x89, Host.rdx, (isLeft ? 0 : 32) + limb * 8) }
    loadShiftAmount(amount)
    let count = resultCount(insn, isLeft || insn.opcode == .wsar ? 4 : value.limbCount)
    end(amount)
    end(value)
    while freeRegisterCount < count { evict() }
    assembler.words(0x89, Host.rcx, Host.rax)
    assembler.shiftConstant(5, Host.rax, 6)
    if isLeft { assembler.registers(0xf7, X86Unary.negate.rawValue, Host.rax) }
    var registers = UInt32.max
    for limb in 0..<count {
      let register = allocate()
      // [rsp + rax * 8 + offset]
      let rex = 0x48 | (register >> 3) << 2
      let modRM = 0x44 | (register & 7) << 3
      let offset = UInt64(limb * 8 + (isLeft ? 32 : 0))
      assembler.emit(UInt64(rex) | 0x8b00 | UInt64(modRM) << 16 | 0xc400_0000 | offset << 32, 5)
      Self.place(register, limb, in: &registers)
    }
    // Limb 4 of what lies there, for a result of four, is past the top: zero or all sign, as the last limb.
    for step in 0..<count {
      let limb = isLeft ? count - 1 - step : step
      let register = UInt8(truncatingIfNeeded: registers >> (8 * limb))
      let neighbour = isLeft ? limb - 1 : limb + 1
      if step == count - 1 {
        let operation: UInt8 = isLeft ? 4 : insn.opcode == .wsar ? 7 : 5
        shiftPartly(register, operation, isNarrowed: count < 4 && !isLeft && value.limbCount > count)
      } else {
        assembler.escaped(
          isLeft ? 0xa5 : 0xad, UInt8(truncatingIfNeeded: registers >> (8 * neighbour)), register)
      }
    }
    setResult(insn, registers, count)
  }

  /// Shifts the last limb by cl. If the result is narrow the next limb is still on the stack.
  private mutating func shiftPartly(_ register: UInt8, _ operation: UInt8, isNarrowed: Bool) {
    if isNarrowed {
      // mov rdx, [rsp + rax * 8 + 8]; shrd register, rdx, cl
      assembler.emit(0x08_c4_54_8b_48, 5)
      assembler.escaped(0xad, Host.rdx, register)
    } else {
      assembler.registers(0xd3, operation, register)
    }
  }

  /// rcx = the amount, 256 if it is larger; uses rax and rdx.
  private mutating func loadShiftAmount(_ amount: WideSource) {
    load(Host.rcx, amount, 0)
    assembler.moveWord(Host.rdx, 256)
    if amount.limbCount > 1 {
      load(Host.rax, amount, 1)
      for limb in 2..<max(amount.limbCount, 3) { alu(X86Group.or, Host.rax, amount, limb) }
      assembler.escaped(0x40 | X86Condition.notEqual.rawValue, Host.rcx, Host.rdx)
    }
    assembler.registers(0x39, Host.rdx, Host.rcx)
    assembler.escaped(0x40 | X86Condition.above.rawValue, Host.rcx, Host.rdx)
  }

  /// A value of one limb down.
  private mutating func shiftLimbByVariable(_ insn: Insn, _ pc: Int) {
    if freeRegisterCount == 0 { evict() }
    let (amount, value) = (sourceA(insn, pc), sourceB(insn, pc))
    loadShiftAmount(amount)
    let register = allocate()
    load(register, value, 0)
    assembler.moveWord(Host.rax, 0)
    assembler.registers(0xd3, 5, register)
    assembler.immediate(X86Group.compare, Host.rcx, 63)
    assembler.escaped(0x40 | X86Condition.above.rawValue, register, Host.rax)
    end(amount)
    end(value)
    setResult(insn, 0xffff_ff00 | UInt32(register), 1)
  }

  // MARK: Bytes

  /// By constant index inline, else by a call.
  mutating func extractByte(_ insn: Insn, _ pc: Int) {
    let index = sourceA(insn, pc)
    guard index.constant >= 0 else { return callHelper(insn, pc, WideHelpers.byte, count: 1) }
    let isOutside = index.limbCount > 1 || index.limbCount == 1 && limb(index.constant, 0) > 31
    let byte = isOutside ? 0 : 31 - (index.limbCount == 0 ? 0 : Int(limb(index.constant, 0)))
    if freeRegisterCount == 0 { evict() }
    let value = sourceB(insn, pc)
    if isOutside || byte / 8 >= value.limbCount {
      end(index)
      end(value)
      return setResult(insn, .max, 0)
    }
    let register = allocate()
    load(register, value, byte / 8)
    assembler.shiftConstant(5, register, UInt8(byte % 8 * 8))
    assembler.zeroExtendByte(register)
    end(index)
    end(value)
    setResult(insn, 0xffff_ff00 | UInt32(register), 1)
  }

  mutating func extendSign(_ insn: Insn, _ pc: Int) {
    let index = sourceA(insn, pc)
    guard index.constant >= 0 else { return callHelper(insn, pc, WideHelpers.signExtend) }
    let isWhole = index.limbCount > 1 || index.limbCount == 1 && limb(index.constant, 0) > 30
    let byte = isWhole ? 31 : index.limbCount == 0 ? 0 : Int(limb(index.constant, 0))
    var value = sourceB(insn, pc)
    let count = resultCount(insn, 4)
    while freeRegisterCount < need(value, count) {
      evict()
      value = sourceB(insn, pc)
    }
    let isClaimed = isClaimable(value, count)
    if isClaimed { claim(value) }
    var registers = UInt32.max
    var signed: UInt8 = 0xff
    for limb in 0..<count {
      var register: UInt8
      if limb > byte / 8 {
        register = takeRoom(value, isClaimed: isClaimed, limb)
        assembler.registers(0x89, signed, register)
        assembler.shiftConstant(7, register, 63)
      } else {
        register = take(value, isClaimed: isClaimed, limb)
        if limb == byte / 8, byte % 8 < 7 {
          assembler.shiftConstant(4, register, UInt8(56 - byte % 8 * 8))
          assembler.shiftConstant(7, register, UInt8(56 - byte % 8 * 8))
        }
        signed = register
      }
      Self.place(register, limb, in: &registers)
    }
    freeRest(value, isClaimed: isClaimed, from: count)
    end(index)
    end(value)
    setResult(insn, registers, count)
  }
}
