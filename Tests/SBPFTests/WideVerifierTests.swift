// Wide code that must not run, and code at the edges that may.
import Testing
import WideIntegers

@testable import SBPF

@Suite struct WideVerifierTests {
  private static let exit = EncodedInsn(opcode: 0x95)

  private func verdict(_ image: ProgramImage) -> VerifierError? {
    do {
      try Verifier.verify(image)
      return nil
    } catch {
      return error
    }
  }

  private func verdict(_ slots: [EncodedInsn], _ tables: WideTables? = WideTables()) -> VerifierError? {
    verdict(ProgramImage(version: .wide, text: EncodedInsn.bytes(of: slots), wide: tables))
  }

  @Test(
    arguments: [
      // Slots and constants.
      ("wstack 0, 0\n wnot w1023, w0\n exit", nil),
      ("wstack 0, 0\n wnot w1024, w0\n exit", .slotOutOfStack(slot: 1024, pc: 1)),
      ("wstack 2, 0\n wnot w-2, w0\n exit", nil),
      ("wstack 2, 0\n wnot w-3, w0\n exit", .slotOutOfStack(slot: -3, pc: 1)),
      ("wstack 2, 0\n wnot w0, w-3\n exit", .slotOutOfStack(slot: -3, pc: 1)),
      ("wstack 2, 0\n wadd w0, w0, w-3\n exit", .slotOutOfStack(slot: -3, pc: 1)),
      ("wstack 2, 0\n wstore w0, w2047\n exit", .slotOutOfStack(slot: 2047, pc: 1)),
      ("wstack 2, 0\n wgas w-3\n exit", .slotOutOfStack(slot: -3, pc: 1)),
      ("wstack 2, 0\n wjz w-3, +0\n exit", .slotOutOfStack(slot: -3, pc: 1)),
      ("wstack 2, 0\n wjump w-3", .slotOutOfStack(slot: -3, pc: 1)),
      ("wstack 1024, 1024\n wnot w-1024, w1023\n exit", nil),
      (".constant 1\n wjz c0, +0\n exit", nil),
      (".constant 1\n wjz c1, +0\n exit", .constantOutOfRange(index: 1, pc: 0)),
      (".constant 1\n wjeq c0, c1, +0\n exit", .constantOutOfRange(index: 1, pc: 0)),
      ("wstack 0, 0\n wmov w0, c0\n exit", .constantOutOfRange(index: 0, pc: 1)),
      // The check of the stack: there has to be one on this straight line.
      ("wnot w0, w0\n exit", .missingStackCheck(pc: 0)),
      ("wgas w0\n exit", .missingStackCheck(pc: 0)),
      ("wjump w0", .missingStackCheck(pc: 0)),
      ("wsys w0, w0, 0\n exit", .missingStackCheck(pc: 0)),
      ("wadjust 0\n exit", .missingStackCheck(pc: 0)),
      ("wstack 0, 0\n ja +0\n wnot w0, w0\n exit", .missingStackCheck(pc: 2)),
      ("wstack 0, 0\n wja +0\n wnot w0, w0\n exit", .missingStackCheck(pc: 2)),
      ("wstack 0, 0\n exit\n wnot w0, w0\n exit", .missingStackCheck(pc: 2)),
      ("wstack 0, 0\n winvalid\n wnot w0, w0\n exit", .missingStackCheck(pc: 2)),
      ("wstack 0, 1\n wjump w0\n wnot w0, w0\n exit", .missingStackCheck(pc: 2)),
      // A jump into the middle: what is known there is nothing.
      ("wstack 0, 0\nmiddle: wnot w0, w0\n ja middle", .missingStackCheck(pc: 1)),
      ("wstack 0, 0\n wjz w0, middle\n wnot w0, w0\nmiddle: wnot w0, w0\n exit", .missingStackCheck(pc: 3)),
      ("wstack 0, 0\nmiddle: wnot w0, w0\n wja middle", .missingStackCheck(pc: 1)),
      (
        ".bytecode 0x5b\n.target 0 middle\n wstack 0, 0\nmiddle: wnot w0, w0\n exit",
        .missingStackCheck(pc: 1)
      ),
      ("wstack 0, 0\nentrypoint: wnot w0, w0\n exit", .missingStackCheck(pc: 1)),
      ("wstack 0, 0\n wjz w0, over\n wnot w0, w0\nover: exit", nil),
      ("wstack 0, 1\n wsys w0, w1, 3\n wnot w0, w0\n exit", nil),
      // The window.
      ("wstack 3, 4\n wadjust 4\n wadjust -7\n wadjust 3\n exit", nil),
      ("wstack 3, 4\n wadjust 5\n exit", .windowOutOfStack(pc: 1)),
      ("wstack 3, 4\n wadjust -4\n exit", .windowOutOfStack(pc: 1)),
      ("wstack 3, 4\n wadjust 4\n wadjust 1\n exit", .windowOutOfStack(pc: 2)),
      ("wstack 3, 4\n wadjust -3\n wadjust -1\n exit", .windowOutOfStack(pc: 2)),
      ("wstack 3, 4\n wadjust 2147483647\n exit", .windowOutOfStack(pc: 1)),
      ("wstack 3, 4\n wadjust -2147483648\n exit", .windowOutOfStack(pc: 1)),
      ("wstack 3, 4\n wadjust 4\n wnot w1019, w-7\n exit", nil),
      ("wstack 3, 4\n wadjust 4\n wnot w1023, w0\n exit", nil),
      ("wstack 3, 4\n wadjust 4\n wnot w1024, w0\n exit", .slotOutOfStack(slot: 1024, pc: 2)),
      ("wstack 0, 1\n wnot w1024, w0\n exit", nil),
      ("wstack 0, 1\n wnot w1025, w0\n exit", .slotOutOfStack(slot: 1025, pc: 1)),
      ("wstack 3, 4\n wadjust 4\n wnot w0, w-8\n exit", .slotOutOfStack(slot: -8, pc: 2)),
      ("wstack 3, 4\n wadjust -3\n wnot w1026, w0\n exit", nil),
      ("wstack 3, 4\n wadjust -3\n wnot w0, w-1\n exit", .slotOutOfStack(slot: -1, pc: 2)),
      ("wstack 3, 4\n wadjust -3\n wstack 0, 0\n wnot w0, w-1\n exit", .slotOutOfStack(slot: -1, pc: 3)),
      // Stack checks.
      ("wstack 1024, 1024\n exit", nil),
      ("wstack 1025, 0\n exit", .invalidStackCheck(pc: 0)),
      ("wstack 0, 1025\n exit", .invalidStackCheck(pc: 0)),
      ("wstack -1, 0\n exit", .invalidStackCheck(pc: 0)),
      ("wstack 0, -1\n exit", .invalidStackCheck(pc: 0)),
      // Hooks.
      ("wstack 0, 0\n wsys w1023, w1024, 511\n exit", nil),
      ("wstack 0, 0\n wsys w1024, w0, 0\n exit", .slotOutOfStack(slot: 1024, pc: 1)),
      ("wstack 0, 0\n wsys w0, w1025, 0\n exit", .slotOutOfStack(slot: 1025, pc: 1)),
      ("wstack 0, 0\n wsys w0, w-1, 0\n exit", .slotOutOfStack(slot: -1, pc: 1)),
      ("wstack 0, 0\n wsys w0, c0, 0\n exit", .invalidOperand(number: 0x4000, pc: 1)),
      ("wstack 0, 0\n wsys w0, w0, 512\n exit", .invalidHook(id: 512, pc: 1)),
      ("wstack 0, 0\n wsys w0, w0, -1\n exit", .invalidHook(id: -1, pc: 1)),
      // Jumps and the end.
      ("wja +0\n exit", nil),
      ("ja +1\n exit", .jumpOutOfCode(target: 2, pc: 0)),
      ("ja -2\n exit", .jumpOutOfCode(target: -1, pc: 0)),
      ("wja +1\n exit", .jumpOutOfCode(target: 2, pc: 0)),
      ("wja -2\n exit", .jumpOutOfCode(target: -1, pc: 0)),
      ("wja 2147483647\n exit", .jumpOutOfCode(target: 2_147_483_648, pc: 0)),
      (".constant 0\n wjnz c0, +1\n exit", .jumpOutOfCode(target: 2, pc: 0)),
      (".constant 0\n wjlt c0, c0, -2\n exit", .jumpOutOfCode(target: -1, pc: 0)),
      ("wcharge 1", .runsOffTheEnd),
      ("exit\n wcharge 1", .runsOffTheEnd),
      (".constant 0\n wjz c0, -1", .runsOffTheEnd),
      ("wstack 0, 0\n wsys w0, w0, 0", .runsOffTheEnd),
      ("winvalid", nil),
      // Only two classic instructions exist.
      (".slot 0x0000000000000018\n .slot 0\n exit", .unknownOpcode(byte: 0x18, pc: 0)),
      (".slot 0x0000000000000085\n exit", .unknownOpcode(byte: 0x85, pc: 0)),
      (".slot 0x00000000000000b7\n exit", .unknownOpcode(byte: 0xb7, pc: 0)),
      (".slot 0\n exit", .unknownOpcode(byte: 0, pc: 0)),
    ] as [(String, VerifierError?)])
  func judges(text: String, expected: VerifierError?) throws {
    #expect(verdict(try wideImage(text)) == expected, "\(text)")
  }

