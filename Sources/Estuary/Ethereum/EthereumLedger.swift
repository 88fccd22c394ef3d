// Ethereum's side of a ledger for those who read it while blocks are made: nothing of it changes, and all of it may be used
// from any thread.
//
// A state is that after one of the ledger's blocks (AccountHistory), so whoever asks for several accounts sees one moment
// whatever is committed meanwhile. One of Ethereum's blocks that others follow has the state that the next one met: what a
// person set by hand in between is in it.

import EVM
import Execution
import Ledger
import Primitives
import Runtime
import SBPF
import WideIntegers

package struct EthereumLedger: Sendable {
  package let store: any AccountStore
  package let settings: EthereumGenesis
  package let configuration: ChainConfiguration
  package let archive: EthereumArchive
  package let history: AccountHistory
  /// What executions share: code that was translated once.
  let programs: EVMProgramCache
  let machines: EmulationMachines
  private let environments = EnvironmentCache()

  /// - Returns: `nil` where the ledger has no Ethereum side.
  package init?(_ store: any AccountStore) throws(ChainError) {
    guard let (settings, configuration) = try Chain.storedEthereum(store) else { return nil }
    (self.store, self.settings, self.configuration) = (store, settings, configuration)
    programs = EVMProgramCache()
    machines = EmulationMachines(programs: programs)
    (archive, history) = (EthereumArchive(store: store), AccountHistory(of: store))
  }

  package var chainID: UInt64 { configuration.chainID }

  // MARK: Blocks

  /// The rules that a stored block was made by.
  package func fork(of block: EthereumArchive.StoredHeader) -> Fork {
    configuration.fork(
      number: block.header.number, timestamp: block.header.timestamp,
      totalDifficulty: block.totalDifficulty &- block.header.difficulty)
  }

  /// What transactions of a stored block see of it.
  package func environment(of block: EthereumArchive.StoredHeader) -> BlockEnvironment {
    let archive = archive
    return BlockEnvironment(block.header, fork: fork(of: block), configuration) { number in
      (try? archive.header(number))?.hash
    }
  }

  /// The number of the first block that the ledger has.
  package func firstNumber() throws(StoreError) -> UInt64? {
    var number: UInt64?
    try store.forEachEntry(.ethereumBlocks, from: []) { (key, _) throws(StoreError) in
      number = EthereumArchive.number(key.prefix(8))
      return false
    }
    return number
  }

  /// The height of the last of the ledger's blocks before the one that became Ethereum's block `number`.
  ///
  /// - Parameter height: of a block at or behind that one.
  package func height(before number: UInt64, through height: UInt64) throws(StoreError) -> UInt64? {
    // Numbers rise with heights: the first height with `number` or more is looked for.
    var (low, high) = (0 as UInt64, height + 1)
    while low < high {
      let middle = low + (high - low) / 2
      if let found = try entry(from: middle), found.height <= height, found.number < number {
        low = found.height + 1
      } else {
        high = middle
      }
    }
    // `low` may lie before the block, where blocks of the ledger in between are none of Ethereum's.
    guard let found = try entry(from: low), found.height <= height, found.number == number else { return nil }
    return found.height == 0 ? nil : found.height - 1
  }

  /// The first of the ledger's blocks at `height` or above that is one of Ethereum's.
  private func entry(from height: UInt64) throws(StoreError) -> (height: UInt64, number: UInt64)? {
    var found: (height: UInt64, number: UInt64)?
    try store.forEachEntry(.ethereumIndex, from: EthereumArchive.Key.height(height)) {
      (key, value) throws(StoreError) in
      if key.count == 9, key[0] == EthereumArchive.Key.height(0)[0], value.count == 8 {
        found = (EthereumArchive.number(key.dropFirst()), EthereumArchive.number(value[...]))
      }
      return false
    }
    return found
  }

  // MARK: State

  /// Whether the state after the block at `height` is known, which is not the ledger's last.
  package func knowsState(at height: UInt64) throws(StoreError) -> Bool {
    guard let first = try history.firstHeight() else { return false }
    return height >= first
  }

  /// The state after the ledger's block at `height`, for one thread.
  ///
  /// - Parameter changed: what is otherwise in it; `nil`: there is no account.
  package func state(at height: UInt64, with changed: [Pubkey: Account?] = [:]) -> EVMLedgerState {
    EVMLedgerState(source: PastAccountSource(history, height, changed), programs: programs)
  }

  /// Proves an account and slots of it against the state root of a stored block.
  package func proof(
    of address: Address, slots: [UInt256], in block: EthereumArchive.StoredHeader
  ) throws(TrieError) -> StateProof {
    try tries(of: block).proof(of: address, slots: slots)
  }

  /// The tries of the state after a stored block, whose nodes are kept for the last blocks alone. What they are moved on by
  /// stays in memory: nobody writes it.
  package func tries(of block: EthereumArchive.StoredHeader) -> StateTries {
    StateTries(
      root: block.header.stateRoot, source: StoredTrieNodes(store: store), memory: .everything)
  }

  // MARK: Programs

  /// What contracts reach of programs.
  ///
  /// - Parameters:
  ///   - height: of the block whose sysvars they see.
  ///   - accounts: of the block after which they see accounts; `nil`: they may see none.
  ///   - changed: accounts that are otherwise then.
  func programs(
    sysvarsAt height: UInt64, accountsAt accounts: UInt64?, changed: [Pubkey: Account?] = [:]
  ) throws(ChainError) -> EmulatedPrograms? {
    guard let known = try environment(at: height) else { return nil }
    let history = history
    guard let accounts else {
      return EmulatedPrograms(environment: known.environment, engine: .fastest) {
        (key) throws(EVMStateError) in
        throw .pastState(detail: "the account \(key) of programs")
      }
    }
    let all = known.sysvars.merging(changed.mapValues { $0 ?? .empty }) { sysvar, _ in sysvar }
    return EmulatedPrograms(environment: known.environment, engine: .fastest, changed: all) {
      (key) throws(EVMStateError) in
      do throws(StoreError) { return try history.account(key, at: accounts) ?? .empty } catch {
        throw .store(error)
      }
    }
  }

  typealias KnownEnvironment = (environment: ExecutionEnvironment, sysvars: [Pubkey: Account])

  /// What programs see in the block at `height`; `nil` where its sysvars are no longer kept.
  private func environment(at height: UInt64) throws(ChainError) -> KnownEnvironment? {
    if let known = environments.environment(at: height) { return known }
    var accounts: [Pubkey: Account] = [:]
    let record: BlockRecord
    let features: Features
    do throws(StoreError) {
      guard let found = try store.block(height), let head = store.head,
        height == head.height || head.height - height < AccountHistory.keptSysvarBlocks
      else { return nil }
      record = found
      for key in SysvarID.all {
        if let account = try history.account(key, at: height) { accounts[key] = account }
      }
      // Blocks that execute programs switch no feature on (Chain+Overrides.swift).
      features = try Features { (key) throws(StoreError) in try history.account(key, at: height) ?? .empty }
    } catch { throw .store(error) }
    do throws(SysvarError) {
      let environment = ExecutionEnvironment(
        slot: record.slot, blockhash: record.blockhash,
        sysvars: try Sysvars(accounts: accounts.map { (key: $0.key, account: $0.value) }),
        noncesFollowTransactions: false, programs: environments.programs(with: features))
      environments.keep((environment, accounts), at: height)
      return (environment, accounts)
    } catch { throw .sysvar(error) }
  }

  /// The environment that was used last: most calls are about the last block.
  private final class EnvironmentCache: @unchecked Sendable {
    // Sendable: what changes is touched under `lock`.
    private let lock = Lock()
    private var known: (height: UInt64, value: KnownEnvironment)?
    private var programs = ProgramCache()

    func environment(at height: UInt64) -> KnownEnvironment? {
      lock.withLock { known?.height == height ? known?.value : nil }
    }

    /// Programs that were loaded for these features, or for none yet.
    func programs(with features: Features) -> ProgramCache {
      lock.withLock {
        programs = programs.serving(features)
        return programs
      }
    }

    func keep(_ environment: KnownEnvironment, at height: UInt64) {
      lock.withLock { known = (height, environment) }
    }
  }
}

/// The accounts after one of the ledger's blocks.
private final class PastAccountSource: EVMAccountSource {
  private let history: AccountHistory
  private let height: UInt64
  private let changed: [Pubkey: Account?]

  init(_ history: AccountHistory, _ height: UInt64, _ changed: [Pubkey: Account?]) {
    (self.history, self.height, self.changed) = (history, height, changed)
  }

  func account(at key: Pubkey) throws(EVMStateError) -> Account? {
    if let account = changed[key] { return account }
    do throws(StoreError) { return try history.account(key, at: height) } catch { throw .store(error) }
  }
}
