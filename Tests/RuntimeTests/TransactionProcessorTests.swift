// The order of checks, fees, rollback and logs of whole transactions; the expected figures are LiteSVM's.

import Ledger
import Primitives
import Testing

@testable import Runtime

@Suite struct TransactionProcessorTests {
  private let target = TransactionRig.key(7)

  @Test func transferMovesLamportsAndCharges() throws {
    var rig = try TransactionRig()
    let outcome = try rig.run([transfer(rig.payer.pubkey, rig.other.pubkey, 1000)])
    #expect(outcome.status == .executed)
    #expect(outcome.error == nil)
    #expect(outcome.fee == 5000)
    #expect(outcome.computeUnits == 150)
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000 - 6000)
    #expect(rig.lamports(rig.other.pubkey) == 2_001_000)
    #expect(
      outcome.logs.lines == [
        "Program 11111111111111111111111111111111 invoke [1]",
        "Program 11111111111111111111111111111111 success",
      ])
  }

  @Test func failureKeepsOnlyTheFee() throws {
    var rig = try TransactionRig()
    let outcome = try rig.run([
      transfer(rig.payer.pubkey, rig.other.pubkey, 1000),
      transfer(rig.payer.pubkey, rig.other.pubkey, 1 << 60),
    ])
    #expect(outcome.error == .instructionError(index: 1, .custom(1)))
    #expect(outcome.computeUnits == 300)
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000 - 5000)
    #expect(rig.lamports(rig.other.pubkey) == 2_000_000)
    #expect(
      outcome.logs.lines.last == "Program 11111111111111111111111111111111 failed: custom program error: 0x1")
    #expect(
      outcome.logs.lines.contains("Transfer: insufficient lamports 999994000, need 1152921504606846976"))
  }

  @Test func priorityFeeIsRoundedUp() throws {
    var rig = try TransactionRig()
    let outcome = try rig.run([
      budget(2, 123_457, byteCount: 4), budget(3, 123_457, byteCount: 8),
      transfer(rig.payer.pubkey, rig.other.pubkey, 1),
    ])
    #expect(outcome.error == nil)
    #expect(outcome.fee == 20_242)
  }

  private static let poorPayers: [(UInt64, TransactionError)] = [
    (0, .accountNotFound), (4999, .insufficientFundsForFee),
    (894_880, .insufficientFundsForRent(accountIndex: 0)),
  ]

  @Test(arguments: poorPayers)
  func payerThatCannotPayIsTurnedAway(lamports: UInt64, error: TransactionError) throws {
    var rig = try TransactionRig()
    rig.accounts[rig.payer.pubkey] = Account(lamports: lamports, owner: ProgramID.system)
    let outcome = try rig.run([transfer(rig.payer.pubkey, rig.other.pubkey, 0)])
    #expect(outcome.status == .rejected)
    #expect(outcome.error == error)
    #expect(outcome.fee == 0)
    #expect(outcome.changes.isEmpty)
  }

  @Test func payerMustBeASystemAccount() throws {
    for account in [
      Account(lamports: 1_000_000_000, data: [1], owner: ProgramID.system),
      Account(lamports: 1_000_000_000, owner: TransactionRig.key(3)),
      Account(lamports: 1_000_000_000, data: [UInt8](repeating: 0, count: 80), owner: ProgramID.system),
    ] {
      var rig = try TransactionRig()
      rig.accounts[rig.payer.pubkey] = account
      #expect(try rig.run([transfer(rig.payer.pubkey, rig.other.pubkey, 0)]).error == .invalidAccountForFee)
    }
  }

  @Test func accountsMustEndRentExemptOrEmpty() throws {
    var rig = try TransactionRig()
    let poor = try rig.run([transfer(rig.payer.pubkey, target, 5)])
    #expect(poor.error == .insufficientFundsForRent(accountIndex: 1))
    #expect(poor.status == .executed)
    #expect(rig.accounts[target] == nil)
    let exempt = try rig.run([transfer(rig.payer.pubkey, target, 890_880)])
    #expect(exempt.error == nil)
    #expect(rig.accounts[target] == Account(lamports: 890_880, owner: ProgramID.system, rentEpoch: 0))
    let incinerated = try rig.run([transfer(rig.payer.pubkey, ProgramID.incinerator, 5)])
    #expect(incinerated.error == nil)
  }

  @Test func emptiedAccountsAreDeleted() throws {
    var rig = try TransactionRig()
    let all = rig.lamports(rig.other.pubkey)
    let outcome = try rig.run([transfer(rig.other.pubkey, target, all)], signers: [rig.payer, rig.other])
    #expect(outcome.error == nil)
    #expect(outcome.fee == 10_000)
    #expect(rig.accounts[rig.other.pubkey] == nil)
  }

  @Test func checksComeInOrder() throws {
    var rig = try TransactionRig()
    let bad = budget(9, 0, byteCount: 4)
    #expect(try rig.run([bad], blockhash: .zero).error == .blockhashNotFound)
    #expect(
      try rig.run([bad], isAlreadyProcessed: true).error
        == .instructionError(index: 0, .invalidInstructionData))
    let unknown = Instruction(programID: target, accounts: [], data: [])
    #expect(try rig.run([unknown], isAlreadyProcessed: true).error == .alreadyProcessed)
    #expect(try rig.run([unknown]).error == .invalidProgramForExecution)
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000)
  }

  @Test func precompilesReportTheirOwnNumbers() throws {
    var rig = try TransactionRig()
    let outcome = try rig.run([Instruction(programID: ProgramID.ed25519, accounts: [], data: [1, 0])])
    #expect(outcome.error == .instructionError(index: 0, .custom(4)))
    #expect(outcome.fee == 10_000)
    #expect(outcome.logs.count == 0)
  }

  @Test func durableNoncesStandInForABlockhash() throws {
    var rig = try TransactionRig()
    let nonce = NonceState.durableNonce(from: .zero)
    let contents = NonceState.Contents(
      authority: rig.payer.pubkey, durableNonce: nonce, lamportsPerSignature: 5000)
    rig.accounts[target] = Account(
      lamports: 1_447_680, data: NonceState(contents: contents).encode(), owner: ProgramID.system)
    let advance = Instruction(
      programID: ProgramID.system,
      accounts: [
        meta(target, writes: true), meta(SysvarID.recentBlockhashes), meta(rig.payer.pubkey, signs: true),
      ], data: [4, 0, 0, 0])
    #expect(
      try rig.run([transfer(rig.payer.pubkey, rig.other.pubkey, 1)], blockhash: nonce).error
        == .blockhashNotFound)
    let outcome = try rig.run([advance, transfer(rig.payer.pubkey, rig.other.pubkey, 1)], blockhash: nonce)
    #expect(outcome.error == nil)
    let advanced = rig.accounts[target].flatMap(NonceState.init)
    #expect(advanced?.contents?.durableNonce == NonceState.durableNonce(from: nonce))
    #expect(try rig.run([advance], blockhash: nonce).error == .blockhashNotFound)
  }

  @Test func instructionTraceHoldsSixtyFour() throws {
    var rig = try TransactionRig()
    try rig.install("entrypoint:\nmov64 r0, 0\nexit", at: target)
    let one = Instruction(programID: target, accounts: [], data: [])
    let full = try rig.run([Instruction](repeating: one, count: 64))
    #expect(full.error == nil)
    let outcome = try rig.run([Instruction](repeating: one, count: 65))
    #expect(outcome.error == .instructionError(index: 64, .maxInstructionTraceLengthExceeded))
    #expect(outcome.computeUnits == 64 * 2)
  }
}
