// Each rule of the verifier, with the error, its pc and its text.
import Primitives
import Testing

@testable import SBPF

@Suite struct VerifierTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var versions: [SBPFVersion]
    var slots: [EncodedInsn]
    var error: VerifierError
    var text: String

    var testDescription: String { name }
  }

  private static let exit = EncodedInsn(opcode: 0x95)
  private static let all = SBPFVersion.classic
  private static let classic: [SBPFVersion] = [.v0, .v1, .v3]

  static let refusals: [Refusal] = [
    Refusal(
      name: "no program", versions: all, slots: [], error: .noProgram,
      text: "no program set, call prog_set() to load one"),
    Refusal(
      name: "unknown opcode", versions: all, slots: [EncodedInsn(opcode: 0x06), exit],
      error: .unknownOpcode(byte: 0x06, pc: 0), text: "unknown eBPF opcode 0x6 (insn #0)"),
    Refusal(
      name: "32-bit jump before it existed", versions: [.v0, .v1, .v2],
      slots: [exit, EncodedInsn(opcode: 0x1e, offset: -1), exit], error: .unknownOpcode(byte: 0x1e, pc: 1),
      text: "unknown eBPF opcode 0x1e (insn #1)"),
    Refusal(
      name: "lddw where there is none", versions: [.v2],
      slots: [EncodedInsn(opcode: 0x18), EncodedInsn(opcode: 0), exit],
      error: .unknownOpcode(byte: 0x18, pc: 0), text: "unknown eBPF opcode 0x18 (insn #0)"),
    Refusal(
      name: "half an lddw at the end", versions: classic, slots: [exit, EncodedInsn(opcode: 0x18)],
      error: .wideLoadCannotBeLast, text: "LD_DW instruction cannot be last in program"),
    Refusal(
      name: "lddw without its second slot", versions: classic, slots: [EncodedInsn(opcode: 0x18), exit],
      error: .incompleteWideLoad(pc: 0), text: "incomplete LD_DW instruction (insn #0)"),
    Refusal(
      name: "a second slot by itself", versions: all, slots: [exit, EncodedInsn(opcode: 0)],
      error: .unknownOpcode(byte: 0, pc: 1), text: "unknown eBPF opcode 0x0 (insn #1)"),
    Refusal(
      name: "division by the constant 0", versions: classic, slots: [EncodedInsn(opcode: 0x37), exit],
      error: .divisionByZero(pc: 0), text: "division by 0 (insn #0)"),
    Refusal(
      name: "signed remainder by the constant 0", versions: [.v2],
      slots: [exit, EncodedInsn(opcode: 0xe6), exit],
      error: .divisionByZero(pc: 1), text: "division by 0 (insn #1)"),
    Refusal(
      name: "shift by the width", versions: all, slots: [EncodedInsn(opcode: 0x64, immediate: 32), exit],
      error: .shiftWithOverflow(shift: 32, bits: 32, pc: 0),
      text: "Shift with overflow of 32-bit value by 32 (insn #0)"),
    Refusal(
      name: "shift by a negative constant", versions: all,
      slots: [EncodedInsn(opcode: 0xc7, immediate: -1), exit],
      error: .shiftWithOverflow(shift: .max, bits: 64, pc: 0),
      text: "Shift with overflow of 18446744073709551615-bit value by 64 (insn #0)"),
    Refusal(
      name: "byte order of 8 bits", versions: all, slots: [EncodedInsn(opcode: 0xdc, immediate: 8), exit],
      error: .unsupportedByteOrderArgument(pc: 0), text: "unsupported argument for LE/BE (insn #0)"),
    Refusal(
      name: "jump behind the end", versions: all, slots: [EncodedInsn(opcode: 0x05, offset: 1), exit],
      error: .jumpOutOfCode(target: 2, pc: 0), text: "jump out of code to #2 (insn #0)"),
    Refusal(
      name: "jump before the start", versions: all, slots: [EncodedInsn(opcode: 0x15, offset: -2), exit],
      error: .jumpOutOfCode(target: -1, pc: 0), text: "jump out of code to #18446744073709551615 (insn #0)"),
    Refusal(
      name: "jump into an lddw", versions: classic,
      slots: [EncodedInsn(opcode: 0x05, offset: 1), EncodedInsn(opcode: 0x18), EncodedInsn(opcode: 0), exit],
      error: .jumpToMiddleOfWideLoad(target: 2, pc: 0), text: "jump to middle of LD_DW at #2 (insn #0)"),
    Refusal(
      name: "source register 11", versions: all, slots: [EncodedInsn(opcode: 0xbf, source: 11), exit],
      error: .invalidSourceRegister(pc: 0), text: "invalid source register (insn #0)"),
    Refusal(
      name: "unused source field 11", versions: all, slots: [EncodedInsn(opcode: 0x95, source: 11)],
      error: .invalidSourceRegister(pc: 0), text: "invalid source register (insn #0)"),
    Refusal(
      name: "destination register 11", versions: all,
      slots: [EncodedInsn(opcode: 0xbf, destination: 11), exit],
      error: .invalidDestinationRegister(pc: 0), text: "invalid destination register (insn #0)"),
    Refusal(
      name: "lddw reports its second slot", versions: classic,
      slots: [EncodedInsn(opcode: 0x18, destination: 11), EncodedInsn(opcode: 0), exit],
      error: .invalidDestinationRegister(pc: 1), text: "invalid destination register (insn #1)"),
    Refusal(
      name: "r10 written", versions: all, slots: [EncodedInsn(opcode: 0xb7, destination: 10), exit],
      error: .cannotWriteR10(pc: 0), text: "cannot write into register r10 (insn #0)"),
    Refusal(
      name: "r10 moved where frames are fixed", versions: [.v0, .v3],
      slots: [EncodedInsn(opcode: 0x07, destination: 10, immediate: 64), exit], error: .cannotWriteR10(pc: 0),
      text: "cannot write into register r10 (insn #0)"),
    Refusal(
      name: "r10 moved by no multiple of 64", versions: [.v1, .v2],
      slots: [EncodedInsn(opcode: 0x07, destination: 10, immediate: 32), exit],
      error: .unalignedImmediate(pc: 0),
      text: "Unaligned immediate (insn #0)"),
    Refusal(
      name: "callx of r10 by immediate", versions: [.v0, .v1],
      slots: [EncodedInsn(opcode: 0x8d, immediate: 10), exit],
      error: .invalidRegister(pc: 0), text: "Invalid register specified at instruction 0"),
    Refusal(
      name: "callx of r10 by source", versions: [.v2], slots: [EncodedInsn(opcode: 0x8d, source: 10), exit],
      error: .invalidRegister(pc: 0), text: "Invalid register specified at instruction 0"),
    Refusal(
      name: "callx of r10 by destination", versions: [.v3],
      slots: [EncodedInsn(opcode: 0x8d, destination: 10), exit],
      error: .invalidRegister(pc: 0), text: "Invalid register specified at instruction 0"),
  ]

  @Test(arguments: refusals)
  func refuses(_ refusal: Refusal) {
    #expect(refusal.error.description == refusal.text)
    for version in refusal.versions {
      #expect(throws: refusal.error, "\(version)") {
        try Verifier.verify(text: EncodedInsn.bytes(of: refusal.slots), version: version)
      }
    }
  }

  @Test func refusesHalfASlot() {
    #expect(throws: VerifierError.programLengthNotMultiple) {
      try Verifier.verify(text: EncodedInsn.bytes(of: [Self.exit]) + [0], version: .v0)
    }
  }

  @Test func acceptsWhatOnlySomeVersionsHave() throws {
    let accepted: [(SBPFVersion, EncodedInsn)] = [
      (.v1, EncodedInsn(opcode: 0x07, destination: 10, immediate: -64)), (.v2, EncodedInsn(opcode: 0xf7)),
      (.v2, EncodedInsn(opcode: 0x2c, destination: 1, source: 10)), (.v3, EncodedInsn(opcode: 0x1e)),
      (.v0, EncodedInsn(opcode: 0x7b, destination: 10, source: 1, offset: -8)),
    ]
    for (version, slot) in accepted {
      try Verifier.verify(text: EncodedInsn.bytes(of: [slot, Self.exit]), version: version)
    }
  }

  /// Whatever the bytes are, the verifier answers, and what it accepts decodes and runs.
  @Test func randomBytesNeverCrash() throws {
    var random = SplitMix64(seed: 3)
    var acceptedCount = 0
    for _ in 0..<4000 {
      let version = SBPFVersion.classic.randomElement(using: &random)!
      let known = (UInt8.min...UInt8.max).filter { Opcode.decoding($0, in: version) != nil }
      var slots = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        EncodedInsn(word: random.next() & 0x0000_0003_0003_99ff)
      }
      for index in slots.indices { slots[index].opcode = known.randomElement(using: &random)! }
      guard
        let executable = try? Executable(
          image: ProgramImage(version: version, text: EncodedInsn.bytes(of: slots)),
          syscalls: SyscallRegistry())
      else { continue }
      acceptedCount += 1
      let ends = Engine.available.map { finish(executable, engine: $0, units: 100).outcome }
      #expect(Set(ends.map { "\($0)" }).count == 1, "\(slots)")
    }
    #expect(acceptedCount > 100)
  }
}
