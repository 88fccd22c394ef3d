// Writes a `Timeline` of transactions that no graph orders, while workers run them.

import Glibc

/// Each transaction is noted by the worker that runs it.
package final class LaneRecorder: @unchecked Sendable {
  // Sendable: slices and spans belong to one worker at a time.
  private let count: Int
  private let workerCount: Int
  private let origin = TimelineRecorder.nanoseconds(on: CLOCK_MONOTONIC)
  private let slices: UnsafeMutablePointer<Timeline.Slice>
  private let feeding: UnsafeMutablePointer<[Timeline.Span]>
  private var discards: [Timeline.Discard] = []

  package init(count: Int, workerCount: Int) {
    (self.count, self.workerCount) = (count, workerCount)
    slices = .allocate(capacity: max(count, 1))
    slices.initialize(repeating: Timeline.Slice(), count: count)
    feeding = .allocate(capacity: workerCount)
    feeding.initialize(repeating: [], count: workerCount)
  }

  deinit {
    slices.deinitialize(count: count)
    slices.deallocate()
    feeding.deinitialize(count: workerCount)
    feeding.deallocate()
  }

  /// Nanoseconds since the run began.
  package var now: UInt64 { TimelineRecorder.nanoseconds(on: CLOCK_MONOTONIC) &- origin }

  /// A transaction has ended; where it is run again, the last run counts.
  ///
  /// - Parameter predecessor: one that has run on the same worker, and the account over which both had to.
  package func noteRun(
    _ transaction: TransactionIndex, on worker: WorkerIndex, from start: UInt64,
    after predecessor: (transaction: TransactionIndex, account: AccountIndex)? = nil
  ) {
    var slice = Timeline.Slice(
      worker: worker, readyNanoseconds: start, startNanoseconds: start, endNanoseconds: now)
    if let predecessor {
      slice.readyNanoseconds = slices[predecessor.transaction.position].endNanoseconds
      slice.releasedBy = Timeline.Release(
        predecessor: predecessor.transaction, account: predecessor.account)
    }
    slices[transaction.position] = slice
  }

  /// `worker` has prepared transactions since `start`.
  package func noteFeeding(by worker: WorkerIndex, from start: UInt64) {
    let end = now
    if end > start {
      feeding[worker.position].append(Timeline.Span(startNanoseconds: start, endNanoseconds: end))
    }
  }

  /// What was noted of a transaction does not count; no worker runs.
  ///
  /// - Parameter writer: the first that used what it was thrown away for, which the timeline's owner names.
  package func discard(_ transaction: TransactionIndex, of writer: TransactionIndex?) {
    let slice = slices[transaction.position]
    discards.append(
      Timeline.Discard(
        transaction: transaction, worker: slice.worker, startNanoseconds: slice.startNanoseconds,
        endNanoseconds: slice.endNanoseconds, account: nil, writer: writer))
  }

  /// No worker runs.
  package var timeline: Timeline {
    let slices = Array(UnsafeBufferPointer(start: slices, count: count))
    return Timeline(
      workerCount: workerCount, elapsedNanoseconds: now, slices: slices,
      edgeAccounts: slices.compactMap { $0.releasedBy?.account.rawValue },
      feeding: Array(UnsafeBufferPointer(start: feeding, count: workerCount)), discards: discards)
  }
}
