// A ledger as it was after one of its blocks, for a chain that executes what came next again. Each account is looked up in
// the history when it is asked for (AccountHistory), so that it may be read while the ledger's own chain commits.

import Ledger
import Primitives

/// Nothing can be committed. Reads may come from any thread.
final class PastStore: AccountStore {
  private let base: any AccountStore
  private let history: AccountHistory
  private let last: BlockRecord
  /// Of Ethereum's last block then.
  private let ethereumHead: EthereumArchive.StoredHeader?

  /// - Parameters:
  ///   - record: of the block, whose state is known.
  ///   - ethereumHead: of Ethereum's last block up to it.
  init(
    of base: any AccountStore, after record: BlockRecord, ethereumHead: EthereumArchive.StoredHeader?
  ) {
    (self.base, last, self.ethereumHead) = (base, record, ethereumHead)
    history = AccountHistory(of: base)
  }

  func account(_ key: Pubkey) throws(StoreError) -> Account? {
    try history.account(key, at: last.height)
  }

  /// Keys that have an account now or had one are all there were.
  func forEachAccount(
    in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var found: Set<Pubkey> = []
    try base.forEachAccount(in: keys) { (key, _) throws(StoreError) in
      found.insert(key)
      return true
    }
    try base.forEachEntry(.accountVersions, from: keys.lowerBound.bytes) { (entry, _) throws(StoreError) in
      guard let key = Pubkey(entry.prefix(32)) else { return true }
      if key <= keys.upperBound { found.insert(key) }
      return key <= keys.upperBound
    }
    for key in found.sorted() where !isKnown(key) {
      if let account = try account(key), try !body(key, account) { return }
    }
  }

  /// Too many to read them ahead.
  var estimatedAccountCount: Int { .max }
  var cacheByteCount: Int? { .max }

  var head: BlockRecord? { last }
  var stateLattice: [UInt8] { base.stateLattice }

  func value(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    if family == .settings, key == EthereumArchive.Key.head {
      return ethereumHead.map { EthereumArchive.Key.bytes($0.header.number) + $0.hash.bytes }
    }
    return try base.value(family, key)
  }

  func forEachEntry(
    _ family: StoreFamily, from key: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try base.forEachEntry(family, from: key, body)
  }

  func block(_ height: UInt64) throws(StoreError) -> BlockRecord? {
    height <= last.height ? try base.block(height) : nil
  }

  func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    try base.forEachBlock { (record) throws(StoreError) in
      if record.height <= last.height { try body(record) }
    }
  }

  func commit(_ block: BlockCommit) throws(StoreError) { throw isPast }
  func revert(_ reversal: StoreReversal) throws(StoreError) { throw isPast }

  private var isPast: StoreError {
    .failed(
      path: (base as? RocksDBStore)?.path ?? "memory", detail: "block \(last.height) is not its last one")
  }
}
