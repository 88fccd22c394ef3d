// The system's clocks (clock_gettime(2)).

import Glibc

package enum Clocks {
  @inline(__always) private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  package static func monotonicNanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }
  /// Processor time of the calling thread.
  package static func threadNanoseconds() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }
  package static func unixMilliseconds() -> UInt64 { read(CLOCK_REALTIME) / 1_000_000 }
  package static func unixSeconds() -> Int64 { Int64(read(CLOCK_REALTIME) / 1_000_000_000) }
}
