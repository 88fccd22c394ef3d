// A growing list of plain values in pooled pages: what a compilation writes down by the ten thousand. Adding one
// is a comparison and a store.

/// Belongs to one owner, who takes the pages over with `finish` or frees them.
@frozen @usableFromInline package struct PageBuffer<Element: BitwiseCopyable> {
  @usableFromInline var block: CodePages.Block
  @usableFromInline var next: UnsafeMutableRawPointer
  @usableFromInline var end: UnsafeMutableRawPointer
  /// Whether memory ran out; what was added then is lost.
  @usableFromInline package internal(set) var hasFailed = false

  /// nil where there is no memory.
  ///
  /// - Parameter capacity: elements that fit without growing, at least one.
  @inlinable package init?(capacity: Int) {
    guard let block = CodePages.allocate(capacity * MemoryLayout<Element>.stride) else { return nil }
    self.block = block
    next = block.start
    end = block.start + block.byteCount
  }

  @inlinable package var count: Int { (next - block.start) / MemoryLayout<Element>.stride }

  /// Valid until the next change.
  @inlinable package var elements: UnsafeBufferPointer<Element> {
    UnsafeBufferPointer(start: block.start.bindMemory(to: Element.self, capacity: count), count: count)
  }

  @inline(__always) @inlinable package mutating func append(_ element: Element) {
    if end - next < MemoryLayout<Element>.stride, !grow() { return }
    next.storeBytes(of: element, as: Element.self)
    next += MemoryLayout<Element>.stride
  }

  @inline(never) @usableFromInline mutating func grow() -> Bool {
    guard !hasFailed, let larger = CodePages.allocate(block.byteCount * 2) else {
      hasFailed = true
      return false
    }
    let used = next - block.start
    larger.start.copyMemory(from: block.start, byteCount: used)
    CodePages.giveBack(block)
    block = larger
    next = larger.start + used
    end = larger.start + larger.byteCount
    return true
  }

  /// The pages that hold elements (at least one), which the caller owns from now on.
  @inlinable package func finish() -> CodePages.Block { CodePages.trim(block, to: next - block.start) }

  @inlinable package func free() { CodePages.giveBack(block) }
}
