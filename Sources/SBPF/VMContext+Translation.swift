// Guest addresses to host pointers, for syscalls and for the engines' exact path.
//
// In the version whose stack has gaps, guest frames are 8192 bytes apart and host frames 4096: an access must
// start outside a gap and is then contiguous on the host, so one that runs over a frame's end reads the next
// frame's bytes, as Agave's mapping does (https://github.com/anza-xyz/sbpf, memory_region.rs).

/// The fixed geometry of guest memory, in bytes.
package enum GuestMemory {
  package static let regionCount = 8
  package static let rodataStart: UInt64 = 0
  package static let programStart: UInt64 = 0x1_0000_0000
  package static let stackStart: UInt64 = 0x2_0000_0000
  package static let heapStart: UInt64 = 0x3_0000_0000
  package static let inputStart: UInt64 = 0x4_0000_0000
  package static let frameByteCount: UInt64 = 4096
  package static let maxCallDepth = 64
  package static let stackByteCount = frameByteCount * UInt64(maxCallDepth)
  package static let maxHeapByteCount = 256 * 1024
  static let stackIndex: UInt64 = 2
  static let inputIndex: UInt64 = 4
}

extension VMContext {
  /// The host memory behind `[address, address + byteCount)`, or nil where the program may not make this
  /// access.
  ///
  /// Alignment is left to the caller, and so is the rule that an access of no bytes needs no memory.
  @inlinable
  package mutating func translate(
    address: UInt64, byteCount: UInt64, access: MemoryAccess
  ) -> UnsafeMutableRawPointer? {
    let index = address &>> 32
    guard index < 8 else { return nil }
    let region = regions + Int(truncatingIfNeeded: index)
    let offset = address & 0xffff_ffff
    let bound = access == .load ? region.pointee.readableByteCount : region.pointee.writableByteCount
    guard byteCount <= bound, offset <= bound &- byteCount else {
      return translateExactly(address: address, byteCount: byteCount, access: access)
    }
    return region.pointee.host + Int(truncatingIfNeeded: offset)
  }

  /// `translate` without the fast bounds: stack gaps, and memory that is written for the first time.
  @inline(never) @usableFromInline
  mutating func translateExactly(
    address: UInt64, byteCount: UInt64, access: MemoryAccess
  ) -> UnsafeMutableRawPointer? {
    let index = address &>> 32
    guard index < 8 else { return nil }
    let region = regions + Int(truncatingIfNeeded: index)
    var offset = address & 0xffff_ffff
    if index == GuestMemory.inputIndex, inputSegmentCount > 0 {
      return translateSegmented(offset: offset, byteCount: byteCount, access: access)
    }
    let isGapped = hasStackGaps && index == GuestMemory.stackIndex
    if isGapped {
      guard offset & GuestMemory.frameByteCount == 0 else { return nil }
      let withinFrame = GuestMemory.frameByteCount &- 1
      offset = (offset & ~withinFrame) &>> 1 | offset & withinFrame
    }
    let fast = access == .load ? region.pointee.readableByteCount : region.pointee.writableByteCount
    let limit = max(fast, region.pointee.exactByteCount)
    guard byteCount <= limit, offset <= limit &- byteCount else { return nil }
    if access == .store { touch(region, upTo: offset &+ byteCount, isGapped: isGapped) }
    return region.pointee.host + Int(truncatingIfNeeded: offset)
  }

  private func translateSegmented(
    offset: UInt64, byteCount: UInt64, access: MemoryAccess
  ) -> UnsafeMutableRawPointer? {
    // The last segment that starts at or before `offset`.
    var low = 0
    var high = inputSegmentCount
    while low < high {
      let middle = (low + high) / 2
      if inputSegments[middle].offset <= offset { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let segment = inputSegments[low - 1]
    let distance = offset - segment.offset
    guard access == .load || segment.isWritable, distance <= segment.byteCount,
      byteCount <= segment.byteCount - distance
    else { return nil }
    return segment.host + Int(truncatingIfNeeded: distance)
  }

  /// Notes that the bytes before `end` may have been written, a page at a time.
  private mutating func touch(_ region: UnsafeMutablePointer<MemoryRegion>, upTo end: UInt64, isGapped: Bool)
  {
    let page = min((end &+ 4095) & ~4095, max(region.pointee.exactByteCount, end))
    if isGapped {
      touchedStackByteCount = max(touchedStackByteCount, page)
    } else if page > region.pointee.writableByteCount {
      region.pointee.writableByteCount = page
    }
  }

  /// Records an access that `translate` refused as the reason why the run ends.
  package mutating func failAccess(address: UInt64, byteCount: UInt64, access: MemoryAccess) {
    fault = .accessViolation
    faultAddress = address
    faultByteCount = byteCount
    faultAccess = access
  }
}
