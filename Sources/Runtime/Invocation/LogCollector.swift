// Program logs, kept as bytes in one buffer in the form of `TransactionLogs`, so that a worker reuses its memory and a
// transaction whose logs nobody wants pays for none. The limit and its warning are Solana's (10,000 bytes).

import Primitives

package struct LogCollector: ~Copyable {
  package static let byteLimit = 10_000

  package var isEnabled = true
  private var bytes = LogBuffer()
  /// Lines so far.
  package private(set) var count = 0
  private var countedBytes = 0
  private var warned = false
  /// Where collected logs go.
  private var pages = LogPages()

  package init() {}

  package mutating func reset(isEnabled: Bool) {
    self.isEnabled = isEnabled
    bytes.count = 0
    count = 0
    countedBytes = 0
    warned = false
  }

  /// Appends one line, written by `body` into the buffer; after the limit only the warning stands.
  @inline(__always) package mutating func line(_ body: (inout LogBuffer) -> Void) {
    guard isEnabled else { return }
    let start = bytes.count
    let textStart = start + TransactionLogs.lengthByteCount
    bytes.reserve(TransactionLogs.lengthByteCount)
    bytes.count = textStart
    body(&bytes)
    var length = bytes.count - textStart
    if countedBytes + length >= Self.byteLimit {
      if warned {
        bytes.count = start
        return
      }
      warned = true
      bytes.count = textStart
      bytes.append("Log truncated" as StaticString)
      length = bytes.count - textStart
    } else {
      countedBytes += length
    }
    // At most the limit, so two bytes hold it.
    let place = bytes.base + start
    place.storeBytes(of: UInt16(truncatingIfNeeded: length).littleEndian, as: UInt16.self)
    count += 1
  }

  package mutating func log(_ text: String) { line { $0.append(text) } }

  /// The lines so far, in memory that stays: the buffer here is the next transaction's as well.
  package mutating func collect() -> TransactionLogs { pages.keep(contents) }

  /// The lines so far, in the form of `TransactionLogs`; valid until the next one.
  var contents: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes.base, count: bytes.count) }

  package var lines: [String] { TransactionLogs.lines(in: contents) }
}

/// Bytes that grow: an array without the checks that a shared one needs at each of many small appends.
package struct LogBuffer: ~Copyable {
  fileprivate var base: UnsafeMutableRawPointer
  fileprivate var count = 0
  private var capacity = 16 * 1024

  fileprivate init() { base = .allocate(byteCount: capacity, alignment: 16) }

  deinit { base.deallocate() }

  /// Makes room for `byteCount` bytes more.
  @inline(__always) fileprivate mutating func reserve(_ byteCount: Int) {
    if capacity - count < byteCount { grow(byteCount) }
  }

  @inline(never) private mutating func grow(_ byteCount: Int) {
    capacity = max(2 * capacity, count + byteCount)
    let old = base
    base = .allocate(byteCount: capacity, alignment: 16)
    base.copyMemory(from: old, byteCount: count)
    old.deallocate()
  }

  @inline(__always) package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    reserve(bytes.count)
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  package mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  package mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  @inline(__always) package mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Decimal digits.
  package mutating func append(decimal value: UInt64) {
    if value < 10 {
      reserve(1)
      base.storeBytes(of: UInt8(ascii: "0") + UInt8(value), toByteOffset: count, as: UInt8.self)
      count += 1
      return
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var rest = value
      var start = 20
      repeat {
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: digits[start...])))
    }
  }
}

/// "Program " and base58 texts of the keys that logs name most: every run of a program names it three times, and encoding
/// takes longer than all the rest of a line. Direct-mapped by the key's first word.
struct KeyTexts: ~Copyable {
  /// Bytes of "Program ".
  static let prefixByteCount = 8
  private static let slotCount = 64
  /// Prefix and text, at most 8 + 44 bytes, and the text's length in the last byte; 0: empty.
  private static let slotByteCount = 64
  private let keys: UnsafeMutablePointer<Pubkey>
  private let texts: UnsafeMutableRawPointer

  init() {
    keys = .allocate(capacity: Self.slotCount)
    keys.initialize(repeating: .zero, count: Self.slotCount)
    texts = .allocate(byteCount: Self.slotCount * Self.slotByteCount, alignment: 64)
    texts.initializeMemory(as: UInt8.self, repeating: 0, count: Self.slotCount * Self.slotByteCount)
  }

  deinit {
    keys.deallocate()
    texts.deallocate()
  }

  /// The prefix and the text of `key`, valid until the next call.
  @inline(__always) func text(of key: Pubkey) -> UnsafeRawBufferPointer {
    let slot = Int(truncatingIfNeeded: (key.word0 &* 0x9e37_79b9_7f4a_7c15) >> 58)
    let text = texts + slot * Self.slotByteCount
    let length = text.load(fromByteOffset: Self.slotByteCount - 1, as: UInt8.self)
    if length == 0 || keys[slot] != key { return fill(slot, with: key) }
    return UnsafeRawBufferPointer(start: text, count: Int(length))
  }

  @inline(never) private func fill(_ slot: Int, with key: Pubkey) -> UnsafeRawBufferPointer {
    let text = texts + slot * Self.slotByteCount
    let bytes = Array("Program \(key)".utf8)
    bytes.withUnsafeBytes { text.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count) }
    text.storeBytes(
      of: UInt8(truncatingIfNeeded: bytes.count), toByteOffset: Self.slotByteCount - 1, as: UInt8.self)
    keys[slot] = key
    return UnsafeRawBufferPointer(start: text, count: bytes.count)
  }
}
