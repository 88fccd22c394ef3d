// What a ledger is told about Ethereum: the block environment that a replay runs in and a chain of own blocks begins
// with, and the accounts in the form of geth's `alloc` (https://geth.ethereum.org/docs/fundamentals/private-network).
// Names of forks are the EVM's affair; here they are text, and schedules and headers bytes.

import Primitives
import WideIntegers

package struct EthereumGenesis: Sendable, Equatable {
  /// One account of `alloc`.
  package struct Account: Sendable, Equatable {
    package var address: Address
    /// Wei.
    package var balance: UInt256 = .zero
    package var nonce: UInt64 = 0
    package var code: [UInt8] = []
    /// Values that are not zero, in ascending order of slots.
    package var storage: [Slot] = []

    package init(address: Address) { self.address = address }
  }

  package struct Slot: Sendable, Equatable {
    package var key: UInt256
    package var value: UInt256

    package init(key: UInt256, value: UInt256) { (self.key, self.value) = (key, value) }
  }

  /// EIP-4895.
  package struct Withdrawal: Sendable, Equatable {
    package var index: UInt64
    package var validatorIndex: UInt64
    package var address: Address
    /// Gwei.
    package var amount: UInt64

    package init(index: UInt64, validatorIndex: UInt64, address: Address, amount: UInt64) {
      (self.index, self.validatorIndex, self.address, self.amount) = (index, validatorIndex, address, amount)
    }
  }

  package var chainID: UInt64
  package var fork: String
  /// Wei.
  package var baseFeePerGas: UInt256
  package var coinbase: Address
  package var gasLimit: UInt64 = 1 << 63 - 1
  package var prevRandao: UInt256 = .zero
  package var difficulty: UInt256 = .zero
  package var excessBlobGas: UInt64 = 0
  package var parentBeaconBlockRoot: Hash = .zero
  /// By block number, ascending.
  package var blockHashes: [(number: UInt64, hash: Hash)] = []
  package var withdrawals: [Withdrawal] = []
  /// In ascending order of addresses.
  package var alloc: [Account] = []
  /// Whether the base fee of a chain of own blocks stays as it is.
  package var keepsBaseFee = false
  /// The number of the block that a chain of own blocks begins with; `nil`: the slot.
  package var number: UInt64?
  /// Which rules hold when, as `ChainConfiguration` encodes it; empty: `fork` in every block.
  package var configuration: [UInt8] = []
  /// The RLP of the header that the chain begins with; empty: one that follows from the members above.
  package var header: [UInt8] = []

  /// The fork of ledgers whose genesis names none.
  package static let defaultFork = "Osaka"
  /// The chain id of ledgers that were not given another, as development chains of geth have it.
  package static let defaultChainID: UInt64 = 1337

  package init(chainID: UInt64, fork: String, baseFeePerGas: UInt256, coinbase: Address) {
    (self.chainID, self.fork, self.baseFeePerGas, self.coinbase) = (chainID, fork, baseFeePerGas, coinbase)
  }

  package static func == (left: EthereumGenesis, right: EthereumGenesis) -> Bool {
    left.environmentBytes == right.environmentBytes && left.alloc == right.alloc
  }

  /// Everything but the accounts, in one spelling.
  package var environmentBytes: [UInt8] {
    var writer = ByteWriter(capacity: 256)
    writer.write(chainID)
    writer.write(Array(fork.lowercased().utf8))
    writer.write(baseFeePerGas.bigEndianBytes)
    writer.write(coinbase.bytes)
    writer.write(gasLimit)
    writer.write(prevRandao.bigEndianBytes)
    writer.write(difficulty.bigEndianBytes)
    writer.write(excessBlobGas)
    writer.write(parentBeaconBlockRoot)
    writer.write(UInt64(blockHashes.count))
    for (number, hash) in blockHashes {
      writer.write(number)
      writer.write(hash)
    }
    for withdrawal in withdrawals {
      writer.write(withdrawal.index)
      writer.write(withdrawal.validatorIndex)
      writer.write(withdrawal.address.bytes)
      writer.write(withdrawal.amount)
    }
    // Behind everything else, so that a genesis without them has the identity that it always had.
    if keepsBaseFee { writer.writeString("keepsBaseFee") }
    if let number { writer.write(number) }
    writer.write(configuration)
    writer.write(header)
    return writer.bytes
  }
}
