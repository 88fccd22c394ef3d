// The oracle: one `switch` an instruction, a meter step each, every access translated exactly. It is what
// debug and ThreadSanitizer builds run, and what the faster engines are compared with.
//
// Semantics: https://github.com/anza-xyz/sbpf, interpreter.rs. One difference is the compiled engine's, which
// is what validators run: returning behind the last instruction is an overrun, not a call outside the text.

enum PlainInterpreter {
  /// Runs from slot `pc` with the context's registers and call frames; frames' `returnPC` is a slot.
  static func run(
    _ executable: Executable, _ context: UnsafeMutablePointer<VMContext>, from pc: Int,
    observer: (any StepObserver)? = nil
  ) {
    var machine = Machine(executable: executable, context: context, pc: pc, observer: observer)
    machine.run()
  }

  struct Machine {
    let executable: Executable
    let context: UnsafeMutablePointer<VMContext>
    let r: UnsafeMutablePointer<UInt64>
    var pc: Int
    let observer: (any StepObserver)?

    init(
      executable: Executable, context: UnsafeMutablePointer<VMContext>, pc: Int,
      observer: (any StepObserver)? = nil
    ) {
      self.executable = executable
      self.context = context
      self.observer = observer
      r = context.pointee.registers
      self.pc = pc
    }

    mutating func run() {
      let insns = executable.insns
      while true {
        guard context.pointee.remainingUnits > 0 else {
          context.pointee.remainingUnits = 0
          return stop(.exceededMaxInstructions)
        }
        if let observer { observer.willRun(executable, pc: pc, context) }
        context.pointee.remainingUnits -= 1
        let insn = insns[pc]
        let fault: VMFault
        switch insn.opcode.facts.opcodeClass {
        case .load: fault = load(insn)
        case .store: fault = store(insn)
        case .alu: fault = alu(insn)
        case .jump:
          if takesJump(insn) { pc += Int(insn.offset) }
          fault = .none
        case .call, .internal:
          guard let called = call(insn) else { return }
          fault = called
        case .wide: fault = .unsupportedInstruction
        }
        guard fault == .none else { return stop(fault) }
        pc += 1
      }
    }

    func stop(_ fault: VMFault) {
      context.pointee.fault = fault
      context.pointee.faultPC = pc
    }
  }
}

extension PlainInterpreter.Machine {
  func host(_ base: UInt8, _ insn: Insn, _ access: MemoryAccess) -> UnsafeMutableRawPointer? {
    let address = r[Int(base)] &+ UInt64(bitPattern: Int64(insn.offset))
    let byteCount = UInt64(insn.opcode.facts.bits / 8)
    let pointer = context.pointee.translateExactly(address: address, byteCount: byteCount, access: access)
    if pointer == nil { context.pointee.failAccess(address: address, byteCount: byteCount, access: access) }
    return pointer
  }

  func load(_ insn: Insn) -> VMFault {
    guard let pointer = host(insn.source, insn, .load) else { return .accessViolation }
    switch insn.opcode.facts.bits {
    case 8: r[Int(insn.destination)] = UInt64(pointer.load(as: UInt8.self))
    case 16: r[Int(insn.destination)] = UInt64(pointer.loadUnaligned(as: UInt16.self))
    case 32: r[Int(insn.destination)] = UInt64(pointer.loadUnaligned(as: UInt32.self))
    default: r[Int(insn.destination)] = pointer.loadUnaligned(as: UInt64.self)
    }
    return .none
  }

  func store(_ insn: Insn) -> VMFault {
    guard let pointer = host(insn.destination, insn, .store) else { return .accessViolation }
    let isImmediate = insn.opcode.facts.form == .storeImmediate
    let value = isImmediate ? UInt64(bitPattern: insn.immediate) : r[Int(insn.source)]
    switch insn.opcode.facts.bits {
    case 8: pointer.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
    case 16: pointer.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
    case 32: pointer.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
    default: pointer.storeBytes(of: value, as: UInt64.self)
    }
    return .none
  }

  /// The second operand: the immediate or the source register.
  func operand(_ insn: Insn) -> UInt64 {
    switch insn.opcode.facts.form {
    case .registers, .jumpRegisters: r[Int(insn.source)]
    default: UInt64(bitPattern: insn.immediate)
    }
  }

