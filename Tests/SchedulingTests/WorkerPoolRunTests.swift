import Synchronization
import Testing

@testable import Scheduling

/// Pools shared by the tests, since creating threads is not what most of them test.
enum Pools {
  static let all: [WorkerPool] = [1, 2, 4, 8].map { count in
    do { return try WorkerPool(workerCount: count) } catch { fatalError("\(error)") }
  }
}

@Suite struct WorkerPoolRunTests {
  enum Mode: CaseIterable { case addedBefore, addedMeanwhile, recorded, recordedMeanwhile }

  private func check(_ block: TestBlock, on pool: WorkerPool, reusing graph: ConflictGraph, _ mode: Mode) {
    let execution = BlockExecution(block)
    graph.reset(transactionCapacity: block.transactions.count, accessCapacity: block.accessCount)
    switch mode {
    case .addedBefore:
      execution.addAll(to: graph)
      pool.run(graph) { _, transaction in execution.run(transaction) }
    case .addedMeanwhile:
      pool.run(
        graph, adding: { execution.addAll(to: graph) }, { _, transaction in execution.run(transaction) })
    case .recorded:
      execution.addAll(to: graph)
      let timeline = pool.runRecorded(graph) { _, transaction in execution.run(transaction) }
      checkTimes(timeline, block)
    case .recordedMeanwhile:
      let timeline = pool.runRecorded(
        graph, adding: { execution.addAll(to: graph) }, { _, transaction in execution.run(transaction) })
      checkTimes(timeline, block)
    }
    #expect(execution.ranEachOnce, "\(block), \(pool.workerCount) workers, \(mode)")
    #expect(execution.outcome == block.serialOutcome, "\(block), \(pool.workerCount) workers, \(mode)")
  }

  private func checkTimes(_ timeline: Timeline, _ block: TestBlock) {
    #expect(timeline.slices.count == block.transactions.count)
    var lastEnds = [UInt64](repeating: 0, count: timeline.workerCount)
    for transaction in timeline.lanes.joined() {
      let slice = timeline.slices[transaction.position]
      #expect(slice.startNanoseconds >= lastEnds[slice.worker.position], "overlap in a lane")
      #expect(slice.endNanoseconds >= slice.startNanoseconds)
      #expect(slice.endNanoseconds <= timeline.elapsedNanoseconds)
      lastEnds[slice.worker.position] = slice.endNanoseconds
      guard let release = slice.releasedBy else { continue }
      #expect(release.predecessor < transaction)
      #expect(timeline.slices[release.predecessor.position].endNanoseconds == slice.readyNanoseconds)
      #expect(slice.startNanoseconds >= slice.readyNanoseconds)
      let accounts = [transaction, release.predecessor].map { index in
        let declared = block.transactions[index.position]
        return Set(declared.reads + declared.writes)
      }
      #expect(accounts[0].intersection(accounts[1]).contains(release.account))
    }
    #expect(timeline.workers.reduce(0) { $0 + $1.transactionCount } == block.transactions.count)
  }

  @Test(arguments: TestBlock.shapes)
  func shapesEqualSerial(_ block: TestBlock) {
    let graph = ConflictGraph()
    for pool in Pools.all {
      for mode in Mode.allCases { check(block, on: pool, reusing: graph, mode) }
    }
  }

  @Test(arguments: 0..<60)
  func randomBlocksEqualSerial(seed: Int) {
    var random = SplitMix64(state: UInt64(seed))
    let transactions = Int.random(in: 1...1500, using: &random)
    let block = TestBlock.random(
      seed: random.next(), transactions: transactions,
      // From everything shared to next to nothing.
      population: max(1, transactions * 10 >> Int.random(in: 0...14, using: &random)), accesses: 0...8,
      writePercent: [0, 10, 30, 50, 100].randomElement(using: &random) ?? 50,
      hotPercent: [0, 0, 5, 50, 100].randomElement(using: &random) ?? 0, groups: 4)
    let graph = ConflictGraph()
    for pool in Pools.all {
      for mode in [Mode.addedBefore, .addedMeanwhile] { check(block, on: pool, reusing: graph, mode) }
    }
  }

