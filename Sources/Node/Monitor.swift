// A mutex with a condition, for the one thread that waits for work with a deadline (pthread_cond_timedwait(3)).

import Glibc

final class Monitor: @unchecked Sendable {
  // Sound as Sendable: constant pointers to objects that are made for sharing.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func withLock<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  /// Lets go of the lock, which the caller holds, until somebody signals or the monotonic clock reaches the deadline; may
  /// return without a reason.
  func wait(until nanoseconds: UInt64?) {
    guard let nanoseconds else {
      pthread_cond_wait(condition, mutex)
      return
    }
    var deadline = timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    pthread_cond_timedwait(condition, mutex, &deadline)
  }

  func signal() { pthread_cond_signal(condition) }
}
