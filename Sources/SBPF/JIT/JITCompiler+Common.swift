// The instructions that programs mostly consist of, in a few forms. What differs within a form is looked up, not
// switched on: the compiler spends most of its time on branches that the processor has guessed wrong.

/// How a common operation is written; `other` ones have code of their own.
struct CommonForm {
  enum Kind: UInt8 {
    case other
    case load, storeRegister
    /// Two operands; of which the second is a constant of a byte, otherwise it is an `other`.
    case registers, constant
    case constantMove
    /// Compares, then jumps; as above.
    case compareRegisters, compareConstant
  }

  var kind = Kind.other
  var accessKind: UInt8 = 0
  /// An arithmetic operation's number, or a condition.
  var code: UInt8 = 0
  var operation = X86Operation.move(.double)

  /// By operation; written once, never freed.
  nonisolated(unsafe) static let table: UnsafePointer<CommonForm> = {
    let table = UnsafeMutablePointer<CommonForm>.allocate(capacity: Opcode.table.count)
    for (index, facts) in Opcode.table.enumerated() {
      (table + index).initialize(to: CommonForm(facts.opcode))
    }
    return UnsafePointer(table)
  }()

  private init(_ opcode: Opcode) {
    switch opcode {
    case .ldxb: self.init(.load, .byte)
    case .ldxh: self.init(.load, .half)
    case .ldxw: self.init(.load, .word)
    case .ldxdw: self.init(.load, .double)
    case .stxb: self.init(.storeRegister, .byte)
    case .stxh: self.init(.storeRegister, .half)
    case .stxw: self.init(.storeRegister, .word)
    case .stxdw: self.init(.storeRegister, .double)
    case .mov64Imm: self.init(.constantMove, .move(.double))
    case .mov64Reg: self.init(.registers, .move(.double))
    case .mov32Reg: self.init(.registers, .move(.word))
    case .add64Reg, .sub64Reg, .or64Reg, .and64Reg, .xor64Reg: self.init(opcode, .double, .registers)
    case .add64Imm, .sub64Imm, .or64Imm, .and64Imm, .xor64Imm: self.init(opcode, .double, .constant)
    case .or32Reg, .and32Reg, .xor32Reg: self.init(opcode, .word, .registers)
    case .or32Imm, .and32Imm, .xor32Imm: self.init(opcode, .word, .constant)
    default: self.init(jump: opcode)
    }
  }

  private init(_ kind: Kind, _ operation: X86Operation) {
    self.kind = kind
    self.operation = operation
  }

  private init(_ kind: Kind, _ width: X86Width) {
    self.kind = kind
    let log2 = UInt8(truncatingIfNeeded: width.rawValue.trailingZeroBitCount - 3)
    accessKind = AccessKind(isStore: kind == .storeRegister, byteCountLog2: log2).rawValue
    operation = kind == .load ? .load(width) : .store(width)
  }

  private init(_ opcode: Opcode, _ width: X86Width, _ kind: Kind) {
    let arithmetic: X86Arithmetic =
      switch opcode {
      case .sub64Reg, .sub64Imm: .sub
      case .or64Reg, .or64Imm, .or32Reg, .or32Imm: .or
      case .and64Reg, .and64Imm, .and32Reg, .and32Imm: .and
      case .xor64Reg, .xor64Imm, .xor32Reg, .xor32Imm: .xor
      default: .add
      }
    self.kind = kind
    code = arithmetic.rawValue
    operation = kind == .registers ? .arithmetic(width, arithmetic) : .immediate(width)
  }

  private init(jump opcode: Opcode) {
    guard let condition = JITCompiler.condition(of: opcode) else { return }
    let width: X86Width = opcode.rawValue >= Opcode.jeq32Imm.rawValue ? .word : .double
    code = condition.rawValue
    if JITCompiler.comparesConstant(opcode) {
      kind = .compareConstant
      operation = .immediate(width)
    } else {
      kind = .compareRegisters
      operation = .arithmetic(width, .compare)
    }
  }
}