  /// Many small blocks one after another through one graph: starts and ends of runs are where wake-ups get
  /// lost.
  @Test(arguments: [2, 4, 8])
  func smallBlocksInSuccession(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    let graph = ConflictGraph()
    for seed in 0..<400 {
      let block = TestBlock.random(
        seed: UInt64(seed), transactions: seed % 12, population: 1 + seed % 7, accesses: 0...3,
        writePercent: 60)
      check(block, on: pool, reusing: graph, seed % 2 == 0 ? .addedBefore : .addedMeanwhile)
    }
  }

  @Test func largeBlockOfTinyBodies() throws {
    let pool = try WorkerPool(workerCount: 4)
    let block = TestBlock.random(
      seed: 5, transactions: 60_000, population: 20_000, accesses: 1...5, writePercent: 50, hotPercent: 1,
      groups: 9)
    check(block, on: pool, reusing: ConflictGraph(), .addedMeanwhile)
  }

  /// Waits until `count` reaches `goal`; false after many seconds.
  private static func await(_ count: borrowing Atomic<Int>, _ goal: Int) -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(30)
    while count.load(ordering: .acquiring) < goal {
      if clock.now > deadline { return false }
      IdleWorkers.yieldProcessor()
    }
    return true
  }

  @Test func independentTransactionsRunAtTheSameTime() throws {
    let pool = try WorkerPool(workerCount: 4)
    let graph = ConflictGraph()
    for number in 0..<4 { graph.add(reads: [AccountIndex(9)], writes: [AccountIndex(UInt32(number))]) }
    let started = Atomic<Int>(0)
    let met = Atomic<Int>(0)
    pool.run(graph) { _, _ in
      started.wrappingAdd(1, ordering: .acquiringAndReleasing)
      if Self.await(started, 4) { met.wrappingAdd(1, ordering: .relaxed) }
    }
    let metCount = met.load(ordering: .relaxed)
    #expect(metCount == 4)
  }

  /// A worker stuck in a long transaction keeps nothing of its batch from the others.
  @Test func batchesAreOpenToIdleWorkers() throws {
    let pool = try WorkerPool(workerCount: 2)
    let graph = ConflictGraph()
    for _ in 0..<500 { graph.add(reads: [], writes: [], group: GroupKey(1)) }
    let done = Atomic<Int>(0)
    let waited = Atomic<Bool>(false)
    pool.run(graph) { _, transaction in
      if transaction.rawValue == 0 { waited.store(Self.await(done, 499), ordering: .relaxed) }
      done.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
    let sawAll = waited.load(ordering: .relaxed)
    #expect(sawAll)
  }

  @Test func readyTransactionsOfAGroupRunTogether() throws {
    let pool = try WorkerPool(workerCount: 2)
    let graph = ConflictGraph()
    let count = 4096
    for number in 0..<count {
      graph.add(reads: [], writes: [AccountIndex(UInt32(number))], group: GroupKey(UInt32(1 + number % 2)))
    }
    let timeline = pool.runRecorded(graph) { _, _ in }
    var changes = 0
    for lane in timeline.lanes {
      for (before, after) in zip(lane, lane.dropFirst()) where (after.rawValue ^ before.rawValue) & 1 == 1 {
        changes += 1
      }
    }
    // Queue order would change group at every step.
    #expect(changes < count / 4, "\(changes) changes of group")
  }

  @Test func aReleasedSuccessorStaysWithItsWorker() throws {
    let pool = try WorkerPool(workerCount: 4)
    let graph = ConflictGraph()
    for _ in 0..<2000 { graph.add(reads: [], writes: [AccountIndex(0)]) }
    let timeline = pool.runRecorded(graph) { _, _ in }
    #expect(Set(timeline.slices.map(\.worker)).count == 1)
    #expect(timeline.waits.longestChainCount == 2000)
    #expect(timeline.hottestAccounts(limit: 3).map(\.releaseCount) == [1999])
  }
}
