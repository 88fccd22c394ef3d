// Contracts call programs: the cases that NEON's interfaces promise, and those where ours is better, on every executor
// (CrossCallRig). Tokens are in CrossCallTokenTests.

import CrossCalls
import EVM
import Ledger
import Primitives
import Runtime
import Testing
import WideIntegers

@testable import Estuary
@testable import Execution

@Suite(.serialized) struct CrossCallTests {
  typealias Rig = CrossCallRig
  typealias Step = ScriptContract.Step

  private static let someone = Pubkey(word0: 91, word1: 92, word2: 93, word3: 94)
  private static let contract = Rig.contracts[0]

  /// A step that has a contract run `instruction`.
  static func execute(
    _ instruction: Instruction, _ op: ScriptContract.Op = .call, lamports: UInt64? = nil, salt: Pubkey? = nil,
    asBytes: Bool = false, value: UInt256 = .zero
  ) throws -> Step {
    let tuple = asBytes ? "bytes" : "(bytes32,(bytes32,bool,bool)[],bytes)"
    let last: Rig.Argument = asBytes ? .bytes(Rig.encoded(instruction)) : .instruction(instruction)
    let data =
      switch (lamports, salt) {
      case (nil, nil): try Rig.data("execute(\(tuple))", last)
      case (let lamports?, nil): try Rig.data("execute(uint64,\(tuple))", .number(UInt256(lamports)), last)
      case (nil, let salt?): try Rig.data("executeWithSeed(bytes32,\(tuple))", .key(salt), last)
      case (let lamports?, let salt?):
        try Rig.data("executeWithSeed(uint64,bytes32,\(tuple))", .number(UInt256(lamports)), .key(salt), last)
      }
    return Step(op, Rig.callSolana, value: value, data)
  }

  static func transfer(_ lamports: UInt64, from: Pubkey, to: Pubkey = someone, signer: Bool = true)
    -> Instruction
  {
    Rig.system(
      .transfer(lamports: lamports),
      [AccountMeta(from, signer: signer, writable: true), AccountMeta(to, writable: true)])
  }

  /// With lamports on the first contract's program address.
  static func rig(_ more: [(key: Pubkey, account: Account)] = []) -> Rig {
    var rig = Rig()
    rig.accounts.append((Rig.key(.contract), Account(lamports: 50_000_000, owner: ProgramID.system)))
    rig.accounts += more
    return rig
  }

  // MARK: 1, 2, 3

  @Test func derivesAddresses() throws {
    let salt = Rig.salt(1)
    let steps = try [
      Step(.staticCall, Rig.callSolana, Rig.data("getNeonAddress(address)", .address(Rig.sender))),
      Step(.staticCall, Rig.callSolana, Rig.data("getResourceAddress(bytes32)", .key(salt))),
      Step(.staticCall, Rig.callSolana, Rig.data("getExtAuthority(bytes32)", .key(salt))),
      Step(.staticCall, Rig.callSolana, Rig.data("getPayer()")),
      Step(.staticCall, Rig.splToken, Rig.data("findAccount(bytes32)", .key(salt))),
      Step(
        .staticCall, Rig.callSolana,
        Rig.data("getSolanaPDA(bytes32,bytes)", .key(Self.someone), .bytes(Array(1...40)))),
    ]
    let calls = try Self.rig().run([.init(steps)]).calls()
    let derived = try ProgramAddress.find(seeds: [Array(1...32), Array(33...40)], program: Self.someone)
      .address
    let expected = [
      Rig.key(.contract, Rig.sender), Rig.key(.resource, salt: salt), Rig.key(.authority, salt: salt),
      Rig.key(.payer),
      Rig.key(.resource, salt: salt), derived,
    ]
    #expect(calls.map(\.output) == expected.map(\.bytes))
    #expect(calls.allSatisfy { $0.isSuccess })
  }

