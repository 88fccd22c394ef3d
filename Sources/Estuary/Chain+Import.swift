// Taking in Ethereum's blocks that others made: each is judged as a client judges it, executed, compared with what its
// header promises, and committed in one batch with everything that belongs to it. A block that is refused leaves nothing.

import EVM
import Ledger
import Primitives
import Scheduling
import WideIntegers

/// Why a block was not taken in.
package enum EthereumImportError: Error, Sendable, CustomStringConvertible {
  case invalid(BlockValidityError)
  /// Its parent is known, but is not the last block.
  case sideChain(head: UInt64)
  /// Lanes found that a transaction may not be in it; executing it again without them says why.
  case notExecuted(index: Int)
  case chain(ChainError)

  package var description: String {
    switch self {
    case .invalid(let error): error.description
    case .sideChain(let head):
      "it does not follow the last block, \(head), but an earlier one: a ledger keeps one chain"
    case .notExecuted(let index): "transaction \(index) may not be in it"
    case .chain(let error): error.description
    }
  }
}

extension Chain {
  /// Opens a ledger that holds the chain that begins so, or makes one.
  ///
  /// - Parameters:
  ///   - directory: where the state is kept; `nil` keeps it in memory.
  ///   - workers: threads that execute a block's transactions, `[1, 256]`; 1: one transaction after the other.
  ///   - cacheByteCount: memory for what is read of the ledger (`RocksDBStore`).
  /// - Throws: `differentGenesis` where the ledger began otherwise.
  package static func open(
    geth genesis: GethGenesis, directory: String?, workers: Int = 1, patience: LockPatience = .brief,
    cacheByteCount: Int = RocksDBStore.defaultCacheByteCount
  ) throws(ChainError) -> Chain {
    let ethereum = genesis.ledgerGenesis
    let first: Genesis
    do throws(SysvarError) {
      first = try Genesis(
        slot: 1, unixTimestamp: Int64(clamping: genesis.header.timestamp),
        blockhash: Keccak256.hash(ethereum.settings), ethereum: ethereum)
    } catch { throw .sysvar(error) }
    let store: any AccountStore
    do throws(StoreError) {
      store =
        if let directory {
          try RocksDBStore(path: directory, patience: patience, cacheByteCount: cacheByteCount)
        } else {
          MemoryStore()
        }
    } catch { throw .store(error) }
    let executor: any BlockExecutor
    do throws(SchedulingError) {
      executor = workers == 1 ? SerialExecutor() : try LockExecutor(workerCount: workers, runsAhead: true)
    } catch { throw .workers(error) }
    return try Chain(store: store, genesis: first, executor: executor, progress: .advancing)
  }

  /// Takes a block in as the next one.
  ///
  /// - Parameter byteCount: of its encoding.
  /// - Returns: false where the ledger has the block.
  package func importEthereum(_ block: EthereumBlock, byteCount: Int) throws(EthereumImportError) -> Bool {
    let hash = block.header.hash
    guard let ethereumChain, let parent = ethereumChain.head else {
      throw .chain(.ethereum(detail: "the ledger has no block of Ethereum's to go on from"))
    }
    if try readingArchive({ archive throws(StoreError) in try archive.number(of: hash) }) != nil {
      return false
    }
    guard parent.hash == block.header.parentHash else {
      let other = try readingArchive { archive throws(StoreError) in
        try archive.number(of: block.header.parentHash)
      }
      if other != nil { throw .sideChain(head: parent.header.number) }
      throw .invalid(.unknownParent(block.header.parentHash))
    }
    let fork = ethereumChain.configuration.fork(
      number: block.header.number, timestamp: block.header.timestamp, totalDifficulty: parent.totalDifficulty)
    let ancestry = try readingArchive { archive throws(StoreError) in
      block.ommers.isEmpty
        ? nil
        : try StoredAncestry(
          archive, last: parent.header.number, generations: UInt64(EthereumBlock.ommerGenerations))
    }
    do throws(BlockValidityError) {
      try block.validate(
        after: parent.header, byteCount: byteCount, fork: fork, configuration: ethereumChain.configuration)
      if let ancestry {
        try block.validateOmmers(in: ancestry, fork: fork, configuration: ethereumChain.configuration)
      }
    } catch { throw .invalid(error) }
    do throws(EthereumImportError) {
      try take(block, after: parent, fork, inLanes: true)
    } catch {
      // Lanes say that a transaction may not be there, not why.
      guard case .notExecuted = error else { throw error }
      try take(block, after: parent, fork, inLanes: false)
    }
    return true
  }

