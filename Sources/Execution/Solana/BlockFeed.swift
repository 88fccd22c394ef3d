// How a block reaches the scheduler while workers already run it. Two stages, both done by whichever worker finds too
// little to run:
//
//   decode    any worker, any chunk: bytes to sane transactions, signatures, hashes of keys
//   add       one worker at a time, chunks in block order: `BlockPreparation.prepare`, then the conflict graph
//
// Decoding runs a bounded number of chunks ahead of adding, and workers add only while few transactions are ready, so
// that a transaction runs soon after it was decoded, while its memory is near.

import Ledger
import Primitives
import Runtime
import Scheduling
import Synchronization

final class BlockFeed: TransactionFeed, @unchecked Sendable {
  // Sendable: what is not atomic belongs to the worker that holds `adder`, or is written before its chunk's state.
  private let preparation: BlockPreparation
  private let graph: ConflictGraph
  private let chunk: Int
  private let chunkCount: Int
  private let window: Int

  /// 1 while a worker adds.
  private let adder = Atomic<UInt32>(0)
  private let isFinished = Atomic<Bool>(false)
  /// Chunks that somebody decodes or has decoded.
  private let claimedCount = Atomic<Int>(0)
  /// The chunk from which adding goes on.
  private let addedCount = Atomic<Int>(0)
  /// By chunk: 1 once it is decoded.
  private let isDecoded: UnsafeMutablePointer<Atomic<UInt8>>
  private let nanoseconds: UnsafeMutablePointer<UInt64>

  /// The transaction to add next: the segment's end when its run is over.
  private(set) var end = 0
  /// The segment's first transaction.
  private(set) var start = 0
  private(set) var failure: StoreError?
  private let reads: UnsafeMutablePointer<AccountIndex>
  private let writes: UnsafeMutablePointer<AccountIndex>

  init(_ preparation: BlockPreparation, to graph: ConflictGraph, workerCount: Int) {
    self.preparation = preparation
    self.graph = graph
    chunk = preparation.block.verifiesSignatures ? max(8, Ed25519.Batch.preferredCount) : 32
    chunkCount = (preparation.count + chunk - 1) / chunk
    window = 2 * workerCount + 2
    isDecoded = .allocate(capacity: max(chunkCount, 1))
    nanoseconds = .allocate(capacity: max(chunkCount, 1))
    for number in 0..<chunkCount { (isDecoded + number).initialize(to: Atomic(0)) }
    let limit = 2 * ResolvedTransaction.maximumLockCount
    reads = .allocate(capacity: limit)
    writes = .allocate(capacity: limit)
  }

  deinit {
    // What was added has run and is forgotten. Relaxed: no worker runs any more, and the pool's mutex ordered what they
    // did.
    for number in 0..<chunkCount where isDecoded[number].load(ordering: .relaxed) != 0 {
      preparation.forget(range(number).clamped(to: end..<max(end, preparation.count)))
    }
    isDecoded.deallocate()
    nanoseconds.deallocate()
    reads.deallocate()
    writes.deallocate()
  }

  private func range(_ number: Int) -> Range<Int> {
    number * chunk..<min((number + 1) * chunk, preparation.count)
  }

  /// Processor time spent on signatures; no worker runs.
  var signatureNanoseconds: UInt64 {
    (0..<chunkCount).reduce(0) { sum, number in
      isDecoded[number].load(ordering: .relaxed) != 0 ? sum &+ nanoseconds[number] : sum
    }
  }

  /// Makes ready for the run after a barrier, or the first; no worker runs.
  func beginSegment() {
    start = end
    isFinished.store(false, ordering: .relaxed)
    preparation.reserveKeys()
    graph.reset(
      transactionCapacity: preparation.count - start, accessCapacity: preparation.accessCapacity)
  }

  // MARK: - For workers

  /// Whether `feed` would find something to do. Sequentially consistent: the last look of a worker about to park.
  var mayFeed: Bool {
    if isFinished.load(ordering: .sequentiallyConsistent) { return false }
    let added = addedCount.load(ordering: .sequentiallyConsistent)
    let canAdd = added >= chunkCount || isDecoded[added].load(ordering: .sequentiallyConsistent) != 0
    return canAdd && adder.load(ordering: .sequentiallyConsistent) == 0 || mayDecode(added)
  }

  private func mayDecode(_ added: Int) -> Bool {
    let claimed = claimedCount.load(ordering: .relaxed)
    return claimed < chunkCount && claimed < added + window
  }

  func feed() -> FeedStep {
    // Acquiring: who finished has announced the number of transactions.
    if isFinished.load(ordering: .acquiring) { return .finished }
    if addChunk() { return isFinished.load(ordering: .acquiring) ? .finished : .progress }
    return decodeChunk() ? .progress : .busy
  }

  /// Decodes a chunk that nobody has claimed; false where there is none to be decoded yet.
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
    nanoseconds[number] = preparation.decode(range(number))
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
    var hasAdded = false
    let number = end / chunk
    if !isFinished.load(ordering: .relaxed) {
      // Acquiring: pairs with the store in `decodeChunk`.
      if number >= chunkCount || isDecoded[number].load(ordering: .acquiring) != 0 {
        hasAdded = true
        add(number)
      }
    }
    adder.store(0, ordering: .sequentiallyConsistent)
    return hasAdded
  }

  private func add(_ number: Int) {
    var isLast = true
    do throws(StoreError) {
      isLast = try !addTransactions(to: min((number + 1) * chunk, preparation.count))
    } catch {
      failure = error
    }
    // Relaxed: the worker that looks takes `adder` before it relies on it.
    addedCount.store(end / chunk, ordering: .relaxed)
    if isLast || end == preparation.count {
      graph.endAdding()
      isFinished.store(true, ordering: .sequentiallyConsistent)
    } else {
      graph.publishAdded()
    }
  }

  /// Adds transactions up to `limit`; false at a barrier.
  private func addTransactions(to limit: Int) throws(StoreError) -> Bool {
    let next = end / chunk + 1
    // Acquiring: pairs with the store in `decodeChunk`.
    let nextIsDecoded = next < chunkCount && isDecoded[next].load(ordering: .acquiring) != 0
    let decodedEnd = nextIsDecoded ? range(next).upperBound : limit
    while end < limit {
      guard try preparation.prepare(end, decodedEnd: decodedEnd) == .ready else { return false }
      add(preparation.slot(end))
      end += 1
    }
    return true
  }

  private func add(_ entry: UnsafeMutablePointer<PreparedTransaction>) {
    guard entry.pointee.isResolved else {
      graph.add(
        reads: UnsafeBufferPointer(start: nil, count: 0), writes: UnsafeBufferPointer(start: nil, count: 0))
      return
    }
    var (readCount, writeCount) = (0, 0)
    preparation.forEachLock(of: entry) { account, isWritten in
      if isWritten {
        writes[writeCount] = account
        writeCount += 1
      } else {
        reads[readCount] = account
        readCount += 1
      }
    }
    let program = Int(entry.pointee.lastProgram)
    let group =
      program > 0
      ? GroupKey(preparation.indices[entry.pointee.firstIndex + program].rawValue &+ 1) : .none
    graph.add(
      reads: UnsafeBufferPointer(start: reads, count: readCount),
      writes: UnsafeBufferPointer(start: writes, count: writeCount), group: group)
  }
}
