// What scheduling costs: a synthetic block through the interner, the graph and the pool, with an empty body.
// What one thread does is measured in the process's CPU time, so that a busy machine disturbs it less; what
// all do together is wall time.
//
// Blocks are drawn from a fixed seed. A *mixed* transaction writes its own fee payer and draws its other
// accounts evenly from a population, every other one writable; in a *hot* block each transaction also writes
// one and the same account, so that the graph is a chain; in an *independent* one nothing is shared but
// reads.
import Glibc

package enum SchedulingBenchmark {
  package enum Contention: String, CaseIterable, Sendable { case independent, mixed, hot }

  /// Nanoseconds a transaction, the best of the rounds for each figure.
  package struct Figures: Sendable {
    package let accounts: Int
    package let transactions: Int
    package let workers: Int
    package let contention: Contention
    /// Looking up all keys of a transaction, all of them known.
    package let internNanoseconds: Double
    /// `ConflictGraph.add` with indices.
    package let addNanoseconds: Double
    /// Dispatching from the queue and completing on one thread, empty bodies: what scheduling costs,
    /// contention for cache lines apart.
    package let dispatchNanoseconds: Double
    /// The same by all workers, wall time.
    package let runNanoseconds: Double
    /// Interning, adding, dispatching and completing by all workers, pipelined as a block executor does it;
    /// wall time.
    package let totalNanoseconds: Double
    package let edgesPerTransaction: Double
    /// Add, dispatch and complete with interned keys, on one thread.
    package var scheduleNanoseconds: Double { addNanoseconds + dispatchNanoseconds }
  }

  /// Measures one kind of block.
  ///
  /// - Parameters:
  ///   - accounts: accounts a transaction, at least 2.
  ///   - transactions: transactions of the block, at least 1.
  ///   - workers: threads; with one, dispatch is a loop in block order.
  package static func run(
    accounts: Int, transactions: Int, workers: Int, contention: Contention = .mixed, rounds: Int = 5
  ) throws(SchedulingError) -> Figures {
    precondition(accounts >= 2 && transactions >= 1 && rounds >= 1, "an empty benchmark")
    let pool = try WorkerPool(workerCount: workers)
    let single = try WorkerPool(workerCount: 1)
    let block = Block(accounts: accounts, transactions: transactions, contention: contention)
    let graph = ConflictGraph()
    let accessCount = accounts * transactions
    var (intern, add, dispatch) = (UInt64.max, UInt64.max, UInt64.max)
    var (run, total) = (UInt64.max, UInt64.max)
    var edges = 0
    let interner = SharedInterner(block)
    for _ in 0..<rounds {
      intern = min(intern, elapsed(cpu: true) { interner.internAll() })

      func addAll() {
        graph.reset(transactionCapacity: transactions, accessCapacity: accessCount)
        for number in 0..<transactions { block.add(number, to: graph, interner.indices) }
      }
      add = min(add, elapsed(cpu: true, addAll))
      edges = graph.edgeCount
      dispatch = min(dispatch, elapsed(cpu: true) { single.runThroughQueue(graph) { _, _ in } })
      addAll()
      run = min(run, elapsed { pool.run(graph) { _, _ in } })

      graph.reset(transactionCapacity: transactions, accessCapacity: accessCount)
      total = min(
        total,
        elapsed {
          pool.run(
            graph,
            adding: {
              for number in 0..<transactions {
                interner.intern(number)
                block.add(number, to: graph, interner.indices)
              }
            }
          ) { _, _ in }
        })
    }
    let count = Double(transactions)
    return Figures(
      accounts: accounts, transactions: transactions, workers: workers, contention: contention,
      internNanoseconds: Double(intern) / count, addNanoseconds: Double(add) / count,
      dispatchNanoseconds: Double(dispatch) / count, runNanoseconds: Double(run) / count,
      totalNanoseconds: Double(total) / count,
      edgesPerTransaction: Double(edges) / count)
  }

  private static func elapsed(cpu: Bool = false, _ body: () -> Void) -> UInt64 {
    let clock = cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC
    let start = TimelineRecorder.nanoseconds(on: clock)
    body()
    return TimelineRecorder.nanoseconds(on: clock) - start
  }

  /// Key of the account with the given number, spread over all 32 bytes.
  fileprivate static func key(_ number: UInt64) -> AccountKey {
    var random = SplitMix64(state: number)
    return AccountKey(word0: random.next(), word1: random.next(), word2: random.next(), word3: random.next())
  }
}

/// Sebastiano Vigna's generator: small, seeded, the same everywhere (https://prng.di.unimi.it/splitmix64.c).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// A synthetic block: `accounts` keys a transaction, the first `writes` of them writable.
private final class Block: Sendable {
  let accounts, writes: Int
  let keys: [AccountKey]

  init(accounts: Int, transactions: Int, contention: SchedulingBenchmark.Contention) {
    self.accounts = accounts
    var random = SplitMix64(state: 20_260_101)
    let population = UInt64(max(transactions, 1024))
    writes = contention == .independent ? 1 : max(accounts / 2, 2)
    let isHot = contention == .hot
    var keys: [AccountKey] = []
    keys.reserveCapacity(accounts * transactions)
    for number in 0..<transactions {
      keys.append(SchedulingBenchmark.key(1 << 40 + UInt64(number)))  // the fee payer
      for position in 1..<accounts {
        let drawn = position == 1 && isHot ? 0 : random.next(upperBound: population)
        keys.append(SchedulingBenchmark.key(1 + drawn))
      }
    }
    self.keys = keys
  }

  @inline(__always)
  func add(_ number: Int, to graph: ConflictGraph, _ indices: UnsafeMutablePointer<AccountIndex>) {
    let first = indices + number * accounts
    graph.add(
      reads: UnsafeBufferPointer(start: first + writes, count: accounts - writes),
      writes: UnsafeBufferPointer(start: first, count: writes))
  }
}

/// The block's keys interned once, so that look-ups are what is measured, and the indices found last.
private final class SharedInterner: @unchecked Sendable {
  // Sendable: used by one thread at a time, the caller or worker 0.
  private var interner: AccountInterner
  private let block: Block
  let indices: UnsafeMutablePointer<AccountIndex>

  init(_ block: Block) {
    self.block = block
    interner = AccountInterner(expectedCount: block.keys.count)
    indices = .allocate(capacity: block.keys.count)
    for (position, key) in block.keys.enumerated() {
      (indices + position).initialize(to: interner.intern(key))
    }
  }

  deinit { indices.deallocate() }

  func internAll() {
    for number in 0..<(block.keys.count / block.accounts) { intern(number) }
  }

  @inline(__always) func intern(_ number: Int) {
    block.keys.withUnsafeBufferPointer { keys in
      let first = number * block.accounts
      interner.intern(
        UnsafeBufferPointer(rebasing: keys[first..<first + block.accounts]), into: indices + first)
    }
  }
}
