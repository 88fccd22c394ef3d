// What somebody who develops contracts says of blocks that are yet to come (hardhat_setCoinbase, evm_setBlockGasLimit and
// their like): none of it is kept by the ledger but in the headers of the blocks that were made with it.

import EVM
import Primitives
import WideIntegers

package struct NextEthereumBlock: Sendable, Equatable {
  /// Of every block from now on; `nil`: the ledger's own.
  package var coinbase: Address?
  /// The same; `nil`: that of the block before.
  package var gasLimit: UInt64?
  /// Of the next block alone, in wei; `nil`: what follows from the block before.
  package var baseFeePerGas: UInt256?
  /// Of the next block alone; `nil`: a hash of the block before.
  package var prevRandao: Hash?
  /// Whether a block may have the timestamp of the one before it.
  package var mayShareTimestamp = false

  package init() {}

  /// What makes a block of this header: all that does not follow from the one before.
  init(of header: EthereumHeader, after parent: EthereumHeader?) {
    (coinbase, gasLimit, baseFeePerGas) = (header.coinbase, header.gasLimit, header.baseFeePerGas)
    prevRandao = header.mixHash
    mayShareTimestamp = parent.map { $0.timestamp == header.timestamp } ?? false
  }

  /// A block has been made.
  mutating func pass() { (baseFeePerGas, prevRandao) = (nil, nil) }
}

extension Chain {
  /// What the next of Ethereum's blocks has in place of what follows from the one before it. Of no effect where the ledger
  /// has no Ethereum side.
  package var nextBlockSettings: NextEthereumBlock {
    get { ethereumChain?.next ?? NextEthereumBlock() }
    set { ethereumChain?.next = newValue }
  }
}
