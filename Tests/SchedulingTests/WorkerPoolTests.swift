import Glibc
import Synchronization
import Testing

@testable import Scheduling

@Suite struct WorkerPoolTests {
  @Test(arguments: [-1, 0, 257, Int.max])
  func refusesWorkerCounts(count: Int) {
    #expect(throws: SchedulingError.workerCountOutOfRange(count: count, limit: 256)) {
      try WorkerPool(workerCount: count)
    }
  }

  @Test(arguments: [1, 2, 3, 8])
  func performsOnEveryWorkerOnItsOwnThread(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    let threads = WorkerLocal(pool) { _ in pthread_self() }
    #expect(Set((0..<workerCount).map { threads[WorkerIndex(UInt32($0))] }).count == workerCount)
    for _ in 0..<50 {
      let same = Atomic<Int>(0)
      pool.perform { worker in
        if pthread_equal(threads[worker], pthread_self()) != 0 { same.wrappingAdd(1, ordering: .relaxed) }
      }
      let sameCount = same.load(ordering: .relaxed)
      #expect(sameCount == workerCount)
    }
  }

  @Test(arguments: [1, 2, 5])
  func tellsHowFarApartWorkersAre(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    for _ in 0..<3 {
      let nanoseconds = pool.lineExchangeNanoseconds()
      #expect(workerCount == 1 ? nanoseconds == nil : nanoseconds.map { $0 > 0 } == true)
    }
  }

  @Test func startsAndStopsCleanly() throws {
    for round in 0..<60 {
      let pool = try WorkerPool(workerCount: 1 + round % 4, pinning: round % 2 == 0)
      if round % 3 == 0 { pool.forEach(count: 10, chunk: 3) { _, _ in } }
    }
  }

  struct Split: Sendable { var count: Int, chunk: Int }

  @Test(
    arguments: [1, 2, 5],
    [
      Split(count: 0, chunk: 1), Split(count: 1, chunk: 1), Split(count: 1000, chunk: 1),
      Split(count: 1000, chunk: 7),
      Split(count: 10, chunk: 100),
    ])
  func forEachCoversTheRangeOnce(workerCount: Int, split: Split) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    var visits = [Int](repeating: 0, count: split.count)
    visits.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let cells = buffer
      pool.forEach(count: split.count, chunk: split.chunk) { _, range in
        #expect(range.count <= split.chunk && !range.isEmpty)
        for position in range { cells[position] += 1 }
      }
    }
    #expect(visits.allSatisfy { $0 == 1 })
  }

  @Test func workerStateIsMadeOnceAndDestroyed() throws {
    final class Arena {
      let destroyed: @Sendable () -> Void
      var uses = 0
      init(destroyed: @escaping @Sendable () -> Void) { self.destroyed = destroyed }
      deinit { destroyed() }
    }
    final class Count: Sendable { let value = Atomic<Int>(0) }
    let (made, gone) = (Count(), Count())
    do {
      let pool = try WorkerPool(workerCount: 3)
      let arenas = WorkerLocal(pool) { _ in
        made.value.wrappingAdd(1, ordering: .relaxed)
        return Arena { gone.value.wrappingAdd(1, ordering: .relaxed) }
      }
      for _ in 0..<20 {
        pool.forEach(count: 100, chunk: 1) { worker, range in arenas[worker].uses += range.count }
      }
      #expect((0..<3).reduce(0) { $0 + arenas[WorkerIndex($1)].uses } == 2000)
    }
    let madeCount = made.value.load(ordering: .relaxed)
    #expect(madeCount == 3)
    let goneCount = gone.value.load(ordering: .relaxed)
    #expect(goneCount == 3)
  }

  @Test func stackIsAsLargeAsAskedFor() throws {
    let pool = try WorkerPool(workerCount: 1, stackByteCount: 32 << 20)
    let reached = Atomic<Int>(0)
    pool.perform { _ in
      withUnsafeTemporaryAllocation(byteCount: 1 << 10, alignment: 16) { _ in
        reached.store(Self.descend(20 << 20), ordering: .relaxed)
      }
    }
    let reachedCount = reached.load(ordering: .relaxed)
    #expect(reachedCount >= 20 << 20)
  }

  /// Recurses until the stack has grown by `byteCount`.
  @inline(never) private static func descend(_ byteCount: Int, from top: UInt = 0) -> Int {
    withUnsafeTemporaryAllocation(byteCount: 512, alignment: 16) { frame in
      frame[0] = 1
      let here = UInt(bitPattern: frame.baseAddress)
      let depth = top == 0 ? 0 : Int(top - here)
      return depth >= byteCount ? depth : max(depth, descend(byteCount, from: top == 0 ? here : top))
    }
  }

  @Test func callersTakeTurns() async throws {
    let pool = try WorkerPool(workerCount: 2)
    final class Counters: Sendable {
      let total = Atomic<Int>(0)
      let inside = Atomic<Int>(0)
      let overlaps = Atomic<Int>(0)
    }
    let counters = Counters()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<50 {
            pool.perform { _ in
              if counters.inside.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue > 2 {
                counters.overlaps.wrappingAdd(1, ordering: .relaxed)
              }
              counters.total.wrappingAdd(1, ordering: .relaxed)
              counters.inside.wrappingSubtract(1, ordering: .acquiringAndReleasing)
            }
          }
        }
      }
    }
    #expect(counters.total.load(ordering: .relaxed) == 8 * 50 * 2)
    #expect(counters.overlaps.load(ordering: .relaxed) == 0)
  }
}
