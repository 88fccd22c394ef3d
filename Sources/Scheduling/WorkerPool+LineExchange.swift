// How far apart two workers are: what they hand to each other goes by cache lines, whose way depends on where the system, or
// the one below it, has put the processors. A virtual machine's may move while it runs, so that figures of several workers
// are worth what is measured beside them.

import CThreads
import Glibc
import Synchronization

extension WorkerPool {
  /// Nanoseconds that a cache line takes from the first worker to the second one and back, the mean of 2,000 times; `nil`
  /// where there is one worker.
  package func lineExchangeNanoseconds() -> Double? {
    if workerCount < 2 { return nil }
    let (count, lineByteCount) = (2000, 128)
    let line = UnsafeMutableRawPointer.allocate(byteCount: lineByteCount, alignment: lineByteCount)
    defer { line.deallocate() }
    // Sound: atomic, and there until both have come back.
    nonisolated(unsafe) let turn = line.bindMemory(to: Atomic<Int>.self, capacity: 1)
    turn.initialize(to: Atomic(0))
    defer { turn.deinitialize(count: 1) }
    let nanoseconds = Atomic<UInt64>(0)
    perform { worker in
      if worker.position > 1 { return }
      // Even: the first one's turn.
      let own = worker.position
      var start: UInt64 = 0
      for number in 0..<count {
        // That both have begun is not counted.
        if number == 1 { start = TimelineRecorder.nanoseconds(on: CLOCK_MONOTONIC) }
        var spins = 0
        // Acquiring and releasing: as what is handed over would need it.
        while turn.pointee.load(ordering: .acquiring) != 2 * number + own {
          spins += 1
          // Where there is one processor for both.
          if spins % 1024 == 0 { IdleWorkers.yieldProcessor() } else { estuary_spin_hint() }
        }
        turn.pointee.store(2 * number + own + 1, ordering: .releasing)
      }
      if own == 1 {
        // Relaxed: read when all have come back.
        nanoseconds.store(TimelineRecorder.nanoseconds(on: CLOCK_MONOTONIC) - start, ordering: .relaxed)
      }
    }
    return Double(nanoseconds.load(ordering: .relaxed)) / Double(count - 1)
  }
}
