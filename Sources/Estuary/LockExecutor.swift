// Executes a block on a pool of workers, ordered by a conflict graph over the accounts that transactions declare
// (docs/scheduler.md). Workers decode, add to the graph and run by turns, as `BlockFeed` says.

import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

package final class LockExecutor: BlockExecutor {
  package var name: String { runsAhead ? "overlay" : "locks" }
  /// Whether Ethereum's transactions run ahead of their turn, on all workers (EthereumLanes.swift).
  let runsAhead: Bool
  package var workerCount: Int { pool.workerCount }
  package let engine: Engine
  package let pool: WorkerPool
  private let lanes: WorkerLocal<Lane>
  private let graph = ConflictGraph()

  /// - Parameter workerCount: `[1, WorkerPool.workerLimit]`.
  package init(
    workerCount: Int, engine: Engine = .fastest, runsAhead: Bool = false
  ) throws(SchedulingError) {
    self.runsAhead = runsAhead
    pool = try WorkerPool(workerCount: workerCount)
    self.engine = engine
    lanes = WorkerLocal(pool) { _ in Lane(engine: engine) }
  }

  package func parallelFor(count: Int, body: @Sendable (Int) -> Void) {
    pool.forEach(count: count, chunk: 1) { _, range in range.forEach(body) }
  }

  package func warm(_ programs: [ProgramSource], environment: ExecutionEnvironment) {
    let lanes = lanes
    pool.perform { worker in
      lanes[worker].begin(environment)
      lanes[worker].warm(programs)
    }
  }

  package func execute(_ block: BlockInput, on table: AccountTable) throws(StoreError) -> BlockExecution {
    if workerCount == 1 && !block.recordsTimeline { return try runInOrder(block, on: table) }
    let preparation = BlockPreparation(block, on: table, isInOrder: false)
    let feed = BlockFeed(preparation, to: graph, workerCount: workerCount)
    let lanes = lanes
    // Any lane may run most of the block; room that is not used is not touched.
    let changeCount = 2 * preparation.count
    pool.perform { worker in lanes[worker].begin(block.environment, changeCount: changeCount) }
    var timeline: Timeline?
    let outcome: (results: [TransactionResult], processed: [Bool])
    do throws(StoreError) {
      outcome = try BlockResults.collect(count: preparation.count) { results throws(StoreError) in
        while feed.end < preparation.count {
          if feed.end > 0 { forEachLane { table.noteBarrier($0.changesSoFar) } }
          let part = runSegment(feed, of: preparation, into: results)
          if let failure = feed.failure { throw failure }
          if let part { timeline = timeline.map { $0.followed(by: part) } ?? part }
        }
      }
    } catch {
      forEachLane { table.rollBack([$0.takeFirstChanges()]) }
      throw error
    }
    var firstChanges: [[AccountTable.FirstChange]] = []
    forEachLane { firstChanges.append($0.takeFirstChanges()) }
    return BlockExecution(
      results: outcome.results, processed: outcome.processed, firstChanges: firstChanges,
      signatureNanoseconds: feed.signatureNanoseconds, timeline: timeline)
  }

  /// Block order is an order that the graph allows: one worker needs no graph to find it.
  private func runInOrder(_ block: BlockInput, on table: AccountTable) throws(StoreError) -> BlockExecution {
    let outcome = Outcome()
    let lanes = lanes
    pool.perform { worker in
      outcome.result = Result { () throws(StoreError) in try lanes[worker].runInOrder(block, on: table) }
    }
    guard let result = outcome.result else { preconditionFailure("the pool has a worker") }
    return try result.get()
  }

  /// Written by the one worker, read after it.
  private final class Outcome: @unchecked Sendable {
    var result: Result<BlockExecution, StoreError>?
  }

  /// Prepares and runs transactions from where `feed` stands to the next barrier or the block's end.
  private func runSegment(
    _ feed: BlockFeed, of preparation: BlockPreparation, into results: BlockResults
  ) -> Timeline? {
    feed.beginSegment()
    let lanes = lanes
    let start = feed.start
    return pool.run(graph, feed: feed, recording: preparation.block.recordsTimeline) { worker, transaction in
      let position = start + transaction.position
      lanes[worker].run(position, of: preparation, into: results)
      preparation.forget(position..<position + 1)
    }
  }

  private func forEachLane(_ body: (Lane) -> Void) {
    for worker in 0..<workerCount { body(lanes[WorkerIndex(UInt32(worker))]) }
  }
}
