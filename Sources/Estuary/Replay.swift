// Replaying a file of transactions from a genesis, on any executor, as often as wanted: what the command line runs, what
// benchmarks time and what tests compare. A file is one logical block, whatever number of its transactions is committed
// at once; with that number given, what is not yet executed needs the memory of one such part (ReplaySource.swift).

import Execution
import Ledger
import Primitives
import Runtime
import Scheduling

package struct Replay {
  package var genesis: Genesis
  /// What `run(on:executor:progress:)` executes.
  package var transactions: BlockTransactions
  /// Transactions that are committed at once; 0: all.
  package var blockSize = 0
  package var verifiesSignatures = true
  package var recordsTimeline = false
  private let programs = ProgramCache()

  package init(genesis: Genesis, transactions: BlockTransactions = BlockTransactions(solana: [])) {
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
    /// Of the transactions that this run executed, in order; empty where `observe` had them.
    package var receipts: [Receipt] = []
    /// As many as were committed at once each; empty where `observe` had them.
    package var blocks: [Chain.Block] = []
    /// Transactions that this run executed.
    package var count = 0
    /// Ethereum's transactions among them.
    package var ethereumCount = 0
    /// Executions of those, and how many of them were thrown away.
    package var executionCount = 0
    package var repeatedCount = 0
    /// Transactions that the ledger had before.
    package var skippedCount = 0
    package var stateHash: Hash = .zero
    package var timing = Chain.Timing()
    package var chain: Chain
  }

  /// What was executed and committed at once.
  package struct Part {
    package var transactions: BlockTransactions
    package var block: Chain.Block
    /// Entries of the file before the first of these.
    package var firstEntry: Int
    /// From the replay's first part on: execution, state hashes and commits of the parts before.
    package var startNanoseconds: UInt64
    package var chain: Chain
  }

  package enum Event {
    /// So many entries are about to be executed.
    case executing(count: Int)
    case committed(Part)
  }

  /// Executes what `store` has not executed yet of `transactions`; an empty store takes the genesis first.
  ///
  /// - Parameters:
  ///   - progress: called after each part with the number of transactions done.
  package func run(
    on store: any AccountStore = MemoryStore(), executor: any BlockExecutor,
    progress: (Int) -> Void = { _ in }
  ) throws(ChainError) -> Outcome {
    var receipts: [Receipt] = []
    var blocks: [Chain.Block] = []
    var outcome = try run(ListedSource(transactions), on: store, executor: executor) { event in
      guard case .committed(let part) = event else { return }
      if receipts.isEmpty { receipts = part.block.receipts } else { receipts += part.block.receipts }
      blocks.append(part.block)
      progress(part.firstEntry + part.transactions.count)
    }
    (outcome.receipts, outcome.blocks) = (receipts, blocks)
    return outcome
  }

  /// Executes what `store` has not executed yet of `source`; an empty store takes the genesis first.
  package func run(
    _ source: some ReplaySource, on store: any AccountStore, executor: any BlockExecutor,
    observe: (Event) -> Void
  ) throws(ChainError) -> Outcome {
    let chain = try Chain(
      store: store, genesis: genesis, executor: executor, progress: .fixed, programs: programs)
    var outcome = Outcome(chain: chain)
    outcome.skippedCount = try source.skip(Int(clamping: chain.head.transactionCount))
    chain.warmPrograms()
    // A run before may have been killed when all was executed, and its block not ended.
    while try source.hasMore() || chain.head.isOpen {
      let part = try source.next(blockSize > 0 ? blockSize : .max)
      let endsBlock = try !source.hasMore()
      observe(.executing(count: part.count))
      let start = outcome.timing.wholeNanoseconds
      let block = try chain.execute(
        part, verifiesSignatures: verifiesSignatures, recordsTimeline: recordsTimeline, endsBlock: endsBlock)
      let firstEntry = outcome.skippedCount + outcome.count
      outcome.add(block, of: part)
      observe(
        .committed(
          Part(
            transactions: part, block: block, firstEntry: firstEntry, startNanoseconds: start, chain: chain)))
    }
    outcome.stateHash = chain.stateHash
    return outcome
  }
}

extension Replay.Outcome {
  fileprivate mutating func add(_ block: Chain.Block, of part: BlockTransactions) {
    timing.add(block.timing)
    count += part.count
    ethereumCount += part.ethereumCount
    executionCount += block.ethereum.executionCount
    repeatedCount += block.ethereum.repeatedCount
  }
}

extension Chain.Timing {
  /// Wall time from wire bytes to the committed block.
  var wholeNanoseconds: UInt64 {
    elapsedNanoseconds + publicationNanoseconds + stateHashNanoseconds + commitNanoseconds
  }

  mutating func add(_ other: Chain.Timing) {
    elapsedNanoseconds += other.elapsedNanoseconds
    signatureNanoseconds += other.signatureNanoseconds
    publicationNanoseconds += other.publicationNanoseconds
    stateHashNanoseconds += other.stateHashNanoseconds
    commitNanoseconds += other.commitNanoseconds
  }
}
