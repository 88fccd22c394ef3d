// A ledger's Ethereum side as it begins, and as the store keeps it (EthereumGenesis+Coding.swift).

import Contracts
import EVM
import Ledger
import Primitives
import WideIntegers

extension EthereumGenesis {
  /// What a new ledger has unless it is told otherwise: a development chain under the rules of the latest fork, with the
  /// base fee that chains began EIP-1559 with, and the contracts that the fork asks of every block.
  ///
  /// - Parameter accounts: in the state from the first block on.
  package static func development(
    chainID: UInt64 = defaultChainID, accounts: [Account] = []
  ) -> EthereumGenesis {
    var genesis = EthereumGenesis(
      chainID: chainID, fork: Fork.latest.name, baseFeePerGas: HeaderRules.initialBaseFee, coinbase: .zero)
    genesis.gasLimit = developmentGasLimit
    genesis.number = 0
    genesis.alloc = (accounts + SystemContracts.accounts).sorted { $0.address < $1.address }
    return genesis
  }

  /// The same with the ten development accounts, 10,000 ether each, and `others`.
  package static func funded(
    chainID: UInt64 = defaultChainID, adding others: [Account] = []
  ) -> EthereumGenesis {
    let accounts = DevelopmentAccounts.keys.map { key in
      var account = Account(address: key.address)
      account.balance = .ether(10_000)
      return account
    }
    return development(chainID: chainID, accounts: accounts + others)
  }

  /// Of a block; mainnet's in 2025, a little below.
  private static let developmentGasLimit: UInt64 = 36_000_000

  var settingsEntry: StoreEntry { StoreEntry(.settings, Self.settingsKey, settings) }

  /// What `settings` keeps.
  var withoutAccounts: EthereumGenesis {
    var copy = self
    copy.alloc = []
    return copy
  }

  /// Which rules hold when.
  func chainConfiguration() throws(ChainError) -> ChainConfiguration {
    if configuration.isEmpty {
      guard let fork = Fork(name: fork) else { throw .unknownFork(fork) }
      return ChainConfiguration(chainID: chainID, steps: [.init(fork, .block(0))])
    }
    guard let decoded = ChainConfiguration(decoding: configuration) else {
      throw .ethereumSettings(detail: "its fork schedule is malformed")
    }
    return decoded
  }
}

extension Chain {
  /// What a store says of its ledger's Ethereum side; `nil` where there is none.
  package static func storedEthereum(
    _ store: any AccountStore
  ) throws(ChainError) -> (settings: EthereumGenesis, configuration: ChainConfiguration)? {
    guard let settings = try ethereumSettings(of: store, nil).0 else { return nil }
    return (settings, try settings.chainConfiguration())
  }

  /// What a ledger's store, or the genesis that it began with, says of its Ethereum side, and what of that the store
  /// does not have yet.
  static func ethereumSettings(
    of store: any AccountStore, _ genesis: Genesis?
  ) throws(ChainError) -> (EthereumGenesis?, unsaved: [StoreEntry]) {
    let stored: [UInt8]?
    do throws(StoreError) { stored = try store.value(.settings, EthereumGenesis.settingsKey) } catch {
      throw .store(error)
    }
    let settings: EthereumGenesis
    var unsaved: [StoreEntry] = []
    if let stored {
      guard let decoded = EthereumGenesis(settings: stored) else {
        throw .ethereumSettings(detail: "its settings are malformed, or of a later version")
      }
      settings = decoded
    } else if let section = genesis?.ethereum {
      settings = section.withoutAccounts
      unsaved = [section.settingsEntry]
    } else {
      return (nil, [])
    }
    _ = try settings.chainConfiguration()
    return (settings, unsaved)
  }
}
