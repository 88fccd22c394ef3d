// Writing of RLP (Yellow Paper appendix B; RLP.swift).

import Primitives
import WideIntegers

package struct RLPWriter {
  package private(set) var bytes: [UInt8] = []

  package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// Makes room for so many bytes more.
  mutating func reserve(_ byteCount: Int) { bytes.reserveCapacity(bytes.count + byteCount) }

  /// Behind bytes that are there.
  init(appendingTo bytes: consuming [UInt8]) { self.bytes = bytes }

  package mutating func write(_ raw: UnsafeRawBufferPointer) {
    if raw.count != 1 || raw[0] >= RLP.emptyBytes {
      RLP.appendHeader(base: RLP.emptyBytes, payload: raw.count, to: &bytes)
    }
    bytes.append(contentsOf: raw)
  }

  package mutating func write(_ raw: [UInt8]) { raw.withUnsafeBytes { write($0) } }

  /// An integer: big-endian without leading zeros.
  package mutating func write(_ value: UInt64) {
    let big = value.bigEndian
    withUnsafeBytes(of: big) {
      write(UnsafeRawBufferPointer(rebasing: $0[(value.leadingZeroBitCount / 8)...]))
    }
  }

  /// An integer: big-endian without leading zeros.
  package mutating func write(_ value: UInt256) {
    let big = Hash(value)
    withUnsafeBytes(of: big) { write(UnsafeRawBufferPointer(rebasing: $0[(32 - value.byteWidth)...])) }
  }

  package mutating func write(_ address: Address) {
    bytes.append(RLP.emptyBytes + 20)
    withUnsafeBytes(of: address) { bytes.append(contentsOf: $0) }
  }

  /// An address, or the empty byte string where there is none.
  package mutating func write(_ address: Address?) {
    if let address { write(address) } else { bytes.append(RLP.emptyBytes) }
  }

  package mutating func write(_ hash: Hash) {
    bytes.append(RLP.emptyBytes + 32)
    withUnsafeBytes(of: hash) { bytes.append(contentsOf: $0) }
  }

  /// An item that is RLP already.
  package mutating func writeEncoded(_ raw: some Collection<UInt8>) { bytes.append(contentsOf: raw) }

  /// A byte that is no RLP: the type before a typed envelope (EIP-2718).
  package mutating func writeType(_ type: UInt8) { bytes.append(type) }

  /// A list of what `body` writes.
  package mutating func writeList(_ body: (inout RLPWriter) -> Void) {
    let start = bytes.count
    body(&self)
    let payload = bytes.count - start
    RLP.appendHeader(base: RLP.emptyList, payload: payload, to: &bytes)
    // From the end to the start; a header has at most 9 bytes.
    bytes.withUnsafeMutableBytes { bytes in
      let list = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
      withUnsafeTemporaryAllocation(byteCount: 9, alignment: 1) { header in
        let count = list.count - payload
        header.copyMemory(from: UnsafeRawBufferPointer(rebasing: list[payload...]))
        let rest = UnsafeMutableRawBufferPointer(rebasing: list[count...])
        rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: list[..<payload]))
        list.copyMemory(from: UnsafeRawBufferPointer(rebasing: header[..<count]))
      }
    }
  }
}
