// Ethereum's state over the accounts of a ledger: reading records for execution, and writing a transaction's changes
// as runtime accounts.

import Ledger
import Primitives
import WideIntegers

/// Where runtime accounts are read: a store, or what a transaction may see of a block's state.
package protocol EVMAccountSource: AnyObject {
  /// The account at `key`, `nil` where there is none; throws where the transaction may not read it.
  func account(at key: Pubkey) throws(EVMStateError) -> Account?
}

/// The committed accounts.
package final class EVMStoreSource: EVMAccountSource {
  private let store: any AccountStore

  package init(store: any AccountStore) { self.store = store }

  package func account(at key: Pubkey) throws(EVMStateError) -> Account? {
    do throws(StoreError) {
      return try store.account(key)
    } catch {
      throw .store(error.description)
    }
  }
}

/// As thread-safe as its source.
package final class EVMLedgerState: EVMStateReader {
  private let source: any EVMAccountSource
  private let programs: EVMProgramCache

  package init(source: any EVMAccountSource, programs: EVMProgramCache) {
    (self.source, self.programs) = (source, programs)
  }

  private func state(_ address: Address) throws(EVMStateError) -> EVMRecord.AccountState? {
    let key = EVMKey.account(address)
    guard let account = try source.account(at: key) else { return nil }
    guard account.owner == ProgramID.ethereum, let state = EVMRecord.decodeAccount(account.data) else {
      throw .damagedRecord(key: key)
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
    guard let account = try source.account(at: key) else { return .zero }
    guard account.owner == ProgramID.ethereum, let record = EVMRecord.decodeSlot(account.data),
      record.address == address, record.slot == slot, record.incarnation == incarnation
    else { throw .damagedRecord(key: key) }
    return record.value
  }

  package func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    let key = EVMKey.code(address, incarnation: account.incarnation)
    if let code = programs.code(hash: account.codeHash) { return code }
    guard let stored = try source.account(at: key) else { throw .missingCode(address) }
    guard stored.owner == ProgramID.ethereum, Keccak256.hash(stored.data) == account.codeHash else {
      throw .damagedRecord(key: key)
    }
    return programs.code(stored.data, hash: account.codeHash)
  }
}

extension EVMStateChanges {
  /// The changes as runtime accounts, `nil` for those that go. Slots of wiped storage are the slot index's business
  /// (EVMSlotIndex): no transaction reads them any more.
  package var records: [(key: Pubkey, account: Account?)] {
    var records: [(key: Pubkey, account: Account?)] = []
    records.reserveCapacity(accounts.count + slots.count)
    for change in accounts {
      let record: [UInt8]? =
        if let account = change.account {
          EVMRecord.encode(account)
        } else {
          change.incarnation > 0 ? EVMRecord.encode(goneAt: change.incarnation) : nil
        }
      records.append((EVMKey.account(change.address), record.map { EVMRecord.account(holding: $0) }))
      guard let code = change.code else { continue }
      // A gone account with code has left its incarnation behind.
      let incarnation = change.account == nil ? change.incarnation &- 1 : change.incarnation
      records.append(
        (
          EVMKey.code(change.address, incarnation: incarnation),
          code.byteCount == 0 ? nil : EVMRecord.account(holding: code.array, isCode: true)
        ))
    }
    for change in slots {
      let key = EVMKey.slot(change.address, incarnation: change.incarnation, slot: change.slot)
      let record = EVMRecord.Slot(
        address: change.address, incarnation: change.incarnation, slot: change.slot, value: change.value)
      records.append((key, change.value.isZero ? nil : EVMRecord.account(holding: EVMRecord.encode(record))))
    }
    return records
  }
}
