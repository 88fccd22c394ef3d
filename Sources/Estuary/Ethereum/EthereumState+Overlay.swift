// What runs ahead reads of the state before the block: without taking absent keys into the table, so that any number of
// threads may look at once.

import CThreads
import EVM
import Ledger
import Primitives
import Scheduling
import WideIntegers

extension EthereumState {
  /// Asks for the memory in which a look at `key` begins.
  @inline(__always) func prefetch(_ key: Pubkey) { table.prefetchSlot(tag: hasher.tag(of: AccountKey(key))) }

  /// Asks for what publishing at `index` touches.
  @inline(__always) func prefetch(at index: AccountIndex) {
    estuary_prefetch(table.account(at: index))
    table.prefetchNotes(index)
  }

  /// The account's record under `key` and its index in the table; `MultiVersionMap.noIndex` where it has none.
  func accountRecord(at key: Pubkey) throws(EVMStateError) -> (EVMRecord.AccountState?, UInt32) {
    try look(at: key) { account throws(EVMStateError) in
      let state = EVMRecord.decodeAccount(account.pointee.data)
      if account.pointee.owner != ProgramID.ethereum || state == nil { throw .damagedRecord(key: key) }
      return state
    }
  }

  /// As above, of a slot: `expected` with the value that it has.
  func slotValue(at key: Pubkey, _ expected: EVMRecord.Slot) throws(EVMStateError) -> (UInt256, UInt32) {
    let (value, index) = try look(at: key) { account throws(EVMStateError) in
      guard account.pointee.owner == ProgramID.ethereum,
        let record = EVMRecord.decodeSlot(account.pointee.data), record.address == expected.address,
        record.slot == expected.slot, record.incarnation == expected.incarnation
      else { throw .damagedRecord(key: key) }
      return record.value
    }
    return (value ?? .zero, index)
  }

  /// The code that `account` had before the block.
  func storedCode(
    _ address: Address, _ account: EVMAccount, _ programs: EVMProgramCache
  ) throws(EVMStateError) -> EVMCode {
    let key = EVMKey.code(address, incarnation: account.incarnation)
    let (code, _) = try look(at: key) { stored throws(EVMStateError) in
      guard stored.pointee.owner == ProgramID.ethereum,
        Keccak256.hash(stored.pointee.data) == account.codeHash
      else { throw .damagedRecord(key: key) }
      return programs.code(stored.pointee.data, hash: account.codeHash)
    }
    guard let code else { throw .missingCode(address) }
    return code
  }

  private func look<Value>(
    at key: Pubkey, _ body: (UnsafePointer<Account>) throws(EVMStateError) -> Value?
  ) throws(EVMStateError) -> (Value?, UInt32) {
    if let index = table.index(of: key) {
      let account = table.account(at: index)
      return (account.pointee.isVacant ? nil : try body(account), index.rawValue)
    }
    var account: Account
    do throws(StoreError) { account = try table.account(key) } catch { throw .store(error) }
    return (account.isVacant ? nil : try body(&account), .max)
  }
}
