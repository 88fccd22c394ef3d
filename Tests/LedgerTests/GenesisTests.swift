// Genesis files: what they make, what is refused and where, and dumps that read back as the same state.

import Foundation
import Primitives
import Testing

@testable import Ledger

@Suite struct GenesisTests {
  static let blockhash = "CmpNeggWJ4JaWJeJ8YKN1Zypmk7uvQq3PECGUCAEMbky"
  static let owner = "Vote111111111111111111111111111111111111111"

  static func account(_ key: String, _ members: String) -> String {
    "{\"pubkey\":\"\(key)\",\"account\":{\(members)}}"
  }

  static func text(accounts: String = "", more: String = "") -> String {
    """
    {"slot": 435888000, "unixTimestamp": -3, "blockhash": "\(blockhash)", "accounts": [\(accounts)]\(more)}
    """
  }

  static func parse(_ text: String) throws -> Genesis { try Genesis.parse(Array(text.utf8), path: "g.json") }

  static func stateHash(_ genesis: Genesis) -> Hash {
    var lattice = StateLattice()
    lattice.apply(genesis.changes)
    return lattice.stateHash
  }

  @Test func minimalGenesis() throws {
    let genesis = try Self.parse(Self.text())
    #expect(genesis.slot == 435_888_000 && genesis.unixTimestamp == -3)
    #expect(genesis.blockhash.description == Self.blockhash)
    #expect(genesis.sysvars.clock.slot == genesis.slot && genesis.sysvars.clock.unixTimestamp == -3)
    #expect(genesis.accounts.count == 10 + BuiltinAccounts.all.count)
    let keys = genesis.accounts.map(\.key)
    #expect(keys == keys.sorted() && Set(keys).count == keys.count)
  }

  @Test func accountsAreTakenAsTheyAre() throws {
    let key = "4zSpbk5jGQyMmUrqCSjFZbRKwsrMXBPsyTzjhJEAsefG"
    let genesis = try Self.parse(
      Self.text(
        accounts: Self.account(
          key,
          """
          "lamports": 18446744073709551615, "data": ["AQID", "base64"], "owner": "\(Self.owner)",
          "executable": true, "rentEpoch": 18446744073709551615, "space": 3
          """)))
    let account = try #require(genesis.accounts.first { $0.key == Pubkey(text: key) }?.account)
    #expect(account == Account(lamports: .max, data: [1, 2, 3], owner: ProgramID.vote, executable: true))
  }

  @Test(arguments: ["18446744073709551615", "18446744073709552000", "1.8446744073709552e19"])
  func rentEpochAsDoublesPrintIt(text: String) throws {
    let key = "4zSpbk5jGQyMmUrqCSjFZbRKwsrMXBPsyTzjhJEAsefG"
    let members =
      "\"lamports\":1,\"data\":[\"\",\"base64\"],\"owner\":\"\(Self.owner)\",\"rentEpoch\":\(text)"
    let genesis = try Self.parse(Self.text(accounts: Self.account(key, members)))
    #expect(genesis.accounts.first { $0.key == Pubkey(text: key) }?.account.rentEpoch == .max)
  }

  @Test func givenSysvarsHoldAndEmptyAccountsAreNone() throws {
    let clock = Base64.encode(SysvarWriter.clock(Clock(slot: 77, epoch: 5, unixTimestamp: 8)))
    let members = "\"lamports\":1,\"data\":[\"\(clock)\",\"base64\"],\"owner\":\"\(Self.owner)\""
    let none = "\"lamports\":0,\"data\":[\"AA==\",\"base64\"],\"owner\":\"\(Self.owner)\""
    let genesis = try Self.parse(
      Self.text(
        accounts: Self.account("SysvarC1ock11111111111111111111111111111111", members) + ","
          + Self.account("SysvarRent111111111111111111111111111111111", none)))
    #expect(genesis.sysvars.clock == Clock(slot: 77, epoch: 5, unixTimestamp: 8))
    #expect(genesis.sysvars.rent == Rent())
    #expect(genesis.slot == 435_888_000)
  }