  @Test func refusesValueDelegationAndStaticWrites() throws {
    let payer = try Rig.data("getPayer()")
    let lamports = try Rig.data("lamports(bytes32)", .key(Vault.key))
    let write = try Self.execute(Self.transfer(1_000_000, from: Rig.key(.contract))).payload
    let resource = try Rig.data(
      "createResource(bytes32,uint64,uint64,bytes32)", .key(Rig.salt(1)), .number(8), .number(0),
      .key(Self.someone))
    let withdraw = try Rig.data("withdraw(bytes32)", .key(Self.someone))
    let steps = [
      Step(.call, Rig.callSolana, value: 5, payer), Step(.call, Rig.queryAccount, value: 5, lamports),
      Step(.call, Rig.splToken, value: 5, payer), Step(.call, Rig.solanaNative, value: 5, payer),
      Step(.delegateCall, Rig.callSolana, payer), Step(.callCode, Rig.callSolana, payer),
      Step(.delegateCall, Rig.splToken, payer), Step(.delegateCall, Rig.nativeToken, withdraw),
      Step(.delegateCall, Rig.metaplex, payer), Step(.staticCall, Rig.callSolana, write),
      Step(.staticCall, Rig.callSolana, resource), Step(.staticCall, Rig.nativeToken, withdraw),
      Step(.delegateCall, Rig.queryAccount, lamports), Step(.staticCall, Rig.queryAccount, lamports),
    ]
    let outcome = try Self.rig().run([.init(steps)])
    let calls = outcome.calls()
    #expect(calls.count == steps.count)
    for call in calls.prefix(12) { #expect(!call.isSuccess && call.reason != nil, "\(call)") }
    for call in calls.suffix(2) { #expect(call.isSuccess && call.output == Rig.word(Rig.vaultLamports)) }
    #expect(try outcome.balance(Self.contract) == Rig.ether)
    #expect(try outcome.account(Self.someone) == nil)
    #expect(try outcome.account(Rig.key(.contract))?.lamports == 50_000_000)
  }

  @Test func hasCodeForCompilers() throws {
    let steps =
      (2...7).map { Step(.codeSize, BorderAddress.address($0)) } + [Step(.codeSize, BorderAddress.address(8))]
    let sizes = try Self.rig().run([.init(steps)]).calls().map { $0.output.last }
    #expect(sizes == [1, 1, 1, 1, 1, 1, 0])
  }

  // MARK: 4, 5

  @Test(arguments: [false, true], [nil, 0 as UInt64])
  func executes(asBytes: Bool, lamports: UInt64?) throws {
    let salt = Rig.salt(7)
    let authority = Rig.key(.authority, salt: salt)
    let rig = Self.rig([(authority, Account(lamports: 9_000_000, owner: ProgramID.system))])
    let steps = try [
      Self.execute(Self.transfer(2_000_000, from: Rig.key(.contract)), lamports: lamports, asBytes: asBytes),
      Self.execute(
        Self.transfer(3_000_000, from: authority), lamports: lamports, salt: salt, asBytes: asBytes),
      Step(.staticCall, Rig.queryAccount, Rig.data("lamports(bytes32)", .key(Self.someone))),
      Step(.staticCall, Rig.queryAccount, Rig.data("info(bytes32)", .key(authority))),
    ]
    let outcome = try rig.run([.init(steps)])
    let calls = outcome.calls()
    #expect(calls.allSatisfy { $0.isSuccess }, "\(calls.map(\.reason))")
    // No return data: an empty `bytes`.
    #expect(calls[0].output == Rig.word(32) + Rig.word(0))
    #expect(calls[2].output == Rig.word(5_000_000))
    #expect(
      calls[3].output == authority.bytes + Rig.word(6_000_000) + ProgramID.system.bytes + Rig.word(0)
        + Rig.word(.max))
    #expect(try outcome.account(Self.someone)?.lamports == 5_000_000)
    #expect(try outcome.account(Rig.key(.contract))?.lamports == 48_000_000)
  }

  @Test func signsForItselfAlone() throws {
    let (salt, other) = (Rig.salt(7), Rig.salt(8))
    let foreign = [
      Rig.key(.contract, Rig.contracts[1]), Rig.key(.authority, salt: salt),
      Rig.key(.payer, Rig.contracts[1]),
      Rig.key(.resource, salt: salt), Vault.key, Self.someone,
    ]
    let rig = Self.rig(
      foreign.dropLast(2).map { ($0, Account(lamports: 9_000_000, owner: ProgramID.system)) })
    let target = Pubkey(word0: 5, word1: 5, word2: 5, word3: 5)
    let steps =
      try foreign.map { try Self.execute(Self.transfer(1_000_000, from: $0, to: target)) } + [
        // Not the contract's own address, nor another salt's, with a seed.
        Self.execute(Self.transfer(1_000_000, from: Rig.key(.contract), to: target), salt: salt),
        Self.execute(
          Self.transfer(1_000_000, from: Rig.key(.authority, salt: salt), to: target), salt: other),
        // The program asks for a signature that the flag does not give.
        Self.execute(Self.transfer(1_000_000, from: Rig.key(.contract), to: target, signer: false)),
      ]
    let outcome = try rig.run([.init(steps)])
    for call in outcome.calls() { #expect(!call.isSuccess && call.reason != nil, "\(call)") }
    #expect(outcome.calls().count == steps.count)
    #expect(
      outcome.calls().last?.reason
        == "Program 11111111111111111111111111111111 failed: missing required signature for instruction")
    #expect(try outcome.account(target) == nil)
  }

  @Test func behindAProxyTheProxySigns() throws {
    let proxy = Rig.contracts[1]
    let rig = Self.rig([(Rig.key(.contract, proxy), Account(lamports: 9_000_000, owner: ProgramID.system))])
    let inner = try ScriptContract.script([
      Self.execute(Self.transfer(1_000_000, from: Rig.key(.contract, proxy)), .mustCall)
    ])
    let wrong = try ScriptContract.script([
      Self.execute(Self.transfer(1_000_000, from: Rig.key(.contract, Rig.contracts[0])), .mustCall)
    ])
    let outcome = try rig.run([
      .init(
        [Step(.delegateCall, Rig.contracts[0], inner), Step(.delegateCall, Rig.contracts[0], wrong)],
        to: proxy)
    ])
    #expect(outcome.calls().map(\.isSuccess) == [true, false])
    #expect(try outcome.account(Self.someone)?.lamports == 1_000_000)
  }

  // MARK: 6, 7, 8

  @Test func refusesReservedAccounts() throws {
    let own = AccountMeta(Rig.key(.contract), signer: true, writable: true)
    let operatorKey = try #require(
      Base58.decode("neonoperator1111111111111111111111111111111").flatMap { Pubkey($0) })
    let program = Instruction(programID: ProgramID.ethereum, accounts: [], data: [])
    func with(_ meta: AccountMeta) -> Instruction { Rig.system(.transfer(lamports: 0), [own, meta]) }
    let refused = [
      program, with(AccountMeta(ProgramID.ethereum)), with(AccountMeta(operatorKey)),
      with(AccountMeta(Vault.key, writable: true)), with(AccountMeta(SysvarID.clock, writable: true)),
      with(AccountMeta(EVMKey.account(Self.contract))),
      Instruction(programID: ProgramID.bpfLoaderUpgradeable, accounts: [own], data: [0, 0, 0, 0]),
      Instruction(programID: ProgramID.ed25519, accounts: [], data: [0]),
      Instruction(programID: Self.someone, accounts: [], data: []),
      Rig.system(.transfer(lamports: 0), [own] + (0..<255).map { AccountMeta(Rig.salt($0)) }),
      Instruction(programID: ProgramID.system, accounts: [own], data: Array(repeating: 0, count: 10_241)),
    ]
    let outcome = try Self.rig().run([.init(try refused.map { try Self.execute($0) })])
    let reasons = outcome.calls().map { $0.isSuccess ? nil : $0.reason }
    #expect(reasons.count == refused.count && !reasons.contains(nil), "\(reasons)")
    #expect(reasons[3] == "\(Vault.key) is reserved and cannot be writable")
    #expect(reasons[8] == "Program \(Self.someone) is not on this ledger")
  }

