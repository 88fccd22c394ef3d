// Wide images as text and as ELF files: what is written is read back, what is damaged is refused, and who must not
// take such a file does not.
import Primitives
import Testing
import WideIntegers

@testable import Linking
@testable import SBPF

@Suite struct WideImageTests {
  private static let text = """
    .constant 0x5
    .constant 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
    .bytecode 0x5b600056
    .rules Osaka
    .target 0 lbb_1
    .evmpcs 0 0 1 3 4 4
    entrypoint:
      wcharge 4294967295
    lbb_1:
      wstack 1, 2
      waddmod n-1, c1, n0
      wjslt w-1, c0, lbb_1
      wsys w-1, w1, 0x54
      wja entrypoint

    """

  private func image() throws -> ProgramImage { try wideImage(Self.text) }

  private func load(_ file: [UInt8], _ options: LoaderOptions = .wide) throws(ELFError) -> ProgramImage {
    try ELFLoader.load(file, syscalls: SyscallRegistry(), options: options)
  }

  @Test func textComesBack() throws {
    let image = try image()
    #expect(image.wide?.constants == [5, .max])
    #expect(image.wide?.jumpTargets == [WideJumpTarget(sourceOffset: 0, slot: 1)])
    #expect(image.wide?.pcMap == [0, 0, 1, 3, 4, 4])
    #expect(Disassembler.disassemble(image) == Self.text)
  }

  /// Any bits whatever come back from their text.
  @Test func everyInstructionSurvivesDisassembly() throws {
    var random = SplitMix64(seed: 0x71de)
    for facts in Opcode.table {
      guard let byte = facts.encoding(in: .wide) else { continue }
      for _ in 0..<60 {
        var slot = EncodedInsn(word: random.next() & ~0xff | UInt64(byte))
        if random.next() % 4 != 0 {
          slot = slot.canonicalWide(facts.form)
          slot.destination &= 7
          slot.offset = Int16.random(in: -5...5, using: &random)
          slot = slot.canonicalWide(facts.form)
        }
        let slots = [EncodedInsn(opcode: 0x95), slot, EncodedInsn(opcode: 0x95)]
        let image = ProgramImage(version: .wide, text: EncodedInsn.bytes(of: slots), wide: WideTables())
        let text = Disassembler.disassemble(image)
        #expect(try wideImage(text).text == image.text, "\(text)")
      }
    }
  }

