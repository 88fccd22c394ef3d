// Tokens in a contract's hands: every function of FF…0004 with the SPL Token program as mainnet runs it, each move leaving
// what the same instruction of Solana's transaction leaves. Needs the program (ESTUARY_PROGRAMS).

import CrossCalls
import EVM
import Foundation
import Ledger
import Primitives
import Runtime
import Testing
import WideIntegers

@testable import Estuary

private let tokenProgram: [UInt8]? = {
  let folder = ProcessInfo.processInfo.environment["ESTUARY_PROGRAMS"] ?? ""
  return try? [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/earlier-token.so")))
}()

@Suite(.serialized, .enabled(if: tokenProgram != nil, "no SPL Token program at ESTUARY_PROGRAMS"))
struct CrossCallTokenTests {
  typealias Rig = CrossCallRig
  typealias Step = ScriptContract.Step

  static let programID =
    Base58.decode("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA").flatMap { Pubkey($0) } ?? .zero

  private static let contract = Rig.contracts[0]

  private static func rig() throws -> Rig {
    var rig = Rig()
    rig.accounts.append((Rig.key(.contract), Account(lamports: 50_000_000, owner: ProgramID.system)))
    let elf = try #require(tokenProgram)
    rig.accounts.append(
      (programID, Account(lamports: 10_000_000_000, data: elf, owner: ProgramID.bpfLoader2, executable: true))
    )
    return rig
  }

  private static func step(_ signature: String, _ arguments: Rig.Argument...) throws -> Step {
    Step(.mustCall, Rig.splToken, try Rig.data(signature, arguments))
  }

  private static func step(
    _ op: ScriptContract.Op, _ signature: String, _ arguments: Rig.Argument...
  ) throws -> Step {
    Step(op, Rig.splToken, try Rig.data(signature, arguments))
  }

  private let mint = Rig.key(.resource, salt: Rig.salt(1))
  private let holding = Rig.key(.resource, salt: Rig.salt(2))
  private let other = Rig.key(.resource, salt: Rig.salt(3))
  private let delegate = Pubkey(word0: 7, word1: 7, word2: 7, word3: 7)

  private func setUp() throws -> [Step] {
    try [
      Self.step("initializeMint(bytes32,uint8)", .key(Rig.salt(1)), .number(9)),
      Self.step("initializeAccount(bytes32,bytes32)", .key(Rig.salt(2)), .key(mint)),
      Self.step(
        "initializeAccount(bytes32,bytes32,bytes32)", .key(Rig.salt(3)), .key(mint),
        .key(Rig.key(.authority, salt: Rig.salt(9)))),
      Self.step("mintTo(bytes32,bytes32,uint64)", .key(mint), .key(holding), .number(1_000)),
    ]
  }

  @Test func movesTokens() throws {
    let steps =
      try setUp() + [
        Self.step("transfer(bytes32,bytes32,uint64)", .key(holding), .key(other), .number(300)),
        Self.step(
          "transferWithSeed(bytes32,bytes32,bytes32,uint64)", .key(Rig.salt(9)), .key(other), .key(holding),
          .number(100)),
        Self.step("approve(bytes32,bytes32,uint64)", .key(holding), .key(delegate), .number(50)),
        Self.step(.staticCall, "getAccount(bytes32)", .key(holding)),
        Self.step("revoke(bytes32)", .key(holding)),
        Self.step("burn(bytes32,bytes32,uint64)", .key(mint), .key(holding), .number(200)),
        Self.step("freeze(bytes32,bytes32)", .key(mint), .key(other)),
        Self.step(
          .call, "transferWithSeed(bytes32,bytes32,bytes32,uint64)", .key(Rig.salt(9)), .key(other),
          .key(holding), .number(1)),
        Self.step(.staticCall, "getAccount(bytes32)", .key(other)),
        Self.step("thaw(bytes32,bytes32)", .key(mint), .key(other)),
        Self.step(.staticCall, "getMint(bytes32)", .key(mint)),
        // Nothing moves, silently.
        Self.step("transfer(bytes32,bytes32,uint64)", .key(holding), .key(holding), .number(5)),
        Self.step("transfer(bytes32,bytes32,uint64)", .key(holding), .key(other), .number(0)),
        Self.step("mintTo(bytes32,bytes32,uint64)", .key(mint), .key(holding), .number(0)),
        Self.step("burn(bytes32,bytes32,uint64)", .key(mint), .key(holding), .number(0)),
        // A foreign owner's tokens stay.
        Self.step(.call, "transfer(bytes32,bytes32,uint64)", .key(other), .key(holding), .number(1)),
      ]
    let outcome = try Self.rig().run([.init(steps)])
    #expect(outcome.results[0].isSuccess, "\(ScriptContract.reason(outcome.results[0].output) ?? "")")
    let calls = outcome.calls()
    try #require(calls.count == steps.count)
    #expect(calls[0].output == mint.bytes && calls[1].output == holding.bytes)
    let own = Rig.key(.contract)
    #expect(
      calls[7].output
        == mint.bytes + own.bytes + Rig.word(800) + delegate.bytes + Rig.word(50) + Pubkey.zero.bytes
        + Rig.word(1))
    #expect(calls[11].isSuccess == false && calls[11].reason?.contains("\(Self.programID)") == true)
    #expect(calls[12].output.suffix(32) == Rig.word(2))
    #expect(calls[14].output == Rig.word(800) + Rig.word(9) + Rig.word(1) + own.bytes + own.bytes)
    #expect(calls[19].isSuccess == false)
  }

  /// The same moves by a contract and by instructions that nobody but the runtime runs leave the same accounts.
  @Test func leavesWhatPlainInstructionsLeave() throws {
    let own = Rig.key(.contract)
    let authority = Rig.key(.authority, salt: Rig.salt(9))
    let steps =
      try setUp() + [
        Self.step("transfer(bytes32,bytes32,uint64)", .key(holding), .key(other), .number(300)),
        Self.step("approve(bytes32,bytes32,uint64)", .key(holding), .key(delegate), .number(50)),
        Self.step("burn(bytes32,bytes32,uint64)", .key(mint), .key(holding), .number(200)),
        Self.step("freeze(bytes32,bytes32)", .key(mint), .key(other)),
      ]
    let rig = try Self.rig()
    let outcome = try rig.run([.init(steps)])
    #expect(outcome.results[0].isSuccess)
    // The same, one instruction after the other.
    var accounts = Dictionary(uniqueKeysWithValues: rig.accounts.map { ($0.key, $0.account) })
    let environment = ExecutionEnvironment(
      slot: 5, blockhash: .zero, sysvars: try Sysvars(slot: 5, unixTimestamp: 0, blockhash: .zero))
    let processor = InstructionProcessor(environment: environment, engine: .interpreter)
    for (key, account) in BuiltinAccounts.all { accounts[key] = account }
    func run(_ program: Pubkey, _ data: [UInt8], _ metas: AccountMeta...) throws {
      let place = UnsafeMutablePointer<Account>.allocate(capacity: 1)
      place.initialize(to: .empty)
      defer {
        place.deinitialize(count: 1)
        place.deallocate()
      }
      let result = processor.run(
        Instruction(programID: program, accounts: metas, data: data), units: 200_000, dataGrowth: 0,
        load: {
          place.pointee = accounts[$0] ?? .empty
          return AccountPlace(place)
        }, publish: { accounts[$0] = $1.pointee })
      #expect(result != nil && result?.error == nil, "\(processor.logLines)")
    }
    func create(_ key: Pubkey, _ space: UInt64) throws {
      try run(
        ProgramID.system,
        SystemInstruction.createAccount(
          lamports: Rent().minimumBalance(dataByteCount: Int(space)), space: space, owner: Self.programID
        ).encode(), AccountMeta(own, signer: true, writable: true),
        AccountMeta(key, signer: true, writable: true))
    }
    func amount(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    let token = Self.programID
    try create(mint, 82)
    try run(token, [20, 9] + own.bytes + [1] + own.bytes, AccountMeta(mint, writable: true))
    for (key, owner) in [(holding, own), (other, authority)] {
      try create(key, 165)
      try run(token, [18] + owner.bytes, AccountMeta(key, writable: true), AccountMeta(mint))
    }
    let signer = AccountMeta(own, signer: true)
    let (theMint, from, to) = (
      AccountMeta(mint, writable: true), AccountMeta(holding, writable: true),
      AccountMeta(other, writable: true)
    )
    try run(token, [7] + amount(1_000), theMint, from, signer)
    try run(token, [3] + amount(300), from, to, signer)
    try run(token, [4] + amount(50), from, AccountMeta(delegate), signer)
    try run(token, [8] + amount(200), from, theMint, signer)
    try run(token, [10], to, AccountMeta(mint), signer)
    for key in [mint, holding, other, own] {
      #expect(try outcome.account(key) == accounts[key], "\(key)")
    }
  }

  @Test func looksAtWhatIsNoToken() throws {
    var tooManyDecimals = try Rig.data("initializeMint(bytes32,uint8)", .key(Rig.salt(5)), .number(0))
    tooManyDecimals[tooManyDecimals.count - 2] = 1
    let steps =
      try [
        Self.step(.staticCall, "getAccount(bytes32)", .key(delegate)),
        Self.step(.staticCall, "getMint(bytes32)", .key(delegate)),
        Self.step(.staticCall, "isSystemAccount(bytes32)", .key(delegate)),
        Self.step(.staticCall, "isSystemAccount(bytes32)", .key(Self.programID)),
        Self.step(.call, "getAccount(bytes32)", .key(Self.programID)),
        Self.step(.call, "getMint(bytes32)", .key(SysvarID.clock)),
      ] + setUp() + [
        // A mint is no account, and what is there is not made again.
        Self.step(.call, "getAccount(bytes32)", .key(mint)),
        Self.step(.call, "getMint(bytes32)", .key(holding)),
        Self.step(.call, "initializeMint(bytes32,uint8)", .key(Rig.salt(1)), .number(9)),
        Step(.call, Rig.splToken, tooManyDecimals),
        Self.step(.staticCall, "burn(bytes32,bytes32,uint64)", .key(mint), .key(holding), .number(1)),
        Self.step(.call, "closeAccount(bytes32)", .key(holding)),
        Self.step("burn(bytes32,bytes32,uint64)", .key(mint), .key(holding), .number(1_000)),
        Self.step("closeAccount(bytes32)", .key(holding)),
        Self.step(.staticCall, "isSystemAccount(bytes32)", .key(holding)),
      ]
    let outcome = try Self.rig().run([.init(steps)])
    let calls = outcome.calls()
    try #require(calls.count == steps.count)
    #expect(
      calls[0].output == Array(repeating: 0, count: 7 * 32)
        && calls[1].output == Array(repeating: 0, count: 5 * 32))
    #expect(calls[2].output == Rig.word(1) && calls[3].output == Rig.word(0))
    for index in [4, 5, 10, 11, 12, 13, 14, 15] {
      #expect(!calls[index].isSuccess && calls[index].reason != nil, "\(index): \(calls[index])")
    }
    #expect(calls[17].isSuccess && calls[18].output == Rig.word(1))
    // The closed account's lamports are the contract's.
    let rent = Rent()
    #expect(
      try outcome.account(Rig.key(.contract))?.lamports
        == 50_000_000 - rent.minimumBalance(dataByteCount: 82) - rent.minimumBalance(dataByteCount: 165))
    #expect(try outcome.account(holding) == nil)
  }

  /// Many people's tokens at the same time: distinct ones run side by side, and those that meet in block order.
  @Test func movesManyTokensAtTheSameTime() throws {
    var rig = try Self.rig()
    rig.senders = (0..<40).map { Address(UInt256(0x2000 + $0)) }
    // Each sender's own account of the contract's, by salt.
    func holding(_ number: Int) -> Pubkey { Rig.key(.resource, salt: Rig.salt(UInt64(100 + number))) }
    func tokenAccount(_ amount: UInt64) -> Account {
      var data =
        mint.bytes + Rig.key(.contract).bytes + withUnsafeBytes(of: amount.littleEndian) { Array($0) }
      data += [UInt8](repeating: 0, count: 36) + [1] + [UInt8](repeating: 0, count: 56)
      return Account(lamports: Rent().minimumBalance(dataByteCount: 165), data: data, owner: Self.programID)
    }
    for number in 0..<40 { rig.accounts.append((holding(number), tokenAccount(1_000))) }
    let sent = try (0..<120).map { index -> Rig.Sent in
      let from = index * 7 % 40
      // Every fifth meets another one's account.
      let to = index % 5 == 0 ? (from + 1) % 40 : (from + 20) % 40
      return Rig.Sent(
        [
          try Self.step(
            "transfer(bytes32,bytes32,uint64)", .key(holding(from)), .key(holding(to)),
            .number(UInt256(UInt64(index) * 13)))
        ],
        sender: rig.senders[from])
    }
    let outcome = try rig.run(sent)
    let succeeded = outcome.results.count { $0.isSuccess }
    #expect(succeeded > 60 && succeeded < 120)
    let total = try (0..<40).reduce(UInt64(0)) { sum, number in
      let data = try #require(try outcome.account(holding(number))).data
      return sum + data[64..<72].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    #expect(total == 40_000)
  }
}
