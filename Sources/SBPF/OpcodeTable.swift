// The facts about every operation, in one table: decoder, verifier, assembler, disassembler, interpreters and
// (later) machine code read it, and OpcodeTableTests proves it. A row is
//
//   operation, mnemonic, operands, class, operand width in bits, [encoding byte: the versions that have it],
//   how the 32-bit immediate becomes 64 bits, what the verifier checks beyond registers.
//
// Encodings: eBPF's (RFC 9669) with Solana's changes (SIMD-0173, SIMD-0174, SIMD-0178, SIMD-0377; where a
// text and https://github.com/anza-xyz/sbpf differ, the code holds). Rows without an encoding are made by the
// decoder. Every classic instruction costs one compute unit. The wide family (docs/vm.md) is the last rows, with
// a feature of its own; its encoding bytes are this project's choice.

/// Which versions have an encoding.
package enum VersionFeature: UInt8, Sendable {
  case always, classic, wide, classicMemory, movedMemory, wideLoad, noWideLoad, productQuotient,
    noProductQuotient, plainSubtract, swappedSubtract, signExtends32, zeroExtends32, negate, littleEndian,
    jump32

  package func holds(in version: SBPFVersion) -> Bool {
    if version.hasWideInstructions { return self == .wide || self == .always }
    return switch self {
    case .always, .classic: true
    case .wide: false
    case .classicMemory: !version.hasMovedMemoryClasses
    case .movedMemory: version.hasMovedMemoryClasses
    case .wideLoad: version.hasWideLoad
    case .noWideLoad: !version.hasWideLoad
    case .productQuotient: version.hasProductQuotientClass
    case .noProductQuotient: !version.hasProductQuotientClass
    case .plainSubtract: !version.swapsSubtractImmediate
    case .swappedSubtract: version.swapsSubtractImmediate
    case .signExtends32: !version.zeroExtends32BitResults
    case .zeroExtends32: version.zeroExtends32BitResults
    case .negate: version.hasNegate
    case .littleEndian: version.hasLittleEndianConversion
    case .jump32: version.hasJump32
    }
  }
}

/// Which fields an instruction uses and how it is written.
package enum OperandForm: UInt8, Sendable {
  /// `exit`
  case bare
  /// `neg64 dst`
  case register
  /// `add64 dst, imm`
  case registerImmediate
  /// `add64 dst, src`
  case registers
  /// `be16 dst`: the immediate is part of the mnemonic
  case byteOrder
  /// `lddw dst, imm64`: two slots
  case wideImmediate
  /// `ldxb dst, [src+off]`
  case load
  /// `stb [dst+off], imm`
  case storeImmediate
  /// `stxb [dst+off], src`
  case storeRegister
  /// `ja +off`
  case jump
  /// `jeq dst, imm, +off`
  case jumpImmediate
  /// `jeq dst, src, +off`
  case jumpRegisters
  /// `call imm`
  case call
  /// `callx reg`: the field that holds the register differs between versions
  case callRegister
  /// `wgas D`. The forms from here on are the wide family's: D, A and B are slots of the operand stack (A and
  /// B also constants), written `w3`, `n3` (narrow), `c3`; see Wide/WideOperand.swift.
  case wideResult
  /// `wnot D, A`
  case wideUnary
  /// `wadd D, A, B`
  case wideBinary
  /// `wstore A, B`
  case wideStore
  /// `wjz A, +off`
  case wideJumpUnary
  /// `wjlt A, B, +off`
  case wideJumpBinary
  /// `wja +imm`
  case wideJumpLong
  /// `wjump A`
  case wideJumpDynamic
  /// `wcharge imm`, `wadjust imm`
  case wideNumber
  /// `wstack need, grow`
  case wideStack
  /// `wsys D, A, id`
  case wideHook
  /// Not written by people.
  case none
}

package enum OpcodeClass: UInt8, Sendable { case load, store, alu, jump, call, `internal`, wide }

/// How the instruction's 32 bits become the operand.
package enum ImmediateForm: UInt8, Sendable { case none, signExtended, zeroExtended, wide }