  @Test func textThatIsRefused() {
    let cases: [(String, AssemblerError)] = [
      ("wadd w0, w1", .invalidOperandCount("wadd", line: 1)),
      ("wadd c0, w1, w2", .invalidRegister("c0", line: 1)),
      ("wadd w0, r1, w2", .invalidRegister("r1", line: 1)),
      ("wadd w0, w-1025, w2", .invalidRegister("w-1025", line: 1)),
      ("wadd w0, w2048, w2", .invalidRegister("w2048", line: 1)),
      ("wadd w0, c16384, w2", .invalidRegister("c16384", line: 1)),
      ("wadd w0, c-1, w2", .invalidRegister("c-1", line: 1)),
      ("wcharge -1", .invalidImmediate("-1", line: 1)),
      ("wcharge 4294967296", .invalidImmediate("4294967296", line: 1)),
      ("wadjust 2147483648", .invalidImmediate("2147483648", line: 1)),
      ("wjz w0, nowhere", .unknownLabel("nowhere", line: 1)),
      ("wja nowhere", .unknownLabel("nowhere", line: 1)),
      (".target 0 nowhere", .unknownLabel("nowhere", line: 1)),
      (".target 0", .invalidOperandCount(".target", line: 1)),
      (".bytecode 0x123", .invalidImmediate("0x123", line: 1)),
      (
        ".constant 0x1\(String(repeating: "0", count: 64))",
        .invalidImmediate("0x1" + String(repeating: "0", count: 64), line: 1)
      ),
      ("mov64 r0, 1", .notInVersion("mov64", .wide, line: 1)),
      ("call 5", .notInVersion("call", .wide, line: 1)),
    ]
    for (text, error) in cases { #expect(throws: error) { try wideImage(text) } }
    #expect(throws: AssemblerError.notInVersion("wadd", .v3, line: 1)) {
      try Assembler.assemble("wadd w0, w1, w2", version: .v3)
    }
    #expect(throws: AssemblerError.notInVersion(".constant", .v3, line: 1)) {
      try Assembler.assemble(".constant 1", version: .v3)
    }
  }

  @Test func filesComeBack() throws {
    var random = SplitMix64(seed: 0xe1f)
    for round in 0..<40 {
      var image = try image()
      image.wide?.constants += (0..<round % 5).map { _ in WideWords.random(&random) }
      image.wide?.bytecode += (0..<round).map { _ in UInt8.random(in: 0...255, using: &random) }
      if round % 3 == 0 { image.wide?.pcMap = [] }
      image.entryPC = round % 6
      let file = try ObjectLinker.executable(image)
      let again = try load(file)
      #expect(again.text == image.text && again.entryPC == image.entryPC && again.version == .wide)
      #expect(again.wide == image.wide && again.rodata.isEmpty)
      #expect(try ObjectLinker.executable(again) == file)
    }
  }

  @Test func nobodyElseTakesSuchAFile() throws {
    let file = try ObjectLinker.executable(try image())
    let error = ELFError.unsupportedVersion(flags: 0x4556_4d00)
    for options in [LoaderOptions.execution, .deployment] {
      #expect(throws: error) { try self.load(file, options) }
    }
    #expect(error.diagnosis.contains("EVM"))
    #expect(!LoaderOptions(rejectsBrokenELFs: false).enabledVersions.contains(.wide))
    #expect(throws: LinkError(.unsupportedVersion(.wide))) { try ObjectLinker.link(file, version: .wide) }
    #expect(throws: LinkError.self) { try ObjectLinker.link(file) }
    // And EVM code is nothing else.
    let classic = try ObjectLinker.executable(try Assembler.assemble("exit", version: .v3))
    #expect(throws: ELFError.unsupportedVersion(flags: 3)) { try self.load(classic) }
    // People may look at it.
    let summary = ELFSummary(file, syscalls: SyscallRegistry())
    #expect(summary.kind == .program(.wide) && summary.objection == error.diagnosis && summary.slotCount == 6)
    #expect(summary.wide?.constants.count == 2 && summary.syscalls.isEmpty && summary.entryPC == 0)
    #expect(try load(file, .inspection).wide == image().wide)
  }

  /// Each byte of the tables' header and of the padding counts.
  @Test func damagedTablesAreRefused() throws {
    let bytes = try #require(image().wide).encoded
    func decode(_ bytes: [UInt8]) throws(ELFError) -> WideTables {
      let result = bytes.withUnsafeBytes { buffer -> Result<WideTables, ELFError> in
        do throws(ELFError) {
          return .success(try WideTables(decoding: buffer))
        } catch {
          return .failure(error)
        }
      }
      return try result.get()
    }
    #expect(try decode(bytes) == image().wide)
    for count in [0, 8, 31, bytes.count - 8, bytes.count - 1] {
      #expect(throws: ELFError.self) { try decode(Array(bytes[..<count])) }
    }
    #expect(throws: ELFError.self) { try decode(bytes + [0]) }
    #expect(throws: ELFError.self) { try decode(bytes + [UInt8](repeating: 0, count: 8)) }
    for offset in 0..<32 {
      for value: UInt8 in [0xff, 0x80, 1] {
        var damaged = bytes
        damaged[offset] ^= value
        // Four bytes of code and padding may as well be an EVM pc, or padding be code.
        if let tables = try? decode(damaged) { #expect(tables.encoded == damaged) }
        // And another letter another name.
        let isName = (16..<22).contains(offset)
        if offset != 8, offset != 12, !isName {
          #expect(throws: ELFError.self, "\(offset)") { try decode(damaged) }
        }
      }
    }
    for name in ["TangerineWhistle", "", "Osaka2"] {
      #expect(try decode(WideTables(rules: name).encoded).rules == name)
    }
    for (offset, byte) in [(16, 0), (18, 0x20), (31, 0x41), (22, 0x80)] as [(Int, UInt8)] {
      var damaged = bytes
      damaged[offset] = byte
      #expect(throws: ELFError.invalidWideTables(field: "rules")) { try decode(damaged) }
    }
    let smallest = [UInt8](repeating: 0, count: 32)
    #expect(try decode(smallest) == WideTables())
    var padded = WideTables(bytecode: [1, 2, 3]).encoded
    #expect(padded.count == 40)
    padded[39] = 1
    #expect(throws: ELFError.invalidWideTables(field: "padding")) { try decode(padded) }
  }

  /// Damaged files are refused or give an image that the verifier judges; whatever it lets through can run.
  @Test func damagedFilesDoNoHarm() throws {
    let text = """
      .constant 0x5
      .bytecode 0x5b5b
      .target 1 later
        wcharge 10
        wstack 0, 8
        wmov w0, c0
        wadd w1, w0, c0
        wstore w1, n0
        wjlt n0, c0, later
        wadjust 2
        wsys w-2, w0, 1
        wload w0, w-1
        wja later
      later:
        wstack 0, 1
        winput w0, c0
        exit
      """
    let file = try ObjectLinker.executable(try wideImage(text))
    var random = SplitMix64(seed: 0xbad)
    let rigs = try WideRig.each()
    var verdicts: [String: Int] = [:]
    for _ in 0..<6000 {
      var damaged = file
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let index = Int.random(in: 0..<damaged.count, using: &random)
        damaged[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
      }
      guard let image = try? load(damaged) else {
        verdicts["file", default: 0] += 1
        continue
      }
      _ = Disassembler.disassemble(image)
      guard let executable = try? Executable(image: image, syscalls: SyscallRegistry()) else {
        verdicts["code", default: 0] += 1
        continue
      }
      verdicts["fine", default: 0] += 1
      guard Self.jumpsAhead(image) else { continue }
      let runs = rigs.map { $0.run(executable, gas: 9_000_000_000) }
      // Damaged code may read what lies above the window, which means nothing to machine code.
      for (rig, run) in zip(rigs, runs).dropFirst() where rig.engine != .jit { #expect(run == runs[0]) }
    }
    #expect(verdicts.count == 3, "\(verdicts)")
  }

  /// Whether the program ends whatever it charges.
  private static func jumpsAhead(_ image: ProgramImage) -> Bool {
    for slot in EncodedInsn.slots(of: image.text) {
      guard let insn = Insn(decoding: slot, next: nil, version: .wide) else { return false }
      switch insn.opcode.facts.form {
      case .jump, .wideJumpUnary, .wideJumpBinary: if insn.offset < 0 { return false }
      case .wideJumpLong: if insn.immediate < 0 { return false }
      case .wideJumpDynamic: return false
      default: break
      }
    }
    return true
  }
}
