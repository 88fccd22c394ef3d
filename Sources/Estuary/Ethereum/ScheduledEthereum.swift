// Ethereum's entries that are scheduled with Solana's: all of them write one lock (BlockPreparation.ethereumLock), so that
// one runs at a time, in block order, on whichever worker.

import Ledger

final class ScheduledEthereum: @unchecked Sendable {
  // Sendable: used by the transaction that holds the lock, and read after the run; the scheduler orders them.
  private let lane: EthereumLane
  private(set) var failure: BlockExecutionError?

  init(_ lane: EthereumLane) { self.lane = lane }

  /// Runs the entry at `position`, whose turn it is; after a failure none.
  func run(_ position: Int, of preparation: BlockPreparation, into receipts: BlockReceipts) {
    let decoded = preparation.takeEthereum(position)
    if failure != nil { return }
    do throws(BlockExecutionError) {
      let result = try lane.execute(position, of: preparation.block.transactions, decoded)
      receipts.set(position, .ethereum(result))
    } catch {
      failure = error
    }
  }
}
