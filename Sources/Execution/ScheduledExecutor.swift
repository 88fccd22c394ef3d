// Executes a block as a scheduler of the embedding program's wants it (Library/BlockScheduler.swift): transactions are
// decoded and prepared as for the lock executor, and the accounts that they lock say which ones wait for which. Ethereum's of
// a part run when it has run, one after the other, on a thread whose stack is deep enough.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling
import Synchronization

package final class ScheduledExecutor: BlockExecutor {
  package let name = "scheduler"
  package let workerCount: Int
  package let engine: Engine
  private let scheduler: any BlockScheduler
  private let lanes: Lanes
  private let contracts: NativeContracts
  private var familyOrder = FamilyOrder()
  /// Made with the first block that has an Ethereum side.
  private var ethereum: EthereumMachine?

  private struct EthereumMachine {
    let lane: EthereumLane
    let thread: EVMThread

    func run(_ body: (EthereumLane) throws(BlockExecutionError) -> Void) throws(BlockExecutionError) {
      try thread.run { () throws(BlockExecutionError) in try body(lane) }
    }
  }

  /// One a worker.
  private final class Lanes: @unchecked Sendable {
    // Sendable: a worker's lane is used by one transaction at a time (BlockPart).
    let all: [Lane]
    init(_ all: [Lane]) { self.all = all }
  }

  package init(_ scheduler: any BlockScheduler, contracts: NativeContracts) throws(SchedulingError) {
    workerCount = scheduler.workerCount
    guard (1...WorkerPool.workerLimit).contains(workerCount) else {
      throw .workerCountOutOfRange(count: workerCount, limit: WorkerPool.workerLimit)
    }
    (self.scheduler, self.contracts, engine) = (scheduler, contracts, .fastest)
    let engine = engine
    lanes = Lanes((0..<workerCount).map { _ in Lane(engine: engine) })
  }

  package func parallelFor(count: Int, body: @Sendable (Int) -> Void) {
    let isCalled = UnsafeMutablePointer<Atomic<Bool>>.allocate(capacity: max(count, 1))
    defer { isCalled.deallocate() }
    for index in 0..<count { (isCalled + index).initialize(to: Atomic(false)) }
    // Sound: the flags are atomic, and are there until all calls have returned.
    nonisolated(unsafe) let flags = isCalled
    let calls = CallCount()
    scheduler.forEach(count: count) { index in
      let isFirst = (0..<count).contains(index) && !flags[index].exchange(true, ordering: .relaxed)
      precondition(isFirst, "the scheduler calls with index \(index), which is none of \(count), or again")
      body(index)
      // Releasing: what the body left behind.
      calls.value.add(1, ordering: .releasing)
    }
    precondition(calls.value.load(ordering: .acquiring) == count, "the scheduler returns before all calls")
  }

  private final class CallCount: Sendable { let value = Atomic(0) }

  package func warm(_ programs: [ProgramSource], environment: ExecutionEnvironment) {
    lanes.all[0].begin(environment)
    lanes.all[0].warm(programs)
  }

  package func execute(_ block: BlockInput, on state: BlockState) throws(BlockExecutionError) -> BlockExecution {
    let ethereum = block.ethereum == nil ? nil : try machine()
    guard let ethereum, block.transactions.holdsBothFamilies else {
      return try executeApart(block, on: state, ethereum)
    }
    let lane = lanes.all[0]
    return try familyOrder.execute(
      apart: { () throws(BlockExecutionError) in try executeApart(block, on: state, ethereum) },
      inOrder: { () throws(BlockExecutionError) in
        try ethereum.thread.run { () throws(BlockExecutionError) in
          try lane.runInOrder(block, on: state, ethereum.lane)
        }
      })
  }

  /// Executes Solana's transactions as the scheduler says and Ethereum's one after the other.
  private func executeApart(
    _ block: BlockInput, on state: BlockState, _ ethereum: EthereumMachine?
  ) throws(BlockExecutionError) -> BlockExecution {
    let preparation = BlockPreparation(block, on: state, isInOrder: false)
    var signatureNanoseconds: UInt64 = 0
    for lane in lanes.all { lane.begin(block.environment) }
    let outcome: (receipts: [Receipt], signatures: [Signature])
    state.beginPrograms(block.environment, refusesCrossing: block.transactions.holdsBothFamilies)
    do throws(BlockExecutionError) {
      try ethereum?.run { (lane) throws(BlockExecutionError) in try lane.begin(block, on: state) }
      outcome = try BlockReceipts.collect(count: preparation.count) { receipts throws(BlockExecutionError) in
        signatureNanoseconds = decode(preparation)
        try run(preparation, in: ethereum, into: receipts)
      }
      try ethereum?.run { (lane) throws(BlockExecutionError) in try lane.end() }
    } catch {
      state.rollBack(takeChanges(state))
      throw error
    }
    return BlockExecution(
      receipts: outcome.receipts, signatures: outcome.signatures, changes: takeChanges(state),
      signatureNanoseconds: signatureNanoseconds, ethereum: ethereum?.lane.totals ?? EthereumTotals())
  }

  private func takeChanges(_ state: BlockState) -> BlockChanges {
    BlockChanges(
      solana: lanes.all.map { $0.takeFirstChanges() } + state.takeProgramChanges(),
      ethereum: state.ethereum?.takeFirstChanges() ?? [])
  }

  private func machine() throws(BlockExecutionError) -> EthereumMachine {
    if let ethereum { return ethereum }
    let lane = try EthereumLane(programs: EVMProgramCache(natives: contracts), engine: engine)
    let thread: EVMThread
    do throws(SchedulingError) { thread = try EVMThread() } catch { throw .workers(error) }
    let made = EthereumMachine(lane: lane, thread: thread)
    ethereum = made
    return made
  }

  /// Decodes all transactions.
  ///
  /// - Returns: processor time spent on signatures, in nanoseconds.
  private func decode(_ preparation: BlockPreparation) -> UInt64 {
    let chunk = preparation.block.verifiesSignatures ? max(8, Ed25519.Batch.preferredCount) : 32
    let total = TimeSum()
    parallelFor(count: (preparation.count + chunk - 1) / chunk) { number in
      let range = number * chunk..<min((number + 1) * chunk, preparation.count)
      // Relaxed: `parallelFor` orders what is read after it.
      total.nanoseconds.add(preparation.decode(range), ordering: .relaxed)
    }
    return total.nanoseconds.load(ordering: .relaxed)
  }

  private final class TimeSum: Sendable { let nanoseconds = Atomic<UInt64>(0) }

  /// Prepares and runs all of `preparation`, which is decoded, one part after the other.
  private func run(
    _ preparation: BlockPreparation, in ethereum: EthereumMachine?, into receipts: BlockReceipts
  ) throws(BlockExecutionError) {
    let lanes = lanes
    var start = 0
    // What has run is let go of at once.
    defer { if start < preparation.count { preparation.forget(start..<preparation.count) } }
    while start < preparation.count {
      if start > 0 { for lane in lanes.all { lane.noteBarrier(in: preparation.table) } }
      let part = BlockPart(
        firstIndex: start, predecessors: try predecessors(in: preparation, from: start),
        workerCount: workerCount
      ) { [start] index, worker in
        let position = start + index
        if !preparation.isEthereum(position) {
          lanes.all[worker].run(position, of: preparation, into: receipts)
        }
        preparation.forget(position..<position + 1)
      }
      if part.count == 1, let ethereum, preparation.reachesContracts(preparation.slot(start)) {
        // Alone, and where the stack is deep enough.
        try ethereum.run { (contracts) throws(BlockExecutionError) in
          lanes.all[0].run(start, of: preparation, into: receipts, contracts)
          preparation.forget(start..<start + 1)
          if let failure = contracts.failure { throw .ethereum(failure) }
        }
        start += 1
        continue
      }
      scheduler.run(part)
      part.finish()
      let range = start..<start + part.count
      start = range.upperBound
      if preparation.block.transactions.ethereumCount == 0 { continue }
      try ethereum?.run { (lane) throws(BlockExecutionError) in
        for position in range where preparation.isEthereum(position) {
          receipts.set(
            position, .ethereum(try lane.execute(position, of: preparation.block.transactions)))
        }
      }
    }
  }

  /// Prepares transactions from `start` on to the next barrier or the block's end.
  ///
  /// - Returns: of each, the ones from `start` on that it waits for.
  private func predecessors(
    in preparation: BlockPreparation, from start: Int
  ) throws(BlockExecutionError) -> [[Int]] {
    preparation.reserveKeys()
    var locks: [AccountIndex: (writer: Int?, readers: [Int])] = [:]
    var all: [[Int]] = []
    do throws(StoreError) {
      while start + all.count < preparation.count,
        try preparation.prepare(start + all.count, decodedEnd: preparation.count) == .ready
      {
        let index = all.count
        var earlier: Set<Int> = []
        func lock(_ account: AccountIndex, isWritten: Bool) {
          var lock = locks[account] ?? (nil, [])
          if isWritten {
            // Readers have waited for the writer before them.
            if lock.readers.isEmpty {
              lock.writer.map { _ = earlier.insert($0) }
            } else {
              earlier.formUnion(lock.readers)
            }
            lock = (index, [])
          } else {
            lock.writer.map { _ = earlier.insert($0) }
            lock.readers.append(index)
          }
          locks[account] = lock
        }
        preparation.forEachLock(of: preparation.slot(start + index)) { lock($0, isWritten: $1) }
        // An account may be locked twice, by its key and as a program's code.
        earlier.remove(index)
        all.append(earlier.sorted())
      }
    } catch {
      throw .store(error)
    }
    return all
  }
}
