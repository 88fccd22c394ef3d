// The one thread that moves the chain on. It owns the chain: whoever wants something of it that reading the store cannot
// give (a simulation, another time, a snapshot) hands in a job. Blocks come on a slot clock, empty ones included, or at once
// when transactions wait, or when somebody asks for one.
//
//   accept ──▶ pools ──pack──▶ Chain.execute (one synced batch) ──▶ head published, block told
//
// A block holds Solana's transactions, those that pay most for a unit of cost first, and then Ethereum's, those with the
// highest tip first; there is no price that both have. Ethereum's chain gets a block where there are transactions of its own,
// and on the clock an empty one where a second has passed since its last one, whose timestamps go up by one at least.
//
// A transaction that is reported is one of a committed block. A block that cannot be committed, because the disk is full,
// puts its transactions back; the node is unhealthy until a block succeeds.

import EVM
import Estuary
import Execution
import Glibc
import Ledger
import Logging
import Primitives
import Runtime
import SBPF

package final class Producer: @unchecked Sendable {
  // Sendable: `chain`, `simulator` and what is under "of its thread" are touched by its thread alone once that runs; what is
  // under "shared" by whoever holds `monitor`.

  package enum Pace: Sendable, Equatable {
    /// A block as soon as a transaction waits.
    case instant
    /// A block every so many milliseconds.
    case slots(milliseconds: Int)
  }

  /// When blocks are made; as `pace` says until somebody says otherwise.
  struct Mining: Sendable, Equatable {
    /// Whether one is made as soon as a transaction waits.
    var isInstant: Bool
    /// From one block to the next; `nil`: none comes by itself.
    var milliseconds: Int?
    /// Whether each slot of the clock has a block of Ethereum's; else only those in which a second has passed since the last.
    var isEthereums = false

    init(_ pace: Pace) {
      isInstant = pace == .instant
      if case .slots(let milliseconds) = pace { self.milliseconds = milliseconds }
    }
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
    /// The block of Ethereum's that it is as well.
    package let ethereum: EthereumArchive.StoredHeader?
  }

  package static let defaultRewindBlockCount: UInt64 = 1024

  package let store: any AccountStore
  package let pace: Pace
  let signatures = SignatureChecks()
  let rewindBlockCount: UInt64
  let chain: Chain
  private let simulator = SerialExecutor()
  let logger: Logger
  private let onBlock: @Sendable (Block) -> Void
  let onTransaction: @Sendable (PooledEthereumTransaction) -> Void
  let onRemoval: @Sendable (UInt64, [EthereumLogRecord]) -> Void
  let onOverride: @Sendable (Head, [AccountChange]) -> Void
  private let onReception: @Sendable (Signature) -> Void
  // Of its thread:
  var nextSlot: UInt64 = 0
  var clock = ProducerClock()
  var snapshots = Snapshots()

  /// What the page shows of the latest blocks.
  package let gallery = BlockGallery()

  let monitor = Monitor()
  // Shared:
  var pool: TransactionPool
  var ethereumPool: EthereumPool
  var actors = EthereumActors()
  var mining: Mining
  /// How it made blocks before its clock was paused.
  var pausedMining: Mining?
  var jobs: [(Producer) -> Void] = []
  private var isStopping = false
  private var hasStopped = false
  var publishedHead: Head
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
    package var ethereumPooled = 0
  }

  /// - Parameters:
  ///   - chain: nobody else touches it from now on.
  ///   - rewindBlockCount: the last blocks that can always be taken back.
  ///   - onBlock: told of each block on the producer's thread, in order.
  ///   - onTransaction: told of each of Ethereum's that begins to wait, on any thread.
  ///   - onRemoval: told that Ethereum's blocks behind a number went, and of their logs, on the producer's thread.
  ///   - onOverride: told of accounts that were set, on the producer's thread.
  ///   - onReception: told of each transaction of Solana's before it begins to wait, on any thread.
  package init(
    _ chain: sending Chain, pace: Pace, limits: TransactionPool.Limits = TransactionPool.Limits(),
    rewindBlockCount: UInt64 = Producer.defaultRewindBlockCount,
    ethereumLimits: EthereumPool.Limits = EthereumPool.Limits(), logger: Logger,
    onBlock: @escaping @Sendable (Block) -> Void = { _ in },
    onTransaction: @escaping @Sendable (PooledEthereumTransaction) -> Void = { _ in },
    onRemoval: @escaping @Sendable (UInt64, [EthereumLogRecord]) -> Void = { _, _ in },
    onOverride: @escaping @Sendable (Head, [AccountChange]) -> Void = { _, _ in },
    onReception: @escaping @Sendable (Signature) -> Void = { _ in }
  ) throws(ChainError) {
    store = chain.store
    // What an earlier process has kept to go back to.
    try chain.forgetMarks()
    publishedHead = try Head(chain, clock)
    mining = Mining(pace)
    ethereumPool = EthereumPool(limits: ethereumLimits)
    self.chain = chain
    self.pace = pace
    self.logger = logger
    self.rewindBlockCount = rewindBlockCount
    self.onBlock = onBlock
    self.onTransaction = onTransaction
    self.onRemoval = onRemoval
    self.onOverride = onOverride
    self.onReception = onReception
    pool = TransactionPool(limits: limits)
    limitUndo()
  }

  package var head: Head { monitor.withLock { publishedHead } }
  /// Why the last block could not be committed; `nil` where it was.
  package var problem: String? { monitor.withLock { failure } }
  package var history: SolanaHistory { SolanaHistory(of: store) }
  package var statistics: Counts {
    monitor.withLock {
      var counts = counts
      counts.pooled = pool.count
      counts.ethereumPooled = ethereumPool.count
      return counts
    }
  }

  // MARK: Requests

  /// Has a transaction wait for a block.
  package func accept(_ transaction: PooledTransaction) -> TransactionPool.Insertion {
    onReception(transaction.signature)
    return monitor.withLock {
      let insertion = pool.insert(transaction)
      if insertion == .taken && mining.isInstant { monitor.signal() }
      return insertion
    }
  }

  /// Whether a transaction of Solana's waits for a block.
  func isWaiting(_ signature: Signature) -> Bool { monitor.withLock { pool.contains(signature) } }

  /// Runs `body` on the chain's thread, between blocks.
  func perform<Value: Sendable>(
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

  /// Where blocks are made as soon as a transaction waits: returns when those that wait now are in one, as far as the next one
  /// takes them. Whoever sends to such a node reads what came of it next.
  package func settle() async {
    guard isInstant else { return }
    _ = await perform { producer in
      if producer.monitor.withLock({ producer.isBlockDue }) { producer.makeDueBlock() }
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

  func runSimulation(
    _ wire: [UInt8], verifiesSignatures: Bool
  ) throws(ChainError) -> Simulation {
    let details = BlockDetails(count: 1)
    let transactions = BlockTransactions(solana: [wire])
    let (execution, changes) = try chain.dryRun(
      transactions, on: simulator,
      unixTimestamp: timestamp(ofEthereums: chain.makesEthereumBlock(transactions)),
      verifiesSignatures: verifiesSignatures, details: details)
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
    noteStart()
    while true {
      let (jobs, isStopping) = monitor.withLock { () -> ([(Producer) -> Void], Bool) in
        while !self.isStopping && self.jobs.isEmpty && !isBlockDue { monitor.wait(until: deadline) }
        defer { self.jobs = [] }
        counts.jobs += UInt64(self.jobs.count)
        return (self.jobs, self.isStopping)
      }
      for job in jobs { job(self) }
      if isStopping { break }
      if monitor.withLock({ isBlockDue }) { makeDueBlock() }
    }
    let rest = monitor.withLock {
      hasStopped = true
      return jobs
    }
    for job in rest { job(self) }
  }

  /// Whether a transaction waits that the next block can take; the monitor is held.
  private var isTransactionWaiting: Bool {
    if !pool.isEmpty { return true }
    guard !ethereumPool.isEmpty, let block = publishedHead.nextEthereum else { return false }
    return ethereumPool.hasTransaction(for: block)
  }

  /// The monitor is held.
  private var isBlockDue: Bool {
    let isClockDue = mining.milliseconds != nil && Clocks.monotonicNanoseconds() >= nextSlot
    if isClockDue { return true }
    return mining.isInstant && (failure == nil || Clocks.monotonicNanoseconds() >= nextSlot)
      && isTransactionWaiting
  }

  private var deadline: UInt64? {
    mining.milliseconds == nil && (failure == nil || pool.isEmpty && ethereumPool.isEmpty) ? nil : nextSlot
  }

  // MARK: Blocks

  /// What a block is made of.
  struct Batch {
    var solana: [PooledTransaction] = []
    var ethereum: [PooledEthereumTransaction] = []

    var isEmpty: Bool { solana.isEmpty && ethereum.isEmpty }

    var transactions: BlockTransactions {
      var all = BlockTransactions(solana: solana.map(\.wire))
      for one in ethereum {
        var wire = EthereumWire(one.wire, vouchedSender: one.sender)
        wire.access = one.access
        all.append(.success(.ethereum(wire)))
      }
      return all
    }
  }

  /// Takes from the pools what the next block shall run.
  func packBatch() -> Batch {
    monitor.withLock {
      var batch = Batch(solana: pool.pack(after: publishedHead.height))
      if let block = publishedHead.nextEthereum { batch.ethereum = ethereumPool.pack(for: block) }
      return batch
    }
  }

  private func makeDueBlock() {
    let start = Clocks.monotonicNanoseconds()
    let (milliseconds, isEthereums) = monitor.withLock { (mining.milliseconds, mining.isEthereums) }
    if let milliseconds, start >= nextSlot {
      // Slots that the machine has slept through are not made up for.
      nextSlot = max(nextSlot + UInt64(milliseconds) * 1_000_000, start)
    }
    let batch = packBatch()
    // All that waited may have been too old.
    if batch.isEmpty && milliseconds == nil { return }
    let isSecondOver = chain.ethereumHead.map { Int64(clamping: $0.header.timestamp) < clock.now } ?? false
    let isEthereumDue = milliseconds != nil && (isSecondOver || isEthereums)
    try? makeBlock(batch, makesEthereumBlock: !batch.ethereum.isEmpty || isEthereumDue)
  }

  /// Of a block that comes now, in seconds.
  ///
  /// - Parameter isEthereums: whether it is one of Ethereum's too.
  func timestamp(ofEthereums isEthereums: Bool) -> Int64 {
    isEthereums
      ? clock.timestamp(after: chain.head.unixTimestamp, ethereum: chain.ethereumHead?.header.timestamp)
      : clock.now
  }

  /// Makes a block and tells of it.
  ///
  /// - Parameters:
  ///   - timestamp: in seconds; `nil`: what the clock says.
  ///   - slots: by how many the ledger goes on.
  func makeBlock(
    _ batch: Batch, makesEthereumBlock: Bool, timestamp: Int64? = nil, slots: UInt64 = 1
  ) throws(ChainError) {
    let start = Clocks.monotonicNanoseconds()
    let parentSlot = chain.slot
    let ethereumBefore = chain.ethereumHead?.header.number
    let transactions = batch.transactions
    let isEthereums = makesEthereumBlock || chain.makesEthereumBlock(transactions)
    let timestamp = timestamp ?? self.timestamp(ofEthereums: isEthereums)
    do throws(ChainError) {
      let block = try chain.execute(
        transactions, verifiesSignatures: true,
        recordsTimeline: !batch.isEmpty && transactions.count <= BlockGallery.timelineLimit,
        unixTimestamp: timestamp, makesEthereumBlock: makesEthereumBlock, slots: slots)
      if isEthereums { clock.pass(timestamp) }
      let head = try Head(chain, clock)
      let results = block.receipts.solana
      let refused = results.count { $0.error != nil && $0.fee == 0 }
      let failed = results.count { $0.error != nil } - refused
      let ethereum = block.receipts.ethereum
      let ethereumRefused = ethereum.count { $0.error != nil }
      let ethereumFailed = ethereum.count { !$0.isSuccess } - ethereumRefused
      monitor.withLock {
        settle(batch, ethereum, block.changes)
        publishedHead = head
        failure = nil
        counts.blocks += 1
        counts.processed += UInt64(results.count - refused + ethereum.count - ethereumRefused)
        counts.failed += UInt64(failed + ethereumFailed)
        counts.refused += UInt64(refused + ethereumRefused)
        counts.blockNanoseconds += Clocks.monotonicNanoseconds() - start
        counts.commitNanoseconds += block.timing.commitNanoseconds
      }
      forgetStartIfFar()
      if !batch.isEmpty {
        logger.debug(
          "block",
          metadata: [
            "slot": "\(head.slot)", "transactions": "\(block.receipts.count)",
            "failed": "\(failed + ethereumFailed)", "refused": "\(refused + ethereumRefused)",
          ])
      }
      let hasEthereumBlock = head.ethereum?.header.number != ethereumBefore
      gallery.note(
        block, transactions, head,
        ethereumNumber: hasEthereumBlock ? head.ethereum?.header.number : nil,
        of: chain)
      onBlock(
        Block(
          head: head, parentSlot: parentSlot, unixMilliseconds: Clocks.unixMilliseconds(),
          receipts: block.receipts,
          wires: batch.solana.map(\.wire) + batch.ethereum.map { _ in [] },
          details: block.receipts.indices.map { block.details?[$0] ?? nil }, changes: block.changes,
          ethereum: hasEthereumBlock ? head.ethereum : nil))
    } catch {
      logger.error("no block could be made", metadata: ["reason": "\(error)"])
      nextSlot = Clocks.monotonicNanoseconds() + Self.retryNanoseconds
      monitor.withLock {
        failure = "\(error)"
        pool.restore(batch.solana)
      }
      throw error
    }
  }

  /// Brings Ethereum's pool to the state after a block; the monitor is held.
  private func settle(_ batch: Batch, _ results: [EthereumTransactionResult], _ changes: [AccountChange]) {
    for (transaction, result) in zip(batch.ethereum, results) {
      switch result.error {
      case nil, .refused(.nonceTooHigh): break
      case .some(let error):
        ethereumPool.remove(transaction.hash)
        logger.info(
          "a transaction that waited was refused",
          metadata: ["hash": "0x\(Hex.encode(transaction.hash.bytes))", "reason": "\(error)"])
      }
    }
    updatePool(changes)
  }
}
