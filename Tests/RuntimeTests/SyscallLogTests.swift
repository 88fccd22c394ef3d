import Ledger
import Primitives
import Testing

@testable import Runtime
@testable import SBPF

struct SyscallLogTests {
  @Test func messageIsLoggedAndPaidByTheByte() throws {
    let rig = try SyscallRig()
    let text = "Grüße, 世界"
    rig.write(Array(text.utf8), at: heap)
    #expect(try rig.call("sol_log_", heap, UInt64(text.utf8.count)) == .ok(units: 100))
    #expect(try rig.call("sol_log_", 0, 0) == .ok(units: 100))
    rig.write([UInt8](repeating: 65, count: 300), at: heap)
    #expect(try rig.call("sol_log_", heap, 300) == .ok(units: 300))
    #expect(try rig.call("sol_log_", heap, 300, units: 299) == .failed(.outOfUnits, units: 299))
    #expect(
      rig.invoke.logs.lines == [
        "Program log: \(text)", "Program log: ", "Program log: " + String(repeating: "A", count: 300),
      ])
  }

  @Test(
    arguments: [
      ([0xff], 0, 1), ([0x61, 0xc0, 0x80], 1, 1), ([0xe2, 0x82, 0x61], 0, 2),
      ([0xf0, 0x9f, 0x98, 0x41], 0, 3),
      ([0xed, 0xa0, 0x80], 0, 1), ([0xf4, 0x90, 0x80, 0x80], 0, 1), ([0xf5], 0, 1), ([0x80], 0, 1),
      ([0xe0, 0x9f, 0xbf], 0, 1), ([0xf0, 0x8f, 0xbf, 0xbf], 0, 1), ([0xc2, 0x41], 0, 1),
    ] as [([UInt8], Int, Int)])
  func badTextIsQuoted(bytes: [UInt8], index: Int, count: Int) throws {
    let rig = try SyscallRig()
    rig.write(bytes, at: heap)
    let outcome = try rig.call("sol_log_", heap, UInt64(bytes.count))
    let text = "invalid utf-8 sequence of \(count) bytes from index \(index): \(bytes)"
    #expect(outcome.failure?.logText(version: .v3) == text)
    #expect(outcome.failure?.instructionError == .programFailedToComplete)
    #expect(outcome.unitsUsed == 100)
  }

  @Test(arguments: [[0xe4, 0xb8], [0x61, 0xf0], [0x61, 0xf0, 0x9f, 0x98], [0xc3]] as [[UInt8]])
  func cutTextIsIncomplete(bytes: [UInt8]) throws {
    let rig = try SyscallRig()
    rig.write(bytes, at: heap)
    let index = bytes[0] == 0x61 ? 1 : 0
    let failure = try rig.call("sol_log_", heap, UInt64(bytes.count)).failure
    #expect(failure?.logText(version: .v3) == "incomplete utf-8 byte sequence from index \(index): \(bytes)")
  }

  @Test func defectsAgreeWithTheStandardLibrary() {
    var generator = SplitMix64(seed: 11)
    for _ in 0..<20_000 {
      let length = Int.random(in: 0...12, using: &generator)
      let leads: [UInt8] = [
        0x41, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5,
      ]
      let bytes = (0..<length).map { _ in leads.randomElement(using: &generator)! }
      let defect = bytes.withUnsafeBytes { UTF8Defect.first(in: $0) }
      #expect((defect == nil) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
      if let defect {
        #expect(String(validating: bytes[..<defect.index], as: UTF8.self) != nil, "\(bytes)")
      }
    }
  }

  @Test func numbersAreHexadecimal() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("sol_log_64_", 0, 1, 255, .max, 1 << 32) == .ok(units: 100))
    #expect(try rig.call("sol_log_64_", units: 99) == .failed(.outOfUnits, units: 99))
    #expect(rig.invoke.logs.lines == ["Program log: 0x0, 0x1, 0xff, 0xffffffffffffffff, 0x100000000"])
  }

  @Test func keysAreBase58() throws {
    let rig = try SyscallRig()
    rig.write(ProgramID.bpfLoader2.bytes, at: heap + 3)
    #expect(try rig.call("sol_log_pubkey", heap + 3) == .ok(units: 100))
    #expect(rig.invoke.logs.lines == ["Program log: BPFLoader2111111111111111111111111111111111"])
    #expect(try rig.call("sol_log_pubkey", 0) == .failed(.load(0, 32), units: 100))
    let edge = heap + heapByteCount - 31
    #expect(try rig.call("sol_log_pubkey", edge) == .failed(.load(edge, 32), units: 100))
  }

  @Test func unitsAreLoggedAfterTheirOwnCost() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("sol_log_compute_units_", units: 100) == .ok(units: 100))
    #expect(try rig.call("sol_log_compute_units_", units: 1234) == .ok(units: 100))
    #expect(try rig.call("sol_log_compute_units_", units: 99) == .failed(.outOfUnits, units: 99))
    #expect(
      rig.invoke.logs.lines == [
        "Program consumption: 0 units remaining", "Program consumption: 1134 units remaining",
      ])
  }

  @Test func dataIsBase64() throws {
    let rig = try SyscallRig()
    rig.write(Array("Hello".utf8), at: heap + 1000)
    rig.write(heap + 1000, 5, 0, 0, heap + 1001, 1, at: heap)
    #expect(try rig.call("sol_log_data", heap, 3) == .ok(units: 100 + 300 + 6))
    #expect(try rig.call("sol_log_data", 0, 0) == .ok(units: 100))
    #expect(rig.invoke.logs.lines == ["Program data: SGVsbG8=  ZQ==", "Program data: "])
  }

  @Test func dataIsPaidBeforeFieldsAreRead() throws {
    let rig = try SyscallRig()
    rig.write(heap + heapByteCount, 50, at: heap)
    let beyond = SyscallFailure.load(heap + heapByteCount, 50)
    #expect(try rig.call("sol_log_data", heap, 1) == .failed(beyond, units: 250))
    #expect(try rig.call("sol_log_data", heap, 1, units: 249) == .failed(.outOfUnits, units: 249))
    #expect(try rig.call("sol_log_data", heap + 4, 1) == .failed(.unalignedPointer, units: 100))
    #expect(try rig.call("sol_log_data", heap, 1 << 59) == .failed(.invalidLength, units: 100))
    #expect(try rig.call("sol_log_data", heap, 1 << 58) == .failed(.load(heap, 1 << 62), units: 100))
    rig.write(heap, .max, heap, .max, at: heap)
    #expect(try rig.call("sol_log_data", heap, 2) == .failed(.outOfUnits, units: 1_000_000))
    #expect(rig.invoke.logs.lines.isEmpty)
  }

  @Test func abortAndPanicEndTheProgram() throws {
    let rig = try SyscallRig()
    #expect(try rig.call("abort") == .failed(.abort, units: 0))
    rig.write(Array("src/lib.rs".utf8), at: heap)
    let failure = SyscallFailure.panic(file: "src/lib.rs", line: 12, column: 5)
    #expect(try rig.call("sol_panic_", heap, 10, 12, 5) == .failed(failure, units: 10))
    #expect(failure.logText(version: .v0) == "SBF program Panicked in src/lib.rs at 12:5")
    #expect(try rig.call("sol_panic_", heap, 10, 12, 5, units: 9) == .failed(.outOfUnits, units: 9))
    #expect(try rig.call("sol_panic_", 8, 10, 12, 5) == .failed(.load(8, 10), units: 10))
    #expect(try rig.call("sol_panic_", 8, 0, 1, 2) == .failed(.panic(file: "", line: 1, column: 2), units: 0))
  }

  @Test func memoryTextsNameFrameOrRegion() {
    let cases: [(UInt64, SBPFVersion, String)] = [
      (0, .v3, "unknown section at address 0x0"), (program, .v0, "program section at address 0x100000000"),
      (stack, .v0, "stack frame 0 at address 0x200000000"),
      (stack + 4096, .v3, "stack frame 1 at address 0x200001000"),
      (stack - 4096, .v0, "stack frame -1 at address 0x1fffff000"),
      (stack - 1, .v0, "stack frame 0 at address 0x1ffffffff"),
      (stack - 8192, .v0, "program section at address 0x1ffffe000"),
      (stack + 64 * 4096, .v3, "stack frame 64 at address 0x200040000"),
      (stack + 65 * 4096, .v3, "stack section at address 0x200041000"),
      (stack, .v1, "stack section at address 0x200000000"),
      (stack, .v2, "stack section at address 0x200000000"),
      (heap, .v0, "heap section at address 0x300000000"),
      (input + 1, .v0, "input section at address 0x400000001"),
      (5 << 32, .v0, "unknown section at address 0x500000000"),
      (.max, .v0, "unknown section at address 0xffffffffffffffff"),
      (1 << 63, .v0, "unknown section at address 0x8000000000000000"),
    ]
    for (address, version, place) in cases {
      #expect(
        SyscallFailure.load(address, 9).logText(version: version) == "Access violation in \(place) of size 9")
    }
  }

  @Test func otherTextsAreAgaves() {
    let cases: [(SyscallFailure, String)] = [
      (.instruction(.custom(0x2a)), "custom program error: 0x2a"),
      (.outOfUnits, "Computational budget exceeded"),
      (.unalignedPointer, "Unaligned pointer"), (.invalidPointer, "Invalid pointer"),
      (.invalidLength, "InvalidLength"), (.copyOverlapping, "Overlapping copy"),
      (.abort, "SBF program panicked"),
      (.tooManySlices, "Hashing too many sequences"), (.invalidAttribute, "InvalidAttribute"),
      (.returnDataTooLarge(byteCount: 1025), "Return data too large (1025 > 1024)"),
      (.tooManySigners, "Too many signers"),
      (
        .badSeeds(.maxSeedLengthExceeded),
        "Could not create program address with signer seeds: "
          + "Length of the seed is too long for address generation"
      ),
      (
        .badSeeds(.invalidSeeds),
        "Could not create program address with signer seeds: Provided seeds do not result in a valid address"
      ),
      (
        .programNotSupported(ProgramID.bpfLoader2),
        "Program BPFLoader2111111111111111111111111111111111 not supported by inner instructions"
      ),
      (
        .maxInstructionDataLengthExceeded(byteCount: 10_241, limit: 10_240),
        "Invoked an instruction with data that is too large (10241 > 10240)"
      ),
      (
        .maxInstructionAccountsExceeded(count: 256, limit: 255),
        "Invoked an instruction with too many accounts (256 > 255)"
      ),
      (
        .maxInstructionAccountInfosExceeded(count: 256, limit: 255),
        "Invoked an instruction with too many account info's (256 > 255)"
      ),
    ]
    for (failure, text) in cases { #expect(failure.logText(version: .v3) == text) }
    #expect(SyscallFailure.outOfUnits.instructionError == .computationalBudgetExceeded)
    #expect(SyscallFailure.copyOverlapping.instructionError == .programFailedToComplete)
  }
}
