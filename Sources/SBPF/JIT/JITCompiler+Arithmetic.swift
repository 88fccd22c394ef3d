// Arithmetic. Operations of 32 bits clear the upper half of the host register, as most of the guest's do; the
// others are followed by a sign extension.

import MachineCode

extension JITCompiler {
  mutating func arithmetic(_ insn: Insn, _ pc: Int) {
    let target = Self.host(insn.destination)
    switch insn.opcode {
    case .lddw, .mov64Imm: loadConstant(target, UInt64(bitPattern: insn.immediate))
    case .mov32Imm: loadConstant(target, UInt64(UInt32(truncatingIfNeeded: insn.immediate)))
    case .mov64Reg:
      if insn.source == 10, usesHostFrames {
        loadFramePointer(target)
      } else {
        assembler.move(.double, target, Self.host(insn.source))
      }
    case .mov32Reg: assembler.move(.word, target, value(of: insn.source, scratch: Host.scratch))
    case .mov32SxReg: assembler.signExtend(target, value(of: insn.source, scratch: Host.scratch))
    case .add64Imm: constant(.double, .add, insn)
    case .add64Reg: registers(.double, .add, insn)
    case .sub64Imm: constant(.double, .sub, insn)
    case .sub64Reg: registers(.double, .sub, insn)
    case .or64Imm: constant(.double, .or, insn)
    case .or64Reg: registers(.double, .or, insn)
    case .and64Imm: mask(insn)
    case .and64Reg: registers(.double, .and, insn)
    case .xor64Imm: constant(.double, .xor, insn)
    case .xor64Reg: registers(.double, .xor, insn)
    case .reverseSub64Imm: reverseSubtract(.double, insn)
    case .mul64Imm, .mul64Reg, .lmul64Imm, .lmul64Reg: multiply(.double, insn)
    case .add32ZxImm: constant(.word, .add, insn)
    case .add32ZxReg: registers(.word, .add, insn)
    case .sub32ZxReg: registers(.word, .sub, insn)
    case .or32Imm: constant(.word, .or, insn)
    case .or32Reg: registers(.word, .or, insn)
    case .and32Imm: constant(.word, .and, insn)
    case .and32Reg: registers(.word, .and, insn)
    case .xor32Imm: constant(.word, .xor, insn)
    case .xor32Reg: registers(.word, .xor, insn)
    case .reverseSub32ZxImm: reverseSubtract(.word, insn)
    case .lmul32Imm, .lmul32Reg: multiply(.word, insn)
    case .add32Imm: signExtended(target) { $0.constant(.word, .add, insn) }
    case .add32Reg: signExtended(target) { $0.registers(.word, .add, insn) }
    case .sub32Imm: signExtended(target) { $0.constant(.word, .sub, insn) }
    case .sub32Reg: signExtended(target) { $0.registers(.word, .sub, insn) }
    case .mul32Imm, .mul32Reg: signExtended(target) { $0.multiply(.word, insn) }
    case .lsh64Imm, .lsh64Reg: shift(.double, .left, insn)
    case .rsh64Imm, .rsh64Reg: shift(.double, .right, insn)
    case .arsh64Imm, .arsh64Reg: shift(.double, .arithmeticRight, insn)
    case .lsh32Imm, .lsh32Reg: shift(.word, .left, insn)
    case .rsh32Imm, .rsh32Reg: shift(.word, .right, insn)
    case .arsh32Imm, .arsh32Reg: shift(.word, .arithmeticRight, insn)
    case .neg64: assembler.unary(.double, .negate, target)
    case .neg32: assembler.unary(.word, .negate, target)
    case .hor64Imm:
      loadConstant(Host.scratch, UInt64(bitPattern: insn.immediate) << 32)
      assembler.arithmetic(.double, .or, target, Host.scratch)
    case .le: order(insn.immediate, target, swapsBytes: false)
    case .be: order(insn.immediate, target, swapsBytes: true)
    default: divideOrMultiplyHigh(insn, pc)
    }
  }

