// Writing the common forms: a few words put together from tables, each stored as a whole.

import MachineCode

extension JITCompiler {
  /// Writes the instruction in `word` at `pc` if it is common; otherwise nothing is written.
  @inline(__always) mutating func emitCommon(_ word: UInt64, _ pc: Int, _ form: CommonForm) -> Bool {
    let registers = Int(truncatingIfNeeded: word >> 8 & 0xff)
    let destination = UInt8(truncatingIfNeeded: word >> 8) & 15
    let source = UInt8(truncatingIfNeeded: word >> 12) & 15
    let immediate = Int32(truncatingIfNeeded: word >> 32)
    switch form.kind {
    case .other: return false
    case .load:
      access(source, word, destination, form.code, pc)
      return true
    case .storeRegister:
      if source == frameGuest { return false }
      access(destination, word, source, form.code, pc)
      return true
    case .registers:
      if source == frameGuest { return false }
      assembler.emit(UInt64(encodings.pairs[registers] | UInt32(form.code) << 8), 3)
      return true
    case .constant:
      guard Int32(Int8(truncatingIfNeeded: immediate)) == immediate else { return false }
      assembler.emit(constant(form.code, destination, immediate), 4)
      return true
    case .constantMove:
      loadConstant(Self.host(destination), UInt64(bitPattern: Int64(immediate)))
      return true
    case .compareRegisters:
      if source == frameGuest || destination == frameGuest { return false }
      let compare = UInt64(encodings.pairs[registers] | 0x39 << 8)
      assembler.emit(compare | 0x0f << 24 | UInt64(0x80 | form.code) << 32, 5)
    case .compareConstant:
      guard Int32(Int8(truncatingIfNeeded: immediate)) == immediate, destination != frameGuest else {
        return false
      }
      let compare = constant(X86Arithmetic.compare.rawValue, destination, immediate)
      assembler.emit(compare | 0x0f << 32 | UInt64(0x80 | form.code) << 40, 6)
    }
    let offset = Int16(truncatingIfNeeded: word >> 16)
    jump(assembler.distance(), to: pc + 1 + Int(offset))
    return true
  }

  /// Operation `code` of a 64-bit register and a byte: prefix, opcode, operand, constant.
  @inline(__always) private func constant(_ code: UInt8, _ guest: UInt8, _ immediate: Int32) -> UInt64 {
    let host = UInt64(Self.host(guest).rawValue)
    let operand = 0xc0 | UInt64(code) << 3 | host & 7
    return 0x48 | host >> 3 | 0x83 << 8 | operand << 16 | UInt64(UInt8(truncatingIfNeeded: immediate)) << 24
  }

  /// A load or store of guest register `register` at `[base + offset]`: in the frame without a check.
  @inline(__always) private mutating func access(
    _ base: UInt8, _ word: UInt64, _ register: UInt8, _ kind: UInt8, _ pc: Int
  ) {
    let offset = Int16(truncatingIfNeeded: word >> 16)
    let form = Int(kind) * CommonEncodings.registerCount + Int(register)
    if base == frameGuest {
      if Self.isInFrame(offset, byteCountLog2: kind & 3) {
        assembler.emit(encodings.frameAccesses[form], displacement: Int32(offset))
        return
      }
      loadGuestAddress(base, offset)
    } else {
      assembler.emit(encodings.addresses[Int(base)], displacement: Int32(offset))
    }
    let check = templates.accesses + Int(kind)
    assembler.emit(check.pointee)
    cold(check.pointee, kind, pc)
    assembler.emit(encodings.accesses[form])
  }

  /// Leaves the guest address of `[base + offset]` in r11.
  mutating func loadGuestAddress(_ base: UInt8, _ offset: Int16) {
    let register = value(of: base, scratch: Host.address)
    assembler.loadAddress(Host.address, X86Address(register, Int32(offset)))
  }

  /// Whether an access at `[r10 + offset]` lies in the current frame.
  @inline(__always) static func isInFrame(_ offset: Int16, byteCountLog2: UInt8) -> Bool {
    Int(offset) >= -Int(GuestMemory.frameByteCount) && Int(offset) <= -(1 << Int(byteCountLog2 & 3))
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
