// Where the committed state of a ledger lives. A store knows whole blocks only: a block's accounts and its
// record are written in one atomic batch or not at all, so a store is always at a block's end.

import Primitives

/// The committed accounts of a ledger. Reads may come from any thread; commits come from one at a time.
package protocol AccountStore: AnyObject, Sendable {
  /// The account at `key`; `nil` where there is none.
  func account(_ key: Pubkey) throws(StoreError) -> Account?

  /// Calls `body` with every account, in ascending byte order of the keys, as of one moment.
  func forEachAccount(_ body: (Pubkey, Account) throws(StoreError) -> Void) throws(StoreError)

  /// The last committed block; `nil` in an empty store.
  var head: BlockRecord? { get }

  /// The bytes of the state lattice after the head; empty in an empty store.
  var stateLattice: [UInt8] { get }

  /// Makes `block` the new head, durably, all or nothing.
  func commit(_ block: BlockCommit) throws(StoreError)

  /// Calls `body` with every block's record, oldest first.
  func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError)
}
