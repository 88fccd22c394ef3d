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
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000)
    #expect(try rig.run([unknown]).error == .programAccountNotFound)
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000 - 5000)
  }

  /// What fails to load, and the bytes of data that the transaction asks for where that matters.
  private static let unloadable: [(program: Pubkey, limit: UInt64?, TransactionError)] = [
    (TransactionRig.key(90), nil, .programAccountNotFound),
    (ProgramID.nativeLoader, nil, .programAccountNotFound),
    (SysvarID.instructions, nil, .programAccountNotFound),
    (Ed25519.KeyPair(seed: Hash([UInt8](repeating: 2, count: 32))!).pubkey, nil, .invalidProgramForExecution),
    (SysvarID.rent, nil, .invalidProgramForExecution),
    (ProgramID.system, 1, .maxLoadedAccountsDataSizeExceeded),
    (TransactionRig.key(90), 1, .maxLoadedAccountsDataSizeExceeded),
  ]

  @Test(arguments: unloadable)
  func whatFailsToLoadPays(program: Pubkey, limit: UInt64?, error: TransactionError) throws {
    var rig = try TransactionRig()
    var instructions = [
      transfer(rig.payer.pubkey, rig.other.pubkey, 1000),
      Instruction(programID: program, accounts: [], data: [2]),
    ]
    if let limit { instructions.append(budget(4, limit, byteCount: 4)) }
    let outcome = try rig.run(instructions)
    #expect(outcome.status == .executed)
    #expect(outcome.error == error)
    #expect(outcome.fee == 5000)
    #expect(outcome.computeUnits == 0)
    #expect(outcome.logs.lines.isEmpty)
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000 - 5000)
    #expect(rig.lamports(rig.other.pubkey) == 2_000_000)
  }

  /// SIMD-0162: what a loader owns is called; whether there is code shows when it runs.
  @Test func theExecutableFlagIsNotLookedAt() throws {
    var rig = try TransactionRig()
    let elf = try TransactionRig.elf("entrypoint:\nmov64 r0, 0\nexit")
    let programData = TransactionRig.key(91)
    let held = [3, 0, 0, 0] + [UInt8](repeating: 0, count: 41) + elf
    rig.accounts[programData] = Account(
      lamports: 1_000_000_000, data: held, owner: ProgramID.bpfLoaderUpgradeable)
    let call = Instruction(programID: target, accounts: [], data: [])
    func run(_ owner: Pubkey, _ data: [UInt8]) throws -> TransactionOutcome {
      rig.accounts[target] = Account(lamports: 1_000_000_000, data: data, owner: owner)
      return try rig.run([call])
    }
    let program = [2, 0, 0, 0] + programData.bytes
    for (owner, data) in [
      (ProgramID.bpfLoader1, elf), (ProgramID.bpfLoader2, elf), (ProgramID.bpfLoaderUpgradeable, program),
    ] {
      let outcome = try run(owner, data)
      #expect(outcome.error == nil, "\(owner)")
      #expect(outcome.computeUnits == 2)
    }
    let buffer = [1, 0, 0, 0, 0] + elf
    let lacking = [2, 0, 0, 0] + TransactionRig.key(95).bytes
    for (owner, data) in [
      (ProgramID.bpfLoaderUpgradeable, buffer), (ProgramID.bpfLoaderUpgradeable, held),
      (ProgramID.bpfLoaderUpgradeable, lacking), (ProgramID.bpfLoaderUpgradeable, []),
      (ProgramID.bpfLoader2, [1, 2, 3]),
    ] {
      let outcome = try run(owner, data)
      #expect(outcome.error == .instructionError(index: 0, .unsupportedProgramId), "\(data.prefix(8))")
      #expect(outcome.logs.lines.contains("Program is not deployed"))
      #expect(outcome.fee == 5000)
    }
    #expect(try run(ProgramID.loaderV4, elf).error == .instructionError(index: 0, .unsupportedProgramId))
    #expect(try run(ProgramID.system, elf).error == .invalidProgramForExecution)
  }

  /// Accounts count 64 bytes and their data each; code that no key names counts too, and once.
  @Test func loadedDataIsCountedToTheByte() throws {
    var rig = try TransactionRig()
    let programData = TransactionRig.key(91)
    let elf = try TransactionRig.elf("entrypoint:\nmov64 r0, 0\nexit")
    rig.accounts[target] = Account(
      lamports: 1_000_000_000, data: [2, 0, 0, 0] + programData.bytes, owner: ProgramID.bpfLoaderUpgradeable,
      executable: true)
    rig.accounts[programData] = Account(
      lamports: 1_000_000_000, data: [3, 0, 0, 0] + [UInt8](repeating: 0, count: 41) + elf,
      owner: ProgramID.bpfLoaderUpgradeable)
    let held = TransactionRig.key(92)
    rig.accounts[held] = Account(lamports: 1, data: [UInt8](repeating: 0, count: 1000), owner: target)
    let call = Instruction(
      programID: target, accounts: [meta(held), meta(TransactionRig.key(93)), meta(SysvarID.instructions)],
      data: [])
    let budgetByteCount = rig.accounts[ProgramID.computeBudget]!.data.count
    let byteCount = 5 * 64 + 36 + 45 + elf.count + 1000 + budgetByteCount
    #expect(try rig.run([call, budget(4, UInt64(byteCount), byteCount: 4)]).error == nil)
    #expect(
      try rig.run([call, budget(4, UInt64(byteCount - 1), byteCount: 4)]).error
        == .maxLoadedAccountsDataSizeExceeded)
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

  /// Whether it fails to load or while it runs, and whoever pays.
  @Test(arguments: [false, true], [false, true])
  func aFailureUsesTheNonceUp(failsToLoad: Bool, nonceAccountPays: Bool) throws {
    var rig = try TransactionRig()
    let pair = Ed25519.KeyPair(seed: Hash([UInt8](repeating: 5, count: 32))!)
    let nonce = NonceState.durableNonce(from: .zero)
    let contents = NonceState.Contents(
      authority: rig.payer.pubkey, durableNonce: nonce, lamportsPerSignature: 1)
    let place = nonceAccountPays ? pair.pubkey : target
    rig.accounts[place] = Account(
      lamports: 10_000_000, data: NonceState(contents: contents).encode(), owner: ProgramID.system)
    let advance = Instruction(
      programID: ProgramID.system,
      accounts: [
        meta(place, writes: true), meta(SysvarID.recentBlockhashes), meta(rig.payer.pubkey, signs: true),
      ], data: [4, 0, 0, 0])
    let failing =
      failsToLoad
      ? Instruction(programID: TransactionRig.key(90), accounts: [], data: [])
      : transfer(rig.payer.pubkey, rig.other.pubkey, 1 << 60)
    let outcome = try rig.run(
      [advance, failing], signers: nonceAccountPays ? [pair, rig.payer] : [rig.payer], blockhash: nonce)
    #expect(outcome.status == .executed)
    #expect(
      outcome.error == (failsToLoad ? .programAccountNotFound : .instructionError(index: 1, .custom(1))))
    let after = rig.accounts[place].flatMap(NonceState.init)?.contents
    #expect(after?.durableNonce == NonceState.durableNonce(from: nonce))
    #expect(after?.lamportsPerSignature == 5000)
    let fee: UInt64 = nonceAccountPays ? 10_000 : 5000
    #expect(outcome.fee == fee)
    #expect(rig.lamports(place) == 10_000_000 - (nonceAccountPays ? fee : 0))
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000 - (nonceAccountPays ? 0 : fee))
    #expect(try rig.run([advance], blockhash: nonce).error == .blockhashNotFound)
  }

  /// SIMD-0242: an account that a lookup table gives is no nonce account.
  @Test func aNonceOfALookupTableIsNone() throws {
    let rig = try TransactionRig()
    let nonce = NonceState.durableNonce(from: .zero)
    let contents = NonceState.Contents(
      authority: rig.payer.pubkey, durableNonce: nonce, lamportsPerSignature: 5000)
    let account = Account(
      lamports: 1_447_680, data: NonceState(contents: contents).encode(), owner: ProgramID.system)
    var body: [UInt8] = [0x80, 1, 0, 1, 2] + rig.payer.pubkey.bytes + ProgramID.system.bytes + nonce.bytes
    body += [1, 1, 2, 2, 0, 4, 4, 0, 0, 0] + [1] + [UInt8](repeating: 8, count: 32) + [1, 0, 0]
    let wire = [1] + rig.payer.sign(body).bytes + body
    let transaction = try Transaction.decode(wire)
    let resolved = try ResolvedTransaction(transaction) { (_) throws(TransactionError) in
      LoadedAddresses(writable: [target])
    }
    let lent = [rig.accounts[rig.payer.pubkey], rig.accounts[ProgramID.system], account]
    let outcome = rig.processor.process(resolved, accounts: ArrayAccountView(accounts: lent))
    #expect(outcome.error == .blockhashNotFound)
    #expect(outcome.status == .rejected)
  }

  @Test func instructionTraceHoldsSixtyFour() throws {
    var rig = try TransactionRig()
    try rig.install("entrypoint:\nmov64 r0, 0\nexit", at: target)
    let one = Instruction(programID: target, accounts: [], data: [])
    let full = try rig.run([Instruction](repeating: one, count: 64))
    #expect(full.error == nil)
    #expect(throws: TransactionError.sanitizeFailure) {
      try rig.run([Instruction](repeating: one, count: 65))
    }
    #expect(rig.lamports(rig.payer.pubkey) == 1_000_000_000 - 5000)
  }

  @Test func anInstructionListsAtMost255Accounts() throws {
    var rig = try TransactionRig()
    try rig.install("entrypoint:\nmov64 r0, 0\nexit", at: target)
    let payer = rig.payer.pubkey
    func call(_ count: Int) -> Instruction {
      Instruction(
        programID: target, accounts: [AccountMeta](repeating: meta(payer, signs: true), count: count),
        data: [])
    }
    #expect(try rig.run([call(255)]).error == nil)
    #expect(throws: TransactionError.sanitizeFailure) { try rig.run([call(256)]) }
  }
}
