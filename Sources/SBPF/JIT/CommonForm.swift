// The instructions that programs mostly consist of, in a few forms: what differs within a form is data. The compiler
// looks it up, because it spends most of its time on branches that the processor has guessed wrong.

import MachineCode

/// How an instruction is written, by its encoding byte; `other` ones have code of their own.
struct CommonForm {
  enum Kind: UInt8 {
    case other
    case load, storeRegister
    /// 64-bit arithmetic; a constant has to be a byte, otherwise the instruction is an `other`.
    case registers, constant
    case constantMove
    /// Compares 64 bits, then jumps; as above.
    case compareRegisters, compareConstant
  }

  let kind: Kind
  /// Loads and stores: the kind of access. Arithmetic of registers: the opcode's byte, of constants the
  /// operation's number. Jumps: the condition's number.
  let code: UInt8

  private init(_ kind: Kind, _ code: UInt8 = 0) {
    self.kind = kind
    self.code = code
  }

  private init(_ opcode: Opcode) {
    self =
      switch opcode {
      case .ldxb: CommonForm(.load, 0)
      case .ldxh: CommonForm(.load, 1)
      case .ldxw: CommonForm(.load, 2)
      case .ldxdw: CommonForm(.load, 3)
      case .stxb: CommonForm(.storeRegister, 4)
      case .stxh: CommonForm(.storeRegister, 5)
      case .stxw: CommonForm(.storeRegister, 6)
      case .stxdw: CommonForm(.storeRegister, 7)
      case .mov64Imm: CommonForm(.constantMove)
      case .mov64Reg: CommonForm(.registers, 0x89)
      case .add64Reg: CommonForm(.registers, X86Arithmetic.add.registersOpcode)
      case .sub64Reg: CommonForm(.registers, X86Arithmetic.sub.registersOpcode)
      case .or64Reg: CommonForm(.registers, X86Arithmetic.or.registersOpcode)
      case .and64Reg: CommonForm(.registers, X86Arithmetic.and.registersOpcode)
      case .xor64Reg: CommonForm(.registers, X86Arithmetic.xor.registersOpcode)
      case .add64Imm: CommonForm(.constant, X86Arithmetic.add.rawValue)
      case .sub64Imm: CommonForm(.constant, X86Arithmetic.sub.rawValue)
      case .or64Imm: CommonForm(.constant, X86Arithmetic.or.rawValue)
      case .and64Imm: CommonForm(.constant, X86Arithmetic.and.rawValue)
      case .xor64Imm: CommonForm(.constant, X86Arithmetic.xor.rawValue)
      default: CommonForm(jump: opcode)
      }
  }

  private init(jump opcode: Opcode) {
    guard let condition = JITCompiler.condition(of: opcode), opcode.rawValue < Opcode.jeq32Imm.rawValue else {
      self.init(.other)
      return
    }
    self.init(
      JITCompiler.comparesConstant(opcode) ? .compareConstant : .compareRegisters, condition.rawValue)
  }

  /// The forms of `version`, by encoding byte.
  static func table(_ version: SBPFVersion) -> UnsafePointer<CommonForm> { all + version.ordinal * 256 }

  // Written once, never freed.
  nonisolated(unsafe) private static let all: UnsafePointer<CommonForm> = {
    let count = SBPFVersion.allCases.count * 256
    let table = UnsafeMutablePointer<CommonForm>.allocate(capacity: count)
    table.initialize(repeating: CommonForm(.other), count: count)
    for version in SBPFVersion.allCases {
      for facts in Opcode.table {
        guard let byte = facts.encoding(in: version) else { continue }
        table[version.ordinal * 256 + Int(byte)] = CommonForm(facts.opcode)
      }
    }
    return UnsafePointer(table)
  }()
}

extension X86Arithmetic {
  /// The opcode of the operation on two registers.
  fileprivate var registersOpcode: UInt8 { rawValue << 3 | 1 }
}

