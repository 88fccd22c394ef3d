import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

struct SyscallHashTests {
  // Digests of "abc" as FIPS 180-4, the Keccak team and the BLAKE3 specification give them.
  static let digests: [(name: String, digest: String)] = [
    ("sol_sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("sol_keccak256", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ("sol_blake3", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
  ]

  @Test func slicesAreOneMessage() throws {
    for (name, digest) in Self.digests {
      let rig = try SyscallRig()
      rig.write(Array("xcab".utf8), at: heap + 500)
      rig.write(heap + 502, 2, 0, 0, heap + 501, 1, at: heap)  // "ab", nothing, "c"
      #expect(try rig.call(name, heap, 3, heap + 1001) == .ok(units: 85 + 30))
      #expect(rig.read(heap + 1001, 32) == hex(digest), "\(name)")
    }
  }

  @Test func eachSliceCostsHalfItsBytes() throws {
    for (name, _) in Self.digests {
      let rig = try SyscallRig()
      rig.write(heap, 21, heap, 22, heap, 1000, at: heap)
      #expect(try rig.call(name, heap, 1, stack) == .ok(units: 85 + 10))
      #expect(try rig.call(name, heap, 2, stack) == .ok(units: 85 + 10 + 11))
      #expect(try rig.call(name, heap, 3, stack) == .ok(units: 85 + 10 + 11 + 500))
      #expect(try rig.call(name, heap, 3, stack, units: 606) == .ok(units: 606))
      #expect(try rig.call(name, heap, 3, stack, units: 605) == .failed(.outOfUnits, units: 605))
      #expect(try rig.call(name, heap, 0, stack, units: 84) == .failed(.outOfUnits, units: 84))
      #expect(try rig.call(name, 0, 0, stack, units: 85) == .ok(units: 85))
    }
  }

  @Test func aFailedHashWritesNothing() throws {
    let rig = try SyscallRig()
    let outside = heap + heapByteCount
    rig.write(heap, 4, outside, 8, at: heap)
    #expect(try rig.call("sol_sha256", heap, 2, stack) == .failed(.load(outside, 8), units: 95))
    #expect(rig.read(stack, 32).allSatisfy { $0 == 0 })
    let checks: [(UInt64, UInt64, UInt64, SyscallFailure)] = [
      (heap, 1, program, .store(program, 32)), (heap, 1, outside - 31, .store(outside - 31, 32)),
      (heap + 1, 1, stack, .unalignedPointer), (outside - 16, 2, stack, .load(outside - 16, 32)),
      (heap, 20_000, stack, .load(heap, 320_000)), (0, 1, 0, .store(0, 32)),
    ]
    for (slices, count, result, failure) in checks {
      #expect(try rig.call("sol_sha256", slices, count, result) == .failed(failure, units: 85))
    }
    let lenient = try SyscallRig(loader: ProgramID.bpfLoader1)
    #expect(try lenient.call("sol_sha256", heap + 1, 1, stack) == .ok(units: 95))
  }

  @Test func tooManySlicesAreLoggedAndFree() throws {
    let rig = try SyscallRig()
    for (name, title) in [("sol_sha256", "Sha256"), ("sol_keccak256", "Keccak256"), ("sol_blake3", "Blake3")]
    {
      #expect(try rig.call(name, 0, 20_001, 0, units: 5) == .failed(.tooManySlices, units: 0))
      let line = "\(title) Hashing 20001 sequences in one syscall is over the limit 20000"
      #expect(rig.invoke.logs.lines.last == line)
    }
  }
}
