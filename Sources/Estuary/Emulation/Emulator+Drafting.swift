// A transaction with the prices that its block asks for: of the type that the fork has, unsigned.

import EVM
import Primitives
import WideIntegers

extension Emulator {
  /// A transaction for this block, without a signature.
  ///
  /// - Parameters:
  ///   - nonce: `nil`: the sender's next.
  ///   - gasLimit: `nil`: all that a transaction may have here.
  ///   - price: the most to pay for a unit of gas, in wei; `nil`: twice the base fee and the tip.
  ///   - tip: part of the price, in wei; `nil`: 1 gwei, or what the price leaves.
  /// - Returns: `nil` where there is a tip and the fork knows none.
  package func draft(
    to target: Address?, value: UInt256, data: [UInt8], from sender: Address, nonce: UInt64? = nil,
    gasLimit: UInt64? = nil, price: UInt256? = nil, tip: UInt256? = nil
  ) throws(EmulationError) -> EthereumTransaction? {
    let next = try account(sender)?.nonce ?? 0
    return EthereumTransaction.draft(
      to: target, value: value, data: data, nonce: nonce ?? next,
      chainID: block.fork >= .spuriousDragon ? block.chainID : nil,
      baseFee: block.fork >= .london ? block.baseFeePerGas : nil, gasLimit: gasLimit ?? self.gasLimit,
      price: price, tip: tip)
  }
}

extension EthereumTransaction {
  /// A transaction without a signature, with the prices that its block asks for.
  ///
  /// - Parameters:
  ///   - chainID: `nil` for one that is good for any chain.
  ///   - baseFee: of the block that comes next, in wei a unit of gas; `nil` before London.
  ///   - price: as in `Emulator.draft`.
  ///   - tip: as in `Emulator.draft`.
  /// - Returns: `nil` where there is a tip and no base fee.
  package static func draft(
    to target: Address?, value: UInt256, data: [UInt8], nonce: UInt64, chainID: UInt64?, baseFee: UInt256?,
    gasLimit: UInt64, price: UInt256?, tip: UInt256?
  ) -> EthereumTransaction? {
    var transaction = EthereumTransaction(
      kind: .legacy, chainID: chainID, nonce: nonce, maxPriorityFeePerGas: .zero, maxFeePerGas: .zero,
      gasLimit: gasLimit, to: target, value: value, data: data)
    guard let baseFee else {
      if tip != nil { return nil }
      transaction.maxFeePerGas = price ?? usualTip
      transaction.maxPriorityFeePerGas = transaction.maxFeePerGas
      return transaction
    }
    transaction.kind = .dynamicFee
    if let price {
      transaction.maxFeePerGas = price
      transaction.maxPriorityFeePerGas =
        tip ?? min(usualTip, price >= baseFee ? price &- baseFee : .zero)
    } else {
      let tip = tip ?? usualTip
      let (price, overflow) = (baseFee &+ baseFee).addingReportingOverflow(tip)
      transaction.maxFeePerGas = overflow ? .max : price
      transaction.maxPriorityFeePerGas = tip
    }
    return transaction
  }

  /// 1 gwei.
  private static var usualTip: UInt256 { 1_000_000_000 }
}
