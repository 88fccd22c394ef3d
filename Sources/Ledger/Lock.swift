// A pthread mutex. Synchronization's Mutex would do, but ThreadSanitizer does not understand it, and stores
// and blocks of transactions are run under it.

import Glibc

package final class Lock: @unchecked Sendable {
  // Sound as Sendable: the one stored property is a constant pointer to a mutex that is made for sharing.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  package init() { pthread_mutex_init(mutex, nil) }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  package func withLock<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }
}
