// The table in a wave: workers name keys that it has not seen, claim what they touch (Claim.swift) and replace the accounts
// that they own, all at the same time (WaveTable.swift). What a worker replaced can be taken back from any transaction on.

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

  /// The table as workers use it until the wave ends.
  var shared: WaveTable { WaveTable(self) }

  /// The index of `key`, which the table did not know when the worker looked; `nil` where the room is used up.
  @inline(never)
  func addShared(_ key: Pubkey, tag: UInt32, noting growth: inout Growth) throws(StoreError) -> AccountIndex? {
    // Each worker may add one more after this look.
    guard sharedCount.load(ordering: .relaxed) < waveCapacity else { return nil }
    let account = try store.account(key)
    return interner.shared().add(AccountKey(key), tag: tag, count: sharedCount) { index in
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
    struct First {
      let position: UInt32
      let index: AccountIndex
      /// Place in the list of first changes of the block.
      let place: Int
    }

    struct Later {
      let position: UInt32
      let index: AccountIndex
      let old: Account
    }

    var first: [First] = []
    var later: [Later] = []

    mutating func removeAll() {
      first.removeAll(keepingCapacity: true)
      later.removeAll(keepingCapacity: true)
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
