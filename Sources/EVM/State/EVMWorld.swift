// Ethereum's state in memory, for tests and `evm run`: accounts with their code and storage, changed by whole
// transactions.

import Primitives
import WideIntegers

/// Used by one thread at a time.
package final class EVMWorld: EVMStateReader {
  package struct Entry {
    package var account: EVMAccount
    package var code: EVMCode
    package var storage: [UInt256: UInt256]
  }

  package private(set) var entries: [Address: Entry] = [:]
  /// Where an account was destroyed: what the next one there starts with.
  private var incarnations: [Address: UInt64] = [:]

  package init() {}

  /// The same state, changing apart from `other` from now on.
  package init(copying other: EVMWorld) { (entries, incarnations) = (other.entries, other.incarnations) }

  /// Puts an account into the state, empty or not. Slots of value 0 are left out.
  package func insert(
    _ address: Address, balance: UInt256, nonce: UInt64, code: EVMCode, storage: [UInt256: UInt256]
  ) {
    let slots = storage.filter { !$0.value.isZero }
    let account = EVMAccount(
      balance: balance, nonce: nonce, codeHash: code.hash, incarnation: 0,
      hasOrphanStorage: nonce == 0 && code.byteCount == 0 && !slots.isEmpty)
    entries[address] = Entry(account: account, code: code, storage: slots)
  }

  package func account(_ address: Address) -> EVMAccount? { entries[address]?.account }

  package func incarnation(of address: Address) -> UInt64 { incarnations[address] ?? 0 }

  package func storage(_ address: Address, incarnation: UInt64, slot: UInt256) -> UInt256 {
    entries[address]?.storage[slot] ?? .zero
  }

  package func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode {
    guard let entry = entries[address] else { throw .missingCode(address) }
    return entry.code
  }

  /// Makes a transaction's changes the state.
  package func apply(_ changes: EVMStateChanges) {
    for change in changes.accounts {
      guard let account = change.account else {
        entries[change.address] = nil
        incarnations[change.address] = change.incarnation
        continue
      }
      var entry = entries[change.address] ?? Entry(account: account, code: .empty, storage: [:])
      entry.account = account
      if let code = change.code { entry.code = code }
      entries[change.address] = entry
    }
    for change in changes.slots {
      entries[change.address]?.storage[change.slot] = change.value.isZero ? nil : change.value
    }
  }
}
