// The table of accounts as one worker uses it in a wave: a value of plain pointers, which every worker has a copy of. The
// table itself is an object; if workers referred to it for each look, the count of its references would go from one
// processor to the other at every step (docs/scheduler.md).

import CThreads
import Ledger
import Primitives
import Scheduling
import Synchronization

/// Good from the beginning of a wave to its end, in which no array of the table moves.
struct WaveTable: BitwiseCopyable {
  private let interner: ConcurrentInterner
  private let hasher: AccountKeyHasher
  private let accounts: UnsafeMutablePointer<Account>
  private let notes: UnsafeMutablePointer<AccountTable.Notes>
  private let block: UInt32
  /// The wave's number.
  let wave: UInt64

  init(_ table: AccountTable) {
    (interner, hasher) = (table.interner.shared(), table.hasher)
    (accounts, notes) = (table.accounts, table.notes)
    (block, wave) = (table.block, table.wave)
  }

  // MARK: Keys

  @inline(__always) func tag(of key: Pubkey) -> UInt32 { hasher.tag(of: AccountKey(key)) }

  /// The index of `key`, whose tag this is; `nil` where the table does not have it yet.
  @inline(__always) func index(of key: Pubkey, tag: UInt32) -> AccountIndex? {
    interner.index(of: AccountKey(key), tag: tag)
  }

  /// The key at an index that a worker was given.
  func key(of index: AccountIndex) -> Pubkey { Pubkey(interner.key(of: index)) }

  @inline(__always) func account(at index: AccountIndex) -> UnsafePointer<Account> {
    UnsafePointer(accounts + index.position)
  }

  /// Asks for the memory in which a key of this tag will be looked for.
  @inline(__always) func prefetchSlot(tag: UInt32) { estuary_prefetch(interner.slotPlace(tag: tag)) }

  /// Asks for the account of a key of this tag and its notes, if its slot is already near.
  @inline(__always) func prefetchAccount(tag: UInt32) {
    guard let (place, index) = interner.keyPlace(tag: tag) else { return }
    estuary_prefetch(place)
    estuary_prefetch(accounts + index.position)
    estuary_prefetch(notes + index.position)
  }

  /// Claims the account of `key` for reading, if there is one and nobody forbids it, and asks for its data.
  @inline(__always) func prefetch(_ key: Pubkey, _ claimant: Claimant) {
    let key = AccountKey(key)
    guard let index = interner.index(of: key, tag: hasher.tag(of: key)),
      (try? claimRead(index, claimant)) != nil
    else { return }
    let storage = account(at: index).dataStorage
    estuary_prefetch(storage)
    estuary_prefetch(storage + 64)
  }

  // MARK: Claims

  func claim(at index: AccountIndex) -> Claim {
    Claim(bits: notes[index.position].claim.load(ordering: .acquiring))
  }

  private func replace(_ old: Claim, with new: Claim, at index: AccountIndex) -> Bool {
    notes[index.position].claim.compareExchange(
      expected: old.bits, desired: new.bits, ordering: .acquiringAndReleasing
    ).exchanged
  }

  /// Claims the account at `index` for reading everything but its balance.
  ///
  /// - Returns: one more than the position of the worker's own last transaction that changed it; 0 for none.
  @inline(__always)
  func claimRead(_ index: AccountIndex, _ claimant: Claimant) throws(ClaimConflict) -> UInt32 {
    while true {
      let old = claim(at: index)
      let new: Claim
      if old.wave != claimant.wave {
        new = Claim(wave: claimant.wave, first: claimant.position, worker: claimant.worker, mode: .readByOne)
      } else if old.mode == .readByMany {
        if old.first <= claimant.position || old.first == Claim.positionLimit { return 0 }
        new = old.with(first: claimant.position)
      } else if old.worker == claimant.worker {
        if old.first <= claimant.position { return old.lastWrite }
        // It was claimed ahead for a later transaction.
        if replace(old, with: old.with(first: claimant.position), at: index) { return old.lastWrite }
        continue
      } else if old.mode == .owned {
        throw ClaimConflict(first: old.first)
      } else {
        new = old.with(first: min(old.first, claimant.position), mode: .readByMany)
      }
      if replace(old, with: new, at: index) {
        if old.wave != claimant.wave { noteUse(of: index) }
        return 0
      }
    }
  }

