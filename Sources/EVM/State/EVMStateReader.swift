// How execution sees the state before a transaction, and what a transaction changes in it. A reader is asked once a
// transaction for each account, slot and code; everything after that is the journal's.

import Primitives
import WideIntegers

package protocol EVMStateReader: AnyObject {
  /// The account at `address`; `nil` where there is none. One that was destroyed and leaves only its incarnation
  /// counts as none: `incarnation(of:)` tells it.
  func account(_ address: Address) throws(EVMStateError) -> EVMAccount?

  /// The incarnation that an account created at `address`, where there is none, starts with.
  func incarnation(of address: Address) throws(EVMStateError) -> UInt64

  /// The value of a storage slot; 0 where there is none.
  func storage(_ address: Address, incarnation: UInt64, slot: UInt256) throws(EVMStateError) -> UInt256

  /// The code of the account at `address`, never asked for accounts without code.
  func code(_ address: Address, _ account: EVMAccount) throws(EVMStateError) -> EVMCode

  /// Whether changes shall name credits apart, where the balance they add to was not used.
  var takesCredits: Bool { get }
}

extension EVMStateReader {
  package var takesCredits: Bool { false }
}

/// What one transaction changes, in the order in which it met the accounts and slots.
package struct EVMStateChanges: Sendable {
  package struct AccountChange: Sendable {
    package let address: Address
    /// `nil`: there is no account any more.
    package let account: EVMAccount?
    /// The new code, where it changed; the empty code where there is none any more.
    package let code: EVMCode?
    /// The account's, or what the next one here starts with: storage and code of those below it go.
    package let incarnation: UInt64

    package init(address: Address, account: EVMAccount?, code: EVMCode?, incarnation: UInt64) {
      (self.address, self.account, self.code, self.incarnation) = (address, account, code, incarnation)
    }
  }

  package struct SlotChange: Sendable {
    package let address: Address
    package let incarnation: UInt64
    package let slot: UInt256
    /// 0 removes the slot.
    package let value: UInt256

    package init(address: Address, incarnation: UInt64, slot: UInt256, value: UInt256) {
      (self.address, self.incarnation, self.slot, self.value) = (address, incarnation, slot, value)
    }
  }

  /// Value that an account received of which nothing else changed and whose balance was not used: however much there
  /// was before, this is added to it. The account exists afterwards.
  package struct Credit: Sendable {
    package let address: Address
    /// Wei, not 0.
    package let amount: UInt256
  }

  package var accounts: [AccountChange] = []
  /// Empty unless the reader takes credits, as is `reward`.
  package var credits: [Credit] = []
  /// What the fee recipient gets in the same way; 0 where its account is among `accounts`.
  package var reward = UInt256.zero
  package var slots: [SlotChange] = []

  package init() {}

  /// Makes room at once.
  init(accountCapacity: Int, slotCapacity: Int) {
    accounts.reserveCapacity(accountCapacity)
    slots.reserveCapacity(slotCapacity)
  }
}
