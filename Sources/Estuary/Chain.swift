// A ledger with the machinery that moves it on: blocks of transactions go in, receipts come out, the store moves from
// block to block in one synced batch each. This is what embeds in another program.
//
// A chain is used by one thread at a time; what runs in parallel runs inside `execute`.

import EVM
import Execution
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

public final class Chain {
  /// What moves between blocks.
  package enum Progress: Sendable {
    /// Slot, time and the one blockhash stay as the genesis says, so that a replay compares with a reference.
    case fixed
    /// Each block has a slot of its own, and its transactions name one of the last blockhashes (`RecentBlocks`).
    case advancing
  }

  /// One executed block.
  public struct Block: Sendable {
    /// Blocks before this one; the genesis is block 0.
    public let height: UInt64
    /// One a transaction, in order.
    public let receipts: [Receipt]
    /// Of the state after the block.
    public let stateHash: Hash
    public let timing: Timing
    package let timeline: Timeline?
    package let ethereum: EthereumTotals
    /// Accounts that it changed, in ascending order of keys, where the chain keeps a history.
    package let changes: [AccountChange]
    /// Of Solana's transactions, where the chain keeps a history.
    package let details: BlockDetails?
  }

  /// Wall time in nanoseconds, but for the signatures', which is processor time over all threads.
  public struct Timing: Sendable {
    /// From wire bytes to receipts and published accounts.
    public var elapsedNanoseconds: UInt64 = 0
    public var signatureNanoseconds: UInt64 = 0
    /// From published accounts to the list of what the block changed.
    public var publicationNanoseconds: UInt64 = 0
    public var stateHashNanoseconds: UInt64 = 0
    public var commitNanoseconds: UInt64 = 0
  }

  package let store: any AccountStore
  package let state: BlockState
  package var table: AccountTable { state.table }
  package private(set) var head: BlockRecord
  let executor: any BlockExecutor
  private(set) var programs: ProgramCache
  /// What runs in place of code at some addresses.
  let contracts: NativeContracts
  let progress: Progress
  private var lattice: StateLattice
  package internal(set) var sysvars: Sysvars
  /// Of the ledger's Ethereum side; `nil` where it has none.
  package internal(set) var ethereumSettings: EthereumGenesis?
  /// What the blocks of a replay are like.
  var ethereum: EthereumConfiguration?
  /// The chain of Ethereum's own blocks; `nil` in a replay, and where there is no Ethereum side.
  var ethereumChain: EthereumChain?
  /// What takes in blocks that others made, once there is one, and the block that it has not committed yet.
  var importer: EthereumImporter?
  var executedEthereum: ExecutedEthereumBlock?
  /// Whether blocks leave a history, and what `retrace` needs.
  private let keepsTransactions: Bool
  /// Whether blocks keep what they replace (AccountHistory.swift), and from where on states are known.
  private let keepsAccounts: Bool
  private var knownFrom: UInt64?
  /// Whether the store's index of owners says that it has every account (OwnerIndex.swift).
  private var hasOwnerIndex = false
  /// Blocks whose history is kept.
  package var historyBlockCount = SolanaHistory.defaultBlockCount
  /// What transactions of an advancing chain may name; read when the first block needs it.
  private var readRecentBlocks: RecentBlocks?
  /// What of it the next batch takes.
  private var solanaEntries: [StoreEntry] = []
  /// Whether blocks leave what they replace, so that they can be taken back (Chain+Snapshots.swift).
  var keepsUndo = false
  /// Blocks whose undo records stay; `nil`: all since the first mark.
  package var undoBlockCount: UInt64?
  /// Chains that began where this one stood.
  var forks = Forks()
  /// What an older ledger's store does not have yet: the next block's batch takes it.
  var unsavedEntries: [StoreEntry] = []

