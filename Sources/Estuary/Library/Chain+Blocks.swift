// Blocks from another program: what goes in, what comes out, and trying them out.

import EVM
import Execution
import Ledger
import Primitives
import Scheduling

extension Chain {
  /// Executes transactions as the next block, in effect one after the other, and commits it. One that cannot be decoded
  /// or fails is an error of its own receipt.
  ///
  /// - Parameters:
  ///   - transactions: in block order.
  ///   - recordsSchedule: whether to note when and where each transaction ran (`Block.schedule`).
  /// - Throws: when the block could not be committed; the chain then stands where it stood.
  @discardableResult
  public func execute(
    _ transactions: [SignedTransaction], recordsSchedule: Bool = false
  ) throws(ChainError) -> Block {
    try execute(
      BlockTransactions(transactions.map { .success($0.wire) }), verifiesSignatures: true,
      recordsTimeline: recordsSchedule)
  }

  /// The same of transactions in Solana's wire format, at most 1,232 bytes each.
  public func execute(_ transactions: [[UInt8]]) throws(ChainError) -> Block {
    try execute(BlockTransactions(solana: transactions), verifiesSignatures: true)
  }

  /// Executes one transaction as a block of its own.
  @discardableResult
  public func send(_ transaction: SignedTransaction) throws(ChainError) -> Receipt {
    try execute([transaction]).receipts[0]
  }

  /// What would come of a block.
  public struct Trial: Sendable {
    /// One a transaction, in order.
    public let receipts: [Receipt]
    /// Accounts of Solana's key space as they are and as they would be, in ascending order of keys; `nil` where there is
    /// none. Sysvars, which move on with every block, are among them.
    public let changes: [Change]

    public struct Change: Sendable, Equatable {
      public let key: Pubkey
      public let before: Account?
      public let after: Account?
    }
  }

  /// What the transactions would do as the next block; the ledger stays as it is.
  ///
  /// - Parameters:
  ///   - transactions: in block order.
  ///   - observer: watches them, one after the other; `nil`: nobody does.
  public func simulate(
    _ transactions: [SignedTransaction], observer: (any ExecutionObserver)? = nil
  ) throws(ChainError) -> Trial {
    let (execution, changes) = try dryRun(
      BlockTransactions(transactions.map { .success($0.wire) }),
      on: observer.map { SerialExecutor(observer: $0, contracts: contracts) as any BlockExecutor } ?? executor
    )
    return Trial(
      receipts: execution.receipts,
      changes: changes.filter { !EVMKey.contains($0.key) }
        .map { Trial.Change(key: $0.key, before: $0.old, after: $0.new) })
  }
}

extension Chain.Block {
  /// When and where a transaction ran. Times are nanoseconds since the block began to execute.
  public struct Slot: Sendable, Equatable {
    /// `[0, worker count)`.
    public let worker: Int
    /// When the last transaction that it waited for was done.
    public let readyNanoseconds: UInt64
    public let startNanoseconds: UInt64
    public let endNanoseconds: UInt64
    /// The transaction that it waited for last, as its index in the block; `nil` where it had to wait for none.
    public let waitedFor: Int?
  }

  /// One a transaction, in block order; empty where it was not asked for.
  public var schedule: [Slot] {
    (timeline?.slices ?? []).map { slice in
      Slot(
        worker: Int(slice.worker.rawValue), readyNanoseconds: slice.readyNanoseconds,
        startNanoseconds: slice.startNanoseconds, endNanoseconds: slice.endNanoseconds,
        waitedFor: slice.releasedBy.map { Int($0.predecessor.rawValue) })
    }
  }
}
