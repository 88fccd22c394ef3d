// Taking in Ethereum's blocks that others made: each is judged as a client judges it, executed, compared with what its
// header promises, and committed in one batch with everything that belongs to it. A block that is refused leaves nothing.
//
// The state root of a block is computed while the next one is executed; so the table of accounts is a block ahead when a
// block is committed, and where its root is wrong both are taken back, the later one first. Nothing else may be asked of
// the chain between the first `importEthereum` and `finishEthereumImport`.

import EVM
import Execution
import Ledger
import Primitives
import Scheduling
import WideIntegers

/// Why a block was not taken in, and which one.
package struct EthereumImportError: Error, Sendable {
  package enum Reason: Error, Sendable, CustomStringConvertible {
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

  package var number: UInt64
  package var hash: Hash
  package var reason: Reason
}

/// A block that was executed and is right as far as is known: its state root is not.
final class ExecutedEthereumBlock: @unchecked Sendable {
  // Sendable: `batch` is written by the one thread that moves the tries, and read when it has.
  let block: EthereumBlock
  let hash: Hash
  /// Of the chain up to and with this block.
  let totalDifficulty: UInt256
  /// The transactions' encodings.
  let transactions: [[UInt8]]
  let receipts: [EthereumArchive.StoredReceipt]
  let record: BlockRecord
  /// Of all accounts of the ledger, and what takes them back.
  let changes: [AccountChange]
  let undo: (accounts: BlockChanges, sysvars: Sysvars)
  /// What the store has to write of the tries; `nil` until they have moved.
  fileprivate(set) var batch: Result<TrieBatch, ChainError>?

  fileprivate init(
    _ block: EthereumBlock, hash: Hash, totalDifficulty: UInt256, transactions: [[UInt8]],
    receipts: [EthereumArchive.StoredReceipt], record: BlockRecord, changes: [AccountChange],
    undo: (accounts: BlockChanges, sysvars: Sysvars)
  ) {
    (self.block, self.hash, self.totalDifficulty) = (block, hash, totalDifficulty)
    (self.transactions, self.receipts) = (transactions, receipts)
    (self.record, self.changes, self.undo) = (record, changes, undo)
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
      executor = workers == 1 ? SerialExecutor() : try LockExecutor(workerCount: workers, alwaysInWaves: true)
    } catch { throw .workers(error) }
    return try Chain(
      store: store, genesis: first, executor: executor, progress: .advancing, keepsAccounts: directory != nil)
  }

  private typealias Reason = EthereumImportError.Reason
  private typealias Parent = (header: EthereumArchive.StoredHeader, fork: Fork)

  /// Takes a block in as the next one, if the ledger does not have it: executes it, computes the state root of the one
  /// before meanwhile, and commits that.
  ///
  /// - Parameters:
  ///   - byteCount: of its encoding.
  ///   - committed: called with the number of a block that was committed.
  /// - Throws: about this block or the one before; what was committed stays.
  package func importEthereum(
    _ block: EthereumBlock, byteCount: Int, committed: (UInt64) -> Void = { _ in }
  ) throws(EthereumImportError) {
    let hash = block.header.hash
    let judged = Result { () throws(Reason) in try judge(block, hash, byteCount: byteCount) }
    // Ommers descend from stored blocks; receipts with state roots ask for the tries after the parent; and accounts leave
    // memory when all blocks are committed.
    var goesOn = false
    if case .success(let known?) = judged {
      goesOn = known.fork >= .byzantium && block.ommers.isEmpty && !state.isAboveBound
    }
    if !goesOn { try finishEthereumImport(committed: committed) }
    let parent: Parent
    do throws(Reason) {
      guard let known = try judged.get() else { return }
      parent = known
      try judgeOmmers(of: block, after: parent)
    } catch { throw EthereumImportError(number: block.header.number, hash: hash, reason: error) }
    do throws(EthereumImportError) {
      try execute(block, hash, after: parent, inLanes: true, committed)
    } catch {
      // Lanes say that a transaction may not be there, not why.
      guard case .notExecuted = error.reason else { throw error }
      try execute(block, hash, after: parent, inLanes: false, committed)
    }
  }

  /// Commits the block that was taken in last.
  package func finishEthereumImport(
    committed: (UInt64) -> Void = { _ in }
  ) throws(EthereumImportError) {
    try finishEthereumImport(takingBack: BlockChanges(), committed)
    state.trim()
  }

  // MARK: Judging

  private func readingArchive<Value>(
    _ body: (EthereumArchive) throws(StoreError) -> Value
  ) throws(Reason) -> Value {
    do throws(StoreError) { return try body(ethereumArchive) } catch { throw .chain(.store(error)) }
  }

  /// Judges header and body of a block, ommers aside; `nil` where the ledger has the block.
  private func judge(_ block: EthereumBlock, _ hash: Hash, byteCount: Int) throws(Reason) -> Parent? {
    guard let ethereumChain, let parent = ethereumChain.head else {
      throw .chain(.ethereum(detail: "the ledger has no block of Ethereum's to go on from"))
    }
    if hash == parent.hash { return nil }
    if try readingArchive({ archive throws(StoreError) in try archive.number(of: hash) }) != nil {
      return nil
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
    do throws(BlockValidityError) {
      try block.validate(
        after: parent.header, byteCount: byteCount, fork: fork, configuration: ethereumChain.configuration)
    } catch { throw .invalid(error) }
    return (parent, fork)
  }

  private func judgeOmmers(of block: EthereumBlock, after parent: Parent) throws(Reason) {
    guard let ethereumChain, !block.ommers.isEmpty else { return }
    let ancestry = try readingArchive { archive throws(StoreError) in
      try StoredAncestry(
        archive, last: parent.header.header.number, generations: UInt64(EthereumBlock.ommerGenerations))
    }
    do throws(BlockValidityError) {
      try block.validateOmmers(in: ancestry, fork: parent.fork, configuration: ethereumChain.configuration)
    } catch { throw .invalid(error) }
  }

  // MARK: Executing

  /// Executes a block whose header and body are right, while the tries move to the state after the one before; that one is
  /// then committed.
  private func execute(
    _ block: EthereumBlock, _ hash: Hash, after parent: Parent, inLanes: Bool, _ committed: (UInt64) -> Void
  ) throws(EthereumImportError) {
    guard let ethereumChain, let accounts = state.ethereum else { return }
    let before = executedEthereum
    let outcome = Result { () throws(Reason) in
      try run(block, parent.fork, on: accounts, ethereumChain, inLanes: inLanes) {
        if let before {
          Self.moveTries(of: ethereumChain, to: before, parallelFor: self.executor.parallelFor)
        }
      }
    }
    var changes = BlockChanges(ethereum: accounts.takeFirstChanges())
    if case .failure = outcome {
      state.rollBack(changes)
      changes = BlockChanges()
    }
    try finishEthereumImport(takingBack: changes, committed)
    let sysvarsBefore = sysvars
    do throws(Reason) {
      let (outcome, transactions) = try outcome.get()
      var record = head
      record.height += 1
      record.slot += 1
      record.unixTimestamp = max(
        record.unixTimestamp, Int64(clamping: min(block.header.timestamp, BlockRecord.countLimit)))
      record.transactionCount += UInt64(block.transactions.count)
      record.signatures = []
      do throws(ChainError) { try advanceSysvars(to: record, noting: &changes) } catch { throw .chain(error) }
      let executed = ExecutedEthereumBlock(
        block, hash: hash,
        totalDifficulty: parent.header.totalDifficulty.addingSaturated(block.header.difficulty),
        transactions: transactions,
        receipts: zip(outcome.receipts, outcome.senders).map { .init(receipt: $0, sender: $1) },
        record: record, changes: state.finishBlock(changes), undo: (changes, sysvarsBefore))
      ethereumChain.advance(to: block.header, hash: hash, totalDifficulty: executed.totalDifficulty)
      executedEthereum = executed
    } catch {
      state.rollBack(changes)
      sysvars = sysvarsBefore
      throw EthereumImportError(number: block.header.number, hash: hash, reason: error)
    }
  }

  /// Executes a block and compares what comes out with its header, the state root aside.
  ///
  /// - Parameter beside: called on another thread at the same time.
  /// - Returns: what comes out, and the transactions' encodings.
  private func run(
    _ block: EthereumBlock, _ fork: Fork, on accounts: EthereumState, _ ethereumChain: EthereumChain,
    inLanes: Bool, beside: () -> Void
  ) throws(Reason) -> (BlockOutcome, transactions: [[UInt8]]) {
    let importer: EthereumImporter
    let hashes: @Sendable (UInt64) -> Hash?
    do throws(ChainError) {
      if let made = self.importer {
        importer = made
      } else {
        importer = try EthereumImporter(on: accounts, executor: executor)
        self.importer = importer
      }
      hashes = try ethereumChain.blockHashes()
    } catch { throw .chain(error) }
    let state = EthereumImportState(importer, ethereumChain, parallelFor: executor.parallelFor)
    let outcome: BlockOutcome
    do throws(EthereumBlockError) {
      outcome = try importer.execute(
        block, fork, ethereumChain.configuration, on: state, inLanes: inLanes, blockHash: hashes,
        beside: beside)
    } catch {
      if let failure = state.failure { throw .chain(failure) }
      switch error {
      case .invalid(let error): throw .invalid(error)
      case .notExecuted(let index): throw .notExecuted(index: index)
      case .state(let error): throw .chain(ChainError(error))
      }
    }
    do throws(EVMStateError) { try accounts.finishBlock() } catch { throw .chain(ChainError(error)) }
    if let failure = state.failure { throw .chain(failure) }
    let transactions = block.transactions.map(\.encoded)
    do throws(BlockValidityError) {
      let root = MerklePatriciaTrie.listRoot(transactions)
      if root != block.header.transactionsRoot {
        throw .wrongTransactionsRoot(block.header.transactionsRoot, expected: root)
      }
      try outcome.validate(against: block.header)
    } catch { throw .invalid(error) }
    return (outcome, transactions)
  }

  // MARK: Committing

  private static func moveTries(
    of ethereumChain: EthereumChain, to executed: ExecutedEthereumBlock, parallelFor: ParallelFor
  ) {
    executed.batch = Result { () throws(ChainError) in
      try ethereumChain.move(by: executed.changes, parallelFor: parallelFor)
    }
  }

  /// Commits the block that was executed last.
  ///
  /// - Parameter later: what the block after it has changed, in case that this one has another state root than it says.
  private func finishEthereumImport(
    takingBack later: BlockChanges, _ committed: (UInt64) -> Void
  ) throws(EthereumImportError) {
    guard let executed = executedEthereum, let ethereumChain else { return }
    executedEthereum = nil
    let header = executed.block.header
    do throws(Reason) {
      do throws(ChainError) {
        if executed.batch == nil {
          Self.moveTries(of: ethereumChain, to: executed, parallelFor: executor.parallelFor)
        }
        _ = try executed.batch?.get()
      } catch { throw .chain(error) }
      do throws(BlockValidityError) { try header.validate(stateRoot: ethereumChain.tries.root) } catch {
        throw .invalid(error)
      }
      do throws(ChainError) {
        var (record, timing) = (executed.record, Timing())
        try ethereumChain.write(
          executed.block, hash: executed.hash, totalDifficulty: executed.totalDifficulty,
          transactions: executed.transactions, receipts: executed.receipts,
          try executed.batch?.get() ?? TrieBatch())
        try commit(executed.changes, record: &record, timing: &timing)
      } catch { throw .chain(error) }
    } catch {
      state.rollBack(later)
      state.rollBack(executed.undo.accounts)
      sysvars = executed.undo.sysvars
      ethereumChain.abandon()
      throw EthereumImportError(number: header.number, hash: executed.hash, reason: error)
    }
    committed(header.number)
  }
}
