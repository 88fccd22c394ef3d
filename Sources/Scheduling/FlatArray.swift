// Memory for the scheduler's large flat arrays, which are visited at random: on huge pages where the system
// grants them, since with 4 KiB pages most visits to a large block's arrays miss the TLB as well as the
// cache.
import Glibc

enum FlatArray {
  private static let hugePageByteCount = 2 << 20

  /// Uninitialised room for `capacity` elements, to be freed with `deallocate()`. Untouched pages cost
  /// nothing.
  static func allocate<Element: ~Copyable>(
    _ type: Element.Type, capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let byteCount = capacity * MemoryLayout<Element>.stride
    var memory: UnsafeMutableRawPointer?
    guard byteCount >= 2 * hugePageByteCount, posix_memalign(&memory, hugePageByteCount, byteCount) == 0,
      let memory
    else { return .allocate(capacity: capacity) }
    // A refusal leaves ordinary pages.
    _ = madvise(memory, byteCount, MADV_HUGEPAGE)
    return memory.bindMemory(to: Element.self, capacity: capacity)
  }
}
