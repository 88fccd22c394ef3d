// Ledgers that begin with more than a faucet: programs and accounts at their known keys, or a genesis file.

import Ledger
import Primitives

extension Chain {
  /// Makes a ledger in `directory`, which holds none yet.
  ///
  /// - Parameters:
  ///   - genesis: what it begins with; nil: builtins, sysvars and a funded faucet.
  ///   - accounts: in it besides, in place of those that the genesis has at their keys.
  ///   - ethereum: its Ethereum side, where `genesis` is nil or has none.
  ///   - cacheByteCount: memory for what is read of the ledger (`RocksDBStore`).
  ///   - workers: threads that execute a block's transactions, `[1, 256]`.
  /// - Throws: `ledgerExists` where there is a ledger already, and what opening one throws.
  package static func create(
    directory: String, genesis: Genesis? = nil, adding accounts: [(key: Pubkey, account: Account)] = [],
    ethereum: EthereumGenesis = .development(),
    cacheByteCount: Int = RocksDBStore.defaultCacheByteCount, workers: Int = 1
  ) throws(ChainError) -> Chain {
    let first: Genesis
    if let genesis {
      do throws(SysvarError) {
        first =
          accounts.isEmpty
          ? genesis
          : try Genesis(
            slot: genesis.slot, unixTimestamp: genesis.unixTimestamp, blockhash: genesis.blockhash,
            accounts: genesis.accounts + accounts, ethereum: genesis.ethereum)
      } catch {
        throw .sysvar(error)
      }
    } else {
      first = try freshGenesis(adding: accounts, ethereum: ethereum)
    }
    let store: RocksDBStore
    do throws(StoreError) {
      store = try RocksDBStore(path: directory, .creatingIfMissing, cacheByteCount: cacheByteCount)
    } catch {
      throw .store(error)
    }
    if store.head != nil { throw .ledgerExists(path: directory) }
    return try Chain(
      store: store, genesis: first, executor: try executor(workers: workers), progress: .advancing,
      keepsTransactions: true)
  }
}
