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
    try block.begin { source.store.commit([$0], keptBlocks: 0) }
    var figures: [Figure] = []
    var times: [Int: Double] = [:]
    var batch = TrieBatch()
    let leaves = Double(TrieBlock.leafCount)
    for round in 0..<rounds {
      for workers in [1, 2] {
        let pool = try WorkerPool(workerCount: workers, stackByteCount: 1 << 20, pinning: false)
        // What a store has written it does not hold: nodes that are theirs alone change in place.
        batch = TrieBatch()
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

/// A million accounts, a tenth of which have ten slots, and a block that changes two slots of each of 5,000: from
/// addresses, numbers and values of slots to the state root.
private struct TrieBlock {
  private static let accountCount = 1_000_000
  private static let contractCount = 100_000
  private static let slotCount: UInt64 = 10
  private static let changedContractCount = 5_000
  static let leafCount = 3 * changedContractCount

  private let source: any TrieNodeSource
  private var tries: StateTries

  init(source: any TrieNodeSource) {
    self.source = source
    tries = StateTries(source: source, memory: .everything)
  }

  /// In parts, so that not all of it waits to be stored at once.
  mutating func begin(store: (TrieBatch) -> Void) throws {
    let part = 50_000
    for start in stride(from: 0, to: Self.accountCount, by: part) {
      let changes = (start..<start + part).map { index in
        Self.change(index, version: 0, slots: index < Self.contractCount ? 0..<Self.slotCount : 0..<0)
      }
      store(try tries.apply(changes))
    }
  }

  /// The same, to be read from the source.
  var withoutMemory: TrieBlock {
    var cold = TrieBlock(source: source)
    var memory = StateTries.Memory()
    (memory.stateDepth, memory.storageDepth, memory.storageCount) = (0, 0, 0)
    cold.tries = StateTries(root: tries.root, source: source, memory: memory)
    return cold
  }

  mutating func change(version: UInt64, _ pool: WorkerPool) throws -> TrieBatch {
    let stride = Self.contractCount / Self.changedContractCount
    let changes = (0..<Self.changedContractCount).map {
      Self.change($0 * stride, version: version, slots: 3..<5)
    }
    return try tries.apply(changes) { count, body in
      pool.forEach(count: count, chunk: 1) { _, range in for index in range { body(index) } }
    }
  }

  private static func change(_ account: Int, version: UInt64, slots: Range<UInt64>) -> StateTries.Change {
    var change = StateTries.Change(address: Address(UInt256(UInt64(account) + 1, 0, 0, 0)))
    change.leaf = .account(EVMAccount(balance: UInt256(UInt64(account), 7, 0, 0), nonce: version))
    change.slots = slots.map { (slot: UInt256($0), value: UInt256(version, $0, 0, 1)) }
    return change
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
