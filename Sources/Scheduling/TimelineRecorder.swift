// Writes a `Timeline` while workers run: one preallocated entry a transaction, each field written by the one
// worker that releases or runs the transaction, so that recording needs no atomics.
import Glibc

final class TimelineRecorder: RunRecorder, @unchecked Sendable {
  // Sendable: a transaction's ready fields are written before it is queued or run, its run fields by its
  // worker; the graph's own ordering separates the two, the pool's mutex separates both from `timeline(of:)`.
  private let slices: UnsafeMutablePointer<Timeline.Slice>
  private let capacity: Int
  private let workerCount: Int
  private let origin: UInt64
  /// One a worker, appended to by that worker.
  private let feeding: UnsafeMutablePointer<[Timeline.Span]>
  /// Steps of feeding that follow each other within this time are one span.
  private static let gapNanoseconds: UInt64 = 1000

  init(capacity: Int, workerCount: Int) {
    slices = .allocate(capacity: capacity)
    slices.initialize(repeating: Timeline.Slice(), count: capacity)
    (self.capacity, self.workerCount) = (capacity, workerCount)
    feeding = .allocate(capacity: workerCount)
    feeding.initialize(repeating: [], count: workerCount)
    origin = Self.nanoseconds(on: CLOCK_MONOTONIC)
  }

  deinit {
    slices.deallocate()
    feeding.deinitialize(count: workerCount)
    feeding.deallocate()
  }

  @inline(__always) func now() -> UInt64 { Self.nanoseconds(on: CLOCK_MONOTONIC) &- origin }

  @inline(__always)
  func noteRun(of transaction: UInt32, on worker: WorkerIndex, from start: UInt64, to end: UInt64) {
    let slice = slices + Int(transaction)
    slice.pointee.worker = worker
    slice.pointee.startNanoseconds = start
    slice.pointee.endNanoseconds = end
  }

  @inline(__always)
  func noteSettled(_ transaction: UInt32, at time: UInt64) {
    slices[Int(transaction)].settledNanoseconds = time
  }

  func noteFeeding(by worker: WorkerIndex, from start: UInt64, to end: UInt64) {
    let spans = feeding + worker.position
    let last = spans.pointee.count - 1
    if last >= 0, start &- spans.pointee[last].endNanoseconds <= Self.gapNanoseconds {
      spans.pointee[last].endNanoseconds = end
    } else {
      spans.pointee.append(Timeline.Span(startNanoseconds: start, endNanoseconds: end))
    }
  }

  @inline(__always)
  func noteRelease(of transaction: UInt32, by predecessor: UInt32, over account: UInt32, at time: UInt64) {
    let slice = slices + Int(transaction)
    slice.pointee.readyNanoseconds = time
    slice.pointee.releasedBy = Timeline.Release(
      predecessor: TransactionIndex(predecessor), account: AccountIndex(account))
  }

  func noteReadyAtAdd(_ transaction: UInt32) {
    precondition(Int(transaction) < capacity, "more transactions than the graph was reset for")
    slices[Int(transaction)].readyNanoseconds = now()
  }

  func timeline(of graph: ConflictGraph) -> Timeline {
    Timeline(
      workerCount: workerCount, elapsedNanoseconds: now(),
      slices: Array(UnsafeBufferPointer(start: slices, count: graph.count)),
      edgeAccounts: graph.edgeAccounts(),
      feeding: Array(UnsafeBufferPointer(start: feeding, count: workerCount)))
  }

  static func nanoseconds(on clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// Notes a run on one worker in block order, where nothing waits for anything but its turn.
package struct SerialRecorder {
  private let workerCount: Int
  private let origin: UInt64
  private var slices: [Timeline.Slice] = []

  /// - Parameter workerCount: lanes of the picture; the run is in the first.
  package init(workerCount: Int) {
    self.workerCount = workerCount
    origin = TimelineRecorder.nanoseconds(on: CLOCK_MONOTONIC)
  }

  private var now: UInt64 { TimelineRecorder.nanoseconds(on: CLOCK_MONOTONIC) &- origin }

  /// The next transaction starts.
  package mutating func begin() {
    let now = now
    slices.append(
      Timeline.Slice(readyNanoseconds: now, startNanoseconds: now, endNanoseconds: now, releasedBy: nil))
  }

  /// It has ended.
  package mutating func end() { slices[slices.count - 1].endNanoseconds = now }

  package var timeline: Timeline {
    Timeline(workerCount: workerCount, elapsedNanoseconds: now, slices: slices, edgeAccounts: [])
  }
}
