// What the VM's tests share: running assembly on an engine, seeded randomness, the vectors' place.
import Foundation
import Primitives

@testable import SBPF

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
