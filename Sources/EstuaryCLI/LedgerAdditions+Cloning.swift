// Accounts of another cluster that a new ledger begins with, by the rules of solana-test-validator
// (https://github.com/anza-xyz/agave/blob/master/test-validator/src/lib.rs): they are as they are there, but that code counts
// as deployed at slot 0, since the ledger begins before the slot at which it was.

import Estuary
import Ledger
import Primitives
import Runtime

extension LedgerAdditions {
  enum CloneKind {
    /// An account that is missing is an error.
    case required
    /// One that is missing is passed over.
    case optional
    /// Has to be a program of the upgradeable loader, with code.
    case program
  }

  /// Copies accounts, and with each program of the upgradeable loader the account of its code. Addresses that are taken stay
  /// as they are; what every ledger has of its own is not copied, which is said.
  mutating func clone(_ keys: [Pubkey], from cluster: RemoteLedger, _ kind: CloneKind) throws {
    let found = try cluster.accounts(keys)
    var codeKeys: [Pubkey] = []
    for (key, account) in zip(keys, found) {
      guard let account else {
        if kind != .optional { throw CLIError.notCloned(key, url: cluster.url, "it has no such account") }
        Terminal.note("\(cluster.url): there is no account at \(key), which is passed over")
        continue
      }
      if account.owner == ProgramID.bpfLoaderUpgradeable,
        case .program(let codeKey)? = UpgradeableLoaderState(of: account.data)
      {
        codeKeys.append(codeKey)
      } else if kind == .program {
        throw CLIError.notCloned(
          key, url: cluster.url, "it is no program of the upgradeable loader, its owner is \(account.owner)")
      }
      try addClone(key, account, of: cluster)
    }
    for (key, account) in zip(codeKeys, try cluster.accounts(codeKeys)) {
      guard let account else {
        // A program that was closed.
        if kind == .program {
          throw CLIError.notCloned(key, url: cluster.url, "the program's code is gone: it was closed")
        }
        continue
      }
      try addClone(key, account, of: cluster)
    }
  }

  private mutating func addClone(_ key: Pubkey, _ account: Account, of cluster: RemoteLedger) throws {
    if EVMKey.contains(key) {
      throw CLIError.notCloned(
        key, url: cluster.url, "it is an account of Ethereum's, which keys of Solana's only show")
    }
    if let role = BuiltinAccounts.role(of: key, account) {
      Terminal.note("\(key) is \(role): a ledger has its own, it is not copied")
      return
    }
    var account = account
    if account.owner == ProgramID.bpfLoaderUpgradeable,
      case .programData? = UpgradeableLoaderState(of: account.data)
    {
      // u32 3 · u64 slot
      account.data.replaceSubrange(4..<12, with: repeatElement(0, count: 8))
    }
    addIfVacant(key, account)
  }
}
