// What one transaction did: its result and the accounts it changed.

import Ledger
import Primitives

package struct TransactionOutcome: Sendable {
  package enum Status: Sendable, Equatable {
    /// Ran, well or not, or failed to load; the fee is paid.
    case executed
    /// Turned away before it had paid: nothing is paid and nothing changes.
    case rejected
    /// Needed this account, which it was not lent: nothing is paid and nothing changes.
    case undeclaredAccess(Pubkey)
  }

  package var status: Status
  package var error: TransactionError?
  /// Consumed by all instructions, failed ones included.
  package var computeUnits: UInt64 = 0
  /// Lamports that the fee payer paid.
  package var fee: UInt64 = 0
  package var logs = TransactionLogs()
  /// What the last program to set any left behind; `nil` where that is nothing.
  package var returnData: (program: Pubkey, data: [UInt8])?
  /// Each changed account once, in order of position; empty where they were handed to `publish`.
  package var changes: [AccountUpdate] = []

}

/// How a transaction ended: the part of its outcome that needs no memory of its own.
package struct TransactionVerdict: Sendable, Equatable {
  package var status: TransactionOutcome.Status
  package var error: TransactionError?
  package var computeUnits: UInt64 = 0
  package var fee: UInt64 = 0
}

/// The new state of the account at a position of the transaction's list.
package struct AccountUpdate: Sendable, Equatable {
  package var position: Int
  /// `nil` deletes the account.
  package var account: Account?

  package init(position: Int, account: Account?) {
    self.position = position
    self.account = account
  }
}
