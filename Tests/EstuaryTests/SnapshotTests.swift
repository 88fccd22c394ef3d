// Going back: after it the store and the chain are what they were, entry by entry, and go on to the same blocks.

import EVM
import Execution
import Foundation
import Ledger
import Primitives
import Testing
import WideIntegers

@testable import Estuary

@Suite struct SnapshotTests {
  private static let person = Address(0xbeef)
  private static let other = Address(0xcafe)
  /// Stores the number of its call data at itself.
  private static let writer = Address(0xa001)
  private static let writerCode: [UInt8] = [0x5f, 0x35, 0x80, 0x55]

  private static func genesis() throws -> Genesis {
    var settings = EthereumGenesis.development(chainID: 77)
    var rich = EthereumGenesis.Account(address: person)
    rich.balance = UInt256(1) << 80
    var contract = EthereumGenesis.Account(address: writer)
    (contract.nonce, contract.code) = (1, writerCode)
    settings.alloc = (settings.alloc + [rich, contract]).sorted { $0.address < $1.address }
    return try Genesis(
      slot: 1, unixTimestamp: 1000, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      accounts: [(Chain.faucet.pubkey, Account(lamports: 1 << 50, owner: ProgramID.system))],
      ethereum: settings)
  }

  private static func chain(_ store: any AccountStore) throws -> Chain {
    try Chain(
      store: store, genesis: try genesis(), executor: try LockExecutor(workerCount: 2), progress: .advancing,
      keepsTransactions: true)
  }

  private static func write(_ number: UInt64, nonce: UInt64) -> TransactionLine {
    let transaction = EthereumTransaction(
      kind: .dynamicFee, chainID: 77, nonce: nonce, maxPriorityFeePerGas: 1,
      maxFeePerGas: UInt256(10_000_000_000),
      gasLimit: 200_000, to: writer, value: .zero, data: UInt256(number).bigEndianBytes)
    return .success(.ethereum(EthereumWire(transaction.encoded, vouchedSender: person)))
  }

  private static func transfer(_ lamports: UInt64, on chain: Chain) throws -> TransactionLine {
    let target = Ed25519.KeyPair(seed: SHA256.hash([UInt8(truncatingIfNeeded: lamports)])).pubkey
    let builder = TransactionBuilder(
      payer: Chain.faucet.pubkey, recentBlockhash: chain.blockhash,
      instructions: [System.transfer(from: Chain.faucet.pubkey, to: target, lamports: lamports)])
    return .success(.solana(try builder.signed(by: [Chain.faucet]).bytes))
  }

