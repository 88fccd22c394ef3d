// How workers without work wait, and how the block's end is noticed.
//
// A waiting worker spins, then parks on a condition variable. A producer makes work visible and then reads
// `sleeperCount`; a parking worker raises `sleeperCount` and then looks for work. All four accesses are
// sequentially consistent, so at least one of the two sees the other; the mutex covers the time between the
// worker's last look and its sleep, and a wake-up is a ticket that stays until a sleeper takes it. So none is
// lost.
//
// The end: workers count what they have done and hand in the sum when they run dry. `balance` is transactions
// announced less transactions done; it reaches zero once, after the announcement.
import CThreads
import Glibc
import Synchronization

final class IdleWorkers: @unchecked Sendable {
  // Sendable: atomics, and a mutex and condition variable at fixed addresses.

  /// Looks for work before parking; with the hint about 20 µs, several times a hand-over between busy
  /// workers.
  static let spinLimit = 1000

  /// Workers parked and not woken; changed under the mutex.
  private let sleeperCount = Atomic<Int>(0)
  private let finished = Atomic<Bool>(false)
  private let balance = Atomic<Int>(0)
  /// Sleepers woken that have not got up yet; under the mutex.
  private var wakeTickets = 0
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Before a block. Only while no worker runs; relaxed, for the pool's mutex starts the workers.
  func reset() {
    finished.store(false, ordering: .relaxed)
    balance.store(0, ordering: .relaxed)
  }

  /// Says how many transactions the block has, once all are added.
  func announce(_ count: Int) { settle(count) }

  /// Hands in the number of transactions a worker has done since it last did.
  func handIn(_ count: Int) {
    if count > 0 { settle(-count) }
  }

  private func settle(_ change: Int) {
    // Acquiring and releasing: who brings the balance to zero has seen all other workers' hand-ins, so the
    // caller that learns of the end sees every effect of the block.
    guard balance.wrappingAdd(change, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    // Sequentially consistent: as a producer's push.
    finished.store(true, ordering: .sequentiallyConsistent)
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Wakes a parked worker, if there is one: one load where there is none. The load comes after the
  /// producer's push in the one order of sequentially consistent operations.
  @inline(__always) func wakeOne() {
    if hasSleepers { signal() }
  }

  /// Whether a worker is parked that nobody has woken yet. Sequentially consistent: as in `wakeOne`.
  @inline(__always) var hasSleepers: Bool { sleeperCount.load(ordering: .sequentiallyConsistent) > 0 }

  @inline(never) private func signal() {
    pthread_mutex_lock(mutex)
    // Relaxed: changed under the mutex only. A sleeper is counted out by who wakes it, so that the producer's
    // next transactions do not wake it again while it gets up.
    if sleeperCount.load(ordering: .relaxed) > 0 {
      sleeperCount.wrappingSubtract(1, ordering: .relaxed)
      wakeTickets += 1
      pthread_cond_signal(condition)
    }
    pthread_mutex_unlock(mutex)
  }

  /// Returns true when there may be work again, false at the block's end.
  func wait(until hasWork: () -> Bool) -> Bool {
    for spin in 1...Self.spinLimit {
      if hasWork() { return true }
      // Acquiring: the last worker's hand-in.
      if finished.load(ordering: .acquiring) { return false }
      // Where processors are fewer than threads, the one with work may be waiting for ours.
      if spin % 128 == 0 { Self.yieldProcessor() } else { estuary_spin_hint() }
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    // Sequentially consistent: before the looks below in the one order.
    sleeperCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
    var mayHaveWork = hasWork()
    while !mayHaveWork && wakeTickets == 0 {
      if finished.load(ordering: .sequentiallyConsistent) { break }
      pthread_cond_wait(condition, mutex)
    }
    if wakeTickets > 0 {
      wakeTickets -= 1
      mayHaveWork = true
    } else {
      // Relaxed: under the mutex; a producer that still reads the old value signals in vain.
      sleeperCount.wrappingSubtract(1, ordering: .relaxed)
    }
    return mayHaveWork
  }

  static func yieldProcessor() { _ = sched_yield() }
}
