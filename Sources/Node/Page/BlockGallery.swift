// The latest blocks as the page shows them: who ran where and when, what was waited for, what was executed twice. Kept in
// memory, a bounded number of transactions; what is in the ledger is read from there.

import Estuary
import Execution
import Ledger
import Primitives
import Scheduling

package final class BlockGallery: @unchecked Sendable {
  // Sendable: `entries` is touched by whoever holds `lock`.

  struct Entry: Sendable {
    let slot: UInt64
    let height: UInt64
    /// Of Ethereum's block; `nil` where there was none.
    let ethereumNumber: UInt64?
    /// Unix seconds.
    let unixTimestamp: Int64
    let transactions: BlockTransactions
    /// One a transaction.
    let receipts: [Receipt]
    let timeline: Timeline?
    /// Of the accounts that the timeline names.
    let names: [AccountIndex: String]
    let ethereum: EthereumTotals
    /// From wire bytes to published accounts.
    let nanoseconds: UInt64
    /// Accounts that it changed.
    let changedKeys: [Pubkey]
  }

  /// Blocks that are kept at most, and transactions in all of them.
  private static let (blockLimit, transactionLimit) = (1024, 1 << 15)
  /// Larger blocks are executed without noting who ran when.
  static let timelineLimit = 1 << 14

  private let lock = Lock()
  private var entries: [Entry] = []
  /// In all of them.
  private var transactionCount = 0

  package init() {}

  /// Notes a block that has been committed. On the thread that made it.
  func note(_ block: Chain.Block, _ transactions: BlockTransactions, _ head: Head, ethereumNumber: UInt64?, of chain: Chain) {
    var names: [AccountIndex: String] = [:]
    if let timeline = block.timeline {
      for account in timeline.slices.compactMap({ $0.releasedBy?.account }) + timeline.discards.compactMap(\.account)
      where names[account] == nil {
        names[account] = chain.name(inTimelines: account)
      }
    }
    let entry = Entry(
      slot: head.slot, height: head.height, ethereumNumber: ethereumNumber, unixTimestamp: head.unixTimestamp,
      transactions: transactions, receipts: block.receipts, timeline: block.timeline, names: names,
      ethereum: block.ethereum, nanoseconds: block.timing.elapsedNanoseconds,
      changedKeys: transactions.count == 0 ? [] : block.changes.map(\.key))
    lock.withLock {
      // After a revert the slots come again.
      while let last = entries.last, last.slot >= entry.slot { remove(entries.count - 1) }
      entries.append(entry)
      transactionCount += entry.receipts.count
      while entries.count > Self.blockLimit || transactionCount > Self.transactionLimit && entries.count > 1 {
        remove(0)
      }
    }
  }

  private func remove(_ index: Int) { transactionCount -= entries.remove(at: index).receipts.count }

  /// The newest first, from `slot` down.
  func latest(_ count: Int, from slot: UInt64 = .max) -> [Entry] {
    lock.withLock { Array(entries.reversed().lazy.filter { $0.slot <= slot }.prefix(count)) }
  }

  func entry(slot: UInt64) -> Entry? { lock.withLock { entries.last { $0.slot == slot } } }

  var all: [Entry] { lock.withLock { entries } }
}
