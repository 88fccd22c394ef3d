import Testing

@testable import Runtime

@Suite struct ProgramRunnerTests {
  @Test func resultsUnitsAndInstructions() throws {
    let runner = try ProgramRunner(elf: TransactionRig.elf("entrypoint:\nldxb r0, [r2+0]\nadd64 r0, 2\nexit"))
    for value in [UInt8(0), 40] {
      let outcome = try runner.run(data: [value])
      #expect(outcome.result == UInt64(value) + 2)
      #expect(outcome.error == nil)
      #expect(outcome.computeUnits == 3)
      #expect(outcome.instructionCount == 3)
    }
  }

  @Test func syscallsAreLoggedAndCharged() throws {
    let runner = try ProgramRunner(
      elf: TransactionRig.elf("entrypoint:\nmov64 r1, 5\ncall sol_log_64_\nmov64 r0, 0\nexit"))
    let outcome = try runner.run(data: [])
    #expect(outcome.logs.lines.count == 1)
    #expect(outcome.logs.lines.first?.hasPrefix("Program log: 0x5, ") == true)
    #expect(outcome.computeUnits == 104)
    #expect(outcome.instructionCount == 4)
  }

  @Test func faultsAreTold() throws {
    let loop = try ProgramRunner(elf: TransactionRig.elf("entrypoint:\nja entrypoint\nexit"))
    let outcome = try loop.run(data: [], unitLimit: 100)
    #expect(outcome.error == "exceeded CUs meter at BPF instruction")
    #expect(outcome.computeUnits == 100)
    let panic = try ProgramRunner(elf: TransactionRig.elf("entrypoint:\ncall abort\nexit"))
    #expect(try panic.run(data: []).error == "SBF program panicked")
  }

  @Test func brokenFilesAreRefused() {
    for bytes in [[], [0x7f], [UInt8](repeating: 0, count: 64)] as [[UInt8]] {
      #expect(throws: ProgramLoadError.self) { try ProgramRunner(elf: bytes) }
    }
  }
}
