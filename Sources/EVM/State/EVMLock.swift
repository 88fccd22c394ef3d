// A pthread mutex, as Ledger's stores use one: Synchronization's Mutex is one that ThreadSanitizer does not
// understand, and blocks of transactions run under it.

import Glibc

final class EVMLock: @unchecked Sendable {
  // Sound as Sendable: the one stored property is a constant pointer to a mutex that is made for sharing.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() { pthread_mutex_init(mutex, nil) }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }
}