  /// Goes on where `store` stands; an empty one takes the genesis first.
  ///
  /// - Parameters:
  ///   - programs: shared by chains that run the same programs.
  ///   - contracts: what runs in place of code; the executor's as well.
  ///   - keepsTransactions: whether blocks have a history (SolanaHistory.swift) and the last ones can be traced
  ///     (AccountHistory.swift).
  ///   - keepsAccounts: whether the states of earlier blocks can be read; with `keepsTransactions` they can.
  package init(
    store: any AccountStore, genesis: Genesis?, executor: any BlockExecutor, progress: Progress,
    programs: ProgramCache = ProgramCache(),
    contracts: NativeContracts = .none, keepsTransactions: Bool = false, keepsAccounts: Bool = false
  ) throws(ChainError) {
    self.store = store
    self.keepsTransactions = keepsTransactions
    self.keepsAccounts = keepsTransactions || keepsAccounts
    self.contracts = contracts
    self.executor = executor
    self.progress = progress
    if let genesis {
      try Self.begin(store, with: genesis, executor: executor, progress, indexesOwners: keepsTransactions)
    }
    guard let head = store.head else { throw .noGenesis }
    guard let lattice = StateLattice(bytes: store.stateLattice) else { throw .noGenesis }
    self.head = head
    self.lattice = lattice
    (ethereumSettings, unsavedEntries) = try Self.ethereumSettings(of: store, genesis)
    state = BlockState(store: store, hasEthereum: ethereumSettings != nil)
    do throws(StoreError) {
      let features = try Features { (key) throws(StoreError) in try store.account(key) ?? .empty }
      self.programs = programs.serving(features)
      knownFrom = try AccountHistory(of: store).firstHeight()
      hasOwnerIndex = try OwnerIndex(of: store).isComplete()
      try state.readAhead()
      // An advancing chain's are read when they are needed.
      if progress == .fixed {
        let state = state
        try store.forEachBlock { record throws(StoreError) in
          for signature in record.signatures { state.statusCache.insert(signature) }
        }
      }
    } catch {
      throw .store(error)
    }
    sysvars = try Self.readSysvars(state.table)
    if let ethereumSettings { ethereum = try EthereumConfiguration(ethereumSettings) }
    ethereumChain = try Self.ethereumChain(ethereumSettings, of: store, progress)
  }

  /// Commits the genesis as block 0 of an empty store; an older store must have begun with the same.
  private static func begin(
    _ store: any AccountStore, with genesis: Genesis, executor: any BlockExecutor, _ progress: Progress,
    indexesOwners: Bool
  ) throws(ChainError) {
    var lattice = StateLattice()
    var changes = genesis.changes
    if let ethereum = genesis.ethereum {
      changes += ethereum.changes
      changes = changes.sortedByKey()
    }
    lattice.apply(changes, parallelFor: executor.parallelFor)
    let stateHash = lattice.stateHash
    let identity = genesis.identity(stateHash: stateHash)
    if let head = store.head {
      if head.genesisHash != identity { throw .differentGenesis }
      return
    }
    let record = BlockRecord(
      height: 0, slot: genesis.slot, unixTimestamp: genesis.unixTimestamp, blockhash: genesis.blockhash,
      stateHash: stateHash, genesisHash: identity)
    var entries = try firstEthereumEntries(genesis, store, executor, progress)
    if indexesOwners { entries += OwnerIndex.entries(changes) + [OwnerIndex.completion] }
    do throws(StoreError) {
      try store.commit(
        BlockCommit(record: record, changes: changes, stateLattice: lattice.bytes, entries: entries))
    } catch {
      throw .store(error)
    }
  }

  /// The blockhash of the last block, which transactions name for longest.
  public var blockhash: Hash { head.blockhash }
  /// The slot of the last block.
  public var slot: UInt64 { head.slot }
  /// Of the state after the last block.
  public var stateHash: Hash { head.stateHash }

  /// The key of an account that the timeline of one of this chain's blocks names.
  package func key(inTimelines account: AccountIndex) -> Pubkey { state.key(inTimelines: account) }

  /// The same for people: a key of Solana's, an address of Ethereum's, or a slot behind its contract's address.
  package func name(inTimelines account: AccountIndex) -> String { state.name(inTimelines: account) }

  /// The account at `key` after the last block; `nil` where there is none.
  public func account(_ key: Pubkey) throws(ChainError) -> Account? {
    do throws(StoreError) {
      let account = try state.account(key)
      return account.isVacant ? nil : account
    } catch {
      throw .store(error)
    }
  }

  /// The last blocks, as far as transactions of the next one may name their blockhashes.
  package func recentBlocks() throws(ChainError) -> RecentBlocks {
    if let readRecentBlocks { return readRecentBlocks }
    do throws(StoreError) {
      let blocks = try RecentBlocks(of: store, head: head)
      for signature in blocks.signatures { state.statusCache.insert(signature) }
      readRecentBlocks = blocks
      return blocks
    } catch {
      throw .store(error)
    }
  }