/// What the verifier checks beyond the encoding and the register fields.
package enum VerifierRule: UInt8, Sendable {
  case none, nonzero, shift, byteOrder, jump, callRegister, wideLoad, stackFrameAlignment
  /// Checks nothing; with the instruction before it, it may hold an address.
  case highHalf
}

package struct OpcodeFacts: Sendable {
  package let opcode: Opcode
  package let mnemonic: String
  package let form: OperandForm
  package let opcodeClass: OpcodeClass
  /// Width of the operation (of the access for loads and stores) in bits.
  package let bits: Int
  package let encodings: [(byte: UInt8, feature: VersionFeature)]
  package let immediate: ImmediateForm
  package let rule: VerifierRule

  /// The encoding byte in `version`, or nil where that version has no such instruction.
  package func encoding(in version: SBPFVersion) -> UInt8? {
    encodings.first { $0.feature.holds(in: version) }?.byte
  }
}

/// What loops over whole programs need of a row: no names, no encodings, nothing to retain.
struct OpcodeShape {
  /// How much a loop has to look at the instruction.
  enum Look: UInt8 {
    /// Not beyond its registers and the limit of its immediate.
    case plain
    case jump
    /// At everything.
    case close
  }

  let opcode: Opcode
  let form: OperandForm
  let opcodeClass: OpcodeClass
  let bits: UInt8
  let immediate: ImmediateForm
  let rule: VerifierRule
  let look: Look
  /// What the destination register is at most, but for what `look` and `rule` say of r10.
  let maxDestination: UInt8
  /// What the immediate's 32 bits, without their sign, are below.
  let immediateLimit: UInt64
  /// What remains of the sign-extended 32 bits.
  let immediateMask: Int64
}

/// One version's rows by encoding byte. A loop takes it once: each use of a static table checks that the
/// table is there.
struct OpcodeShapes {
  /// Bytes without a row have `wideHigh`'s: in a verified text they are second slots of constants.
  let byByte: UnsafePointer<OpcodeShape>
  /// By operation, whatever the version.
  let byOpcode: UnsafePointer<OpcodeShape>

  init(_ version: SBPFVersion) {
    byByte = OpcodeShapes.byVersionAndByte + version.ordinal * 256
    byOpcode = OpcodeShapes.rows
  }

  @inline(__always) func decoding(_ byte: UInt8) -> OpcodeShape? {
    let shape = byByte[Int(byte)]
    return shape.opcode == .wideHigh ? nil : shape
  }

  // Written once, never freed.
  nonisolated(unsafe) private static let rows: UnsafePointer<OpcodeShape> = {
    let rows = UnsafeMutablePointer<OpcodeShape>.allocate(capacity: Opcode.table.count)
    for (index, facts) in Opcode.table.enumerated() { (rows + index).initialize(to: facts.shape) }
    return UnsafePointer(rows)
  }()

  nonisolated(unsafe) private static let byVersionAndByte: UnsafePointer<OpcodeShape> = {
    let table = UnsafeMutablePointer<OpcodeShape>.allocate(capacity: SBPFVersion.allCases.count * 256)
    table.initialize(repeating: Opcode.wideHigh.facts.shape, count: SBPFVersion.allCases.count * 256)
    for facts in Opcode.table {
      for version in SBPFVersion.allCases {
        guard let byte = facts.encoding(in: version) else { continue }
        table[version.ordinal * 256 + Int(byte)] = facts.shape
      }
    }
    return UnsafePointer(table)
  }()
}

extension OpcodeFacts {
  fileprivate var shape: OpcodeShape {
    // Stack frames' alignment is a matter of r10, which is above what is common.
    let isPlain = [.none, .shift, .stackFrameAlignment].contains(rule)
    let look: OpcodeShape.Look =
      rule == .jump ? .jump : isPlain && ![.call, .internal].contains(opcodeClass) ? .plain : .close
    let mask: Int64 =
      switch immediate {
      case .none: 0
      case .zeroExtended: 0xffff_ffff
      case .signExtended, .wide: -1
      }
    return OpcodeShape(
      opcode: opcode, form: form, opcodeClass: opcodeClass, bits: UInt8(clamping: bits), immediate: immediate,
      rule: rule, look: look, maxDestination: opcodeClass == .store ? 10 : 9,
      immediateLimit: rule == .shift ? UInt64(bits) : 1 << 32, immediateMask: mask)
  }
}