  private mutating func divideOrMultiplyHigh(_ insn: Insn, _ pc: Int) {
    switch insn.opcode {
    case .div64Imm, .udiv64Imm, .div64Reg, .udiv64Reg: divide(.double, insn, pc)
    case .mod64Imm, .urem64Imm, .mod64Reg, .urem64Reg: divide(.double, insn, pc, wantsRemainder: true)
    case .div32Imm, .udiv32Imm, .div32Reg, .udiv32Reg: divide(.word, insn, pc)
    case .mod32Imm, .urem32Imm, .mod32Reg, .urem32Reg: divide(.word, insn, pc, wantsRemainder: true)
    case .sdiv64Imm, .sdiv64Reg: divide(.double, insn, pc, isSigned: true)
    case .srem64Imm, .srem64Reg: divide(.double, insn, pc, isSigned: true, wantsRemainder: true)
    case .sdiv32Imm, .sdiv32Reg: divide(.word, insn, pc, isSigned: true)
    case .srem32Imm, .srem32Reg: divide(.word, insn, pc, isSigned: true, wantsRemainder: true)
    case .uhmul64Imm, .uhmul64Reg: multiplyHigh(insn, .multiply)
    case .shmul64Imm, .shmul64Reg: multiplyHigh(insn, .signedMultiply)
    default: leave(pc)
    }
  }

  /// Whether the second operand is a register; a constant otherwise.
  private func hasSource(_ insn: Insn) -> Bool { Self.isRegisterForm[Int(insn.opcode.rawValue)] }

  private static let isRegisterForm: [Bool] = Opcode.table.map { $0.form == .registers }

  private static func constant(_ width: X86Width, _ insn: Insn) -> UInt64 {
    width == .word
      ? UInt64(UInt32(truncatingIfNeeded: insn.immediate)) : UInt64(bitPattern: insn.immediate)
  }

  private mutating func registers(_ width: X86Width, _ operation: X86Arithmetic, _ insn: Insn) {
    let target = Self.host(insn.destination)
    assembler.arithmetic(width, operation, target, value(of: insn.source, scratch: Host.scratch))
  }

  private mutating func constant(_ width: X86Width, _ operation: X86Arithmetic, _ insn: Insn) {
    let target = Self.host(insn.destination)
    if Self.isHarmless(insn.immediate) {
      assembler.arithmetic(width, operation, target, immediate: Int32(truncatingIfNeeded: insn.immediate))
    } else {
      loadConstant(Host.scratch, Self.constant(width, insn))
      assembler.arithmetic(width, operation, target, Host.scratch)
    }
  }

  /// The masks of a byte and of two have instructions of their own.
  private mutating func mask(_ insn: Insn) {
    let target = Self.host(insn.destination)
    if insn.immediate == 0xff || insn.immediate == 0xffff {
      assembler.zeroExtend(insn.immediate == 0xff ? .byte : .half, target, target)
    } else {
      constant(.double, .and, insn)
    }
  }

  private mutating func reverseSubtract(_ width: X86Width, _ insn: Insn) {
    let target = Self.host(insn.destination)
    loadConstant(Host.scratch, Self.constant(width, insn))
    assembler.arithmetic(width, .sub, Host.scratch, target)
    assembler.move(width, target, Host.scratch)
  }

  private mutating func multiply(_ width: X86Width, _ insn: Insn) {
    let target = Self.host(insn.destination)
    if hasSource(insn) {
      assembler.multiply(width, target, value(of: insn.source, scratch: Host.scratch))
    } else if Self.isHarmless(insn.immediate) {
      assembler.multiply(width, target, by: Int32(truncatingIfNeeded: insn.immediate))
    } else {
      loadConstant(Host.scratch, Self.constant(width, insn))
      assembler.multiply(width, target, Host.scratch)
    }
  }

  @inline(__always) private mutating func signExtended(
    _ target: X86Register, _ body: (inout JITCompiler) -> Void
  ) {
    body(&self)
    assembler.signExtend(target, target)
  }

  private mutating func shift(_ width: X86Width, _ operation: X86Shift, _ insn: Insn) {
    let target = Self.host(insn.destination)
    if hasSource(insn) {
      let count = value(of: insn.source, scratch: Host.scratch)
      if count != Host.scratch { assembler.move(.word, Host.scratch, count) }
      assembler.shiftByRCX(width, operation, target)
    } else {
      let count = UInt8(truncatingIfNeeded: insn.immediate) & UInt8(width.rawValue - 1)
      if count == 0 {
        assembler.move(width, target, target)
      } else {
        assembler.shift(width, operation, target, by: count)
      }
    }
  }

  private mutating func order(_ bits: Int64, _ target: X86Register, swapsBytes: Bool) {
    switch bits {
    case 16:
      if swapsBytes { assembler.shift(.half, .rotateLeft, target, by: 8) }
      assembler.zeroExtend(.half, target, target)
    case 32:
      if swapsBytes { assembler.swapBytes(.word, target) } else { assembler.move(.word, target, target) }
    default:
      if swapsBytes { assembler.swapBytes(.double, target) }
    }
  }

