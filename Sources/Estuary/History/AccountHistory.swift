// Accounts of both worlds as earlier blocks left them. Each block notes what stood where it wrote, under the account's key and
// its own height:
//
//   family            key                              value
//   account-versions  account key (32) · height (8)    the account as it was before the block at that height changed it
//                                                      (AccountRecord); of no bytes where there was none
//   block-accounts    height (8)                       keys (32 each) of what the block changed, sysvars left out; blocks
//                                                      that changed nothing else have none
//   settings          "account-history"                height (8): the states after this block and later ones are known
//
// Heights are big-endian, so the state of an account after block N is the first version above N, or what stands there now.
// Who reads the present account first and then looks for a version needs no lock against the block that is being
// committed: either the present account was read before, or the version is there.
//
// Sysvars change with every block, 20 KB of them: their versions are kept for the last 1,024 blocks alone, and the first one
// of each for as long as the ledger's beginning is known, so that all can be executed again (Chain+Reexecution.swift).

import Ledger
import Primitives

package struct AccountHistory: Sendable {
  /// How many blocks keep versions of sysvars.
  package static let keptSysvarBlocks: UInt64 = 1024

  let store: any AccountStore

  package init(of store: any AccountStore) { self.store = store }

  // MARK: Reading

  /// The states after the block at this height and later ones are known; `nil` where the ledger keeps none but the last.
  package func firstHeight() throws(StoreError) -> UInt64? {
    guard let value = try store.value(.settings, Self.settingsKey) else { return nil }
    guard value.count == 8 else { throw damaged("the height where its history of accounts begins") }
    return Self.integer(value)
  }

  /// The account at `key` after the block at `height`, one whose state is known.
  package func account(_ key: Pubkey, at height: UInt64) throws(StoreError) -> Account? {
    // The order matters: see above.
    let present = try store.account(key)
    var found: Account?? = nil
    let prefix = key.bytes
    try store.forEachEntry(.accountVersions, from: prefix + Self.bytes(height + 1)) {
      (entry, value) throws(StoreError) in
      if entry.count == 40, entry.starts(with: prefix) { found = .some(try decode(value, key)) }
      return false
    }
    return found ?? present
  }

  /// Calls `body` with every account that has changed since states are known, as it was then; `nil` where there was none.
  func forEachFirstVersion(_ body: (Pubkey, Account?) throws(StoreError) -> Void) throws(StoreError) {
    var last: Pubkey?
    try store.forEachEntry(.accountVersions, from: []) { (entry, value) throws(StoreError) in
      guard entry.count == 40, let key = Pubkey(entry.prefix(32)) else { throw damaged("an earlier state") }
      if key != last { try body(key, try decode(value, key)) }
      last = key
      return true
    }
  }

  /// The height of the first block that changed the account; `nil` where none is known to.
  private func firstVersion(of key: Pubkey) throws(StoreError) -> UInt64? {
    var height: UInt64?
    try store.forEachEntry(.accountVersions, from: key.bytes) { (entry, _) throws(StoreError) in
      if entry.count == 40, entry.starts(with: key.bytes) { height = Self.integer(Array(entry.suffix(8))) }
      return false
    }
    return height
  }

  /// What the block at `height` changed, as it was before: `nil` where there was no account. In no order.
  package func replaced(by height: UInt64) throws(StoreError) -> [(key: Pubkey, account: Account?)] {
    let listed = try keys(of: height)
    var replaced: [(key: Pubkey, account: Account?)] = []
    for key in listed {
      guard let value = try store.value(.accountVersions, Self.key(key, height)) else {
        throw damaged("what block \(height) replaced at \(key)")
      }
      replaced.append((key, try decode(value, key)))
    }
    for key in SysvarID.all {
      guard let value = try store.value(.accountVersions, Self.key(key, height)) else { continue }
      replaced.append((key, try decode(value, key)))
    }
    return replaced
  }

  /// The keys of what a block changed, sysvars left out.
  func keys(of height: UInt64) throws(StoreError) -> [Pubkey] {
    guard let value = try store.value(.blockAccounts, Self.bytes(height)) else { return [] }
    guard value.count % 32 == 0 else { throw damaged("the list of what block \(height) changed") }
    return stride(from: 0, to: value.count, by: 32).compactMap { Pubkey(value[$0..<$0 + 32]) }
  }

  private func decode(_ value: [UInt8], _ key: Pubkey) throws(StoreError) -> Account? {
    if value.isEmpty { return nil }
    guard let account = value.withUnsafeBytes({ AccountRecord.decode($0) }) else {
      throw damaged("an earlier state of \(key)")
    }
    return account
  }

  private func damaged(_ what: String) -> StoreError {
    .corrupted(path: (store as? RocksDBStore)?.path ?? "memory", detail: "\(what) is malformed or missing")
  }

  // MARK: Writing

  /// What the batch of the block at `height` has for it, and what goes because it is too old.
  ///
  /// - Parameters:
  ///   - first: from where on states are known before this block (`firstHeight`); `nil`: only the present one.
  ///   - blockCount: blocks whose versions stay, from 1.
  /// - Returns: the entries, and from where on states are known after this block.
  func entries(
    height: UInt64, _ changes: [AccountChange], knownFrom first: UInt64?, keeping blockCount: UInt64
  ) throws(StoreError) -> (entries: [StoreEntry], knownFrom: UInt64) {
    var entries: [StoreEntry] = []
    entries.reserveCapacity(changes.count + SysvarID.all.count + 2)
    var keys: [UInt8] = []
    keys.reserveCapacity(32 * changes.count)
    for change in changes {
      entries.append(
        StoreEntry(
          .accountVersions, Self.key(change.key, height), change.old.map { AccountRecord.encode($0) } ?? []))
      if !Self.sysvars.contains(change.key) { keys += change.key.bytes }
    }
    if !keys.isEmpty { entries.append(StoreEntry(.blockAccounts, Self.bytes(height), keys)) }
    var known = first ?? height - 1
    if height > Self.keptSysvarBlocks {
      let old = height - Self.keptSysvarBlocks
      for key in SysvarID.all {
        let place = Self.key(key, old)
        // In passing: these bytes, of each block, would fill the cache.
        guard try store.valueInPassing(.accountVersions, place) != nil else { continue }
        // What the ledger began with.
        if known == 0, try firstVersion(of: key) == old { continue }
        entries.append(StoreEntry(.accountVersions, place, nil))
      }
    }
    if height > blockCount {
      let old = height - blockCount
      for key in try self.keys(of: old) {
        entries.append(StoreEntry(.accountVersions, Self.key(key, old), nil))
      }
      entries.append(StoreEntry(.blockAccounts, Self.bytes(old), nil))
      if known == 0 {
        for key in SysvarID.all {
          guard let first = try firstVersion(of: key), first + Self.keptSysvarBlocks <= height else { continue }
          entries.append(StoreEntry(.accountVersions, Self.key(key, first), nil))
        }
      }
      known = max(known, old)
    }
    if known != first { entries.append(StoreEntry(.settings, Self.settingsKey, Self.bytes(known))) }
    return (entries, known)
  }

  /// What the batch of a block has that keeps no versions: earlier states are not known any more.
  static let end = StoreEntry(.settings, settingsKey, nil)

  private static let settingsKey = Array("account-history".utf8)
  private static let sysvars = Set(SysvarID.all)

  private static func key(_ key: Pubkey, _ height: UInt64) -> [UInt8] { key.bytes + bytes(height) }
  private static func bytes(_ height: UInt64) -> [UInt8] {
    withUnsafeBytes(of: height.bigEndian) { Array($0) }
  }
  private static func integer(_ bytes: [UInt8]) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
