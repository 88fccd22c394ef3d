// Arithmetic of the oracle: operands widened or narrowed first, then one expression an operation. Constant
// divisors and shifts were checked by the verifier.

extension PlainInterpreter.Machine {
  mutating func alu(_ insn: Insn) -> VMFault {
    let destination = Int(insn.destination)
    let left = r[destination]
    let right = operand(insn)
    if let fault = divisionFault(insn.opcode, left, right) { return fault }
    r[destination] = insn.opcode.facts.bits == 32 ? narrow(insn, left, right) : wide(insn, left, right)
    if insn.opcode == .lddw { pc += 1 }
    return .none
  }

  private func divisionFault(_ opcode: Opcode, _ left: UInt64, _ right: UInt64) -> VMFault? {
    switch opcode {
    case .div64Reg, .mod64Reg, .udiv64Reg, .urem64Reg: return right == 0 ? .divideByZero : nil
    case .div32Reg, .mod32Reg, .udiv32Reg, .urem32Reg:
      return UInt32(truncatingIfNeeded: right) == 0 ? .divideByZero : nil
    case .sdiv64Imm, .sdiv64Reg, .srem64Imm, .srem64Reg:
      if right == 0 { return .divideByZero }
      return Int64(bitPattern: left) == .min && Int64(bitPattern: right) == -1 ? .divideOverflow : nil
    case .sdiv32Imm, .sdiv32Reg, .srem32Imm, .srem32Reg:
      let (dividend, divisor) = (Int32(truncatingIfNeeded: left), Int32(truncatingIfNeeded: right))
      if divisor == 0 { return .divideByZero }
      return dividend == .min && divisor == -1 ? .divideOverflow : nil
    default: return nil
    }
  }

  private func wide(_ insn: Insn, _ left: UInt64, _ right: UInt64) -> UInt64 {
    let (signedLeft, signedRight) = (Int64(bitPattern: left), Int64(bitPattern: right))
    return switch insn.opcode {
    case .lddw, .mov64Imm, .mov64Reg: right
    case .add64Imm, .add64Reg: left &+ right
    case .sub64Imm, .sub64Reg: left &- right
    case .reverseSub64Imm: right &- left
    case .mul64Imm, .mul64Reg, .lmul64Imm, .lmul64Reg: left &* right
    case .div64Imm, .div64Reg, .udiv64Imm, .udiv64Reg: left / right
    case .mod64Imm, .mod64Reg, .urem64Imm, .urem64Reg: left % right
    case .or64Imm, .or64Reg: left | right
    case .and64Imm, .and64Reg: left & right
    case .xor64Imm, .xor64Reg: left ^ right
    case .lsh64Imm, .lsh64Reg: left &<< right
    case .rsh64Imm, .rsh64Reg: left &>> right
    case .arsh64Imm, .arsh64Reg: UInt64(bitPattern: signedLeft &>> signedRight)
    case .neg64: 0 &- left
    case .hor64Imm: left | right &<< 32
    case .uhmul64Imm, .uhmul64Reg: left.multipliedFullWidth(by: right).high
    case .shmul64Imm, .shmul64Reg: UInt64(bitPattern: signedLeft.multipliedFullWidth(by: signedRight).high)
    case .sdiv64Imm, .sdiv64Reg: UInt64(bitPattern: signedLeft / signedRight)
    case .srem64Imm, .srem64Reg: UInt64(bitPattern: signedLeft % signedRight)
    case .le: truncate(left, bits: insn.immediate)
    case .be: truncate(left.byteSwapped &>> UInt64(64 &- insn.immediate), bits: insn.immediate)
    default: left
    }
  }

  private func narrow(_ insn: Insn, _ left: UInt64, _ right: UInt64) -> UInt64 {
    let (a, b) = (UInt32(truncatingIfNeeded: left), UInt32(truncatingIfNeeded: right))
    let (signedA, signedB) = (Int32(bitPattern: a), Int32(bitPattern: b))
    return switch insn.opcode {
    case .add32Imm, .add32Reg: signExtend(a &+ b)
    case .sub32Imm, .sub32Reg: signExtend(a &- b)
    case .mul32Imm, .mul32Reg: signExtend(a &* b)
    case .mov32SxReg: signExtend(b)
    case .add32ZxImm, .add32ZxReg: UInt64(a &+ b)
    case .reverseSub32ZxImm: UInt64(b &- a)
    case .sub32ZxReg: UInt64(a &- b)
    case .lmul32Imm, .lmul32Reg: UInt64(a &* b)
    case .div32Imm, .div32Reg, .udiv32Imm, .udiv32Reg: UInt64(a / b)
    case .mod32Imm, .mod32Reg, .urem32Imm, .urem32Reg: UInt64(a % b)
    case .or32Imm, .or32Reg: UInt64(a | b)
    case .and32Imm, .and32Reg: UInt64(a & b)
    case .xor32Imm, .xor32Reg: UInt64(a ^ b)
    case .mov32Imm, .mov32Reg: UInt64(b)
    case .lsh32Imm, .lsh32Reg: UInt64(a &<< b)
    case .rsh32Imm, .rsh32Reg: UInt64(a &>> b)
    case .arsh32Imm, .arsh32Reg: UInt64(UInt32(bitPattern: signedA &>> signedB))
    case .neg32: UInt64(0 &- a)
    case .sdiv32Imm, .sdiv32Reg: UInt64(UInt32(bitPattern: signedA / signedB))
    case .srem32Imm, .srem32Reg: UInt64(UInt32(bitPattern: signedA % signedB))
    default: left
    }
  }

  private func truncate(_ value: UInt64, bits: Int64) -> UInt64 {
    bits == 64 ? value : value & (1 &<< UInt64(bits) &- 1)
  }

  private func signExtend(_ value: UInt32) -> UInt64 {
    UInt64(bitPattern: Int64(Int32(bitPattern: value)))
  }
}
