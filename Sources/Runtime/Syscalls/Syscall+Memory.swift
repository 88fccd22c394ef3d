// From guest pointers to host memory, with the order of checks that programs can observe: length, then
// access, then alignment (Agave's program-runtime, memory.rs). Alignment is judged on the guest address;
// regions begin aligned, so it is that of the host address too. Slices of no elements are never looked up:
// any address is fine for them.

import SBPF

/// A Rust slice or a C `{pointer, length}` pair in guest memory: two u64.
struct GuestSlice {
  static let byteCount: UInt64 = 16
  static let alignment: UInt64 = 8

  let address: UInt64
  let count: UInt64

  /// The pair at `pointer`, which needs no alignment on the host.
  init(reading pointer: UnsafeRawPointer) {
    address = pointer.loadUnaligned(as: UInt64.self)
    count = pointer.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
  }
}

extension UnsafeMutablePointer<VMContext> {
  /// Host memory behind `byteCount` bytes at `address`; `byteCount` is not 0.
  @inline(__always)
  package func map(
    _ address: UInt64, _ byteCount: UInt64, _ access: MemoryAccess
  ) throws(SyscallFailure) -> UnsafeMutableRawPointer {
    guard let host = pointee.translate(address: address, byteCount: byteCount, access: access) else {
      throw .accessViolation(AccessViolation(access: access, address: address, byteCount: byteCount))
    }
    return host
  }

  /// One value of `byteCount` bytes.
  @inline(__always)
  package func value(
    _ address: UInt64, byteCount: UInt64, alignment: UInt64 = 1, access: MemoryAccess = .load,
    checkAligned: Bool
  ) throws(SyscallFailure) -> UnsafeMutableRawPointer {
    let host = try map(address, byteCount, access)
    if checkAligned && address % alignment != 0 { throw .unalignedPointer }
    return host
  }

  /// `count` elements of `stride` bytes each; empty, whatever the address, where `count` is 0.
  @inline(__always)
  package func slice(
    _ address: UInt64, count: UInt64, stride: UInt64 = 1, alignment: UInt64 = 1, access: MemoryAccess = .load,
    checkAligned: Bool = false
  ) throws(SyscallFailure) -> UnsafeMutableRawBufferPointer {
    if count == 0 { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    let total = count.multipliedReportingOverflow(by: stride)
    guard !total.overflow, let byteCount = Int(exactly: total.partialValue) else { throw .invalidLength }
    let host = try map(address, total.partialValue, access)
    if checkAligned && address % alignment != 0 { throw .unalignedPointer }
    return UnsafeMutableRawBufferPointer(start: host, count: byteCount)
  }

  /// The bytes that `slice` names.
  @inline(__always)
  func bytes(_ slice: GuestSlice) throws(SyscallFailure) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(try self.slice(slice.address, count: slice.count))
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The pair at position `index` of an array of pairs.
  @inline(__always)
  func guestSlice(at index: Int) -> GuestSlice {
    GuestSlice(reading: UnsafeRawPointer(baseAddress.unsafelyUnwrapped + index * Int(GuestSlice.byteCount)))
  }

  /// Whether any byte lies in both; empty memory lies nowhere.
  func overlaps(_ other: UnsafeMutableRawBufferPointer) -> Bool {
    guard let start = baseAddress, let otherStart = other.baseAddress else { return false }
    return start < otherStart + other.count && otherStart < start + count
  }
}

extension UnsafeMutableRawPointer {
  func bytes(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: self, count: count) }
}
