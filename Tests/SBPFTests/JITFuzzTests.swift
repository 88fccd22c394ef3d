// The JIT against the interpreter that is the oracle, on random programs of all versions: result, fault, pc,
// meter, and unless units run out registers and all memory. ESTUARY_FUZZ_SECONDS makes it run longer,
// ESTUARY_FUZZ_SEED on other programs.
import Foundation
import Primitives
import Testing

@testable import MachineCode
@testable import SBPF

@Suite(.enabled(if: MachineCode.isSupported, "no machine code on this machine")) struct JITFuzzTests {
  private static func setting(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

  /// One machine of each kind and how often which fault was met.
  private struct Bench {
    let oracle = VirtualMachine(engine: .plain)
    let machine = VirtualMachine(engine: .jit)
    var faults: [VMFault: Int] = [:]
    var programCount = 0
    var runCount = 0
  }

  @Test func machineCodeEqualsTheInterpreter() throws {
    let seed = Self.setting("ESTUARY_FUZZ_SEED") ?? 0x71a7
    let seconds = Double(Self.setting("ESTUARY_FUZZ_SECONDS") ?? 0)
    var random = SplitMix64(seed: seed)
    var bench = Bench()
    let start = ContinuousClock.now
    while bench.programCount < 3000 || ContinuousClock.now - start < .seconds(seconds) {
      let version = SBPFVersion.classic.randomElement(using: &random)!
      let program = RandomProgram(
        version: version, maxBodyCount: [20, 60, 250].randomElement(using: &random)!, hasWideConstants: true)
      let image = program.image(&random)
      let before = random.state
      guard try agrees(image, &bench, &random) else {
        let text = Disassembler.disassemble(image, syscalls: RandomProgram.syscalls)
        Issue.record("seed \(seed), program \(bench.programCount), state \(before), \(version)\n\(text)")
        return
      }
    }
    let minutes = (ContinuousClock.now - start) / .seconds(60)
    print(
      "\(bench.programCount) programs, \(bench.runCount) runs, \(minutes) min, seed \(seed): no difference"
    )
    print(bench.faults.map { "\($0.key): \($0.value)" }.sorted().joined(separator: ", "))
    #expect(bench.faults.count >= 7)
  }

  private func agrees(
    _ image: ProgramImage, _ bench: inout Bench, _ random: inout SplitMix64
  ) throws -> Bool {
    bench.programCount += 1
    let proves = random.next() & 7 != 0
    let executable = try Executable(
      image: image, syscalls: RandomProgram.syscalls, provesFrameAccesses: proves)
    for _ in 0..<4 {
      bench.runCount += 1
      let units = [Int64.random(in: 0...40, using: &random), .random(in: 0...4000, using: &random)]
        .randomElement(using: &random)!
      let input = (0..<256).map { _ in UInt8.random(in: 0...255, using: &random) }
      let heap = [0, 5, 4096, 8200].randomElement(using: &random)!
      let isSegmented = random.next() & 7 == 0
      let cut = Int.random(in: 1...255, using: &random)
      func run(_ machine: VirtualMachine) -> (RunOutcome, [UInt8]) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 16)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: input)
        let base = buffer.baseAddress!
        let segments = [
          InputSegment(offset: 0, byteCount: UInt64(cut), host: base, isWritable: true),
          InputSegment(
            offset: UInt64(cut) + 8, byteCount: UInt64(256 - cut), host: base + cut,
            isWritable: cut & 1 == 0),
        ]
        let outcome = machine.run(
          executable, input: base, inputByteCount: input.count, instructionDataAddress: 0x4_0000_0008,
          heapByteCount: heap, units: units, host: nil, inputSegments: isSegmented ? segments : [])
        return (outcome, Array(buffer))
      }
      let (expected, expectedInput) = run(bench.oracle)
      let (outcome, actualInput) = run(bench.machine)
      bench.faults[expected.fault, default: 0] += 1
      if expected.fault == .exceededMaxInstructions {
        // Code behind the last unit may have run.
        var (first, second) = (expected, outcome)
        (first.result, second.result) = (0, 0)
        guard first == second else { return false }
        continue
      }
      guard outcome == expected, actualInput == expectedInput,
        bench.machine.registers == bench.oracle.registers,
        memcmp(bench.machine.stack, bench.oracle.stack, Int(GuestMemory.stackByteCount)) == 0,
        memcmp(bench.machine.heap, bench.oracle.heap, 12_288) == 0
      else {
        print(
          "expected \(expected)\n     got \(outcome)\n\(bench.oracle.registers)\n\(bench.machine.registers)")
        return false
      }
    }
    return true
  }
}
