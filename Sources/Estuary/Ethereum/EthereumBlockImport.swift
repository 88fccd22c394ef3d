// Blocks that others made, on the ledger's state: what executes one, and what it reads and writes. Used by one thread at a
// time.

import EVM
import Execution
import Ledger
import Primitives
import SBPF
import Scheduling
import WideIntegers
import WideVM

/// A machine with a thread whose stack holds the EVM's deepest calls, one beside it, and lanes where the executor has them.
final class EthereumImporter {
  private let host: EVMHost
  private let threads: WorkerPool
  private let lanes: EthereumLanes?
  let state: EthereumState
  let reader: EVMLedgerState

  init(on state: EthereumState, executor: any BlockExecutor) throws(ChainError) {
    let programs = EVMProgramCache()
    self.state = state
    reader = EVMLedgerState(source: state, programs: programs)
    do throws(WideMachineError) {
      host = try EVMHost(programs: programs, engine: executor.engine)
      let pool = (executor as? LockExecutor)?.pool
      lanes =
        if let pool { try EthereumLanes(pool: pool, programs: programs, engine: executor.engine) } else {
          nil
        }
    } catch { throw .machine(detail: "\(error)") }
    do throws(SchedulingError) {
      threads = try WorkerPool(workerCount: 2, stackByteCount: EVMHost.stackByteCount, pinning: false)
    } catch { throw .workers(error) }
  }

  /// Executes `block`; what it changes is in `state`, be it valid or not.
  ///
  /// - Parameter beside: called on another thread at the same time.
  func execute(
    _ block: EthereumBlock, _ fork: Fork, _ configuration: ChainConfiguration, on state: EthereumImportState,
    inLanes: Bool, blockHash: @escaping @Sendable (UInt64) -> Hash?, beside: () -> Void
  ) throws(EthereumBlockError) -> BlockOutcome {
    // Sound: the caller waits for both threads, and what one of them touches the other does not.
    nonisolated(unsafe) let (execution, state, beside) = (
      EthereumBlockExecution(host: host, configuration: configuration), state, beside
    )
    nonisolated(unsafe) var outcome: Result<BlockOutcome, EthereumBlockError>?
    threads.perform { worker in
      if worker.position > 0 { return beside() }
      outcome = Result { () throws(EthereumBlockError) in
        try execution.execute(block, fork: fork, on: state, inLanes: inLanes, blockHash: blockHash)
      }
    }
    guard let outcome else { preconditionFailure("the pool has a first worker") }
    return try outcome.get()
  }

  /// Executes a block's transactions in lanes, where there are some; `nil` for one that may not be in the block.
  func executeAhead(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment
  ) throws(EVMStateError) -> [EthereumExecution?]? {
    try lanes?.execute(transactions, in: block, on: state)
  }
}

/// The state that an imported block is executed on. Trouble with the host is noted, because neither changes nor roots
/// are asked for in places that could throw; who executes looks at `failure` before believing any outcome.
final class EthereumImportState: EthereumBlockState {
  private let importer: EthereumImporter
  private let chain: EthereumChain
  private let parallelFor: ParallelFor
  private(set) var failure: ChainError?

  init(_ importer: EthereumImporter, _ chain: EthereumChain, parallelFor: @escaping ParallelFor) {
    (self.importer, self.chain, self.parallelFor) = (importer, chain, parallelFor)
  }

  func account(_ address: Address) throws(EVMStateError) -> EVMAccount? {
    try importer.reader.account(address)
  }

  func incarnation(of address: Address) throws(EVMStateError) -> UInt64 {
    try importer.reader.incarnation(of: address)
  }

  func storage(
    _ address: Address, incarnation: UInt64, slot: UInt256
  ) throws(EVMStateError) -> UInt256 {
    try importer.reader.storage(address, incarnation: incarnation, slot: slot)
  }

  func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    try importer.reader.code(address, account)
  }

  func apply(_ changes: EVMStateChanges) {
    do throws(EVMStateError) { try importer.state.apply(changes, from: importer.reader) } catch {
      failure = failure ?? ChainError(error)
    }
  }

  /// For receipts of before Byzantium: the tries stay those of the parent.
  var stateRoot: Hash {
    do throws(ChainError) {
      return try chain.root(after: try changes(), parallelFor: parallelFor)
    } catch {
      failure = failure ?? error
      return .zero
    }
  }

  /// Since the parent.
  private func changes() throws(ChainError) -> [AccountChange] {
    do throws(EVMStateError) { try importer.state.finishBlock() } catch {
      throw ChainError(error)
    }
    return importer.state.table.changes(since: importer.state.firstChanges)
  }

  func execute(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment
  ) throws(EVMStateError) -> [EthereumExecution?]? {
    try importer.executeAhead(transactions, in: block)
  }
}

/// The blocks that an ommer may descend from.
struct StoredAncestry: EthereumAncestry {
  private var known: [Hash: (header: EthereumHeader, ommers: [Hash])] = [:]

  /// The last `generations` blocks up to the one with the number `last`.
  init(_ archive: EthereumArchive, last: UInt64, generations: UInt64) throws(StoreError) {
    for number in (last >= generations ? last - generations + 1 : 0)...last {
      guard let block = try archive.block(number) else { continue }
      known[block.header.hash] = (block.header, block.ommers.map(\.hash))
    }
  }

  func ancestor(_ hash: Hash) -> (header: EthereumHeader, ommers: [Hash])? { known[hash] }
}
