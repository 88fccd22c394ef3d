// Instructions on 64-bit registers written with one store each, for the compiler of wide instructions, whose
// speed is that of its emission. Registers are numbers of the encoding here; operations of two operands are
// named by their number in group 83 (`X86Group`).
//
// Encodings: Intel 64 Architectures Software Developer's Manual, volume 2. As everywhere in the assembler the
// caller has reserved room; each store writes eight bytes whatever the instruction's length.

/// Number of an operation in groups 80 to 83, and bits 3–5 of its one-byte opcodes.
@frozen @usableFromInline package enum X86Group {
  @inlinable package static var add: UInt8 { 0 }
  @inlinable package static var or: UInt8 { 1 }
  @inlinable package static var addCarry: UInt8 { 2 }
  @inlinable package static var subBorrow: UInt8 { 3 }
  @inlinable package static var and: UInt8 { 4 }
  @inlinable package static var sub: UInt8 { 5 }
  @inlinable package static var xor: UInt8 { 6 }
  @inlinable package static var compare: UInt8 { 7 }
}

extension X86Assembler {
  /// `opcode reg, rm` on registers of 64 bits.
  @inline(__always) @inlinable package mutating func registers(_ opcode: UInt8, _ reg: UInt8, _ rm: UInt8) {
    let rex = 0x48 | (reg >> 3) << 2 | rm >> 3
    let modRM = 0xc0 | (reg & 7) << 3 | rm & 7
    emit(UInt64(rex) | UInt64(opcode) << 8 | UInt64(modRM) << 16, 3)
  }

  /// The same on 32 bits, which clears the upper half of what is written.
  @inline(__always) @inlinable package mutating func words(_ opcode: UInt8, _ reg: UInt8, _ rm: UInt8) {
    let rex = 0x40 | (reg >> 3) << 2 | rm >> 3
    let modRM = 0xc0 | (reg & 7) << 3 | rm & 7
    emit(UInt64(rex) | UInt64(opcode) << 8 | UInt64(modRM) << 16, 3)
  }

  /// `0f opcode reg, rm` on registers of 64 bits.
  @inline(__always) @inlinable package mutating func escaped(_ opcode: UInt8, _ reg: UInt8, _ rm: UInt8) {
    let rex = 0x48 | (reg >> 3) << 2 | rm >> 3
    let modRM = 0xc0 | (reg & 7) << 3 | rm & 7
    emit(UInt64(rex) | 0x0f00 | UInt64(opcode) << 16 | UInt64(modRM) << 24, 4)
  }

  /// `opcode reg, [base + displacement]`; `rex` is 0x48 for 64 bits, 0x40 for 32. `base` is neither rsp nor
  /// r12.
  @inline(__always)
  @inlinable package mutating func memory(
    _ opcode: UInt8, _ reg: UInt8, _ base: UInt8, _ displacement: Int32, rex: UInt8 = 0x48
  ) {
    let prefix = UInt64(rex | (reg >> 3) << 2 | base >> 3) | UInt64(opcode) << 8
    let modRM = (reg & 7) << 3 | base & 7
    if displacement == Int32(Int8(truncatingIfNeeded: displacement)) {
      let byte = UInt64(UInt8(truncatingIfNeeded: displacement))
      emit(prefix | UInt64(modRM | 0x40) << 16 | byte << 24, 4)
    } else {
      emit(prefix | UInt64(modRM | 0x80) << 16 | UInt64(UInt32(bitPattern: displacement)) << 24, 7)
    }
  }

  /// `opcode reg, [rsp + displacement]`, the displacement in -128...127.
  @inline(__always) @inlinable package mutating func stack(_ opcode: UInt8, _ reg: UInt8, _ displacement: Int32) {
    let rex = 0x48 | (reg >> 3) << 2
    let modRM = 0x44 | (reg & 7) << 3
    let byte = UInt64(UInt8(truncatingIfNeeded: displacement))
    emit(UInt64(rex) | UInt64(opcode) << 8 | UInt64(modRM) << 16 | 0x2400_0000 | byte << 32, 5)
  }

