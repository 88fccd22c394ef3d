// The checks every program passes before it runs, in the reference's order (https://github.com/anza-xyz/sbpf,
// verifier.rs), so that the first error found is the same. After it: every slot decodes, registers exist,
// jumps land on an instruction, constant shifts and divisors are defined, and only `add64 r10, imm` of the
// versions with manual stack frames writes r10.

package enum Verifier {
  /// Checks the code of `image`, whatever its version.
  package static func verify(_ image: ProgramImage) throws(VerifierError) {
    if image.version.hasWideInstructions {
      try WideVerifier.verify(image)
    } else {
      try verify(text: image.text, version: image.version)
    }
  }

  package static func verify(text: [UInt8], version: SBPFVersion) throws(VerifierError) {
    guard text.count % EncodedInsn.byteCount == 0 else { throw .programLengthNotMultiple }
    guard !text.isEmpty else { throw .noProgram }
    let slots = EncodedInsn.slots(of: text)
    let shapes = OpcodeShapes(version)
    var pc = 0
    while pc < slots.count {
      let slot = slots[pc]
      guard let facts = shapes.decoding(slot.opcode) else {
        throw .unknownOpcode(byte: slot.opcode, pc: pc)
      }
      try check(facts, slot: slot, pc: pc, slots: slots, version: version)
      // The reference has moved on to the second slot by the time it looks at the registers.
      if facts.form == .wideImmediate { pc += 1 }
      try checkRegisters(facts, slot: slot, pc: pc, version: version)
      pc += 1
    }
  }

  private static func check(
    _ facts: OpcodeShape, slot: EncodedInsn, pc: Int, slots: [EncodedInsn], version: SBPFVersion
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
      guard [16, 32, 64].contains(slot.immediate) else { throw .unsupportedByteOrderArgument(pc: pc) }
    case .jump:
      let target = pc + 1 + Int(slot.offset)
      guard slots.indices.contains(target) else { throw .jumpOutOfCode(target: target, pc: pc) }
      guard slots[target].opcode != 0 else { throw .jumpToMiddleOfWideLoad(target: target, pc: pc) }
    case .callRegister:
      let register =
        version.callxUsesSourceField
        ? Int(slot.source) : version.callxUsesDestinationField ? Int(slot.destination) : Int(slot.immediate)
      guard (0..<10).contains(register) else { throw .invalidRegister(pc: pc) }
    case .wideLoad:
      guard pc + 1 < slots.count else { throw .wideLoadCannotBeLast }
      guard slots[pc + 1].opcode == 0 else { throw .incompleteWideLoad(pc: pc) }
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
