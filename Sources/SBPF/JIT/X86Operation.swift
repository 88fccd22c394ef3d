// Instructions chosen by a table, not by the place that writes them: their encoding is data, and is put together
// without branches, which would be taken at random.

/// An opcode and the width of its operands.
struct X86Operation {
  fileprivate let opcode: UInt64
  fileprivate let opcodeByteCount: UInt8
  /// REX.W, or 0.
  fileprivate let wideBit: UInt8
  fileprivate let isHalf: UInt8
  fileprivate let takesByteRegister: Bool

  private init(_ width: X86Width, _ opcode: UInt64, escaped: Bool = false, takesByteRegister: Bool = false) {
    self.opcode = escaped ? opcode << 8 | 0x0f : opcode
    opcodeByteCount = escaped ? 2 : 1
    wideBit = width == .double ? 8 : 0
    isHalf = width == .half ? 1 : 0
    self.takesByteRegister = takesByteRegister
  }

  /// Loads `width` bits, zero-extended to 64.
  static func load(_ width: X86Width) -> X86Operation {
    switch width {
    case .byte: X86Operation(.word, 0xb6, escaped: true)
    case .half: X86Operation(.word, 0xb7, escaped: true)
    case .word, .double: X86Operation(width, 0x8b)
    }
  }

  static func store(_ width: X86Width) -> X86Operation {
    X86Operation(width, width == .byte ? 0x88 : 0x89, takesByteRegister: width == .byte)
  }

  static func move(_ width: X86Width) -> X86Operation { X86Operation(width, 0x89) }

  /// Of two registers.
  static func arithmetic(_ width: X86Width, _ operation: X86Arithmetic) -> X86Operation {
    X86Operation(width, UInt64(operation.rawValue << 3 | 1))
  }

  /// Of a register and an immediate byte; the operation is given with the operands.
  static func immediate(_ width: X86Width) -> X86Operation { X86Operation(width, 0x83) }
}

extension X86Assembler {
  /// `operation` of registers, the second of which is the target.
  @inline(__always) mutating func emit(_ operation: X86Operation, _ reg: UInt8, _ target: X86Register) {
    let field = UInt64(0xc0 | (reg & 7) << 3 | target.rawValue & 7)
    let bytes = operation.opcode | field << (8 &* UInt64(operation.opcodeByteCount))
    emit(operation, bytes, 1, rex: operation.wideBit | (reg >> 3) << 2 | target.rawValue >> 3)
  }

  /// `operation` of a register and memory at `base + index`, with a base other than rbp and r13.
  @inline(__always) mutating func emit(
    _ operation: X86Operation, _ reg: X86Register, base: X86Register, index: X86Register
  ) {
    let fields =
      UInt64((reg.rawValue & 7) << 3 | 4) | UInt64((index.rawValue & 7) << 3 | base.rawValue & 7) << 8
    let bytes = operation.opcode | fields << (8 &* UInt64(operation.opcodeByteCount))
    let rex = (reg.rawValue >> 3) << 2 | (index.rawValue >> 3) << 1 | base.rawValue >> 3
    let forced: UInt8 = operation.takesByteRegister && reg.rawValue >= 4 ? 0x40 : 0
    emit(operation, bytes, 2, rex: operation.wideBit | rex | forced)
  }

  /// `operation` of a register and memory at `base + displacement`, with a base other than rsp and r12.
  @inline(__always) mutating func emit(
    _ operation: X86Operation, _ reg: X86Register, base: X86Register, displacement: Int32
  ) {
    let isShort = Int32(Int8(truncatingIfNeeded: displacement)) == displacement
    let field = UInt64((isShort ? 0x40 : 0x80) | (reg.rawValue & 7) << 3 | base.rawValue & 7)
    let bytes = operation.opcode | field << (8 &* UInt64(operation.opcodeByteCount))
    let forced: UInt8 = operation.takesByteRegister && reg.rawValue >= 4 ? 0x40 : 0
    emit(operation, bytes, 1, rex: operation.wideBit | (reg.rawValue >> 3) << 2 | base.rawValue >> 3 | forced)
    emit(UInt64(UInt32(bitPattern: displacement)), isShort ? 1 : 4)
  }

  /// Prefixes in front of `bytes`: the opcode and `fieldByteCount` more.
  @inline(__always) private mutating func emit(
    _ operation: X86Operation, _ bytes: UInt64, _ fieldByteCount: Int, rex: UInt8
  ) {
    let hasPrefix: UInt64 = rex == 0 ? 0 : 1
    let prefixed = bytes << (8 &* hasPrefix) | UInt64(0x40 | rex) &* hasPrefix
    let isHalf = UInt64(operation.isHalf)
    emit(
      prefixed << (8 &* isHalf) | 0x66 &* isHalf,
      Int(operation.opcodeByteCount) &+ fieldByteCount &+ Int(hasPrefix &+ isHalf))
  }
}