extension Opcode {
  package var facts: OpcodeFacts { Opcode.table[Int(rawValue)] }

  /// The operation that `byte` encodes in `version`.
  package static func decoding(_ byte: UInt8, in version: SBPFVersion) -> Opcode? {
    decodingTables[version.ordinal][Int(byte)]
  }

  private static let decodingTables: [[Opcode?]] = SBPFVersion.allCases.map { version in
    var operations = [Opcode?](repeating: nil, count: 256)
    for facts in table {
      guard let byte = facts.encoding(in: version) else { continue }
      operations[Int(byte)] = facts.opcode
    }
    return operations
  }

  private static func row(
    _ opcode: Opcode, _ mnemonic: String, _ form: OperandForm, _ opcodeClass: OpcodeClass, _ bits: Int,
    _ encodings: KeyValuePairs<UInt8, VersionFeature>, _ immediate: ImmediateForm = .none,
    check rule: VerifierRule = .none
  ) -> OpcodeFacts {
    OpcodeFacts(
      opcode: opcode, mnemonic: mnemonic, form: form, opcodeClass: opcodeClass, bits: bits,
      encodings: encodings.map { (byte: $0.key, feature: $0.value) }, immediate: immediate, rule: rule)
  }

  private static func wideRow(
    _ opcode: Opcode, _ mnemonic: String, _ form: OperandForm, _ byte: UInt8,
    _ immediate: ImmediateForm = .signExtended
  ) -> OpcodeFacts {
    row(opcode, mnemonic, form, .wide, 256, [byte: .wide], immediate)
  }

