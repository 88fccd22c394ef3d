import Testing

@testable import Scheduling

@Suite struct TimelineTests {
  private func slice(
    _ worker: UInt32, ready: UInt64, _ start: UInt64, _ end: UInt64, after: (UInt32, UInt32)? = nil
  ) -> Timeline.Slice {
    Timeline.Slice(
      worker: WorkerIndex(worker), readyNanoseconds: ready, startNanoseconds: start, endNanoseconds: end,
      releasedBy: after.map {
        Timeline.Release(predecessor: TransactionIndex($0.0), account: AccountIndex($0.1))
      })
  }

  /// Two workers, 1000 ns: transaction 0 holds account 5, 1 waits for it, 3 waits for 1 over account 2; 2 is
  /// free.
  private var example: Timeline {
    Timeline(
      workerCount: 2, elapsedNanoseconds: 1000,
      slices: [
        slice(0, ready: 0, 100, 400), slice(0, ready: 400, 400, 500, after: (0, 5)),
        slice(1, ready: 0, 200, 700),
        slice(1, ready: 500, 750, 950, after: (1, 2)),
      ],
      edgeAccounts: [5, 2, 5])
  }

  @Test func sumsWorkers() {
    #expect(
      example.workers == [
        .init(worker: WorkerIndex(0), transactionCount: 2, busyNanoseconds: 400, utilisationPermille: 400),
        .init(worker: WorkerIndex(1), transactionCount: 2, busyNanoseconds: 700, utilisationPermille: 700),
      ])
    #expect(example.lanes == [[0, 1], [2, 3]].map { $0.map { TransactionIndex($0) } })
  }

  @Test func sumsWaits() {
    #expect(
      example.waits
        == .init(
          conflictedCount: 2, queueNanoseconds: 100 + 0 + 200 + 250, longestQueueNanoseconds: 250,
          longestChainCount: 3, longestChainNanoseconds: 600))
  }

  @Test func ranksAccounts() {
    let hot = Timeline.AccountSummary(
      account: AccountIndex(5), edgeCount: 2, releaseCount: 1, waitNanoseconds: 300)
    let warm = Timeline.AccountSummary(
      account: AccountIndex(2), edgeCount: 1, releaseCount: 1, waitNanoseconds: 100)
    #expect(example.hottestAccounts(limit: 9) == [hot, warm])
    #expect(example.hottestAccounts(limit: 1) == [hot])
    #expect(example.hottestAccounts(limit: 0) == [])
  }

  @Test func fillsColumns() {
    func executing(_ count: Int) -> [[Int]] {
      example.occupancy(columnCount: count).map { $0.map(\.executing) }
    }
    #expect(executing(5) == [[500, 1000, 500, 0, 0], [0, 1000, 1000, 750, 750]])
    #expect(executing(1) == [[400], [700]])
    #expect(executing(0) == [[], []])
    #expect(executing(3000).map { $0.reduce(0, +) }.allSatisfy { $0 > 0 })
    #expect(example.occupancy(columnCount: 5).joined().allSatisfy { $0.feeding == 0 && $0.settling == 0 })
  }

  /// Worker 0 feeds up to 100 and releases for 100 ns after each transaction; worker 1 feeds at the end.
  private var fed: Timeline {
    var slices = example.slices
    slices[1].settledNanoseconds = 600
    return Timeline(
      workerCount: 2, elapsedNanoseconds: 1000, slices: slices, edgeAccounts: [],
      feeding: [
        [.init(startNanoseconds: 0, endNanoseconds: 100)],
        [.init(startNanoseconds: 950, endNanoseconds: 1000)],
      ])
  }

  @Test func tellsFeedingAndSettlingApart() {
    #expect(fed.workers.map(\.feedingNanoseconds) == [100, 50])
    #expect(fed.workers.map(\.settlingNanoseconds) == [100, 0])
    let rows = fed.occupancy(columnCount: 5)
    #expect(rows[0].map(\.feeding) == [500, 0, 0, 0, 0])
    #expect(rows[1].map(\.feeding) == [0, 0, 0, 0, 250])
    #expect(rows[0].map(\.settling) == [0, 0, 500, 0, 0])
    #expect(rows[0].allSatisfy { $0.executing + $0.feeding + $0.settling <= 1000 })
  }

  @Test func joinsRuns() {
    let joined = fed.followed(by: fed)
    #expect(joined.elapsedNanoseconds == 2000)
    #expect(joined.slices[5].settledNanoseconds == 1600)
    #expect(joined.slices[5].releasedBy?.predecessor == TransactionIndex(4))
    #expect(joined.feeding[1].map(\.startNanoseconds) == [950, 1950])
  }

  @Test func emptyTimeline() {
    let empty = Timeline(workerCount: 1, elapsedNanoseconds: 0, slices: [], edgeAccounts: [])
    #expect(empty.workers.map(\.utilisationPermille) == [0])
    #expect(empty.occupancy(columnCount: 3) == [[.init(), .init(), .init()]])
    #expect(empty.hottestAccounts(limit: 5) == [])
    #expect(empty.waits == .init())
  }
}
