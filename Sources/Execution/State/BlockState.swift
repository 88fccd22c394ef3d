// What blocks are executed on: two tables of accounts, one for each family of transactions, because keys are added to
// each by one thread at a time, and the two families run at the same time. A key of the EVM's space belongs to
// Ethereum's table. Solana's transactions may name such a key for reading; the other table then holds a copy, taken when
// all earlier transactions have run (BlockPreparation.swift), never written and never counted.

import EVM
import Ledger
import Primitives
import Runtime
import Scheduling

/// Used by one block at a time.
package final class BlockState: @unchecked Sendable {
  // Sendable: the executor orders what its workers read and write (AccountTable.swift); the rest changes between blocks.

  /// Solana's.
  package let table: AccountTable
  package let ethereumTable: AccountTable
  /// Where the ledger has an Ethereum side.
  package private(set) var ethereum: EthereumState?
  /// What Ethereum's transactions of the block reach of Solana's table.
  private(set) var programSide: ProgramSide?
  /// Solana's transactions of earlier blocks.
  package var statusCache = StatusCache()

  private let store: any AccountStore
  /// Accounts that the timelines of blocks name, under the indices that they have there.
  private var waitedFor = AccountInterner()
  /// Accounts that have left memory, to be read again when they are next named.
  package private(set) var evictedCount = 0

  package init(store: any AccountStore, hasEthereum: Bool) {
    self.store = store
    table = AccountTable(store: store)
    ethereumTable = AccountTable(store: store)
    ethereum = hasEthereum ? EthereumState(ethereumTable) : nil
  }

  /// The ledger got an Ethereum side.
  package func addEthereum() { if ethereum == nil { ethereum = EthereumState(ethereumTable) } }

  /// A block begins.
  ///
  /// - Parameter refusesCrossing: whether Solana's transactions run beside Ethereum's.
  func beginPrograms(_ environment: ExecutionEnvironment, refusesCrossing: Bool = false) {
    programSide = ethereum == nil ? nil : ProgramSide(table, environment, refusesCrossing: refusesCrossing)
  }

  /// State before the block of the accounts of programs that Ethereum's transactions have changed first.
  func takeProgramChanges() -> [[AccountTable.FirstChange]] {
    defer { programSide = nil }
    return programSide?.takeFirstChanges() ?? []
  }

  /// `timeline` with indices that hold for as long as this lives.
  ///
  /// - Parameter key: of an account by the index that it has in `timeline`.
  func naming(_ timeline: Timeline, _ key: (AccountIndex) -> Pubkey) -> Timeline {
    timeline.mapAccounts { waitedFor.intern(AccountKey(key($0))) }
  }

  package func key(inTimelines account: AccountIndex) -> Pubkey { Pubkey(waitedFor.key(of: account)) }

  /// For people: a key of Solana's, an address of Ethereum's, or a slot and its contract.
  package func name(inTimelines account: AccountIndex) -> String {
    let key = key(inTimelines: account)
    switch EVMKey.kind(of: key) {
    case .account(let address): return address.description
    case .slot:
      // The key is a hash; what lies under it says of what.
      guard let slot = (try? self.account(key)).flatMap({ EVMRecord.decodeSlot($0.data) }) else { return key.description }
      return "\(slot.address) slot \(slot.slot)"
    case .code, nil: return key.description
    }
  }

  /// A ledger of so few accounts is read as a whole when it is opened: one pass over them takes no longer than to look
  /// for some hundreds of them.
  private static let smallAccountCount = 1 << 14
  private static let smallByteCount = 16 << 20

  /// Takes accounts into memory ahead of their use: all, where the store has them in memory as well or they are few.
  package func readAhead() throws(StoreError) {
    let isSmall = store.estimatedAccountCount <= Self.smallAccountCount
    guard store.cacheByteCount == nil || isSmall else { return }
    let byteLimit = store.cacheByteCount.map { min($0 / 2, Self.smallByteCount) } ?? .max
    let (table, ethereumTable) = (table, ethereumTable)
    try store.forEachAccount(in: .all) { key, account in
      (EVMKey.contains(key) ? ethereumTable : table).load(key, account)
      return table.growth.byteCount + ethereumTable.growth.byteCount < byteLimit
    }
  }

  /// Whether `trim` would look for accounts that may leave.
  package var isAboveBound: Bool {
    guard let limit = store.cacheByteCount else { return false }
    return table.growth.byteCount + ethereumTable.growth.byteCount > limit
  }

  /// Lets go of what a block that is committed need not have left in memory: keys without accounts, and above the store's
  /// bound accounts that were not used lately. Indices of accounts hold until then.
  package func trim() {
    table.removeAbsent()
    ethereumTable.removeAbsent()
    guard let limit = store.cacheByteCount, isAboveBound else { return }
    let (bytes, ethereumBytes) = (table.countBytes(), ethereumTable.countBytes())
    // Well below the bound, so that the next pass over the accounts is not soon due.
    if bytes + ethereumBytes <= limit / 4 * 3 { return }
    let share = Double(limit) / 2 / Double(bytes + ethereumBytes)
    evictedCount += table.evict(to: Int(share * Double(bytes)))
    evictedCount += ethereumTable.evict(to: Int(share * Double(ethereumBytes)))
  }

  /// The account at `key` as of now; `Account.empty` where there is none.
  package func account(_ key: Pubkey) throws(StoreError) -> Account {
    try (EVMKey.contains(key) ? ethereumTable : table).account(key)
  }

  /// Ends a block: what it changed, sorted by key, an account that ended as it began left out.
  package func finishBlock(_ changes: BlockChanges) -> [AccountChange] {
    Self.merged(table.finishBlock(changes.solana), ethereumTable.finishBlock(changes.ethereum))
  }

  /// What has changed, as above. No worker runs.
  package func changes(since changes: BlockChanges) -> [AccountChange] {
    Self.merged(table.changes(since: changes.solana), ethereumTable.changes(since: changes.ethereum))
  }

  private static func merged(_ solana: [AccountChange], _ ethereum: [AccountChange]) -> [AccountChange] {
    // Keys of the EVM's space lie together.
    guard let first = ethereum.first else { return solana }
    var all = solana
    let place = all.firstIndex { first.key < $0.key } ?? all.count
    all.insert(contentsOf: ethereum, at: place)
    return all
  }

  /// Takes back a block that could not be committed, or executed.
  package func rollBack(_ changes: BlockChanges) {
    table.rollBack(changes.solana)
    ethereumTable.rollBack(changes.ethereum)
    ethereum?.invalidate()
  }
}

extension BlockState {
  /// The store has gone back to an earlier block, at which these accounts were as given.
  package func revert(_ accounts: [Pubkey: Account?]) {
    for (key, account) in accounts {
      (EVMKey.contains(key) ? ethereumTable : table).revert(key, to: account)
    }
    // Copies of the other family's accounts are taken anew where they are named.
    ethereum?.invalidate()
    trim()
  }
}

/// State before a block of every account written, in lists of any order.
package struct BlockChanges: Sendable {
  /// Of Solana's table.
  package var solana: [[AccountTable.FirstChange]] = []
  /// Of Ethereum's.
  package var ethereum: [[AccountTable.FirstChange]] = []

  package init(solana: [[AccountTable.FirstChange]] = [], ethereum: [[AccountTable.FirstChange]] = []) {
    (self.solana, self.ethereum) = (solana, ethereum)
  }
}
