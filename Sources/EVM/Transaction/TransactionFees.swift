// What a valid transaction pays and to whom: the effective gas price and its split into the burnt base fee and the
// tip (EIP-1559), and the burnt blob fee (EIP-4844). All amounts are wei.

import WideIntegers

package struct TransactionFees: Equatable, Sendable {
  /// What a unit of gas costs the sender, and what GASPRICE gives.
  package let effectiveGasPrice: UInt256
  /// The part of the price that the coinbase gets: all of it before London.
  package let priorityFeePerGas: UInt256
  /// Burnt, whatever happens in the execution.
  package let blobFee: UInt256

  /// Of a transaction that is valid in `environment`: its fee cap is not below the base fee.
  package init(of transaction: borrowing EthereumTransaction, in environment: borrowing BlockEnvironment) {
    let baseFee = environment.baseFeePerGas
    priorityFeePerGas = min(transaction.maxPriorityFeePerGas, transaction.maxFeePerGas &- baseFee)
    effectiveGasPrice = baseFee &+ priorityFeePerGas
    blobFee = UInt256(transaction.blobGas) &* environment.blobBaseFee
  }

  /// What the sender is charged before execution, the value sent aside; a valid transaction's fits 256 bits.
  package func upfrontCost(gasLimit: UInt64) -> UInt256 {
    UInt256(gasLimit) &* effectiveGasPrice &+ blobFee
  }

  /// What the sender gets back for gas that was not used.
  package func refund(unusedGas: UInt64) -> UInt256 { UInt256(unusedGas) &* effectiveGasPrice }

  /// What the coinbase gets for gas that was used.
  package func coinbaseReward(gasUsed: UInt64) -> UInt256 { UInt256(gasUsed) &* priorityFeePerGas }

  /// What nobody gets for gas that was used, the blob fee included.
  package func burnt(gasUsed: UInt64) -> UInt256 {
    UInt256(gasUsed) &* (effectiveGasPrice &- priorityFeePerGas) &+ blobFee
  }
}
