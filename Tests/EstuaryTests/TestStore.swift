// A store in memory that behaves as a store on a disk may: it bounds what is held of it in memory, and single calls of it
// fail.

import Ledger
import Primitives

final class TestStore: AccountStore, @unchecked Sendable {
  // Sendable: what changes is used under `lock`.
  static let failure = StoreError.failed(path: "memory", detail: "refused")

  private let store = MemoryStore()
  let cacheByteCount: Int?
  private let lock = Lock()
  private var refusedHeight: UInt64?
  /// Reads that do not fail before one that does.
  private var readsLeft: Int?
  private var reads = 0

  /// - Parameters:
  ///   - height: the block that is not committed the first time.
  init(cacheByteCount: Int? = nil, refusing height: UInt64? = nil) {
    self.cacheByteCount = cacheByteCount
    refusedHeight = height
  }

  /// By turns one that holds nothing in memory beyond a block, some accounts, and all.
  static func tight(_ turn: UInt64) -> TestStore { TestStore(cacheByteCount: [0, 4096, nil][Int(turn % 3)]) }

  /// Accounts that were read one by one.
  var readCount: Int { lock.withLock { reads } }

  /// Lets one read fail, after so many that do not.
  func failRead(after count: Int) { lock.withLock { readsLeft = count } }

  func account(_ key: Pubkey) throws(StoreError) -> Account? {
    let fails = lock.withLock {
      reads += 1
      defer { readsLeft = readsLeft.flatMap { $0 > 0 ? $0 - 1 : nil } }
      return readsLeft == 0
    }
    if fails { throw Self.failure }
    return store.account(key)
  }

  func forEachAccount(
    in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try store.forEachAccount(in: keys, unless: isKnown, body)
  }

  func commit(_ block: BlockCommit) throws(StoreError) {
    let refuses = lock.withLock {
      defer { if refusedHeight == block.record.height { refusedHeight = nil } }
      return refusedHeight == block.record.height
    }
    if refuses { throw Self.failure }
    try store.commit(block)
  }

  func revert(_ reversal: StoreReversal) throws(StoreError) { try store.revert(reversal) }

  var head: BlockRecord? { store.head }
  var stateLattice: [UInt8] { store.stateLattice }
  var estimatedAccountCount: Int { store.estimatedAccountCount }
  func block(_ height: UInt64) throws(StoreError) -> BlockRecord? { store.block(height) }
  func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    try store.forEachBlock(body)
  }
  func value(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    store.value(family, key)
  }
  func forEachEntry(
    _ family: StoreFamily, from key: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try store.forEachEntry(family, from: key, body)
  }
}
