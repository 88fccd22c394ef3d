// The one thread that moves the chain on. It owns the chain: whoever wants something of it that reading the store cannot
// give (a simulation) hands in a job. Blocks come on a slot clock, empty ones included, or at once when transactions wait.
//
//   accept ──▶ pool ──pack──▶ Chain.execute (one synced batch) ──▶ head published, block told
//
// A transaction that is reported is one of a committed block. A block that cannot be committed, because the disk is full,
// puts its transactions back; the node is unhealthy until a block succeeds.

import Estuary
import Execution
import Glibc
import Ledger
import Logging
import Primitives
import Runtime
import SBPF

package final class Producer: @unchecked Sendable {
  // Sendable: `chain`, `simulator` and `nextSlot` are touched by its thread alone once that runs; what is under "shared" by
  // whoever holds `monitor`.

  package enum Pace: Sendable, Equatable {
    /// A block as soon as a transaction waits.
    case instant
    /// A block every so many milliseconds.
    case slots(milliseconds: Int)
  }

  /// What a block brought, for whoever watches.
  package struct Block: Sendable {
    package let head: Head
    package let parentSlot: UInt64
    /// When it was told of, in milliseconds since 1970.
    package let unixMilliseconds: UInt64
    /// Of the transactions that were packed, in order.
    package let receipts: [Receipt]
    package let wires: [[UInt8]]
    package let details: [TransactionDetails?]
    /// Accounts that it changed, sysvars included, in ascending order of keys.
    package let changes: [AccountChange]
  }

  package let store: any AccountStore
  package let pace: Pace
  private let chain: Chain
  private let simulator = SerialExecutor()
  private let logger: Logger
  private let onBlock: @Sendable (Block) -> Void
  private var nextSlot: UInt64 = 0

  private let monitor = Monitor()
  // Shared:
  private var pool: TransactionPool
  private var jobs: [(Producer) -> Void] = []
  private var isStopping = false
  private var hasStopped = false
  private var publishedHead: Head
  private var failure: String?
  private var counts = Counts()

  /// What has happened since the start.
  package struct Counts: Sendable {
    package var blocks: UInt64 = 0
    package var processed: UInt64 = 0
    package var failed: UInt64 = 0
    package var refused: UInt64 = 0
    package var jobs: UInt64 = 0
    package var blockNanoseconds: UInt64 = 0
    package var commitNanoseconds: UInt64 = 0
    package var pooled = 0
  }

  /// - Parameters:
  ///   - chain: nobody else touches it from now on.
  ///   - onBlock: told of each block on the producer's thread, in order.
  package init(
    _ chain: sending Chain, pace: Pace, limits: TransactionPool.Limits = TransactionPool.Limits(),
    logger: Logger, onBlock: @escaping @Sendable (Block) -> Void = { _ in }
  ) throws(ChainError) {
    store = chain.store
    publishedHead = try Head(chain)
    self.chain = chain
    self.pace = pace
    self.logger = logger
    self.onBlock = onBlock
    pool = TransactionPool(limits: limits)
  }

  package var head: Head { monitor.withLock { publishedHead } }
  /// Why the last block could not be committed; `nil` where it was.
  package var problem: String? { monitor.withLock { failure } }
  package var history: SolanaHistory { SolanaHistory(of: store) }
  package var statistics: Counts {
    monitor.withLock {
      var counts = counts
      counts.pooled = pool.count
      return counts
    }
  }

  // MARK: Requests

  /// Has a transaction wait for a block.
  package func accept(_ transaction: PooledTransaction) -> TransactionPool.Insertion {
    monitor.withLock {
      let insertion = pool.insert(transaction)
      if insertion == .taken && pace == .instant { monitor.signal() }
      return insertion
    }
  }

  /// Runs `body` on the chain's thread, between blocks.
  private func perform<Value: Sendable>(
    _ body: @escaping @Sendable (Producer) -> Value
  ) async -> Value? {
    await withCheckedContinuation { (continuation: CheckedContinuation<Value?, Never>) in
      let isTaken = monitor.withLock {
        if hasStopped { return false }
        jobs.append { continuation.resume(returning: body($0)) }
        monitor.signal()
        return true
      }
      if !isTaken { continuation.resume(returning: nil) }
    }
  }

  /// What a transaction would do in the next block.
  package struct Simulation: Sendable {
    package var result: TransactionResult
    /// `nil` where it would not be processed.
    package var details: TransactionDetails?
    /// What it would change, sysvars included.
    package var changes: [AccountChange]
    package var slot: UInt64
  }

  /// Executes a transaction as the next block would and takes it back.
  ///
  /// - Returns: `nil` when the node is stopping.
  package func simulate(
    _ wire: [UInt8], verifiesSignatures: Bool
  ) async -> Result<Simulation, ChainError>? {
    await perform { producer in
      Result { () throws(ChainError) in
        try producer.runSimulation(wire, verifiesSignatures: verifiesSignatures)
      }
    }
  }

  private func runSimulation(
    _ wire: [UInt8], verifiesSignatures: Bool
  ) throws(ChainError) -> Simulation {
    let details = BlockDetails(count: 1)
    let (execution, changes) = try chain.dryRun(
      BlockTransactions(solana: [wire]), on: simulator, verifiesSignatures: verifiesSignatures,
      details: details)
    guard case .solana(let result) = execution.receipts[0] else {
      preconditionFailure("a transaction of Solana's has a receipt of Solana's")
    }
    return Simulation(result: result, details: details[0], changes: changes, slot: chain.slot)
  }

  // MARK: The thread

  /// Begins to make blocks.
  package func start() {
    let box = Unmanaged.passRetained(self)
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    // Programs run on it, and the calls of one below another.
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Producer>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    precondition(code == 0, "the system has no thread for the node: \(String(cString: strerror(code)))")
    pthread_detach(thread)
    pthread_attr_destroy(&attributes)
  }

  /// Ends after the block and the jobs under way; returns when that is done.
  package func stop() {
    monitor.withLock {
      isStopping = true
      monitor.signal()
    }
    while !monitor.withLock({ hasStopped }) { usleep(2000) }
  }

  private static let retryNanoseconds: UInt64 = 1_000_000_000

  private func run() {
    nextSlot = Clocks.monotonicNanoseconds()
    while true {
      let (jobs, isStopping) = monitor.withLock { () -> ([(Producer) -> Void], Bool) in
        while !self.isStopping && self.jobs.isEmpty && !isBlockDue { monitor.wait(until: deadline) }
        defer { self.jobs = [] }
        counts.jobs += UInt64(self.jobs.count)
        return (self.jobs, self.isStopping)
      }
      for job in jobs { job(self) }
      if isStopping { break }
      let batch = monitor.withLock { isBlockDue ? pool.pack(after: publishedHead.height) : nil }
      if let batch, !batch.isEmpty || pace != .instant { makeBlock(batch) }
    }
    let rest = monitor.withLock {
      hasStopped = true
      return jobs
    }
    for job in rest { job(self) }
  }

  /// The monitor is held.
  private var isBlockDue: Bool {
    switch pace {
    case .instant: !pool.isEmpty && (failure == nil || Clocks.monotonicNanoseconds() >= nextSlot)
    case .slots: Clocks.monotonicNanoseconds() >= nextSlot
    }
  }

  private var deadline: UInt64? {
    pace == .instant && (failure == nil || pool.isEmpty) ? nil : nextSlot
  }

  private func makeBlock(_ batch: [PooledTransaction]) {
    let start = Clocks.monotonicNanoseconds()
    if case .slots(let milliseconds) = pace {
      // Slots that the machine has slept through are not made up for.
      nextSlot = max(nextSlot + UInt64(milliseconds) * 1_000_000, start)
    }
    let parentSlot = chain.slot
    do throws(ChainError) {
      let block = try chain.execute(
        BlockTransactions(solana: batch.map(\.wire)), verifiesSignatures: true)
      let head = try Head(chain)
      let results = block.receipts.solana
      let refused = results.count { $0.error != nil && $0.fee == 0 }
      let failed = results.count { $0.error != nil } - refused
      monitor.withLock {
        publishedHead = head
        failure = nil
        counts.blocks += 1
        counts.processed += UInt64(results.count - refused)
        counts.failed += UInt64(failed)
        counts.refused += UInt64(refused)
        counts.blockNanoseconds += Clocks.monotonicNanoseconds() - start
        counts.commitNanoseconds += block.timing.commitNanoseconds
      }
      if !batch.isEmpty {
        logger.debug(
          "block",
          metadata: [
            "slot": "\(head.slot)", "transactions": "\(results.count)", "failed": "\(failed)",
            "refused": "\(refused)",
          ])
      }
      onBlock(
        Block(
          head: head, parentSlot: parentSlot, unixMilliseconds: Clocks.unixMilliseconds(),
          receipts: block.receipts, wires: batch.map(\.wire),
          details: batch.indices.map { block.details?[$0] ?? nil }, changes: block.changes))
    } catch {
      logger.error("no block could be made", metadata: ["reason": "\(error)"])
      nextSlot = Clocks.monotonicNanoseconds() + Self.retryNanoseconds
      monitor.withLock {
        failure = "\(error)"
        pool.restore(batch)
      }
    }
  }
}
