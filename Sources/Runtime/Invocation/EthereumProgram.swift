// The EVM program, by which programs call contracts. What it does lies above both engines (target CrossCalls) and is
// injected; without it no such program is there. It has no account on the ledger: a transaction that names its key, and a
// program that a contract has called, are shown one.

import Ledger
import Primitives

/// What stands behind the EVM program. Used by the thread of its context alone.
package protocol EthereumProgram: AnyObject {
  /// Runs the instruction that `invoke` has begun, whose base cost is paid.
  func process(_ invoke: InvokeContext) throws(InstructionError)
}

package enum EthereumProgramAccount {
  /// Compute units of each instruction, before what it does.
  package static let units: UInt64 = 3_000

  /// What programs see at its key. Without data, so that workers count no reference to a common array.
  package static var account: Account {
    Account(lamports: 1, owner: ProgramID.nativeLoader, executable: true, rentEpoch: 0)
  }
}

extension InvokeContext {
  /// The EVM program, where there is one.
  func ethereumBuiltin(at program: Pubkey) -> Builtin? {
    guard program == ProgramID.ethereum, ethereum != nil else { return nil }
    return Builtin(id: program, cost: EthereumProgramAccount.units) { (invoke) throws(InstructionError) in
      guard let ethereum = invoke.ethereum else { throw .unsupportedProgramId }
      try ethereum.process(invoke)
    }
  }

  /// Programs that run, the outermost first.
  package var runningPrograms: [Pubkey] {
    (0..<transaction.stackHeight).map {
      transaction.keys[transaction.trace[transaction.stack[$0]].programIndex]
    }
  }

  /// Whether the instruction that runs names `key`, and another one that runs around it does; for writing, or at all.
  package func holds(_ key: Pubkey) -> (current: Bool, isWritable: Bool, others: Bool) {
    guard let position = transaction.index(of: key) else { return (false, false, false) }
    var holding = (current: false, isWritable: false, others: false)
    for level in 0..<transaction.stackHeight {
      let frame = transaction.trace[transaction.stack[level]]
      guard let index = frame.firstIndex(inTransaction: position) else { continue }
      if level == transaction.stackHeight - 1 {
        (holding.current, holding.isWritable) = (true, frame.accounts[index].isWritable)
      } else {
        holding.others = true
      }
    }
    return holding
  }
}

extension TransactionContext {
  /// Takes over what was done to the account at `position` beyond this transaction's own instructions.
  package func replace(_ position: Int, with account: Account) {
    touched[position] = true
    guard takeBackAccount(at: position) else {
      accounts[position] = account
      return
    }
    (accounts + position).initialize(to: account)
  }

  /// Takes over by how much account data has grown there.
  package func setResizeDelta(_ bytes: Int64) { resizeDelta = bytes }
}
