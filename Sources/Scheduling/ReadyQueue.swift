// Where ready transactions wait for a worker.
//
// A transaction becomes ready once a block, so the queue is a flat array that never wraps: a producer takes
// the next place with one addition and fills it; a consumer claims one place, or a run of places, by moving
// `head`. Order is first in, first out, near the block's order, so that early transactions, which most others
// wait for, go first.
//
// A worker that claims a run keeps it as its *stash*: a half-open range of places in one 64-bit word. The
// owner takes from the front, an idle worker steals from the back, both by compare-and-swap of the whole
// word. The word describes the state completely and a place is claimed once a block, so the swap needs no
// version counter. Stealing is what makes a batch harmless: no transaction is ever out of reach of an idle
// worker.
import CThreads
import Synchronization

final class ReadyQueue: @unchecked Sendable {
  // Sendable: places, cursors and stashes are atomics; memory is allocated only while no worker runs
  // (`reset`).

  /// A batch is at most this many transactions.
  static let batchLimit: UInt32 = 32

  let idle = IdleWorkers()
  private(set) var capacity = 0
  private(set) var workerCount = 0
  /// Transaction indices plus one; 0 = not yet filled.
  private var places: UnsafeMutablePointer<Atomic<UInt32>>
  private let head: UnsafeMutablePointer<Atomic<UInt32>>
  private let tail: UnsafeMutablePointer<Atomic<UInt32>>
  private var stashes: UnsafeMutableRawPointer
  /// Ready transactions not yet queued; the adding thread's own.
  private let deferred: UnsafeMutablePointer<UInt32>
  private var deferredCount = 0
  private static let deferredLimit = 16

  /// Two cache lines: the prefetcher fetches pairs.
  private static let lineByteCount = 128

  init() {
    places = .allocate(capacity: 0)
    head = Self.allocateLines(1).assumingMemoryBound(to: Atomic<UInt32>.self)
    tail = Self.allocateLines(1).assumingMemoryBound(to: Atomic<UInt32>.self)
    stashes = Self.allocateLines(1)
    deferred = .allocate(capacity: Self.deferredLimit)
    head.initialize(to: Atomic(0))
    tail.initialize(to: Atomic(0))
  }

  deinit {
    places.deallocate()
    UnsafeMutableRawPointer(head).deallocate()
    UnsafeMutableRawPointer(tail).deallocate()
    stashes.deallocate()
    deferred.deallocate()
  }

  private static func allocateLines(_ count: Int) -> UnsafeMutableRawPointer {
    .allocate(byteCount: count * lineByteCount, alignment: lineByteCount)
  }

  /// Empties the queue. Only while no worker runs.
  func reset() {
    // Relaxed: workers start after this through the pool's mutex.
    head.pointee.store(0, ordering: .relaxed)
    tail.pointee.store(0, ordering: .relaxed)
    deferredCount = 0
    idle.reset()
  }

  /// Makes room for `count` transactions, keeping what is queued. Only while no worker runs.
  func reserve(_ count: Int) {
    guard count > capacity else { return }
    let larger = FlatArray.allocate(Atomic<UInt32>.self, capacity: count)
    for position in 0..<Int(tail.pointee.load(ordering: .relaxed)) {
      (larger + position).initialize(to: Atomic(places[position].load(ordering: .relaxed)))
    }
    places.deallocate()
    (places, capacity) = (larger, count)
  }

  /// Gives each of `count` workers an empty stash. Only while no worker runs.
  func prepare(workerCount count: Int) {
    if count != workerCount {
      stashes.deallocate()
      stashes = Self.allocateLines(count)
      workerCount = count
    }
    for worker in 0..<count { stash(worker).initialize(to: Atomic(0)) }
  }

