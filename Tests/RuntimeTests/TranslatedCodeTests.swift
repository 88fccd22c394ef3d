// Translated EVM code is refused wherever a program comes in: by the loader of accounts, at deployment, by
// `estuary run`, and when a transaction calls an account that holds it. The genesis has its own test.

import Ledger
import Linking
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

@Suite struct TranslatedCodeTests {
  private static func elf() throws -> [UInt8] {
    try ObjectLinker.executable(try Assembler.assemble("wcharge 1\nexit", version: .wide))
  }

  private static let refusal = ELFError.unsupportedVersion(flags: 0x4556_4d00)

  @Test func theFileIsFine() throws {
    let image = try ELFLoader.load(Self.elf(), syscalls: SyscallRegistry(), options: .wide)
    #expect(throws: Never.self) { try Executable(image: image, syscalls: SyscallRegistry()) }
  }

  @Test func accountsThatHoldItDoNotLoad() throws {
    let state = try Self.elf().withUnsafeBytes {
      ProgramEntry.load($0, syscalls: SyscallTable.registry()).state
    }
    guard case .failedVerification(let text) = state else {
      Issue.record("\(state)")
      return
    }
    #expect(text == Self.refusal.description)
  }

  @Test func deploymentObjects() throws {
    guard case .file(Self.refusal) = ProgramEntry.objection(toDeploying: try Self.elf()) else {
      Issue.record("it would be deployed")
      return
    }
  }

  @Test func theRunnerDoesNotRunIt() throws {
    let elf = try Self.elf()
    #expect(throws: ProgramLoadError.self) { try ProgramRunner(elf: elf) }
  }

  @Test(arguments: [ProgramID.bpfLoader2, ProgramID.bpfLoader1])
  func transactionsDoNotReachIt(loader: Pubkey) throws {
    let program = TransactionRig.key(9)
    var rig = try TransactionRig()
    rig.accounts[program] = Account(
      lamports: 1_000_000_000, data: try Self.elf(), owner: loader, executable: true, rentEpoch: .max)
    let outcome = try rig.run([Instruction(programID: program, accounts: [], data: [])])
    #expect(outcome.error == .instructionError(index: 0, .unsupportedProgramId))
    #expect(outcome.logs.lines.contains("Program is not deployed"))
  }

  @Test func upgradeableAccountsNeither() throws {
    let program = TransactionRig.key(9)
    var rig = try TransactionRig()
    let accounts = UpgradeableProgram.accounts(programID: program, elf: try Self.elf(), rent: Rent())
    rig.accounts[program] = accounts.program
    rig.accounts[accounts.programData.key] = accounts.programData.account
    let outcome = try rig.run([Instruction(programID: program, accounts: [], data: [])])
    #expect(outcome.error == .instructionError(index: 0, .unsupportedProgramId))
  }

  /// The ledger knows the number without knowing the VM.
  @Test func floorsAgreeOnTheNumber() throws {
    #expect(UpgradeableProgram.translatedCodeFlags == SBPFVersion.wide.rawValue)
    #expect(try UpgradeableProgram.isTranslatedCode(Self.elf()))
    #expect(try !UpgradeableProgram.isTranslatedCode(TransactionRig.elf("exit")))
  }
}
