// What ledgers begin with that verbs create.

import Contracts
import Estuary
import Ledger
import WideIntegers

enum NewLedger {
  /// Wei of each development account: 10,000 ether.
  private static let developmentBalance = UInt256(10_000) &* UInt256(1_000_000_000_000_000_000)

  /// The Ethereum side of a new ledger, and of an older one that gets one on first use.
  static func ethereum(chainID: UInt64? = nil) -> EthereumGenesis {
    let accounts = DevelopmentAccounts.keys.map { key in
      var account = EthereumGenesis.Account(address: key.address)
      account.balance = developmentBalance
      return account
    }
    return .development(chainID: chainID ?? EthereumGenesis.defaultChainID, accounts: accounts)
  }
}