  @inline(__always) private func stash(_ worker: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (stashes + worker * Self.lineByteCount).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  // MARK: Producers

  /// Marks the place that the `number`-th transaction added will find or leave unfilled.
  ///
  /// Among the first `n` transactions queued one has index ≥ `n` − 1, so place `n` − 1 was cleared by `add`
  /// before that one was published, and the producers' additions to `tail` carry the order on to whoever
  /// fills the place.
  @inline(__always) func clearPlace(_ number: Int) {
    (places + number).initialize(to: Atomic(0))
  }

  /// Queues a ready transaction and wakes a sleeper if there is one.
  @inline(__always) func push(_ transaction: UInt32) {
    // Sequentially consistent: the other half of the handshake with a worker about to park (`IdleWorkers`);
    // its acquire and release parts order `clearPlace` before the store.
    let place = tail.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
    // Releasing: what the producer did (the predecessors' effects) becomes visible to the taker.
    places[Int(place)].store(transaction &+ 1, ordering: .releasing)
    idle.wakeOne()
  }

  /// Queues a transaction for the adding thread, in groups of `deferredLimit`: adding is quick, and a queue
  /// that grows by one would pass its cache lines to and fro for every transaction. Held back no longer than
  /// it takes to add that many, and not at all while a worker sleeps.
  @inline(__always) func pushLater(_ transaction: UInt32) {
    deferred[deferredCount] = transaction
    deferredCount += 1
    if deferredCount == Self.deferredLimit || idle.hasSleepers { pushDeferred() }
  }

  /// Publishes what `pushLater` held back. Called by the adding thread.
  func pushDeferred() {
    guard deferredCount > 0 else { return }
    let count = deferredCount
    deferredCount = 0
    // Orderings as in `push`.
    let first = tail.pointee.wrappingAdd(UInt32(count), ordering: .sequentiallyConsistent).oldValue
    for offset in 0..<count {
      places[Int(first) + offset].store(deferred[offset] &+ 1, ordering: .releasing)
    }
    for _ in 0..<count where idle.hasSleepers { idle.wakeOne() }
  }

  // MARK: Consumers

  /// Whether few transactions are ready, so that more should be added.
  @inline(__always) var isLow: Bool {
    // Relaxed: a hint.
    let available = tail.pointee.load(ordering: .relaxed) &- head.pointee.load(ordering: .relaxed)
    return Int32(bitPattern: available) < Int32(2 * Self.batchLimit)
  }

  /// Whether a worker that looks now may find work.
  func mayHaveWork() -> Bool {
    // Sequentially consistent: see `push`.
    if head.pointee.load(ordering: .sequentiallyConsistent)
      != tail.pointee.load(ordering: .sequentiallyConsistent)
    {
      return true
    }
    for worker in 0..<workerCount {
      // Relaxed: a hint; the steal itself synchronises.
      let range = stash(worker).pointee.load(ordering: .relaxed)
      if UInt32(truncatingIfNeeded: range >> 32) < UInt32(truncatingIfNeeded: range) { return true }
    }
    return false
  }

  /// The next transaction from the worker's own stash.
  @inline(__always) func takeOwn(_ worker: Int) -> UInt32? {
    let word = stash(worker)
    // Relaxed: only the owner fills its stash; thieves shrink it, and a stale range makes the exchange fail.
    var range = word.pointee.load(ordering: .relaxed)
    while true {
      let (low, high) = (UInt32(truncatingIfNeeded: range >> 32), UInt32(truncatingIfNeeded: range))
      if low >= high { return nil }
      let rest = UInt64(low &+ 1) << 32 | UInt64(high)
      // Relaxed: the owner acquired these places when it claimed them.
      let (taken, seen) = word.pointee.weakCompareExchange(expected: range, desired: rest, ordering: .relaxed)
      if taken { return content(ofPlace: low) }
      range = seen
    }
  }

  /// Claims the queue's first transaction, and a run behind it as the worker's stash where the queue holds
  /// more than enough for all workers. `group` maps a transaction to its batching key, `current` is the one
  /// the worker ran last.
  @inline(__always) func claim(
    _ worker: Int, current: UInt32, group: (UInt32) -> UInt32
  ) -> UInt32? {
    // Acquiring, head first: `tail` only grows, so first + available never passes what was pushed.
    var first = head.pointee.load(ordering: .acquiring)
    while true {
      let available = tail.pointee.load(ordering: .acquiring) &- first
      if available == 0 || Int32(bitPattern: available) < 0 { return nil }
      // A run leaves at least as much again for every worker, itself included.
      let count = max(1, min(Self.batchLimit, available / UInt32(2 * workerCount)))
      // Acquiring and releasing is not needed for the contents (places carry their own order), only
      // atomicity.
      let (claimed, seen) = head.pointee.weakCompareExchange(
        expected: first, desired: first &+ count, ordering: .acquiringAndReleasing)
      if claimed {
        if count == 1 { return content(ofPlace: first) }
        arrange(first..<(first &+ count), current: current, group: group)
        // Releasing: thieves acquire the arranged places with the range.
        stash(worker).pointee.store(UInt64(first &+ 1) << 32 | UInt64(first &+ count), ordering: .releasing)
        return content(ofPlace: first)
      }
      first = seen
    }
  }

  /// Takes a transaction from the back of another worker's stash.
  func steal(_ thief: Int) -> UInt32? {
    for offset in 1..<max(workerCount, 1) {
      let victim = thief + offset < workerCount ? thief + offset : thief + offset - workerCount
      let word = stash(victim)
      // Relaxed: the exchange below acquires.
      var range = word.pointee.load(ordering: .relaxed)
      while true {
        let (low, high) = (UInt32(truncatingIfNeeded: range >> 32), UInt32(truncatingIfNeeded: range))
        if low >= high { break }
        let rest = UInt64(low) << 32 | UInt64(high &- 1)
        // Acquiring: pairs with the owner's releasing store of the range, so its arrangement is seen;
        // releasing keeps that chain for the next thief.
        let (taken, seen) = word.pointee.weakCompareExchange(
          expected: range, desired: rest, ordering: .acquiringAndReleasing)
        if taken { return content(ofPlace: high &- 1) }
        range = seen
      }
    }
    return nil
  }

  /// Reads a claimed place; waits the few instructions that its producer may need to fill it.
  @inline(__always) private func content(ofPlace place: UInt32) -> UInt32 {
    // Acquiring: pairs with the store in `push`.
    let value = places[Int(place)].load(ordering: .acquiring)
    return value != 0 ? value &- 1 : awaitContent(ofPlace: place)
  }

  @inline(never) private func awaitContent(ofPlace place: UInt32) -> UInt32 {
    var spins = 0
    while true {
      let value = places[Int(place)].load(ordering: .acquiring)  // Acquiring: as above.
      if value != 0 { return value &- 1 }
      spins += 1
      // The producer may have lost its processor between taking the place and filling it.
      if spins % 64 == 0 { IdleWorkers.yieldProcessor() } else { estuary_spin_hint() }
    }
  }

  /// Sorts claimed places by group, the current group first, keeping the order within a group (insertion
  /// sort: runs are short and mostly of few groups).
  private func arrange(_ run: Range<UInt32>, current: UInt32, group: (UInt32) -> UInt32) {
    withUnsafeTemporaryAllocation(of: (rank: UInt32, transaction: UInt32).self, capacity: run.count) {
      sorted in
      var count = 0
      var moved = false
      for place in run {
        let transaction = content(ofPlace: place)
        let key = group(transaction)
        let rank = key == current ? 0 : key
        var position = count
        while position > 0 && sorted[position - 1].rank > rank {
          sorted[position] = sorted[position - 1]
          position -= 1
          moved = true
        }
        sorted[position] = (rank, transaction)
        count += 1
      }
      guard moved else { return }
      for (offset, entry) in sorted.enumerated() {
        // Relaxed: published by the stash's releasing store.
        places[Int(run.lowerBound) + offset].store(entry.transaction &+ 1, ordering: .relaxed)
      }
    }
  }
}