extension JITCompiler {
  /// Writes `insn` if it is common; otherwise nothing is written.
  @inline(__always) mutating func emitCommon(
    _ insn: Insn, _ pc: Int, _ form: UnsafePointer<CommonForm>
  ) -> Bool {
    switch form.pointee.kind {
    case .other: return false
    case .load:
      access(insn.source, insn.offset, Self.host(insn.destination), form, pc)
      return true
    case .storeRegister:
      if insn.source == 10, usesHostFrames { return false }
      access(insn.destination, insn.offset, Self.host(insn.source), form, pc)
      return true
    case .registers:
      if insn.source == 10, usesHostFrames { return false }
      assembler.emit(form.pointee.operation, Self.host(insn.source).rawValue, Self.host(insn.destination))
      return true
    case .constant:
      guard Self.isHarmless(insn.immediate) else { return false }
      assembler.emit(form.pointee.operation, form.pointee.code, Self.host(insn.destination))
      assembler.emit8(UInt8(truncatingIfNeeded: insn.immediate))
      return true
    case .constantMove:
      loadConstant(Self.host(insn.destination), UInt64(bitPattern: insn.immediate))
      return true
    case .compareRegisters:
      if insn.source == 10 || insn.destination == 10, usesHostFrames { return false }
      assembler.emit(form.pointee.operation, Self.host(insn.source).rawValue, Self.host(insn.destination))
    case .compareConstant:
      if insn.destination == 10 && usesHostFrames || !Self.isHarmless(insn.immediate) { return false }
      assembler.emit(
        form.pointee.operation, X86Arithmetic.compare.rawValue, Self.host(insn.destination))
      assembler.emit8(UInt8(truncatingIfNeeded: insn.immediate))
    }
    jump(assembler.jump(ifCode: form.pointee.code), to: pc + 1 + Int(insn.offset))
    return true
  }

  /// A load or store of `register` at `[base + offset]`: in the frame without a check.
  @inline(__always) private mutating func access(
    _ base: UInt8, _ offset: Int16, _ register: X86Register, _ form: UnsafePointer<CommonForm>, _ pc: Int
  ) {
    let kind = form.pointee.accessKind
    if base == 10, usesHostFrames, Self.isInFrame(offset, byteCountLog2: kind & 3) {
      assembler.emit(form.pointee.operation, register, base: Host.frame, displacement: Int32(offset))
      return
    }
    loadGuestAddress(base, offset)
    let check = templates.accesses + Int(kind)
    assembler.emit(check.pointee)
    cold(check.pointee, kind, pc)
    assembler.emit(form.pointee.operation, register, base: Host.address, index: Host.scratch)
  }

  /// Whether an access at `[r10 + offset]` lies in the current frame.
  @inline(__always) static func isInFrame(_ offset: Int16, byteCountLog2: UInt8) -> Bool {
    Int(offset) >= -Int(GuestMemory.frameByteCount) && Int(offset) <= -(1 << Int(byteCountLog2 & 3))
  }

  /// Leaves the guest address of `[base + offset]` in r11.
  @inline(__always) mutating func loadGuestAddress(_ base: UInt8, _ offset: Int16) {
    let register = value(of: base, scratch: Host.address)
    assembler.loadAddress(Host.address, X86Address(register, Int32(offset)))
  }

  /// When a conditional jump is taken; nil for "has a bit in common", and for what is no such jump.
  static func condition(of opcode: Opcode) -> X86Condition? {
    switch opcode {
    case .jeqImm, .jeqReg, .jeq32Imm, .jeq32Reg: .equal
    case .jneImm, .jneReg, .jne32Imm, .jne32Reg: .notEqual
    case .jgtImm, .jgtReg, .jgt32Imm, .jgt32Reg: .above
    case .jgeImm, .jgeReg, .jge32Imm, .jge32Reg: .aboveOrEqual
    case .jltImm, .jltReg, .jlt32Imm, .jlt32Reg: .below
    case .jleImm, .jleReg, .jle32Imm, .jle32Reg: .belowOrEqual
    case .jsgtImm, .jsgtReg, .jsgt32Imm, .jsgt32Reg: .greater
    case .jsgeImm, .jsgeReg, .jsge32Imm, .jsge32Reg: .greaterOrEqual
    case .jsltImm, .jsltReg, .jslt32Imm, .jslt32Reg: .less
    case .jsleImm, .jsleReg, .jsle32Imm, .jsle32Reg: .lessOrEqual
    default: nil
    }
  }

  /// Rows of jumps alternate between constants and registers, beginning with a constant.
  static func comparesConstant(_ opcode: Opcode) -> Bool {
    (opcode.rawValue - Opcode.jeqImm.rawValue) & 1 == 0
  }
}
