// Sending one Ethereum transaction as a block of its own, for people who develop contracts.

import EVM
import Execution
import Ledger
import Primitives

extension Chain {
  /// Executes a signed transaction as the next block and commits it.
  ///
  /// - Parameter unixTimestamp: the block's, in seconds, so that it is the one that an emulator has shown.
  package func send(
    _ transaction: EthereumTransaction, unixTimestamp: UInt64
  ) throws(ChainError) -> EthereumTransactionResult {
    let line = TransactionLine.success(.ethereum(EthereumWire(transaction.encoded)))
    let block = try execute(
      BlockTransactions([line]), verifiesSignatures: true, unixTimestamp: Int64(clamping: unixTimestamp))
    guard let result = block.receipts.ethereum.first else {
      preconditionFailure("a block of one transaction has one result")
    }
    return result
  }
}
