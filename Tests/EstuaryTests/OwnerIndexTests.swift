// The index of owners against a walk over all accounts, while accounts come, change hands and go, and after going back.

import Execution
import Foundation
import Ledger
import Primitives
import Testing

@testable import Estuary

@Suite struct OwnerIndexTests {
  private static func key(_ number: UInt64) -> Pubkey { Pubkey(word0: number, word1: 5, word2: 6, word3: 7) }

  private func chain(_ store: any AccountStore, keepsTransactions: Bool = true) throws -> Chain {
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 1_700_000_000, blockhash: .zero,
      accounts: [
        (Chain.faucet.pubkey, Account(lamports: 1 << 50, owner: ProgramID.system)),
        (Self.key(1000), Self.holding(1, mint: 2, delegate: nil, isNewer: true)),
      ])
    return try Chain(
      store: store, genesis: genesis, executor: SerialExecutor(), progress: .advancing,
      keepsTransactions: keepsTransactions)
  }

  /// A token account.
  private static func holding(_ owner: UInt64, mint: UInt64, delegate: UInt64?, isNewer: Bool) -> Account {
    var data = key(mint).bytes + key(owner).bytes + Array(repeating: 0, count: 101)
    data[108] = 1
    if let delegate {
      data[72] = 1
      data.replaceSubrange(76..<108, with: key(delegate).bytes)
    }
    return Account(
      lamports: 2_000_000, data: data, owner: isNewer ? TokenState.token2022 : TokenState.token)
  }

  private static func account(_ random: inout SplitMix64) -> Account? {
    switch random.next() % 6 {
    case 0: nil
    case 1: Account(lamports: 1 + random.next() % 100, owner: ProgramID.system)
    case 2: Account(lamports: 5, data: [1, 2, 3], owner: key(random.next() % 3))
    default:
      holding(
        random.next() % 4, mint: 10 + random.next() % 2,
        delegate: random.next() % 2 == 0 ? random.next() % 4 : nil,
        isNewer: random.next() % 2 == 0)
    }
  }

  /// By kind and whom: what the index finds and what a walk finds.
  private func expectSame(_ store: any AccountStore, _ place: String) throws {
    let index = OwnerIndex(of: store)
    #expect(try index.isComplete(), "\(place)")
    var expected: [String: [Pubkey]] = [:]
    try store.forEachAccount { key, account in
      if EVMKey.contains(key) || account.owner == ProgramID.system { return }
      expected["o\(account.owner)", default: []].append(key)
      guard let holding = TokenState.Holding(account) else { return }
      expected["w\(holding.owner)", default: []].append(key)
      expected["m\(holding.mint)", default: []].append(key)
      if let delegate = holding.delegate { expected["d\(delegate)", default: []].append(key) }
    }
    let people = (0..<12).map(Self.key) + [TokenState.token, TokenState.token2022, ProgramID.sysvar]
    for (letter, kind) in [("o", OwnerIndex.Kind.owner), ("w", .holder), ("m", .mint), ("d", .delegate)] {
      for person in people {
        var found: [Pubkey] = []
        try index.forEachAccount(kind, of: person) { key, account in
          // What the entries lead to is looked at.
          let holding = TokenState.Holding(account)
          let isHis =
            switch kind {
            case .owner: account.owner == person
            case .holder: holding?.owner == person
            case .delegate: holding?.delegate == person
            case .mint: holding?.mint == person
            }
          if isHis { found.append(key) }
          return true
        }
        #expect(found == expected["\(letter)\(person)"] ?? [], "\(place): \(letter) \(person)")
      }
    }
    try index.verify()
  }

  private func change(_ chain: Chain, _ random: inout SplitMix64) throws {
    var changes: [Pubkey: Account?] = [:]
    for _ in 0..<1 + random.next() % 8 {
      changes[Self.key(100 + random.next() % 40)] = .some(Self.account(&random))
    }
    try chain.override(solana: changes.map { (key: $0.key, account: $0.value) })
  }

  @Test func itFindsWhatAWalkFinds() throws {
    let seed: UInt64 = 20_261_130
    var random = SplitMix64(seed: seed)
    let chain = try chain(MemoryStore())
    try expectSame(chain.store, "the beginning")
    for round in 0..<60 {
      try change(chain, &random)
      if round % 10 == 9 { try expectSame(chain.store, "round \(round) of seed \(seed)") }
    }
    let entries = try count(chain.store)
    let mark = chain.mark()
    for _ in 0..<20 { try change(chain, &random) }
    try chain.revert(to: mark)
    try expectSame(chain.store, "after going back")
    #expect(try count(chain.store) == entries)
  }

  private func count(_ store: any AccountStore) throws -> Int {
    var count = 0
    try store.forEachEntry(.accountIndex, from: []) { _, _ in
      count += 1
      return true
    }
    return count
  }

  @Test func ledgersWithoutItGetIt() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("estuary-index-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var random = SplitMix64(seed: 7)
    do {
      let chain = try chain(try RocksDBStore(path: folder), keepsTransactions: false)
      for _ in 0..<30 { try change(chain, &random) }
      #expect(try !OwnerIndex(of: chain.store).isComplete())
    }
    let store = try RocksDBStore(path: folder)
    let chain = try Chain(
      store: store, genesis: nil, executor: SerialExecutor(), progress: .advancing, keepsTransactions: true)
    // One that is cut off is none, and blocks go on meanwhile.
    var asked = 0
    #expect(
      try OwnerIndex.build(
        in: store,
        while: {
          asked += 1
          return true
        }))
    #expect(try !OwnerIndex(of: store).isComplete())
    let mark = chain.mark()
    for _ in 0..<10 { try change(chain, &random) }
    #expect(try OwnerIndex.build(in: store, while: { true }))
    try store.write([OwnerIndex.completion])
    try expectSame(store, "built")
    // What comes back has been changed before it was indexed.
    try chain.revert(to: mark)
    try expectSame(store, "built and gone back")
  }

  @Test func whoLeavesNoEntriesEndsIt() throws {
    let store = MemoryStore()
    do {
      let chain = try chain(store)
      #expect(try OwnerIndex(of: chain.store).isComplete())
    }
    let other = try Chain(store: store, genesis: nil, executor: SerialExecutor(), progress: .advancing)
    var random = SplitMix64(seed: 3)
    try change(other, &random)
    #expect(try !OwnerIndex(of: store).isComplete())
  }
}
