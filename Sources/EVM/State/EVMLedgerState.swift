// Ethereum's state over the accounts of a ledger: reading records for execution, and writing a transaction's changes
// as runtime accounts.

import Ledger
import Primitives
import WideIntegers

/// Where runtime accounts are read: a store, or what a transaction may see of a block's state.
package protocol EVMAccountSource: AnyObject {
  /// The account at `key`, `nil` where there is none; throws where the transaction may not read it.
  func account(at key: Pubkey) throws(EVMStateError) -> Account?

  /// The same for a look that keeps nothing of it: the pointer is good until `body` returns.
  func read(
    _ key: Pubkey, _ body: (UnsafePointer<Account>) throws(EVMStateError) -> Void
  ) throws(EVMStateError)
}

extension EVMAccountSource {
  package func read(
    _ key: Pubkey, _ body: (UnsafePointer<Account>) throws(EVMStateError) -> Void
  ) throws(EVMStateError) {
    guard var account = try account(at: key) else { return }
    try body(&account)
  }
}

/// The committed accounts.
package final class EVMStoreSource: EVMAccountSource {
  private let store: any AccountStore

  package init(store: any AccountStore) { self.store = store }

  package func account(at key: Pubkey) throws(EVMStateError) -> Account? {
    do throws(StoreError) {
      return try store.account(key)
    } catch {
      throw .store(error)
    }
  }
}

/// As thread-safe as its source.
package final class EVMLedgerState: EVMStateReader {
  private let source: any EVMAccountSource
  private let programs: EVMProgramCache
  /// Keys of the slots that were read, in order: writing one hashes it no second time. Forgotten with each use, and
  /// when there are many.
  @exclusivity(unchecked) private var slotKeys: [SlotKey] = []

  private struct SlotKey {
    let address: Address
    let incarnation: UInt64
    let slot: UInt256
    let key: Pubkey
  }

  private static let slotKeyLimit = 4096

  /// Codes that were used lately, by bits of their hashes: the cache of all workers is behind a lock.
  @exclusivity(unchecked) private var recentCodes = [EVMCode?](repeating: nil, count: 64)

  package init(source: any EVMAccountSource, programs: EVMProgramCache) {
    (self.source, self.programs) = (source, programs)
  }

  private func state(_ address: Address) throws(EVMStateError) -> EVMRecord.AccountState? {
    let key = EVMKey.account(address)
    var state: EVMRecord.AccountState?
    try source.read(key) { account throws(EVMStateError) in
      // A span counts no reference: all workers read a contract that many call.
      state = EVMRecord.decodeAccount(account.pointee.data.span.bytes)
      if account.pointee.owner != ProgramID.ethereum || state == nil { throw .damagedRecord(key: key) }
    }
    return state
  }

  package func account(_ address: Address) throws(EVMStateError) -> EVMAccount? {
    if case .account(let account) = try state(address) { return account }
    return nil
  }

  package func incarnation(of address: Address) throws(EVMStateError) -> UInt64 {
    switch try state(address) {
    case .account(let account): account.incarnation
    case .gone(let incarnation): incarnation
    case nil: 0
    }
  }

  package func storage(
    _ address: Address, incarnation: UInt64, slot: UInt256
  ) throws(EVMStateError) -> UInt256 {
    let key = EVMKey.slot(address, incarnation: incarnation, slot: slot)
    if slotKeys.count >= Self.slotKeyLimit { slotKeys.removeAll(keepingCapacity: true) }
    slotKeys.append(SlotKey(address: address, incarnation: incarnation, slot: slot, key: key))
    var value = UInt256.zero
    try source.read(key) { account throws(EVMStateError) in
      guard account.pointee.owner == ProgramID.ethereum,
        let record = EVMRecord.decodeSlot(account.pointee.data.span.bytes),
        record.address == address, record.slot == slot, record.incarnation == incarnation
      else { throw .damagedRecord(key: key) }
      value = record.value
    }
    return value
  }

  /// Gives `body` a transaction's changes as runtime accounts, `nil` for those that go.
  package func forEachRecord(
    of changes: EVMStateChanges, _ body: (Pubkey, Account?) throws(EVMStateError) -> Void
  ) throws(EVMStateError) {
    var cursor = 0
    try changes.forEachRecord(slotKey: { slotKey(of: $0, from: &cursor) }, body)
    slotKeys.removeAll(keepingCapacity: true)
  }

  /// Changes come in the order of the first reads, so each is looked for behind the one before.
  private func slotKey(of change: EVMStateChanges.SlotChange, from cursor: inout Int) -> Pubkey {
    for position in cursor..<slotKeys.count {
      let known = slotKeys[position]
      if known.slot == change.slot && known.address == change.address
        && known.incarnation == change.incarnation
      {
        cursor = position + 1
        return known.key
      }
    }
    return EVMKey.slot(change.address, incarnation: change.incarnation, slot: change.slot)
  }

  package func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    let place = Int(truncatingIfNeeded: account.codeHash.word0 & 63)
    if let code = recentCodes[place], code.hash == account.codeHash { return code }
    let code = try findCode(address, account)
    recentCodes[place] = code
    return code
  }

  private func findCode(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    if let code = programs.code(hash: account.codeHash) { return code }
    let key = EVMKey.code(address, incarnation: account.incarnation)
    guard let stored = try source.account(at: key) else { throw .missingCode(address) }
    guard stored.owner == ProgramID.ethereum, Keccak256.hash(stored.data) == account.codeHash else {
      throw .damagedRecord(key: key)
    }
    return programs.code(stored.data, hash: account.codeHash)
  }
}

extension EVMStateChanges.AccountChange {
  /// The runtime account that holds the code, `nil` for one that goes; `nil` where the code did not change.
  package var codeRecord: (key: Pubkey, record: Account?)? {
    guard let code else { return nil }
    // A gone account with code has left its incarnation behind.
    let incarnation = account == nil ? self.incarnation &- 1 : self.incarnation
    let record = code.byteCount == 0 ? nil : EVMRecord.account(holding: code.array, isCode: true)
    return (EVMKey.code(address, incarnation: incarnation), record)
  }
}

extension EVMStateChanges {
  /// Gives `body` the changes as runtime accounts, `nil` for those that go. Slots of wiped storage are the slot index's
  /// business (EVMSlotIndex): no transaction reads them any more.
  func forEachRecord(
    slotKey: (SlotChange) -> Pubkey, _ body: (Pubkey, Account?) throws(EVMStateError) -> Void
  ) throws(EVMStateError) {
    for change in accounts {
      if let account = change.account {
        try body(EVMKey.account(change.address), EVMRecord.account(holding: EVMRecord.encode(account)))
      } else {
        let gone =
          change.incarnation > 0
          ? EVMRecord.account(holding: EVMRecord.encode(goneAt: change.incarnation)) : nil
        try body(EVMKey.account(change.address), gone)
      }
      if let (key, record) = change.codeRecord { try body(key, record) }
    }
    for change in slots {
      let record = EVMRecord.Slot(
        address: change.address, incarnation: change.incarnation, slot: change.slot, value: change.value)
      try body(
        slotKey(change),
        change.value.isZero ? nil : EVMRecord.account(holding: EVMRecord.encode(record)))
    }
  }
}
