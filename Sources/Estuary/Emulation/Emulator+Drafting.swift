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
    var transaction = EthereumTransaction(
      kind: .legacy, chainID: block.fork >= .spuriousDragon ? block.chainID : nil, nonce: nonce ?? next,
      maxPriorityFeePerGas: .zero, maxFeePerGas: .zero, gasLimit: gasLimit ?? self.gasLimit, to: target,
      value: value, data: data)
    guard block.fork >= .london else {
      if tip != nil { return nil }
      transaction.maxFeePerGas = price ?? Self.usualTip
      transaction.maxPriorityFeePerGas = transaction.maxFeePerGas
      return transaction
    }
    transaction.kind = .dynamicFee
    let base = block.baseFeePerGas
    if let price {
      transaction.maxFeePerGas = price
      transaction.maxPriorityFeePerGas =
        tip ?? min(Self.usualTip, price >= base ? price &- base : .zero)
    } else {
      let tip = tip ?? Self.usualTip
      let (price, overflow) = (base &+ base).addingReportingOverflow(tip)
      transaction.maxFeePerGas = overflow ? .max : price
      transaction.maxPriorityFeePerGas = tip
    }
    return transaction
  }

  /// 1 gwei.
  private static var usualTip: UInt256 { 1_000_000_000 }
}