  func takesJump(_ insn: Insn) -> Bool {
    let isNarrow = insn.opcode.facts.bits == 32
    let left = isNarrow ? r[Int(insn.destination)] & 0xffff_ffff : r[Int(insn.destination)]
    let right = isNarrow ? operand(insn) & 0xffff_ffff : operand(insn)
    let signedLeft = isNarrow ? Int64(Int32(truncatingIfNeeded: left)) : Int64(bitPattern: left)
    let signedRight = isNarrow ? Int64(Int32(truncatingIfNeeded: right)) : Int64(bitPattern: right)
    return switch insn.opcode {
    case .ja: true
    case .jeqImm, .jeqReg, .jeq32Imm, .jeq32Reg: left == right
    case .jneImm, .jneReg, .jne32Imm, .jne32Reg: left != right
    case .jgtImm, .jgtReg, .jgt32Imm, .jgt32Reg: left > right
    case .jgeImm, .jgeReg, .jge32Imm, .jge32Reg: left >= right
    case .jltImm, .jltReg, .jlt32Imm, .jlt32Reg: left < right
    case .jleImm, .jleReg, .jle32Imm, .jle32Reg: left <= right
    case .jsetImm, .jsetReg, .jset32Imm, .jset32Reg: left & right != 0
    case .jsgtImm, .jsgtReg, .jsgt32Imm, .jsgt32Reg: signedLeft > signedRight
    case .jsgeImm, .jsgeReg, .jsge32Imm, .jsge32Reg: signedLeft >= signedRight
    case .jsltImm, .jsltReg, .jslt32Imm, .jslt32Reg: signedLeft < signedRight
    case .jsleImm, .jsleReg, .jsle32Imm, .jsle32Reg: signedLeft <= signedRight
    default: false
    }
  }
}

extension PlainInterpreter.Machine {
  /// nil when the program has exited.
  mutating func call(_ insn: Insn) -> VMFault? {
    switch insn.opcode {
    case .callSyscall: return callSyscall(Int(insn.immediate))
    case .callInternal:
      guard canCall else { return .callDepthExceeded }
      pushFrame()
      pc = Int(insn.immediate) - 1
      return VMFault.none
    case .callx:
      let target = (r[Int(insn.source)] &- executable.textAddress) / UInt64(EncodedInsn.byteCount)
      guard canCall else { return .callDepthExceeded }
      guard target < UInt64(executable.slotCount) else { return .callOutsideTextSegment }
      pushFrame()
      pc = Int(target) - 1
      return VMFault.none
    case .exit:
      guard context.pointee.callDepth > 0 else {
        stop(.none)
        return nil
      }
      popFrame()
      return VMFault.none
    case .textEnd: return .executionOverrun
    default: return .unsupportedInstruction
    }
  }

  private func callSyscall(_ index: Int) -> VMFault {
    let before = context.pointee.remainingUnits
    let result = executable.syscallFunctions[index](context, r[1], r[2], r[3], r[4], r[5])
    context.pointee.syscallUnits &+= before &- context.pointee.remainingUnits
    guard context.pointee.fault == .none else { return context.pointee.fault }
    r[0] = result
    return .none
  }

  private var canCall: Bool { context.pointee.callDepth + 1 < GuestMemory.maxCallDepth }

  private func pushFrame() {
    context.pointee.frames[context.pointee.callDepth] = CallFrame(
      r6: r[6], r7: r[7], r8: r[8], r9: r[9], framePointer: r[10], hostFrame: r[11], returnPC: pc + 1)
    context.pointee.callDepth += 1
    r[10] &+= context.pointee.frameStep
    r[11] &+= context.pointee.hostFrameStep
  }

  private mutating func popFrame() {
    context.pointee.callDepth -= 1
    let frame = context.pointee.frames[context.pointee.callDepth]
    (r[6], r[7], r[8], r[9]) = (frame.r6, frame.r7, frame.r8, frame.r9)
    r[10] = frame.framePointer
    r[11] = frame.hostFrame
    pc = frame.returnPC - 1
  }
}
