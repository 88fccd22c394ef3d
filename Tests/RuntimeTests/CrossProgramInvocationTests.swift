// Calls between programs. The caller below builds C structures on its stack and calls the program whose key
// is its first account, handing that account on; its instruction data selects how deep it calls itself and
// what it gets wrong.

import Ledger
import Primitives
import Testing

@testable import Runtime

@Suite struct CrossProgramInvocationTests {
  /// Instruction data: u8 depth left, u8 flags of the account meta (1 writable, 256 signer as a u16), u8 skew
  /// of the lamports pointer, u8 whether the infos lie in the input region, u64 account info count.
  private static let caller = """
    entrypoint:
      ldxb r6, [r2+0]
      jeq r6, 0, leaf
      mov64 r7, r1
      add64 r7, 16
      stxdw [r10-40], r7
      mov64 r3, r10
      add64 r3, -56
      stxdw [r10-32], r3
      stdw [r10-24], 1
      mov64 r3, r10
      add64 r3, -72
      stxdw [r10-16], r3
      stdw [r10-8], 16
      stxdw [r10-56], r7
      ldxh r4, [r2+1]
      stxdw [r10-48], r4
      ldxdw r4, [r2+0]
      add64 r4, -1
      stxdw [r10-72], r4
      ldxdw r4, [r2+8]
      stxdw [r10-64], r4
      stxdw [r10-128], r7
      ldxb r4, [r2+3]
      add64 r4, r1
      add64 r4, 80
      stxdw [r10-120], r4
      ldxdw r4, [r1+88]
      stxdw [r10-112], r4
      mov64 r4, r1
      add64 r4, 96
      stxdw [r10-104], r4
      mov64 r4, r1
      add64 r4, 48
      stxdw [r10-96], r4
      ldxb r5, [r2+4]
      ldxdw r3, [r2+8]
      mov64 r2, r10
      add64 r2, -128
      jeq r5, 0, call
      mov64 r2, r1
    call:
      mov64 r1, r10
      add64 r1, -40
      mov64 r4, 0
      mov64 r5, 0
      call sol_invoke_signed_c
      mov64 r0, 0
      exit
    leaf:
      mov64 r0, 0
      exit
    """

  private let program = TransactionRig.key(7)

  private func data(
    depth: UInt8, flags: UInt16 = 0, skew: UInt8 = 0, fromInput: Bool = false, infoCount: UInt64 = 1
  ) -> [UInt8] {
    [depth, UInt8(flags & 0xff), UInt8(flags >> 8), skew, fromInput ? 1 : 0, 0, 0, 0]
      + withUnsafeBytes(of: infoCount.littleEndian) { Array($0) }
  }

  private func run(
    _ data: [UInt8], account: Pubkey? = nil, features: Features = .mainnet
  ) throws -> TransactionOutcome {
    var rig = try TransactionRig(features: features)
    try rig.install(Self.caller, at: program)
    return try rig.run([Instruction(programID: program, accounts: [meta(account ?? program)], data: data)])
  }

  @Test func callsNestFourDeep() throws {
    for depth in 0...4 {
      let outcome = try run(data(depth: UInt8(depth)))
      #expect(outcome.error == nil)
      #expect(outcome.logs.lines.count { $0.contains("invoke [") } == depth + 1)
    }
    let outcome = try run(data(depth: 5))
    #expect(outcome.error == .instructionError(index: 0, .callDepth))
    #expect(
      outcome.logs.lines.last == "Program \(program) failed: Cross-program invocation call depth too deep")
  }

  @Test func callsNestEightDeepWithTheFeature() throws {
    for depth in 5...8 {
      let outcome = try run(data(depth: UInt8(depth)), features: .deepInvocations)
      #expect(outcome.error == nil)
      #expect(outcome.logs.lines.count { $0.contains("invoke [") } == depth + 1)
    }
    #expect(
      try run(data(depth: 9), features: .deepInvocations).error == .instructionError(index: 0, .callDepth))
  }

  @Test func costsAreThoseOfTheReference() throws {
    let flat = try run(data(depth: 0)).computeUnits
    let nested = try run(data(depth: 1)).computeUnits
    #expect(flat == 4)
    // 46 instructions, 946 for the call, data of the executable at 250 bytes a unit.
    let elfUnits = UInt64(try TransactionRig.elf(Self.caller).count / 250)
    #expect(nested == 46 + 946 + elfUnits + flat)
  }

  private static let escalations: [(UInt16, String)] = [(1, "writable"), (256, "signer")]

  @Test(arguments: escalations)
  func privilegesDoNotGrow(flags: UInt16, name: String) throws {
    let outcome = try run(data(depth: 1, flags: flags))
    #expect(outcome.error == .instructionError(index: 0, .privilegeEscalation))
    #expect(outcome.logs.lines.contains("\(program)'s \(name) privilege escalated"))
  }

  @Test func flagsAreBooleans() throws {
    #expect(try run(data(depth: 1, flags: 2)).error == .instructionError(index: 0, .invalidArgument))
  }

  @Test func accountInfosLieOutsideOfTheInput() throws {
    let outcome = try run(data(depth: 1, fromInput: true))
    #expect(outcome.error == .instructionError(index: 0, .programFailedToComplete))
    #expect(outcome.logs.lines.last == "Program \(program) failed: Invalid pointer")
  }

  @Test func accountInfosAreLimited() throws {
    let outcome = try run(data(depth: 1, infoCount: 256))
    #expect(
      outcome.logs.lines.last
        == "Program \(program) failed: Invoked an instruction with too many account info's (256 > 255)")
  }

  @Test func calleeMustBeAProgramOfALoader() throws {
    let rig = try TransactionRig()
    let outcome = try run(data(depth: 1), account: rig.other.pubkey)
    #expect(outcome.error == .instructionError(index: 0, .unsupportedProgramId))
    #expect(!outcome.logs.lines.contains { $0.contains("invoke [2]") })
  }

  @Test func accountPointersMustBeTheSerializedOnes() throws {
    let rig = try TransactionRig()
    let outcome = try run(data(depth: 1, skew: 8), account: rig.other.pubkey)
    #expect(outcome.error == .instructionError(index: 0, .programFailedToComplete))
    #expect(
      outcome.logs.lines.contains("Invalid account info pointer `lamports': 0x400000058 != 0x400000050"))
  }

  @Test(arguments: [ProgramID.bpfLoader1, ProgramID.bpfLoader2, ProgramID.nativeLoader, ProgramID.ed25519])
  func loadersAndPrecompilesAreNotCalled(callee: Pubkey) throws {
    let outcome = try run(data(depth: 1), account: callee)
    #expect(outcome.error == .instructionError(index: 0, .programFailedToComplete))
    #expect(
      outcome.logs.lines.last
        == "Program \(program) failed: Program \(callee) not supported by inner instructions")
  }
}
