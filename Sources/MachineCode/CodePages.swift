// Memory for machine code and what is as large beside it: whole pages out of pooled chunks. Pages of code are
// writable while code is written, then executable, never both; freed pages lose their right to be executed and
// are used again.
//
// A page holds the code of one executable only, so changing its rights never touches code that runs. All
// bookkeeping is behind one lock; running code needs none. What is large comes from chunks of huge pages: on
// virtual machines a first touch of a small page costs as much as compiling a hundred instructions.

import Glibc
import Synchronization

@usableFromInline package enum CodePages {
  package static let pageByteCount = 4096
  /// What one request to the operating system takes; larger code gets a chunk of its own size.
  package static let chunkByteCount = 4 << 20
  /// Bytes of chunks that may exist at a time; beyond it `allocate` refuses.
  package static let maxByteCount = 1 << 30
  /// From here on pages come from chunks that the system may back with huge pages.
  package static let largeByteCount = 128 << 10
  private static let hugePageByteCount = 2 << 20

  /// Whole pages `[start, start + byteCount)` with one owner, who frees them.
  @frozen @usableFromInline package struct Block: @unchecked Sendable {
    // The owner writes before anybody else knows the pages; once executable, they are immutable until `free`.
    @usableFromInline package let start: UnsafeMutableRawPointer
    @usableFromInline package let byteCount: Int
  }

  private struct Span {
    var start: UInt
    var byteCount: Int
    var end: UInt { start + UInt(byteCount) }
  }

  private struct Pool {
    /// Free and writable, ascending by address, never adjacent within a chunk.
    var free: [Span] = []
    /// Ascending by address.
    var chunks: [Span] = []
  }

  private struct Pools {
    var small = Pool()
    var large = Pool()
    var mappedByteCount = 0
  }

  private static let pools = Mutex(Pools())

  /// Bytes mapped at the moment, used or not.
  package static var mappedByteCount: Int { pools.withLock { $0.mappedByteCount } }

  @usableFromInline package static func pages(_ byteCount: Int) -> Int { (byteCount + pageByteCount - 1) & ~(pageByteCount - 1) }

  /// Writable pages for `byteCount` bytes of any content, or nil where the limit or the operating system
  /// refuses.
  @usableFromInline package static func allocate(_ byteCount: Int) -> Block? {
    guard byteCount > 0, byteCount <= maxByteCount else { return nil }
    let byteCount = pages(byteCount)
    let start = pools.withLock { pools in
      byteCount >= largeByteCount
        ? take(byteCount, from: &pools.large, isLarge: true, mapped: &pools.mappedByteCount)
        : take(byteCount, from: &pools.small, isLarge: false, mapped: &pools.mappedByteCount)
    }
    guard let start, let pages = UnsafeMutableRawPointer(bitPattern: start) else { return nil }
    return Block(start: pages, byteCount: byteCount)
  }

  /// Makes the first `codeByteCount` bytes of `block` executable and gives back the pages behind them; nil,
  /// with all of them given back, where the operating system refuses.
  @usableFromInline package static func publish(_ block: Block, codeByteCount: Int) -> Block? {
    let code = trim(block, to: codeByteCount)
    // What follows the code is a trap wherever it is entered.
    (code.start + codeByteCount).initializeMemory(
      as: UInt8.self, repeating: 0xcc, count: code.byteCount - codeByteCount)
    guard mprotect(code.start, code.byteCount, PROT_READ | PROT_EXEC) == 0 else {
      giveBack(code)
      return nil
    }
    return code
  }

  /// Copies `code` into executable pages.
  @usableFromInline package static func publish(_ code: UnsafeRawBufferPointer) -> Block? {
    guard let source = code.baseAddress, let block = allocate(code.count) else { return nil }
    block.start.copyMemory(from: source, byteCount: code.count)
    return publish(block, codeByteCount: code.count)
  }

  /// Gives back the pages of `block` behind its first `byteCount` bytes.
  @usableFromInline package static func trim(_ block: Block, to byteCount: Int) -> Block {
    let kept = pages(max(byteCount, 1))
    guard kept < block.byteCount else { return block }
    giveBack(Block(start: block.start + kept, byteCount: block.byteCount - kept))
    return Block(start: block.start, byteCount: kept)
  }

  /// Takes executable pages back; nothing may run in them any more.
  @usableFromInline package static func free(_ block: Block) {
    // Pages that stay executable are of no use to the pool; the limit then counts them for good.
    guard mprotect(block.start, block.byteCount, PROT_READ | PROT_WRITE) == 0 else { return }
    giveBack(block)
  }

  /// Takes writable pages back.
  @usableFromInline package static func giveBack(_ block: Block) {
    let span = Span(start: UInt(bitPattern: block.start), byteCount: block.byteCount)
    pools.withLock { pools in
      if give(span, to: &pools.large, mapped: &pools.mappedByteCount) { return }
      _ = give(span, to: &pools.small, mapped: &pools.mappedByteCount)
    }
  }

  // MARK: The pools

  private static func take(
    _ byteCount: Int, from pool: inout Pool, isLarge: Bool, mapped: inout Int
  ) -> UInt? {
    if pool.free.firstIndex(where: { $0.byteCount >= byteCount }) == nil {
      let chunkBytes = max(byteCount, chunkByteCount)
      guard mapped + chunkBytes <= maxByteCount, let chunk = map(chunkBytes, isLarge: isLarge) else {
        return nil
      }
      insert(chunk, into: &pool.chunks)
      insert(chunk, into: &pool.free)
      mapped += chunkBytes
    }
    guard let index = pool.free.firstIndex(where: { $0.byteCount >= byteCount }) else { return nil }
    let start = pool.free[index].start
    pool.free[index].start += UInt(byteCount)
    pool.free[index].byteCount -= byteCount
    if pool.free[index].byteCount == 0 { pool.free.remove(at: index) }
    return start
  }

  private static func map(_ byteCount: Int, isLarge: Bool) -> Span? {
    let slack = isLarge ? hugePageByteCount : 0
    let rights = PROT_READ | PROT_WRITE
    guard let mapped = mmap(nil, byteCount + slack, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      mapped != MAP_FAILED
    else { return nil }
    guard isLarge else { return Span(start: UInt(bitPattern: mapped), byteCount: byteCount) }
    // Huge pages lie at multiples of their size: what is before the first and behind the chunk goes back.
    let address = UInt(bitPattern: mapped)
    let lead = Int((UInt(slack) - address % UInt(slack)) % UInt(slack))
    if lead > 0 { munmap(mapped, lead) }
    if lead < slack { munmap(mapped + lead + byteCount, slack - lead) }
    madvise(mapped + lead, byteCount, MADV_HUGEPAGE)
    return Span(start: address + UInt(lead), byteCount: byteCount)
  }

  private static func insert(_ span: Span, into list: inout [Span]) {
    list.insert(span, at: list.firstIndex { $0.start > span.start } ?? list.count)
  }

  /// Returns `span` to its chunk and unmaps the chunk when all of it is free and another one is. False where
  /// the pool has no such chunk.
  private static func give(_ span: Span, to pool: inout Pool, mapped: inout Int) -> Bool {
    guard let chunkIndex = pool.chunks.lastIndex(where: { $0.start <= span.start }),
      span.end <= pool.chunks[chunkIndex].end
    else { return false }
    let chunk = pool.chunks[chunkIndex]
    var merged = span
    if let left = pool.free.firstIndex(where: { $0.end == merged.start && $0.start >= chunk.start }) {
      merged = Span(start: pool.free[left].start, byteCount: pool.free[left].byteCount + merged.byteCount)
      pool.free.remove(at: left)
    }
    if let right = pool.free.firstIndex(where: { $0.start == merged.end && $0.end <= chunk.end }) {
      merged.byteCount += pool.free[right].byteCount
      pool.free.remove(at: right)
    }
    let hasSpare = pool.free.contains { $0.byteCount >= chunkByteCount }
    if merged.byteCount == chunk.byteCount, hasSpare || chunk.byteCount > chunkByteCount,
      munmap(UnsafeMutableRawPointer(bitPattern: merged.start), merged.byteCount) == 0
    {
      pool.chunks.remove(at: chunkIndex)
      mapped -= chunk.byteCount
    } else {
      insert(merged, into: &pool.free)
    }
    return true
  }
}