  /// Numbers that no assembly text makes.
  @Test func operandsThatAreNone() {
    for number in [-1025, 2048, 0x3fff, -32768] as [Int] {
      let operand = WideOperand.slot(number)
      for slot: EncodedInsn in [
        .wide(.wnot, d: number), .wide(.wnot, a: operand), .wide(.wadd, b: operand),
        .wide(.wsys, d: number), .wide(.wsys, a: operand),
      ] {
        #expect(
          verdict([.wstack(need: 1024, grow: 0), slot, Self.exit]) == .invalidOperand(number: number, pc: 1))
      }
    }
    let tables = WideTables(constants: [1])
    // D is never a constant.
    #expect(
      verdict([.wstack(need: 0, grow: 0), .wide(.wnot, d: 0x4000), Self.exit], tables)
        == .invalidOperand(number: 0x4000, pc: 1))
  }

  @Test func narrowOnlyWhereThereIsASlot() {
    let tables = WideTables(constants: [1])
    let (slot, constant) = (WideOperand.slot(0), WideOperand.constant(0))
    let cases: [(EncodedInsn, WideFlags)] = [
      (.wide(.wadd, a: slot, b: slot), [.narrowA, .narrowB, .narrowD]),
      (.wide(.wadd, a: constant, b: slot), [.narrowB, .narrowD]),
      (.wide(.wadd, a: slot, b: constant), [.narrowA, .narrowD]),
      (.wide(.wadd, a: constant, b: constant), [.narrowD]),
      (.wide(.wnot, a: slot), [.narrowA, .narrowD]), (.wide(.wnot, a: constant), [.narrowD]),
      (.wide(.wgas), [.narrowD]), (.wide(.wstore, a: slot, b: slot), [.narrowA, .narrowB]),
      (.wide(.wstore8, a: constant, b: slot), [.narrowB]), (.wide(.wjz, a: slot), [.narrowA]),
      (.wide(.wjlt, a: slot, b: slot), [.narrowA, .narrowB]), (.wide(.wjump, a: slot), [.narrowA]),
      (.wide(.wjump, a: constant), []), (.wsys(base: 0, free: 0, id: 0), []), (.wstack(need: 0, grow: 0), []),
      (.wide(.wcharge, number: 1), []), (.wide(.wadjust, number: 0), []), (.wide(.wja, number: 0), []),
      (.wide(.winvalid), []), (EncodedInsn(opcode: 0x95), []), (EncodedInsn(opcode: 0x05), []),
    ]
    for (plain, allowed) in cases {
      for raw in UInt8(0)..<16 {
        var slot = plain
        slot.destination = raw
        let isFine = raw < 8 && allowed.isSuperset(of: WideFlags(rawValue: raw))
        let error = verdict([.wstack(need: 0, grow: 0), slot, Self.exit], tables)
        #expect((error == nil) == isFine, "\(plain) \(raw) \(String(describing: error))")
        if !isFine { #expect(error == .invalidFlags(pc: 1) || error == .unusedField(pc: 1)) }
      }
    }
  }

  @Test func unusedFieldsAreZero() {
    let slots: [EncodedInsn] = [
      .wide(.wadd), .wide(.wnot), .wide(.wgas), .wide(.wstore), .wide(.wjz), .wide(.wjlt),
      .wide(.wja, number: 0),
      .wide(.wjump), .wide(.wcharge, number: 0), .wide(.wadjust, number: 0), .wstack(need: 0, grow: 0),
      .wsys(base: 0, free: 0, id: 0), .wide(.winvalid), EncodedInsn(opcode: 0x95), EncodedInsn(opcode: 0x05),
    ]
    var refused = 0
    for plain in slots {
      for bit in 0..<64 {
        let slot = EncodedInsn(word: plain.word ^ 1 << bit)
        guard slot.opcode == plain.opcode else { continue }
        let form = Opcode.decoding(slot.opcode, in: .wide)!.facts.form
        guard slot != slot.canonicalWide(form) else { continue }
        refused += 1
        #expect(verdict([.wstack(need: 0, grow: 0), slot, Self.exit]) == .unusedField(pc: 1))
      }
      #expect(verdict([.wstack(need: 0, grow: 0), plain, Self.exit]) == nil, "\(plain)")
    }
    // The source field everywhere, and what else each form leaves free.
    #expect(refused > 15 * 4 + 200)
  }

  @Test func tables() {
    let text = EncodedInsn.bytes(of: [Self.exit, Self.exit])
    func verdict(_ tables: WideTables?, entry: Int = 0, text: [UInt8] = text) -> VerifierError? {
      self.verdict(ProgramImage(version: .wide, text: text, entryPC: entry, wide: tables))
    }
    func targets(_ pairs: (UInt32, UInt32)...) -> WideTables {
      WideTables(
        jumpTargets: pairs.map { WideJumpTarget(sourceOffset: $0.0, slot: $0.1) },
        bytecode: [UInt8](repeating: 0x5b, count: 10))
    }
    #expect(verdict(nil) == .missingWideTables)
    #expect(verdict(WideTables(), text: []) == .noProgram)
    #expect(verdict(WideTables(), text: Array(text.dropLast())) == .programLengthNotMultiple)
    #expect(verdict(WideTables(), entry: 1) == nil)
    #expect(verdict(WideTables(), entry: 2) == .invalidEntry(pc: 2))
    #expect(verdict(WideTables(), entry: -1) == .invalidEntry(pc: -1))
    #expect(verdict(targets((0, 1), (9, 0))) == nil)
    #expect(verdict(targets((0, 1), (10, 0))) == .invalidJumpTarget(index: 1))
    #expect(verdict(targets((0, 2))) == .invalidJumpTarget(index: 0))
    #expect(verdict(targets((0, .max))) == .invalidJumpTarget(index: 0))
    #expect(verdict(targets((3, 0), (3, 1))) == .invalidJumpTarget(index: 1))
    #expect(verdict(targets((3, 0), (2, 1))) == .invalidJumpTarget(index: 1))
    #expect(verdict(WideTables(bytecode: [0], pcMap: [0, 1])) == nil)
    #expect(verdict(WideTables(bytecode: [0], pcMap: [0, 2])) == .invalidPCMap)
    #expect(verdict(WideTables(bytecode: [0], pcMap: [0])) == .invalidPCMap)
    #expect(verdict(WideTables(constants: [UInt256](repeating: 0, count: 16384))) == nil)
    #expect(
      verdict(WideTables(constants: [UInt256](repeating: 0, count: 16385))) == .tooManyConstants(count: 16385)
    )
  }

  /// Refusals reach the caller of `Executable` with their words.
  @Test func executablesAreVerified() throws {
    let image = try wideImage("wnot w0, w0\n exit")
    #expect(throws: ExecutableError.verifier(.missingStackCheck(pc: 0))) {
      try Executable(image: image, syscalls: SyscallRegistry())
    }
    #expect(VerifierError.missingStackCheck(pc: 3).description.contains("#3"))
    // The classic verifier does not see wide code at all.
    #expect(throws: ExecutableError.verifier(.missingWideTables)) {
      try Executable(
        image: ProgramImage(version: .wide, text: EncodedInsn.bytes(of: [Self.exit])),
        syscalls: SyscallRegistry())
    }
  }
}
