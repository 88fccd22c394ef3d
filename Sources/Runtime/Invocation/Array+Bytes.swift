// Bytes compared and written back without copying what has not changed.

import Glibc

extension [UInt8] {
  /// Becomes equal to `bytes`; an array that already equals them stays shared.
  mutating func replace(with bytes: UnsafeRawBufferPointer) {
    if !withUnsafeBytes({ $0.equals(bytes) }) { self = Array(bytes) }
  }
}

extension UnsafeRawBufferPointer {
  func equals(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    guard let left = baseAddress, let right = other.baseAddress else { return count == 0 }
    return memcmp(left, right, count) == 0
  }

  /// Whether every byte is zero; eight at a time, as accounts may hold 10 MiB.
  var isZero: Bool {
    var index = 0
    while index + 8 <= count {
      if loadUnaligned(fromByteOffset: index, as: UInt64.self) != 0 { return false }
      index += 8
    }
    return self[index...].allSatisfy { $0 == 0 }
  }
}
