// Feeds a run of Ethereum's transactions to the conflict graph while it runs, in two stages that any worker takes steps
// of: decoding, sender and all, of any chunk at the same time; and adding in block order, one worker at a time, by what
// each transaction has declared, or is guessed, to touch.

import EVM
import Scheduling
import Synchronization

final class EthereumFeed: TransactionFeed, @unchecked Sendable {
  // Sendable: what is not atomic belongs to the worker that holds `adder`, or is written before its chunk's state.
  private let run: EthereumRun
  private let graph: ConflictGraph
  private let chunk: Int
  private let chunkCount: Int
  private let window: Int
  /// One worker runs in block order and needs no guesses.
  private let isAlone: Bool
  /// 1 while a worker adds.
  private let adder = Atomic<UInt32>(0)
  private let isFinished = Atomic<Bool>(false)
  /// Chunks that somebody decodes or has decoded.
  private let claimedCount = Atomic<Int>(0)
  private let addedCount = Atomic<Int>(0)
  /// By chunk: 1 once it is decoded.
  private let isDecoded: UnsafeMutablePointer<Atomic<UInt8>>
  private let nanoseconds: UnsafeMutablePointer<UInt64>

  init(_ run: EthereumRun, to graph: ConflictGraph, workerCount: Int) {
    self.run = run
    self.graph = graph
    chunk = run.verifiesSignatures ? max(8, SenderBatch.preferredCount) : 32
    chunkCount = (run.count + chunk - 1) / chunk
    window = 2 * workerCount + 2
    isAlone = workerCount == 1
    isDecoded = .allocate(capacity: max(chunkCount, 1))
    nanoseconds = .allocate(capacity: max(chunkCount, 1))
    nanoseconds.initialize(repeating: 0, count: max(chunkCount, 1))
    for number in 0..<chunkCount { (isDecoded + number).initialize(to: Atomic(0)) }
    graph.reset(transactionCapacity: run.count, accessCapacity: run.accessLimit)
    run.predictor.beginBlock()
  }

  deinit {
    isDecoded.deallocate()
    nanoseconds.deallocate()
  }

  /// Processor time spent on signatures; no worker runs.
  var signatureNanoseconds: UInt64 { (0..<chunkCount).reduce(0) { $0 &+ nanoseconds[$1] } }

  private func range(_ number: Int) -> Range<Int> { number * chunk..<min((number + 1) * chunk, run.count) }

  /// Whether `feed` would find something to do. Sequentially consistent: the last look of a worker about to park.
  var mayFeed: Bool {
    if isFinished.load(ordering: .sequentiallyConsistent) { return false }
    let added = addedCount.load(ordering: .sequentiallyConsistent)
    let canAdd = added >= chunkCount || isDecoded[added].load(ordering: .sequentiallyConsistent) != 0
    if canAdd && adder.load(ordering: .sequentiallyConsistent) == 0 { return true }
    let claimed = claimedCount.load(ordering: .sequentiallyConsistent)
    return claimed < chunkCount && claimed < added + window
  }

  func feed() -> FeedStep {
    // Acquiring: who finished has announced the number of transactions.
    if isFinished.load(ordering: .acquiring) { return .finished }
    if addChunk() { return isFinished.load(ordering: .acquiring) ? .finished : .progress }
    return decodeChunk() ? .progress : .busy
  }

  private func decodeChunk() -> Bool {
    // Relaxed: the exchange gives each chunk to one worker; what it decodes is published by the chunk's state.
    var number = claimedCount.load(ordering: .relaxed)
    while true {
      guard number < chunkCount, number < addedCount.load(ordering: .relaxed) + window else { return false }
      let (claimed, seen) = claimedCount.weakCompareExchange(
        expected: number, desired: number + 1, ordering: .relaxed)
      if claimed { break }
      number = seen
    }
    nanoseconds[number] = run.decode(range(number))
    // Releasing, and sequentially consistent for `mayFeed`: the decoded transactions.
    isDecoded[number].store(1, ordering: .sequentiallyConsistent)
    return true
  }

  /// Adds the next chunk, if it is decoded and nobody else adds.
  private func addChunk() -> Bool {
    // Relaxed: a first look spares the exchange.
    if adder.load(ordering: .relaxed) != 0 { return false }
    // Acquiring: what the adder before left behind.
    guard adder.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged else { return false }
    defer { adder.store(0, ordering: .sequentiallyConsistent) }
    if isFinished.load(ordering: .relaxed) { return false }
    let number = addedCount.load(ordering: .relaxed)
    // Acquiring: pairs with the store in `decodeChunk`.
    guard number >= chunkCount || isDecoded[number].load(ordering: .acquiring) != 0 else { return false }
    if number < chunkCount { for position in range(number) { add(position) } }
    // Relaxed: the worker that looks takes `adder` before it relies on it.
    addedCount.store(number + 1, ordering: .relaxed)
    if number + 1 >= chunkCount {
      graph.endAdding()
      isFinished.store(true, ordering: .sequentiallyConsistent)
    } else {
      graph.publishAdded()
    }
    return true
  }

  private func add(_ position: Int) {
    let slot = run.slots + position
    let predictor = run.predictor
    let coinbase = run.block.coinbase
    if let transaction = slot.pointee.transaction {
      slot.pointee.waitsForAll =
        slot.pointee.sender == coinbase || transaction.to == coinbase
        || slot.pointee.access?.contains(account: coinbase, writing: false) == true
    }
    guard !isAlone, let transaction = slot.pointee.transaction else {
      let none = UnsafeBufferPointer<AccountIndex>(start: nil, count: 0)
      graph.add(reads: none, writes: none)
      return
    }
    let place = UInt32(truncatingIfNeeded: position)
    if let access = slot.pointee.access, access.count <= AccessPredictor.declaredLimit {
      predictor.declare(access, at: place)
    } else {
      slot.pointee.guesses = predictor.guess(transaction, from: slot.pointee.sender, at: place)
    }
    predictor.reads.withUnsafeBufferPointer { reads in
      predictor.writes.withUnsafeBufferPointer { writes in
        _ = graph.add(reads: reads, writes: writes)
      }
    }
  }
}
