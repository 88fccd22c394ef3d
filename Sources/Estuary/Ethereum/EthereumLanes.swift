// Executes runs of Ethereum's transactions on all workers of a pool: ahead of their turn, in an order that guesses
// which of them touch the same state, settled in block order (EthereumRun.swift).

import EVM
import Ledger
import Primitives
import SBPF
import Scheduling

/// Used by one block at a time.
final class EthereumLanes {
  /// What came of a run.
  struct Outcome {
    /// One a transaction.
    var results: [EthereumTransactionResult]
    /// Of the block so far.
    var totals: EthereumTotals
    /// Executions that were thrown away, in order.
    var repeats: [EthereumRun.Repeat] = []
    var signatureNanoseconds: UInt64 = 0
    /// Where asked for.
    var timeline: Timeline?
  }

  private let pool: WorkerPool
  private let programs: EVMProgramCache
  private let workers: WorkerLocal<EthereumWorker>
  private let graph = ConflictGraph()
  private let predictor = AccessPredictor()

  /// - Parameter pool: of threads with stack for the EVM's deepest calls.
  init(pool: WorkerPool, programs: EVMProgramCache, engine: Engine) throws(WideMachineError) {
    (self.pool, self.programs) = (pool, programs)
    let made = Made()
    let lanes = WorkerLocal<EthereumWorker?>(pool) { _ in
      do throws(WideMachineError) {
        return try EthereumWorker(programs: programs, engine: engine)
      } catch {
        made.note(error)
        return nil
      }
    }
    if let failure = made.failure { throw failure }
    workers = WorkerLocal(pool) { worker in
      guard let lane = lanes[worker] else { preconditionFailure("a worker that could not be made") }
      return lane
    }
  }

  private final class Made: @unchecked Sendable {
    // Sendable: written under `lock`, read when all workers are done.
    private let lock = Lock()
    private(set) var failure: WideMachineError?
    func note(_ error: WideMachineError) { lock.withLock { failure = error } }
  }

  /// Executes `wires` in effect one after the other on `state`, which is the state after them when this returns.
  ///
  /// - Parameter before: what the block's transactions before them came to.
  /// - Throws: when the state cannot be read; it is then as it was before.
  func execute(
    _ wires: ArraySlice<EthereumWire>, verifiesSignatures: Bool, in block: BlockEnvironment,
    after before: EthereumTotals, on state: EthereumState, recordsTimeline: Bool = false
  ) throws(EVMStateError) -> Outcome {
    if wires.isEmpty { return Outcome(results: [], totals: before) }
    let overlay = EthereumOverlay(state, programs: programs, transactionCount: wires.count)
    forEachWorker { $0.begin(overlay) }
    defer { forEachWorker { $0.end() } }
    let run = try EthereumRun(
      wires, verifiesSignatures: verifiesSignatures, in: block, gasUsed: before.gasUsed,
      blobGasUsed: before.blobGasUsed, overlay: overlay, workers: workers, predictor: predictor)
    let feed = EthereumFeed(run, to: graph, workerCount: pool.workerCount)
    let timeline = pool.run(graph, feed: feed, recording: recordsTimeline) { worker, transaction in
      run.execute(transaction.position, on: worker)
    }
    try settle(run, on: state)
    var results: [EthereumTransactionResult] = []
    results.reserveCapacity(wires.count)
    for (position, wire) in wires.enumerated() {
      guard let outcome = run.slots[position].outcome else {
        preconditionFailure("a transaction without an outcome")
      }
      results.append(EthereumTransactionResult(wire, outcome))
    }
    let totals = EthereumTotals(
      gasUsed: run.gasUsed, blobGasUsed: run.blobGasUsed,
      executionCount: before.executionCount + run.executionCount,
      repeatedCount: before.repeatedCount + run.repeats.count)
    return Outcome(
      results: results, totals: totals, repeats: run.repeats, signatureNanoseconds: feed.signatureNanoseconds,
      timeline: timeline)
  }

  /// Settles what is left of `run` and makes the state what its transactions have made of it.
  private func settle(_ run: EthereumRun, on state: EthereumState) throws(EVMStateError) {
    let workers = workers
    // On a worker's stack: the last transactions may have to be executed again.
    pool.perform { worker in if worker.position == 0 { run.finish(on: workers[worker]) } }
    if let failure = run.failure { throw failure }
    try state.prepareWiping((0..<run.count).lazy.map { run.slots[$0].changes })
    pool.forEach(count: run.count, chunk: 64) { worker, range in run.publish(range, on: workers[worker]) }
    run.publishCoinbase(on: workers[WorkerIndex(0)])
    var failure: EVMStateError?
    forEachWorker { worker in
      state.add(firstChanges: &worker.firstChanges)
      do throws(EVMStateError) {
        for (key, record) in worker.newRecords { try state.publish(record, at: key) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    for position in 0..<run.count where !run.slots[position].changes.accounts.isEmpty {
      for change in run.slots[position].changes.accounts { try state.publishCode(of: change) }
    }
  }

  /// The account, or that of the slot, which the last run's timeline names so.
  func account(of index: AccountIndex) -> Address { predictor.accounts[index.position] }

  private func forEachWorker(_ body: (EthereumWorker) -> Void) {
    for worker in 0..<pool.workerCount { body(workers[WorkerIndex(UInt32(worker))]) }
  }
}
