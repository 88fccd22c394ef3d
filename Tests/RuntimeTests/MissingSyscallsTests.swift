// Programs that call a syscall which Agave has and this build lacks are refused when they are loaded, by the syscall's
// name, in every SBPF version; calls of names that nobody knows are left to fault.

import Ledger
import Testing

@testable import Linking
@testable import Runtime
@testable import SBPF

@Suite struct MissingSyscallsTests {
  /// `mov64 r0, 0; exit; call NAME; exit`: the call is never reached.
  private static func elf(calling name: String, version: SBPFVersion) throws -> [UInt8] {
    let image = try Assembler.assemble("entrypoint:\nmov64 r0, 0\nexit\ncall \(name)\nexit", version: version)
    var program = LinkedProgram(version: version)
    program.text = image.text
    if version.hasStrictELF { return try ExecutableWriter.strict(program) }
    program.text.replaceSubrange(20..<24, with: [0xff, 0xff, 0xff, 0xff])
    program.calls = [LinkedProgram.DynamicCall(pc: 2, name: name, function: nil)]
    return try ExecutableWriter.lenient(program)
  }

  private static func state(_ elf: [UInt8]) -> ProgramEntry.State {
    elf.withUnsafeBytes { ProgramEntry.load($0, syscalls: SyscallTable.registry).state }
  }

  @Test(arguments: SBPFVersion.classic) func missingOnesAreRefusedByName(version: SBPFVersion) throws {
    for name in MissingSyscalls.names {
      let elf = try Self.elf(calling: name, version: version)
      guard case .lacksSyscall(name) = Self.state(elf) else {
        Issue.record("\(name) in \(version): \(Self.state(elf))")
        continue
      }
      #expect(ProgramEntry.objection(toDeploying: elf)?.description.contains(name) == true)
      #expect(throws: ProgramLoadError.self) { try ProgramRunner(elf: elf) }
    }
  }

  @Test(arguments: SBPFVersion.classic) func otherNamesFaultWhenReached(version: SBPFVersion) throws {
    for name in ["sol_nonsense", "sol_get_fees_sysvar"] {
      let elf = try Self.elf(calling: name, version: version)
      guard case .executable = Self.state(elf) else {
        Issue.record("\(name) in \(version): \(Self.state(elf))")
        continue
      }
      #expect((ProgramEntry.objection(toDeploying: elf) == nil) == version.hasStaticSyscalls)
      #expect(try ProgramRunner(elf: elf).run(data: []).result == 0)
    }
  }

  @Test func noneIsInTheTable() {
    let known = Set(SyscallTable.extended.entries.map(\.name))
    for name in MissingSyscalls.names { #expect(!known.contains(name), "\(name)") }
  }

  @Test func transactionsSayWhichIsMissing() throws {
    let program = TransactionRig.key(7)
    var rig = try TransactionRig()
    try rig.install("entrypoint:\ncall sol_poseidon\nexit", at: program)
    let outcome = try rig.run([Instruction(programID: program, accounts: [], data: [])])
    #expect(outcome.error == .instructionError(index: 0, .unsupportedProgramId))
    #expect(outcome.logs.lines.contains { $0.contains("sol_poseidon") })
  }
}
