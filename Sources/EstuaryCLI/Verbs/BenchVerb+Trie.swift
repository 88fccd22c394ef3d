// The incremental trie: what a block's changes cost with all nodes in memory, and what they read without.

import EVM
import Primitives
import Scheduling
import Synchronization
import WideIntegers

extension BenchVerb {
  func measureTrie() throws -> [Figure] {
    let source = CountingSource()
    var block = TrieBlock(source: source)
    source.store.commit([try block.begin()], keptBlocks: 0)
    var figures: [Figure] = []
    var times: [Int: Double] = [:]
    var batch = TrieBatch()
    let leaves = Double(TrieBlock.leafCount)
    for round in 0..<rounds {
      for workers in [1, 2] {
        let pool = try WorkerPool(workerCount: workers, stackByteCount: 1 << 20, pinning: false)
        let start = ContinuousClock.now
        batch = try block.change(version: UInt64(1 + 2 * round + workers), pool)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        times[workers] = min(times[workers] ?? .infinity, seconds)
        source.store.commit([batch], keptBlocks: 0)
      }
    }
    for workers in [1, 2] {
      figures.append(
        Figure(
          name: "trie: a changed leaf, \(workers) thread\(workers == 1 ? "" : "s")",
          value: (times[workers] ?? 0) / leaves * 1e6, unit: "µs"))
    }
    figures.append(Figure(name: "trie: two threads", value: (times[1] ?? 0) / (times[2] ?? 1), unit: "×"))
    figures.append(
      Figure(name: "trie: written a leaf", value: Double(batch.writtenByteCount) / leaves, unit: "bytes"))
    source.forgetReads()
    let pool = try WorkerPool(workerCount: 1, stackByteCount: 1 << 20, pinning: false)
    var cold = block.withoutMemory
    _ = try cold.change(version: 0, pool)
    figures.append(
      Figure(
        name: "trie: read a leaf, nothing in memory", value: Double(source.reads) / leaves, unit: "nodes"))
    return figures
  }
}

/// A million accounts, a tenth of which have ten slots, and a block that changes two slots of each of 5,000: from the
/// slots' numbers and values to the state root, hashing of keys included.
private struct TrieBlock {
  private static let accountCount = 1_000_000
  private static let contractCount = 100_000
  private static let slotCount: UInt64 = 10
  private static let changedContractCount = 5_000
  static let leafCount = 3 * changedContractCount

  private let source: any TrieNodeSource
  private var state: IncrementalTrie
  /// By contract.
  private var storage: [IncrementalTrie] = []

  init(source: any TrieNodeSource) {
    self.source = source
    state = IncrementalTrie(source: source)
  }

  mutating func begin() throws -> TrieBatch {
    var batch = TrieBatch()
    for contract in 0..<Self.contractCount {
      var trie = IncrementalTrie(owner: Self.key(contract), source: source)
      batch.append(try trie.apply((0..<Self.slotCount).map { Self.slot($0, version: 0) }))
      storage.append(trie)
    }
    let accounts = (0..<Self.accountCount).map { index in
      let root = index < Self.contractCount ? storage[index].root : MerklePatriciaTrie.emptyRoot
      return Self.account(index, version: 0, storageRoot: root)
    }
    batch.append(try state.apply(accounts))
    return batch
  }

  /// The same, to be read from the source.
  var withoutMemory: TrieBlock {
    var cold = TrieBlock(source: source)
    cold.state = IncrementalTrie(root: state.root, source: source, cachedDepth: 0)
    cold.storage = storage.enumerated().map { contract, trie in
      IncrementalTrie(root: trie.root, owner: Self.key(contract), source: source, cachedDepth: 0)
    }
    return cold
  }

  /// The storage tries, each on a thread, then the accounts'.
  mutating func change(version: UInt64, _ pool: WorkerPool) throws -> TrieBatch {
    struct Gathered {
      var batch = TrieBatch()
      var accounts: [TrieChange] = []
      var failure: TrieError?
    }
    let gathered = Mutex(Gathered())
    let stride = Self.contractCount / Self.changedContractCount
    storage.withUnsafeMutableBufferPointer { storage in
      // Each index is one thread's.
      nonisolated(unsafe) let tries = storage
      pool.forEach(count: Self.changedContractCount, chunk: 64) { _, range in
        var found = Gathered()
        do throws(TrieError) {
          for index in range {
            let contract = index * stride
            let changes = [Self.slot(3, version: version), Self.slot(4, version: version)]
            found.batch.append(try tries[contract].apply(changes))
            found.accounts.append(
              Self.account(contract, version: version, storageRoot: tries[contract].root))
          }
        } catch { found.failure = error }
        gathered.withLock {
          $0.batch.append(found.batch)
          $0.accounts += found.accounts
          $0.failure = $0.failure ?? found.failure
        }
      }
    }
    var all = gathered.withLock { $0 }
    if let failure = all.failure { throw failure }
    all.batch.append(
      try state.apply(all.accounts) { count, body in
        pool.forEach(count: count, chunk: 1) { _, range in for index in range { body(index) } }
      })
    return all.batch
  }

  private static func key(_ account: Int) -> Hash {
    MerklePatriciaTrie.hashed(Address(UInt256(UInt64(account) + 1, 0, 0, 0)))
  }

  private static func account(_ index: Int, version: UInt64, storageRoot: Hash) -> TrieChange {
    let account = TrieAccount(
      nonce: version, balance: UInt256(UInt64(index), 7, 0, 0), storageRoot: storageRoot)
    return TrieChange(key: key(index), value: account.encoded)
  }

  private static func slot(_ slot: UInt64, version: UInt64) -> TrieChange {
    var writer = RLPWriter(capacity: 33)
    writer.write(UInt256(version, slot, 0, 1))
    return TrieChange(key: MerklePatriciaTrie.hashed(UInt256(slot)), value: writer.bytes)
  }
}

/// Counts what is read.
private final class CountingSource: TrieNodeSource {
  let store = TrieMemoryStore()
  private let count = Atomic<Int>(0)

  // Relaxed: a number for people.
  var reads: Int { count.load(ordering: .relaxed) }

  func forgetReads() { count.store(0, ordering: .relaxed) }

  func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? {
    count.wrappingAdd(1, ordering: .relaxed)
    return try store.node(key)
  }
}
