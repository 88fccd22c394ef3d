// Blocks that others made, on the ledger's state: what executes one, and what it reads and writes. Used by one thread at a
// time.

import EVM
import Ledger
import Primitives
import SBPF
import Scheduling
import WideIntegers

/// A machine with a thread whose stack holds the EVM's deepest calls, and lanes where the executor has them.
final class EthereumImporter {
  private let host: EVMHost
  private let thread: EVMThread
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
    do throws(SchedulingError) { thread = try EVMThread() } catch { throw .workers(error) }
  }

  var hasLanes: Bool { lanes != nil }

  /// Executes `block`; what it changes is in `state`, be it valid or not.
  func execute(
    _ block: EthereumBlock, _ fork: Fork, _ configuration: ChainConfiguration, on state: EthereumImportState,
    blockHash: @escaping @Sendable (UInt64) -> Hash?
  ) throws(EthereumBlockError) -> BlockOutcome {
    try thread.run { () throws(EthereumBlockError) in
      try EthereumBlockExecution(host: host, configuration: configuration)
        .execute(block, fork: fork, on: state, blockHash: blockHash)
    }
  }

  /// Executes a block's transactions in lanes; `nil` for one that may not be in the block.
  func executeAhead(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment
  ) throws(EVMStateError) -> [EthereumExecution?]? {
    guard let lanes else { return nil }
    let wires = transactions.map { EthereumWire($0.encoded) }
    let outcome = try lanes.execute(
      wires[...], verifiesSignatures: true, in: block, after: EthereumTotals(), on: state)
    return outcome.results.map { $0.executed?.execution }
  }
}

/// The state that an imported block is executed on. Trouble with the host is noted, because neither changes nor roots
/// are asked for in places that could throw; who executes looks at `failure` before believing any outcome.
final class EthereumImportState: EthereumBlockState {
  private let importer: EthereumImporter
  private let chain: EthereumChain
  private let runsAhead: Bool
  private let parallelFor: ParallelFor
  /// The tries that the last root came from.
  private(set) var latest: (tries: StateTries, batch: TrieBatch)?
  private(set) var failure: ChainError?

  init(
    _ importer: EthereumImporter, _ chain: EthereumChain, runsAhead: Bool, parallelFor: @escaping ParallelFor
  ) {
    (self.importer, self.chain) = (importer, chain)
    (self.runsAhead, self.parallelFor) = (runsAhead, parallelFor)
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

  /// Of the parent's tries with everything that has changed since, so that nothing but the last root's nodes are written.
  var stateRoot: Hash {
    do throws(ChainError) {
      do throws(EVMStateError) { try importer.state.finishBlock() } catch {
        throw ChainError(error)
      }
      let changes = importer.state.table.changes(since: [importer.state.firstChanges])
      let latest = try chain.state(after: changes, parallelFor: parallelFor)
      self.latest = latest
      return latest.tries.root
    } catch {
      failure = failure ?? error
      return .zero
    }
  }

  func execute(
    _ transactions: [EthereumTransaction], in block: BlockEnvironment
  ) throws(EVMStateError) -> [EthereumExecution?]? {
    // Receipts with state roots ask for one transaction after the other.
    guard runsAhead, block.fork >= .byzantium else { return nil }
    return try importer.executeAhead(transactions, in: block)
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