  // MARK: rax and rdx

  /// Loads the second operand into rcx.
  private mutating func loadOperand(_ width: X86Width, _ insn: Insn) {
    if hasSource(insn) {
      let source = value(of: insn.source, scratch: Host.scratch)
      if source != Host.scratch { assembler.move(width, Host.scratch, source) }
    } else {
      loadConstant(Host.scratch, Self.constant(width, insn))
    }
  }

  /// Runs `body` with the first operand in rax and the second in rcx, then moves `result`, which is rax or
  /// rdx, to the destination and restores what else was in the two.
  private mutating func withAccumulator(
    _ width: X86Width, _ insn: Insn, result: X86Register, _ body: (inout JITCompiler) -> Void
  ) {
    let target = Self.host(insn.destination)
    if target != .rax {
      assembler.move(.double, .r11, .rax)
      assembler.move(width, .rax, target)
    }
    if target != .rdx { assembler.push(.rdx) }
    body(&self)
    if target != result { assembler.move(.double, target, result) }
    if target != .rax { assembler.move(.double, .rax, .r11) }
    if target != .rdx { assembler.pop(.rdx) }
  }

  private mutating func multiplyHigh(_ insn: Insn, _ operation: X86Unary) {
    loadOperand(.double, insn)
    withAccumulator(.double, insn, result: .rdx) { $0.assembler.unary(.double, operation, Host.scratch) }
  }

  private mutating func divide(
    _ width: X86Width, _ insn: Insn, _ pc: Int, isSigned: Bool = false, wantsRemainder: Bool = false
  ) {
    let divisor = Self.constant(width, insn)
    if !hasSource(insn), !isSigned, divisor.nonzeroBitCount == 1 {
      return divide(width, insn, byPowerOfTwo: divisor, wantsRemainder: wantsRemainder)
    }
    loadOperand(width, insn)
    if hasSource(insn) {
      assembler.test(width, Host.scratch, Host.scratch)
      leave(at: pc, from: assembler.jump(if: .equal))
    }
    if isSigned { leaveOnOverflow(width, insn, pc) }
    withAccumulator(width, insn, result: wantsRemainder ? .rdx : .rax) { compiler in
      if isSigned {
        compiler.assembler.extendSignIntoRDX(width)
        compiler.assembler.unary(width, .signedDivide, Host.scratch)
      } else {
        compiler.divideUnsigned(width)
      }
    }
  }

  /// Operands that fit 32 bits are divided as such: many processors take several times as long for 64.
  private mutating func divideUnsigned(_ width: X86Width) {
    var isDone: X86Patch?
    if width == .double {
      assembler.move(.double, .rdx, .rax)
      assembler.arithmetic(.double, .or, .rdx, Host.scratch)
      assembler.shift(.double, .right, .rdx, by: 32)
      let isWide = assembler.jump(if: .notEqual)
      assembler.unary(.word, .divide, Host.scratch)
      isDone = assembler.jump()
      assembler.land(isWide)
    }
    assembler.arithmetic(.word, .xor, .rdx, .rdx)
    assembler.unary(width, .divide, Host.scratch)
    if let isDone { assembler.land(isDone) }
  }

  /// The smallest number by -1 has no quotient.
  private mutating func leaveOnOverflow(_ width: X86Width, _ insn: Insn, _ pc: Int) {
    let target = Self.host(insn.destination)
    if !hasSource(insn), insn.immediate != -1 { return }
    assembler.arithmetic(width, .compare, Host.scratch, immediate: -1)
    let isOther = assembler.jump(if: .notEqual)
    if width == .double {
      assembler.move(.r11, immediate: 1 << 63)
      assembler.arithmetic(.double, .compare, target, .r11)
    } else {
      assembler.arithmetic(.word, .compare, target, immediate: .min)
    }
    leave(at: pc, from: assembler.jump(if: .equal))
    assembler.land(isOther)
  }

  private mutating func divide(
    _ width: X86Width, _ insn: Insn, byPowerOfTwo divisor: UInt64, wantsRemainder: Bool
  ) {
    let target = Self.host(insn.destination)
    if wantsRemainder {
      loadConstant(Host.scratch, divisor - 1)
      assembler.arithmetic(width, .and, target, Host.scratch)
    } else if divisor == 1 {
      assembler.move(width, target, target)
    } else {
      assembler.shift(width, .right, target, by: UInt8(divisor.trailingZeroBitCount))
    }
  }
}
