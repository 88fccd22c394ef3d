// The table in a wave: workers name keys that it has not seen, claim what they touch (Claim.swift) and replace the accounts
// that they own, all at the same time. What a worker replaced can be taken back from any transaction on.

import CThreads
import Ledger
import Primitives
import Scheduling
import Synchronization

extension AccountTable {
  /// Starts a wave with room for `room` new keys.
  func beginWave(room: Int) {
    reserve(room + WorkerPool.workerLimit)
    interner.reserve(room + WorkerPool.workerLimit)
    sharedCount.store(interner.count, ordering: .relaxed)
    wave += 1
    if wave == Claim.waveLimit {
      for position in 0..<interner.count { notes[position].claim.store(0, ordering: .relaxed) }
      wave = 1
    }
  }

  /// Ends it; no worker runs.
  func endWave() { interner.adopt(count: sharedCount) }

  /// The same for a table in which there may be programs among the new accounts.
  func endWaveWithPrograms() {
    let known = interner.count
    endWave()
    for position in known..<interner.count { noteProgramData(of: AccountIndex(UInt32(truncatingIfNeeded: position))) }
  }

  /// The index of `key`, by any worker of a wave; `nil` where the room is used up.
  func internShared(_ key: Pubkey, noting growth: inout Growth) throws(StoreError) -> AccountIndex? {
    let tag = hasher.tag(of: AccountKey(key))
    if let known = interner.sharedIndex(of: AccountKey(key), tag: tag) { return known }
    // Each worker may add one more after this look.
    guard sharedCount.load(ordering: .relaxed) < waveCapacity else { return nil }
    let account = try store.account(key)
    return interner.addShared(AccountKey(key), tag: tag, count: sharedCount) { index in
      if account == nil { growth.absent.append(index) }
      growth.byteCount += Self.byteCount(of: account ?? .empty)
      (accounts + index.position).initialize(to: account ?? .empty)
      (notes + index.position).initialize(to: Notes())
      notes[index.position].usedIn = UInt16(truncatingIfNeeded: block)
    }
  }

  /// Takes over what a worker noted while it named keys.
  func add(_ growth: inout Growth) {
    self.growth.byteCount += growth.byteCount
    self.growth.absent += growth.absent
    growth.byteCount = 0
    growth.absent.removeAll(keepingCapacity: true)
  }

  /// Asks for the account of a key of this tag and its notes, if its slot is already near.
  @inline(__always) func prefetchSharedAccount(tag: UInt32) {
    guard let (place, index) = interner.sharedKeyPlace(tag: tag) else { return }
    estuary_prefetch(place)
    estuary_prefetch(accounts + index.position)
    estuary_prefetch(notes + index.position)
  }

  /// Claims the account of `key` for reading, if there is one and nobody forbids it, and asks for its data.
  @inline(__always) func prefetchShared(_ key: Pubkey, _ claimant: Claimant) {
    let key = AccountKey(key)
    guard let index = interner.sharedIndex(of: key, tag: hasher.tag(of: key)),
      (try? claimRead(index, claimant)) != nil
    else { return }
    let storage = account(at: index).dataStorage
    estuary_prefetch(storage)
    estuary_prefetch(storage + 64)
  }

  /// The key at an index that a worker of the wave was given.
  func sharedKey(of index: AccountIndex) -> Pubkey { Pubkey(interner.sharedKey(of: index)) }

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
      if replace(old, with: new, at: index) { return 0 }
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

  /// Lets everybody read the account at `index` and add to its balance, and nobody change it or read its balance.
  func claimForCredits(_ index: AccountIndex) {
    // Nobody is behind the last position, so a conflict over it is one of who comes second alone.
    let claim = Claim(
      wave: wave, first: UInt32(Claim.positionLimit), worker: 0, mode: .readByMany, balance: .credited)
    notes[index.position].claim.store(claim.bits, ordering: .relaxed)
  }

  // MARK: Changes that can be taken back

  /// What a worker has replaced in a wave, in order.
  struct WaveChanges {
    fileprivate struct First {
      let position: UInt32
      let index: AccountIndex
      /// Place in the list of first changes of the block.
      let place: Int
    }

    fileprivate struct Later {
      let position: UInt32
      let index: AccountIndex
      let old: Account
    }

    fileprivate var first: [First] = []
    fileprivate var later: [Later] = []

    mutating func removeAll() {
      first.removeAll(keepingCapacity: true)
      later.removeAll(keepingCapacity: true)
    }
  }

  /// Replaces an account that the worker owns, as `publish` does, for the transaction at `position` of the wave.
  @inline(__always)
  func publish(
    _ account: consuming Account, at index: AccountIndex, position: UInt32, noting changes: inout [FirstChange],
    _ waveChanges: inout WaveChanges
  ) {
    let isFirst = notes[index.position].changedIn != block
    publish(from: &account, at: index, noting: &changes)
    if isFirst {
      waveChanges.first.append(.init(position: position, index: index, place: changes.count - 1))
    } else {
      // Publishing left there what the account was.
      waveChanges.later.append(.init(position: position, index: index, old: account))
    }
  }

  /// Takes back what transactions from `position` on have replaced; no worker runs.
  func rollBack(_ waveChanges: WaveChanges, from position: UInt32, _ changes: [FirstChange]) {
    for change in waveChanges.later.reversed() {
      if change.position < position { break }
      accounts[change.index.position] = change.old
    }
    for change in waveChanges.first.reversed() {
      if change.position < position { break }
      accounts[change.index.position] = changes[change.place].old
    }
  }
}
