// A transaction that a verb sends as a block of its own.

import Estuary
import Execution
import Ledger
import Primitives

/// A transaction that a verb sent, and what came of it.
struct SentTransaction {
  let result: TransactionResult
  let failure: CLIError?
}

extension ProgramHost {
  /// Sends one transaction, as a block of its own on a chain.
  ///
  /// - Parameter signers: the payer first.
  func submit(_ instructions: [Instruction], signers: [Ed25519.KeyPair]) throws -> SentTransaction {
    let result = try send(instructions, signers: signers)
    let failed = FailedTransaction(result, of: instructions, signers: signers, on: self)
    return SentTransaction(result: result, failure: failed.map { .transactionFailed(text: $0.text) })
  }
}