  /// Lamports with which an account of `byteCount` bytes of data is exempt from rent.
  public func minimumBalance(dataByteCount byteCount: Int) -> UInt64 {
    sysvars.rent.minimumBalance(dataByteCount: byteCount)
  }

  /// Loads every program of the ledger, so that the first block does not pay for it.
  package func warmPrograms() {
    executor.warm(table.programs, environment: environment(slot: head.slot))
  }

  private func environment(slot: UInt64) -> ExecutionEnvironment {
    ExecutionEnvironment(
      slot: slot, blockhash: head.blockhash,
      earlierBlockhashes: readRecentBlocks?.earlierBlockhashes ?? [], sysvars: sysvars,
      noncesFollowTransactions: progress == .fixed,
      programs: programs)
  }

  /// What Solana's transactions of the next block would find, and the sysvars' accounts where they differ from now.
  func environmentOfNextBlock(
    unixTimestamp: Int64
  ) throws(ChainError) -> (ExecutionEnvironment, sysvars: [Pubkey: Account]) {
    guard progress == .advancing else { return (environment(slot: head.slot), [:]) }
    var accounts: [Pubkey: Account] = [:]
    for key in SysvarID.all { if let account = try account(key) { accounts[key] = account } }
    let next = sysvars.advanced(
      toSlot: head.slot + 1, unixTimestamp: max(head.unixTimestamp, unixTimestamp),
      parentBlockhash: head.blockhash)
    for (key, account) in next { accounts[key] = account }
    do throws(SysvarError) {
      let sysvars = try Sysvars(accounts: accounts.map { (key: $0.key, account: $0.value) })
      return (
        ExecutionEnvironment(
          slot: head.slot + 1, blockhash: head.blockhash, sysvars: sysvars, noncesFollowTransactions: false,
          programs: programs), accounts
      )
    } catch { throw .sysvar(error) }
  }

  /// Executes transactions as the next block, in effect one after the other, and commits it. One that cannot be decoded
  /// or is not sane is an error of its own receipt.
  ///
  /// - Parameters:
  ///   - verifiesSignatures: false for input that is known to be signed.
  ///   - recordsTimeline: whether to note when and where each transaction ran.
  ///   - unixTimestamp: of an advancing chain's block, in seconds.
  ///   - makesEthereumBlock: whether an advancing chain makes one of Ethereum's blocks though none of its transactions are
  ///     there; where the ledger has no Ethereum side, it makes none.
  ///   - slots: by how many slots an advancing chain goes on, at least 1.
  ///   - endsBlock: false where more of the same logical block is to follow: its header and the gas that it may use then
  ///     hold on, and what is due at its end waits for the call that ends it.
  ///   - other: what executes this block in place of the chain's executor.
  /// - Throws: `store` when the block could not be committed; the chain then stands where it stood.
  package func execute(
    _ transactions: BlockTransactions, verifiesSignatures: Bool, recordsTimeline: Bool = false,
    unixTimestamp: Int64? = nil, makesEthereumBlock: Bool = false, slots: UInt64 = 1, endsBlock: Bool = true,
    on other: (any BlockExecutor)? = nil
  ) throws(ChainError) -> Block {
    var timing = Timing()
    var changes = BlockChanges()
    let sysvarsBefore = sysvars
    let isEthereum =
      self.makesEthereumBlock(transactions)
      || progress == .advancing && makesEthereumBlock && ethereumChain != nil
    if isEthereum { try beginEthereum() }
    let details = keepsTransactions ? BlockDetails(count: transactions.count) : nil
    var record = head
    record.height += 1
    do throws(ChainError) {
      let (input, pending) = try nextInput(
        transactions, record: &record, verifiesSignatures, recordsTimeline, isEthereum: isEthereum,
        unixTimestamp: unixTimestamp, slots: slots, endsBlock: endsBlock, details: details, noting: &changes)
      let start = Clocks.monotonicNanoseconds()
      let execution: BlockExecution
      do throws(BlockExecutionError) { execution = try (other ?? executor).execute(input, on: state) } catch {
        throw ChainError(error)
      }
      timing.elapsedNanoseconds = Clocks.monotonicNanoseconds() - start
      timing.signatureNanoseconds = execution.signatureNanoseconds
      changes.solana += execution.changes.solana
      changes.ethereum = execution.changes.ethereum
      record.isOpen = !endsBlock
      (record.gasUsed, record.blobGasUsed) = (execution.ethereum.gasUsed, execution.ethereum.blobGasUsed)
      // A replay counts its file's lines, to go on behind them.
      record.transactionCount += UInt64(
        progress == .fixed ? transactions.count : execution.signatures.count + transactions.ethereumCount)
      record.signatures = execution.signatures
      // Nothing can fail between the commit and the end.
      let nextSysvars = try Self.readSysvars(table)
      let kept = record
      var changed: [AccountChange] = []
      try commit(changes, record: &record, timing: &timing) { changes throws(ChainError) in
        if let details {
          changed = changes
          solanaEntries = try historyEntries(kept, transactions, execution.receipts, details)
        }
        guard let pending else { return }
        try ethereumChain?.seal(
          pending, execution.receipts.ethereum.compactMap { EthereumChain.executed($0) },
          requests: execution.ethereum.requests, changes: changes, parallelFor: executor.parallelFor)
      }
      sysvars = nextSysvars
      programs.finishBlock()
      return Block(
        height: record.height, receipts: execution.receipts, stateHash: record.stateHash, timing: timing,
        timeline: execution.timeline, ethereum: execution.ethereum,
        changes: changed, details: details)
    } catch {
      state.rollBack(changes)
      sysvars = sysvarsBefore
      ethereumChain?.abandon()
      throw error
    }
  }

