// An account store in memory, for tests, embedding and replays that keep nothing.

import Primitives
import Synchronization

package final class MemoryStore: AccountStore {
  private struct State {
    var accounts: [Pubkey: Account] = [:]
    var blocks: [BlockRecord] = []
    var lattice: [UInt8] = []
  }

  private let state = Mutex(State())

  package init() {}

  package func account(_ key: Pubkey) -> Account? {
    state.withLock { $0.accounts[key] }
  }

  package func forEachAccount(_ body: (Pubkey, Account) throws(StoreError) -> Void) throws(StoreError) {
    let accounts = state.withLock { $0.accounts }
    for (key, account) in accounts.sorted(by: { $0.key < $1.key }) { try body(key, account) }
  }

  package var head: BlockRecord? { state.withLock { $0.blocks.last } }

  package var stateLattice: [UInt8] { state.withLock { $0.lattice } }

  package func commit(_ block: BlockCommit) throws(StoreError) {
    let expected: UInt64? = state.withLock { state in
      let expected = state.blocks.last.map { $0.height &+ 1 } ?? 0
      guard block.record.height == expected else { return expected }
      for change in block.changes { state.accounts[change.key] = change.new }
      state.blocks.append(block.record)
      state.lattice = block.stateLattice
      return nil
    }
    if let expected { throw .outOfOrder(expectedHeight: expected, height: block.record.height) }
  }

  package func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    for block in state.withLock({ $0.blocks }) { try body(block) }
  }

  /// The state as of now, independent of later commits; shares the accounts' bytes.
  package func snapshot() -> MemoryStore {
    let copy = MemoryStore()
    let current = state.withLock { $0 }
    copy.state.withLock { $0 = current }
    return copy
  }
}
