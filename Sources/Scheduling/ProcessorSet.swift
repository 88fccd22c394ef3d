// Which processors the process may use, and pinning a thread to one: sched_getaffinity(2),
// sched_setaffinity(2). Both may be refused (containers, other kernels); then nothing is pinned.
import CThreads
import Synchronization

enum ProcessorSet {
  /// Numbers of the processors that the calling thread may run on, ascending; empty where the system does not
  /// say.
  static func allowed() -> [Int] {
    withMask { words in
      let byteCount = estuary_affinity_get(words.baseAddress, words.count * MemoryLayout<UInt>.size)
      guard byteCount > 0 else { return [] }
      return (0..<min(byteCount * 8, words.count * UInt.bitWidth)).filter {
        words[$0 / UInt.bitWidth] >> UInt($0 % UInt.bitWidth) & 1 == 1
      }
    }
  }

  /// Pins the calling thread; a refusal leaves it where it is.
  static func pin(to processor: Int) {
    withMask { words in
      guard processor < words.count * UInt.bitWidth else { return }
      words[processor / UInt.bitWidth] = 1 << UInt(processor % UInt.bitWidth)
      _ = estuary_affinity_set(words.baseAddress, words.count * MemoryLayout<UInt>.size)
    }
  }

  /// A different starting processor for each pool of the process.
  static func nextOffset(advancingBy count: Int) -> Int {
    // Relaxed: only the number matters. Masked, so that the sum cannot overflow.
    poolOffset.wrappingAdd(count, ordering: .relaxed).oldValue & 0xffff
  }

  private static let poolOffset = Atomic<Int>(0)

  /// Room for 4096 processors, zeroed.
  private static func withMask<R>(_ body: (UnsafeMutableBufferPointer<UInt>) -> R) -> R {
    withUnsafeTemporaryAllocation(of: UInt.self, capacity: 4096 / UInt.bitWidth) { words in
      words.initialize(repeating: 0)
      return body(words)
    }
  }
}
