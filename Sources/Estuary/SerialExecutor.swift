// One transaction after the other on the calling thread: the definition of the right result, and the oracle that every
// other executor is tested against.

import Ledger
import Runtime
import SBPF

package final class SerialExecutor: BlockExecutor {
  package let name = "serial"
  package let workerCount = 1
  package let engine: Engine
  private let lane: Lane

  package init(engine: Engine = .fastest) {
    self.engine = engine
    lane = Lane(engine: engine)
  }

  package func parallelFor(count: Int, body: @Sendable (Int) -> Void) {
    StateLattice.serialFor(count: count, body: body)
  }

  package func warm(_ programs: [ProgramSource], environment: ExecutionEnvironment) {
    lane.begin(environment)
    lane.warm(programs)
  }

  package func execute(_ block: BlockInput, on table: AccountTable) throws(StoreError) -> BlockExecution {
    try lane.runInOrder(block, on: table)
  }
}

extension Lane {
  /// Prepares and runs one transaction after the other on the calling thread.
  func runInOrder(_ block: BlockInput, on table: AccountTable) throws(StoreError) -> BlockExecution {
    let preparation = BlockPreparation(block, on: table, isInOrder: true)
    begin(block.environment, changeCount: 2 * preparation.count)
    let outcome: (results: [TransactionResult], processed: [Bool])
    do throws(StoreError) {
      outcome = try BlockResults.collect(count: preparation.count) { results throws(StoreError) in
        for position in 0..<preparation.count {
          while try preparation.prepare(position, decodedEnd: position) == .barrier {
            table.noteBarrier(changesSoFar)
          }
          run(position, of: preparation, into: results)
        }
      }
    } catch {
      table.rollBack([takeFirstChanges()])
      throw error
    }
    return BlockExecution(
      results: outcome.results, processed: outcome.processed, firstChanges: [takeFirstChanges()],
      signatureNanoseconds: preparation.signatureNanoseconds)
  }
}
