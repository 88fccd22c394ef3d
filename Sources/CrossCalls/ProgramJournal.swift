// The programs' half of a transaction's journal: accounts of programs as the transaction sees them, the last return data,
// logs, and what was drawn from the sender. A mark is a position in the undo log; the EVM's journal keeps marks among its
// own entries, so that one rollback takes both worlds back in reverse order (`EVMBorder`). Accounts that are only read may be
// lent: workers that all copied a program's account would count references to its data in common memory.
//
// Which accounts were met, and which named writable, is never rolled back: the transaction's outcome depends on them.

import Ledger
import Primitives
import Runtime

struct ProgramJournal: ~Copyable {
  /// What is known of an account that was met.
  struct Entry {
    let key: Pubkey
    /// Where the account as the transaction found it lies, if it was lent.
    fileprivate let lent: UnsafePointer<Account>?
    /// A program could have changed it, or something here has.
    fileprivate(set) var isWritable = false
    /// Whether the transaction has set it.
    fileprivate var isChanged = false
  }

  private enum Undo {
    case account(Int, Account?)
    case returnData(Pubkey, [UInt8])
    case growth(Int64)
    /// The log's end.
    case logs(Int)
    case drawn(UInt64)
  }

  private(set) var entries: [Entry] = []
  /// One an entry each: the account as the transaction found it, if it was not lent; as it is, if the transaction has set it;
  /// else no account. They move when an entry is added.
  private var found: UnsafeMutablePointer<Account>
  private var changed: UnsafeMutablePointer<Account>
  private var capacity = 16
  /// By key, of more than `scannedCount` entries: fewer are found sooner by looking at each.
  private var positions: [Pubkey: Int] = [:]
  private static let scannedCount = 16
  private var undo: [Undo] = []
  /// Of the last program that set any; the zero key where none has.
  private(set) var returnData: (program: Pubkey, data: [UInt8]) = (.zero, [])
  /// Bytes by which account data has grown.
  private(set) var growth: Int64 = 0
  private(set) var logs = LogLines()
  /// Lamports that were bought with the sender's wei.
  private(set) var drawn: UInt64 = 0
  /// Bytes of data of the accounts met.
  private(set) var loadedByteCount = 0

  init() {
    found = Self.slots(capacity)
    changed = Self.slots(capacity)
  }

  deinit {
    for slots in [found, changed] {
      slots.deinitialize(count: capacity)
      slots.deallocate()
    }
  }

  private static var nothing: Account { Account(owner: .zero, rentEpoch: 0) }

  private static func slots(_ count: Int) -> UnsafeMutablePointer<Account> {
    let slots = UnsafeMutablePointer<Account>.allocate(capacity: count)
    slots.initialize(repeating: nothing, count: count)
    return slots
  }

  var isEmpty: Bool { entries.isEmpty && undo.isEmpty }

  mutating func removeAll() {
    for (position, entry) in entries.enumerated() {
      if entry.lent == nil { found[position] = Self.nothing }
      if entry.isChanged { changed[position] = Self.nothing }
    }
    entries.removeAll(keepingCapacity: true)
    if !positions.isEmpty { positions.removeAll(keepingCapacity: true) }
    undo.removeAll(keepingCapacity: true)
    returnData = (.zero, [])
    logs.removeAll()
    (growth, drawn, loadedByteCount) = (0, 0, 0)
  }

  var mark: UInt64 { UInt64(undo.count) }

  mutating func rollBack(to mark: UInt64) {
    while UInt64(undo.count) > mark, let last = undo.popLast() {
      switch last {
      case .account(let position, let account):
        entries[position].isChanged = account != nil
        changed[position] = account ?? Self.nothing
      case .returnData(let program, let data): returnData = (program, data)
      case .growth(let bytes): growth = bytes
      case .logs(let end): logs.remove(from: end)
      case .drawn(let lamports): drawn = lamports
      }
    }
  }

  // MARK: Accounts

  func position(of key: Pubkey) -> Int? {
    if entries.count > Self.scannedCount { return positions[key] }
    for position in entries.indices where entries[position].key == key { return position }
    return nil
  }

  mutating func insert(_ account: LoadedAccount, at key: Pubkey) -> Int {
    let position = entries.count
    if position == capacity { grow() }
    switch account {
    case .lent(let place):
      entries.append(Entry(key: key, lent: place))
      loadedByteCount += place.pointee.data.count
    case .owned(let account):
      entries.append(Entry(key: key, lent: nil))
      loadedByteCount += account.data.count
      found[position] = account
    }
    if position == Self.scannedCount {
      for (position, entry) in entries.enumerated() { positions[entry.key] = position }
    } else if position > Self.scannedCount {
      positions[key] = position
    }
    return position
  }

  private mutating func grow() {
    func moved(_ old: UnsafeMutablePointer<Account>) -> UnsafeMutablePointer<Account> {
      let new = UnsafeMutablePointer<Account>.allocate(capacity: 2 * capacity)
      new.moveInitialize(from: old, count: capacity)
      (new + capacity).initialize(repeating: Self.nothing, count: capacity)
      old.deallocate()
      return new
    }
    found = moved(found)
    changed = moved(changed)
    capacity *= 2
  }

  /// The account at `position` as the transaction found it, until another one is met.
  func original(_ position: Int) -> UnsafePointer<Account> { entries[position].lent ?? UnsafePointer(found + position) }

  /// The account at `position` as it is, until it is set or another one is met.
  func account(_ position: Int) -> UnsafePointer<Account> {
    entries[position].isChanged ? UnsafePointer(changed + position) : original(position)
  }

  /// As above, for a program.
  func place(_ position: Int) -> AccountPlace {
    AccountPlace(account(position), isLent: !entries[position].isChanged && entries[position].lent != nil)
  }

  /// Whether the transaction has set the account at `position`.
  func isChanged(_ position: Int) -> Bool { entries[position].isChanged }

  mutating func noteWritable(_ position: Int) { entries[position].isWritable = true }

  mutating func set(_ account: consuming Account, at position: Int) {
    entries[position].isWritable = true
    swap(&changed[position], &account)
    undo.append(.account(position, entries[position].isChanged ? account : nil))
    entries[position].isChanged = true
  }

  /// Calls `body` with the accounts that were changed since `mark` and are not as they were by a rollback, as they are now;
  /// with one that was changed more than once as often.
  func forEachChange(since mark: UInt64, _ body: (Pubkey, Account) -> Void) {
    for entry in undo[Int(mark)...] {
      if case .account(let position, _) = entry { body(entries[position].key, account(position).pointee) }
    }
  }

  // MARK: The rest

  mutating func setReturnData(_ program: Pubkey, _ data: [UInt8]) {
    if data.isEmpty && returnData.data.isEmpty && program == returnData.program { return }
    undo.append(.returnData(returnData.program, returnData.data))
    returnData = (program, data)
  }

  mutating func addGrowth(_ bytes: Int64) {
    if bytes == 0 { return }
    undo.append(.growth(growth))
    growth += bytes
  }

  /// Appends what the instruction that `processor` ran last has logged.
  mutating func appendLogs(of processor: InstructionProcessor) {
    undo.append(.logs(logs.end))
    processor.appendLogs(to: &logs)
  }

  /// Forgets the lines that have come since the log's end was `end`: they belong to a program's log now.
  mutating func removeLogs(from end: Int) { logs.remove(from: end) }

  mutating func setDrawn(_ lamports: UInt64) {
    undo.append(.drawn(drawn))
    drawn = lamports
  }
}
