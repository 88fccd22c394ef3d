// An account store in memory, for tests, embedding and replays that keep nothing.

import Primitives

package final class MemoryStore: AccountStore, @unchecked Sendable {
  private struct State {
    var accounts: [Pubkey: Account] = [:]
    var blocks: [BlockRecord] = []
    var lattice: [UInt8] = []
    var entries = [[[UInt8]: [UInt8]]](repeating: [:], count: StoreFamily.allCases.count)
  }

  // Sound as Sendable: `state` is touched only under `lock`.
  private let lock = Lock()
  private var state: State

  package init() { state = State() }

  private init(_ state: State) { self.state = state }

  package func account(_ key: Pubkey) -> Account? {
    lock.withLock { state.accounts[key] }
  }

  package func forEachAccount(
    in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let accounts = lock.withLock { state.accounts }
    for key in accounts.keys.filter({ keys.contains($0) && !isKnown($0) }).sorted() {
      guard let account = accounts[key], try body(key, account) else { return }
    }
  }

  package var estimatedAccountCount: Int { lock.withLock { state.accounts.count } }
  package var cacheByteCount: Int? { nil }

  package var head: BlockRecord? { lock.withLock { state.blocks.last } }

  package var stateLattice: [UInt8] { lock.withLock { state.lattice } }

  package func commit(_ block: BlockCommit) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      let expected = state.blocks.last.map { $0.height &+ 1 } ?? 0
      guard block.record.height == expected else {
        throw .outOfOrder(expectedHeight: expected, height: block.record.height)
      }
      for change in block.changes { state.accounts[change.key] = change.new }
      state.blocks.append(block.record)
      state.lattice = block.stateLattice
      for entry in block.entries { state.entries[entry.family.rawValue][entry.key] = entry.value }
    }
  }

  package func revert(_ reversal: StoreReversal) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      let height = reversal.record.height
      guard height < UInt64(state.blocks.count) else { throw .noSuchBlock(height: height) }
      for (key, account) in reversal.accounts { state.accounts[key] = account }
      for entry in reversal.entries { state.entries[entry.family.rawValue][entry.key] = entry.value }
      state.blocks.removeSubrange(Int(height) + 1..<state.blocks.count)
      state.lattice = reversal.stateLattice
    }
  }

  package func value(_ family: StoreFamily, _ key: [UInt8]) -> [UInt8]? {
    lock.withLock { state.entries[family.rawValue][key] }
  }

  package func forEachEntry(
    _ family: StoreFamily, from key: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let entries = lock.withLock { state.entries[family.rawValue] }
    let found = entries.filter { !$0.key.lexicographicallyPrecedes(key) }
    for entry in found.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      if try !body(entry.key, entry.value) { return }
    }
  }

  package func block(_ height: UInt64) -> BlockRecord? {
    lock.withLock { height < UInt64(state.blocks.count) ? state.blocks[Int(height)] : nil }
  }

  package func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    for block in lock.withLock({ state.blocks }) { try body(block) }
  }

  /// The state as of now, independent of later commits; shares the accounts' bytes.
  package func snapshot() -> MemoryStore { MemoryStore(lock.withLock { state }) }
}