  /// Whether an advancing chain makes a block of Ethereum's for `transactions`: where there are some of Ethereum's, and where
  /// Solana's may change its state.
  package func makesEthereumBlock(_ transactions: BlockTransactions) -> Bool {
    guard progress == .advancing else { return false }
    return transactions.ethereumCount > 0 || ethereumChain != nil && transactions.mayCallContracts
  }

  /// What an executor is given for the block of `record`, which moves on to it, as do the sysvars.
  private func nextInput(
    _ transactions: BlockTransactions, record: inout BlockRecord, _ verifiesSignatures: Bool,
    _ recordsTimeline: Bool, isEthereum: Bool, unixTimestamp: Int64?, slots: UInt64 = 1, endsBlock: Bool,
    details: BlockDetails?, noting changes: inout BlockChanges
  ) throws(ChainError) -> (BlockInput, EthereumChain.Pending?) {
    if progress == .advancing {
      _ = try recentBlocks()
      record.slot += slots
      record.unixTimestamp = max(record.unixTimestamp, unixTimestamp ?? Clocks.unixSeconds())
      try advanceSysvars(to: record, noting: &changes)
    }
    let pending =
      isEthereum
      ? try ethereumChain?.template(slot: head.slot).pending(at: record.unixTimestamp) : nil
    let input = BlockInput(
      transactions: transactions, environment: environment(slot: record.slot),
      ethereum: progress == .advancing
        ? pending?.part : ethereum?.part(of: record, after: head, ends: endsBlock),
      verifiesSignatures: verifiesSignatures, recordsTimeline: recordsTimeline, details: details)
    return (input, pending)
  }

  /// Executes transactions as the next block would and takes everything back.
  ///
  /// - Parameters:
  ///   - details: takes what the history would tell of them.
  ///   - slots: by how many slots an advancing chain goes on, at least 1.
  ///   - endsBlock: whether what is due at a block's end is done.
  /// - Returns: what came of them, and the accounts that they changed in ascending order of keys.
  package func dryRun(
    _ transactions: BlockTransactions, on executor: any BlockExecutor, unixTimestamp: Int64? = nil,
    verifiesSignatures: Bool = true, details: BlockDetails? = nil, slots: UInt64 = 1, endsBlock: Bool = true
  ) throws(ChainError) -> (BlockExecution, [AccountChange]) {
    var changes = BlockChanges()
    let sysvarsBefore = sysvars
    var record = head
    record.height += 1
    defer {
      state.rollBack(changes)
      state.trim()
      sysvars = sysvarsBefore
    }
    var (input, _) = try nextInput(
      transactions, record: &record, verifiesSignatures, false,
      isEthereum: makesEthereumBlock(transactions), unixTimestamp: unixTimestamp, slots: slots,
      endsBlock: endsBlock, details: details, noting: &changes)
    if !endsBlock { input.ethereum?.ends = false }
    let execution: BlockExecution
    do throws(BlockExecutionError) { execution = try executor.execute(input, on: state) } catch {
      throw ChainError(error)
    }
    changes.solana += execution.changes.solana
    changes.ethereum = execution.changes.ethereum
    return (execution, state.changes(since: changes))
  }

