// What transactions have logged, in memory that many of them share: a worker writes the logs of one transaction after the
// other into a page, so that keeping a log costs one reference and no allocation. A page lives as long as the logs in it.

import Primitives

/// A transaction's log lines: the length of each line in two bytes, little-endian, then its text.
package struct TransactionLogs: Sendable, Equatable {
  /// Bytes before each line.
  static let lengthByteCount = 2

  private let page: LogPage?
  private let start: Int
  private let byteCount: Int

  package init() { (page, start, byteCount) = (nil, 0, 0) }

  @inline(__always) init(page: LogPage, start: Int, byteCount: Int) {
    (self.page, self.start, self.byteCount) = (page, start, byteCount)
  }

  /// Lines that came from elsewhere, such as a node; each is cut at 65,535 bytes.
  package init(lines: [String]) {
    var bytes: [UInt8] = []
    for line in lines {
      let text = line.utf8.prefix(Int(UInt16.max))
      bytes += [UInt8(truncatingIfNeeded: text.count), UInt8(text.count >> 8)]
      bytes += text
    }
    let page = LogPage(byteCount: max(1, bytes.count))
    bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { page.base.copyMemory(from: base, byteCount: source.count) }
    }
    self.init(page: page, start: 0, byteCount: bytes.count)
  }

  package var count: Int { lines.count }

  package var lines: [String] {
    guard let page else { return [] }
    return Self.lines(in: UnsafeRawBufferPointer(start: page.base + start, count: byteCount))
  }

  /// Whether there is no line.
  package var isEmpty: Bool { byteCount == 0 }

  static func lines(in bytes: UnsafeRawBufferPointer) -> [String] {
    var lines: [String] = []
    forEachLine(in: bytes) { lines.append(String(decoding: $0, as: UTF8.self)) }
    return lines
  }

  static func forEachLine(in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    var start = lengthByteCount
    while start <= bytes.count {
      let end = start + Int(bytes[start - 2]) + Int(bytes[start - 1]) << 8
      body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      start = end + lengthByteCount
    }
  }

  package static func == (left: TransactionLogs, right: TransactionLogs) -> Bool { left.lines == right.lines }
}

/// The pages of one worker.
package struct LogPages: ~Copyable {
  private var page: LogPage?
  private var end = 0

  package init() {}

  /// Keeps lines in the form of `TransactionLogs`.
  mutating func keep(_ bytes: UnsafeRawBufferPointer) -> TransactionLogs {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return TransactionLogs() }
    if let page, page.capacity - end >= bytes.count { return place(source, bytes.count, in: page, at: end) }
    let page = LogPage(byteCount: max(bytes.count, LogPage.byteCount))
    self.page = page
    return place(source, bytes.count, in: page, at: 0)
  }

  @inline(__always)
  private mutating func place(
    _ source: UnsafeRawPointer, _ byteCount: Int, in page: LogPage, at start: Int
  ) -> TransactionLogs {
    (page.base + start).copyMemory(from: source, byteCount: byteCount)
    end = start + byteCount
    return TransactionLogs(page: page, start: start, byteCount: byteCount)
  }
}

/// Lines of several instructions, one after the other, of which the last can be taken back.
package struct LogLines {
  private var bytes: [UInt8] = []

  package init() {}

  package var isEmpty: Bool { bytes.isEmpty }
  /// Where the next line will be, for `remove` and the like.
  package var end: Int { bytes.count }
  package var lines: [String] { bytes.withUnsafeBytes { TransactionLogs.lines(in: $0) } }

  mutating func append(_ logs: borrowing LogCollector) { bytes.append(contentsOf: logs.contents) }

  /// Takes back what has come since `end` was `start`.
  package mutating func remove(from start: Int) {
    if bytes.count > start { bytes.removeSubrange(start...) }
  }

  package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  fileprivate func forEachLine(from start: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes {
      TransactionLogs.forEachLine(in: UnsafeRawBufferPointer(rebasing: $0[start...]), body)
    }
  }

  /// The lines, in memory of `pages`.
  package func collect(in pages: inout LogPages) -> TransactionLogs {
    bytes.withUnsafeBytes { pages.keep($0) }
  }
}

extension InvokeContext {
  /// Appends the lines that have come to `lines` since its end was `start`.
  package func log(_ lines: LogLines, from start: Int) {
    guard logs.isEnabled, lines.end > start else { return }
    lines.forEachLine(from: start) { text in logs.line { $0.append(text) } }
  }
}

/// Memory for logs. Bytes that a `TransactionLogs` names do not change any more; its worker fills those behind them.
final class LogPage: @unchecked Sendable {
  // Sendable: bytes are written before anybody learns of them, and never again.
  static let byteCount = 64 * 1024

  let base: UnsafeMutableRawPointer
  let capacity: Int

  init(byteCount: Int = LogPage.byteCount) {
    capacity = byteCount
    base = .allocate(byteCount: byteCount, alignment: 16)
  }

  deinit { base.deallocate() }
}
