// One level of the call stack and one entry of the instruction trace: which program runs, with which accounts
// and data (Solana's transaction-context crate, https://docs.rs/solana-transaction-context). Frames are
// pooled: a worker keeps the 64 that a trace can hold and refills them.

import Ledger
import Primitives

/// An account as one instruction names it.
@frozen package struct InstructionAccount: Equatable, Sendable {
  /// Position of the key in the transaction, in [0, 256).
  package var indexInTransaction: Int
  package var isSigner: Bool
  package var isWritable: Bool

  package init(indexInTransaction: Int, isSigner: Bool, isWritable: Bool) {
    self.indexInTransaction = indexInTransaction
    self.isSigner = isSigner
    self.isWritable = isWritable
  }
}

/// The instruction being run at one stack height.
package final class InstructionContext {
  /// Position of the program's key in the transaction.
  @exclusivity(unchecked) package var programIndex = 0
  @exclusivity(unchecked) package var accounts: [InstructionAccount] = []
  @exclusivity(unchecked) package var data: [UInt8] = []
  /// 1 for an instruction of the transaction itself, one more a nested call.
  @exclusivity(unchecked) package var stackHeight = 0
  /// Position in the transaction's top level instructions.
  @exclusivity(unchecked) package var topLevelIndex = 0
  /// Bytes of its heap that the program took through the allocator syscall.
  @exclusivity(unchecked) var allocatedHeapByteCount: UInt64 = 0

  package init() {}

  package var accountCount: Int { accounts.count }

  /// Throws `missingAccount` where the instruction names fewer than `count` accounts.
  @inlinable package func checkAccountCount(_ count: Int) throws(InstructionError) {
    if accounts.count < count { throw .missingAccount }
  }

  /// Position of the first account of this instruction with the same key as the one at `index`; `nil` where
  /// that is itself.
  package func firstDuplicate(of index: Int) -> Int? {
    let position = accounts[index].indexInTransaction
    for earlier in 0..<index where accounts[earlier].indexInTransaction == position { return earlier }
    return nil
  }
}
