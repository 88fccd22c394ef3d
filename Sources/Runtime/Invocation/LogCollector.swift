// Program logs, kept as bytes in one buffer in the form of `TransactionLogs`, so that a worker reuses its memory and a
// transaction whose logs nobody wants pays for none. The limit and its warning are Solana's (10,000 bytes).

import Primitives

package struct LogCollector {
  package static let byteLimit = 10_000

  package var isEnabled = true
  private var bytes: [UInt8] = []
  private var countedBytes = 0
  private var warned = false

  package init() {}

  package mutating func reset(isEnabled: Bool) {
    self.isEnabled = isEnabled
    bytes.removeAll(keepingCapacity: true)
    countedBytes = 0
    warned = false
  }

  /// Appends one line, written by `body` into the buffer; after the limit only the warning stands.
  @inline(__always) package mutating func line(_ body: (inout [UInt8]) -> Void) {
    guard isEnabled else { return }
    let start = bytes.count
    bytes.append(0)
    bytes.append(0)
    let textStart = start + TransactionLogs.lengthByteCount
    body(&bytes)
    var length = bytes.count - textStart
    if countedBytes + length >= Self.byteLimit {
      if warned {
        bytes.removeLast(bytes.count - start)
        return
      }
      warned = true
      bytes.removeLast(length)
      bytes.append("Log truncated" as StaticString)
      length = bytes.count - textStart
    } else {
      countedBytes += length
    }
    // At most the limit, so two bytes hold it.
    bytes[start] = UInt8(truncatingIfNeeded: length)
    bytes[start + 1] = UInt8(truncatingIfNeeded: length >> 8)
  }

  package mutating func log(_ text: String) { line { $0.append(contentsOf: text.utf8) } }

  /// The lines so far, in memory of their own: the buffers here stay with the worker.
  package var collected: TransactionLogs {
    TransactionLogs(bytes: bytes.withUnsafeBufferPointer { Array($0) })
  }

  package var lines: [String] { collected.lines }
}

extension [UInt8] {
  mutating func append(_ text: String) { append(contentsOf: text.utf8) }

  mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Decimal digits.
  mutating func append(decimal value: UInt64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var rest = value
      var start = 20
      repeat {
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      append(contentsOf: digits[start...])
    }
  }
}

/// Base58 texts of the keys that logs name most: every run of a program names it three times, and encoding
/// takes longer than all the rest of a line. Direct-mapped by the key's first word.
struct KeyTexts {
  private static let slotCount = 64
  private var keys = [Pubkey](repeating: .zero, count: slotCount)
  private var texts = [[UInt8]](repeating: Array(Pubkey.zero.description.utf8), count: slotCount)

  mutating func text(of key: Pubkey) -> [UInt8] {
    let slot = Int(truncatingIfNeeded: (key.word0 &* 0x9e37_79b9_7f4a_7c15) >> 58)
    if keys[slot] != key {
      keys[slot] = key
      texts[slot] = Array(key.description.utf8)
    }
    return texts[slot]
  }
}
