// Which accounts a program owns, and which token accounts belong to a wallet, a delegate or a mint, so that nobody has to
// walk over all accounts for them:
//
//   family         key                                              value
//   account-index  kind (1: o, w, d, m) · whose (32) · account (32)  none
//   settings       "account-index"                                  1 byte, where the index has every account
//
// An entry is a hint: whoever reads one looks at the account. So there may be entries too many and never one too few, and the
// index can be built beside a node that goes on making blocks: each block's batch has the entries of what it changed, and
// going back puts those of what it restores (Chain+Snapshots.swift). The system program's accounts are not indexed, so that
// a transfer to a new wallet writes nothing here; neither are the EVM's records.

import Execution
import Ledger
import Primitives

package struct OwnerIndex: Sendable {
  package enum Kind: UInt8, Sendable {
    /// By the program that owns the account.
    case owner = 0x6f  // "o"
    /// Of a token account: by who holds it, who may spend of it, and its mint.
    case holder = 0x77  // "w"
    case delegate = 0x64  // "d"
    case mint = 0x6d  // "m"
  }

  let store: any AccountStore

  package init(of store: any AccountStore) { self.store = store }

  // MARK: Reading

  /// Whether it has every account.
  package func isComplete() throws(StoreError) -> Bool { try store.value(.settings, Self.settingsKey) != nil }

  /// Whether accounts of a program are in it.
  package static func covers(_ program: Pubkey) -> Bool { program != ProgramID.system }

  /// Calls `body` with the accounts whose entry it is and which there are, in ascending order of keys, until it says false.
  /// They may have become another's since.
  package func forEachAccount(
    _ kind: Kind, of whose: Pubkey, _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let prefix = [kind.rawValue] + whose.bytes
    try store.forEachEntry(.accountIndex, from: prefix) { (entry, _) throws(StoreError) in
      guard entry.count == 65, entry.starts(with: prefix), let key = Pubkey(entry[33...]) else {
        return false
      }
      guard let account = try store.account(key) else { return true }
      return try body(key, account)
    }
  }

  // MARK: Writing

  private static let settingsKey = Array("account-index".utf8)

  /// Says that every account is in it.
  package static let completion = StoreEntry(.settings, settingsKey, [1])
  /// What the batch of a block has that leaves no entries.
  static let end = StoreEntry(.settings, settingsKey, nil)

  /// What the batch of a block has for it.
  static func entries(_ changes: [AccountChange]) -> [StoreEntry] {
    var entries: [StoreEntry] = []
    for change in changes where !EVMKey.contains(change.key) {
      let (old, new) = (Places(change.old), Places(change.new))
      if old == new { continue }
      for (kind, whose) in old.all where !new.has(kind, whose) {
        entries.append(StoreEntry(.accountIndex, key(kind, whose, change.key), nil))
      }
      for (kind, whose) in new.all where !old.has(kind, whose) {
        entries.append(StoreEntry(.accountIndex, key(kind, whose, change.key), []))
      }
    }
    return entries
  }

  /// The entries of an account.
  package static func entries(_ key: Pubkey, _ account: Account) -> [StoreEntry] {
    if EVMKey.contains(key) { return [] }
    return Places(account).all.map { StoreEntry(.accountIndex, Self.key($0, $1, key), []) }
  }

  private static func key(_ kind: Kind, _ whose: Pubkey, _ account: Pubkey) -> [UInt8] {
    [kind.rawValue] + whose.bytes + account.bytes
  }

  /// Under which keys an account is found.
  private struct Places: Equatable {
    private var owner: Pubkey?
    private var holder: Pubkey?
    private var delegate: Pubkey?
    private var mint: Pubkey?

    init(_ account: Account?) {
      guard let account, OwnerIndex.covers(account.owner) else { return }
      owner = account.owner
      guard TokenState.programs.contains(account.owner), let holding = TokenState.Holding(account) else {
        return
      }
      (holder, delegate, mint) = (holding.owner, holding.delegate, holding.mint)
    }

    var all: [(Kind, Pubkey)] {
      [(.owner, owner), (.holder, holder), (.delegate, delegate), (.mint, mint)].compactMap { kind, whose in
        whose.map { (kind, $0) }
      }
    }

    func has(_ kind: Kind, _ whose: Pubkey) -> Bool {
      switch kind {
      case .owner: owner == whose
      case .holder: holder == whose
      case .delegate: delegate == whose
      case .mint: mint == whose
      }
    }
  }

  // MARK: Building

  /// Accounts whose entries are written at once.
  private static let batchCount = 4096

  /// Writes the entries of all accounts of a ledger on disk that was made without an index, while blocks may go on.
  ///
  /// - Parameter goesOn: asked now and then.
  /// - Returns: whether it came to the end; who makes the blocks then writes `completion`.
  package static func build(
    in store: RocksDBStore, while goesOn: () -> Bool
  ) throws(StoreError) -> Bool {
    var entries: [StoreEntry] = []
    var count = 0
    var isWhole = true
    try store.forEachAccount(in: .all) { (key, account) throws(StoreError) in
      entries += Self.entries(key, account)
      count += 1
      if count % batchCount == 0 {
        try store.write(entries)
        entries = []
        isWhole = goesOn()
      }
      return isWhole
    }
    try store.write(entries)
    return isWhole
  }

  /// Finds every account by its entries, where the index says that it has all.
  package func verify() throws(StoreError) {
    guard try isComplete() else { return }
    try store.forEachAccount { (key, account) throws(StoreError) in
      for entry in Self.entries(key, account) where try store.value(.accountIndex, entry.key) == nil {
        throw .corrupted(
          path: (store as? RocksDBStore)?.path ?? "memory", detail: "account \(key) is not found by its owner"
        )
      }
    }
  }
}