  struct Refused: CustomTestStringConvertible, Sendable {
    let text: String
    let location: String
    let problem: GenesisError.Problem
    var testDescription: String { "\(location) \(problem)" }
  }

  private static func refusedAccount(_ members: String, _ place: String, _ problem: GenesisError.Problem)
    -> Refused
  {
    let good = [
      "lamports": "1", "data": "[\"\",\"base64\"]", "owner": "\"\(owner)\"", "executable": "false",
      "rentEpoch": "0",
    ]
    let name = String(place.split(separator: ".").last!)
    let others = good.filter { $0.key != name }.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
    let all = (others + (members.isEmpty ? [] : [members])).joined(separator: ",")
    return Refused(
      text: text(accounts: account(owner, all)), location: "accounts[0]." + place, problem: problem)
  }

  static let refused: [Refused] = [
    Refused(text: "[]", location: "", problem: .expected(.object)),
    Refused(text: "{}", location: "slot", problem: .missing),
    Refused(text: "{\"slot\":-1}", location: "slot", problem: .expected(.unsigned)),
    Refused(text: "{\"slot\":1.5}", location: "slot", problem: .expected(.unsigned)),
    Refused(text: "{\"slot\":1}", location: "unixTimestamp", problem: .missing),
    Refused(
      text: "{\"slot\":1,\"unixTimestamp\":\"x\"}", location: "unixTimestamp", problem: .expected(.time)),
    Refused(text: "{\"slot\":1,\"unixTimestamp\":1}", location: "blockhash", problem: .missing),
    Refused(
      text: "{\"slot\":1,\"unixTimestamp\":1,\"blockhash\":\"abc\"}", location: "blockhash",
      problem: .expected(.hash)),
    Refused(
      text: "{\"slot\":1,\"unixTimestamp\":1,\"blockhash\":\"\(blockhash)\",\"accounts\":{}}",
      location: "accounts",
      problem: .expected(.array)),
    Refused(text: text(accounts: "7"), location: "accounts[0]", problem: .expected(.object)),
    Refused(text: text(accounts: "{}"), location: "accounts[0].pubkey", problem: .missing),
    Refused(
      text: text(accounts: "{\"pubkey\":\"0\"}"), location: "accounts[0].pubkey", problem: .expected(.key)),
    Refused(
      text: text(accounts: "{\"pubkey\":\"\(owner)\"}"), location: "accounts[0].account", problem: .missing),
    Refused(
      text: text(accounts: "{\"pubkey\":\"\(owner)\",\"account\":[]}"), location: "accounts[0].account",
      problem: .expected(.object)),
    refusedAccount("", "account.lamports", .missing),
    refusedAccount("\"lamports\":\"1\"", "account.lamports", .expected(.unsigned)),
    refusedAccount("\"lamports\":18446744073709551616", "account.lamports", .expected(.unsigned)),
    refusedAccount("", "account.data", .missing),
    refusedAccount("\"data\":\"AA==\"", "account.data", .expected(.encodedData)),
    refusedAccount("\"data\":[\"AA\",\"base64\"]", "account.data", .expected(.encodedData)),
    refusedAccount("\"data\":[\"AA==\",\"base58\"]", "account.data", .expected(.encodedData)),
    refusedAccount("", "account.owner", .missing),
    refusedAccount("\"owner\":\"\(owner)1\"", "account.owner", .expected(.key)),
    refusedAccount("\"executable\":1", "account.executable", .expected(.boolean)),
    refusedAccount("\"rentEpoch\":-1", "account.rentEpoch", .expected(.unsigned)),
    refusedAccount("\"rentEpoch\":0.5", "account.rentEpoch", .expected(.unsigned)),
    Refused(
      text: text(more: ",\"ethereum\":{\"chainId\":1}"), location: "unixTimestamp",
      problem: .expected(.ethereumTime)),
    Refused(
      text: text(more: ",\"ethereum\":{\"chainId\":1}").replacing(": -3", with: ": 3"),
      location: "ethereum.coinbase", problem: .missing),
    Refused(text: text(more: ",\"programs\":1"), location: "programs", problem: .expected(.array)),
    Refused(text: text(more: ",\"programs\":[{}]"), location: "programs[0].programId", problem: .missing),
    Refused(
      text: text(more: ",\"programs\":[{\"programId\":\"\(owner)\"}]"), location: "programs[0].path",
      problem: .missing),
    Refused(
      text: text(more: ",\"programs\":[{\"programId\":\"\(owner)\",\"path\":3}]"),
      location: "programs[0].path",
      problem: .expected(.text)),
    Refused(
      text: text(
        accounts: account(
          "SysvarC1ock11111111111111111111111111111111",
          "\"lamports\":1,\"data\":[\"AA==\",\"base64\"],\"owner\":\"\(owner)\"")),
      location: "accounts", problem: .malformedSysvar(SysvarID.clock)),
  ]

