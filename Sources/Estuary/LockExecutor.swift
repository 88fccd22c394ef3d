// Executes a block on a pool of workers, ordered by a conflict graph over the accounts that transactions declare
// (docs/scheduler.md). Decoding and signatures come first, spread over all workers; then worker 0 prepares transactions
// and adds them to the graph while the others already run those that are ready.

import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

package final class LockExecutor: BlockExecutor {
  package let name = "locks"
  package var workerCount: Int { pool.workerCount }
  package let pool: WorkerPool
  private let lanes: WorkerLocal<Lane>
  private let graph = ConflictGraph()

  /// - Parameter workerCount: `[1, WorkerPool.workerLimit]`.
  package init(workerCount: Int, engine: Engine = .fastest) throws(SchedulingError) {
    pool = try WorkerPool(workerCount: workerCount)
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
    let preparation = BlockPreparation(block, on: table, decoded: decode(block))
    let results = BlockResults(count: preparation.count)
    let lanes = lanes
    pool.perform { worker in lanes[worker].begin(block.environment) }
    var timeline: Timeline?
    var next = 0
    do throws(StoreError) {
      while next < preparation.count {
        let segment = Segment(start: next)
        let part = run(segment, of: preparation, into: results)
        if let failure = segment.failure { throw failure }
        if let part { timeline = timeline.map { $0.followed(by: part) } ?? part }
        next = segment.end
        if next < preparation.count { forEachLane { table.noteBarrier($0.changesSoFar) } }
      }
    } catch {
      forEachLane { table.rollBack($0.takeFirstChanges()) }
      throw error
    }
    var firstChanges: [AccountTable.FirstChange] = []
    forEachLane { firstChanges += $0.takeFirstChanges() }
    let processed = results.allProcessed
    return BlockExecution(
      results: results.takeAll(), processed: processed, firstChanges: firstChanges,
      signatureNanoseconds: preparation.signatureNanoseconds, timeline: timeline)
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

  /// Between two barriers; written by worker 0 alone while the pool runs.
  private final class Segment: @unchecked Sendable {
    let start: Int
    var end: Int
    var failure: StoreError?

    init(start: Int) { (self.start, end) = (start, start) }
  }

  /// Prepares and runs transactions from `segment.start` to the next barrier or the block's end.
  private func run(
    _ segment: Segment, of preparation: BlockPreparation, into results: BlockResults
  ) -> Timeline? {
    graph.reset(
      transactionCapacity: preparation.count - segment.start, accessCapacity: preparation.accessCapacity)
    let graph = graph
    let lanes = lanes
    let offset = segment.start
    let adding: @Sendable () -> Void = {
      var access = AccessBuffers()
      do throws(StoreError) {
        while segment.end < preparation.count {
          guard try preparation.prepare(segment.end) == .ready else { return }
          access.fill(segment.end, of: preparation)
          segment.end += 1
          access.add(to: graph)
        }
      } catch {
        segment.failure = error
      }
    }
    let body: @Sendable (WorkerIndex, TransactionIndex) -> Void = { worker, transaction in
      lanes[worker].run(offset + transaction.position, of: preparation, into: results)
    }
    if preparation.block.recordsTimeline { return pool.runRecorded(graph, adding: adding, body) }
    pool.run(graph, adding: adding, body)
    return nil
  }

  private func decode(_ block: BlockInput) -> UnsafeMutablePointer<DecodedTransaction> {
    let count = block.wires.count
    let decoded = UnsafeMutablePointer<DecodedTransaction>.allocate(capacity: max(count, 1))
    nonisolated(unsafe) let unowned = decoded  // each position is initialised once, by the worker that got it
    let chunk = block.verifiesSignatures ? 8 : 256
    pool.forEach(count: count, chunk: chunk) { _, range in
      for position in range {
        (unowned + position).initialize(
          to: DecodedTransaction(block.wires[position], verifiesSignatures: block.verifiesSignatures))
      }
    }
    return decoded
  }

  private func forEachLane(_ body: (Lane) -> Void) {
    for worker in 0..<workerCount { body(lanes[WorkerIndex(UInt32(worker))]) }
  }
}

/// Scratch space for one transaction's reads and writes.
private struct AccessBuffers {
  private var reads: [AccountIndex] = []
  private var writes: [AccountIndex] = []
  private var group = GroupKey.none

  init() {
    reads.reserveCapacity(128)
    writes.reserveCapacity(64)
  }

  mutating func fill(_ position: Int, of preparation: BlockPreparation) {
    reads.removeAll(keepingCapacity: true)
    writes.removeAll(keepingCapacity: true)
    group = .none
    let prepared = preparation.prepared + position
    guard let resolved = prepared.pointee.resolved else { return }
    let indices = preparation.indices + prepared.pointee.firstIndex
    for key in 0..<prepared.pointee.keyCount {
      if resolved.isWritable(key) {
        writes.append(indices[key])
      } else {
        reads.append(indices[key])
      }
    }
    for implicit in prepared.pointee.implicitKeys.indices {
      reads.append(indices[prepared.pointee.keyCount + implicit])
    }
    if let program = resolved.message.instructions.last?.programIndex {
      group = GroupKey(indices[Int(program)].rawValue &+ 1)
    }
  }

  func add(to graph: ConflictGraph) {
    reads.withUnsafeBufferPointer { reads in
      writes.withUnsafeBufferPointer { writes in
        _ = graph.add(reads: reads, writes: writes, group: group)
      }
    }
  }
}