  /// One row an operation, in the order of `Opcode`.
  package static let table: [OpcodeFacts] = [
    // Loads and stores
    row(.ldxb, "ldxb", .load, .load, 8, [0x71: .classicMemory, 0x2c: .movedMemory]),
    row(.stb, "stb", .storeImmediate, .store, 8, [0x72: .classicMemory, 0x27: .movedMemory], .signExtended),
    row(.stxb, "stxb", .storeRegister, .store, 8, [0x73: .classicMemory, 0x2f: .movedMemory]),
    row(.ldxh, "ldxh", .load, .load, 16, [0x69: .classicMemory, 0x3c: .movedMemory]),
    row(.sth, "sth", .storeImmediate, .store, 16, [0x6a: .classicMemory, 0x37: .movedMemory], .signExtended),
    row(.stxh, "stxh", .storeRegister, .store, 16, [0x6b: .classicMemory, 0x3f: .movedMemory]),
    row(.ldxw, "ldxw", .load, .load, 32, [0x61: .classicMemory, 0x8c: .movedMemory]),
    row(.stw, "stw", .storeImmediate, .store, 32, [0x62: .classicMemory, 0x87: .movedMemory], .signExtended),
    row(.stxw, "stxw", .storeRegister, .store, 32, [0x63: .classicMemory, 0x8f: .movedMemory]),
    row(.ldxdw, "ldxdw", .load, .load, 64, [0x79: .classicMemory, 0x9c: .movedMemory]),
    row(
      .stdw, "stdw", .storeImmediate, .store, 64,
      [0x7a: .classicMemory, 0x97: .movedMemory], .signExtended),
    row(.stxdw, "stxdw", .storeRegister, .store, 64, [0x7b: .classicMemory, 0x9f: .movedMemory]),
    row(.lddw, "lddw", .wideImmediate, .alu, 64, [0x18: .wideLoad], .wide, check: .wideLoad),
    // 64-bit arithmetic
    row(
      .add64Imm, "add64", .registerImmediate, .alu, 64,
      [0x07: .classic], .signExtended, check: .stackFrameAlignment),
    row(.add64Reg, "add64", .registers, .alu, 64, [0x0f: .classic]),
    row(.sub64Imm, "sub64", .registerImmediate, .alu, 64, [0x17: .plainSubtract], .signExtended),
    row(.reverseSub64Imm, "sub64", .registerImmediate, .alu, 64, [0x17: .swappedSubtract], .signExtended),
    row(.sub64Reg, "sub64", .registers, .alu, 64, [0x1f: .classic]),
    row(.mul64Imm, "mul64", .registerImmediate, .alu, 64, [0x27: .noProductQuotient], .signExtended),
    row(.mul64Reg, "mul64", .registers, .alu, 64, [0x2f: .noProductQuotient]),
    row(
      .div64Imm, "div64", .registerImmediate, .alu, 64,
      [0x37: .noProductQuotient], .signExtended, check: .nonzero),
    row(.div64Reg, "div64", .registers, .alu, 64, [0x3f: .noProductQuotient]),
    row(.or64Imm, "or64", .registerImmediate, .alu, 64, [0x47: .classic], .signExtended),
    row(.or64Reg, "or64", .registers, .alu, 64, [0x4f: .classic]),
    row(.and64Imm, "and64", .registerImmediate, .alu, 64, [0x57: .classic], .signExtended),
    row(.and64Reg, "and64", .registers, .alu, 64, [0x5f: .classic]),
    row(.lsh64Imm, "lsh64", .registerImmediate, .alu, 64, [0x67: .classic], .signExtended, check: .shift),
    row(.lsh64Reg, "lsh64", .registers, .alu, 64, [0x6f: .classic]),
    row(.rsh64Imm, "rsh64", .registerImmediate, .alu, 64, [0x77: .classic], .signExtended, check: .shift),
    row(.rsh64Reg, "rsh64", .registers, .alu, 64, [0x7f: .classic]),
    row(
      .mod64Imm, "mod64", .registerImmediate, .alu, 64,
      [0x97: .noProductQuotient], .signExtended, check: .nonzero),
    row(.mod64Reg, "mod64", .registers, .alu, 64, [0x9f: .noProductQuotient]),
    row(.xor64Imm, "xor64", .registerImmediate, .alu, 64, [0xa7: .classic], .signExtended),
    row(.xor64Reg, "xor64", .registers, .alu, 64, [0xaf: .classic]),
    row(.mov64Imm, "mov64", .registerImmediate, .alu, 64, [0xb7: .classic], .signExtended),
    row(.mov64Reg, "mov64", .registers, .alu, 64, [0xbf: .classic]),
    row(.arsh64Imm, "arsh64", .registerImmediate, .alu, 64, [0xc7: .classic], .signExtended, check: .shift),
    row(.arsh64Reg, "arsh64", .registers, .alu, 64, [0xcf: .classic]),
    row(.neg64, "neg64", .register, .alu, 64, [0x87: .negate]),
    row(
      .hor64Imm, "hor64", .registerImmediate, .alu, 64,
      [0xf7: .noWideLoad], .signExtended, check: .highHalf),
    // 32-bit arithmetic; the rows named Zx and Sx are what one version computes differently
    row(.add32Imm, "add32", .registerImmediate, .alu, 32, [0x04: .signExtends32], .signExtended),
    row(.add32ZxImm, "add32", .registerImmediate, .alu, 32, [0x04: .zeroExtends32], .signExtended),
    row(.add32Reg, "add32", .registers, .alu, 32, [0x0c: .signExtends32]),
    row(.add32ZxReg, "add32", .registers, .alu, 32, [0x0c: .zeroExtends32]),
    row(.sub32Imm, "sub32", .registerImmediate, .alu, 32, [0x14: .signExtends32], .signExtended),
    row(.reverseSub32ZxImm, "sub32", .registerImmediate, .alu, 32, [0x14: .zeroExtends32], .signExtended),
    row(.sub32Reg, "sub32", .registers, .alu, 32, [0x1c: .signExtends32]),
    row(.sub32ZxReg, "sub32", .registers, .alu, 32, [0x1c: .zeroExtends32]),
    row(.mul32Imm, "mul32", .registerImmediate, .alu, 32, [0x24: .noProductQuotient], .signExtended),
    row(.mul32Reg, "mul32", .registers, .alu, 32, [0x2c: .noProductQuotient]),
    row(
      .div32Imm, "div32", .registerImmediate, .alu, 32,
      [0x34: .noProductQuotient], .signExtended, check: .nonzero),
    row(.div32Reg, "div32", .registers, .alu, 32, [0x3c: .noProductQuotient]),
    row(.or32Imm, "or32", .registerImmediate, .alu, 32, [0x44: .classic], .signExtended),
    row(.or32Reg, "or32", .registers, .alu, 32, [0x4c: .classic]),
    row(.and32Imm, "and32", .registerImmediate, .alu, 32, [0x54: .classic], .signExtended),
    row(.and32Reg, "and32", .registers, .alu, 32, [0x5c: .classic]),
    row(.lsh32Imm, "lsh32", .registerImmediate, .alu, 32, [0x64: .classic], .signExtended, check: .shift),
    row(.lsh32Reg, "lsh32", .registers, .alu, 32, [0x6c: .classic]),
    row(.rsh32Imm, "rsh32", .registerImmediate, .alu, 32, [0x74: .classic], .signExtended, check: .shift),
    row(.rsh32Reg, "rsh32", .registers, .alu, 32, [0x7c: .classic]),
    row(
      .mod32Imm, "mod32", .registerImmediate, .alu, 32,
      [0x94: .noProductQuotient], .signExtended, check: .nonzero),
    row(.mod32Reg, "mod32", .registers, .alu, 32, [0x9c: .noProductQuotient]),
    row(.xor32Imm, "xor32", .registerImmediate, .alu, 32, [0xa4: .classic], .signExtended),
    row(.xor32Reg, "xor32", .registers, .alu, 32, [0xac: .classic]),
    row(.mov32Imm, "mov32", .registerImmediate, .alu, 32, [0xb4: .classic], .signExtended),
    row(.mov32Reg, "mov32", .registers, .alu, 32, [0xbc: .signExtends32]),
    row(.mov32SxReg, "mov32", .registers, .alu, 32, [0xbc: .zeroExtends32]),
    row(.arsh32Imm, "arsh32", .registerImmediate, .alu, 32, [0xc4: .classic], .signExtended, check: .shift),
    row(.arsh32Reg, "arsh32", .registers, .alu, 32, [0xcc: .classic]),
    row(.neg32, "neg32", .register, .alu, 32, [0x84: .negate]),
    row(.le, "le", .byteOrder, .alu, 64, [0xd4: .littleEndian], .signExtended, check: .byteOrder),
    row(.be, "be", .byteOrder, .alu, 64, [0xdc: .classic], .signExtended, check: .byteOrder),
    // Products, quotients and remainders (class 0x06 where there are no 32-bit jumps)
    row(.uhmul64Imm, "uhmul64", .registerImmediate, .alu, 64, [0x36: .productQuotient], .zeroExtended),
    row(.uhmul64Reg, "uhmul64", .registers, .alu, 64, [0x3e: .productQuotient]),
    row(
      .udiv32Imm, "udiv32", .registerImmediate, .alu, 32,
      [0x46: .productQuotient], .signExtended, check: .nonzero),
    row(.udiv32Reg, "udiv32", .registers, .alu, 32, [0x4e: .productQuotient]),
    row(
      .udiv64Imm, "udiv64", .registerImmediate, .alu, 64,
      [0x56: .productQuotient], .zeroExtended, check: .nonzero),
    row(.udiv64Reg, "udiv64", .registers, .alu, 64, [0x5e: .productQuotient]),
    row(
      .urem32Imm, "urem32", .registerImmediate, .alu, 32,
      [0x66: .productQuotient], .signExtended, check: .nonzero),
    row(.urem32Reg, "urem32", .registers, .alu, 32, [0x6e: .productQuotient]),
    row(
      .urem64Imm, "urem64", .registerImmediate, .alu, 64,
      [0x76: .productQuotient], .zeroExtended, check: .nonzero),
    row(.urem64Reg, "urem64", .registers, .alu, 64, [0x7e: .productQuotient]),
    row(.lmul32Imm, "lmul32", .registerImmediate, .alu, 32, [0x86: .productQuotient], .signExtended),
    row(.lmul32Reg, "lmul32", .registers, .alu, 32, [0x8e: .productQuotient]),
    row(.lmul64Imm, "lmul64", .registerImmediate, .alu, 64, [0x96: .productQuotient], .signExtended),
    row(.lmul64Reg, "lmul64", .registers, .alu, 64, [0x9e: .productQuotient]),
    row(.shmul64Imm, "shmul64", .registerImmediate, .alu, 64, [0xb6: .productQuotient], .signExtended),
    row(.shmul64Reg, "shmul64", .registers, .alu, 64, [0xbe: .productQuotient]),
    row(
      .sdiv32Imm, "sdiv32", .registerImmediate, .alu, 32,
      [0xc6: .productQuotient], .signExtended, check: .nonzero),
    row(.sdiv32Reg, "sdiv32", .registers, .alu, 32, [0xce: .productQuotient]),
    row(
      .sdiv64Imm, "sdiv64", .registerImmediate, .alu, 64,
      [0xd6: .productQuotient], .signExtended, check: .nonzero),
    row(.sdiv64Reg, "sdiv64", .registers, .alu, 64, [0xde: .productQuotient]),
    row(
      .srem32Imm, "srem32", .registerImmediate, .alu, 32,
      [0xe6: .productQuotient], .signExtended, check: .nonzero),
    row(.srem32Reg, "srem32", .registers, .alu, 32, [0xee: .productQuotient]),
    row(
      .srem64Imm, "srem64", .registerImmediate, .alu, 64,
      [0xf6: .productQuotient], .signExtended, check: .nonzero),
    row(.srem64Reg, "srem64", .registers, .alu, 64, [0xfe: .productQuotient]),
    // Jumps
    row(.ja, "ja", .jump, .jump, 64, [0x05: .always], check: .jump),
    row(.jeqImm, "jeq", .jumpImmediate, .jump, 64, [0x15: .classic], .signExtended, check: .jump),
    row(.jeqReg, "jeq", .jumpRegisters, .jump, 64, [0x1d: .classic], check: .jump),
    row(.jgtImm, "jgt", .jumpImmediate, .jump, 64, [0x25: .classic], .signExtended, check: .jump),
    row(.jgtReg, "jgt", .jumpRegisters, .jump, 64, [0x2d: .classic], check: .jump),
    row(.jgeImm, "jge", .jumpImmediate, .jump, 64, [0x35: .classic], .signExtended, check: .jump),
    row(.jgeReg, "jge", .jumpRegisters, .jump, 64, [0x3d: .classic], check: .jump),
    row(.jsetImm, "jset", .jumpImmediate, .jump, 64, [0x45: .classic], .signExtended, check: .jump),
    row(.jsetReg, "jset", .jumpRegisters, .jump, 64, [0x4d: .classic], check: .jump),
    row(.jneImm, "jne", .jumpImmediate, .jump, 64, [0x55: .classic], .signExtended, check: .jump),
    row(.jneReg, "jne", .jumpRegisters, .jump, 64, [0x5d: .classic], check: .jump),
    row(.jsgtImm, "jsgt", .jumpImmediate, .jump, 64, [0x65: .classic], .signExtended, check: .jump),
    row(.jsgtReg, "jsgt", .jumpRegisters, .jump, 64, [0x6d: .classic], check: .jump),
    row(.jsgeImm, "jsge", .jumpImmediate, .jump, 64, [0x75: .classic], .signExtended, check: .jump),
    row(.jsgeReg, "jsge", .jumpRegisters, .jump, 64, [0x7d: .classic], check: .jump),
    row(.jltImm, "jlt", .jumpImmediate, .jump, 64, [0xa5: .classic], .signExtended, check: .jump),
    row(.jltReg, "jlt", .jumpRegisters, .jump, 64, [0xad: .classic], check: .jump),
    row(.jleImm, "jle", .jumpImmediate, .jump, 64, [0xb5: .classic], .signExtended, check: .jump),
    row(.jleReg, "jle", .jumpRegisters, .jump, 64, [0xbd: .classic], check: .jump),
    row(.jsltImm, "jslt", .jumpImmediate, .jump, 64, [0xc5: .classic], .signExtended, check: .jump),
    row(.jsltReg, "jslt", .jumpRegisters, .jump, 64, [0xcd: .classic], check: .jump),
    row(.jsleImm, "jsle", .jumpImmediate, .jump, 64, [0xd5: .classic], .signExtended, check: .jump),
    row(.jsleReg, "jsle", .jumpRegisters, .jump, 64, [0xdd: .classic], check: .jump),
    row(.jeq32Imm, "jeq32", .jumpImmediate, .jump, 32, [0x16: .jump32], .signExtended, check: .jump),
    row(.jeq32Reg, "jeq32", .jumpRegisters, .jump, 32, [0x1e: .jump32], check: .jump),
    row(.jgt32Imm, "jgt32", .jumpImmediate, .jump, 32, [0x26: .jump32], .signExtended, check: .jump),
    row(.jgt32Reg, "jgt32", .jumpRegisters, .jump, 32, [0x2e: .jump32], check: .jump),
    row(.jge32Imm, "jge32", .jumpImmediate, .jump, 32, [0x36: .jump32], .signExtended, check: .jump),
    row(.jge32Reg, "jge32", .jumpRegisters, .jump, 32, [0x3e: .jump32], check: .jump),
    row(.jset32Imm, "jset32", .jumpImmediate, .jump, 32, [0x46: .jump32], .signExtended, check: .jump),
    row(.jset32Reg, "jset32", .jumpRegisters, .jump, 32, [0x4e: .jump32], check: .jump),
    row(.jne32Imm, "jne32", .jumpImmediate, .jump, 32, [0x56: .jump32], .signExtended, check: .jump),
    row(.jne32Reg, "jne32", .jumpRegisters, .jump, 32, [0x5e: .jump32], check: .jump),
    row(.jsgt32Imm, "jsgt32", .jumpImmediate, .jump, 32, [0x66: .jump32], .signExtended, check: .jump),
    row(.jsgt32Reg, "jsgt32", .jumpRegisters, .jump, 32, [0x6e: .jump32], check: .jump),
    row(.jsge32Imm, "jsge32", .jumpImmediate, .jump, 32, [0x76: .jump32], .signExtended, check: .jump),
    row(.jsge32Reg, "jsge32", .jumpRegisters, .jump, 32, [0x7e: .jump32], check: .jump),
    row(.jlt32Imm, "jlt32", .jumpImmediate, .jump, 32, [0xa6: .jump32], .signExtended, check: .jump),
    row(.jlt32Reg, "jlt32", .jumpRegisters, .jump, 32, [0xae: .jump32], check: .jump),
    row(.jle32Imm, "jle32", .jumpImmediate, .jump, 32, [0xb6: .jump32], .signExtended, check: .jump),
    row(.jle32Reg, "jle32", .jumpRegisters, .jump, 32, [0xbe: .jump32], check: .jump),
    row(.jslt32Imm, "jslt32", .jumpImmediate, .jump, 32, [0xc6: .jump32], .signExtended, check: .jump),
    row(.jslt32Reg, "jslt32", .jumpRegisters, .jump, 32, [0xce: .jump32], check: .jump),
    row(.jsle32Imm, "jsle32", .jumpImmediate, .jump, 32, [0xd6: .jump32], .signExtended, check: .jump),
    row(.jsle32Reg, "jsle32", .jumpRegisters, .jump, 32, [0xde: .jump32], check: .jump),
    // Calls
    row(.call, "call", .call, .call, 64, [0x85: .classic], .signExtended),
    row(.callx, "callx", .callRegister, .call, 64, [0x8d: .classic], .signExtended, check: .callRegister),
    row(.exit, "exit", .bare, .call, 64, [0x95: .always]),
    // What `call` becomes once its target is known, and slots that are no instruction
    row(.callInternal, "call", .none, .internal, 64, [:]),
    row(.callSyscall, "syscall", .none, .internal, 64, [:]),
    row(.callUnresolved, "call", .none, .internal, 64, [:]),
    row(.wideHigh, "", .none, .internal, 64, [:]),
    row(.textEnd, "", .none, .internal, 64, [:]),
    // The wide family
    wideRow(.wmov, "wmov", .wideUnary, 0x20),
    wideRow(.wadd, "wadd", .wideBinary, 0x21),
    wideRow(.wsub, "wsub", .wideBinary, 0x22),
    wideRow(.wmul, "wmul", .wideBinary, 0x23),
    wideRow(.wdiv, "wdiv", .wideBinary, 0x24),
    wideRow(.wsdiv, "wsdiv", .wideBinary, 0x25),
    wideRow(.wmod, "wmod", .wideBinary, 0x26),
    wideRow(.wsmod, "wsmod", .wideBinary, 0x27),
    wideRow(.waddmod, "waddmod", .wideBinary, 0x28),
    wideRow(.wmulmod, "wmulmod", .wideBinary, 0x29),
    wideRow(.wexp, "wexp", .wideBinary, 0x2a),
    wideRow(.wsignext, "wsignext", .wideBinary, 0x2b),
    wideRow(.wbyte, "wbyte", .wideBinary, 0x2c),
    wideRow(.wand, "wand", .wideBinary, 0x2d),
    wideRow(.wor, "wor", .wideBinary, 0x2e),
    wideRow(.wxor, "wxor", .wideBinary, 0x2f),
    wideRow(.wnot, "wnot", .wideUnary, 0x30),
    wideRow(.wclz, "wclz", .wideUnary, 0x31),
    wideRow(.wshl, "wshl", .wideBinary, 0x32),
    wideRow(.wshr, "wshr", .wideBinary, 0x33),
    wideRow(.wsar, "wsar", .wideBinary, 0x34),
    wideRow(.weq, "weq", .wideBinary, 0x35),
    wideRow(.wlt, "wlt", .wideBinary, 0x36),
    wideRow(.wslt, "wslt", .wideBinary, 0x37),
    wideRow(.wiszero, "wiszero", .wideUnary, 0x38),
    wideRow(.wjz, "wjz", .wideJumpUnary, 0x39),
    wideRow(.wjnz, "wjnz", .wideJumpUnary, 0x3a),
    wideRow(.wjeq, "wjeq", .wideJumpBinary, 0x3b),
    wideRow(.wjne, "wjne", .wideJumpBinary, 0x3c),
    wideRow(.wjlt, "wjlt", .wideJumpBinary, 0x3d),
    wideRow(.wjge, "wjge", .wideJumpBinary, 0x3e),
    wideRow(.wjslt, "wjslt", .wideJumpBinary, 0x3f),
    wideRow(.wjsge, "wjsge", .wideJumpBinary, 0x40),
    wideRow(.wja, "wja", .wideJumpLong, 0x41),
    wideRow(.wjump, "wjump", .wideJumpDynamic, 0x42),
    wideRow(.wload, "wload", .wideUnary, 0x43),
    wideRow(.wstore, "wstore", .wideStore, 0x44),
    wideRow(.wstore8, "wstore8", .wideStore, 0x45),
    wideRow(.winput, "winput", .wideUnary, 0x46),
    wideRow(.winputsize, "winputsize", .wideResult, 0x47),
    wideRow(.wmemsize, "wmemsize", .wideResult, 0x48),
    wideRow(.wgas, "wgas", .wideResult, 0x49),
    wideRow(.wcharge, "wcharge", .wideNumber, 0x4a, .zeroExtended),
    wideRow(.wstack, "wstack", .wideStack, 0x4b),
    wideRow(.wadjust, "wadjust", .wideNumber, 0x4c),
    wideRow(.wsys, "wsys", .wideHook, 0x4d),
    wideRow(.winvalid, "winvalid", .bare, 0x4e),
  ]
}
