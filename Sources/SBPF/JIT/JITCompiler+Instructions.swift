// Each operation's code, arithmetic apart. The switch has no default, so an operation without code does not
// compile.

import MachineCode

extension JITCompiler {
  mutating func emit(_ insn: Insn, _ pc: Int) {
    switch insn.opcode {
    case .ldxb: load(.byte, insn, pc)
    case .ldxh: load(.half, insn, pc)
    case .ldxw: load(.word, insn, pc)
    case .ldxdw: load(.double, insn, pc)
    case .stb: storeImmediate(.byte, insn, pc)
    case .sth: storeImmediate(.half, insn, pc)
    case .stw: storeImmediate(.word, insn, pc)
    case .stdw: storeImmediate(.double, insn, pc)
    case .stxb: storeRegister(.byte, insn, pc)
    case .stxh: storeRegister(.half, insn, pc)
    case .stxw: storeRegister(.word, insn, pc)
    case .stxdw: storeRegister(.double, insn, pc)
    case .ja: jump(assembler.jump(), to: pc + 1 + Int(insn.offset))
    case .jeqImm, .jeqReg, .jneImm, .jneReg, .jgtImm, .jgtReg, .jgeImm, .jgeReg, .jltImm, .jltReg, .jleImm,
      .jleReg, .jsgtImm, .jsgtReg, .jsgeImm, .jsgeReg, .jsltImm, .jsltReg, .jsleImm, .jsleReg, .jsetImm,
      .jsetReg, .jeq32Imm, .jeq32Reg, .jne32Imm, .jne32Reg, .jgt32Imm, .jgt32Reg, .jge32Imm, .jge32Reg,
      .jlt32Imm, .jlt32Reg, .jle32Imm, .jle32Reg, .jsgt32Imm, .jsgt32Reg, .jsge32Imm, .jsge32Reg, .jslt32Imm,
      .jslt32Reg, .jsle32Imm, .jsle32Reg, .jset32Imm, .jset32Reg:
      conditionalJump(Self.condition(of: insn.opcode), insn, pc)
    case .callInternal: call(insn, pc)
    case .callx: callRegister(insn, pc)
    case .callSyscall:
      let function = executable.syscallFunctions[Int(insn.immediate)]
      assembler.move(Host.address, immediate: UInt64(unsafeBitCast(function, to: UInt.self)))
      assembler.call(shared.syscall)
      site(pc)
    case .exit:
      // Where the program ends here, the way out stores this as the last instruction.
      assembler.move(Host.address, immediate: UInt64(pc))
      assembler.ret()
    case .call, .callUnresolved, .wideHigh, .textEnd: leave(pc)
    default: arithmetic(insn, pc)
    }
  }

  // MARK: Memory

  /// Host memory of the access: in the frame without a check, otherwise checked against the region's limit.
  private mutating func translate(
    _ base: UInt8, _ width: X86Width, _ insn: Insn, isStore: Bool, _ pc: Int
  ) -> X86Address {
    let log2 = UInt8(truncatingIfNeeded: width.rawValue.trailingZeroBitCount - 3)
    if base == 10, usesHostFrames, Self.isInFrame(insn.offset, byteCountLog2: log2) {
      return X86Address(Host.frame, Int32(insn.offset))
    }
    let kind = AccessKind(isStore: isStore, byteCountLog2: log2)
    loadGuestAddress(base, insn.offset)
    let check = templates.accesses + Int(kind.rawValue)
    assembler.emit(check.pointee)
    cold(check.pointee, kind.rawValue, pc)
    return X86Address(Host.address, index: Host.scratch)
  }

  private mutating func load(_ width: X86Width, _ insn: Insn, _ pc: Int) {
    let memory = translate(insn.source, width, insn, isStore: false, pc)
    assembler.load(width, Self.host(insn.destination), memory)
  }

  private mutating func storeRegister(_ width: X86Width, _ insn: Insn, _ pc: Int) {
    var memory = translate(insn.destination, width, insn, isStore: true, pc)
    var register = Self.host(insn.source)
    if insn.source == 10, usesHostFrames {
      memory = freeScratch(memory)
      register = Host.scratch
      loadFramePointer(register)
    }
    assembler.store(width, memory, register)
  }

  private mutating func storeImmediate(_ width: X86Width, _ insn: Insn, _ pc: Int) {
    var memory = translate(insn.destination, width, insn, isStore: true, pc)
    if Self.isHarmless(insn.immediate) || width == .byte {
      assembler.store(width, memory, immediate: Int32(truncatingIfNeeded: insn.immediate))
    } else {
      memory = freeScratch(memory)
      loadConstant(Host.scratch, UInt64(bitPattern: insn.immediate))
      assembler.store(width, memory, Host.scratch)
    }
  }

  /// The same memory, addressed without rcx.
  private mutating func freeScratch(_ memory: X86Address) -> X86Address {
    guard memory.index != nil else { return memory }
    assembler.loadAddress(Host.address, memory)
    return X86Address(Host.address)
  }

  // MARK: Jumps and calls

  /// nil stands for "has a bit in common".
  private mutating func conditionalJump(_ condition: X86Condition?, _ insn: Insn, _ pc: Int) {
    let width: X86Width = insn.opcode.rawValue >= Opcode.jeq32Imm.rawValue ? .word : .double
    let left = value(of: insn.destination, scratch: Host.address)
    let hasConstant = Self.comparesConstant(insn.opcode)
    if hasConstant, let condition, Self.isHarmless(insn.immediate) {
      if insn.immediate == 0, condition == .equal || condition == .notEqual {
        assembler.test(width, left, left)
      } else {
        assembler.arithmetic(width, .compare, left, immediate: Int32(truncatingIfNeeded: insn.immediate))
      }
    } else {
      var right = Host.scratch
      if hasConstant {
        loadConstant(right, UInt64(bitPattern: insn.immediate))
      } else {
        right = value(of: insn.source, scratch: Host.scratch)
      }
      if condition == nil {
        assembler.test(width, left, right)
      } else {
        assembler.arithmetic(width, .compare, left, right)
      }
    }
    jump(assembler.jump(if: condition ?? .notEqual), to: pc + 1 + Int(insn.offset))
  }

  private mutating func enterFrame(_ pc: Int) {
    assembler.emit(templates.enterFrame)
    cold(templates.enterFrame, ColdPath.Kind.deeperCall.rawValue, pc)
  }

  private mutating func leaveFrame(_ pc: Int) {
    site(pc)
    assembler.emit(templates.leaveFrame)
  }

  private mutating func call(_ insn: Insn, _ pc: Int) {
    enterFrame(pc)
    jump(assembler.call(), to: Int(insn.immediate))
    leaveFrame(pc)
  }

  private mutating func callRegister(_ insn: Insn, _ pc: Int) {
    assembler.move(.double, Host.address, Self.host(insn.source))
    assembler.call(shared.registerCall)
    site(pc)
    enterFrame(pc)
    assembler.call(Host.address)
    leaveFrame(pc)
  }
}
