// The accounts in play, addressed by dense index: each key is looked up once, when a transaction is interned, and
// everything behind works on flat arrays. The table holds the state after every transaction published so far; the
// store holds the state at the last block's end, and an account comes from there when its key is first named.
//
// Between blocks the table holds nothing that the store does not, so that anything may leave it: `trim`
// (AccountTable+Cache.swift) lets keys without an account go, and where the table has a bound, what was not used for the
// longest time. Indices hold for one block: the last account takes the place of one that leaves.
//
// Threads: interning happens on one thread at a time. While workers run, entry i is read by transactions that declared
// account i and written by the one that declared it as writable; the conflict graph keeps the two apart in time, and
// `reserve` has made room before, so that the arrays do not move. Where transactions declare nothing, workers claim what
// they touch instead (AccountTable+Claims.swift).

import CThreads
import Ledger
import Primitives
import Runtime
import Scheduling
import Synchronization

package final class AccountTable: @unchecked Sendable {
  // Sendable: see the paragraph on threads above.
  @exclusivity(unchecked) var interner: AccountInterner
  @exclusivity(unchecked) var accounts: UnsafeMutablePointer<Account>
  @exclusivity(unchecked) var notes: UnsafeMutablePointer<Notes>
  /// Programdata keys of upgradeable programs, as of the last barrier: workers may be changing the accounts.
  @exclusivity(unchecked) private var programDataKeys: [UInt32: Pubkey] = [:]
  private var capacity: Int
  @exclusivity(unchecked) private(set) var block: UInt32 = 1
  let store: any AccountStore
  /// What has changed its size or come and gone since the table was last trimmed.
  @exclusivity(unchecked) var growth = Growth()
  /// Of waves (AccountTable+Claims.swift): the number of the last one, and that of keys while workers add some.
  @exclusivity(unchecked) var wave: UInt64 = 0
  let sharedCount = Atomic<Int>(0)

  struct Notes: ~Copyable {
    /// The block in which the account was changed first, or 0; see `publish`.
    var changedIn: UInt32 = 0
    /// Low bits of the last block that interned the key.
    var usedIn: UInt16 = 0
    /// Whether `programDataKeys` has an entry.
    var isUpgradeableProgram = false
    /// Which worker touches it in a wave, and how.
    let claim = Atomic<UInt64>(0)
  }

  package var count: Int { interner.count }
  /// Keys from which on a wave adds no more; each worker may have one under way. Accounts and keys lie in arrays of
  /// different sizes.
  var waveCapacity: Int { min(capacity, interner.capacity) - WorkerPool.workerLimit }
  /// Keys for which there is room before arrays move.
  var freeCount: Int { capacity - interner.count }
  let hasher: AccountKeyHasher

  package init(store: any AccountStore, expectedCount: Int = 1024) {
    self.store = store
    interner = AccountInterner(expectedCount: expectedCount)
    hasher = interner.hasher()
    capacity = max(expectedCount, 16)
    accounts = Self.allocateAccounts(capacity)
    notes = .allocate(capacity: capacity)
  }

  deinit {
    accounts.deinitialize(count: interner.count)
    accounts.deallocate()
    notes.deallocate()
  }

  /// An account is a cache line long, and shall not lie on two.
  private static func allocateAccounts(_ capacity: Int) -> UnsafeMutablePointer<Account> {
    UnsafeMutableRawPointer.allocate(byteCount: capacity * MemoryLayout<Account>.stride, alignment: 64)
      .bindMemory(to: Account.self, capacity: capacity)
  }

  /// Makes room for `additional` new keys, so that no array moves until they are used up.
  package func reserve(_ additional: Int) {
    let wanted = interner.count + additional
    guard wanted > capacity else { return }
    let newCapacity = max(wanted, 2 * capacity)
    let newAccounts = Self.allocateAccounts(newCapacity)
    newAccounts.moveInitialize(from: accounts, count: interner.count)
    accounts.deallocate()
    accounts = newAccounts
    let newNotes = UnsafeMutablePointer<Notes>.allocate(capacity: newCapacity)
    newNotes.moveInitialize(from: notes, count: interner.count)
    notes.deallocate()
    notes = newNotes
    capacity = newCapacity
  }

  /// Takes over an account of the store.
  func load(_ key: Pubkey, _ account: Account) {
    let known = interner.count
    reserve(1)
    let index = interner.intern(AccountKey(key))
    if index.position == known { add(account, at: index) }
  }

  /// Takes a copy of an account that another table holds, which is no change; no transaction that reads it runs.
  func copy(_ account: Account, at index: AccountIndex) { accounts[index.position] = account }

  /// The index of `key`, whose account is read from the store the first time. The caller has reserved room if workers
  /// are running.
  package func intern(_ key: Pubkey) throws(StoreError) -> AccountIndex {
    try intern(key, tag: hasher.tag(of: AccountKey(key)))
  }

  /// As above; `tag` is the key's.
  @inline(__always) func intern(_ key: Pubkey, tag: UInt32) throws(StoreError) -> AccountIndex {
    let known = interner.count
    if known == capacity { reserve(1) }
    let index = interner.intern(AccountKey(key), knownTag: tag)
    if index.position == known {
      try read(key, at: index)
    } else {
      let place = notes + index.position
      // Most are named many times in a block: a line that other processors read is not written each time.
      if place.pointee.usedIn != UInt16(truncatingIfNeeded: block) {
        place.pointee.usedIn = UInt16(truncatingIfNeeded: block)
      }
    }
    return index
  }

  @inline(never) private func read(_ key: Pubkey, at index: AccountIndex) throws(StoreError) {
    let account: Account?
    do throws(StoreError) { account = try store.account(key) } catch {
      // Else it would pass for an account that is not there.
      interner.remove(index)
      throw error
    }
    if account == nil { growth.absent.append(index) }
    add(account ?? .empty, at: index)
    notes[index.position].usedIn = UInt16(truncatingIfNeeded: block)
  }

  private func add(_ account: Account, at index: AccountIndex) {
    (accounts + index.position).initialize(to: account)
    (notes + index.position).initialize(to: Notes())
    growth.byteCount += Self.byteCount(of: account)
    noteProgramData(of: index)
  }

  /// Whether the account at `index` is an upgradeable program, as of the last barrier.
  @inline(__always) func hasProgramData(_ index: AccountIndex) -> Bool {
    notes[index.position].isUpgradeableProgram
  }

  /// The programdata account of the upgradeable program at `index`, as of the last barrier.
  package func programData(of index: AccountIndex) -> Pubkey? {
    notes[index.position].isUpgradeableProgram ? programDataKeys[index.rawValue] : nil
  }

  func noteProgramData(of index: AccountIndex) {
    let key = ImplicitRead.programData(of: accounts[index.position])
    if key == nil && !notes[index.position].isUpgradeableProgram { return }
    notes[index.position].isUpgradeableProgram = key != nil
    programDataKeys[index.rawValue] = key
  }

  /// No worker runs: the accounts at `indices` may have become programs, or have ceased to be.
  func noteBarrier(_ indices: [AccountIndex]) {
    for index in indices { noteProgramData(of: index) }
  }

  /// Whether a change of the account at `index` to `account` is one that `noteBarrier` is to hear of.
  @inline(__always) func mayChangeProgramData(_ account: UnsafePointer<Account>, at index: AccountIndex)
    -> Bool
  {
    account.pointee.owner == ProgramID.bpfLoaderUpgradeable || notes[index.position].isUpgradeableProgram
  }

  /// Asks for the memory in which `intern` will look for a key of this tag.
  @inline(__always) func prefetchSlot(tag: UInt32) { estuary_prefetch(interner.slotPlace(tag: tag)) }

  /// Asks for the account of a key of this tag and what `intern` reads of it, if its slot is already near.
  @inline(__always) func prefetchAccount(tag: UInt32) {
    guard let (place, index) = interner.keyPlace(tag: tag), index.position < capacity else { return }
    estuary_prefetch(place)
    estuary_prefetch(accounts + index.position)
    estuary_prefetch(notes + index.position)
  }

  /// Asks for the first bytes of the data of the account of a key of this tag, if the account is already near.
  @inline(__always) func prefetchData(tag: UInt32) {
    guard let (_, index) = interner.keyPlace(tag: tag), index.position < interner.count else { return }
    let storage = account(at: index).dataStorage
    estuary_prefetch(storage)
    estuary_prefetch(storage + 64)
  }

  /// Asks for what `publish` reads of the account at `index` beside the account.
  @inline(__always) func prefetchNotes(_ index: AccountIndex) { estuary_prefetch(notes + index.position) }

  package func index(of key: Pubkey) -> AccountIndex? { interner.index(of: AccountKey(key)) }

  package func key(of index: AccountIndex) -> Pubkey { Pubkey(interner.key(of: index)) }

  @inline(__always) package subscript(index: AccountIndex) -> Account {
    _read { yield accounts[index.position] }
  }

  /// The account at `key` as of now; `Account.empty` where there is none.
  package func account(_ key: Pubkey) throws(StoreError) -> Account {
    if let index = index(of: key) { return accounts[index.position] }
    return try store.account(key) ?? .empty
  }

  /// Replaces an account; one without lamports is gone. The first change in a block goes to `changes` together with
  /// the account's state before, which is what the commit needs.
  package func publish(_ account: Account, at index: AccountIndex, noting changes: inout [FirstChange]) {
    var account = account
    publish(from: &account, at: index, noting: &changes)
  }

  /// As above; takes the account from `slot` and leaves another one.
  @inline(__always) package func publish(
    from slot: UnsafeMutablePointer<Account>, at index: AccountIndex, noting changes: inout [FirstChange]
  ) {
    let position = index.position
    let entry = accounts + position
    if notes[position].changedIn != block {
      notes[position].changedIn = block
      changes.append(FirstChange(index: index, old: entry.move()))
      entry.initialize(to: Account(owner: .zero, rentEpoch: 0))
    }
    if slot.pointee.isVacant { slot.pointee = .empty }
    swap(&entry.pointee, &slot.pointee)
  }

  /// Where the account at `index` lies until the table grows.
  @inline(__always) package func account(at index: AccountIndex) -> UnsafePointer<Account> {
    UnsafePointer(accounts + index.position)
  }

  /// Makes room at `index` by letting its account go, whose place the last one takes. It is as the store has it.
  func remove(_ index: AccountIndex) {
    let (place, last) = (index.position, interner.count - 1)
    if notes[place].isUpgradeableProgram { programDataKeys[index.rawValue] = nil }
    (accounts + place).deinitialize(count: 1)
    if place < last {
      (accounts + place).moveInitialize(from: accounts + last, count: 1)
      (notes + place).deinitialize(count: 1)
      (notes + place).moveInitialize(from: notes + last, count: 1)
      if notes[place].isUpgradeableProgram {
        programDataKeys[index.rawValue] = programDataKeys.removeValue(forKey: UInt32(last))
      }
    }
    interner.remove(index)
  }

  /// Code of every program in the table.
  package var programs: [ProgramSource] {
    (0..<interner.count).compactMap { position in
      ProgramSource(accounts[position]) { key in index(of: key).map { accounts[$0.position] } }
    }
  }

  /// An account's state before its first change in a block.
  package struct FirstChange {
    package var index: AccountIndex
    package var old: Account
  }

  /// Ends a block: what it changed, sorted by key, an account that ended as it began left out.
  package func finishBlock(_ firstChanges: [[FirstChange]]) -> [AccountChange] {
    block &+= 1
    return changes(since: firstChanges, endsBlock: true)
  }

  /// What has changed, sorted by key, an account that is as it was left out. No worker runs.
  package func changes(since firstChanges: [[FirstChange]], endsBlock: Bool = false) -> [AccountChange] {
    var changes: [AccountChange] = []
    changes.reserveCapacity(firstChanges.reduce(0) { $0 + $1.count })
    for part in firstChanges {
      for change in part {
        noteProgramData(of: change.index)
        let new = accounts[change.index.position]
        if new == change.old { continue }
        if endsBlock {
          if new.isVacant { growth.absent.append(change.index) }
          growth.byteCount += new.data.count - change.old.data.count
        }
        changes.append(
          AccountChange(
            key: key(of: change.index), old: change.old.isVacant ? nil : change.old,
            new: new.isVacant ? nil : new))
      }
    }
    return changes.sortedByKey()
  }

  /// Takes back a block that could not be committed, or a run that is to be repeated.
  package func rollBack(_ firstChanges: [[FirstChange]]) {
    block &+= 1
    for part in firstChanges {
      for change in part {
        accounts[change.index.position] = change.old
        noteProgramData(of: change.index)
      }
    }
  }
}

extension AccountTable {
  /// The store has gone back to a block at which the account at `key` was as given; one that is not in the table is read
  /// from there when it is named.
  func revert(_ key: Pubkey, to account: Account?) {
    guard let index = index(of: key) else { return }
    let account = account ?? .empty
    growth.byteCount += account.data.count - accounts[index.position].data.count
    accounts[index.position] = account
    if account.isVacant { growth.absent.append(index) }
    noteProgramData(of: index)
  }
}

extension AccountKey {
  @inline(__always) package init(_ key: Pubkey) {
    self.init(word0: key.word0, word1: key.word1, word2: key.word2, word3: key.word3)
  }
}

extension AccountKey {
  @inline(__always) package init(_ hash: Hash) {
    self.init(word0: hash.word0, word1: hash.word1, word2: hash.word2, word3: hash.word3)
  }
}

extension Pubkey {
  @inline(__always) init(_ key: AccountKey) {
    self.init(word0: key.word0, word1: key.word1, word2: key.word2, word3: key.word3)
  }
}
