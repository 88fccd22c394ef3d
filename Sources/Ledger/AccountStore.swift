// Where the committed state of a ledger lives. A store knows whole blocks only: a block's accounts and its
// record are written in one atomic batch or not at all, so a store is always at a block's end.

import Primitives

/// The committed accounts of a ledger. Reads may come from any thread; commits come from one at a time.
package protocol AccountStore: AnyObject, Sendable {
  /// The account at `key`; `nil` where there is none.
  func account(_ key: Pubkey) throws(StoreError) -> Account?

  /// Calls `body` with the accounts of a range of keys, in ascending byte order, as of one moment, until it says false.
  ///
  /// - Parameter isKnown: whose accounts are passed over without being read.
  func forEachAccount(
    in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError)

  /// About how many accounts there are, known without reading them.
  var estimatedAccountCount: Int { get }

  /// The bytes that accounts read from here may take in memory between blocks; `nil` where there is no bound, because
  /// the store holds them in memory itself.
  var cacheByteCount: Int? { get }

  /// The last committed block; `nil` in an empty store.
  var head: BlockRecord? { get }

  /// The bytes of the state lattice after the head; empty in an empty store.
  var stateLattice: [UInt8] { get }

  /// Makes `block` the new head, durably, all or nothing.
  func commit(_ block: BlockCommit) throws(StoreError)

  /// Goes back to an earlier block, durably, all or nothing.
  func revert(_ reversal: StoreReversal) throws(StoreError)

  /// The value of an entry; `nil` where there is none.
  func value(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]?

  /// The same for a value that nobody is going to ask for again: it takes no room from others in memory.
  func valueInPassing(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]?

  /// Calls `body` with the entries of `family` from `key` on, in ascending byte order of the keys, until it says false.
  func forEachEntry(
    _ family: StoreFamily, from key: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError)

  /// The record of a block; `nil` where there is none.
  func block(_ height: UInt64) throws(StoreError) -> BlockRecord?

  /// Calls `body` with every block's record, oldest first.
  func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError)
}

extension AccountStore {
  package func valueInPassing(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try value(family, key)
  }

  package func forEachAccount(
    in keys: ClosedRange<Pubkey>, _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try forEachAccount(in: keys, unless: { _ in false }, body)
  }

  /// Calls `body` with every account, in ascending byte order of the keys, as of one moment.
  package func forEachAccount(_ body: (Pubkey, Account) throws(StoreError) -> Void) throws(StoreError) {
    try forEachAccount(in: .all) { (key, account) throws(StoreError) in
      try body(key, account)
      return true
    }
  }
}

extension ClosedRange<Pubkey> {
  /// Every key there can be.
  package static var all: Self {
    Pubkey.zero...Pubkey(word0: .max, word1: .max, word2: .max, word3: .max)
  }
}
