// sol_memcpy_, sol_memmove_, sol_memset_, sol_memcmp_: bulk work on guest memory at host speed. Also
// sol_alloc_free_, the bump allocator of programs that bring none (no new program may import it, those on
// chain still run).

import Ledger
import SBPF

enum MemorySyscalls {
  /// Refuses source and destination that overlap as guest addresses.
  static let copy: SyscallFunction = { vm, destination, source, byteCount, _, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.memoryOperation(byteCount: byteCount))
      let distance = source > destination ? source - destination : destination - source
      if distance < byteCount { throw .copyOverlapping }
      return try move(machine, to: destination, from: source, byteCount)
    }
  }

  static let move: SyscallFunction = { vm, destination, source, byteCount, _, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.memoryOperation(byteCount: byteCount))
      return try move(machine, to: destination, from: source, byteCount)
    }
  }

  @inline(__always)
  private static func move(
    _ machine: Machine, to destination: UInt64, from source: UInt64, _ byteCount: UInt64
  ) throws(SyscallFailure) -> UInt64 {
    let target = try machine.slice(destination, count: byteCount, access: .store)
    let origin = try machine.slice(source, count: byteCount)
    if let host = target.baseAddress, let from = origin.baseAddress {
      host.copyMemory(from: from, byteCount: target.count)
    }
    return 0
  }

  /// The low byte of `value`.
  static let set: SyscallFunction = { vm, address, value, byteCount, _, _ in
    withInvoke(vm) { (machine, _) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.memoryOperation(byteCount: byteCount))
      let target = try machine.slice(address, count: byteCount, access: .store)
      target.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: value))
      return 0
    }
  }

  /// Writes the difference of the first bytes that differ, or 0, as an i32 at `result`.
  static let compare: SyscallFunction = { vm, first, second, byteCount, result, _ in
    withInvoke(vm) { (machine, invoke) throws(SyscallFailure) in
      try machine.consume(ComputeCosts.memoryOperation(byteCount: byteCount))
      let left = try machine.slice(first, count: byteCount)
      let right = try machine.slice(second, count: byteCount)
      let order = difference(UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
      let target = try machine.value(
        result, byteCount: 4, alignment: 4, access: .store, checkAligned: invoke.checksAlignment)
      target.storeBytes(of: order, as: Int32.self)
      return 0
    }
  }

  /// First differing bytes of two buffers of the same length, left minus right.
  private static func difference(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
    var index = 0
    while index + 8 <= left.count,
      left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        == right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
    {
      index += 8
    }
    while index < left.count {
      if left[index] != right[index] { return Int32(left[index]) - Int32(right[index]) }
      index += 1
    }
    return 0
  }

  /// Takes `byteCount` bytes of heap, 8-aligned (1-aligned under loader v1), and returns their address, or 0
  /// where the heap has no such room. Nothing is ever freed: a call with an address to free does nothing.
  static let allocate: SyscallFunction = { vm, byteCount, freeing, _, _, _ in
    withInvoke(vm) { (_, invoke) throws(SyscallFailure) in
      guard freeing == 0, byteCount <= UInt64(invoke.heapByteCount) else { return 0 }
      let frame = try SyscallFailure.wrapping { () throws(InstructionError) in try invoke.instructionContext }
      let alignment: UInt64 = invoke.checksAlignment ? 8 : 1
      let start = (frame.allocatedHeapByteCount + alignment - 1) / alignment * alignment
      guard start + byteCount <= UInt64(invoke.heapByteCount) else { return 0 }
      frame.allocatedHeapByteCount = start + byteCount
      return GuestMemory.heapStart + start
    }
  }
}