  /// Makes the block the head, or throws and leaves all as it was but for the accounts in the table.
  ///
  /// - Parameter seal: makes the block of Ethereum's that this one is as well from what changed.
  func commit(
    _ changes: BlockChanges, record: inout BlockRecord, timing: inout Timing,
    seal: ([AccountChange]) throws(ChainError) -> Void = { _ in }
  ) throws(ChainError) {
    solanaEntries = []
    let publicationStart = Clocks.monotonicNanoseconds()
    let changes = state.finishBlock(changes)
    timing.publicationNanoseconds = Clocks.monotonicNanoseconds() - publicationStart
    try commit(changes, record: &record, timing: &timing, seal: seal)
    state.trim()
  }

  /// The same for a finished block. While blocks are imported the table has changes of the next one already, so nothing
  /// may leave it here.
  func commit(
    _ changes: [AccountChange], record: inout BlockRecord, timing: inout Timing,
    seal: ([AccountChange]) throws(ChainError) -> Void = { _ in }
  ) throws(ChainError) {
    var lattice = lattice
    let hashStart = Clocks.monotonicNanoseconds()
    lattice.apply(changes, parallelFor: executor.parallelFor)
    record.stateHash = lattice.stateHash
    timing.stateHashNanoseconds = Clocks.monotonicNanoseconds() - hashStart
    if progress == .advancing { record.blockhash = Self.nextBlockhash(after: record) }
    try seal(changes)
    let commitStart = Clocks.monotonicNanoseconds()
    var nextKnownFrom: UInt64?
    do throws(StoreError) {
      var entries = unsavedEntries + solanaEntries + (ethereumChain?.entries(height: record.height) ?? [])
      if keepsAccounts {
        let kept = try AccountHistory(of: store).entries(
          height: record.height, changes, knownFrom: knownFrom, keeping: historyBlockCount)
        entries += kept.entries
        nextKnownFrom = kept.knownFrom
      } else if knownFrom != nil {
        entries.append(AccountHistory.end)
      }
      if keepsTransactions {
        entries += OwnerIndex.entries(changes)
      } else if hasOwnerIndex {
        entries.append(OwnerIndex.end)
      }
      var block = BlockCommit(
        record: record, changes: changes, stateLattice: lattice.bytes, entries: entries)
      block.entries += try undoEntries(block)
      try forks.preserve(block, of: store)
      try store.commit(block)
    } catch {
      throw .store(error)
    }
    if changes.contains(where: { Feature.keys.contains($0.key) }) { readFeatures() }
    (unsavedEntries, solanaEntries, knownFrom) = ([], [], nextKnownFrom)
    hasOwnerIndex = hasOwnerIndex && keepsTransactions
    let hasMadeEthereumBlock = ethereumChain?.hasUncommittedBlock ?? false
    ethereumChain?.commit()
    if hasMadeEthereumBlock { ethereumChain?.next.pass() }
    timing.commitNanoseconds = Clocks.monotonicNanoseconds() - commitStart
    self.lattice = lattice
    head = record
    if progress == .fixed || readRecentBlocks != nil {
      for signature in record.signatures { state.statusCache.insert(signature) }
    }
    if let passed = readRecentBlocks?.append(record) {
      for signature in passed { state.statusCache.remove(signature) }
    }
  }

  /// Makes an earlier block, to which the store has gone back, the last one.
  func goBack(to reversal: StoreReversal) {
    head = reversal.record
    if let lattice = StateLattice(bytes: reversal.stateLattice) { self.lattice = lattice }
    readFeatures()
    // Read again when they are needed.
    readRecentBlocks = nil
    state.statusCache = StatusCache()
    solanaEntries = []
    knownFrom = (try? AccountHistory(of: store).firstHeight()) ?? nil
    hasOwnerIndex = (try? OwnerIndex(of: store).isComplete()) ?? false
  }

  /// The next block runs under the features that the accounts of this one switch on.
  private func readFeatures() {
    let store = store
    // What was committed a moment ago, or was read at the start.
    let features = try? Features { (key) throws(StoreError) in try store.account(key) ?? .empty }
    if let features { programs = programs.serving(features) }
  }

