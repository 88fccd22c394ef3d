// A fixed set of threads that all run the same closure at the same time, block after block.
//
// Workers are plain pthreads with a stack of chosen size, created once, one pinned to each processor that the
// process may use (where there are enough processors and the system allows it). Between jobs they sleep on a
// condition variable. `perform` is the one primitive: it hands a closure to every worker and returns when all
// have come back; running a graph and iterating over a range are built on it.
//
// Lock order: `Crew.turn` before `Crew.mutex`; nothing is called with `mutex` held. A job must not call the
// pool.
import CThreads
import Glibc
import Synchronization

package final class WorkerPool: Sendable {
  package static let workerLimit = 256

  package let workerCount: Int
  /// Number of workers pinned to a processor of their own: `workerCount` or 0.
  package let pinnedCount: Int
  private let crew: Crew

  /// Starts the workers.
  ///
  /// - Parameters:
  ///   - workerCount: `[1, workerLimit]`.
  ///   - stackByteCount: stack of each thread; deep interpreters and nested invocations run on it.
  ///   - pinning: whether to pin workers where possible.
  package init(
    workerCount: Int, stackByteCount: Int = 8 << 20, pinning: Bool = true
  ) throws(SchedulingError) {
    guard (1...Self.workerLimit).contains(workerCount) else {
      throw .workerCountOutOfRange(count: workerCount, limit: Self.workerLimit)
    }
    let processors = pinning ? ProcessorSet.allowed() : []
    let crew = Crew()
    // A pool larger than the machine is left to the system's scheduler. Pools of a process start at different
    // processors.
    let pins = workerCount <= processors.count
    let offset = pins ? ProcessorSet.nextOffset(advancingBy: workerCount) : 0
    for worker in 0..<workerCount {
      let processor = pins ? processors[(offset + worker) % processors.count] : nil
      do throws(SchedulingError) {
        try crew.start(worker: worker, stackByteCount: stackByteCount, processor: processor)
      } catch {
        crew.stop()
        throw error
      }
    }
    self.workerCount = workerCount
    pinnedCount = pins ? workerCount : 0
    self.crew = crew
  }

  deinit { crew.stop() }

  /// Runs `job` once on every worker, at the same time, and returns when all are done. Callers take turns.
  package func perform(_ job: @Sendable (WorkerIndex) -> Void) {
    withoutActuallyEscaping(job) { crew.perform($0) }
  }

  /// Splits `[0, count)` into chunks and runs `body` on each, on whichever worker is free.
  ///
  /// - Parameters:
  ///   - chunk: largest number of positions a call, at least 1.
  ///   - body: called with disjoint ranges that together make up `[0, count)`.
  package func forEach(count: Int, chunk: Int, _ body: @Sendable (WorkerIndex, Range<Int>) -> Void) {
    precondition(chunk > 0, "chunks of at least one")
    guard count > 0 else { return }
    let cursor = Atomic<Int>(0)
    perform { worker in
      while true {
        // Relaxed: the number alone is shared; the pool's mutex orders what the bodies did.
        let start = cursor.wrappingAdd(chunk, ordering: .relaxed).oldValue
        guard start < count else { return }
        body(worker, start..<min(start + chunk, count))
      }
    }
  }
}

/// The threads of a pool, apart from it so that a sleeping thread does not keep the pool alive.
private final class Crew: @unchecked Sendable {
  // Sendable: every field below is read and written with `mutex` held, `threads` by the pool's owner alone.
  private var threads: [pthread_t] = []
  private let turn = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let jobPosted = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let jobDone = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var job: (@Sendable (WorkerIndex) -> Void)?
  private var jobNumber = 0
  private var busyCount = 0
  private var isStopping = false

  init() {
    pthread_mutex_init(turn, nil)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(jobPosted, nil)
    pthread_cond_init(jobDone, nil)
  }

  deinit {
    pthread_cond_destroy(jobDone)
    pthread_cond_destroy(jobPosted)
    pthread_mutex_destroy(mutex)
    pthread_mutex_destroy(turn)
    jobDone.deallocate()
    jobPosted.deallocate()
    mutex.deallocate()
    turn.deallocate()
  }

  private final class Entry {
    let crew: Crew
    let worker: WorkerIndex
    let processor: Int?
    init(crew: Crew, worker: WorkerIndex, processor: Int?) {
      (self.crew, self.worker, self.processor) = (crew, worker, processor)
    }
  }

  func start(worker: Int, stackByteCount: Int, processor: Int?) throws(SchedulingError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    // A size that the system refuses leaves its default.
    pthread_attr_setstacksize(&attributes, stackByteCount)
    let entry = Unmanaged.passRetained(
      Entry(crew: self, worker: WorkerIndex(UInt32(worker)), processor: processor))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        let entry = Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue()
        if let processor = entry.processor { ProcessorSet.pin(to: processor) }
        entry.crew.work(as: entry.worker)
        return nil
      }, entry.toOpaque())
    guard status == 0 else {
      entry.release()
      throw .threadCreationFailed(worker: worker, errno: status)
    }
    threads.append(thread)
  }

  func stop() {
    pthread_mutex_lock(mutex)
    isStopping = true
    pthread_cond_broadcast(jobPosted)
    pthread_mutex_unlock(mutex)
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  func perform(_ newJob: @escaping @Sendable (WorkerIndex) -> Void) {
    pthread_mutex_lock(turn)
    pthread_mutex_lock(mutex)
    job = newJob
    jobNumber += 1
    busyCount = threads.count
    pthread_cond_broadcast(jobPosted)
    while busyCount > 0 { pthread_cond_wait(jobDone, mutex) }
    job = nil
    pthread_mutex_unlock(mutex)
    pthread_mutex_unlock(turn)
  }

  private func work(as worker: WorkerIndex) {
    var lastJobNumber = 0
    pthread_mutex_lock(mutex)
    while true {
      while jobNumber == lastJobNumber && !isStopping { pthread_cond_wait(jobPosted, mutex) }
      guard jobNumber != lastJobNumber, var current = job else { break }
      lastJobNumber = jobNumber
      pthread_mutex_unlock(mutex)
      current(worker)
      // The closure is borrowed from `perform`'s caller: let go of it before reporting back.
      current = { _ in }
      pthread_mutex_lock(mutex)
      busyCount -= 1
      if busyCount == 0 { pthread_cond_signal(jobDone) }
    }
    pthread_mutex_unlock(mutex)
  }
}