/// Encodings of the forms by the guest's registers, made by the assembler.
struct CommonEncodings: @unchecked Sendable {
  // Unchecked: written by `init`, never changed or freed.
  /// By a slot's register byte, destination in the low half: prefix and operands of a 64-bit instruction whose
  /// opcode goes into the second byte.
  let pairs: UnsafePointer<UInt32>
  /// By kind of access and guest register (16 of each): the access at `[r11 + rcx]`.
  let accesses: UnsafePointer<X86Bytes>
  /// The same at `[rbp + displacement]`, for a displacement of a byte, which is left out.
  let frameAccesses: UnsafePointer<X86Bytes>
  /// By guest register: `lea r11, [register + displacement]` likewise.
  let addresses: UnsafePointer<X86Bytes>
  static let registerCount = 16

  /// nil where there was no memory to make them.
  static let shared: CommonEncodings? = CommonEncodings()

  private init?() {
    guard var assembler = X86Assembler(capacity: CodePages.pageByteCount) else { return nil }
    let pairs = UnsafeMutablePointer<UInt32>.allocate(capacity: 256)
    pairs.initialize(repeating: 0, count: 256)
    let count = AccessKind.count * Self.registerCount
    let accesses = UnsafeMutablePointer<X86Bytes>.allocate(capacity: count)
    accesses.initialize(repeating: X86Bytes(), count: count)
    let frameAccesses = UnsafeMutablePointer<X86Bytes>.allocate(capacity: count)
    frameAccesses.initialize(repeating: X86Bytes(), count: count)
    let addresses = UnsafeMutablePointer<X86Bytes>.allocate(capacity: Self.registerCount)
    addresses.initialize(repeating: X86Bytes(), count: Self.registerCount)
    for guest in UInt8(0)...10 {
      let host = JITCompiler.host(guest)
      for other in UInt8(0)...10 {
        let move = assembler.bytes { $0.move(.double, host, JITCompiler.host(other)) }
        pairs[Int(guest | other << 4)] = UInt32(truncatingIfNeeded: move.bytes) & 0xff_00ff
      }
      for raw in 0..<UInt8(AccessKind.count) {
        let index = Int(raw) * Self.registerCount + Int(guest)
        let memory = X86Address(JITCompiler.Host.address, index: JITCompiler.Host.scratch)
        accesses[index] = assembler.bytes { $0.access(AccessKind(rawValue: raw), host, memory) }
        let frame = X86Address(JITCompiler.Host.frame, 1)
        frameAccesses[index] =
          assembler.bytes { $0.access(AccessKind(rawValue: raw), host, frame) }.withoutDisplacement()
      }
      addresses[Int(guest)] =
        assembler.bytes { $0.loadAddress(JITCompiler.Host.address, X86Address(host, 1)) }
        .withoutDisplacement(hasScale: host.rawValue & 7 == X86Register.rsp.rawValue)
    }
    assembler.free()
    self.pairs = UnsafePointer(pairs)
    self.accesses = UnsafePointer(accesses)
    self.frameAccesses = UnsafePointer(frameAccesses)
    self.addresses = UnsafePointer(addresses)
  }
}

extension X86Bytes {
  /// Without the one byte of displacement at the end; before it is the mode's byte, then, where `hasScale`,
  /// another.
  fileprivate func withoutDisplacement(hasScale: Bool = false) -> X86Bytes {
    X86Bytes(
      bytes: bytes & ~(UInt64.max << UInt64(8 * (count - 1))), count: count - 1,
      modeShift: UInt32(8 * (count - (hasScale ? 3 : 2))))
  }
}

extension X86Assembler {
  fileprivate mutating func access(_ kind: AccessKind, _ register: X86Register, _ memory: X86Address) {
    let width = [X86Width.byte, .half, .word, .double][Int(kind.rawValue & 3)]
    if kind.access == .load { load(width, register, memory) } else { store(width, memory, register) }
  }
}
