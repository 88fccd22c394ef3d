// The conformance vectors, on every engine, and malformed vectors.
import Conformance
import SBPF
import Testing

@Suite struct ConformanceTests {
  @Test(.enabled(if: vectorsPath != nil, "no vectors beside this checkout"), arguments: Engine.available)
  func instructionVectorsPass(engine: Engine) throws {
    let path = try #require(vectorsPath) + "/sbpf/fd_instr_test"
    let report = try InstructionConformance.run(paths: [path], engine: engine)
    #expect(report.summary == "1987 passed, 0 failed, 0 skipped")
    for entry in report.cases where entry.outcome != .passed { Issue.record("\(entry)") }
    // One case leans on a line that the folder lacks; every other one passes as written.
    let noted = report.cases.filter { $0.note != nil }
    #expect(
      noted.map { "\($0.file.split(separator: "/").suffix(2).joined(separator: "/")):\($0.line)" } == [
        "v0/int_math.instr:54"
      ])
  }

  @Test func startingValuesComeFromOtherLinesNeverFromTheExpectation() throws {
    let text = """
      $ op=1f dst=4 src=8 r4=5 r8=1 : ok r4=4
      $ op=1f dst=4 src=8 r8=0 : ok r4=7
      $ op=1f dst=4 src=8 r8=0 : ok r4=9
      $ op=1f dst=4 src=8 r4=7 r8=7 : ok r4=0
      """
    let cases = try InstructionConformance.run(
      text: text, file: "v0/x.instr", version: .v0, engine: .interpreter)
    #expect(cases.map { $0.outcome == .passed } == [true, true, false, true])
    #expect(cases.map { $0.note != nil } == [false, true, false, false])
  }

  @Test(.enabled(if: vectorsPath != nil, "no vectors beside this checkout"), arguments: Engine.available)
  func bpfVectorsPass(engine: Engine) throws {
    let path = try #require(vectorsPath) + "/sbpf/bpf_conformance"
    let report = try BPFConformance.run(paths: [path], engine: engine)
    #expect(report.failedCount == 0)
    #expect(report.passedCount >= 149)
    #expect(report.cases.count == 253)
    for entry in report.cases {
      if case .failed = entry.outcome { Issue.record("\(entry)") }
    }
  }

  @Test func instructionVectorsCanFail() throws {
    let text = """
      $ op=07 dst=0 src=0 off=0 r0=1 imm=2 : ok r0=4
      $ op=07 dst=0 r0=1 imm=2 : err
      $ op=07 dst=0 r0=1 imm=2 : vfy
      $ op=07 dst=b imm=2 : ok
      $ op=07 dst=0 r0=1 imm=2 : ok r0=3
      """
    let cases = try InstructionConformance.run(
      text: text, file: "v0/x.instr", version: .v0, engine: .interpreter)
    #expect(cases.map { $0.outcome == .passed } == [false, false, false, false, true])
    #expect(cases.map(\.line) == [1, 2, 3, 4, 5])
  }

  @Test(arguments: [
    ("$ op=07 ! ok", ConformanceError.unexpectedToken("!", file: "f", line: 1)),
    ("\n$ wat=1", .unexpectedToken("wat", file: "f", line: 2)),
    ("$ r11=1", .unexpectedToken("r11", file: "f", line: 1)),
    ("$ op=100 : ok", .invalidNumber("100", file: "f", line: 1)),
    ("$ op : ok", .missingValue("op", file: "f", line: 1)),
    ("$ imm=", .missingValue("imm", file: "f", line: 1)),
    ("$ imm=11111111111111111", .invalidNumber("11111111111111111", file: "f", line: 1)),
    ("input=012", .invalidNumber("012", file: "f", line: 1)),
    ("$ src=10", .invalidNumber("10", file: "f", line: 1)),
  ])
  func malformedInstructionVectorsAreErrors(text: String, error: ConformanceError) {
    #expect(throws: error) { try InstructionVectorParser.parse(text, file: "f") }
  }

  @Test(arguments: [
    ("", ConformanceError.missingValue("the program", file: "f", line: 1)),
    ("-- nonsense\n", .unexpectedToken("section nonsense", file: "f", line: 1)),
    ("junk\n-- asm\nexit", .unexpectedToken("junk", file: "f", line: 1)),
    ("-- asm\nexit\n", .missingValue("the result", file: "f", line: 1)),
    ("-- asm\nexit\n-- result\nzz\n", .invalidNumber("zz", file: "f", line: 1)),
    ("-- raw\n9\n-- result\n0\n", .invalidNumber("9", file: "f", line: 1)),
  ])
  func malformedBPFVectorsAreErrors(text: String, error: ConformanceError) {
    #expect(throws: error) { try BPFVector.parse(text, file: "f") }
  }

  @Test func bpfVectorsCanFail() {
    let good = "-- asm\nmov %r0, 7\nexit\n-- result\n0x7\n"
    let bad = "-- asm\nmov %r0, 7\nexit\n-- result\n0x8\n"
    func outcome(_ text: String, _ file: String) -> ConformanceOutcome {
      BPFConformance.run(text: text, file: file, engine: .interpreter).outcome
    }
    #expect(outcome(good, "a.data") == .passed)
    #expect(outcome(bad, "a.data") == .failed("v0: r0 is 0x7, should be 0x8"))
    #expect(outcome(good, "negative/a.data") == .failed("accepted, should be refused"))
    #expect(outcome(bad, "negative/a.data") == .passed)
    #expect(
      outcome("-- asm\nlock add [%r10-8], %r1\nexit\n-- result\n0\n", "a.data")
        == .skipped("atomic operations are not SBPF"))
  }

  @Test func missingPathsAreErrors() {
    #expect(throws: ConformanceError.unreadable(path: "/no/such/path")) {
      try InstructionConformance.run(paths: ["/no/such/path"])
    }
    #expect(throws: ConformanceError.unreadable(path: "/no/such/path")) {
      try BPFConformance.run(paths: ["/no/such/path"])
    }
  }
}