  /// Says that the account at `index` is used, which the first to claim it does in a wave, and nobody else.
  @inline(__always) private func noteUse(of index: AccountIndex) {
    let place = notes + index.position
    if place.pointee.usedIn != UInt16(truncatingIfNeeded: block) {
      place.pointee.usedIn = UInt16(truncatingIfNeeded: block)
    }
  }

  /// Claims the account at `index` for changing it.
  func claimWrite(_ index: AccountIndex, _ claimant: Claimant) throws(ClaimConflict) {
    while true {
      let old = claim(at: index)
      let new: Claim
      if old.wave != claimant.wave {
        new = Claim(
          wave: claimant.wave, first: claimant.position, lastWrite: claimant.position + 1, worker: claimant.worker,
          mode: .owned)
      } else if claimant.isAlone(old) {
        // The worker's own credits are not in the account yet.
        if old.balance == .credited { throw ClaimConflict(first: claimant.position) }
        new = old.with(lastWrite: claimant.position + 1, mode: .owned)
      } else {
        throw ClaimConflict(first: old.first)
      }
      if replace(old, with: new, at: index) { return }
    }
  }

  /// Claims the balance of the account at `index`, which the claimant reads, for reading.
  func claimBalance(_ index: AccountIndex, _ claimant: Claimant) throws(ClaimConflict) {
    while true {
      let old = claim(at: index)
      if claimant.owns(old) || old.balance == .read { return }
      if old.balance == .credited {
        throw ClaimConflict(first: claimant.isAlone(old) ? claimant.position : old.first)
      }
      if replace(old, with: old.with(balance: .read), at: index) { return }
    }
  }

  /// Claims the balance of the account at `index`, which the claimant reads, for adding to it.
  ///
  /// - Returns: whether the claimant owns the account, and is to add to it at once.
  func claimCredit(_ index: AccountIndex, _ claimant: Claimant) throws(ClaimConflict) -> Bool {
    while true {
      let old = claim(at: index)
      if claimant.owns(old) {
        try claimWrite(index, claimant)
        return true
      }
      switch old.balance {
      case .credited: return false
      case .read:
        try claimWrite(index, claimant)
        return true
      case .untouched: if replace(old, with: old.with(balance: .credited), at: index) { return false }
      }
    }
  }

  /// Whether nobody but the claimant has touched the account at `index`, and it has not yet been added to.
  func mayOwn(_ index: AccountIndex, _ claimant: Claimant) -> Bool {
    let claim = claim(at: index)
    return claimant.isAlone(claim) && claim.balance != .credited
  }

  /// Makes the account at `index`, to which the claimant alone has added, the claimant's.
  ///
  /// - Returns: `false` where others have touched it.
  func claimOwnCredits(_ index: AccountIndex, _ claimant: Claimant) -> Bool {
    while true {
      let old = claim(at: index)
      guard claimant.isAlone(old), old.balance == .credited else { return false }
      if replace(
        old, with: old.with(lastWrite: claimant.position + 1, mode: .owned, balance: .untouched), at: index)
      {
        return true
      }
    }
  }

  // MARK: Changes

  /// Replaces an account that the worker owns, as `publish` does, for the transaction at `position` of the wave.
  @inline(__always)
  func publish(
    _ account: consuming Account, at index: AccountIndex, position: UInt32, noting changes: inout [AccountTable.FirstChange],
    _ waveChanges: inout AccountTable.WaveChanges
  ) {
    let entry = accounts + index.position
    if account.isVacant { account = .empty }
    if notes[index.position].changedIn != block {
      notes[index.position].changedIn = block
      changes.append(AccountTable.FirstChange(index: index, old: entry.move()))
      entry.initialize(to: account)
      waveChanges.first.append(.init(position: position, index: index, place: changes.count - 1))
    } else {
      swap(&entry.pointee, &account)
      waveChanges.later.append(.init(position: position, index: index, old: account))
    }
  }
}
