// The table of accounts as a cache over the store: what leaves it between blocks, and how to look at all accounts though
// not all are in it. Nothing leaves while a block is executed, so no executor sees any of this; a block's own accounts
// are held whatever the bound.

import CThreads
import Ledger
import Primitives
import Scheduling

extension AccountTable {
  /// What happened to the table since it was last trimmed.
  struct Growth {
    /// About the bytes that the accounts in the table take.
    var byteCount = 0
    /// Where there was no account when the key was first named, or at a block's end; there may be one by now.
    var absent: [AccountIndex] = []
  }

  /// About the bytes that an account takes, its data aside: its entries in the arrays, which are between half and wholly
  /// filled, and what the allocator adds to the data.
  static let entryByteCount = 224

  static func byteCount(of account: Account) -> Int { entryByteCount + account.data.count }

  /// Lets keys go that have no account. The last block is committed.
  func removeAbsent() {
    if growth.absent.isEmpty { return }
    // From the last on: what takes a place that gets free has been looked at.
    var previous: AccountIndex?
    for index in growth.absent.sorted(by: >) where index != previous {
      previous = index
      guard accounts[index.position].isVacant else { continue }
      growth.byteCount -= Self.byteCount(of: accounts[index.position])
      remove(index)
    }
    growth.absent.removeAll(keepingCapacity: growth.absent.count <= 1 << 12)
  }

  /// About the bytes that the accounts take, counted anew.
  func countBytes() -> Int {
    growth.byteCount = (0..<count).reduce(0) { $0 + Self.byteCount(of: accounts[$1]) }
    return growth.byteCount
  }

  /// Lets accounts go until the others take `byteCount` bytes at most, those first that were not used for the longest
  /// time, which is told by powers of two of blocks. The last block is committed.
  ///
  /// - Returns: how many went.
  func evict(to byteCount: Int) -> Int {
    var excess = countBytes() - byteCount
    guard excess > 0 else { return 0 }
    var bytesByAge = [Int](repeating: 0, count: Self.ageCount)
    for position in 0..<count { bytesByAge[age(at: position)] += Self.byteCount(of: accounts[position]) }
    var age = Self.ageCount - 1
    while age > 0 && bytesByAge[age] < excess {
      excess -= bytesByAge[age]
      age -= 1
    }
    let countBefore = count
    for position in (0..<count).reversed() {
      let own = self.age(at: position)
      if own < age || own == age && excess <= 0 { continue }
      let bytes = Self.byteCount(of: accounts[position])
      if own == age { excess -= bytes }
      growth.byteCount -= bytes
      remove(AccountIndex(UInt32(truncatingIfNeeded: position)))
    }
    return countBefore - count
  }

  private static let ageCount = UInt16.bitWidth + 1

  /// The number of bits of the blocks since the account was named or changed. Beyond 65,535 it begins anew, which makes
  /// an account look younger than it is.
  private func age(at position: Int) -> Int {
    let notes = notes + position
    let used = UInt16(truncatingIfNeeded: block) &- notes.pointee.usedIn
    let changed = UInt16(clamping: block &- notes.pointee.changedIn)
    return UInt16.bitWidth - min(used, changed).leadingZeroBitCount
  }

  /// Calls `body` with the accounts of the EVM's key space as they are now, in any order.
  func forEachEVMAccount<Failure: Error>(
    _ body: (Pubkey, Account) throws(Failure) -> Void, orThrow convert: (StoreError) -> Failure
  ) throws(Failure) {
    var failure: Failure?
    do throws(StoreError) {
      // The table may be further than the store, by a block that is not committed yet (Chain+Import.swift).
      try store.forEachAccount(in: EVMKey.all, unless: { index(of: $0) != nil }) { key, account in
        do throws(Failure) { try body(key, account) } catch { failure = error }
        return failure == nil
      }
    } catch {
      throw convert(error)
    }
    if let failure { throw failure }
    // An account's bytes are anywhere in memory: they are fetched while those before it are looked at.
    let ahead = 8
    for position in 0..<count {
      if position + ahead < count {
        let storage = UnsafePointer(accounts + position + ahead).dataStorage
        estuary_prefetch(storage)
        estuary_prefetch(storage + 64)
      }
      let index = AccountIndex(UInt32(truncatingIfNeeded: position))
      let key = key(of: index)
      if EVMKey.contains(key) && !accounts[position].isVacant { try body(key, accounts[position]) }
    }
  }
}