  @Test func paysThroughThePayer() throws {
    let payer = Rig.key(.payer)
    let poor = Rig.contracts[1]
    let space: UInt64 = 100
    let rent = Rent().minimumBalance(dataByteCount: Int(space))
    func create(_ contract: Address, salt: Pubkey) -> Instruction {
      // A new account must sign, which the contract does for the authority of a salt.
      Rig.system(
        .createAccount(lamports: rent, space: space, owner: Self.someone),
        [
          AccountMeta(Rig.key(.payer, contract), signer: true, writable: true),
          AccountMeta(Rig.key(.authority, contract, salt: salt), signer: true, writable: true),
        ])
    }
    let (one, two) = (Rig.salt(1), Rig.salt(2))
    let outcome = try Self.rig([(payer, Account(lamports: 7_000_000, owner: ProgramID.system))]).run([
      // 7,000,000 are there, 20,000,000 are asked for: 13,000,000 come from the program address, what is left goes back.
      .init([try Self.execute(create(Self.contract, salt: one), lamports: 20_000_000, salt: one)]),
      // Nobody but the sender pays for this contract; the amount is left open.
      .init([try Self.execute(create(poor, salt: two), salt: two)], to: poor),
      // Without the payer among the accounts the amount means nothing.
      .init([try Self.execute(Self.transfer(1_000_000, from: Rig.key(.contract)), lamports: .max)]),
      // More than anybody has.
      .init([try Self.execute(create(Self.contract, salt: two), lamports: .max / 2, salt: two)]),
      // The sender pays no more than its gas limit says.
      .init(
        [try Self.execute(create(poor, salt: one), lamports: 3_000_000, salt: one)], to: poor,
        gasLimit: 2_000_000),
    ])
    #expect((0..<5).map { outcome.calls($0)[0].isSuccess } == [true, true, true, false, false])
    let made = Account(
      lamports: rent, data: Array(repeating: 0, count: Int(space)), owner: Self.someone, rentEpoch: 0)
    #expect(try outcome.account(Rig.key(.authority, salt: one)) == made)
    #expect(try outcome.account(Rig.key(.authority, poor, salt: two)) == made)
    // Of the loan the program used what the payer did not have: nothing, as what was there before stays only so far.
    #expect(try outcome.account(payer)?.lamports == 7_000_000)
    #expect(try outcome.account(Rig.key(.contract))?.lamports == 50_000_000 - rent - 1_000_000)
    #expect(try outcome.account(Rig.key(.payer, poor)) == nil)
    // The sender has paid for the poor contract's account.
    #expect(try outcome.account(Vault.key)?.lamports == Rig.vaultLamports - rent)
    let fees = outcome.results.reduce(UInt256.zero) { $0 &+ UInt256($1.gasUsed) &* 9 }
    #expect(
      try outcome.balance(Rig.sender) == Rig.ether &* 100 &- fees &- UInt256(rent) &* UInt256(1_000_000_000))
  }

  @Test func createsResources() throws {
    let salt = Rig.salt(3)
    let key = Rig.key(.resource, salt: salt)
    let create = try Rig.data(
      "createResource(bytes32,uint64,uint64,bytes32)", .key(salt), .number(33), .number(0), .key(Self.someone)
    )
    // Nobody but the EVM owns what it owns.
    let taken = try Rig.data(
      "createResource(bytes32,uint64,uint64,bytes32)", .key(Rig.salt(5)), .number(8), .number(0),
      .key(ProgramID.ethereum))
    let large = try Rig.data(
      "createResource(bytes32,uint64,uint64,bytes32)", .key(Rig.salt(4)), .number(1 << 40), .number(0),
      .key(Self.someone))
    let outcome = try Self.rig().run([
      .init([
        Step(.call, Rig.callSolana, create), Step(.call, Rig.callSolana, create),
        Step(.call, Rig.callSolana, large),
        Step(.call, Rig.callSolana, taken),
        Step(.staticCall, Rig.queryAccount, try Rig.data("length(bytes32)", .key(key))),
        Step(
          .staticCall, Rig.queryAccount, try Rig.data("owner(uint256)", .number(UInt256(Hash(key.bytes)!)))),
      ])
    ])
    let calls = outcome.calls()
    #expect(calls.map(\.isSuccess) == [true, false, false, false, true, true])
    #expect(calls[0].output == key.bytes && calls[1].reason == "the account \(key) is there already")
    #expect(calls[3].reason?.contains("cannot be given to") == true)
    #expect(calls[4].output == Rig.word(33) && calls[5].output == Self.someone.bytes)
    #expect(try outcome.account(Rig.key(.resource, salt: Rig.salt(5))) == nil)
    #expect(try outcome.account(key)?.lamports == Rent().minimumBalance(dataByteCount: 33))
  }

  // MARK: 10

  @Test func withdraws() throws {
    let unit = UInt256(1_000_000_000)
    func withdraw(_ value: UInt256, to key: Pubkey) throws -> Step {
      Step(.call, Rig.nativeToken, value: value, try Rig.data("withdraw(bytes32)", .key(key)))
    }
    let large = Pubkey(word0: 3, word1: 3, word2: 3, word3: 3)
    let rig = Self.rig([(large, Account(lamports: .max - 10_000_000, owner: Self.someone))])
    let outcome = try rig.run([
      .init(
        try [
          withdraw(.zero, to: Self.someone), withdraw(unit &* 2_000_000 &+ 1, to: Self.someone),
          withdraw(unit &* 100, to: Self.someone),  // less than an account needs
          withdraw(unit &* 20_000_000, to: large), withdraw(unit &* 2_000_000, to: Vault.key),
          withdraw(unit &* 2_000_000, to: Self.someone), withdraw(unit &* 100, to: Self.someone),
        ])
    ])
    let calls = outcome.calls()
    #expect(
      calls.map(\.isSuccess) == [false, false, false, false, false, true, true], "\(calls.map(\.reason))")
    #expect(calls.prefix(5).allSatisfy { $0.reason != nil } && calls[5].output == Rig.word(1))
    #expect(try outcome.account(Self.someone)?.lamports == 2_000_100)
    #expect(try outcome.account(Vault.key)?.lamports == Rig.vaultLamports - 2_000_100)
    #expect(try outcome.balance(Self.contract) == Rig.ether &- unit &* 2_000_100)
    #expect(try outcome.balance(Rig.nativeToken).isZero)
    // More lamports than the vault has.
    let empty = try Self.rig().run([
      .init([try withdraw(unit &* 1_000_000_000_001, to: Self.someone)], value: Rig.ether &* 50)
    ])
    // 50 ether and one of its own are 51 × 10^9 lamports: not enough to be refused for the vault's sake.
    #expect(empty.calls().map(\.isSuccess) == [false])
  }

  // MARK: 11, 12, 13

  @Test func seesEffectsAtOnceAndTakesBackWhatFailed() throws {
    let own = Rig.key(.contract)
    let look = Step(.staticCall, Rig.queryAccount, try Rig.data("lamports(bytes32)", .key(Self.someone)))
    let pay = try Self.execute(Self.transfer(1_000_000, from: own), .mustCall)
    let broke = try Self.execute(Self.transfer(900_000_000, from: own))
    // A frame that pays, stores, logs and then reverts; its caller goes on.
    let failing = ScriptContract.script([
      Step(.store, value: 1, Rig.word(5)), pay, look, Step(.log, [1, 2, 3]), Step(.revert, [9]),
    ])
    let proxyPays = Step(.delegateCall, Rig.contracts[0], failing)
    let outcome = try Self.rig().run([
      .init([pay, look, broke, look, proxyPays, look, Step(.log, [4]), pay, look]),
      // The whole transaction reverts: nothing stays.
      .init([pay, look, Step(.revert, [])]),
      .init([look, pay, Step(.invalid)], gasLimit: 500_000),
      .init([look]),
    ])
    let calls = outcome.calls()
    #expect(calls.map(\.isSuccess) == [true, true, false, true, false, true, true, true])
    #expect([1, 3, 5, 7].map { calls[$0].output } == [1, 1, 1, 2].map { Rig.word($0 * 1_000_000) })
    #expect(
      calls[2].reason == "Program 11111111111111111111111111111111 failed: custom program error: 0x1")
    #expect(calls[4].output == [9])
    #expect(outcome.results[0].logs.map(\.data) == [[4]])
    #expect(outcome.results.map(\.isSuccess) == [true, false, false, true])
    #expect(outcome.results[2].gasUsed == 500_000)
    #expect(outcome.calls(3)[0].output == Rig.word(2_000_000))
    #expect(try outcome.account(own)?.lamports == 48_000_000)
    #expect(try outcome.chain.ethereumStorage(of: Self.contract, slot: 1).isZero)
  }

  @Test func chargesWhatWasUsedWhateverCameOfIt() throws {
    let own = Rig.key(.contract)
    let query = Step(.staticCall, Rig.queryAccount, try Rig.data("lamports(bytes32)", .key(Self.someone)))
    let empty = [Step(.call, Rig.contracts[2])]
    let outcome = try Self.rig().run([
      .init(empty), .init([query]),
      .init([try Self.execute(Self.transfer(1_000_000, from: own), .call)]),
      .init([try Self.execute(Self.transfer(900_000_000, from: own), .call)]),
    ])
    let intrinsic = outcome.results.indices.map { index -> UInt64 in
      let sent = [
        empty, [query], [try? Self.execute(Self.transfer(1_000_000, from: own), .call)].compactMap { $0 },
      ]
      return UInt64(sent[min(index, 2)].count)
    }
    #expect(intrinsic.allSatisfy { $0 == 1 })
    // The two transfers differ in some bytes of their amounts only; the system program takes 150 units either way.
    let (good, bad) = (outcome.results[2].gasUsed, outcome.results[3].gasUsed)
    #expect(good > CrossCallCosts.call + 150 + 21_000 && good < 21_000 + CrossCallCosts.call + 30_000)
    #expect(bad > CrossCallCosts.call + 150 + 21_000 && bad < 21_000 + CrossCallCosts.call + 30_000)
    #expect(outcome.results[1].gasUsed - outcome.results[0].gasUsed >= CrossCallCosts.query)
    // Too little gas for the base cost: out of gas, without a reason.
    var poor = Rig.Sent(data: query.payload, to: Rig.queryAccount)
    poor.gasLimit = 24_000
    let refused = try Self.rig().run([poor]).results[0]
    #expect(!refused.isSuccess && refused.gasUsed == 24_000 && refused.output.isEmpty)
  }

  // MARK: 14, 15

  @Test func doesManyCallsInOneTransaction() throws {
    let targets = (0..<100).map { Rig.salt(1_000 + $0) }
    let own = Rig.key(.contract)
    let pays = try targets.map { try Self.execute(Self.transfer(900_000, from: own, to: $0), .mustCall) }
    var rig = Rig()
    rig.accounts.append((own, Account(lamports: 200_000_000, owner: ProgramID.system)))
    rig.gasLimit = 100_000_000
    let outcome = try rig.run([.init(pays), .init(pays.reversed())])
    #expect(outcome.calls(0).count == 100 && outcome.results.allSatisfy { $0.isSuccess })
    for key in targets { #expect(try outcome.account(key)?.lamports == 1_800_000) }
  }

  @Test func callsProgramsFromAConstructor() throws {
    // The creator's nonce is 1: its first creation.
    let created = Address.created(by: Self.contract, nonce: 1)
    let own = Rig.key(.contract, created)
    let pay = try Self.execute(Self.transfer(1_000_000, from: own))
    let count = pay.payload.count
    // Copies the call's data from behind the code, calls FF…06 in a loop of three, and returns no code.
    let initcode: [UInt8] =
      [0x61, UInt8(count >> 8), UInt8(count & 255), 0x60, 55, 0x60, 0, 0x39, 0x60, 3]
      + [0x5b, 0x60, 0, 0x60, 0, 0x61, UInt8(count >> 8), UInt8(count & 255), 0x60, 0, 0x60, 0, 0x73]
      + Rig.callSolana.bytes + [0x5a, 0xf1, 0x50, 0x60, 1, 0x90, 0x03, 0x80, 0x60, 10, 0x57, 0]
    #expect(initcode.count == 55)
    let rig = Self.rig([(own, Account(lamports: 9_000_000, owner: ProgramID.system))])
    let outcome = try rig.run([.init([Step(.create, initcode + pay.payload)])])
    #expect(outcome.calls().first?.output == UInt256(created).bigEndianBytes)
    #expect(try outcome.account(Self.someone)?.lamports == 3_000_000)
  }

  @Test func survivesAnyCalldata() throws {
    var random = SplitMix64(seed: 11)
    let whole = try [
      Self.execute(Self.transfer(1, from: Rig.key(.contract))).payload,
      Self.execute(Self.transfer(1, from: Rig.key(.contract)), lamports: 1, salt: Rig.salt(1), asBytes: true)
        .payload,
      Rig.data("getSolanaPDA(bytes32,bytes)", .key(Self.someone), .bytes(Array(repeating: 1, count: 500))),
      Rig.data(
        "data(bytes32,uint64,uint64)", .key(Vault.key), .number(UInt256(UInt64.max)),
        .number(UInt256(UInt64.max))),
      Rig.data("data(bytes32,uint64,uint64)", .key(Vault.key), .number(0), .number(0)),
      Rig.data("getReturnData()"),
    ]
    var steps: [Step] = []
    for number in UInt8(2)...7 {
      let target = BorderAddress.address(number)
      for count in 0..<4 { steps.append(Step(.call, target, Array(repeating: 0x15, count: count))) }
      for data in whole {
        steps.append(Step(.call, target, Array(data.prefix(Int(random.next() % UInt64(data.count))))))
        var damaged = data
        for _ in 0..<3 {
          damaged[Int(random.next() % UInt64(data.count))] = UInt8(truncatingIfNeeded: random.next())
        }
        steps.append(Step(.call, target, damaged))
      }
    }
    var rig = Self.rig()
    rig.gasLimit = 120_000_000
    let outcome = try rig.run([.init(steps)])
    #expect(outcome.results[0].isSuccess && outcome.calls().count == steps.count)
    for call in outcome.calls() where !call.isSuccess { #expect(call.reason != nil) }
  }

  // MARK: On a chain

  /// What programs logged is kept with the transaction of Ethereum's that called them, which can be executed again.
  @Test func ownChainsKeepLogsAndExecuteAgain() throws {
    let own = Rig.key(.contract)
    let rig = Self.rig([(own, Account(lamports: 9_000_000, owner: ProgramID.system))])
    let chain = try Chain(
      store: MemoryStore(), genesis: rig.genesis(), executor: SerialExecutor(), progress: .advancing,
      keepsTransactions: true)
    let pay = try Self.execute(Self.transfer(1_000_000, from: own), .mustCall)
    let wires = rig.wires([.init([pay]), .init([pay, Step(.call, Rig.callSolana, [1, 2, 3])]), .init([pay])])
    var results: [EthereumTransactionResult] = []
    for part in [wires[0..<2], wires[2..<3]] {
      let block = try chain.execute(
        BlockTransactions(part.map { .success(.ethereum($0)) }), verifiesSignatures: false)
      results += block.receipts.ethereum
    }
    #expect(results.count == 3 && results.allSatisfy { $0.isSuccess })
    for result in results {
      #expect(result.programLogLines == ["Program 11111111111111111111111111111111 invoke [1]", "Program 11111111111111111111111111111111 success"])
      let hash = try #require(result.hash)
      let record = try #require(try chain.ethereumArchive.transaction(hash))
      #expect(record.programLogs == result.programLogLines)
      let again = try #require(try chain.retrace(hash, tracer: EVMTracer { _ in }))
      #expect(again.emulation.receipt.gasUsed == result.gasUsed)
      #expect(again.emulation.programLogs == result.programLogLines)
      #expect(again.emulation.programChanges.count == 2)
    }
  }

  // MARK: Beside programs

  @Test func aDirectTransactionCallsAsWell() throws {
    let own = Rig.key(.contract, Rig.sender)
    let outcome = try Self.rig([(own, Account(lamports: 9_000_000, owner: ProgramID.system))]).run([
      .init(data: try Self.execute(Self.transfer(1_000_000, from: own)).payload, to: Rig.callSolana)
    ])
    #expect(outcome.results[0].isSuccess)
    #expect(try outcome.account(Self.someone)?.lamports == 1_000_000)
  }

  @Test func namesWhatIsNotThere() throws {
    let outcome = try Self.rig().run([
      .init([
        Step(.staticCall, Rig.metaplex, try Rig.data("name(bytes32)", .key(Self.someone))),
        Step(.staticCall, Rig.callSolana, [1, 2, 3, 4]),
        Step(.staticCall, Rig.solanaNative, try Rig.data("isSolanaUser(address)", .address(Rig.sender))),
        Step(.staticCall, Rig.solanaNative, try Rig.data("solanaAddress(address)", .address(Rig.sender))),
      ])
    ])
    let calls = outcome.calls()
    #expect(
      calls[0].reason
        == "Program metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s (Metaplex token metadata) is not on this ledger"
    )
    #expect(calls[1].reason == "0xff00000000000000000000000000000000000006 has no function 0x01020304")
    #expect(calls[2].output == Rig.word(0) && calls[3].output == Rig.word(0))
  }

  @Test func aSetWithoutTheProgramsAccountFails() throws {
    let rig = Self.rig()
    let sent = [Rig.Sent([try Self.execute(Self.transfer(1_000_000, from: Rig.key(.contract)))])]
    var wire = rig.wires(sent)[0]
    let genesis = try rig.genesis()
    let chain = try Chain(
      store: MemoryStore(), genesis: genesis, executor: SerialExecutor(), progress: .fixed)
    let emulation = try #require(try chain.emulator()).run(
      try EthereumTransaction(decoding: wire.bytes), from: Rig.sender, checks: .all)
    let set = emulation.accessSet
    #expect(set.solana.contains(.init(Self.someone, isWritable: true)))
    #expect(set.solana.contains(.init(ProgramID.system, isWritable: false)))
    #expect(!set.accounts.contains { $0.key == Rig.callSolana })
    for entry in set.solana {
      wire.access = AccessSet(
        accounts: set.accounts, slots: set.slots, solana: set.solana.filter { $0 != entry })
      for executor in try Rig.executors() {
        var replay = Replay(genesis: genesis, transactions: BlockTransactions([.success(.ethereum(wire))]))
        replay.verifiesSignatures = false
        let outcome = try replay.run(executor: executor)
        let result = outcome.receipts.ethereum[0]
        #expect(
          result.error == .undeclared(UndeclaredAccess(.solana(entry.key), isWrite: entry.isWritable)),
          "\(executor.name)")
        #expect(try outcome.chain.account(Self.someone) == nil)
        #expect(try outcome.chain.ethereumAccount(Rig.sender)?.nonce == 0)
      }
    }
  }

  /// Solana's transactions and contracts pay out of the same account, in turns: block order decides who finds it empty.
  @Test func meetsSolanasTransactionsInBlockOrder() throws {
    let payer = Ed25519.KeyPair(seed: SHA256.hash([9]))
    let own = Rig.key(.contract)
    let rig = Self.rig([(payer.pubkey, Account(lamports: 900_000_000, owner: ProgramID.system))])
    let genesis = try rig.genesis()
    // The contract's account has 50,000,000: it can pay 20,000,000 twice, and once more after each time it is paid.
    let pays = rig.wires(
      try (0..<12).map { _ in Rig.Sent([try Self.execute(Self.transfer(20_000_000, from: own))]) })
    var lines: [TransactionLine] = []
    for (index, wire) in pays.enumerated() {
      lines.append(.success(.ethereum(wire)))
      guard index % 3 == 2 else { continue }
      let builder = TransactionBuilder(
        payer: payer.pubkey, recentBlockhash: genesis.blockhash,
        instructions: [
          Rig.system(
            .transfer(lamports: 20_000_000 + UInt64(index)),
            [AccountMeta(payer.pubkey, signer: true, writable: true), AccountMeta(own, writable: true)])
        ])
      lines.append(.success(.solana(try builder.signed(by: [payer]).bytes)))
    }
    func run(_ executor: any BlockExecutor, isTimed: Bool = false) throws -> Replay.Outcome {
      var replay = Replay(genesis: genesis, transactions: BlockTransactions(lines))
      (replay.verifiesSignatures, replay.recordsTimeline) = (false, isTimed)
      return try replay.run(executor: executor)
    }
    let expected = try run(SerialExecutor())
    let paid = expected.receipts.ethereum.map { ScriptContract.results($0.output).first?.isSuccess ?? false }
    #expect(paid == [true, true, false, true, false, false, true, false, false, true, false, false])
    #expect(expected.receipts.solana.allSatisfy { $0.error == nil })
    for executor in try Rig.executors() {
      for isTimed in [false, true] where executor.name != "scheduler" || !isTimed {
        let outcome = try run(executor, isTimed: isTimed)
        #expect(outcome.receipts == expected.receipts, "\(executor.name), \(executor.workerCount) workers")
        #expect(outcome.stateHash == expected.stateHash, "\(executor.name), \(executor.workerCount) workers")
      }
    }
  }
}
