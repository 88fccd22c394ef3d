// The incremental trie: what a block's changes cost with all nodes in memory, and what they read without.
//
// In memory is not in the processor's cache: each block changes other accounts than the nineteen before it, and the store,
// whose commit is not counted, passes through the cache between blocks. Times are processor times of threads, which other
// work on the machine lengthens less than times of day.

import EVM
import Estuary
import Execution
import Primitives
import Scheduling
import Synchronization
import WideIntegers

extension BenchVerb {
  func measureTrie() throws -> [Figure] {
    let source = CountingSource()
    var block = TrieBlock(source: source)
    try block.begin { source.store.commit([$0], keptBlocks: 0) }
    let pool = try WorkerPool(workerCount: 2, stackByteCount: 1 << 20, pinning: false)
    var (one, two, wall) = (TrieTimes.longest, TrieTimes.longest, [UInt64.max, .max])
    var batch = TrieBatch()
    var version: UInt64 = 0
    for _ in 0..<4 * rounds {
      for (index, threads) in [nil, pool].enumerated() {
        version += 1
        // What a store has written it does not hold: nodes that are theirs alone change in place.
        batch = TrieBatch()
        let tasks = ClockedTasks(pool: threads)
        let changes = TrieBlock.changes(version: version)
        let start = (Clocks.monotonicNanoseconds(), Clocks.threadNanoseconds())
        batch = try block.apply(changes, tasks.run)
        let caller = Clocks.threadNanoseconds() - start.1
        wall[index] = min(wall[index], Clocks.monotonicNanoseconds() - start.0)
        let times = tasks.times(caller: caller)
        if threads == nil { one.keepLess(times) } else { two.keepLess(times) }
        source.store.commit([batch], keptBlocks: 0)
      }
    }
    func figure(_ name: String, _ nanoseconds: UInt64) -> Figure {
      Figure(
        name: "trie: \(name)", value: Double(nanoseconds) / Double(TrieBlock.leafCount) / 1000,
        unit: "µs/changed leaf")
    }
    var figures = [
      figure("one thread", one.all),
      figure("two threads, the calling one", two.caller),
      figure("two threads, critical path", two.criticalPath),
    ]
    for (worker, time) in two.workers.enumerated() {
      figures.append(figure("two threads, worker \(worker)", time))
    }
    figures += [
      Figure(
        name: "trie: one thread over critical path", value: Double(one.all) / Double(two.criticalPath),
        unit: "×"),
      Figure(name: "trie: two threads, by the clock", value: Double(wall[0]) / Double(wall[1]), unit: "×"),
      Figure(
        name: "trie: written", value: Double(batch.writtenByteCount) / Double(TrieBlock.leafCount),
        unit: "bytes/changed leaf"),
    ]
    source.forgetReads()
    var cold = block.withoutMemory
    _ = try cold.apply(TrieBlock.changes(version: 0), IncrementalTrie.serial)
    figures.append(
      Figure(
        name: "trie: read, nothing in memory", value: Double(source.reads) / Double(TrieBlock.leafCount),
        unit: "nodes/changed leaf"))
    return figures
  }
}

/// Nanoseconds of processor time.
private struct TrieTimes {
  var all: UInt64
  /// Of the thread that called.
  var caller: UInt64
  var workers: [UInt64]
  /// With two threads that each take the next task when they are done with one: the shortest time there can be, were
  /// waking them for nothing.
  var criticalPath: UInt64

  static let longest = TrieTimes(all: .max, caller: .max, workers: [.max, .max], criticalPath: .max)

  mutating func keepLess(_ other: TrieTimes) {
    all = min(all, other.all)
    if other.criticalPath < criticalPath {
      (caller, workers, criticalPath) = (other.caller, other.workers, other.criticalPath)
    }
  }
}

/// What may run beside each other, one after the other or on two threads, each task clocked.
private final class ClockedTasks: Sendable {
  private let pool: WorkerPool?
  /// By call, processor time of each task in the order in which they began, and who ran it.
  private let calls = Mutex<[[(worker: Int, time: UInt64)]]>([])

  /// - Parameter pool: of two threads; `nil`: the calling one.
  init(pool: WorkerPool?) { self.pool = pool }

  func run(_ count: Int, _ body: @Sendable (Int) -> Void) {
    calls.withLock { $0.append(Array(repeating: (0, 0), count: count)) }
    @Sendable func task(_ worker: Int, _ index: Int) {
      let start = Clocks.threadNanoseconds()
      body(index)
      let time = Clocks.threadNanoseconds() - start
      calls.withLock { $0[$0.count - 1][index] = (worker, time) }
    }
    if let pool {
      pool.forEach(count: count, chunk: 1) { worker, range in
        for index in range { task(worker.position, index) }
      }
    } else {
      for index in 0..<count { task(0, index) }
    }
  }

  /// - Parameter caller: processor time of the calling thread.
  func times(caller: UInt64) -> TrieTimes {
    let calls = calls.withLock { $0 }
    var workers: [UInt64] = [0, 0]
    var criticalPath: UInt64 = 0
    for call in calls {
      var threads: [UInt64] = [0, 0]
      for (worker, time) in call {
        workers[worker] += time
        threads[threads[0] <= threads[1] ? 0 : 1] += time
      }
      criticalPath += max(threads[0], threads[1])
    }
    let tasks = workers[0] + workers[1]
    let alone = pool == nil ? caller - tasks : caller
    return TrieTimes(
      all: alone + tasks, caller: alone, workers: workers, criticalPath: alone + criticalPath)
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

  /// What a block changes.
  static func changes(version: UInt64) -> [StateTries.Change] {
    let stride = contractCount / changedContractCount
    let offset = Int(version) % stride
    return (0..<changedContractCount).map { change($0 * stride + offset, version: version, slots: 3..<5) }
  }

  mutating func apply(_ changes: [StateTries.Change], _ parallelFor: ParallelFor) throws -> TrieBatch {
    try tries.apply(changes, parallelFor: parallelFor)
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
