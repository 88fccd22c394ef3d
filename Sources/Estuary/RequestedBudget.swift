// What the transactions of a command ask of the compute budget program: a price, which makes the priority fee, and a limit.

import Ledger
import Primitives
import Runtime

package struct RequestedBudget: Sendable {
  /// Micro-lamports for each unit that a transaction may use; `nil`: none.
  package var unitPrice: UInt64?
  /// Units that a transaction may use; `nil`: what follows from its instructions.
  package var unitLimit: UInt32?

  package init(unitPrice: UInt64? = nil, unitLimit: UInt32? = nil) {
    (self.unitPrice, self.unitLimit) = (unitPrice, unitLimit)
  }

  /// Stand behind a transaction's own, so that the numbers of those in errors stay.
  package var instructions: [Instruction] {
    (unitPrice.map { [ComputeBudgetProgram.setComputeUnitPrice($0)] } ?? [])
      + (unitLimit.map { [ComputeBudgetProgram.setComputeUnitLimit($0)] } ?? [])
  }

  /// Bytes by which a transaction with `instructions` is longer, at most: the program's key, and each with 3 bytes of lengths
  /// and indices.
  package var byteCount: Int {
    let instructions = instructions
    return instructions.isEmpty ? 0 : 32 + instructions.reduce(0) { $0 + 3 + $1.data.count }
  }

  /// Lamports above the fee for signatures that a transaction pays whose own instructions call `programs`.
  package func priorityFee(ofCalling programs: [Pubkey]) -> UInt64 {
    let called = programs + instructions.map(\.programID)
    let standard = called.reduce(0 as UInt64) { $0 + Builtins.defaultComputeUnits(of: $1) }
    var budget = ComputeBudget(
      unitLimit: min(unitLimit ?? UInt32(clamping: standard), ComputeBudget.maximumUnitLimit))
    budget.unitPrice = unitPrice ?? 0
    return budget.priorityFee
  }
}

extension Sequence<UInt64> {
  /// Lamports together, at most 2^64 - 1: a price that a user gives may come to more than there are.
  package var saturatedSum: UInt64 { UInt64(clamping: reduce(0 as UInt128) { $0 + UInt128($1) }) }
}
