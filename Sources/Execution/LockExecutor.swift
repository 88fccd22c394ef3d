// Executes a block on a pool of workers: Solana's transactions ordered by a conflict graph over the accounts that they
// declare, Ethereum's, which declare none, in waves (docs/scheduler.md). Workers decode, add to the graph and run by turns,
// as `BlockFeed` says.
//
// The families meet where a transaction of Solana's reads what is Ethereum's, which is a barrier, or may call contracts, which
// runs between two barriers alone, and where a contract calls a program. So between two barriers all of Solana's run first, and then all of Ethereum's; a block that holds both, and in
// which a contract calls a program, is executed in order.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling
import WideVM

package final class LockExecutor: BlockExecutor {
  package var name: String { alwaysInWaves ? "waves" : "locks" }
  /// Whether Ethereum's transactions run in waves though there are few of them, or one worker.
  private let alwaysInWaves: Bool
  private let waveSize: Int
  package var workerCount: Int { pool.workerCount }
  package let engine: Engine
  package let pool: WorkerPool
  private let lanes: WorkerLocal<Lane>
  private let graph = ConflictGraph()
  /// Made with the first block that has an Ethereum side.
  private var ethereum: EthereumLane?
  /// Made for the first of them that run in waves.
  private var ethereumLanes: EthereumLanes?
  private let ethereumPrograms: EVMProgramCache
  private var familyOrder = FamilyOrder()

  /// - Parameters:
  ///   - workerCount: `[1, WorkerPool.workerLimit]`.
  ///   - alwaysInWaves: whether Ethereum's transactions run in waves though there are few of them, or one worker, which
  ///     then takes a little longer than one after the other.
  ///   - waveSize: most of them a wave and worker.
  ///   - contracts: what runs in place of code.
  package init(
    workerCount: Int, engine: Engine = .fastest, alwaysInWaves: Bool = false,
    waveSize: Int = EthereumLanes.defaultWaveSize, contracts: NativeContracts = .none
  ) throws(SchedulingError) {
    ethereumPrograms = EVMProgramCache(natives: contracts)
    (self.alwaysInWaves, self.waveSize) = (alwaysInWaves, waveSize)
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
    let hasWaves = alwaysInWaves && ethereum != nil && block.transactions.ethereumCount > 0
    if workerCount == 1 && !block.recordsTimeline && !hasWaves {
      // Block order is an order that the graph allows: one worker needs no graph to find it.
      return try executeInOrder(block, on: state, ethereum)
    }
    guard ethereum != nil, block.transactions.holdsBothFamilies else {
      return try executeApart(block, on: state, ethereum)
    }
    return try familyOrder.execute(
      apart: { () throws(BlockExecutionError) in try executeApart(block, on: state, ethereum) },
      inOrder: { () throws(BlockExecutionError) in try executeInOrder(block, on: state, ethereum) })
  }

  private func executeInOrder(
    _ block: BlockInput, on state: BlockState, _ ethereum: EthereumLane?
  ) throws(BlockExecutionError) -> BlockExecution {
    let lane = lanes[WorkerIndex(0)]
    return try onFirstWorker { () throws(BlockExecutionError) in try lane.runInOrder(block, on: state, ethereum) }
  }

  /// Executes the two families apart from each other, each on all workers.
  private func executeApart(
    _ block: BlockInput, on state: BlockState, _ ethereum: EthereumLane?
  ) throws(BlockExecutionError) -> BlockExecution {
    state.beginPrograms(block.environment, refusesCrossing: block.transactions.holdsBothFamilies)
    var timeline: Timeline?
    var signatureNanoseconds: UInt64 = 0
    let outcome: (receipts: [Receipt], signatures: [Signature])
    do throws(BlockExecutionError) {
      if let ethereum {
        try onFirstWorker { () throws(BlockExecutionError) in try ethereum.begin(block, on: state) }
      }
      let count = block.transactions.count
      outcome = try BlockReceipts.collect(count: count) { receipts throws(BlockExecutionError) in
        if let ethereum, count > 0, block.transactions.ethereumCount == count {
          let entries = block.transactions.ethereum(in: 0..<count)
          timeline = try run(entries, of: block, on: state, in: ethereum, into: receipts)
        } else {
          (timeline, signatureNanoseconds) = try run(block, on: state, ethereum, into: receipts)
        }
      }
      if let ethereum { try onFirstWorker { () throws(BlockExecutionError) in try ethereum.end() } }
    } catch {
      state.rollBack(takeChanges(state))
      throw error
    }
    return BlockExecution(
      receipts: outcome.receipts, signatures: outcome.signatures, changes: takeChanges(state),
      signatureNanoseconds: signatureNanoseconds &+ (ethereum?.signatureNanoseconds ?? 0),
      timeline: timeline, ethereum: ethereum?.totals ?? EthereumTotals())
  }

  private func takeChanges(_ state: BlockState) -> BlockChanges {
    var changes = BlockChanges(
      solana: state.takeProgramChanges(), ethereum: state.ethereum?.takeFirstChanges() ?? [])
    forEachLane { changes.solana.append($0.takeFirstChanges()) }
    return changes
  }

  /// Runs a block that has transactions of Solana's, from one barrier to the next.
  ///
  /// - Returns: the timeline, where asked for, and processor time spent on Solana's signatures, in nanoseconds.
  private func run(
    _ block: BlockInput, on state: BlockState, _ ethereum: EthereumLane?, into receipts: BlockReceipts
  ) throws(BlockExecutionError) -> (timeline: Timeline?, signatureNanoseconds: UInt64) {
    let preparation = BlockPreparation(block, on: state, isInOrder: false)
    let feed = BlockFeed(preparation, to: graph, workerCount: workerCount)
    let lanes = lanes
    // Any lane may run most of the block; room that is not used is not touched.
    let changeCount = 2 * preparation.count
    pool.perform { worker in lanes[worker].begin(block.environment, changeCount: changeCount) }
    var timeline: Timeline?
    while feed.end < preparation.count {
      var part = try runSegment(feed, of: preparation, ethereum, into: receipts)
      let range = feed.start..<feed.end
      if let ethereum, block.transactions.ethereumCount > 0 {
        let entries = block.transactions.ethereum(in: range)
        let next = try run(entries, of: block, on: state, in: ethereum, into: receipts)
        if let first = part, let next {
          part = first.followed(by: next) { entries.positions[$0] - range.lowerBound }
        }
      }
      if let part { timeline = timeline.map { $0.followed(by: part) } ?? part }
    }
    return (timeline, feed.signatureNanoseconds)
  }

  // MARK: Solana's

  /// Prepares and runs transactions from where `feed` stands to the next barrier or the block's end.
  private func runSegment(
    _ feed: BlockFeed, of preparation: BlockPreparation, _ ethereum: EthereumLane?, into receipts: BlockReceipts
  ) throws(BlockExecutionError) -> Timeline? {
    if feed.end > 0 { forEachLane { $0.noteBarrier(in: preparation.table) } }
    feed.beginSegment()
    let lanes = lanes
    let start = feed.start
    // Sound: it is used by a transaction that is the only one of its segment.
    nonisolated(unsafe) let contracts = ethereum
    let timeline = pool.run(graph, feed: feed, recording: preparation.block.recordsTimeline) {
      worker, transaction in
      let position = start + transaction.position
      if !preparation.isEthereum(position) { lanes[worker].run(position, of: preparation, into: receipts, contracts) }
      preparation.forget(position..<position + 1)
    }
    if let failure = feed.failure { throw .store(failure) }
    if let failure = ethereum?.failure { throw .ethereum(failure) }
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

  /// What runs Ethereum's entries in waves.
  private func lanesOfWaves() throws(BlockExecutionError) -> EthereumLanes {
    if let ethereumLanes { return ethereumLanes }
    do throws(WideMachineError) {
      let made = try EthereumLanes(
        pool: pool, programs: ethereumPrograms, engine: engine, waveSize: waveSize, partCount: alwaysInWaves ? 1 : nil)
      ethereumLanes = made
      return made
    } catch {
      throw .machine(error)
    }
  }

  /// Executes entries of Ethereum's.
  ///
  /// - Returns: where asked for, one slice each of them.
  private func run(
    _ entries: EthereumEntries, of block: BlockInput, on state: BlockState, in ethereum: EthereumLane,
    into receipts: BlockReceipts
  ) throws(BlockExecutionError) -> Timeline? {
    let transactions = block.transactions
    if alwaysInWaves || workerCount > 1 && entries.wires.count >= EthereumLanes.leastCount * workerCount {
      let lanes = try lanesOfWaves()
      let timeline = try ethereum.execute(
        entries, in: lanes, state.programSide, recordsTimeline: block.recordsTimeline, into: receipts)
      return timeline.map { state.naming($0, lanes.key) }
    }
    return try onFirstWorker { () throws(BlockExecutionError) in
      var recorder = block.recordsTimeline ? SerialRecorder(workerCount: workerCount) : nil
      for place in 0..<entries.wires.count {
        let position = entries.positions[place]
        recorder?.begin()
        receipts.set(position, .ethereum(try ethereum.execute(position, of: transactions)))
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
