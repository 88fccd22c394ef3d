// Ethereum's side of a ledger for those who read it while blocks are made: nothing of it changes, and all of it may be used
// from any thread.

import EVM
import Ledger
import Primitives

package struct EthereumLedger: Sendable {
  package let store: any AccountStore
  package let settings: EthereumGenesis
  package let configuration: ChainConfiguration
  package let archive: EthereumArchive

  /// - Returns: `nil` where the ledger has no Ethereum side.
  package init?(_ store: any AccountStore) throws(ChainError) {
    guard let (settings, configuration) = try Chain.storedEthereum(store) else { return nil }
    (self.store, self.settings, self.configuration) = (store, settings, configuration)
    archive = EthereumArchive(store: store)
  }

  package var chainID: UInt64 { configuration.chainID }
}
