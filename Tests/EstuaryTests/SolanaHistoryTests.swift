import Ledger
import Primitives
import Runtime
import Testing

@testable import Estuary
@testable import Execution

@Suite struct SolanaHistoryTests {
  private let alice = Ed25519.KeyPair(seed: SHA256.hash([1]))
  private let bob = Ed25519.KeyPair(seed: SHA256.hash([2]))

  private func chain(_ store: any AccountStore, workers: Int = 1) throws -> Chain {
    let genesis = try Genesis(
      slot: 10, unixTimestamp: 100, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      accounts: [alice, bob].map { ($0.pubkey, Account(lamports: 1_000_000_000, owner: ProgramID.system)) })
    return try Chain(
      store: store, genesis: genesis, executor: try Chain.executor(workers: workers), progress: .advancing,
      keepsTransactions: true)
  }

  private func transfer(
    _ chain: Chain, from payer: Ed25519.KeyPair, to target: Pubkey, _ lamports: UInt64
  ) throws -> Transaction {
    try TransactionBuilder(
      payer: payer.pubkey, recentBlockhash: chain.blockhash,
      instructions: [System.transfer(from: payer.pubkey, to: target, lamports: lamports)]
    ).signed(by: [payer])
  }

  private func key(_ number: UInt64) -> Pubkey { Pubkey(word0: number, word1: 7, word2: 7, word3: 7) }

  @Test(arguments: [1, 2]) func transactionsAreFoundBySignatureAddressAndSlot(workers: Int) throws {
    let store = MemoryStore()
    let chain = try chain(store, workers: workers)
    var all: [[Transaction]] = []
    for number in 0..<4 as Range<UInt64> {
      let transactions = [
        try transfer(chain, from: alice, to: key(number), 1_000_000),
        try transfer(chain, from: bob, to: key(number), 2_000_000_000),  // more than it has
        try transfer(chain, from: bob, to: key(100), 900_000 + number),
      ]
      let block = try chain.execute(transactions.map(\.bytes))
      #expect(block.receipts.solana.map { $0.error == nil } == [true, false, true])
      all.append(transactions)
    }
    let history = SolanaHistory(of: store)
    for (number, transactions) in all.enumerated() {
      let height = UInt64(number) + 1
      #expect(try history.height(ofSlot: 10 + height) == height)
      let stored = try history.transactions(height)
      #expect(stored.map(\.wire) == transactions.map(\.bytes))
      for (position, transaction) in transactions.enumerated() {
        let place = try history.place(of: try #require(transaction.firstSignature))
        #expect(place == SolanaHistory.Place(height: height, position: UInt32(position)))
        #expect(try history.transaction(at: try #require(place)) == stored[position])
      }
      let paid = stored[0]
      #expect(paid.error == nil && paid.fee == 5000 && paid.computeUnits == 150)
      #expect(paid.details.balancesAfter[1] - paid.details.balancesBefore[1] == 1_000_000)
      #expect(paid.details.balancesBefore[0] - paid.details.balancesAfter[0] == 1_005_000)
      #expect(paid.logs.first == "Program 11111111111111111111111111111111 invoke [1]")
      let failed = stored[1]
      #expect(failed.error?["InstructionError"]?.array?.first == .unsigned(0))
      #expect(failed.details.balancesBefore[0] - failed.details.balancesAfter[0] == 5000)
    }
    #expect(try history.slots(from: 12, through: 13, limit: 10) == [12, 13])
    #expect(try history.slots(from: 0, limit: 2) == [10, 11])
    #expect(try history.slots(from: 0, through: 9, limit: 2).isEmpty)
    // Newest first, and between two of them.
    let ofAlice = try history.places(of: alice.pubkey, limit: 10)
    #expect(ofAlice.map(\.signature) == all.reversed().map { $0[0].firstSignature })
    let ofBob = try history.places(of: bob.pubkey, limit: 10)
    #expect(ofBob.count == 8 && ofBob.map(\.place) == ofBob.map(\.place).sorted(by: >))
    #expect(
      try history.places(of: bob.pubkey, before: ofBob[2].place, until: ofBob[5].place, limit: 10).map(
        \.place)
        == [ofBob[3].place, ofBob[4].place])
    #expect(try history.places(of: bob.pubkey, limit: 3).map(\.place) == ofBob.prefix(3).map(\.place))
    #expect(try history.places(of: key(55), limit: 3).isEmpty)
    #expect(try history.place(of: .zero) == nil)
    #expect(try history.verify() == 12)
    #expect(try history.height(ofSlot: 10) == 0 && history.height(ofSlot: 9) == nil)
  }

  /// What was refused is in no block.
  @Test func refusedTransactionsLeaveNothing() throws {
    let store = MemoryStore()
    let chain = try chain(store)
    let stranger = Ed25519.KeyPair(seed: SHA256.hash([3]))
    let refused = try transfer(chain, from: stranger, to: key(1), 5)
    let paid = try transfer(chain, from: alice, to: key(1), 1_000_000)
    _ = try chain.execute([refused.bytes, paid.bytes, [1, 2, 3], paid.bytes])
    let history = SolanaHistory(of: store)
    #expect(try history.transactions(1).map(\.wire) == [paid.bytes])
    #expect(try history.place(of: try #require(refused.firstSignature)) == nil)
    #expect(chain.head.transactionCount == 1)
  }

