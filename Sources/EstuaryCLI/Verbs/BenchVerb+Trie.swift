// The incremental trie: what a block's changes cost with all nodes in memory, and what they read without.

import EVM
import Primitives
import Scheduling
import Synchronization
import WideIntegers

extension BenchVerb {
  /// Accounts and slots in the ledger, 10 slots an account that has any.
  private static let leafCount = 1_000_000
  private static let contractCount = 100_000
  /// A block changes two slots of each of so many accounts.
  private static let changedContractCount = 5_000

  func measureTrie() throws -> [Figure] {
    let source = CountingSource()
    var state = IncrementalTrie(source: source)
    var (batch, written) = (try state.apply(Self.accounts(0..<Self.leafCount, version: 0)), [TrieBatch]())
    source.store.commit([batch], keptBlocks: 0)
    var storage: [IncrementalTrie] = []
    for contract in 0..<Self.contractCount {
      var trie = IncrementalTrie(owner: Self.key(contract, 1), source: source)
      written.append(try trie.apply(Self.slots(of: contract, 0..<10, version: 0)))
      storage.append(trie)
    }
    source.store.commit(written, keptBlocks: 0)
    var figures: [Figure] = []
    var leaves = 0
    var times: [Int: Double] = [:]
    for workers in [1, 2] {
      let pool = try WorkerPool(workerCount: workers, stackByteCount: 1 << 20, pinning: false)
      for round in 0..<rounds {
        let start = ContinuousClock.now
        (batch, leaves) = try Self.change(state, storage, version: 1 + round, pool)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        times[workers] = min(times[workers] ?? .infinity, seconds)
      }
      figures.append(
        Figure(
          name: "trie: a changed leaf, \(workers) thread\(workers == 1 ? "" : "s")",
          value: (times[workers] ?? 0) / Double(leaves) * 1e6, unit: "µs"))
    }
    figures.append(Figure(name: "trie: two threads", value: (times[1] ?? 0) / (times[2] ?? 1), unit: "×"))
    figures.append(
      Figure(
        name: "trie: written a leaf", value: Double(batch.writtenByteCount) / Double(leaves), unit: "bytes"))
    source.forgetReads()
    let cold = storage.enumerated().map { contract, trie in
      IncrementalTrie(root: trie.root, owner: Self.key(contract, 1), source: source, cachedDepth: 0)
    }
    let pool = try WorkerPool(workerCount: 1, stackByteCount: 1 << 20, pinning: false)
    _ = try Self.change(
      IncrementalTrie(root: state.root, source: source, cachedDepth: 0), cold, version: 99, pool)
    figures.append(
      Figure(
        name: "trie: read a leaf, nothing in memory", value: Double(source.reads) / Double(leaves),
        unit: "nodes"))
    return figures
  }

  /// One block's changes on copies: the storage tries', each on a thread, then the accounts'.
  private static func change(
    _ state: IncrementalTrie, _ storage: [IncrementalTrie], version: Int, _ pool: WorkerPool
  ) throws -> (TrieBatch, leafCount: Int) {
    let batches = Mutex<[TrieBatch]>([])
    let failure = Mutex<TrieError?>(nil)
    let stride = contractCount / changedContractCount
    pool.forEach(count: changedContractCount, chunk: 64) { _, range in
      var found: [TrieBatch] = []
      for index in range {
        var trie = storage[index * stride]
        let changes = slots(of: index * stride, 3..<5, version: version)
        do throws(TrieError) { found.append(try trie.apply(changes)) } catch {
          failure.withLock { $0 = error }
        }
      }
      batches.withLock { $0 += found }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    var state = state
    let changes = Swift.stride(from: 0, to: contractCount, by: stride).flatMap {
      accounts($0..<$0 + 1, version: version)
    }
    var all = try state.apply(changes) { count, body in
      pool.forEach(count: count, chunk: 1) { _, range in for index in range { body(index) } }
    }
    for batch in batches.withLock({ $0 }) {
      all.written += batch.written
      all.replaced += batch.replaced
    }
    return (all, changes.count + 2 * changedContractCount)
  }

  private static func key(_ index: Int, _ kind: UInt64) -> Hash {
    Keccak256.hash(UInt256(UInt64(index), kind, 0, 0).bigEndianBytes)
  }

  private static func accounts(_ range: Range<Int>, version: Int) -> [TrieChange] {
    range.map { index in
      let account = TrieAccount(
        nonce: UInt64(version), balance: UInt256(UInt64(index), 7, 0, 0), storageRoot: key(index, 3))
      return TrieChange(key: key(index, 0), value: account.encoded)
    }
  }

  private static func slots(of contract: Int, _ range: Range<Int>, version: Int) -> [TrieChange] {
    range.map { slot in
      var writer = RLPWriter(capacity: 33)
      writer.write(UInt256(UInt64(version), UInt64(slot), 0, 1))
      return TrieChange(key: key(contract * 10 + slot, 2), value: writer.bytes)
    }
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
