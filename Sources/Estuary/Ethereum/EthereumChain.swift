// Ethereum's chain on a ledger that makes blocks of its own: the last header, the tries of the state after it, and what
// the next block begins and ends with. Replays have none: their environment stays as the genesis says.
//
// Not every block of the ledger is one of Ethereum's. A block that is given no transaction of Ethereum's leaves this
// chain as it is: an airdrop would otherwise move number and base fee, cost two system calls and a root, and put a block
// behind the head of a chain that was imported.
//
// `begin`, `seal` and `add` gather the entries of the block's batch and move on to its state; `commit` makes that the
// state to go on from when the batch is on the disk, `abandon` forgets it. There is one object of the tries, changed in
// place: of a block that is abandoned the store has nothing, and gives the nodes of the state before.

import EVM
import Execution
import Ledger
import Primitives
import WideIntegers

final class EthereumChain {
  /// A block that is being made: its header without what execution gives.
  struct Pending {
    var header: EthereumHeader
    var environment: BlockEnvironment
    var withdrawals: [EVMWithdrawal]

    var fork: Fork { environment.fork }
    var part: EthereumBlockPart {
      EthereumBlockPart(environment: environment, withdrawals: withdrawals, rewards: true)
    }
  }

  /// A transaction that the block holds.
  typealias Executed = (wire: [UInt8], execution: EthereumExecution, programLogs: [String])

  /// What a block keeps of `result`; `nil` where it was not executed.
  static func executed(_ result: EthereumTransactionResult) -> Executed? {
    result.execution.map { (result.wire, EthereumExecution($0), result.programLogLines) }
  }

  private struct State {
    /// `nil` before the first block.
    var head: EthereumArchive.StoredHeader?
    /// Of the last blocks that BLOCKHASH reaches, the head's at the end; empty until they are asked for.
    var hashes: [Hash] = []
    /// The root of the state that the next block begins with, where it is not the one after `head`.
    var beginning: Hash?
  }

  /// BLOCKHASH reaches so far.
  private static let hashCount = 256

  let settings: EthereumGenesis
  let configuration: ChainConfiguration
  /// What the next block has in place of what follows from the one before it.
  var next = NextEthereumBlock()
  var archive: EthereumArchive
  private var committed: State
  private var working: State
  /// Of the state after `head`, or after the block that is being made.
  private(set) var tries: StateTries
  /// Of the block that is being made.
  private var entries: [StoreEntry] = []

  /// The chain as `store` has it.
  init(_ settings: EthereumGenesis, store: any AccountStore) throws(ChainError) {
    self.settings = settings
    configuration = try settings.chainConfiguration()
    archive = EthereumArchive(store: store)
    let head: EthereumArchive.StoredHeader?
    var state: State
    do throws(StoreError) {
      head = try archive.head()
      state = State(head: head)
      if let head {
        let root = try archive.rootBefore(head.header.number &+ 1)
        if root != head.header.stateRoot { state.beginning = root }
      }
    } catch { throw .store(error) }
    committed = state
    working = state
    tries = Self.tries(in: state, archive)
  }

  private static func root(in state: State) -> Hash {
    state.beginning ?? state.head?.header.stateRoot ?? MerklePatriciaTrie.emptyRoot
  }

  private static func tries(in state: State, _ archive: EthereumArchive) -> StateTries {
    StateTries(root: root(in: state), source: StoredTrieNodes(store: archive.store))
  }

  /// The last block, of those that are made the latest.
  var head: EthereumArchive.StoredHeader? { working.head }

  // MARK: The first block

  /// Makes the first block over a state: its header is the one that the settings hold, or follows from them.
  ///
  /// - Parameters:
  ///   - slot: number of the block, where the settings name none.
  ///   - contents: the whole state.
  func begin(
    slot: UInt64, unixTimestamp: Int64, contents: [StateTries.Change], parallelFor: ParallelFor
  ) throws(ChainError) {
    tries = Self.tries(in: State(), archive)
    let batch = try Self.readingTries { () throws(TrieError) in
      try tries.apply(contents, parallelFor: parallelFor)
    }
    var header: EthereumHeader
    if settings.header.isEmpty {
      header = settings.firstHeader(
        number: settings.number ?? slot, timestamp: UInt64(clamping: unixTimestamp), configuration)
    } else {
      do throws(BlockDecodingError) { header = try EthereumHeader(decoding: settings.header) } catch {
        throw .ethereumSettings(detail: "its first header is malformed: \(error)")
      }
    }
    header.stateRoot = tries.root
    let block = EthereumBlock(header: header, withdrawals: header.withdrawalsRoot == nil ? nil : [])
    try add(block, totalDifficulty: header.difficulty, transactions: [], receipts: [], batch)
  }