  private func readingArchive<Value>(
    _ body: (EthereumArchive) throws(StoreError) -> Value
  ) throws(EthereumImportError) -> Value {
    do throws(StoreError) { return try body(ethereumArchive) } catch { throw .chain(.store(error)) }
  }

  /// Executes and commits a block whose header and body are right.
  private func take(
    _ block: EthereumBlock, after parent: EthereumArchive.StoredHeader, _ fork: Fork, inLanes: Bool
  ) throws(EthereumImportError) {
    guard let ethereumChain, let state = state.ethereum else { return }
    var changes = BlockChanges()
    let sysvarsBefore = sysvars
    var (record, timing) = (head, Timing())
    record.height += 1
    record.slot += 1
    record.unixTimestamp = max(
      record.unixTimestamp, Int64(clamping: min(block.header.timestamp, BlockRecord.countLimit)))
    do throws(EthereumImportError) {
      do throws(ChainError) { try advanceSysvars(to: record, noting: &changes) } catch {
        throw .chain(error)
      }
      let outcome = try execute(block, fork, on: state, ethereumChain, inLanes: inLanes)
      changes.ethereum.append(state.takeFirstChanges())
      record.transactionCount += UInt64(block.transactions.count)
      record.signatures = []
      do throws(ChainError) {
        try ethereumChain.add(
          block, totalDifficulty: parent.totalDifficulty.addingSaturated(block.header.difficulty),
          receipts: zip(outcome.receipts, outcome.senders).map { .init(receipt: $0, sender: $1) },
          outcome.latest.tries, outcome.latest.batch)
        let nextSysvars = try Self.readSysvars(table)
        try commit(changes, record: &record, timing: &timing)
        sysvars = nextSysvars
      } catch { throw .chain(error) }
    } catch {
      changes.ethereum.append(state.takeFirstChanges())
      self.state.rollBack(changes)
      sysvars = sysvarsBefore
      ethereumChain.abandon()
      throw error
    }
  }

  private typealias Imported = (
    receipts: [EthereumReceipt], senders: [Address], latest: (tries: StateTries, batch: TrieBatch)
  )

  private func execute(
    _ block: EthereumBlock, _ fork: Fork, on accounts: EthereumState, _ ethereumChain: EthereumChain,
    inLanes: Bool
  ) throws(EthereumImportError) -> Imported {
    let hashes: @Sendable (UInt64) -> Hash?
    let importer: EthereumImporter
    do throws(ChainError) {
      if let made = self.importer {
        importer = made
      } else {
        importer = try EthereumImporter(on: accounts, executor: executor)
        self.importer = importer
      }
      hashes = try ethereumChain.blockHashes()
    } catch { throw .chain(error) }
    let state = EthereumImportState(
      importer, ethereumChain, runsAhead: inLanes && importer.hasLanes, parallelFor: executor.parallelFor)
    let outcome: BlockOutcome
    do throws(EthereumBlockError) {
      outcome = try importer.execute(
        block, fork, ethereumChain.configuration, on: state, blockHash: hashes)
    } catch {
      if let failure = state.failure { throw .chain(failure) }
      switch error {
      case .invalid(let error): throw .invalid(error)
      case .notExecuted(let index): throw .notExecuted(index: index)
      case .state(let error): throw .chain(ChainError(error))
      }
    }
    if let failure = state.failure { throw .chain(failure) }
    do throws(BlockValidityError) {
      let root = block.transactionsRoot
      if root != block.header.transactionsRoot {
        throw .wrongTransactionsRoot(block.header.transactionsRoot, expected: root)
      }
      try outcome.validate(against: block.header)
    } catch { throw .invalid(error) }
    guard let latest = state.latest else { throw .chain(.ethereum(detail: "a block without a root")) }
    return (outcome.receipts, outcome.senders, latest)
  }
}
