// A ledger with the machinery that moves it on: blocks of transactions go in, results come out, the store moves from
// block to block in one synced batch each. This is what embeds in another program.
//
// A chain is used by one thread at a time; what runs in parallel runs inside `execute`.

import EVM
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
    /// Each block has a slot of its own, and its transactions need the blockhash that the one before left.
    case advancing
  }

  /// One executed block.
  public struct Block: Sendable {
    /// Blocks before this one; the genesis is block 0.
    public let height: UInt64
    /// One a Solana transaction, in order.
    public let results: [TransactionResult]
    /// One an Ethereum transaction, in order.
    public let ethereumResults: [EthereumTransactionResult]
    public let ethereumEffort: EthereumEffort
    /// Of the state after the block.
    public let stateHash: Hash
    public let timing: Timing
    package let timeline: Timeline?
  }

  /// Wall time in nanoseconds, but for the signatures', which is processor time over all threads.
  public struct Timing: Sendable {
    /// From wire bytes to results and published accounts.
    public var elapsedNanoseconds: UInt64 = 0
    public var signatureNanoseconds: UInt64 = 0
    public var stateHashNanoseconds: UInt64 = 0
    public var commitNanoseconds: UInt64 = 0
  }

  package let store: any AccountStore
  package let table: AccountTable
  package private(set) var head: BlockRecord
  private let executor: any BlockExecutor
  private let programs: ProgramCache
  private let progress: Progress
  private var lattice: StateLattice
  private var statusCache = StatusCache()
  private var sysvars: Sysvars
  /// Where the genesis has an Ethereum side.
  private let ethereum: EthereumLane?

  /// Goes on where `store` stands; an empty one takes the genesis first.
  ///
  /// - Parameter programs: shared by chains that run the same programs.
  package init(
    store: any AccountStore, genesis: Genesis?, executor: any BlockExecutor, progress: Progress,
    programs: ProgramCache = ProgramCache(syscalls: SyscallTable.registry)
  ) throws(ChainError) {
    self.store = store
    self.executor = executor
    self.progress = progress
    self.programs = programs
    let isNew = store.head == nil
    if let genesis { try Self.begin(store, with: genesis, executor: executor) }
    guard let head = store.head else { throw .noGenesis }
    guard let lattice = StateLattice(bytes: store.stateLattice) else { throw .noGenesis }
    self.head = head
    self.lattice = lattice
    table = AccountTable(store: store)
    do throws(StoreError) {
      try table.loadAll()
      if !isNew { try Self.check(table, against: lattice, of: store, executor: executor) }
      // A blockhash that has passed needs no memory of its transactions.
      if progress == .fixed {
        var statusCache = StatusCache()
        try store.forEachBlock { record throws(StoreError) in
          for signature in record.signatures { statusCache.insert(signature) }
        }
        self.statusCache = statusCache
      }
    } catch {
      throw .store(error)
    }
    sysvars = try Self.readSysvars(table)
    ethereum =
      if let section = genesis?.ethereum {
        try EthereumLane(section, on: table, executor: executor)
      } else {
        nil
      }
  }

  /// HEAD shows what a log or a manifest lost at its end, but not what it lost before: the database passes over a damaged
  /// part of a log and takes what follows. So, while all accounts are loaded anyway, those of a ledger that is opened again
  /// must add up to the state that its last block names.
  private static func check(
    _ table: AccountTable, against lattice: StateLattice, of store: any AccountStore,
    executor: any BlockExecutor
  ) throws(StoreError) {
    var sum = StateLattice()
    let pieceCount = 1 << 14
    for start in stride(from: 0, to: table.accountCount, by: pieceCount) {
      let piece = (start..<min(start + pieceCount, table.accountCount)).map { table.genesisChange(at: $0) }
      sum.apply(piece, parallelFor: executor.parallelFor)
    }
    guard sum == lattice else {
      throw .corrupted(
        path: (store as? RocksDBStore)?.path ?? "memory",
        detail: "its accounts are not those of its last block")
    }
  }

  /// Commits the genesis as block 0 of an empty store; an older store must have begun with the same.
  private static func begin(
    _ store: any AccountStore, with genesis: Genesis, executor: any BlockExecutor
  ) throws(ChainError) {
    var lattice = StateLattice()
    var changes = genesis.changes
    if let ethereum = genesis.ethereum {
      changes += ethereum.changes
      changes.sort { $0.key < $1.key }
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
    do throws(StoreError) {
      try store.commit(BlockCommit(record: record, changes: changes, stateLattice: lattice.bytes))
    } catch {
      throw .store(error)
    }
  }

  /// The blockhash that transactions of the next block must name.
  public var blockhash: Hash { head.blockhash }
  /// The slot of the last block.
  public var slot: UInt64 { head.slot }
  /// Of the state after the last block.
  public var stateHash: Hash { head.stateHash }

  /// The account at `key` after the last block; `nil` where there is none.
  public func account(_ key: Pubkey) throws(ChainError) -> Account? {
    do throws(StoreError) {
      let account = try table.account(key)
      return account.isVacant ? nil : account
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
      slot: slot, blockhash: head.blockhash, sysvars: sysvars, noncesFollowTransactions: progress == .fixed,
      programs: programs)
  }

  /// Executes transactions as the next block, in effect one after the other, and commits it. Runs of Solana's
  /// transactions go to the executor, runs of Ethereum's to their lane.
  ///
  /// A transaction that cannot be decoded or is not sane is an error of that transaction.
  /// - Parameters:
  ///   - verifiesSignatures: false for input that is known to be signed.
  ///   - recordsTimeline: whether to note when and where each transaction ran.
  ///   - unixTimestamp: of an advancing chain's block, in seconds.
  /// - Throws: `store` when the block could not be committed; the chain then stands where it stood.
  package func execute(
    _ transactions: BlockTransactions, verifiesSignatures: Bool, recordsTimeline: Bool = false,
    unixTimestamp: Int64? = nil
  ) throws(ChainError) -> Block {
    var timing = Timing()
    var execution = MixedExecution(malformedCount: transactions.malformedCount)
    let sysvarsBefore = sysvars
    var record = head
    record.height += 1
    do throws(ChainError) {
      if progress == .advancing {
        record.slot += 1
        record.unixTimestamp = max(record.unixTimestamp, unixTimestamp ?? Clocks.unixSeconds())
        try advanceSysvars(to: record, in: &execution)
      }
      let input = BlockInput(
        wires: [], environment: environment(slot: record.slot), statusCache: statusCache,
        verifiesSignatures: verifiesSignatures,
        recordsTimeline: recordsTimeline)
      let start = Clocks.monotonicNanoseconds()
      try run(transactions, input, record, into: &execution)
      timing.elapsedNanoseconds = Clocks.monotonicNanoseconds() - start
      timing.signatureNanoseconds = execution.signatureNanoseconds
      try commit(execution, record: &record, timing: &timing)
    } catch {
      execution.add(ethereum?.takeFirstChanges())
      table.rollBack(execution.firstChanges)
      sysvars = sysvarsBefore
      ethereum?.invalidate()
      throw error
    }
    sysvars = try Self.readSysvars(table)
    programs.finishBlock()
    return Block(
      height: record.height, results: execution.results, ethereumResults: execution.ethereumResults,
      ethereumEffort: execution.ethereumEffort,
      stateHash: record.stateHash, timing: timing, timeline: execution.timeline)
  }

  /// What came of a block's runs so far.
  fileprivate struct MixedExecution {
    var malformedCount = 0
    var results: [TransactionResult] = []
    var ethereumResults: [EthereumTransactionResult] = []
    var ethereumEffort = EthereumEffort()
    var signatures: [Signature] = []
    /// What changed first, as lists that nobody needs as one.
    var firstChanges: [[AccountTable.FirstChange]] = []
    var signatureNanoseconds: UInt64 = 0
    /// Of a block that is one run.
    var timeline: Timeline?
  }

  private func run(
    _ transactions: BlockTransactions, _ input: BlockInput, _ record: BlockRecord,
    into execution: inout MixedExecution
  ) throws(ChainError) {
    var input = input
    do throws(EVMStateError) {
      try ethereum?.begin(number: record.slot, timestamp: record.unixTimestamp)
    } catch {
      throw .ethereum(detail: "\(error)")
    }
    execution.add(ethereum?.takeFirstChanges())
    for run in transactions.runs {
      switch run {
      case .solana(let wires):
        input.wires = wires
        let part: BlockExecution
        do throws(StoreError) { part = try executor.execute(input, on: table) } catch { throw .store(error) }
        let earlier = execution.signatures.count
        execution.add(part, isWhole: transactions.runs.count == 1)
        if transactions.runs.count > 1 {
          for signature in execution.signatures[earlier...] { input.statusCache.insert(signature) }
        }
      case .ethereum(let wires):
        try self.run(wires, input.verifiesSignatures, into: &execution)
      }
    }
    do throws(EVMStateError) { try ethereum?.end() } catch { throw .ethereum(detail: "\(error)") }
    execution.add(ethereum?.takeFirstChanges())
  }

  private func run(
    _ wires: [EthereumWire], _ verifiesSignatures: Bool, into execution: inout MixedExecution
  ) throws(ChainError) {
    guard let ethereum else {
      execution.ethereumResults += wires.map { EthereumTransactionResult.withoutEthereum($0) }
      return
    }
    do throws(EVMStateError) {
      let results = try ethereum.execute(wires, verifiesSignatures: verifiesSignatures)
      if execution.ethereumResults.isEmpty {
        execution.ethereumResults = results
      } else {
        execution.ethereumResults += results
      }
    } catch {
      throw .ethereum(detail: "\(error)")
    }
    execution.signatureNanoseconds &+= ethereum.takeSignatureNanoseconds()
    execution.ethereumEffort.add(ethereum.takeEffort())
    execution.add(ethereum.takeFirstChanges())
  }

  /// The root of Ethereum's state trie after the last block; `nil` where the ledger has no Ethereum side.
  package func ethereumStateRoot() throws(ChainError) -> Hash? {
    do throws(EVMStateError) { return try ethereum?.stateRoot() } catch {
      throw .ethereum(detail: "\(error)")
    }
  }

  /// The `ethereum` section of a genesis with the accounts after the last block, as JSON.
  package func ethereumDump() throws(ChainError) -> [UInt8]? {
    do throws(EVMStateError) { return try ethereum?.dump() } catch { throw .ethereum(detail: "\(error)") }
  }

  /// Makes the block the head, or throws and leaves all as it was but for the accounts in the table.
  private func commit(
    _ execution: MixedExecution, record: inout BlockRecord, timing: inout Timing
  ) throws(ChainError) {
    let changes = table.finishBlock(execution.firstChanges)
    var lattice = lattice
    let hashStart = Clocks.monotonicNanoseconds()
    lattice.apply(changes, parallelFor: executor.parallelFor)
    record.stateHash = lattice.stateHash
    timing.stateHashNanoseconds = Clocks.monotonicNanoseconds() - hashStart
    record.transactionCount += UInt64(
      execution.results.count + execution.ethereumResults.count + execution.malformedCount)
    record.signatures = execution.signatures
    if progress == .advancing { record.blockhash = Self.nextBlockhash(after: record) }
    let commitStart = Clocks.monotonicNanoseconds()
    do throws(StoreError) {
      try store.commit(BlockCommit(record: record, changes: changes, stateLattice: lattice.bytes))
    } catch {
      throw .store(error)
    }
    timing.commitNanoseconds = Clocks.monotonicNanoseconds() - commitStart
    self.lattice = lattice
    head = record
    if progress == .fixed {
      for signature in record.signatures { statusCache.insert(signature) }
    }
  }

  /// A value nobody could know before the block.
  private static func nextBlockhash(after record: BlockRecord) -> Hash {
    var writer = ByteWriter(capacity: 72)
    writer.write(record.blockhash)
    writer.write(record.stateHash)
    writer.write(record.height)
    return SHA256.hash(writer.bytes)
  }

  private func advanceSysvars(
    to record: BlockRecord, in execution: inout MixedExecution
  ) throws(ChainError) {
    var changes: [AccountTable.FirstChange] = []
    defer { execution.add(changes) }
    do throws(StoreError) {
      let next = sysvars.advanced(
        toSlot: record.slot, unixTimestamp: record.unixTimestamp, parentBlockhash: head.blockhash)
      for (key, account) in next { table.publish(account, at: try table.intern(key), noting: &changes) }
    } catch {
      throw .store(error)
    }
    sysvars = try Self.readSysvars(table)
  }

  private static func readSysvars(_ table: AccountTable) throws(ChainError) -> Sysvars {
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

extension Chain.MixedExecution {
  fileprivate mutating func add(_ part: BlockExecution, isWhole: Bool) {
    if results.isEmpty { results = part.results } else { results += part.results }
    signatures.reserveCapacity(signatures.count + part.results.count)
    for position in part.results.indices where part.processed[position] {
      if let signature = part.results[position].signature { signatures.append(signature) }
    }
    firstChanges += part.firstChanges
    signatureNanoseconds &+= part.signatureNanoseconds
    if isWhole { timeline = part.timeline }
  }

  fileprivate mutating func add(_ changes: [AccountTable.FirstChange]?) {
    if let changes, !changes.isEmpty { firstChanges.append(changes) }
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
  case store(StoreError)
  case workers(SchedulingError)
  /// The genesis names a fork that is none.
  case unknownFork(String)
  /// Memory for the EVM's frames cannot be had.
  case machine(detail: String)
  /// Ethereum's accounts cannot be read.
  case ethereum(detail: String)
}

extension ChainError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noGenesis: "the ledger is empty: it needs a genesis"
    case .differentGenesis:
      "the ledger began with another genesis: name an empty directory, or the genesis it began with"
    case .ledgerExists(let path): "there is a ledger in '\(path)' already: name another directory"
    case .genesis(let error): error.description
    case .sysvar(let error): "a sysvar account is unusable: \(error)"
    case .store(let error): error.description
    case .workers(let error): "workers: \(error)"
    case .unknownFork(let name):
      "the genesis names the fork '\(name)'; the forks are \(Fork.allCases.map(\.name).joined(separator: ", "))"
    case .machine(let detail): "the EVM has no memory: \(detail)"
    case .ethereum(let detail): "Ethereum's state is unusable: \(detail)"
    }
  }
}
