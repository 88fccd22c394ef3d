// Growing runs of plain values, without the reference counting and bounds checks of an array: what the translator's inner
// loop and the journal append to. Each belongs to one thread.

/// Elements in one allocation at a base that is stable until it grows; indices are the caller's to keep below `count`.
/// Whoever has it frees it.
struct FlatList<Element: BitwiseCopyable> {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int) {
    self.capacity = max(capacity, 16)
    base = .allocate(capacity: self.capacity)
  }

  func deallocate() { base.deallocate() }

  @inline(__always) mutating func append(_ element: Element) {
    if count == capacity { grow() }
    (base + count).initialize(to: element)
    count &+= 1
  }

  /// Forgets the elements from `newCount` on.
  @inline(__always) mutating func truncate(to newCount: Int) { count = min(count, newCount) }

  @inline(never) private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: base, count: count)
    base.deallocate()
    base = larger
    capacity *= 2
  }
}

/// A list that frees itself.
struct FlatBuffer<Element: BitwiseCopyable>: ~Copyable {
  private var list: FlatList<Element>

  init(capacity: Int) { list = FlatList(capacity: capacity) }

  deinit { list.deallocate() }

  @inline(__always) var base: UnsafeMutablePointer<Element> { list.base }
  @inline(__always) var count: Int { list.count }
  @inline(__always) var isEmpty: Bool { list.count == 0 }

  @inline(__always) subscript(index: Int) -> Element {
    get { list.base[index] }
    nonmutating set { list.base[index] = newValue }
  }

  @inline(__always) mutating func append(_ element: Element) { list.append(element) }

  /// `nil` when empty.
  @inline(__always) mutating func popLast() -> Element? {
    guard count > 0 else { return nil }
    let last = list.base[count &- 1]
    list.truncate(to: count &- 1)
    return last
  }

  @inline(__always) mutating func truncate(to newCount: Int) { list.truncate(to: newCount) }
}
