// The facts about every operation, in one table: decoder, verifier, assembler, disassembler, interpreters and
// (later) machine code read it, and OpcodeTableTests proves it. A row is
//
//   operation, mnemonic, operands, class, operand width in bits, [encoding byte: the versions that have it],
//   how the 32-bit immediate becomes 64 bits, what the verifier checks beyond registers.
//
// Encodings: eBPF's (RFC 9669) with Solana's changes (SIMD-0173, SIMD-0174, SIMD-0178, SIMD-0377; where a
// text and https://github.com/anza-xyz/sbpf differ, the code holds). Rows without an encoding are made by the
// decoder. Every instruction costs one compute unit. A second family of instructions would be more rows with
// a feature of their own.

/// Which versions have an encoding.
package enum VersionFeature: UInt8, Sendable {
  case always, classicMemory, movedMemory, wideLoad, noWideLoad, productQuotient, noProductQuotient,
    plainSubtract,
    swappedSubtract, signExtends32, zeroExtends32, negate, littleEndian, jump32

  package func holds(in version: SBPFVersion) -> Bool {
    switch self {
    case .always: true
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
  /// Not written by people.
  case none
}

package enum OpcodeClass: UInt8, Sendable { case load, store, alu, jump, call, `internal` }

/// How the instruction's 32 bits become the operand.
package enum ImmediateForm: UInt8, Sendable { case none, signExtended, zeroExtended, wide }

/// What the verifier checks beyond the encoding and the register fields.
package enum VerifierRule: UInt8, Sendable {
  case none, nonzero, shift, byteOrder, jump, callRegister, wideLoad, stackFrameAlignment
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
  let opcode: Opcode
  let form: OperandForm
  let opcodeClass: OpcodeClass
  let bits: UInt8
  let immediate: ImmediateForm
  let rule: VerifierRule
}

/// One version's rows by encoding byte. A loop takes it once: each use of a static table checks that the
/// table is there.
struct OpcodeShapes {
  private let byByte: UnsafePointer<OpcodeShape?>
  /// By operation, whatever the version.
  let byOpcode: UnsafePointer<OpcodeShape>

  init(_ version: SBPFVersion) {
    byByte = OpcodeShapes.byVersionAndByte + Int(version.rawValue) * 256
    byOpcode = OpcodeShapes.rows
  }

  @inline(__always) func decoding(_ byte: UInt8) -> OpcodeShape? { byByte[Int(byte)] }

  // Written once, never freed.
  nonisolated(unsafe) private static let rows: UnsafePointer<OpcodeShape> = {
    let rows = UnsafeMutablePointer<OpcodeShape>.allocate(capacity: Opcode.table.count)
    for (index, facts) in Opcode.table.enumerated() { (rows + index).initialize(to: facts.shape) }
    return UnsafePointer(rows)
  }()

  nonisolated(unsafe) private static let byVersionAndByte: UnsafePointer<OpcodeShape?> = {
    let shapes = SBPFVersion.allCases.flatMap { version in
      (UInt8.min...UInt8.max).map { Opcode.decoding($0, in: version)?.facts.shape }
    }
    let table = UnsafeMutablePointer<OpcodeShape?>.allocate(capacity: shapes.count)
    for (index, shape) in shapes.enumerated() { (table + index).initialize(to: shape) }
    return UnsafePointer(table)
  }()
}

extension OpcodeFacts {
  fileprivate var shape: OpcodeShape {
    OpcodeShape(
      opcode: opcode, form: form, opcodeClass: opcodeClass, bits: UInt8(bits), immediate: immediate,
      rule: rule)
  }
}

extension Opcode {
  package var facts: OpcodeFacts { Opcode.table[Int(rawValue)] }

  /// The operation that `byte` encodes in `version`.
  package static func decoding(_ byte: UInt8, in version: SBPFVersion) -> Opcode? {
    decodingTables[Int(version.rawValue)][Int(byte)]
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
      [0x07: .always], .signExtended, check: .stackFrameAlignment),
    row(.add64Reg, "add64", .registers, .alu, 64, [0x0f: .always]),
    row(.sub64Imm, "sub64", .registerImmediate, .alu, 64, [0x17: .plainSubtract], .signExtended),
    row(.reverseSub64Imm, "sub64", .registerImmediate, .alu, 64, [0x17: .swappedSubtract], .signExtended),
    row(.sub64Reg, "sub64", .registers, .alu, 64, [0x1f: .always]),
    row(.mul64Imm, "mul64", .registerImmediate, .alu, 64, [0x27: .noProductQuotient], .signExtended),
    row(.mul64Reg, "mul64", .registers, .alu, 64, [0x2f: .noProductQuotient]),
    row(
      .div64Imm, "div64", .registerImmediate, .alu, 64,
      [0x37: .noProductQuotient], .signExtended, check: .nonzero),
    row(.div64Reg, "div64", .registers, .alu, 64, [0x3f: .noProductQuotient]),
    row(.or64Imm, "or64", .registerImmediate, .alu, 64, [0x47: .always], .signExtended),
    row(.or64Reg, "or64", .registers, .alu, 64, [0x4f: .always]),
    row(.and64Imm, "and64", .registerImmediate, .alu, 64, [0x57: .always], .signExtended),
    row(.and64Reg, "and64", .registers, .alu, 64, [0x5f: .always]),
    row(.lsh64Imm, "lsh64", .registerImmediate, .alu, 64, [0x67: .always], .signExtended, check: .shift),
    row(.lsh64Reg, "lsh64", .registers, .alu, 64, [0x6f: .always]),
    row(.rsh64Imm, "rsh64", .registerImmediate, .alu, 64, [0x77: .always], .signExtended, check: .shift),
    row(.rsh64Reg, "rsh64", .registers, .alu, 64, [0x7f: .always]),
    row(
      .mod64Imm, "mod64", .registerImmediate, .alu, 64,
      [0x97: .noProductQuotient], .signExtended, check: .nonzero),
    row(.mod64Reg, "mod64", .registers, .alu, 64, [0x9f: .noProductQuotient]),
    row(.xor64Imm, "xor64", .registerImmediate, .alu, 64, [0xa7: .always], .signExtended),
    row(.xor64Reg, "xor64", .registers, .alu, 64, [0xaf: .always]),
    row(.mov64Imm, "mov64", .registerImmediate, .alu, 64, [0xb7: .always], .signExtended),
    row(.mov64Reg, "mov64", .registers, .alu, 64, [0xbf: .always]),
    row(.arsh64Imm, "arsh64", .registerImmediate, .alu, 64, [0xc7: .always], .signExtended, check: .shift),
    row(.arsh64Reg, "arsh64", .registers, .alu, 64, [0xcf: .always]),
    row(.neg64, "neg64", .register, .alu, 64, [0x87: .negate]),
    row(.hor64Imm, "hor64", .registerImmediate, .alu, 64, [0xf7: .noWideLoad], .signExtended),
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
    row(.or32Imm, "or32", .registerImmediate, .alu, 32, [0x44: .always], .signExtended),
    row(.or32Reg, "or32", .registers, .alu, 32, [0x4c: .always]),
    row(.and32Imm, "and32", .registerImmediate, .alu, 32, [0x54: .always], .signExtended),
    row(.and32Reg, "and32", .registers, .alu, 32, [0x5c: .always]),
    row(.lsh32Imm, "lsh32", .registerImmediate, .alu, 32, [0x64: .always], .signExtended, check: .shift),
    row(.lsh32Reg, "lsh32", .registers, .alu, 32, [0x6c: .always]),
    row(.rsh32Imm, "rsh32", .registerImmediate, .alu, 32, [0x74: .always], .signExtended, check: .shift),
    row(.rsh32Reg, "rsh32", .registers, .alu, 32, [0x7c: .always]),
    row(
      .mod32Imm, "mod32", .registerImmediate, .alu, 32,
      [0x94: .noProductQuotient], .signExtended, check: .nonzero),
    row(.mod32Reg, "mod32", .registers, .alu, 32, [0x9c: .noProductQuotient]),
    row(.xor32Imm, "xor32", .registerImmediate, .alu, 32, [0xa4: .always], .signExtended),
    row(.xor32Reg, "xor32", .registers, .alu, 32, [0xac: .always]),
    row(.mov32Imm, "mov32", .registerImmediate, .alu, 32, [0xb4: .always], .signExtended),
    row(.mov32Reg, "mov32", .registers, .alu, 32, [0xbc: .signExtends32]),
    row(.mov32SxReg, "mov32", .registers, .alu, 32, [0xbc: .zeroExtends32]),
    row(.arsh32Imm, "arsh32", .registerImmediate, .alu, 32, [0xc4: .always], .signExtended, check: .shift),
    row(.arsh32Reg, "arsh32", .registers, .alu, 32, [0xcc: .always]),
    row(.neg32, "neg32", .register, .alu, 32, [0x84: .negate]),
    row(.le, "le", .byteOrder, .alu, 64, [0xd4: .littleEndian], .signExtended, check: .byteOrder),
    row(.be, "be", .byteOrder, .alu, 64, [0xdc: .always], .signExtended, check: .byteOrder),
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
    row(.jeqImm, "jeq", .jumpImmediate, .jump, 64, [0x15: .always], .signExtended, check: .jump),
    row(.jeqReg, "jeq", .jumpRegisters, .jump, 64, [0x1d: .always], check: .jump),
    row(.jgtImm, "jgt", .jumpImmediate, .jump, 64, [0x25: .always], .signExtended, check: .jump),
    row(.jgtReg, "jgt", .jumpRegisters, .jump, 64, [0x2d: .always], check: .jump),
    row(.jgeImm, "jge", .jumpImmediate, .jump, 64, [0x35: .always], .signExtended, check: .jump),
    row(.jgeReg, "jge", .jumpRegisters, .jump, 64, [0x3d: .always], check: .jump),
    row(.jsetImm, "jset", .jumpImmediate, .jump, 64, [0x45: .always], .signExtended, check: .jump),
    row(.jsetReg, "jset", .jumpRegisters, .jump, 64, [0x4d: .always], check: .jump),
    row(.jneImm, "jne", .jumpImmediate, .jump, 64, [0x55: .always], .signExtended, check: .jump),
    row(.jneReg, "jne", .jumpRegisters, .jump, 64, [0x5d: .always], check: .jump),
    row(.jsgtImm, "jsgt", .jumpImmediate, .jump, 64, [0x65: .always], .signExtended, check: .jump),
    row(.jsgtReg, "jsgt", .jumpRegisters, .jump, 64, [0x6d: .always], check: .jump),
    row(.jsgeImm, "jsge", .jumpImmediate, .jump, 64, [0x75: .always], .signExtended, check: .jump),
    row(.jsgeReg, "jsge", .jumpRegisters, .jump, 64, [0x7d: .always], check: .jump),
    row(.jltImm, "jlt", .jumpImmediate, .jump, 64, [0xa5: .always], .signExtended, check: .jump),
    row(.jltReg, "jlt", .jumpRegisters, .jump, 64, [0xad: .always], check: .jump),
    row(.jleImm, "jle", .jumpImmediate, .jump, 64, [0xb5: .always], .signExtended, check: .jump),
    row(.jleReg, "jle", .jumpRegisters, .jump, 64, [0xbd: .always], check: .jump),
    row(.jsltImm, "jslt", .jumpImmediate, .jump, 64, [0xc5: .always], .signExtended, check: .jump),
    row(.jsltReg, "jslt", .jumpRegisters, .jump, 64, [0xcd: .always], check: .jump),
    row(.jsleImm, "jsle", .jumpImmediate, .jump, 64, [0xd5: .always], .signExtended, check: .jump),
    row(.jsleReg, "jsle", .jumpRegisters, .jump, 64, [0xdd: .always], check: .jump),
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
    row(.call, "call", .call, .call, 64, [0x85: .always], .signExtended),
    row(.callx, "callx", .callRegister, .call, 64, [0x8d: .always], .signExtended, check: .callRegister),
    row(.exit, "exit", .bare, .call, 64, [0x95: .always]),
    // What `call` becomes once its target is known, and slots that are no instruction
    row(.callInternal, "call", .none, .internal, 64, [:]),
    row(.callSyscall, "syscall", .none, .internal, 64, [:]),
    row(.callUnresolved, "call", .none, .internal, 64, [:]),
    row(.wideHigh, "", .none, .internal, 64, [:]),
    row(.textEnd, "", .none, .internal, 64, [:]),
  ]
}