  // MARK: Further blocks

  /// What the next block follows from.
  ///
  /// - Parameter slot: where the chain has not begun, of the block that it would begin with.
  func template(slot: UInt64) throws(ChainError) -> EthereumBlockTemplate {
    EthereumBlockTemplate(
      settings: settings, configuration: configuration, next: next, parent: working.head,
      firstNumber: settings.number ?? slot,
      isParentFirst: try working.head.map { (head) throws(ChainError) in try isFirst(head.header) } ?? true,
      blockHash: try blockHashes())
  }

  /// Whether nothing comes before `header` here.
  private func isFirst(_ header: EthereumHeader) throws(ChainError) -> Bool {
    if header.number == 0 { return true }
    return try Self.reading { () throws(StoreError) in try archive.header(header.number - 1) } == nil
  }

  /// The hashes that BLOCKHASH can ask for, the settings' where no block is stored.
  func blockHashes() throws(ChainError) -> @Sendable (UInt64) -> Hash? {
    guard let head = working.head else { return { _ in nil } }
    if working.hashes.isEmpty {
      var hashes = [head.hash]
      var number = head.header.number
      while hashes.count < Self.hashCount, number > 0 {
        number -= 1
        guard let header = try Self.reading({ () throws(StoreError) in try archive.header(number) }) else {
          break
        }
        hashes.append(header.hash)
      }
      working.hashes = hashes.reversed()
    }
    let (number, hashes, given) = (head.header.number, working.hashes, settings.blockHashes)
    return { wanted in
      guard wanted <= number, number - wanted < UInt64(hashes.count) else {
        return given.last { $0.number == wanted }?.hash
      }
      return hashes[hashes.count - 1 - Int(number - wanted)]
    }
  }

  /// Ends a block of this ledger's making.
  ///
  /// - Parameters:
  ///   - requests: type byte first, empty ones left out; deposits are gathered here.
  ///   - changes: of all accounts of the ledger.
  func seal(
    _ pending: Pending, _ executed: [Executed], requests: [[UInt8]], changes: [AccountChange],
    parallelFor: ParallelFor
  ) throws(ChainError) {
    guard let parent = working.head else { throw .ethereumSettings(detail: "its chain has not begun") }
    var block = EthereumBlock(
      header: pending.header, withdrawals: pending.fork >= .shanghai ? pending.withdrawals : nil)
    var receipts: [EthereumArchive.StoredReceipt] = []
    for (wire, execution, programLogs) in executed {
      let decoded: EthereumTransaction
      do throws(EthereumTransactionError) { decoded = try EthereumTransaction(decoding: wire) } catch {
        throw .ethereum(detail: "an executed transaction is malformed: \(error)")
      }
      block.transactions.append(decoded)
      block.header.gasUsed &+= execution.gasUsed
      if block.header.blobGasUsed != nil { block.header.blobGasUsed? &+= decoded.blobGas }
      let receipt = EthereumReceipt(
        kind: decoded.kind, outcome: .status(isSuccess: execution.isSuccess),
        cumulativeGasUsed: block.header.gasUsed, logs: execution.logs)
      block.header.bloom.formUnion(LogsBloom(execution.logs))
      receipts.append(.init(receipt: receipt, sender: execution.sender, programLogs: programLogs))
    }
    let batch = try move(by: changes, parallelFor: parallelFor)
    block.header.stateRoot = tries.root
    let transactions = executed.map(\.wire)
    block.header.transactionsRoot = MerklePatriciaTrie.listRoot(transactions)
    block.header.receiptsRoot = MerklePatriciaTrie.listRoot(receipts.map(\.receipt.encoded))
    block.header.withdrawalsRoot = block.withdrawalsRoot
    if pending.fork >= .prague {
      // A deposit contract that logs otherwise gathers nothing: there is no consensus layer to be misled.
      let logs = executed.flatMap(\.execution.logs)
      let deposits = (try? DepositRequests.gather(from: logs, contract: configuration.depositContract)) ?? []
      let all = (deposits.isEmpty ? [] : [[DepositRequests.type] + deposits]) + requests
      block.header.requestsHash = DepositRequests.hash(of: all)
    }
    try add(
      block, totalDifficulty: parent.totalDifficulty.addingSaturated(block.header.difficulty),
      transactions: transactions, receipts: receipts, batch)
  }