  @Test(arguments: refused)
  func refusalsNameThePlace(example: Refused) {
    #expect(throws: GenesisError.invalid(path: "g.json", location: example.location, example.problem)) {
      try Self.parse(example.text)
    }
  }

  @Test func duplicatesAreRefused() {
    let account = Self.account(
      Self.owner, "\"lamports\":1,\"data\":[\"\",\"base64\"],\"owner\":\"\(Self.owner)\"")
    #expect(
      throws: GenesisError.invalid(path: "g.json", location: "accounts[1]", .duplicateAccount(ProgramID.vote))
    ) { try Self.parse(Self.text(accounts: account + "," + account)) }
  }

  @Test func brokenTextNeverTraps() {
    let account = Self.account(
      Self.owner, "\"lamports\":1,\"data\":[\"AAAA\",\"base64\"],\"owner\":\"\(Self.owner)\",\"rentEpoch\":7")
    let good = Array(Self.text(accounts: account, more: ",\"programs\":[]").utf8)
    for count in 0..<good.count {
      #expect(throws: GenesisError.self) { try Genesis.parse(Array(good[..<count]), path: "g.json") }
    }
    var generator = SplitMix64(seed: 1)
    for _ in 0..<5_000 {
      var bytes = good
      bytes[Int(generator.next() % UInt64(bytes.count))] ^= UInt8(1 + generator.next() % 255)
      _ = try? Genesis.parse(bytes, path: "g.json")
    }
  }

  @Test func unreadableFilesAreNamed() {
    let directory = TemporaryDirectory()
    #expect(
      throws: GenesisError.unreadable(path: directory.path + "/g.json", detail: "No such file or directory")
    ) {
      try Genesis.read(directory.path + "/g.json")
    }
    let more = ",\"programs\":[{\"programId\":\"\(Self.owner)\",\"path\":\"p.so\"}]"
    let file = directory.write(Self.text(more: more), to: "g.json")
    #expect(
      throws: GenesisError.unreadable(path: directory.path + "/p.so", detail: "No such file or directory")
    ) {
      try Genesis.read(file)
    }
  }

  @Test func translatedCodeIsNoProgram() throws {
    let directory = TemporaryDirectory()
    let id = "4zSpbk5jGQyMmUrqCSjFZbRKwsrMXBPsyTzjhJEAsefG"
    let more = ",\"programs\":[{\"programId\":\"\(id)\",\"path\":\"p.so\"}]"
    let file = directory.write(Self.text(more: more), to: "g.json")
    // Byte 48 on are the flags.
    let start = String(repeating: "x", count: 48)
    _ = directory.write(start + "\0MVE" + "more", to: "p.so")
    #expect(
      throws: GenesisError.invalid(path: file, location: "programs[0].path", .translatedCode)
    ) {
      try Genesis.read(file)
    }
    for other in [start + "\0MVF", start + "\0MV", "\0MVE"] {
      _ = directory.write(other, to: "p.so")
      #expect(throws: Never.self) { try Genesis.read(file) }
    }
  }

  @Test func programsBecomeLoaderAccounts() throws {
    let directory = TemporaryDirectory()
    _ = directory.write("ELF!", to: "p.so")
    let id = "4zSpbk5jGQyMmUrqCSjFZbRKwsrMXBPsyTzjhJEAsefG"
    let more = ",\"programs\":[{\"programId\":\"\(id)\",\"path\":\"p.so\"}]"
    let genesis = try Genesis.read(directory.write(Self.text(more: more), to: "g.json"))
    func account(_ key: Pubkey) throws -> Account {
      try #require(genesis.accounts.first { $0.key == key }?.account)
    }
    let dataKey = try #require(UpgradeableProgram.programDataAddress(of: Pubkey(text: id)))
    let program = try account(Pubkey(text: id))
    #expect(program.data == [2, 0, 0, 0] + dataKey.bytes)
    #expect(
      program.executable && program.owner == ProgramID.bpfLoaderUpgradeable && program.lamports == 1_141_440)
    let data = try account(dataKey)
    #expect(data.data == [3, 0, 0, 0] + [UInt8](repeating: 0, count: 41) + Array("ELF!".utf8))
    #expect(!data.executable && data.owner == ProgramID.bpfLoaderUpgradeable)
    #expect(data.lamports == Rent().minimumBalance(dataByteCount: 49))
  }

  @Test func dumpsReadBackAsTheSameState() throws {
    var history = BlockHistory(seed: 2)
    let store = MemoryStore()
    let base = try Self.parse(Self.text())
    var lattice = StateLattice()
    lattice.apply(base.changes)
    try store.commit(
      BlockCommit(
        record: BlockRecord(
          height: 0, slot: 1, unixTimestamp: 0, blockhash: .zero, stateHash: lattice.stateHash,
          genesisHash: .zero),
        changes: base.changes, stateLattice: lattice.bytes))
    var block = history.next(changeCount: 300)
    block.record.height = 1
    lattice.apply(block.changes)
    try store.commit(block)

    let directory = TemporaryDirectory()
    let file = directory.path + "/dump.json"
    try AccountDump.write(
      store, slot: base.slot, unixTimestamp: base.unixTimestamp, blockhash: base.blockhash, to: file)
    let back = try Genesis.read(file)
    #expect(Self.stateHash(back) == lattice.stateHash)
    let accounts = try store.allAccounts()
    #expect(Dictionary(uniqueKeysWithValues: back.accounts.map { ($0.key, $0.account) }) == accounts)
    #expect(
      back.slot == base.slot && back.unixTimestamp == base.unixTimestamp && back.blockhash == base.blockhash)

    // In the text the keys ascend, too.
    let json = try JSONValue.parse([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
    let keys = try #require(json["accounts"]?.array).map { Pubkey(text: $0["pubkey"]!.string!) }
    #expect(keys == keys.sorted() && keys.count == accounts.count)
    #expect(throws: StoreError.self) {
      try AccountDump.write(
        store, slot: 0, unixTimestamp: 0, blockhash: .zero, to: directory.path + "/none/dump.json")
    }
  }

  @Test func identityIsTheStatesNotTheFiles() throws {
    let genesis = try Self.parse(Self.text())
    let spaced = try Self.parse("\n " + Self.text(more: ", \"note\": 1") + "\n")
    let hash = Self.stateHash(genesis)
    #expect(
      Self.stateHash(spaced) == hash && spaced.identity(stateHash: hash) == genesis.identity(stateHash: hash))
    let later = try Genesis(slot: 435_888_001, unixTimestamp: -3, blockhash: genesis.blockhash)
    #expect(later.identity(stateHash: hash) != genesis.identity(stateHash: hash))
  }
}
