// A thread whose stack holds the EVM's deepest calls, which a caller's need not.

import EVM
import Scheduling

package final class EVMThread: Sendable {
  private let pool: WorkerPool

  package init() throws(SchedulingError) {
    pool = try WorkerPool(workerCount: 1, stackByteCount: EVMHost.stackByteCount, pinning: false)
  }

  /// Runs `body` there; the caller waits.
  package func run<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // Sound: the caller waits, so only one thread at a time touches either.
    nonisolated(unsafe) let body = body
    nonisolated(unsafe) var outcome: Swift.Result<Result, Failure>?
    pool.perform { _ in outcome = Swift.Result { () throws(Failure) in try body() } }
    guard let outcome else { preconditionFailure("the pool has a worker") }
    return try outcome.get()
  }
}
