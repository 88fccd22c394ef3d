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

  package var count: Int { lines.count }

  package var lines: [String] {
    guard let page else { return [] }
    return Self.lines(in: UnsafeRawBufferPointer(start: page.base + start, count: byteCount))
  }

  static func lines(in bytes: UnsafeRawBufferPointer) -> [String] {
    var lines: [String] = []
    var start = lengthByteCount
    while start <= bytes.count {
      let end = start + Int(bytes[start - 2]) + Int(bytes[start - 1]) << 8
      lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
      start = end + lengthByteCount
    }
    return lines
  }

  package static func == (left: TransactionLogs, right: TransactionLogs) -> Bool { left.lines == right.lines }
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