  /// `operation reg, imm8`, sign-extended to 64 bits.
  @inline(__always) @inlinable package mutating func immediate(_ operation: UInt8, _ register: UInt8, _ value: Int8) {
    let rex = 0x48 | register >> 3
    let modRM = 0xc0 | operation << 3 | register & 7
    emit(
      UInt64(rex) | 0x8300 | UInt64(modRM) << 16 | UInt64(UInt8(bitPattern: value)) << 24, 4)
  }

  /// `operation reg, imm32`, sign-extended to 64 bits.
  @inline(__always) @inlinable package mutating func immediateWord(_ operation: UInt8, _ register: UInt8, _ value: Int32) {
    let rex = 0x48 | register >> 3
    let modRM = 0xc0 | operation << 3 | register & 7
    emit(
      UInt64(rex) | 0x8100 | UInt64(modRM) << 16 | UInt64(UInt32(bitPattern: value)) << 24, 7)
  }

  /// `mov reg, imm32` of 32 bits: flags stay, the upper half is cleared.
  @inline(__always) @inlinable package mutating func moveWord(_ register: UInt8, _ value: UInt32) {
    emit(UInt64(0x40 | register >> 3) | UInt64(0xb8 | register & 7) << 8 | UInt64(value) << 16, 6)
  }

  /// `mov reg, imm32` sign-extended: flags stay.
  @inline(__always) @inlinable package mutating func moveSigned(_ register: UInt8, _ value: Int32) {
    emit(
      UInt64(0x48 | register >> 3) | 0xc700 | UInt64(0xc0 | register & 7) << 16
        | UInt64(UInt32(bitPattern: value)) << 24, 7)
  }

  /// `mov qword [base + displacement], imm32` sign-extended.
  @inline(__always)
  @inlinable package mutating func storeImmediate(_ base: UInt8, _ displacement: Int32, _ value: Int32) {
    memory(0xc7, 0, base, displacement)
    emit(UInt64(UInt32(bitPattern: value)), 4)
  }

  /// Shifts and rotates by a constant: 4 left, 5 right, 7 arithmetic right.
  @inline(__always) @inlinable package mutating func shiftConstant(_ operation: UInt8, _ register: UInt8, _ count: UInt8) {
    let rex = 0x48 | register >> 3
    let modRM = 0xc0 | operation << 3 | register & 7
    emit(UInt64(rex) | 0xc100 | UInt64(modRM) << 16 | UInt64(count) << 24, 4)
  }

  /// `movbe`: loads (f0) or stores (f1) 64 bits with their bytes swapped.
  @inline(__always)
  @inlinable package mutating func memoryMOVBE(_ opcode: UInt8, _ reg: UInt8, _ base: UInt8, _ displacement: Int32) {
    let rex = 0x48 | (reg >> 3) << 2 | base >> 3
    let prefix = UInt64(rex) | 0x38_0f00 | UInt64(opcode) << 24
    let modRM = (reg & 7) << 3 | base & 7
    if displacement == Int32(Int8(truncatingIfNeeded: displacement)) {
      let byte = UInt64(UInt8(truncatingIfNeeded: displacement))
      emit(prefix | UInt64(modRM | 0x40) << 32 | byte << 40, 6)
    } else {
      emit(prefix | UInt64(modRM | 0x80) << 32, 5)
      emit(UInt64(UInt32(bitPattern: displacement)), 4)
    }
  }

  /// All of `register` from its lowest byte.
  @inline(__always) @inlinable package mutating func zeroExtendByte(_ register: UInt8) {
    let rex = 0x40 | (register >> 3) << 2 | register >> 3
    let modRM = 0xc0 | (register & 7) << 3 | register & 7
    emit(UInt64(rex) | 0xb6_0f00 | UInt64(modRM) << 24, 4)
  }

  @inline(__always) @inlinable package mutating func byteSwap(_ register: UInt8) {
    emit(UInt64(0x48 | register >> 3) | 0x0f00 | UInt64(0xc8 | register & 7) << 16, 3)
  }

  /// `set<condition> al`, then all of `register` from it.
  @inline(__always) @inlinable package mutating func setAll(_ register: UInt8, if condition: X86Condition) {
    emit(0xc0_0000 | 0x0f | UInt64(0x90 | condition.rawValue) << 8, 3)
    let rex = 0x40 | (register >> 3) << 2
    emit(UInt64(rex) | 0xb6_0f00 | UInt64(0xc0 | (register & 7) << 3) << 24, 4)
  }
}
