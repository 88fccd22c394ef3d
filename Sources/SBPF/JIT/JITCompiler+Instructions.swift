// Each operation's code, arithmetic apart. The switch has no default, so an operation without code does not
// compile.

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
    case .jeqImm, .jeqReg, .jeq32Imm, .jeq32Reg: conditionalJump(.equal, insn, pc)
    case .jneImm, .jneReg, .jne32Imm, .jne32Reg: conditionalJump(.notEqual, insn, pc)
    case .jgtImm, .jgtReg, .jgt32Imm, .jgt32Reg: conditionalJump(.above, insn, pc)
    case .jgeImm, .jgeReg, .jge32Imm, .jge32Reg: conditionalJump(.aboveOrEqual, insn, pc)
    case .jltImm, .jltReg, .jlt32Imm, .jlt32Reg: conditionalJump(.below, insn, pc)
    case .jleImm, .jleReg, .jle32Imm, .jle32Reg: conditionalJump(.belowOrEqual, insn, pc)
    case .jsgtImm, .jsgtReg, .jsgt32Imm, .jsgt32Reg: conditionalJump(.greater, insn, pc)
    case .jsgeImm, .jsgeReg, .jsge32Imm, .jsge32Reg: conditionalJump(.greaterOrEqual, insn, pc)
    case .jsltImm, .jsltReg, .jslt32Imm, .jslt32Reg: conditionalJump(.less, insn, pc)
    case .jsleImm, .jsleReg, .jsle32Imm, .jsle32Reg: conditionalJump(.lessOrEqual, insn, pc)
    case .jsetImm, .jsetReg, .jset32Imm, .jset32Reg: conditionalJump(nil, insn, pc)
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

  /// Leaves the guest address of `[base + offset]` in r11.
  private mutating func loadGuestAddress(_ base: UInt8, _ offset: Int16) {
    let register = value(of: base, scratch: Host.address)
    if offset != 0 {
      assembler.loadAddress(Host.address, X86Address(register, Int32(offset)))
    } else if register != Host.address {
      assembler.move(.double, Host.address, register)
    }
  }

  /// Host memory of the access: in the frame without a check, otherwise checked against the region's limit.
  private mutating func translate(
    _ base: UInt8, _ width: X86Width, _ insn: Insn, isStore: Bool, _ pc: Int
  ) -> X86Address {
    let offset = Int(insn.offset)
    if base == 10, usesHostFrames, offset >= -Int(GuestMemory.frameByteCount), offset <= -width.rawValue / 8 {
      return X86Address(Host.frame, Int32(offset))
    }
    let log2 = UInt8(truncatingIfNeeded: width.rawValue.trailingZeroBitCount - 3)
    let kind = AccessKind(isStore: isStore, byteCountLog2: log2)
    loadGuestAddress(base, insn.offset)
    assembler.move(.double, Host.scratch, Host.address)
    assembler.shift(.double, .right, Host.scratch, by: 32)
    assembler.arithmetic(.word, .and, Host.scratch, immediate: 7)
    assembler.arithmetic(
      .double, .compare, Host.address,
      X86Address(Host.state, index: Host.scratch, scale: 3, JITState.Offset.limits(kind)))
    let isRefused = assembler.jump(if: .aboveOrEqual)
    assembler.load(
      .double, Host.scratch, X86Address(Host.state, index: Host.scratch, scale: 3, JITState.Offset.biases))
    cold(.access(kind), isRefused, pc)
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
    // Rows of jumps alternate between constants and registers, beginning with a constant.
    let hasConstant = (insn.opcode.rawValue - Opcode.jeqImm.rawValue) & 1 == 0
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

  private static let saved: [X86Register] = [.r14, .r15, .r13, .r12, .rbp]

  private mutating func enterFrame(_ pc: Int) {
    assembler.arithmetic(.double, .compare, .rsp, Host.field(JITState.Offset.callLimit))
    cold(.deeperCall, assembler.jump(if: .belowOrEqual), pc)
    for register in Self.saved { assembler.push(register) }
    let frame = Int32(GuestMemory.frameByteCount)
    if usesHostFrames {
      assembler.arithmetic(.double, .add, Host.frame, immediate: frame)
    } else if !executable.version.hasManualStackFrames {
      assembler.arithmetic(.double, .add, Host.frame, immediate: hasGaps ? 2 * frame : frame)
    }
  }

  private mutating func leaveFrame(_ pc: Int) {
    site(pc)
    for register in Self.saved.reversed() { assembler.pop(register) }
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
