// Signatures of transactions that clients send, those that wait at a time side by side in the processor's vectors
// (docs/signatures.md).

import EVM
import Ledger
import Primitives

struct SignatureChecks: Sendable {
  private let solana = Gathering<Transaction, Bool> { transactions in
    var verdicts = [Bool](repeating: true, count: transactions.count)
    var batch = Ed25519.Batch()
    for (index, transaction) in transactions.enumerated() {
      batch.add(signaturesOf: transaction, owner: index)
    }
    // They keep the bytes that are checked.
    withExtendedLifetime(transactions) { batch.verify { verdicts[$0] = false } }
    return verdicts
  }

  private let ethereum = Gathering<
    (transaction: EthereumTransaction, fork: Fork), Result<Address, EthereumSignatureError>
  > { transactions in
    var batch = SignerBatch()
    for (transaction, fork) in transactions { batch.add(transaction, fork: fork) }
    return batch.signers()
  }

  /// Whether every signature of a transaction, which must be sane, is its signer's.
  func areValid(_ transaction: Transaction) async -> Bool { await solana.answer(for: transaction) }

  func sender(
    of transaction: EthereumTransaction, fork: Fork
  ) async -> Result<Address, EthereumSignatureError> {
    await ethereum.answer(for: (transaction, fork))
  }
}
