// Program logs, kept as bytes: one buffer and the end of each line, so that a worker reuses its memory and a
// transaction whose logs nobody wants pays for none. The limit and its warning are Solana's (10,000 bytes).

import Primitives

package struct LogCollector {
  package static let byteLimit = 10_000

  package var isEnabled = true
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var countedBytes = 0
  private var warned = false

  package init() {}

  package mutating func reset(isEnabled: Bool) {
    self.isEnabled = isEnabled
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    countedBytes = 0
    warned = false
  }

  /// Appends one line, written by `body` into the buffer; after the limit only the warning stands.
  @inline(__always) package mutating func line(_ body: (inout [UInt8]) -> Void) {
    guard isEnabled else { return }
    let start = bytes.count
    body(&bytes)
    let length = bytes.count - start
    if countedBytes + length >= Self.byteLimit {
      bytes.removeLast(length)
      if warned { return }
      warned = true
      bytes.append(contentsOf: "Log truncated".utf8)
    } else {
      countedBytes += length
    }
    ends.append(bytes.count)
  }

  package mutating func log(_ text: String) { line { $0.append(contentsOf: text.utf8) } }

  package var count: Int { ends.count }

  /// The lines so far.
  package var collected: TransactionLogs { TransactionLogs(bytes: bytes, ends: ends) }

  package var lines: [String] { collected.lines }
}

extension [UInt8] {
  mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  mutating func append(_ key: Pubkey) { append(contentsOf: key.description.utf8) }
}
