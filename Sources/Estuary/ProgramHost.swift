// Where programs stand and transactions are sent: a chain of this process, or one behind a node (`RemoteLedger` of the
// command line). What deploys and explains asks no more of a ledger than this.

import Execution
import Ledger
import Primitives
import Runtime

package protocol ProgramHost {
  associatedtype Failure: Error & CustomStringConvertible & Sendable

  /// The account at `key` after the last block; `nil` where there is none.
  func account(_ key: Pubkey) throws(Failure) -> Account?

  /// Lamports with which an account of `byteCount` bytes of data is exempt from rent.
  func minimumBalance(dataByteCount byteCount: Int) throws(Failure) -> UInt64

  /// The blockhash that the last transactions named, or the next ones will.
  var blockhash: Hash { get }

  /// The slot of the last block.
  func currentSlot() throws(Failure) -> UInt64

  /// What stands at `key`.
  func programState(at key: Pubkey) throws(Failure) -> ProgramState

  /// The programs and buffers that `authority` may change, or all, in the order of their keys.
  func deployments(of authority: Pubkey?) throws(Failure) -> Deployments

  /// Builds, signs and executes transactions, and waits until what became of them is certain. A chain executes them in order,
  /// as one block; a node in whatever order it takes them.
  ///
  /// - Parameters:
  ///   - transactions: the payer is the first of the signers.
  ///   - progress: called with the number of those that are done.
  func send(
    transactions: [TransactionDraft], progress: (Int) -> Void
  ) throws(SubmissionError) -> [TransactionResult]
}

/// Instructions and who signs them, the payer first.
package typealias TransactionDraft = (instructions: [Instruction], signers: [Ed25519.KeyPair])

/// Programs and buffers with their keys.
package typealias Deployments = (
  programs: [(Pubkey, ProgramState.Program)], buffers: [(Pubkey, ProgramState.Buffer)]
)

extension ProgramHost {
  package func send(
    _ instructions: [Instruction], signers: [Ed25519.KeyPair]
  ) throws(SubmissionError) -> TransactionResult {
    try send(transactions: [(instructions, signers)]) { _ in }[0]
  }

  package func programState(at key: Pubkey) throws(Failure) -> ProgramState {
    guard let account = try account(key) else { return .none }
    return try ProgramState(of: account) { key throws(Failure) in try self.account(key) }
  }

  /// The file at a program's id or in a buffer, with the zero bytes up to its account's end; nil where there is none.
  package func programFile(at key: Pubkey) throws(Failure) -> [UInt8]? {
    switch try programState(at: key) {
    case .program(let program):
      return try account(program.programData).map {
        Array($0.data.dropFirst(UpgradeableLoaderState.programDataMetadataByteCount))
      }
    case .buffer:
      return try account(key).map { Array($0.data.dropFirst(UpgradeableLoaderState.bufferMetadataByteCount)) }
    case .fixedProgram(let loader, _):
      return loader == ProgramID.nativeLoader ? nil : try account(key)?.data
    case .none, .closed, .programData, .other: return nil
    }
  }
}

extension Chain: ProgramHost {
  package typealias Failure = ChainError

  package func currentSlot() -> UInt64 { slot }

  package func send(
    transactions: [TransactionDraft], progress: (Int) -> Void
  ) throws(SubmissionError) -> [TransactionResult] {
    let results = try send(transactions: transactions)
    progress(results.count)
    return results
  }
}
