// Ethereum's state on a table of accounts of its own, for trees of blocks whose transactions run in lanes. A copy takes
// every account along: for tests and tools.

import EVM
import Ledger
import Primitives
import SBPF
import Scheduling
import WideIntegers
import WideVM

/// Threads that execute transactions of blocks apart from any ledger. Sendable: for one block at a time.
package final class EthereumBlockLanes: @unchecked Sendable {
  fileprivate let lanes: EthereumLanes
  fileprivate let programs = EVMProgramCache()

  /// - Parameter workerCount: `[1, WorkerPool.workerLimit]`.
  package init(workerCount: Int, engine: Engine) throws(BlockExecutionError) {
    let pool: WorkerPool
    do throws(SchedulingError) {
      pool = try WorkerPool(workerCount: workerCount, stackByteCount: EVMHost.stackByteCount, pinning: false)
    } catch { throw .workers(error) }
    do throws(WideMachineError) {
      lanes = try EthereumLanes(pool: pool, programs: programs, engine: engine)
    } catch { throw .machine(error) }
  }
}

/// Used by one thread at a time.
package final class EthereumTableState: EthereumTreeState {
  private let lanes: EthereumBlockLanes
  private let state: EthereumState
  private let reader: EVMLedgerState
  package private(set) var failure: EVMStateError?

  private init(_ table: AccountTable, lanes: EthereumBlockLanes) {
    self.lanes = lanes
    state = EthereumState(table)
    reader = EVMLedgerState(source: state, programs: lanes.programs)
  }

  package convenience init(_ accounts: [EthereumGenesis.Account], lanes: EthereumBlockLanes) {
    let table = AccountTable(store: MemoryStore())
    for change in accounts.changes { if let account = change.new { table.load(change.key, account) } }
    self.init(table, lanes: lanes)
  }

  package func copy() -> EthereumTableState {
    let (old, count) = (state.table, state.table.count)
    let table = AccountTable(store: MemoryStore(), expectedCount: count + 64)
    for position in 0..<count {
      let index = AccountIndex(UInt32(truncatingIfNeeded: position))
      if !old[index].isVacant { table.load(old.key(of: index), old[index]) }
    }
    return EthereumTableState(table, lanes: lanes)
  }

  package func account(_ address: Address) throws(EVMStateError) -> EVMAccount? {
    try reader.account(address)
  }

  package func incarnation(of address: Address) throws(EVMStateError) -> UInt64 {
    try reader.incarnation(of: address)
  }

  package func storage(
    _ address: Address, incarnation: UInt64, slot: UInt256
  ) throws(EVMStateError) -> UInt256 {
    try reader.storage(address, incarnation: incarnation, slot: slot)
  }

  package func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    try reader.code(address, account)
  }

  package func apply(_ changes: EVMStateChanges) {
    do throws(EVMStateError) { try state.apply(changes, from: reader) } catch { failure = failure ?? error }
  }

  package var stateRoot: Hash {
    do throws(EVMStateError) {
      try state.finishBlock()
      return try state.contents().stateRoot
    } catch {
      failure = failure ?? error
      return .zero
    }
  }

  package func execute(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment
  ) throws(EVMStateError) -> [EthereumExecution?]? {
    try lanes.lanes.execute(transactions, in: block, on: state)
  }
}

/// One a transaction, each written by the worker that executes it.
private final class Results: @unchecked Sendable {
  let executions: UnsafeMutablePointer<EthereumExecution?>
  private let count: Int

  init(count: Int) {
    self.count = count
    executions = .allocate(capacity: max(count, 1))
    executions.initialize(repeating: nil, count: count)
  }

  deinit {
    executions.deinitialize(count: count)
    executions.deallocate()
  }
}

extension EthereumLanes {
  /// Executes the transactions of a block from its beginning on, in effect one after the other; `nil` for one that may not
  /// be in the block.
  package func execute(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment, on state: EthereumState
  ) throws(EVMStateError) -> [EthereumExecution?] {
    let wires = transactions.map { EthereumWire($0.encoded) }
    let results = Results(count: wires.count)
    _ = try execute(
      wires[...], verifiesSignatures: true, in: block, after: EthereumTotals(), on: state
    ) { position, result in results.executions[position] = result.execution.map { EthereumExecution($0) } }
    return Array(UnsafeBufferPointer(start: results.executions, count: wires.count))
  }
}
