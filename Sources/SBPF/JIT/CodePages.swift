// Memory for machine code: whole pages out of pooled chunks, writable while code is copied in, executable
// afterwards, never both. Freed pages lose their right to be executed and are used again.
//
// A page holds the code of one executable only, so changing its rights never touches code that runs. All
// bookkeeping is behind one lock; running code needs none.

import Foundation
import Synchronization

enum CodePages {
  static let pageByteCount = 4096
  /// What one request to the operating system takes; larger code gets a chunk of its own size.
  static let chunkByteCount = 4 << 20
  /// Bytes of chunks that may exist at a time; beyond it `allocate` refuses.
  static let maxByteCount = 1 << 30

  /// Pages `[start, start + byteCount)`, readable and executable.
  struct Block: @unchecked Sendable {
    // The pages are immutable until `free`, which their single owner calls.
    let start: UnsafeMutableRawPointer
    let byteCount: Int
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
    var mappedByteCount = 0
  }

  private static let pool = Mutex(Pool())

  /// Bytes mapped at the moment, used or not.
  static var mappedByteCount: Int { pool.withLock { $0.mappedByteCount } }

  /// Copies `code` into executable pages, or nil where the pool's limit or the operating system refuses.
  static func publish(_ code: UnsafeRawBufferPointer) -> Block? {
    guard let source = code.baseAddress, !code.isEmpty else { return nil }
    let byteCount = (code.count + pageByteCount - 1) & ~(pageByteCount - 1)
    guard let start = pool.withLock({ take(byteCount, from: &$0) }),
      let pages = UnsafeMutableRawPointer(bitPattern: start)
    else { return nil }
    pages.copyMemory(from: source, byteCount: code.count)
    // What follows the code is a trap wherever it is entered.
    (pages + code.count).initializeMemory(as: UInt8.self, repeating: 0xcc, count: byteCount - code.count)
    guard mprotect(pages, byteCount, PROT_READ | PROT_EXEC) == 0 else {
      pool.withLock { give(Span(start: start, byteCount: byteCount), to: &$0) }
      return nil
    }
    return Block(start: pages, byteCount: byteCount)
  }

  /// Takes `block` back; nothing may run in it any more.
  static func free(_ block: Block) {
    // Pages that stay executable are of no use to the pool; the limit then counts them for good.
    guard mprotect(block.start, block.byteCount, PROT_READ | PROT_WRITE) == 0 else { return }
    pool.withLock { give(Span(start: UInt(bitPattern: block.start), byteCount: block.byteCount), to: &$0) }
  }

  private static func take(_ byteCount: Int, from pool: inout Pool) -> UInt? {
    if pool.free.firstIndex(where: { $0.byteCount >= byteCount }) == nil {
      let chunkBytes = max(byteCount, chunkByteCount)
      guard pool.mappedByteCount + chunkBytes <= maxByteCount else { return nil }
      let mapped = mmap(nil, chunkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let mapped, mapped != MAP_FAILED else { return nil }
      let chunk = Span(start: UInt(bitPattern: mapped), byteCount: chunkBytes)
      insert(chunk, into: &pool.chunks)
      insert(chunk, into: &pool.free)
      pool.mappedByteCount += chunkBytes
    }
    guard let index = pool.free.firstIndex(where: { $0.byteCount >= byteCount }) else { return nil }
    let start = pool.free[index].start
    pool.free[index].start += UInt(byteCount)
    pool.free[index].byteCount -= byteCount
    if pool.free[index].byteCount == 0 { pool.free.remove(at: index) }
    return start
  }

  private static func insert(_ span: Span, into list: inout [Span]) {
    list.insert(span, at: list.firstIndex { $0.start > span.start } ?? list.count)
  }

  /// Returns `span` to its chunk and unmaps the chunk when all of it is free and another one is.
  private static func give(_ span: Span, to pool: inout Pool) {
    guard let chunkIndex = pool.chunks.lastIndex(where: { $0.start <= span.start }) else { return }
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
      pool.mappedByteCount -= chunk.byteCount
    } else {
      insert(merged, into: &pool.free)
    }
  }
}