  @Test func oldBlocksGoWithAllThatFindsThem() throws {
    let store = MemoryStore()
    let chain = try chain(store)
    chain.historyBlockCount = 3
    var signatures: [Signature] = []
    for number in 0..<8 as Range<UInt64> {
      let transaction = try transfer(chain, from: alice, to: key(number), 1_000_000)
      _ = try chain.execute([transaction.bytes])
      signatures.append(try #require(transaction.firstSignature))
    }
    let history = SolanaHistory(of: store)
    #expect(try history.slots(from: 0, limit: 20) == [16, 17, 18])
    #expect(try history.height(ofSlot: 10) == nil)
    for (number, signature) in signatures.enumerated() {
      #expect(try (history.place(of: signature) == nil) == (number < 5))
      #expect(try history.transactions(UInt64(number) + 1).isEmpty == (number < 5))
      #expect(try history.places(of: key(UInt64(number)), limit: 1).isEmpty == (number < 5))
    }
    #expect(try history.places(of: alice.pubkey, limit: 20).count == 3)
    #expect(try history.verify() == 3)
  }

  /// Whatever is missing or too much is noticed.
  @Test func verificationNoticesEveryDamage() throws {
    let store = MemoryStore()
    let chain = try chain(store)
    let transactions = [
      try transfer(chain, from: alice, to: key(1), 1_000_000),
      try transfer(chain, from: bob, to: key(2), 1_000_000),
    ]
    _ = try chain.execute(transactions.map(\.bytes))
    var entries: [StoreEntry] = []
    for family in [StoreFamily.solanaIndex, .solanaBlocks] {
      store.forEachEntryPlainly(family) { key, value in
        if family == .solanaIndex || key.count == 13 { entries.append(StoreEntry(family, key, value)) }
      }
    }
    #expect(entries.count == 1 + 2 * (1 + 3) + 2)
    func isNoticed(_ changed: [StoreEntry]) throws -> Bool {
      let copy = store.snapshot()
      var record = try #require(copy.head)
      record.height += 1
      try copy.commit(BlockCommit(record: record, changes: [], stateLattice: [], entries: changed))
      do { _ = try SolanaHistory(of: copy).verify() } catch { return true }
      return false
    }
    #expect(try !isNoticed([]))
    for entry in entries {
      #expect(try isNoticed([StoreEntry(entry.family, entry.key, nil)]))
      let value = try #require(entry.value)
      #expect(
        try isNoticed([StoreEntry(entry.family, entry.key, value.dropLast() + [value[value.count - 1] ^ 1])]))
      var key = entry.key
      key[key.count - 1] ^= 0x40
      #expect(try isNoticed([StoreEntry(entry.family, key, value)]))
    }
  }

  @Test func everyByteOfAStoredTransactionCounts() throws {
    let store = MemoryStore()
    let chain = try chain(store)
    _ = try chain.execute([try transfer(chain, from: alice, to: key(1), 1_000_000).bytes])
    var stored = try #require(SolanaHistory(of: store).transactions(1).first)
    stored.error = .object(
      JSONObject(members: [.init(name: "InstructionError", value: .array([.unsigned(1)]))]))
    stored.returnData = .init(programID: key(3), data: [1, 2, 3])
    stored.details.loadedAddresses = LoadedAddresses(writable: [key(4)], readonly: [key(5), key(6)])
    stored.details.innerInstructions = [
      .init(topLevelIndex: 0, programIndex: 2, accounts: [0, 1], data: [9, 9], stackHeight: 2)
    ]
    stored.details.tokensBefore = [
      .init(
        accountIndex: 1, programID: TokenState.token2022, mint: key(7), owner: key(8), amount: 9,
        decimals: nil)
    ]
    stored.details.tokensAfter = [
      .init(accountIndex: 1, programID: TokenState.token, mint: key(7), owner: key(8), amount: 8, decimals: 6)
    ]
    func check(_ stored: StoredTransaction) {
      let bytes = stored.encoded()
      #expect(StoredTransaction(decoding: bytes) == stored)
      for count in 0..<bytes.count { #expect(StoredTransaction(decoding: Array(bytes.prefix(count))) == nil) }
      #expect(StoredTransaction(decoding: bytes + [0]) == nil)
    }
    check(stored)
    #expect(stored.encoded()[0] == 1)
    // What contracts emitted makes another version, so that all others stay as they were.
    stored.contractLogs = [
      .init(address: Address(7), topics: [Hash(word0: 1, word1: 2, word2: 3, word3: 4)], data: [5, 6, 7]),
      .init(address: Address(8), topics: [], data: []),
    ]
    check(stored)
    #expect(stored.encoded()[0] == 2)
  }
}

extension MemoryStore {
  fileprivate func forEachEntryPlainly(_ family: StoreFamily, _ body: ([UInt8], [UInt8]) -> Void) {
    do {
      try forEachEntry(family, from: []) { (key, value) throws(StoreError) in
        body(key, value)
        return true
      }
    } catch {
      Issue.record("\(error)")
    }
  }
}
