// How a transaction sees the ledger: accounts by their position in the transaction's own list, and nothing
// else. The executor has interned and locked those keys; an account that is not lent cannot be touched.

import Ledger
import Primitives

/// The accounts lent to one transaction. Positions count the transaction's keys first, then accounts that no key names
/// but that executing reads, the code of upgradeable programs; those are locked for reading.
package protocol AccountView {
  /// The account at `position`; `nil` where there is none.
  func account(at position: Int) -> Account?

  /// Copies that account, or `Account.empty`, into `slot`, which holds one.
  func copyAccount(at position: Int, to slot: UnsafeMutablePointer<Account>)

  /// Where that account lies, or `Account.empty`, unchanged until the transaction has run; `nil` where it has to be
  /// copied.
  func account(lentAt position: Int) -> UnsafePointer<Account>?

  /// The position of `key` among the accounts that no key names, `keyCount` or more; `nil` where it is not lent.
  func implicitPosition(of key: Pubkey, keyCount: Int) -> Int?
}

extension AccountView {
  package func copyAccount(at position: Int, to slot: UnsafeMutablePointer<Account>) {
    slot.pointee = account(at: position) ?? .empty
  }

  package func account(lentAt position: Int) -> UnsafePointer<Account>? { nil }
}

/// Accounts in an array, by position.
package struct ArrayAccountView: AccountView {
  package var accounts: [Account?]
  package var implicitKeys: [Pubkey]

  package init(accounts: [Account?], implicitKeys: [Pubkey] = []) {
    self.accounts = accounts
    self.implicitKeys = implicitKeys
  }

  package func account(at position: Int) -> Account? { accounts[position] }

  package func implicitPosition(of key: Pubkey, keyCount: Int) -> Int? {
    implicitKeys.firstIndex(of: key).map { keyCount + $0 }
  }
}

/// What executing reads beyond the keys of a transaction.
package enum ImplicitRead {
  /// The account that holds the code of the program at `account`; `nil` where that is `account` itself, or
  /// where it is no program.
  ///
  /// A transaction may call any program among its keys, so each such key adds one implicit read.
  package static func programData(of account: Account) -> Pubkey? {
    guard account.owner == ProgramID.bpfLoaderUpgradeable, account.data.count >= 36 else { return nil }
    return account.data.withUnsafeBytes { bytes in
      let tag = bytes.loadUnaligned(as: UInt32.self)
      return tag == 2 ? bytes.baseAddress.map { Pubkey(reading: $0 + 4) } : nil
    }
  }
}