  /// A value nobody could know before the block.
  private static func nextBlockhash(after record: BlockRecord) -> Hash {
    var writer = ByteWriter(capacity: 72)
    writer.write(record.blockhash)
    writer.write(record.stateHash)
    writer.write(record.height)
    return SHA256.hash(writer.bytes)
  }

  func advanceSysvars(
    to record: BlockRecord, noting all: inout BlockChanges
  ) throws(ChainError) {
    var changes: [AccountTable.FirstChange] = []
    defer { all.solana.append(changes) }
    do throws(StoreError) {
      let next = sysvars.advanced(
        toSlot: record.slot, unixTimestamp: record.unixTimestamp, parentBlockhash: head.blockhash)
      for (key, account) in next { table.publish(account, at: try table.intern(key), noting: &changes) }
    } catch {
      throw .store(error)
    }
    sysvars = try Self.readSysvars(table)
  }

  static func readSysvars(_ table: AccountTable) throws(ChainError) -> Sysvars {
    var accounts: [(key: Pubkey, account: Account)] = []
    do throws(StoreError) {
      for key in SysvarID.all {
        let account = try table.account(key)
        if account.lamports > 0 { accounts.append((key, account)) }
      }
    } catch {
      throw .store(error)
    }
    do throws(SysvarError) { return try Sysvars(accounts: accounts) } catch { throw .sysvar(error) }
  }
}

/// Why a chain cannot go on.
public enum ChainError: Error, Sendable {
  /// The store is empty and no genesis was given.
  case noGenesis
  /// The ledger began with another genesis.
  case differentGenesis
  /// A ledger was to be made where one is.
  case ledgerExists(path: String)
  case genesis(GenesisError)
  case sysvar(SysvarError)
  /// The file of transactions cannot be read on.
  case input(TransactionFileError)
  case store(StoreError)
  case workers(SchedulingError)
  /// A ledger of own blocks whose fork asks for receipts that lanes cannot give.
  case noOwnBlocks(fork: String)
  /// A replay onto a ledger whose Ethereum side has moved on by blocks of its own.
  case ownBlocks(number: UInt64)
  /// What the store keeps of the ledger's Ethereum side is nothing that this version writes.
  case ethereumSettings(detail: String)
  /// The genesis names a fork that is none.
  case unknownFork(String)
  /// Memory for the EVM's frames cannot be had.
  case machine(detail: String)
  /// Ethereum's accounts cannot be read.
  case ethereum(detail: String)
  /// A simulated block cannot end: a system contract that its fork needs is not what it should be.
  case systemCall(detail: String)
  /// A native syscall, program or contract that the runtime or another one has already.
  case nativeExists(String)
}

extension ChainError {
  init(_ error: BlockExecutionError) {
    switch error {
    case .store(let error): self = .store(error)
    case .ethereum(let error): self = .init(error)
    case .machine(let error): self = .machine(detail: "\(error)")
    case .workers(let error): self = .workers(error)
    }
  }
}

extension ChainError {
  init(_ error: EVMStateError) {
    if case .store(let error) = error { self = .store(error) } else { self = .ethereum(detail: "\(error)") }
  }
}

extension ChainError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noGenesis: "the ledger is empty: it needs a genesis"
    case .differentGenesis:
      "the ledger began with another genesis: name an empty directory, or the genesis it began with"
    case .ledgerExists(let path): "there is a ledger in '\(path)' already: name another directory"
    case .genesis(let error): error.description
    case .input(let error): error.description
    case .sysvar(let error): "a sysvar account is unusable: \(error)"
    case .store(let error): error.description
    case .workers(let error): "workers: \(error)"
    case .unknownFork(let name):
      "the genesis names the fork '\(name)'; the forks are \(Fork.allCases.map(\.name).joined(separator: ", "))"
    case .noOwnBlocks(let fork):
      "the ledger's genesis names \(fork): a ledger makes Ethereum's blocks itself from Byzantium on; 'replay' runs all forks"
    case .ownBlocks(let number):
      "the ledger has made Ethereum's blocks itself up to \(number), which a replay would not go on: name an empty directory"
    case .ethereumSettings(let detail):
      "the ledger's Ethereum side is unusable: \(detail); 'estuary ledger verify' reads all of it"
    case .machine(let detail): "the EVM has no memory: \(detail)"
    case .ethereum(let detail): "Ethereum's state is unusable: \(detail)"
    case .systemCall(let detail): detail
    case .nativeExists(let what): "there is \(what) already: choose another"
    }
  }
}