  /// Changes the state that the next block begins with.
  ///
  /// - Parameter changes: of accounts of the ledger.
  func override(_ changes: [AccountChange], parallelFor: ParallelFor) throws(ChainError) {
    guard let head = working.head else { throw .ethereumSettings(detail: "its chain has not begun") }
    let number = head.header.number &+ 1
    let batch = try move(by: changes, parallelFor: parallelFor)
    entries += try Self.reading { () throws(StoreError) in try archive.entries(batch, number: number) }
    entries.append(EthereumArchive.beginningEntry(number, root: tries.root))
    working.beginning = tries.root
  }

  /// Moves the tries on by changes of the ledger's accounts.
  ///
  /// - Returns: what the store has to write for them.
  func move(by changes: [AccountChange], parallelFor: ParallelFor) throws(ChainError) -> TrieBatch {
    let leaves = try Self.leaves(of: changes)
    return try Self.readingTries { () throws(TrieError) in try tries.apply(leaves, parallelFor: parallelFor) }
  }

  /// The root that the tries would have after changes of the ledger's accounts.
  func root(after changes: [AccountChange], parallelFor: ParallelFor) throws(ChainError) -> Hash {
    let leaves = try Self.leaves(of: changes)
    var copy = tries
    _ = try Self.readingTries { () throws(TrieError) in try copy.apply(leaves, parallelFor: parallelFor) }
    return copy.root
  }

  static func leaves(of changes: [AccountChange]) throws(ChainError) -> [StateTries.Change] {
    do throws(EVMStateError) { return try StateTries.Change.gather(changes) } catch {
      throw .ethereum(detail: error.description)
    }
  }

  /// Takes a block in, to whose state the tries have moved.
  private func add(
    _ block: EthereumBlock, totalDifficulty: UInt256, transactions: [[UInt8]],
    receipts: [EthereumArchive.StoredReceipt], _ batch: TrieBatch
  ) throws(ChainError) {
    let hash = block.header.hash
    try write(
      block, hash: hash, totalDifficulty: totalDifficulty, transactions: transactions, receipts: receipts,
      batch)
    advance(to: block.header, hash: hash, totalDifficulty: totalDifficulty)
  }

  /// Adds a block to what the batch has to write; `transactions` are the encodings of its own.
  func write(
    _ block: EthereumBlock, hash: Hash, totalDifficulty: UInt256, transactions: [[UInt8]],
    receipts: [EthereumArchive.StoredReceipt], _ batch: TrieBatch
  ) throws(ChainError) {
    entries += EthereumArchive.entries(
      block, hash: hash, totalDifficulty: totalDifficulty, transactions: transactions, receipts: receipts)
    entries += try Self.reading { () throws(StoreError) in
      try archive.entries(batch, number: block.header.number)
    }
  }

  /// Makes a block the head; `write` may come later.
  func advance(to header: EthereumHeader, hash: Hash, totalDifficulty: UInt256) {
    working.head = .init(header: header, hash: hash, totalDifficulty: totalDifficulty)
    working.beginning = nil
    if !working.hashes.isEmpty { working.hashes = working.hashes.suffix(Self.hashCount - 1) + [hash] }
  }

  /// What the batch of the ledger's block `height` has to write.
  func entries(height: UInt64) -> [StoreEntry] {
    guard !entries.isEmpty, let head = working.head else { return [] }
    // A block of the ledger that only changes what the next one begins with is none of Ethereum's.
    if !hasUncommittedBlock { return entries }
    return entries + [EthereumArchive.heightEntry(height, number: head.header.number)]
  }

  /// Whether a block has been made whose entries are not on the disk yet.
  var hasUncommittedBlock: Bool { working.head != committed.head }

  /// The entries are on the disk.
  func commit() { (committed, entries) = (working, []) }

  /// The block is not made.
  func abandon() {
    (working, entries) = (committed, [])
    // The same root has the same nodes.
    if tries.root != Self.root(in: committed) { tries = Self.tries(in: committed, archive) }
  }

  // MARK: Errors

  private static func reading<Value>(
    _ body: () throws(StoreError) -> Value
  ) throws(ChainError) -> Value {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
  }

  private static func readingTries<Value>(
    _ body: () throws(TrieError) -> Value
  ) throws(ChainError) -> Value {
    do throws(TrieError) { return try body() } catch { throw .ethereum(detail: error.description) }
  }
}
