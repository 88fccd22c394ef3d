// Where the committed state of a ledger lives. A store knows whole blocks only: a block's accounts and its record are
// written in one atomic batch or not at all, so a store is always at a block's end.

import Primitives

/// The committed accounts of a ledger. Reads may come from any thread; commits come from one at a time.
package protocol AccountStore: AnyObject, Sendable {
  /// The account at `key`; `nil` where there is none.
  func account(_ key: Pubkey) throws(StoreError) -> Account?

  /// Calls `body` with every account, in ascending byte order of the keys, as of one moment.
  func forEachAccount(_ body: (Pubkey, Account) throws(StoreError) -> Void) throws(StoreError)

  /// The last committed block; `nil` in an empty store.
  var head: BlockRecord? { get }

  /// Makes `block` the new head, durably, all or nothing.
  func commit(_ block: BlockCommit) throws(StoreError)

  /// Calls `body` with every block's record, oldest first.
  func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError)
}

/// What a ledger remembers of one block.
package struct BlockRecord: Sendable, Equatable {
  /// Blocks before this one; the genesis is block 0.
  package var height: UInt64
  package var slot: UInt64
  /// Unix seconds.
  package var unixTimestamp: Int64
  /// The one recent blockhash for transactions after this block.
  package var blockhash: Hash
  /// The 2,048-byte lattice of the state after this block.
  package var stateLattice: [UInt8]
  /// Identifies the genesis the ledger began with.
  package var genesisHash: Hash
  /// How many transactions of a replayed file are in this block and those before it.
  package var transactionCount: UInt64
  /// Signatures of the block's transactions that were executed or charged, for the status cache.
  package var signatures: [Signature]

  package init(
    height: UInt64, slot: UInt64, unixTimestamp: Int64, blockhash: Hash, stateLattice: [UInt8], genesisHash: Hash,
    transactionCount: UInt64 = 0, signatures: [Signature] = []
  ) {
    self.height = height
    self.slot = slot
    self.unixTimestamp = unixTimestamp
    self.blockhash = blockhash
    self.stateLattice = stateLattice
    self.genesisHash = genesisHash
    self.transactionCount = transactionCount
    self.signatures = signatures
  }
}

/// One account's change over a block; `nil` means that there is no account.
package struct AccountChange: Sendable, Equatable {
  package var key: Pubkey
  package var old: Account?
  package var new: Account?

  package init(key: Pubkey, old: Account?, new: Account?) {
    self.key = key
    self.old = old
    self.new = new
  }
}

/// What one atomic batch writes.
package struct BlockCommit: Sendable {
  package var record: BlockRecord
  /// Each changed account once; `new == nil` deletes.
  package var changes: [AccountChange]

  package init(record: BlockRecord, changes: [AccountChange]) {
    self.record = record
    self.changes = changes
  }
}

/// Why a ledger directory cannot be used; the text says what to do.
package enum StoreError: Error, Equatable, Sendable {
  /// There is no ledger at `path`.
  case missing(path: String)
  /// Another process has the ledger open.
  case locked(path: String)
  /// The ledger's files are damaged.
  case corrupted(path: String, detail: String)
  /// The directory holds something that is no ledger.
  case foreign(path: String)
  /// The ledger was written in a format that this build does not read.
  case unsupportedFormat(path: String, version: UInt64)
  /// The operating system or the database refused.
  case failed(path: String, detail: String)
  /// A block does not follow the head: heights go up by one.
  case outOfOrder(expectedHeight: UInt64, height: UInt64)
}

extension StoreError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing(let path):
      "there is no ledger at '\(path)': name an existing one, or let a command that creates ledgers make it"
    case .locked(let path):
      "the ledger at '\(path)' is in use by another process: wait for it to finish, or stop it"
    case .corrupted(let path, let detail):
      "the ledger at '\(path)' is damaged (\(detail)): restore it from a checkpoint, or replay it into a new directory"
    case .foreign(let path):
      "'\(path)' holds files that are no Estuary ledger: name an empty or a new directory"
    case .unsupportedFormat(let path, let version):
      "the ledger at '\(path)' has format \(version), which this build does not read: use the build that wrote it"
    case .failed(let path, let detail):
      "the ledger at '\(path)' cannot be used: \(detail)"
    case .outOfOrder(let expected, let height):
      "block \(height) cannot be committed: the next block is \(expected)"
    }
  }
}
