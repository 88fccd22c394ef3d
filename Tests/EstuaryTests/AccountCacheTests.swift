// The table of accounts as a cache: whatever leaves it between blocks, a chain is what it is with everything in memory;
// what is not there leaves nothing; a read that fails is an error of its block alone.

import EVM
import Ledger
import Primitives
import Scheduling
import Testing

@testable import Estuary
@testable import Execution

@Suite struct AccountCacheTests {
  private static func executors() throws -> [any BlockExecutor] {
    [
      SerialExecutor(), try LockExecutor(workerCount: 1), try LockExecutor(workerCount: 3),
      try LockExecutor(workerCount: 1, alwaysInWaves: true), try LockExecutor(workerCount: 3, alwaysInWaves: true),
      try ScheduledExecutor(RandomScheduler(workerCount: 3), contracts: .none),
    ]
  }

  /// Runs `replay` with everything in memory, and on every executor with next to nothing; all must agree.
  private func compare(_ replay: Replay, _ title: String) throws {
    let expected = try replay.run(executor: SerialExecutor())
    let root = try expected.chain.ethereumStateRoot()
    for executor in try Self.executors() {
      for byteCount in [0, 3000, 12_000] {
        let store = TestStore(cacheByteCount: byteCount)
        let outcome = try replay.run(on: store, executor: executor)
        let title = "\(title), \(executor.name), \(executor.workerCount) workers, \(byteCount) bytes"
        #expect(outcome.stateHash == expected.stateHash, "\(title)")
        #expect(outcome.receipts == expected.receipts, "\(title)")
        #expect(try outcome.chain.ethereumStateRoot() == root, "\(title)")
        let state = outcome.chain.state
        #expect(state.evictedCount > 0 && store.readCount > 0, "\(title)")
        if byteCount == 0 { #expect(state.table.count == 0 && state.ethereumTable.count == 0, "\(title)") }
      }
    }
  }

  @Test func solanasBlocksAreTheSame() throws {
    for seed in 0..<8 as Range<UInt64> {
      let block = try RandomBlock(seed: 900 + seed, count: 60, contention: Int(seed) * 12)
      var replay = Replay(genesis: block.genesis, wires: block.wires)
      replay.blockSize = [1, 7, 20][Int(seed % 3)]
      try compare(replay, "seed \(seed)")
    }
  }

  @Test func ethereumsBlocksAreTheSame() throws {
    let forks: [Fork] = [.homestead, .london, .cancun, .osaka]
    for seed in 0..<8 as Range<UInt64> {
      let block = RandomEthereumBlock(
        seed: 900 + seed, count: 60, fork: forks[Int(seed % 4)], contention: Int(seed) * 12, gasLimit: 1 << 40
      )
      let genesis = try Genesis(
        slot: 1, unixTimestamp: 1, blockhash: .zero, ethereum: block.genesis)
      var replay = Replay(genesis: genesis, transactions: block.transactions)
      (replay.blockSize, replay.verifiesSignatures) = ([1, 7, 20][Int(seed % 3)], false)
      try compare(replay, "seed \(seed)")
    }
  }

  @Test func mixedBlocksAreTheSame() throws {
    for seed in 0..<6 as Range<UInt64> {
      let block = try RandomMixedBlock(seed: 900 + seed, count: 40, contention: Int(seed) * 12)
      var replay = Replay(genesis: block.genesis, transactions: BlockTransactions(block.lines))
      (replay.blockSize, replay.verifiesSignatures) = ([3, 7, 20][Int(seed % 3)], false)
      try compare(replay, "seed \(seed)")
    }
  }

  /// A chain of own blocks with an Ethereum side, opened anew between blocks.
  @Test func chainsOfOwnBlocksAreTheSame() throws {
    let block = RandomEthereumBlock(seed: 5, count: 60, fork: .osaka, contention: 30, gasLimit: 30_000_000)
    let genesis = try Genesis(slot: 1, unixTimestamp: 1, blockhash: .zero, ethereum: block.genesis)
    let stores: [any AccountStore] = [
      MemoryStore(), TestStore(cacheByteCount: 0), TestStore(cacheByteCount: 9000),
    ]
    for first in stride(from: 0, to: 60, by: 10) {
      var seen: [(Hash, EthereumArchive.StoredHeader?)] = []
      for store in stores {
        let chain = try Chain(
          store: store, genesis: genesis, executor: SerialExecutor(), progress: .advancing)
        let part = block.transactions[first..<first + 10].map { TransactionLine.success($0) }
        let done = try chain.execute(
          BlockTransactions(Array(part)), verifiesSignatures: false, unixTimestamp: Int64(10 + first))
        seen.append((done.stateHash, chain.ethereumHead))
      }
      #expect(seen.allSatisfy { $0 == seen[0] }, "block from \(first)")
    }
  }

  @Test func whatWasUsedLastStays() throws {
    let store = TestStore(cacheByteCount: 1 << 20)
    let keys = (0..<64).map { Pubkey(word0: $0, word1: 7, word2: 7, word3: 7) }
    var lattice = StateLattice()
    let changes = keys.map {
      AccountChange(key: $0, old: nil, new: Account(lamports: 1, data: [1, 2], owner: ProgramID.system))
    }
    lattice.apply(changes)
    try store.commit(
      BlockCommit(
        record: BlockRecord(
          height: 0, slot: 0, unixTimestamp: 0, blockhash: .zero, stateHash: lattice.stateHash,
          genesisHash: .zero),
        changes: changes, stateLattice: lattice.bytes, entries: []))
    let table = AccountTable(store: store, expectedCount: 1)
    for block in 0..<8 {
      for key in keys[(8 * block)..<(8 * block + 8)] { _ = try table.intern(key) }
      _ = try table.intern(keys[0])
      _ = table.finishBlock([])
    }
    #expect(table.count == 64 && store.readCount == 64)
    let each = AccountTable.entryByteCount + 2
    #expect(table.growth.byteCount == 64 * each && table.countBytes() == 64 * each)
    #expect(table.evict(to: 20 * each) == 44)
    #expect(table.count == 20 && table.growth.byteCount == 20 * each)
    // The last block's and the one that each block names are there, the others are read again.
    for key in keys[56...] + [keys[0]] { #expect(table.index(of: key) != nil) }
    for key in keys { #expect(table[try table.intern(key)] == changes[0].new) }
    #expect(store.readCount == 64 + 44)
    for key in keys { #expect(table.index(of: key).map { table.key(of: $0) } == key) }
  }

  @Test func anAbsentKeyLeavesNothing() throws {
    let genesis = try Genesis(
      slot: 1, unixTimestamp: 100, blockhash: Hash(word0: 9, word1: 9, word2: 9, word3: 9),
      accounts: [(Chain.faucet.pubkey, Account(lamports: Chain.faucetLamports, owner: ProgramID.system))])
    for executor in try Self.executors() {
      let chain = try Chain(
        store: MemoryStore(), genesis: genesis, executor: executor, progress: .advancing)
      let count = chain.table.count
      for _ in 0..<3 {
        let (there, absent) = (Ed25519.KeyPair.random().pubkey, Ed25519.KeyPair.random().pubkey)
        // The second transaction names a payer that there is none of.
        let done = try chain.send(transactions: [
          ([System.transfer(from: Chain.faucet.pubkey, to: there, lamports: 1_000_000)], [Chain.faucet]),
          ([System.transfer(from: Chain.faucet.pubkey, to: absent, lamports: 1)], [Chain.faucet]),
        ])
        #expect(done.map { $0.error == nil } == [true, false])
        #expect(chain.table.index(of: there) != nil && chain.table.index(of: absent) == nil)
        #expect(try chain.account(absent) == nil)
      }
      #expect(chain.table.count == count + 3)
    }
  }

  /// Each read in turn fails once: the block is refused with the store's error, and goes through the next time.
  @Test func aReadThatFailsIsAnErrorOfItsBlock() throws {
    let block = try RandomMixedBlock(seed: 3, count: 12, contention: 20)
    let lines = BlockTransactions(block.lines)
    for executor in try Self.executors() {
      let straight = try Chain(
        store: MemoryStore(), genesis: block.genesis, executor: executor, progress: .fixed)
      let expected = try straight.execute(lines, verifiesSignatures: false)
      var failures = 0
      for count in stride(from: 0, to: 400, by: 7) {
        let store = TestStore(cacheByteCount: 0)
        let chain = try Chain(store: store, genesis: block.genesis, executor: executor, progress: .fixed)
        store.failRead(after: count)
        do throws(ChainError) {
          #expect(try chain.execute(lines, verifiesSignatures: false).stateHash == expected.stateHash)
        } catch {
          failures += 1
          guard case .store(let failure) = error else {
            Issue.record("\(executor.name), read \(count): \(error)")
            continue
          }
          #expect(failure == TestStore.failure)
          #expect(chain.head.height == 0)
          let again = try chain.execute(lines, verifiesSignatures: false)
          #expect(again.stateHash == expected.stateHash, "\(executor.name), read \(count)")
          #expect(again.receipts == expected.receipts, "\(executor.name), read \(count)")
        }
      }
      #expect(failures >= 5, "\(executor.name)")
    }
  }
}
