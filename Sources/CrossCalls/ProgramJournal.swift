// The programs' half of a transaction's journal: accounts of programs as the transaction sees them, the last return data,
// logs, and what was drawn from the sender. A mark is a position in the undo log; the EVM's journal keeps marks among its
// own entries, so that one rollback takes both worlds back in reverse order (`EVMBorder`). Accounts that are only read may be
// lent: workers that all copied a program's account would count references to its data in common memory.
//
// Which accounts were met, and which named writable, is never rolled back: the transaction's outcome depends on them.

import Ledger
import Primitives
import Runtime

struct ProgramJournal {
  struct Entry {
    let key: Pubkey
    /// Where the account as the transaction found it lies, if it was lent.
    let lent: UnsafePointer<Account>?
    /// As the transaction found it, if it was not.
    private let found: Account
    /// As it is, where the transaction has set it.
    fileprivate(set) var changed: Account?
    /// A program could have changed it, or something here has.
    fileprivate(set) var isWritable = false

    init(_ key: Pubkey, _ account: LoadedAccount) {
      self.key = key
      switch account {
      case .lent(let place): (lent, found) = (place, .empty)
      case .owned(let account): (lent, found) = (nil, account)
      }
    }

    var original: Account { lent?.pointee ?? found }
    /// As it is.
    var account: Account { changed ?? original }
    var lamports: UInt64 { changed?.lamports ?? lent?.pointee.lamports ?? found.lamports }
    /// For a look that keeps nothing of it.
    var loaded: LoadedAccount { changed == nil ? lent.map { .lent($0) } ?? .owned(found) : .owned(account) }
  }

  private enum Undo {
    case account(Int, Account?)
    case returnData(Pubkey, [UInt8])
    case growth(Int64)
    case logs(Int)
    case drawn(UInt64)
  }

  private(set) var entries: [Entry] = []
  private var positions: [Pubkey: Int] = [:]
  private var undo: [Undo] = []
  /// Of the last program that set any; the zero key where none has.
  private(set) var returnData: (program: Pubkey, data: [UInt8]) = (.zero, [])
  /// Bytes by which account data has grown.
  private(set) var growth: Int64 = 0
  private(set) var logs: [String] = []
  /// Lamports that were bought with the sender's wei.
  private(set) var drawn: UInt64 = 0
  /// Bytes of data of the accounts met.
  private(set) var loadedByteCount = 0

  var isEmpty: Bool { entries.isEmpty && undo.isEmpty }

  mutating func removeAll() { self = ProgramJournal() }

  var mark: UInt64 { UInt64(undo.count) }

  mutating func rollBack(to mark: UInt64) {
    while UInt64(undo.count) > mark, let last = undo.popLast() {
      switch last {
      case .account(let position, let account): entries[position].changed = account
      case .returnData(let program, let data): returnData = (program, data)
      case .growth(let bytes): growth = bytes
      case .logs(let count): if logs.count > count { logs.removeSubrange(count...) }
      case .drawn(let lamports): drawn = lamports
      }
    }
  }

  // MARK: Accounts

  func position(of key: Pubkey) -> Int? { positions[key] }

  mutating func insert(_ account: LoadedAccount, at key: Pubkey) -> Int {
    let position = entries.count
    positions[key] = position
    entries.append(Entry(key, account))
    loadedByteCount += account.dataByteCount
    return position
  }

  mutating func noteWritable(_ position: Int) { entries[position].isWritable = true }

  mutating func set(_ account: Account, at position: Int) {
    undo.append(.account(position, entries[position].changed))
    entries[position].isWritable = true
    entries[position].changed = account
  }

  /// Calls `body` with the accounts that were changed since `mark` and are not as they were by a rollback, as they are now;
  /// with one that was changed more than once as often.
  func forEachChange(since mark: UInt64, _ body: (Pubkey, Account) -> Void) {
    for entry in undo[Int(mark)...] {
      if case .account(let position, _) = entry { body(entries[position].key, entries[position].account) }
    }
  }

  // MARK: The rest

  mutating func setReturnData(_ program: Pubkey, _ data: [UInt8]) {
    undo.append(.returnData(returnData.program, returnData.data))
    returnData = (program, data)
  }

  mutating func addGrowth(_ bytes: Int64) {
    if bytes == 0 { return }
    undo.append(.growth(growth))
    growth += bytes
  }

  mutating func append(logs lines: [String]) {
    if lines.isEmpty { return }
    undo.append(.logs(logs.count))
    logs += lines
  }

  /// Hands over the lines from the one at `start` on, which belong to a program's log now.
  mutating func takeLogs(from start: Int) -> [String] {
    guard logs.count > start else { return [] }
    defer { logs.removeSubrange(start...) }
    return Array(logs[start...])
  }

  mutating func setDrawn(_ lamports: UInt64) {
    undo.append(.drawn(drawn))
    drawn = lamports
  }
}
