// What one transaction did: its result and the accounts it changed.

import Ledger
import Primitives

package struct TransactionOutcome: Sendable {
  package enum Status: Sendable, Equatable {
    /// Ran, well or not; the fee is paid.
    case executed
    /// Turned away before it could run: nothing is paid and nothing changes.
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
  /// Each changed account once, in order of position.
  package var changes: [AccountUpdate] = []

  package static func rejected(_ error: TransactionError) -> TransactionOutcome {
    TransactionOutcome(status: .rejected, error: error)
  }
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

/// A transaction's log lines: one buffer, and where each line ends in it.
package struct TransactionLogs: Sendable, Equatable {
  package var bytes: [UInt8] = []
  package var ends: [Int] = []

  package init() {}

  package init(bytes: [UInt8], ends: [Int]) {
    self.bytes = bytes
    self.ends = ends
  }

  package var count: Int { ends.count }

  package var lines: [String] {
    var start = 0
    return ends.map { end in
      defer { start = end }
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }
  }
}
