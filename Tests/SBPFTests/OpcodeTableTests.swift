// Proves the table: one row an operation, one operation a byte and version, and every reader of the table
// agrees.
import Primitives
import Testing

@testable import SBPF

@Suite struct OpcodeTableTests {
  @Test func rowsStandInTheOrderOfTheOperations() {
    #expect(Opcode.table.map(\.opcode) == Opcode.allCases)
  }

  @Test(arguments: SBPFVersion.allCases)
  func everyByteDecodesToOneRowOrNone(version: SBPFVersion) throws {
    for byte in UInt8.min...UInt8.max {
      let rows = Opcode.table.filter { facts in
        facts.encodings.contains { $0.byte == byte && $0.feature.holds(in: version) }
      }
      #expect(rows.count <= 1, "byte \(byte) in \(version)")
      #expect(Opcode.decoding(byte, in: version) == rows.first?.opcode)
      let isKnownToTheVerifier = verdict(on: byte, version) != .unknownOpcode(byte: byte, pc: 0)
      #expect(isKnownToTheVerifier == !rows.isEmpty, "byte \(byte) in \(version)")
    }
  }

  private func verdict(on byte: UInt8, _ version: SBPFVersion) -> VerifierError? {
    let slots = [EncodedInsn(opcode: byte), EncodedInsn(opcode: 0x95)]
    do {
      try Verifier.verify(text: EncodedInsn.bytes(of: slots), version: version)
      return nil
    } catch {
      return error
    }
  }

  @Test func everyOperationIsInSomeVersionOrMadeByTheDecoder() {
    for facts in Opcode.table {
      let isEncoded = SBPFVersion.allCases.contains { facts.encoding(in: $0) != nil }
      #expect(isEncoded == (facts.opcodeClass != .internal), "\(facts.opcode)")
      // A version has at most one byte for an operation.
      for version in SBPFVersion.allCases {
        #expect(facts.encodings.filter { $0.feature.holds(in: version) }.count <= 1)
      }
    }
  }

  @Test func theEncodingKeepsAllBits() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<1000 {
      let word = random.next()
      #expect(EncodedInsn(word: word).word == word)
    }
    #expect(MemoryLayout<Insn>.stride == 16)
    #expect(MemoryLayout<ThreadedInsn>.stride == ThreadedInsn.byteCount)
    #expect(MemoryLayout<MemoryRegion>.stride == 32)
  }

  /// 12 for memory, 26 jumps and calls; with `lddw`, 52 of arithmetic, or 38 and 24 products; 22 jumps more
  /// in v3.
  @Test(arguments: zip(SBPFVersion.classic, [91, 91, 100, 113]))
  func versionsHaveTheirNumberOfInstructions(version: SBPFVersion, count: Int) {
    #expect((UInt8.min...UInt8.max).count { Opcode.decoding($0, in: version) != nil } == count)
  }

  @Test(arguments: SBPFVersion.classic)
  func everyInstructionSurvivesDisassembly(version: SBPFVersion) throws {
    var random = SplitMix64(seed: 2)
    for facts in Opcode.table {
      guard let byte = facts.encoding(in: version) else { continue }
      for _ in 0..<20 {
        var slots = [
          EncodedInsn(
            opcode: byte, destination: .random(in: 0...15, using: &random),
            source: .random(in: 0...15, using: &random),
            offset: [Int16.random(in: -3...3, using: &random), .random(in: .min ... .max, using: &random)]
              .randomElement(using: &random)!,
            immediate: [0, 1, 16, 32, 64, .random(in: .min ... .max, using: &random)].randomElement(
              using: &random)!)
        ]
        if Bool.random(using: &random) { slots[0] = facts.canonical(slots[0], version: version) }
        slots.append(EncodedInsn(opcode: 0, immediate: .random(in: .min ... .max, using: &random)))
        slots.append(EncodedInsn(opcode: 0x95))
        let image = ProgramImage(version: version, text: EncodedInsn.bytes(of: slots))
        let text = Disassembler.disassemble(image)
        let again = try Assembler.assemble(text, version: version)
        #expect(again.text == image.text, "\(text)")
      }
    }
  }
}

extension OpcodeFacts {
  /// `slot` with the fields cleared that this operation does not use.
  func canonical(_ slot: EncodedInsn, version: SBPFVersion) -> EncodedInsn {
    if version.hasWideInstructions { return slot.canonicalWide(form) }
    var plain = EncodedInsn(opcode: slot.opcode)
    let (usesDestination, usesSource, usesOffset, usesImmediate) =
      switch form {
      case .register: (true, false, false, false)
      case .registerImmediate, .byteOrder, .wideImmediate: (true, false, false, true)
      case .registers: (true, true, false, false)
      case .load, .storeRegister, .jumpRegisters: (true, true, true, false)
      case .storeImmediate, .jumpImmediate: (true, false, true, true)
      case .jump: (false, false, true, false)
      case .call: (false, false, false, true)
      case .callRegister:
        (
          version.callxUsesDestinationField, version.callxUsesSourceField, false,
          !version.callxUsesDestinationField && !version.callxUsesSourceField
        )
      default: (false, false, false, false)
      }
    if usesDestination { plain.destination = slot.destination % 11 }
    if usesSource { plain.source = slot.source % 11 }
    if usesOffset { plain.offset = slot.offset }
    if usesImmediate { plain.immediate = form == .callRegister ? slot.immediate & 7 : slot.immediate }
    return plain
  }
}
