// What the transaction that ran last used of the state, until the next begins. What was rolled back counts: it is what the
// outcome depends on. Not used is what only became warm, as by an EIP-2930 list, a precompile that is called, and the fee
// recipient for being paid.

import Ledger
import Primitives
import WideIntegers

/// The accounts and slots of one execution, each once, in the order in which it met them.
package struct EVMAccesses: Equatable, Sendable {
  package struct Account: Equatable, Sendable {
    package let address: Address
    package let isWritten: Bool
  }

  package struct Slot: Equatable, Sendable {
    package let address: Address
    package let slot: UInt256
    package let isWritten: Bool
  }

  package var accounts: [Account] = []
  package var slots: [Slot] = []
}

extension EVMHost {
  /// What was used of each account that was read from the state, in the order in which they were read.
  package func forEachRead(_ body: (_ load: Int, _ uses: AccountUses) -> Void) {
    let accounts = state.pointee.journal.accounts
    for position in 0..<accounts.count where accounts.base[position].flags.contains(.loaded) {
      body(Int(accounts.base[position].load), accounts.base[position].uses)
    }
  }

  /// The accounts and slots that were used.
  package var accesses: EVMAccesses {
    var accesses = EVMAccesses()
    let (accounts, slots) = (state.pointee.journal.accounts, state.pointee.journal.slots)
    for position in 0..<accounts.count {
      let entry = accounts.base + position
      if entry.pointee.uses.isDisjoint(with: [.wholeAccount, .written]) { continue }
      accesses.accounts.append(
        .init(address: entry.pointee.address, isWritten: entry.pointee.uses.contains(.written)))
    }
    for position in 0..<slots.count {
      let slot = slots.base + position
      accesses.slots.append(
        .init(
          address: accounts.base[Int(slot.pointee.account)].address, slot: slot.pointee.key,
          isWritten: slot.pointee.isWritten))
    }
    return accesses
  }

  /// The first use that `set` does not hold, accounts before slots; `nil` where the transaction kept to the set.
  package func access(outside set: AccessSet) -> UndeclaredAccess? {
    let (accounts, slots) = (state.pointee.journal.accounts, state.pointee.journal.slots)
    for position in 0..<accounts.count {
      let entry = accounts.base + position
      if entry.pointee.uses.isDisjoint(with: [.wholeAccount, .written]) { continue }
      let (address, isWritten) = (entry.pointee.address, entry.pointee.uses.contains(.written))
      if !set.contains(account: address, writing: isWritten) {
        return UndeclaredAccess(.account(address), isWrite: isWritten)
      }
    }
    for position in 0..<slots.count {
      let slot = slots.base + position
      let address = accounts.base[Int(slot.pointee.account)].address
      if !set.contains(slot: slot.pointee.key, of: address, writing: slot.pointee.isWritten) {
        return UndeclaredAccess(.slot(address, slot.pointee.key), isWrite: slot.pointee.isWritten)
      }
    }
    return nil
  }
}
