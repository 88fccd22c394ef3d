// Replaying a file of transactions from a genesis, in blocks, on any executor, as often as wanted: what the command line
// runs, what benchmarks time and what tests compare.

import Ledger
import Primitives
import Runtime
import Scheduling

package struct Replay {
  package var genesis: Genesis
  /// In order.
  package var transactions: [TransactionLine]
  /// Transactions a block; 0: all in one.
  package var blockSize = 0
  package var verifiesSignatures = true
  package var recordsTimeline = false
  private let programs = ProgramCache(syscalls: SyscallTable.registry)

  package init(genesis: Genesis, lines: [TransactionLine]) {
    self.genesis = genesis
    self.transactions = lines
  }

  package init(genesis: Genesis, transactions: [WireTransaction]) {
    self.init(genesis: genesis, lines: transactions.map { .success($0) })
  }

  /// Of Solana's transactions alone.
  package init(genesis: Genesis, wires: [[UInt8]]) {
    self.init(genesis: genesis, transactions: wires.map { .solana($0) })
  }

  package struct Outcome {
    /// Of Solana's transactions that this run executed, in order.
    package var results: [TransactionResult] = []
    /// Of Ethereum's.
    package var ethereumResults: [EthereumTransactionResult] = []
    package var ethereumEffort = EthereumEffort()
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
    /// Index of the block's first transaction among the outcome's results.
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
    while next < transactions.count {
      let end = blockSize > 0 ? min(next + blockSize, transactions.count) : transactions.count
      let start = outcome.timing.wholeNanoseconds
      let block = try chain.execute(
        BlockTransactions(transactions[next..<end]), verifiesSignatures: verifiesSignatures,
        recordsTimeline: recordsTimeline)
      outcome.timing.add(block.timing)
      if let timeline = block.timeline {
        outcome.blocks.append(
          RecordedBlock(
            height: block.height, timeline: timeline, timing: block.timing,
            firstTransaction: outcome.results.count, startNanoseconds: start))
      }
      if outcome.results.isEmpty { outcome.results = block.results } else { outcome.results += block.results }
      outcome.ethereumResults += block.ethereumResults
      outcome.ethereumEffort.add(block.ethereumEffort)
      next = end
      progress(next)
    }
    outcome.stateHash = chain.stateHash
    return outcome
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
