// The store of a chain that begins where another one stands: what changed since, over the other one's store. The other
// one may go on meanwhile: before it commits a block, it has its forks keep what the block replaces (`preserve`). So a
// fork costs what changes in either, whatever the size of the state.

import Ledger
import Primitives

/// Reads may come from any thread, also while the other chain commits; iterations only while it does not.
final class ForkedStore: AccountStore, @unchecked Sendable {
  // Sendable: everything that changes is touched under `lock`.
  private let base: any AccountStore
  private let beginning: BlockRecord
  private let lock = Lock()
  private var state: State

  private struct State {
    /// What differs from the base: this chain's own changes, and what the base has replaced since. `nil`: there is none.
    var accounts: [Pubkey: Account?] = [:]
    var entries = [[[UInt8]: [UInt8]?]](repeating: [:], count: StoreFamily.allCases.count)
    var blocks: [BlockRecord] = []
    var lattice: [UInt8]
  }

  /// `nil` where the base is empty.
  init?(over base: any AccountStore) {
    guard let head = base.head else { return nil }
    (self.base, beginning) = (base, head)
    state = State(lattice: base.stateLattice)
  }

  /// What the base was after an earlier block.
  ///
  /// - Parameter accounts: those that have changed since.
  init(over base: any AccountStore, as accounts: [Pubkey: Account?], after block: BlockRecord) {
    (self.base, beginning) = (base, block)
    state = State(lattice: base.stateLattice)
    state.accounts = accounts
  }

  /// Keeps what `block` is about to replace in the base.
  func preserve(_ block: BlockCommit) throws(StoreError) {
    var entries: [(StoreEntry, old: [UInt8]?)] = []
    for entry in block.entries { entries.append((entry, try base.value(entry.family, entry.key))) }
    lock.withLock {
      for change in block.changes where state.accounts[change.key] == nil {
        state.accounts[change.key] = .some(change.old)
      }
      for (entry, old) in entries where state.entries[entry.family.rawValue][entry.key] == nil {
        state.entries[entry.family.rawValue][entry.key] = .some(old)
      }
    }
  }

  // MARK: Reading

  func account(_ key: Pubkey) throws(StoreError) -> Account? {
    if let known = lock.withLock({ state.accounts[key] }) { return known }
    let found = try base.account(key)
    // The base may have committed in between; what it replaced was kept before that.
    return lock.withLock { state.accounts[key] } ?? found
  }

  func value(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    if let known = lock.withLock({ state.entries[family.rawValue][key] }) { return known }
    let found = try base.value(family, key)
    return lock.withLock { state.entries[family.rawValue][key] } ?? found
  }

  var head: BlockRecord? { lock.withLock { state.blocks.last } ?? beginning }

  var stateLattice: [UInt8] { lock.withLock { state.lattice } }

  func forEachAccount(
    in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let changed = lock.withLock { state.accounts }
    var own = changed.keys.filter { keys.contains($0) && !isKnown($0) }.sorted()[...]
    func take(before key: Pubkey?) throws(StoreError) -> Bool {
      while let next = own.first, key.map({ next < $0 }) ?? true {
        own.removeFirst()
        if let account = changed[next] ?? nil, try !body(next, account) { return false }
      }
      return true
    }
    var goesOn = true
    try base.forEachAccount(in: keys, unless: isKnown) { (key, account) throws(StoreError) in
      goesOn = try take(before: key)
      if goesOn, changed[key] == nil { goesOn = try body(key, account) }
      return goesOn
    }
    if goesOn { _ = try take(before: nil) }
  }

  var estimatedAccountCount: Int { base.estimatedAccountCount + lock.withLock { state.accounts.count } }

  /// A fork takes nothing into memory that it does not need, so that it costs what it changes.
  var cacheByteCount: Int? { base.cacheByteCount ?? .max }

  func forEachEntry(
    _ family: StoreFamily, from key: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let changed = lock.withLock { state.entries[family.rawValue] }
    var keys = changed.keys.filter { !$0.lexicographicallyPrecedes(key) }
      .sorted { $0.lexicographicallyPrecedes($1) }[...]
    func take(before key: [UInt8]?) throws(StoreError) -> Bool {
      while let next = keys.first, key.map({ next.lexicographicallyPrecedes($0) }) ?? true {
        keys.removeFirst()
        if let value = changed[next] ?? nil, try !body(next, value) { return false }
      }
      return true
    }
    var goesOn = true
    try base.forEachEntry(family, from: key) { (key, value) throws(StoreError) in
      goesOn = try take(before: key)
      if goesOn, changed[key] == nil { goesOn = try body(key, value) }
      return goesOn
    }
    if goesOn { _ = try take(before: nil) }
  }

  func block(_ height: UInt64) throws(StoreError) -> BlockRecord? {
    if height <= beginning.height { return try base.block(height) }
    return lock.withLock {
      let index = Int(clamping: height - beginning.height - 1)
      return index < state.blocks.count ? state.blocks[index] : nil
    }
  }

  func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    try base.forEachBlock { (record) throws(StoreError) in
      if record.height <= beginning.height { try body(record) }
    }
    for record in lock.withLock({ state.blocks }) { try body(record) }
  }

  // MARK: Writing

  func commit(_ block: BlockCommit) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      let expected = (state.blocks.last ?? beginning).height &+ 1
      guard block.record.height == expected else {
        throw .outOfOrder(expectedHeight: expected, height: block.record.height)
      }
      for change in block.changes { state.accounts[change.key] = .some(change.new) }
      for entry in block.entries { state.entries[entry.family.rawValue][entry.key] = .some(entry.value) }
      state.blocks.append(block.record)
      state.lattice = block.stateLattice
    }
  }
}

extension ForkedStore {
  func revert(_ reversal: StoreReversal) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      let height = reversal.record.height
      let last = (state.blocks.last ?? beginning).height
      // What was before the fork belongs to the chain that it began from.
      guard height >= beginning.height, height <= last else { throw .noSuchBlock(height: height) }
      for (key, account) in reversal.accounts { state.accounts[key] = .some(account) }
      for entry in reversal.entries { state.entries[entry.family.rawValue][entry.key] = .some(entry.value) }
      state.blocks.removeLast(Int(last - height))
      state.lattice = reversal.stateLattice
    }
  }
}

/// The forks of a chain that are still there.
struct Forks {
  private struct Fork { weak var store: ForkedStore? }

  private var forks: [Fork] = []

  mutating func add(_ store: ForkedStore) { forks.append(Fork(store: store)) }

  /// Whether any is there.
  var isEmpty: Bool { !forks.contains { $0.store != nil } }

  /// Has every fork keep what `block` replaces.
  mutating func preserve(_ block: BlockCommit, of store: any AccountStore) throws(StoreError) {
    if forks.isEmpty { return }
    forks.removeAll { $0.store == nil }
    for fork in forks { try fork.store?.preserve(block) }
  }
}

extension Chain {
  /// A chain of its own that begins where this one stands, in memory: what happens on either does not reach the other. A
  /// snapshot to come back to, or a place to try something out; its cost grows with what changes.
  ///
  /// - Parameter workers: as of a new chain.
  public func fork(workers: Int = 1) throws(ChainError) -> Chain {
    guard let store = ForkedStore(over: store) else { throw .noGenesis }
    let fork = try Chain(
      store: store, genesis: nil, executor: try Self.executor(workers: workers, contracts),
      progress: progress, programs: programs, contracts: contracts)
    forks.add(store)
    return fork
  }
}