  @discardableResult private static func mine(_ number: UInt64, on chain: Chain) throws -> Chain.Block {
    let nonce = try chain.ethereumAccount(person)?.nonce ?? 0
    let block = try chain.execute(
      BlockTransactions([try transfer(1_000_000 + number, on: chain), write(number, nonce: nonce)]),
      verifiesSignatures: true, unixTimestamp: 2000 + Int64(number))
    #expect(
      block.receipts.ethereum.allSatisfy(\.isSuccess) && block.receipts.solana.allSatisfy { $0.error == nil })
    return block
  }

  /// All that a store has.
  private struct Contents: Equatable {
    var accounts: [Pubkey: Account] = [:]
    var entries: [[[UInt8]: [UInt8]]] = []
    var blocks: [BlockRecord] = []
    var lattice: [UInt8]

    init(_ store: any AccountStore) throws {
      lattice = store.stateLattice
      var (accounts, blocks): ([Pubkey: Account], [BlockRecord]) = ([:], [])
      try store.forEachAccount { accounts[$0] = $1 }
      try store.forEachBlock { blocks.append($0) }
      (self.accounts, self.blocks) = (accounts, blocks)
      for family in StoreFamily.allCases {
        var all: [[UInt8]: [UInt8]] = [:]
        try store.forEachEntry(family, from: []) { (key, value) throws(StoreError) in
          all[key] = value
          return true
        }
        entries.append(all)
      }
    }
  }

  private static func directory() throws -> String {
    let template = try #require(strdup("/tmp/estuary-snapshot-XXXXXX"))
    defer { free(template) }
    return String(cString: try #require(mkdtemp(template)))
  }

  private static func onEachStore(_ body: (any AccountStore) throws -> Void) throws {
    try body(MemoryStore())
    try body(TestStore(cacheByteCount: 0))
    let path = try directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(try RocksDBStore(path: path))
  }

  @Test func goingBackLeavesNothing() throws {
    try Self.onEachStore { store in
      let chain = try Self.chain(store)
      try Self.mine(1, on: chain)
      let before = try Contents(store)
      let mark = chain.mark()
      for number in 2...6 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
      let far = chain.stateHash
      let head = try #require(chain.ethereumHead)
      try chain.revert(to: mark)
      #expect(try Contents(store) == before)
      #expect(chain.stateHash == store.head?.stateHash && chain.ethereumHead?.header.number == 1)
      // And the same blocks lead to the same place.
      for number in 2...6 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
      #expect(chain.stateHash == far && chain.ethereumHead == head)
      _ = try chain.ethereumArchive.verify()
      _ = try chain.history.verify()
    }
  }

  @Test func marksNest() throws {
    let store = MemoryStore()
    let chain = try Self.chain(store)
    try Self.mine(1, on: chain)
    let first = chain.mark()
    let contents = try Contents(store)
    try Self.mine(2, on: chain)
    let second = chain.mark()
    let hash = chain.stateHash
    try Self.mine(3, on: chain)
    try chain.revert(to: second)
    #expect(chain.stateHash == hash)
    try Self.mine(4, on: chain)
    try chain.revert(to: first)
    #expect(try Contents(store) == contents)
    // The second one's block is gone.
    try Self.mine(5, on: chain)
    #expect(throws: RevertError.self) { try chain.revert(to: second) }
    #expect(chain.head.height == 2)
  }

  @Test func aTransactionMayComeAgainAfterItWasTakenBack() throws {
    let chain = try Self.chain(MemoryStore())
    let mark = chain.mark()
    let line = try Self.transfer(5_000_000, on: chain)
    for _ in 0..<2 {
      let block = try chain.execute(BlockTransactions([line]), verifiesSignatures: true, unixTimestamp: 2000)
      #expect(block.receipts.solana[0].error == nil)
      let again = try chain.execute(BlockTransactions([line]), verifiesSignatures: true, unixTimestamp: 2001)
      #expect(again.receipts.solana[0].error == .alreadyProcessed)
      try chain.revert(to: mark)
    }
  }

  @Test func whatWasKeptGoesWithTheNextBlock() throws {
    let store = MemoryStore()
    let chain = try Self.chain(store)
    _ = chain.mark()
    // Where earlier versions kept them.
    chain.unsavedEntries.append(StoreEntry(.solanaBlocks, Chain.Undo.key(1) + [3], [1]))
    try Self.mine(1, on: chain)
    #expect(store.value(.solanaBlocks, Chain.Undo.key(1) + [3]) != nil)
    func hasUndo() -> Bool { store.value(.settings, Chain.Undo.settingsKey) != nil }
    #expect(hasUndo() && store.value(.undo, Chain.Undo.key(1)) != nil)
    try chain.forgetMarks()
    // A new mark before the old ones' traces are gone.
    let mark = chain.mark()
    try Self.mine(2, on: chain)
    #expect(hasUndo() && store.value(.undo, Chain.Undo.key(1)) == nil)
    #expect(store.value(.solanaBlocks, Chain.Undo.key(1) + [3]) == nil)
    try Self.mine(3, on: chain)
    try chain.revert(to: mark)
    try chain.forgetMarks()
    try Self.mine(4, on: chain)
    #expect(!hasUndo())
    #expect(
      (0...10 as ClosedRange<UInt64>).allSatisfy { store.value(.undo, Chain.Undo.key($0)) == nil })
    #expect(throws: RevertError.self) { try chain.revert(to: mark) }
  }

  /// A ledger that went back and was closed at once opens where it went back to, and goes on.
  @Test func aLedgerOpensAfterGoingBack() throws {
    let path = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var hash = Hash.zero
    do {
      let chain = try Self.chain(try RocksDBStore(path: path))
      for number in 1...3 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
      hash = chain.stateHash
      let mark = chain.mark()
      for number in 4...9 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
      try chain.revert(to: mark)
    }
    do {
      let store = try RocksDBStore(path: path, .existing)
      #expect(store.head?.height == 3 && store.head?.stateHash == hash)
      _ = try store.verify()
      let chain = try Self.chain(store)
      try chain.forgetMarks()
      for number in 4...5 as ClosedRange<UInt64> { try Self.mine(number, on: chain) }
      _ = try chain.ethereumArchive.verify()
    }
  }

  // MARK: Accounts that are set

  @Test func accountsThatAreSetArePartOfTheState() throws {
    try Self.onEachStore { store in
      let chain = try Self.chain(store)
      try Self.mine(1, on: chain)
      let (head, slot, hash) = (try #require(chain.ethereumHead), chain.slot, chain.stateHash)
      let mark = chain.mark()
      var override = AccountOverride()
      override.balance = UInt256(12345)
      override.nonce = 7
      override.code = [0x60, 0x01]
      override.slots = [3: 4, 5: .zero]
      let key = Ed25519.KeyPair(seed: SHA256.hash([1])).pubkey
      try chain.override(
        ethereum: [Self.other: override], solana: [(key, Account(lamports: 99, owner: ProgramID.system))])
      #expect(chain.ethereumHead == head && chain.slot == slot && chain.stateHash != hash)
      let account = try #require(try chain.ethereumAccount(Self.other))
      #expect(account.balance == 12345 && account.nonce == 7)
      #expect(try chain.ethereumCode(at: Self.other) == [0x60, 0x01])
      #expect(try chain.ethereumStorage(of: Self.other, slot: 3) == 4)
      #expect(try chain.account(key)?.lamports == 99)
      _ = try chain.ethereumArchive.verify()
      // The next block begins with it, and its transactions can be executed again on that.
      try Self.mine(2, on: chain)
      _ = try chain.ethereumArchive.verify()
      let record = try #require(try chain.ethereumArchive.transactions(2)?.first)
      #expect(record.isSuccess == true)
      // Set to nothing, it is gone.
      var gone = AccountOverride()
      (gone.balance, gone.nonce, gone.code, gone.slots) = (.zero, 0, [], [3: .zero])
      try chain.override(ethereum: [Self.other: gone])
      _ = try chain.ethereumArchive.verify()
      #expect(try chain.ethereumStorage(of: Self.other, slot: 3) == .zero)
      #expect(try chain.ethereumCode(at: Self.other).isEmpty)
      try chain.revert(to: mark)
      #expect(chain.stateHash == hash)
      #expect(try chain.ethereumAccount(Self.other) == nil && chain.account(key) == nil)
      try Self.mine(3, on: chain)
      _ = try chain.ethereumArchive.verify()
      if let store = store as? RocksDBStore { _ = try store.verify() }
    }
  }

  @Test func aLedgerThatIsOpenedKnowsWhatTheNextBlockBeginsWith() throws {
    let store = MemoryStore()
    let chain = try Self.chain(store)
    try Self.mine(1, on: chain)
    var override = AccountOverride()
    override.balance = 5
    try chain.override(ethereum: [Self.other: override])
    let root = try chain.ethereumStateRoot()
    let opened = try Self.chain(store.snapshot())
    #expect(try opened.ethereumStateRoot() == root)
    let (here, there) = (try Self.mine(2, on: chain), try Self.mine(2, on: opened))
    #expect(here.stateHash == there.stateHash && chain.ethereumHead == opened.ethereumHead)
  }

  @Test func whatTheRuntimeOwnsCannotBeSet() throws {
    let chain = try Self.chain(MemoryStore())
    for key in [SysvarID.clock, EVMKey.account(Self.person)] {
      #expect(throws: OverrideError.self) {
        try chain.override(solana: [(key, Account(lamports: 1, owner: ProgramID.system))])
      }
    }
    #expect(chain.head.height == 0)
  }

  @Test func blocksOfEthereumsCanBeEmptyAndOtherwise() throws {
    let chain = try Self.chain(MemoryStore())
    chain.nextBlockSettings.baseFeePerGas = 800
    chain.nextBlockSettings.coinbase = Self.other
    chain.nextBlockSettings.gasLimit = 1_000_000
    _ = try chain.execute(
      BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: 3000, makesEthereumBlock: true)
    let first = try #require(chain.ethereumHead?.header)
    #expect(
      first.number == 1 && first.baseFeePerGas == 800 && first.coinbase == Self.other
        && first.timestamp == 3000)
    #expect(first.gasLimit == 1_000_000)
    _ = try chain.execute(
      BlockTransactions(solana: []), verifiesSignatures: true, unixTimestamp: 3000, makesEthereumBlock: true,
      slots: 10)
    let second = try #require(chain.ethereumHead?.header)
    #expect(
      second.number == 2 && second.baseFeePerGas == 700 && second.coinbase == Self.other
        && second.timestamp == 3001)
    #expect(chain.slot == 12)
    _ = try chain.ethereumArchive.verify()
  }

  /// Back over a thousand blocks and on again; what is older than the records that stay is not reached.
  @Test func aThousandBlocksBackAndOnAgain() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("estuary-back-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let chain = try Self.chain(try RocksDBStore(path: folder))
    chain.undoBlockCount = 1000
    _ = chain.mark()
    var hashes: [(blockhash: Hash, stateHash: Hash)] = []
    func goOn(_ count: UInt64) throws {
      for _ in 0..<count {
        try Self.mine(chain.head.height, on: chain)
        hashes.append((chain.blockhash, chain.stateHash))
      }
    }
    try goOn(1100)
    let (last, before) = (hashes, try Contents(chain.store))
    let slot = chain.slot - 1000
    let mark = try #require(try chain.mark { $0.slot <= slot })
    #expect(mark.height == chain.head.height - 1000)
    try chain.revert(to: mark)
    #expect(chain.slot == slot && chain.stateHash == last[99].stateHash)
    hashes.removeLast(1000)
    try goOn(1000)
    #expect(hashes.map(\.blockhash) == last.map(\.blockhash))
    #expect(hashes.map(\.stateHash) == last.map(\.stateHash))
    #expect(try Contents(chain.store).accounts == before.accounts)
    #expect(try chain.mark { $0.slot <= 2 } == nil)
    // No more records than are kept.
    var count = 0
    try chain.store.forEachEntry(.undo, from: []) { _, _ in
      count += 1
      return true
    }
    #expect(count == 1000)
  }
}
