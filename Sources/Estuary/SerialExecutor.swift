// One transaction after the other on the calling thread: the definition of the right result, and the oracle that every
// other executor is tested against.

import Ledger
import Runtime
import SBPF

package final class SerialExecutor: BlockExecutor {
  package let name = "serial"
  package let workerCount = 1
  private let lane: Lane

  package init(engine: Engine = .interpreter) { lane = Lane(engine: engine) }

  package func parallelFor(count: Int, body: @Sendable (Int) -> Void) {
    StateLattice.serialFor(count: count, body: body)
  }

  package func warm(_ programs: [ProgramSource], environment: ExecutionEnvironment) {
    lane.begin(environment)
    lane.warm(programs)
  }

  package func execute(_ block: BlockInput, on table: AccountTable) throws(StoreError) -> BlockExecution {
    let count = block.wires.count
    let decoded = UnsafeMutablePointer<DecodedTransaction>.allocate(capacity: max(count, 1))
    for (position, wire) in block.wires.enumerated() {
      (decoded + position).initialize(
        to: DecodedTransaction(wire, verifiesSignatures: block.verifiesSignatures))
    }
    let preparation = BlockPreparation(block, on: table, decoded: decoded)
    let results = BlockResults(count: count)
    lane.begin(block.environment)
    do throws(StoreError) {
      for position in 0..<count {
        while try preparation.prepare(position) == .barrier { table.noteBarrier(lane.changesSoFar) }
        lane.run(position, of: preparation, into: results)
      }
    } catch {
      table.rollBack(lane.takeFirstChanges())
      throw error
    }
    let processed = results.allProcessed
    return BlockExecution(
      results: results.takeAll(), processed: processed, firstChanges: lane.takeFirstChanges(),
      signatureNanoseconds: preparation.signatureNanoseconds)
  }
}
