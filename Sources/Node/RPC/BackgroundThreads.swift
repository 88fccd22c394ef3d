// Threads for reads that take long (a walk over all accounts), so that they do not hold up the connections.

import Glibc
import NIOPosix

package final class BackgroundThreads: Sendable {
  private let pool: NIOThreadPool

  package init(count: Int) {
    pool = NIOThreadPool(numberOfThreads: count)
    pool.start()
  }

  /// Runs `body` on one of the threads.
  func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      // A pool that has been shut down calls as well, on the thread that asks.
      pool.submit { _ in continuation.resume(returning: body()) }
    }
  }

  /// Has `body` run on one of the threads, after what was handed in before where there is one thread.
  func submit(_ body: @escaping @Sendable () -> Void) { pool.submit { _ in body() } }

  package func stop() { pool.shutdownGracefully { _ in } }
}
