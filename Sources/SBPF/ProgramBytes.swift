// A program's bytes in memory of their own, which loaders fill and executables map into the guest: neither the
// code nor the read-only data is copied on the way from the one to the other.

import MachineCode

/// Filled by whoever makes it, before anybody else has it; immutable afterwards, which is what makes the
/// unchecked `Sendable` sound.
package final class ProgramBytes: @unchecked Sendable {
  /// 16-byte alignment: syscalls check the alignment of host addresses, and the reference aligns its buffers so.
  private static let alignment = 16

  let start: UnsafeMutableRawPointer
  package private(set) var count: Int
  /// Pooled pages, which much of a program is cheaper to keep in than in fresh ones.
  private let pages: CodePages.Block?

  private init(count: Int) {
    self.count = count
    pages = count >= CodePages.largeByteCount ? CodePages.allocate(count) : nil
    start = pages?.start ?? .allocate(byteCount: max(count, 1), alignment: ProgramBytes.alignment)
  }

  deinit {
    if let pages { CodePages.giveBack(pages) } else { start.deallocate() }
  }

  package convenience init(copying source: UnsafeRawBufferPointer) {
    self.init(count: source.count)
    if let base = source.baseAddress { start.copyMemory(from: base, byteCount: source.count) }
  }

  convenience init(zeroes count: Int) {
    self.init(count: count)
    start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }

  package convenience init(_ array: [UInt8]) {
    self.init(count: array.count)
    array.withUnsafeBytes { if let base = $0.baseAddress { start.copyMemory(from: base, byteCount: count) } }
  }

  /// Leaves out what lies behind the first `count` bytes.
  func truncate(to count: Int) { self.count = min(count, self.count) }

  /// Clears `range`, which lies in the bytes.
  func clear(_ range: Range<Int>) {
    (start + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
  }

  package var array: [UInt8] { Array(UnsafeRawBufferPointer(start: start, count: count)) }
}

/// Instruction slots where they lie in `bytes`, whatever the alignment; loops decode them one by one.
@usableFromInline package struct EncodedText {
  @usableFromInline let start: UnsafeRawPointer
  /// Bytes, of which the last few may be no whole slot.
  let byteCount: Int

  var slotCount: Int { byteCount / EncodedInsn.byteCount }

  init(start: UnsafeRawPointer, byteCount: Int) {
    self.start = start
    self.byteCount = byteCount
  }

  /// - Parameter pc: in `0..<slotCount`.
  @inline(__always) @inlinable package subscript(pc: Int) -> EncodedInsn { EncodedInsn(word: word(at: pc)) }

  /// - Parameter pc: in `0..<slotCount`.
  @inline(__always) @inlinable func word(at pc: Int) -> UInt64 {
    UInt64(
      littleEndian: start.loadUnaligned(fromByteOffset: pc &* EncodedInsn.byteCount, as: UInt64.self))
  }

  /// - Parameter pc: in `0..<slotCount`.
  @inline(__always) func opcode(at pc: Int) -> UInt8 {
    start.load(fromByteOffset: pc &* EncodedInsn.byteCount, as: UInt8.self)
  }
}
