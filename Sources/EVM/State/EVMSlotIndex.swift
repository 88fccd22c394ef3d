// Which slots every account has, in order: what dumps and trie roots walk and what the end of an account wipes. It
// follows the blocks and is no part of the state that transactions conflict on.

import Ledger
import Primitives
import WideIntegers

/// Used by one thread at a time, between blocks.
package struct EVMSlotIndex {
  private struct Place: Hashable {
    let address: Address
    let incarnation: UInt64
  }

  private var slots: [Place: Set<UInt256>] = [:]
  /// By address, the incarnations that have slots.
  private var incarnations: [Address: Set<UInt64>] = [:]

  package init() {}

  /// The slots of an account in ascending order.
  package func slots(of address: Address, incarnation: UInt64) -> [UInt256] {
    (slots[Place(address: address, incarnation: incarnation)] ?? []).sorted()
  }

  /// Adds a slot that the state has.
  package mutating func insert(_ address: Address, incarnation: UInt64, slot: UInt256) {
    slots[Place(address: address, incarnation: incarnation), default: []].insert(slot)
    incarnations[address, default: []].insert(incarnation)
  }

  /// Follows a transaction.
  ///
  /// - Returns: the keys of slots that the end of their accounts leaves without a reader, in ascending order.
  package mutating func apply(_ changes: EVMStateChanges) -> [Pubkey] {
    var wiped: [Pubkey] = []
    for change in changes.accounts where change.account == nil {
      for incarnation in (incarnations[change.address] ?? []).sorted() where incarnation < change.incarnation
      {
        for slot in slots(of: change.address, incarnation: incarnation) {
          wiped.append(EVMKey.slot(change.address, incarnation: incarnation, slot: slot))
        }
        slots[Place(address: change.address, incarnation: incarnation)] = nil
        incarnations[change.address]?.remove(incarnation)
      }
    }
    for change in changes.slots {
      if change.value.isZero {
        slots[Place(address: change.address, incarnation: change.incarnation)]?.remove(change.slot)
      } else {
        insert(change.address, incarnation: change.incarnation, slot: change.slot)
      }
    }
    return wiped.sorted()
  }
}
