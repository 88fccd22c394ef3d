// What a transaction pays and who may pay it (https://solana.com/docs/core/fees): 5,000 lamports for each
// signature, those that precompiles verify included, and the priority fee; paid by the first signer, a system
// account or a nonce account that keeps its rent exemption.

import Ledger
import Primitives

package enum TransactionFee {
  /// Lamports that `message` costs.
  package static func lamports(_ message: Message, budget: ComputeBudget, lamportsPerSignature: UInt64) -> UInt64 {
    var signatures = UInt64(message.header.requiredSignatureCount)
    for index in 0..<message.instructionCount {
      let instruction = message.instruction(at: index)
      if Precompile(id: message.programID(of: instruction)) == nil { continue }
      signatures += UInt64(message.dataBytes(of: instruction).first ?? 0)
    }
    let base = signatures.multipliedReportingOverflow(by: lamportsPerSignature)
    let total = base.partialValue.addingReportingOverflow(budget.priorityFee)
    return base.overflow || total.overflow ? .max : total.partialValue
  }

  /// Takes `fee` from the payer at `position`.
  static func withdraw(
    _ fee: UInt64, from payer: inout Account, position: Int, rent: Rent
  ) throws(TransactionError) {
    if payer.lamports == 0 { throw .accountNotFound }
    let minimum = try minimumBalance(of: payer, rent: rent)
    guard payer.lamports >= minimum, payer.lamports - minimum >= fee else { throw .insufficientFundsForFee }
    let lamportsBefore = payer.lamports
    payer.lamports -= fee
    let after = RentState(payer, rent: rent)
    guard case .rentPaying = after else { return }
    let before = RentState(lamports: lamportsBefore, dataByteCount: payer.data.count, rent: rent)
    if !before.mayBecome(after) {
      throw .insufficientFundsForRent(accountIndex: UInt8(truncatingIfNeeded: position))
    }
  }

  /// Lamports that the fee must leave behind.
  private static func minimumBalance(of payer: Account, rent: Rent) throws(TransactionError) -> UInt64 {
    guard payer.owner == ProgramID.system else { throw .invalidAccountForFee }
    if payer.data.isEmpty { return 0 }
    guard payer.data.count == NonceState.byteCount, NonceState(payer)?.contents != nil else {
      throw .invalidAccountForFee
    }
    return rent.minimumBalance(dataByteCount: NonceState.byteCount)
  }
}

extension NonceState {
  /// The state that an account's data holds; `nil` where it is none.
  package init?(_ account: Account) {
    let state = account.data.withUnsafeBytes { bytes -> NonceState? in
      var reader = ByteReader(bytes)
      return try? Self.decode(&reader)
    }
    guard let state else { return nil }
    self = state
  }
}
