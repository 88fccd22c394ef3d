// Replaying a file of transactions from a genesis, on any executor, as often as wanted: what the command line runs, what
// benchmarks time and what tests compare. A file is one logical block, whatever number of its transactions is committed
// at once.

import Ledger
import Primitives
import Runtime
import Scheduling

package struct Replay {
  package var genesis: Genesis
  package var transactions: BlockTransactions
  /// Transactions that are committed at once; 0: all.
  package var blockSize = 0
  package var verifiesSignatures = true
  package var recordsTimeline = false
  private let programs = ProgramCache(syscalls: SyscallTable.registry)

  package init(genesis: Genesis, transactions: BlockTransactions) {
    self.genesis = genesis
    self.transactions = transactions
  }

  package init(genesis: Genesis, transactions: [WireTransaction]) {
    self.init(genesis: genesis, transactions: BlockTransactions(transactions.lazy.map { .success($0) }))
  }

  /// Of Solana's transactions alone.
  package init(genesis: Genesis, wires: [[UInt8]]) {
    self.init(genesis: genesis, transactions: BlockTransactions(solana: wires))
  }

  package struct Outcome {
    /// Of the transactions that this run executed, in order.
    package var receipts: [Receipt] = []
    /// Ethereum's transactions among them.
    package var ethereumCount = 0
    /// Executions of those, and how many of them were thrown away.
    package var executionCount = 0
    package var repeatedCount = 0
    /// Transactions that the ledger had before.
    package var skippedCount = 0
    package var stateHash: Hash = .zero
    package var timing = Chain.Timing()
    package var blocks: [RecordedBlock] = []
    package var chain: Chain
  }

  /// A block whose schedule was recorded.
  package struct RecordedBlock {
    package var height: UInt64
    package var timeline: Timeline
    package var timing: Chain.Timing
    /// Index of the block's first transaction among the outcome's receipts.
    package var firstTransaction: Int
    /// From the replay's first block on: execution, state hashes and commits of the blocks before.
    package var startNanoseconds: UInt64
  }

  /// Executes what `store` has not executed yet; an empty store takes the genesis first.
  ///
  /// - Parameters:
  ///   - progress: called after each block with the number of transactions done.
  package func run(
    on store: any AccountStore = MemoryStore(), executor: any BlockExecutor,
    progress: (Int) -> Void = { _ in }
  ) throws(ChainError) -> Outcome {
    let chain = try Chain(
      store: store, genesis: genesis, executor: executor, progress: .fixed, programs: programs)
    var outcome = Outcome(chain: chain)
    outcome.skippedCount = min(Int(clamping: chain.head.transactionCount), transactions.count)
    chain.warmPrograms()
    var next = outcome.skippedCount
    // A run before may have been killed when all was executed, and its block not ended.
    while next < transactions.count || chain.head.isOpen {
      let end = blockSize > 0 ? min(next + blockSize, transactions.count) : transactions.count
      let start = outcome.timing.wholeNanoseconds
      let part = transactions.part(next..<end)
      let block = try chain.execute(
        part, verifiesSignatures: verifiesSignatures, recordsTimeline: recordsTimeline,
        endsBlock: end == transactions.count)
      outcome.add(block, of: part, startNanoseconds: start)
      next = end
      progress(next)
    }
    outcome.stateHash = chain.stateHash
    return outcome
  }
}

extension Replay.Outcome {
  fileprivate mutating func add(_ block: Chain.Block, of part: BlockTransactions, startNanoseconds: UInt64) {
    timing.add(block.timing)
    if let timeline = block.timeline {
      blocks.append(
        Replay.RecordedBlock(
          height: block.height, timeline: timeline, timing: block.timing, firstTransaction: receipts.count,
          startNanoseconds: startNanoseconds))
    }
    if receipts.isEmpty { receipts = block.receipts } else { receipts += block.receipts }
    ethereumCount += part.ethereumCount
    executionCount += block.ethereum.executionCount
    repeatedCount += block.ethereum.repeatedCount
  }
}

extension Chain.Timing {
  /// Wall time from wire bytes to the committed block.
  var wholeNanoseconds: UInt64 { elapsedNanoseconds + stateHashNanoseconds + commitNanoseconds }

  mutating func add(_ other: Chain.Timing) {
    elapsedNanoseconds += other.elapsedNanoseconds
    signatureNanoseconds += other.signatureNanoseconds
    stateHashNanoseconds += other.stateHashNanoseconds
    commitNanoseconds += other.commitNanoseconds
  }
}
