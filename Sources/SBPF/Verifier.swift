// The checks every program passes before it runs, in the reference's order (https://github.com/anza-xyz/sbpf,
// verifier.rs), so that the first error found is the same. After it: every slot decodes, registers exist,
// jumps land on an instruction, constant shifts and divisors are defined, and only `add64 r10, imm` of the
// versions with manual stack frames writes r10.

package enum Verifier {
  /// Checks the code of `image`, whatever its version.
  package static func verify(_ image: ProgramImage) throws(VerifierError) {
    try verify(image, map: TextMap(slotCount: image.slotCount, textAddress: image.textAddress))
  }

  /// - Parameter map: empty, for as many slots; the structure of a text without wide instructions is noted
  ///   there.
  static func verify(_ image: ProgramImage, map: TextMap) throws(VerifierError) {
    if image.version.hasWideInstructions {
      try WideVerifier.verify(image)
    } else {
      try verify(image.encodedText, version: image.version, map: map)
    }
  }

  package static func verify(text: [UInt8], version: SBPFVersion) throws(VerifierError) {
    let bytes = ProgramBytes(text)
    let map = TextMap(slotCount: text.count / EncodedInsn.byteCount, textAddress: 0)
    try verify(EncodedText(start: bytes.start, byteCount: bytes.count), version: version, map: map)
  }

  private static func verify(
    _ text: EncodedText, version: SBPFVersion, map: TextMap
  ) throws(VerifierError) {
    guard text.byteCount % EncodedInsn.byteCount == 0 else { throw .programLengthNotMultiple }
    guard text.byteCount > 0 else { throw .noProgram }
    let slotCount = text.slotCount
    let shapes = OpcodeShapes(version)
    var pc = 0
    while pc < slotCount {
      let slot = text[pc]
      let shape = shapes.byByte + Int(slot.opcode)
      let isCommon =
        slot.source <= 10 && slot.destination <= shape.pointee.maxDestination
        && UInt64(UInt32(bitPattern: slot.immediate)) < shape.pointee.immediateLimit
      if isCommon, shape.pointee.look == .plain {
        pc += 1
      } else if isCommon, shape.pointee.look == .jump {
        try checkJump(slot, pc: pc, text: text, map: map)
        pc += 1
      } else {
        pc += try checkClosely(slot, pc: pc, text: text, version: version, shapes: shapes, map: map)
      }
    }
  }

  /// All checks of one instruction; returns how many slots it takes.
  @inline(never) private static func checkClosely(
    _ slot: EncodedInsn, pc: Int, text: EncodedText, version: SBPFVersion, shapes: OpcodeShapes, map: TextMap
  ) throws(VerifierError) -> Int {
    guard let facts = shapes.decoding(slot.opcode) else {
      throw .unknownOpcode(byte: slot.opcode, pc: pc)
    }
    try check(facts, slot: slot, pc: pc, text: text, version: version, map: map)
    if facts.opcodeClass == .call { note(facts.opcode, pc: pc, map: map) }
    // The reference has moved on to the second slot by the time it looks at the registers.
    let slotCount = facts.form == .wideImmediate ? 2 : 1
    try checkRegisters(facts, slot: slot, pc: pc + slotCount - 1, version: version)
    return slotCount
  }

  private static func note(_ opcode: Opcode, pc: Int, map: TextMap) {
    switch opcode {
    case .call: map.addCall(pc)
    case .callx: map.addRegisterCall(pc)
    default: map.markBlock(pc + 1)
    }
  }

  @inline(__always) private static func checkJump(
    _ slot: EncodedInsn, pc: Int, text: EncodedText, map: TextMap
  ) throws(VerifierError) {
    let target = pc + 1 + Int(slot.offset)
    guard target >= 0, target < text.slotCount else { throw .jumpOutOfCode(target: target, pc: pc) }
    guard text.opcode(at: target) != 0 else { throw .jumpToMiddleOfWideLoad(target: target, pc: pc) }
    map.markBlock(pc + 1)
    map.markBlock(target)
  }

  private static func check(
    _ facts: OpcodeShape, slot: EncodedInsn, pc: Int, text: EncodedText, version: SBPFVersion, map: TextMap
  ) throws(VerifierError) {
    switch facts.rule {
    case .none: break
    case .nonzero:
      guard slot.immediate != 0 else { throw .divisionByZero(pc: pc) }
    case .shift:
      guard slot.immediate >= 0, slot.immediate < facts.bits else {
        let shift = UInt64(bitPattern: Int64(slot.immediate))
        throw .shiftWithOverflow(shift: shift, bits: UInt64(facts.bits), pc: pc)
      }
    case .byteOrder:
      guard slot.immediate == 16 || slot.immediate == 32 || slot.immediate == 64 else {
        throw .unsupportedByteOrderArgument(pc: pc)
      }
    case .jump: try checkJump(slot, pc: pc, text: text, map: map)
    case .callRegister:
      let register =
        version.callxUsesSourceField
        ? Int(slot.source) : version.callxUsesDestinationField ? Int(slot.destination) : Int(slot.immediate)
      guard (0..<10).contains(register) else { throw .invalidRegister(pc: pc) }
    case .wideLoad:
      guard pc + 1 < text.slotCount else { throw .wideLoadCannotBeLast }
      guard text.opcode(at: pc + 1) == 0 else { throw .incompleteWideLoad(pc: pc) }
      let low = UInt64(UInt32(bitPattern: slot.immediate))
      map.markAddress(UInt64(UInt32(bitPattern: text[pc + 1].immediate)) << 32 | low)
    case .highHalf:
      // A 64-bit constant of versions without `lddw`: `mov32` and `hor64`.
      guard pc > 0, text.opcode(at: pc - 1) == 0xb4 else { break }
      let low = UInt64(UInt32(bitPattern: text[pc - 1].immediate))
      map.markAddress(UInt64(UInt32(bitPattern: slot.immediate)) << 32 | low)
    case .stackFrameAlignment:
      guard slot.destination == 10, version.hasManualStackFrames else { break }
      guard slot.immediate % 64 == 0 else { throw .unalignedImmediate(pc: pc) }
    }
  }

  private static func checkRegisters(
    _ facts: OpcodeShape, slot: EncodedInsn, pc: Int, version: SBPFVersion
  ) throws(VerifierError) {
    guard slot.source <= 10 else { throw .invalidSourceRegister(pc: pc) }
    switch slot.destination {
    case 0...9: break
    case 10:
      let movesFrame = version.hasManualStackFrames && facts.opcode == .add64Imm
      guard facts.opcodeClass == .store || movesFrame else { throw .cannotWriteR10(pc: pc) }
    default: throw .invalidDestinationRegister(pc: pc)
    }
  }
}
