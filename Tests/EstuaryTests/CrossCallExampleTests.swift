// The contracts of Programs/ that call programs, on every executor: an ERC-20 whose balances are token accounts, and one that
// creates accounts through the system program. Tools/oracle/crossing.py has wallets of both worlds use them.

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
struct CrossCallExampleTests {
  typealias Rig = CrossCallRig
  typealias Sent = CrossCallRig.Sent

  private static let people = (0..<4).map { Address(UInt256(0x2000 + $0)) }
  private static let token = CrossCallTokenTests.programID

  private static func rig() throws -> Rig {
    var rig = Rig()
    rig.senders = people
    rig.gasLimit = 5_000_000
    let elf = try #require(tokenProgram)
    rig.accounts.append(
      (token, Account(lamports: 10_000_000_000, data: elf, owner: ProgramID.bpfLoader2, executable: true)))
    return rig
  }

  /// Bytecode of a contract of Programs/.
  private static func code(_ name: String) throws -> [UInt8] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("Programs/\(name)/\(name).hex"), encoding: .utf8)
    return try #require(Hex.decode(String(text.filter { !$0.isWhitespace }.dropFirst(2))))
  }

  /// As `salt` of a contract's account, and as an argument.
  private static func word(_ address: Address) -> Pubkey {
    Pubkey(UInt256(address).bigEndianBytes) ?? .zero
  }

  private static func text(_ text: String) -> [UInt8] {
    Rig.word(UInt64(text.utf8.count)) + Array(text.utf8) + [UInt8](repeating: 0, count: 32 - text.utf8.count)
  }

  private static func amount(_ account: Account?) -> UInt64? {
    account.map { $0.data[64..<72].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
  }

  @Test func aTokenWhoseBalancesAreTokenAccounts() throws {
    let people = Self.people
    let contract = Address.created(by: people[0], nonce: 0)
    let arguments =
      Rig.word(160) + Rig.word(224) + Pubkey.zero.bytes + Rig.word(6) + Rig.word(1_000_000) + Self.text("River")
      + Self.text("RIV")
    func call(_ signature: String, _ arguments: Rig.Argument..., by person: Int = 0) throws -> Sent {
      Sent(data: try Rig.data(signature, arguments), to: contract, sender: people[person])
    }
    let sent = try [
      Sent(
        data: try Self.code("spl20") + arguments, to: nil, value: Rig.ether, sender: people[0], gasLimit: 20_000_000),
      call("transfer(address,uint256)", .address(people[1]), .number(1_000)),
      call("transfer(address,uint256)", .address(people[2]), .number(2_000)),
      // Two pairs that do not meet, one that fails, one by allowance.
      call("transfer(address,uint256)", .address(people[3]), .number(300), by: 1),
      call("transfer(address,uint256)", .address(people[0]), .number(500), by: 2),
      call("transfer(address,uint256)", .address(people[0]), .number(301), by: 3),
      call("approve(address,uint256)", .address(people[3]), .number(200), by: 2),
      call("transferFrom(address,address,uint256)", .address(people[2]), .address(people[1]), .number(150), by: 3),
      call("transferFrom(address,address,uint256)", .address(people[2]), .address(people[1]), .number(51), by: 3),
      call("mint(address,uint256)", .address(people[3]), .number(7)),
      call("mint(address,uint256)", .address(people[3]), .number(7), by: 1),
      call("bind(bytes32)", .key(Self.word(people[0])), by: 1),
    ]
    let outcome = try Self.rig().run(sent)
    #expect(
      outcome.results.map(\.isSuccess)
        == [true, true, true, true, true, false, true, true, false, true, false, false])
    #expect(ScriptContract.reason(outcome.results[5].output) == "balance too small")
    #expect(ScriptContract.reason(outcome.results[11].output) == "no signer of Solana's")
    // A Transfer for each that succeeded, and the token program's log beside it.
    #expect(outcome.results.map(\.logs.count) == [1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0])
    #expect(outcome.results[1].programLogLines.contains { $0.hasPrefix("Program \(Self.token) success") })
    #expect(outcome.results[5].programLogLines.isEmpty && outcome.results[6].programLogLines.isEmpty)
    let balances: [UInt64] = [997_500, 850, 1_350, 307]
    for (person, balance) in zip(people, balances) {
      let holding = try outcome.account(Rig.key(.resource, contract, salt: Self.word(person)))
      #expect(Self.amount(holding) == balance)
      #expect(holding?.owner == Self.token)
    }
    #expect(try outcome.chain.ethereumAccount(contract)?.balance ?? .zero < Rig.ether, "it pays for token accounts")
  }

  @Test func aContractThatCreatesAccounts() throws {
    let people = Self.people
    let contract = Address.created(by: people[0], nonce: 0)
    func key(_ person: Int) -> (seed: Pubkey, key: Pubkey) {
      let seed = Pubkey(Keccak256.hash(UInt256(people[person]).bigEndianBytes + Rig.salt(9).bytes).bytes) ?? .zero
      return (seed, Rig.key(.authority, contract, salt: seed))
    }
    let rent = Rent().minimumBalance(dataByteCount: 100)
    let target = Rig.salt(77)
    func open(_ lamports: UInt64, _ space: UInt64, _ owner: Pubkey, by person: Int) throws -> Sent {
      Sent(
        data: try Rig.data(
          "open(bytes32,uint64,uint64,bytes32)", .key(Rig.salt(9)), .number(UInt256(lamports)),
          .number(UInt256(space)), .key(owner)), to: contract, sender: people[person])
    }
    func pay(_ lamports: UInt64, by person: Int) throws -> Sent {
      Sent(
        data: try Rig.data(
          "pay(bytes32,bytes32,uint64)", .key(Rig.salt(9)), .key(target), .number(UInt256(lamports))), to: contract,
        sender: people[person])
    }
    let outcome = try Self.rig().run([
      Sent(data: try Self.code("accounts"), to: nil, value: Rig.ether, sender: people[0]),
      open(rent, 100, Self.token, by: 1),
      open(rent - 1, 100, Self.token, by: 2),
      open(rent, 100, Self.token, by: 1),
      open(5_000_000, 0, .zero, by: 3),
      pay(2_000_000, by: 3),
      pay(3_000_001, by: 3),
      pay(1, by: 1),
    ])
    #expect(outcome.results.map(\.isSuccess) == [true, true, false, false, true, true, false, false])
    let made = try #require(try outcome.account(key(1).key))
    #expect(made.lamports == rent && made.data == [UInt8](repeating: 0, count: 100) && made.owner == Self.token)
    #expect(try outcome.account(key(2).key) == nil)
    #expect(try outcome.account(key(3).key)?.lamports == 3_000_000)
    #expect(try outcome.account(target)?.lamports == 2_000_000)
    // The contract's wei have paid, to the unit.
    let paid = UInt256(rent + 5_000_000) &* UInt256(Vault.weiPerLamport)
    #expect(try outcome.balance(contract) == Rig.ether &- paid)
    #expect(try outcome.account(Vault.key)?.lamports == Rig.vaultLamports - rent - 5_000_000)
  }

  /// 30 program calls of one transaction on 100 accounts, and one in a loop in a constructor, move tokens.
  @Test func thirtyCallsOnAHundredAccounts() throws {
    let contract = Rig.contracts[0]
    let own = Rig.key(.contract)
    let targets = (0..<98).map { Rig.salt(5_000 + $0) }
    // Each call names all: an instruction of the token program that ignores what stands behind its own accounts.
    var rig = try Self.rig()
    rig.senders.append(Rig.sender)
    rig.gasLimit = 30_000_000
    let mint = Rig.key(.resource, salt: Rig.salt(1))
    var steps = [
      ScriptContract.Step(
        .mustCall, Rig.splToken, try Rig.data("initializeMint(bytes32,uint8)", .key(Rig.salt(1)), .number(9))),
      .init(
        .mustCall, Rig.splToken,
        try Rig.data("initializeAccount(bytes32,bytes32)", .key(Rig.salt(2)), .key(mint))),
    ]
    let holding = Rig.key(.resource, salt: Rig.salt(2))
    for index in 0..<30 {
      let mintTo = Instruction(
        programID: Self.token,
        accounts: [AccountMeta(mint, writable: true), AccountMeta(holding, writable: true), AccountMeta(own, signer: true)]
          + targets.map { AccountMeta($0, writable: index % 2 == 0) },
        data: [7] + withUnsafeBytes(of: UInt64(1 + index).littleEndian) { Array($0) })
      steps.append(.init(.mustCall, Rig.callSolana, try Rig.data("execute(bytes)", .bytes(Rig.encoded(mintTo)))))
    }
    rig.accounts.append((own, Account(lamports: 50_000_000, owner: ProgramID.system)))
    let outcome = try rig.run([.init(steps, to: contract)])
    #expect(outcome.results[0].isSuccess, "\(ScriptContract.reason(outcome.results[0].output) ?? "")")
    #expect(Self.amount(try outcome.account(holding)) == (1...30).reduce(0, +))
    #expect(outcome.results[0].programLogLines.count { $0 == "Program \(Self.token) success" } >= 30)
  }
}
