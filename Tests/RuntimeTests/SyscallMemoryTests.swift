import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

struct SyscallMemoryTests {
  @Test(arguments: [0, 1, 8, 4096, 32 * 1024] as [UInt64])
  func moveCopiesAndCosts(byteCount: UInt64) throws {
    for name in ["sol_memcpy_", "sol_memmove_"] {
      let rig = try SyscallRig()
      rig.write((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7) }, at: heap)
      let before = rig.read(heap, Int(byteCount))
      let outcome = try rig.call(name, stack, heap, byteCount)
      #expect(outcome == .ok(units: max(10, Int64(byteCount) / 250)))
      #expect(rig.read(stack, Int(byteCount)) == before)
    }
  }

  @Test func overlapIsRefusedByCopyOnly() throws {
    // (destination, source, byte count, overlapping), as guest addresses
    let cases: [(UInt64, UInt64, UInt64, Bool)] = [
      (heap, heap + 8, 8, false), (heap + 8, heap, 8, false), (heap, heap + 7, 8, true),
      (heap + 7, heap, 8, true),
      (heap, heap, 1, true), (heap, heap, 0, false), (heap, heap + 1, 1, false),
    ]
    for (destination, source, byteCount, overlapping) in cases {
      let rig = try SyscallRig()
      rig.write(Array(0..<32), at: heap)
      let expected = overlapping ? .failed(.copyOverlapping, units: 10) : SyscallRig.Outcome.ok(units: 10)
      #expect(try rig.call("sol_memcpy_", destination, source, byteCount) == expected)
      rig.write(Array(0..<32), at: heap)
      #expect(try rig.call("sol_memmove_", destination, source, byteCount) == .ok(units: 10))
      let offset = UInt8(source - heap)
      #expect(rig.read(destination, Int(byteCount)) == Array(offset..<offset + UInt8(byteCount)))
    }
  }

  @Test func addressesOutsideMemoryAreNamed() throws {
    let rig = try SyscallRig()
    let cases: [(UInt64, UInt64, UInt64, SyscallFailure)] = [
      (0, heap, 8, .store(0, 8)),
      (program, heap, 8, .store(program, 8)),
      (heap + heapByteCount - 7, heap, 8, .store(heap + heapByteCount - 7, 8)),
      (heap + heapByteCount, heap, 1, .store(heap + heapByteCount, 1)),
      (stack + 64 * 4096 - 3, heap, 4, .store(stack + 64 * 4096 - 3, 4)),
      (heap, input + 4090, 7, .load(input + 4090, 7)),
      (heap, program + 4096, 1, .load(program + 4096, 1)),
      (heap, 5 << 32, 1, .load(5 << 32, 1)),
      (heap, .max, 1, .load(.max, 1)),
      (heap, 1 << 63, 2, .load(1 << 63, 2)),
      (input + 4096, .max, 1, .store(input + 4096, 1)),
    ]
    for (destination, source, byteCount, failure) in cases {
      #expect(try rig.call("sol_memmove_", destination, source, byteCount) == .failed(failure, units: 10))
    }
    #expect(try rig.call("sol_memset_", program, 1, 4) == .failed(.store(program, 4), units: 10))
  }

  @Test func emptyMovesTouchNothing() throws {
    let rig = try SyscallRig()
    for address in [0, 5 << 32, .max, program] as [UInt64] {
      #expect(try rig.call("sol_memcpy_", address, .max - address, 0) == .ok(units: 10))
      #expect(try rig.call("sol_memset_", address, 1, 0) == .ok(units: 10))
    }
  }

  @Test func unitsAreTakenBeforeAnythingElse() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("sol_memset_", heap, 1, 100, units: 10) == .ok(units: 10))
    #expect(try rig.call("sol_memset_", heap, 2, 100, units: 9) == .failed(.outOfUnits, units: 9))
    #expect(rig.read(heap, 100).allSatisfy { $0 == 1 })
    #expect(try rig.call("sol_memset_", 0, 1, .max, units: 1_000) == .failed(.outOfUnits, units: 1_000))
    #expect(try rig.call("sol_memset_", heap, 3, 2_750, units: 11) == .ok(units: 11))
    #expect(try rig.call("sol_memset_", heap, 4, 2_750, units: 10) == .failed(.outOfUnits, units: 10))
  }

  @Test func setTakesTheLowByte() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("sol_memset_", stack + 5, 0x1234_56ab, 3) == .ok(units: 10))
    #expect(rig.read(stack + 4, 5) == [0, 0xab, 0xab, 0xab, 0])
  }

  @Test func compareGivesTheFirstDifference() throws {
    let rig = try SyscallRig()
    let base = [UInt8](repeating: 7, count: 40)
    for (index, value, expected) in [(0, 9, -2), (7, 0, 7), (8, 255, -248), (31, 6, 1), (39, 8, -1)]
      as [(Int, UInt8, Int32)]
    {
      var other = base
      other[index] = value
      rig.write(base, at: heap)
      rig.write(other, at: heap + 100)
      #expect(try rig.call("sol_memcmp_", heap, heap + 100, 40, stack) == .ok(units: 10))
      #expect(rig.read(stack, 4) == withUnsafeBytes(of: expected) { Array($0) })
      #expect(try rig.call("sol_memcmp_", heap, heap + 100, UInt64(index), stack) == .ok(units: 10))
      #expect(rig.read(stack, 4) == [0, 0, 0, 0])
    }
  }

  @Test func compareResultIsAlignedExceptUnderTheFirstLoader() throws {
    for offset in [0, 1, 2, 3, 4] as [UInt64] {
      let aligned = try SyscallRig().call("sol_memcmp_", heap, heap, 1, heap + offset)
      #expect(aligned == (offset % 4 == 0 ? .ok(units: 10) : .failed(.unalignedPointer, units: 10)))
      let lenient = try SyscallRig(loader: ProgramID.bpfLoader1)
      #expect(try lenient.call("sol_memcmp_", heap, heap, 1, heap + offset) == .ok(units: 10))
    }
    let rig = try SyscallRig()
    #expect(try rig.call("sol_memcmp_", 0, 1, 1, heap) == .failed(.load(0, 1), units: 10))
    #expect(try rig.call("sol_memcmp_", heap, 1, 1, heap) == .failed(.load(1, 1), units: 10))
    #expect(try rig.call("sol_memcmp_", heap, heap, 1, program) == .failed(.store(program, 4), units: 10))
  }

  @Test func stackGapsSplitFramesOnlyWhereAnAccessStarts() throws {
    let rig = try SyscallRig(version: .v0)
    // A slice over a frame's end goes on in the next frame's memory, not in the gap.
    #expect(try rig.call("sol_memset_", stack + 4090, 9, 12) == .ok(units: 10))
    #expect(rig.read(stack + 4088, 16) == [0, 0] + [UInt8](repeating: 9, count: 12) + [0, 0])
    #expect(try rig.call("sol_memset_", stack + 4096, 9, 1) == .failed(.store(stack + 4096, 1), units: 10))
    #expect(try rig.call("sol_memset_", stack + 8191, 9, 1) == .failed(.store(stack + 8191, 1), units: 10))
    #expect(try rig.call("sol_memset_", stack + 8192, 8, 1) == .ok(units: 10))
    #expect(rig.read(stack + 4096, 1) == [8])
    let last = stack + 126 * 4096
    #expect(try rig.call("sol_memset_", last, 7, 4096) == .ok(units: 16))
    #expect(try rig.call("sol_memset_", last, 7, 4097) == .failed(.store(last, 4097), units: 16))
    #expect(
      try rig.call("sol_memset_", stack + 128 * 4096, 7, 1)
        == .failed(.store(stack + 128 * 4096, 1), units: 10))
  }

  @Test func allocatorBumpsAndNeverFrees() throws {
    for (loader, second) in [(ProgramID.bpfLoader2, 8), (ProgramID.bpfLoader1, 3)] as [(Pubkey, UInt64)] {
      let rig = try SyscallRig(loader: loader)
      #expect(try rig.call("sol_alloc_free_", 3, 0) == .ok(heap, units: 0))
      #expect(try rig.call("sol_alloc_free_", 5, 0) == .ok(heap + second, units: 0))
      #expect(try rig.call("sol_alloc_free_", 5, heap) == .ok(0, units: 0))
      #expect(try rig.call("sol_alloc_free_", heapByteCount, 0) == .ok(0, units: 0))
      #expect(try rig.call("sol_alloc_free_", .max, 0) == .ok(0, units: 0))
      #expect(try rig.call("sol_alloc_free_", 0, 0).result != 0)
    }
    let rig = try SyscallRig()
    #expect(try rig.call("sol_alloc_free_", heapByteCount, 0) == .ok(heap, units: 0))
    #expect(try rig.call("sol_alloc_free_", 1, 0) == .ok(0, units: 0))
    rig.pop()
    rig.push()
    #expect(try rig.call("sol_alloc_free_", 1, 0) == .ok(heap, units: 0))
  }
}
