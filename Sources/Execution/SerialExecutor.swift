// One transaction after the other: the definition of the right result, and the oracle that every other executor is
// tested against. Blocks of ledgers with an Ethereum side run on a thread whose stack holds the EVM's deepest calls, the
// others on the calling one.

import EVM
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

package final class SerialExecutor: BlockExecutor {
  package let name = "serial"
  package let workerCount = 1
  package let engine: Engine
  private let lane: Lane
  private let contracts: NativeContracts
  /// Made with the first block that has an Ethereum side.
  private var ethereum: (lane: EthereumLane, thread: EVMThread)?

  /// - Parameter contracts: what runs in place of code.
  package init(engine: Engine = .fastest, contracts: NativeContracts = .none) {
    (self.engine, self.contracts) = (engine, contracts)
    lane = Lane(engine: engine)
  }

  /// One whose transactions are watched, instruction by instruction if the engine is `plain`.
  package init(observer: any LaneObserver, engine: Engine, contracts: NativeContracts = .none) {
    (self.engine, self.contracts) = (engine, contracts)
    lane = Lane(engine: engine, observer: observer)
  }

  package func parallelFor(count: Int, body: @Sendable (Int) -> Void) {
    StateLattice.serialFor(count: count, body: body)
  }

  package func warm(_ programs: [ProgramSource], environment: ExecutionEnvironment) {
    lane.begin(environment)
    lane.warm(programs)
  }

  package func execute(
    _ block: BlockInput, on state: BlockState
  ) throws(BlockExecutionError) -> BlockExecution {
    guard block.ethereum != nil else { return try lane.runInOrder(block, on: state, nil) }
    let (ethereum, thread) = try machine()
    return try thread.run { () throws(BlockExecutionError) in
      try lane.runInOrder(block, on: state, ethereum)
    }
  }

  private func machine() throws(BlockExecutionError) -> (lane: EthereumLane, thread: EVMThread) {
    if let ethereum { return ethereum }
    let lane = try EthereumLane(
      programs: EVMProgramCache(natives: contracts), engine: engine,
      tracer: lane.observer.map { EVMTracer(observer: $0) })
    let made: (lane: EthereumLane, thread: EVMThread)
    do throws(SchedulingError) { made = (lane, try EVMThread()) } catch { throw .workers(error) }
    ethereum = made
    return made
  }
}

extension Lane {
  /// Prepares and runs one entry after the other on the calling thread, Ethereum's in `ethereum`.
  func runInOrder(
    _ block: BlockInput, on state: BlockState, _ ethereum: EthereumLane?
  ) throws(BlockExecutionError) -> BlockExecution {
    let preparation = BlockPreparation(block, on: state, isInOrder: true)
    begin(block.environment, changeCount: 2 * preparation.count)
    var recorder = block.recordsTimeline ? SerialRecorder(workerCount: 1) : nil
    let outcome: (receipts: [Receipt], signatures: [Signature])
    state.beginPrograms(block.environment)
    do throws(BlockExecutionError) {
      try ethereum?.begin(block, on: state)
      outcome = try BlockReceipts.collect(count: preparation.count) { receipts throws(BlockExecutionError) in
        for position in 0..<preparation.count {
          try prepare(position, of: preparation)
          recorder?.begin()
          if let observer { observer.willExecute(position) }
          if let ethereum, preparation.isEthereum(position) {
            let result = try ethereum.execute(position, of: block.transactions)
            receipts.set(position, .ethereum(result))
          } else {
            run(position, of: preparation, into: receipts, ethereum)
            if let failure = ethereum?.failure { throw .ethereum(failure) }
          }
          if let observer { observer.didExecute(position, receipts[position]) }
          recorder?.end()
        }
      }
      try ethereum?.end()
    } catch {
      state.rollBack(takeChanges(state))
      throw error
    }
    return BlockExecution(
      receipts: outcome.receipts, signatures: outcome.signatures,
      changes: takeChanges(state),
      signatureNanoseconds: preparation.signatureNanoseconds &+ (ethereum?.signatureNanoseconds ?? 0),
      timeline: recorder?.timeline, ethereum: ethereum?.totals ?? EthereumTotals())
  }

  private func takeChanges(_ state: BlockState) -> BlockChanges {
    BlockChanges(
      solana: [takeFirstChanges()] + state.takeProgramChanges(), ethereum: state.ethereum?.takeFirstChanges() ?? [])
  }

  @inline(__always) private func prepare(
    _ position: Int, of preparation: BlockPreparation
  ) throws(BlockExecutionError) {
    do throws(StoreError) {
      while try preparation.prepare(position, decodedEnd: position) == .barrier {
        noteBarrier(in: preparation.table)
      }
    } catch {
      throw .store(error)
    }
  }
}
