// What the VM's tests share: running assembly on an engine, seeded randomness, the vectors' place.
import Foundation

@testable import SBPF

/// SplitMix64: a seed gives the same programs everywhere.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

/// A finished run and the machine as it left it.
struct Finished {
  var outcome: RunOutcome
  var machine: VirtualMachine
  var input: [UInt8]
}

func finish(
  _ executable: Executable, engine: Engine, input: [UInt8] = [], heapByteCount: Int = 0,
  units: Int64 = 10_000,
  segments: [InputSegment] = [], registers: [UInt64]? = nil, machine: VirtualMachine? = nil
) -> Finished {
  let machine = machine ?? VirtualMachine(engine: engine)
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(input.count, 1), alignment: 16)
  defer { buffer.deallocate() }
  buffer.copyBytes(from: input)
  let outcome = machine.run(
    executable, input: buffer.baseAddress!, inputByteCount: input.count,
    instructionDataAddress: 0x4_0000_0008,
    heapByteCount: heapByteCount, units: units, host: nil, inputSegments: segments, registers: registers)
  return Finished(outcome: outcome, machine: machine, input: Array(buffer.prefix(input.count)))
}

func assemble(
  _ text: String, _ version: SBPFVersion = .v0, syscalls: SyscallRegistry = SyscallRegistry()
) throws -> Executable {
  try Executable(image: Assembler.assemble(text, version: version), syscalls: syscalls)
}

/// The folder of the conformance vectors, or nil where this checkout has none.
let vectorsPath: String? = {
  let fromEnvironment = ProcessInfo.processInfo.environment["ESTUARY_VECTORS"]
  let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/vectors").path
  return [fromEnvironment, beside].compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0) }
}()
