// Executes a block on a pool of workers, ordered by a conflict graph over the accounts that transactions declare
// (docs/scheduler.md). Workers decode, add to the graph and run by turns, as `BlockFeed` says. Runs of Ethereum's
// transactions are executed between the runs of Solana's: in order, or on all workers where they run ahead of their turn or
// come with access sets, by which they are scheduled (EthereumLanes.swift).

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

package final class LockExecutor: BlockExecutor {
  package var name: String { runsAhead ? "overlay" : "locks" }
  /// Whether Ethereum's transactions run ahead of their turn, on all workers (EthereumLanes.swift).
  private let runsAhead: Bool
  package var workerCount: Int { pool.workerCount }
  package let engine: Engine
  package let pool: WorkerPool
  private let lanes: WorkerLocal<Lane>
  private let graph = ConflictGraph()
  /// Made with the first block that has an Ethereum side.
  private var ethereum: EthereumLane?
  /// Made for the first run of them on all workers.
  private var ethereumLanes: EthereumLanes?
  private let ethereumPrograms: EVMProgramCache

  /// - Parameters:
  ///   - workerCount: `[1, WorkerPool.workerLimit]`.
  ///   - contracts: what runs in place of code.
  package init(
    workerCount: Int, engine: Engine = .fastest, runsAhead: Bool = false, contracts: NativeContracts = .none
  ) throws(SchedulingError) {
    ethereumPrograms = EVMProgramCache(natives: contracts)
    self.runsAhead = runsAhead
    pool = try WorkerPool(workerCount: workerCount, stackByteCount: EVMHost.stackByteCount)
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

  package func execute(
    _ block: BlockInput, on state: BlockState
  ) throws(BlockExecutionError) -> BlockExecution {
    let ethereum = block.ethereum == nil ? nil : try ethereumLane()
    let hasAhead = runsAhead && ethereum != nil && block.transactions.ethereumCount > 0
    if workerCount == 1 && !block.recordsTimeline && !hasAhead {
      // Block order is an order that the graph allows: one worker needs no graph to find it.
      let lane = lanes[WorkerIndex(0)]
      return try onFirstWorker { () throws(BlockExecutionError) in
        try lane.runInOrder(block, on: state, ethereum)
      }
    }
    let ethereumLock = try ethereumLock(for: block, on: state)
    let preparation = BlockPreparation(block, on: state, isInOrder: false, ethereumLock: ethereumLock)
    let feed = BlockFeed(preparation, to: graph, workerCount: workerCount)
    let lanes = lanes
    // Any lane may run most of the block; room that is not used is not touched.
    let changeCount = 2 * preparation.count
    pool.perform { worker in lanes[worker].begin(block.environment, changeCount: changeCount) }
    var timeline: Timeline?
    let outcome: (receipts: [Receipt], signatures: [Signature])
    do throws(BlockExecutionError) {
      if let ethereum {
        try onFirstWorker { () throws(BlockExecutionError) in try ethereum.begin(block, on: state) }
      }
      outcome = try BlockReceipts.collect(count: preparation.count) { receipts throws(BlockExecutionError) in
        while feed.end < preparation.count {
          let part =
            if let ethereum, ethereumLock == nil, preparation.isEthereum(feed.end) {
              try run(feed, of: preparation, in: ethereum, into: receipts)
            } else {
              try runSegment(feed, of: preparation, beside: ethereum, into: receipts)
            }
          if let part { timeline = timeline.map { $0.followed(by: part) } ?? part }
        }
      }
      if let ethereum { try onFirstWorker { () throws(BlockExecutionError) in try ethereum.end() } }
    } catch {
      state.rollBack(takeChanges(state))
      throw error
    }
    return BlockExecution(
      receipts: outcome.receipts, signatures: outcome.signatures, changes: takeChanges(state),
      signatureNanoseconds: feed.signatureNanoseconds &+ (ethereum?.signatureNanoseconds ?? 0),
      timeline: timeline, ethereum: ethereum?.totals ?? EthereumTotals())
  }

  private func takeChanges(_ state: BlockState) -> BlockChanges {
    var changes = BlockChanges(ethereum: [state.ethereum?.takeFirstChanges() ?? []])
    forEachLane { changes.solana.append($0.takeFirstChanges()) }
    return changes
  }

  /// What Ethereum's transactions lock, where they are scheduled with Solana's: in blocks of both families, and where
  /// senders are recovered from signatures, which any worker does ahead. One after the other needs no graph.
  private func ethereumLock(
    for block: BlockInput, on state: BlockState
  ) throws(BlockExecutionError) -> AccountIndex? {
    let (transactions, count) = (block.transactions, block.transactions.ethereumCount)
    guard block.ethereum != nil, !runsAhead, count > 0 else { return nil }
    let isMixed = count < transactions.count
    guard isMixed || block.verifiesSignatures && !transactions.areDeclared(transactions.indices) else {
      return nil
    }
    do throws(StoreError) { return try state.table.intern(ProgramID.ethereum) } catch { throw .store(error) }
  }

  // MARK: Solana's

  /// Prepares and runs transactions from where `feed` stands to the next barrier or the block's end, those of Ethereum's
  /// that are scheduled with the others in `ethereum`.
  private func runSegment(
    _ feed: BlockFeed, of preparation: BlockPreparation, beside ethereum: EthereumLane?,
    into receipts: BlockReceipts
  ) throws(BlockExecutionError) -> Timeline? {
    if feed.end > 0 { forEachLane { $0.noteBarrier(in: preparation.table) } }
    feed.beginSegment()
    let lanes = lanes
    let ethereum = ethereum.map { ScheduledEthereum($0) }
    let start = feed.start
    let timeline = pool.run(graph, feed: feed, recording: preparation.block.recordsTimeline) {
      worker, transaction in
      let position = start + transaction.position
      if let ethereum, preparation.isScheduledEthereum(position) {
        ethereum.run(position, of: preparation, into: receipts)
      } else {
        lanes[worker].run(position, of: preparation, into: receipts)
      }
      preparation.forget(position..<position + 1)
    }
    if let failure = feed.failure { throw .store(failure) }
    if let failure = ethereum?.failure { throw failure }
    return timeline.map { preparation.state.naming($0) { preparation.table.key(of: $0) } }
  }

  private func forEachLane(_ body: (Lane) -> Void) {
    for worker in 0..<workerCount { body(lanes[WorkerIndex(UInt32(worker))]) }
  }

  // MARK: Ethereum's

  private func ethereumLane() throws(BlockExecutionError) -> EthereumLane {
    if let ethereum { return ethereum }
    let lane = try EthereumLane(programs: ethereumPrograms, engine: engine)
    ethereum = lane
    return lane
  }

  /// What runs Ethereum's entries of `range` on all workers; `nil` where they run in order.
  private func ethereumLanes(
    for range: Range<Int>, of transactions: BlockTransactions
  ) throws(BlockExecutionError) -> EthereumLanes? {
    // Of a few transactions, the workers would spend more time on meeting than on running.
    let isWorthwhile = workerCount > 1 && range.count >= 8 * workerCount
    guard runsAhead || isWorthwhile && transactions.areDeclared(range) else { return nil }
    if let ethereumLanes { return ethereumLanes }
    do throws(WideMachineError) {
      let made = try EthereumLanes(pool: pool, programs: ethereumPrograms, engine: engine)
      ethereumLanes = made
      return made
    } catch {
      throw .machine(error)
    }
  }

  /// Executes Ethereum's transactions from where `feed` stands to the next of another kind.
  private func run(
    _ feed: BlockFeed, of preparation: BlockPreparation, in ethereum: EthereumLane,
    into receipts: BlockReceipts
  ) throws(BlockExecutionError) -> Timeline? {
    let block = preparation.block
    let range = feed.end..<block.transactions.endOfRun(from: feed.end)
    feed.skip(to: range.upperBound)
    if let lanes = try ethereumLanes(for: range, of: block.transactions) {
      let timeline = try ethereum.execute(
        range, of: block.transactions, ahead: lanes, recordsTimeline: block.recordsTimeline,
        into: receipts)
      return timeline.map { preparation.state.naming($0) { EVMKey.account(lanes.account(of: $0)) } }
    }
    return try onFirstWorker { () throws(BlockExecutionError) in
      var recorder = block.recordsTimeline ? SerialRecorder(workerCount: workerCount) : nil
      for position in range {
        recorder?.begin()
        let result = try ethereum.execute(position, of: block.transactions)
        receipts.set(position, .ethereum(result))
        recorder?.end()
      }
      return recorder?.timeline
    }
  }

  /// Runs `body` on the pool's first worker, whose stack is deep enough for the EVM; the caller waits.
  private func onFirstWorker<Value>(
    _ body: () throws(BlockExecutionError) -> Value
  ) throws(BlockExecutionError) -> Value {
    // Sound: the caller waits, so only one thread at a time touches either.
    nonisolated(unsafe) let body = body
    nonisolated(unsafe) var outcome: Result<Value, BlockExecutionError>?
    pool.perform { worker in
      if worker == WorkerIndex(0) {
        outcome = Result { () throws(BlockExecutionError) in try body() }
      }
    }
    guard let outcome else { preconditionFailure("the pool has a worker") }
    return try outcome.get()
  }
}
