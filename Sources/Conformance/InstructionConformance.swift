// Runs Firedancer's instruction vectors: each case is one instruction followed by `exit`, with 100 compute
// units, no heap, no syscalls and registers of its own, r10 included. The SBPF version is that of the folder
// (v0, v2, v3).
import SBPF

package enum InstructionConformance {
  private static let units: Int64 = 100

  /// Every case of the `.instr` files under `paths`.
  package static func run(
    paths: [String], engine: Engine = .interpreter
  ) throws(ConformanceError) -> ConformanceReport {
    var report = ConformanceReport()
    for path in paths {
      for file in try VectorFiles.find(path, suffix: ".instr") {
        report.cases += try run(
          text: VectorFiles.read(file), file: file, version: version(of: file), engine: engine)
      }
    }
    return report
  }

  /// Every case of one file's `text`.
  package static func run(
    text: String, file: String, version: SBPFVersion, engine: Engine
  ) throws(ConformanceError) -> [ConformanceCase] {
    let machine = VirtualMachine(engine: engine)
    return try InstructionVectorParser.parse(text, file: file).map { vector in
      ConformanceCase(
        file: file, line: vector.line, name: "\(version) op=\(hex(UInt64(vector.opcode)))",
        outcome: outcome(of: vector, version: version, machine: machine))
    }
  }

  /// The version that the innermost folder named after one stands for; v0 where there is none.
  package static func version(of file: String) -> SBPFVersion {
    let folders = file.split(separator: "/").dropLast()
    let named = folders.reversed().lazy.compactMap { folder in
      SBPFVersion.allCases.first { $0.description == folder }
    }
    return named.first ?? .v0
  }

  private static func outcome(
    of vector: InstructionVector, version: SBPFVersion, machine: VirtualMachine
  ) -> ConformanceOutcome {
    let executable: Executable
    do {
      executable = try Executable(
        image: ProgramImage(version: version, text: text(of: vector, version: version)),
        syscalls: SyscallRegistry(),
        provesFrameAccesses: false)
    } catch {
      return vector.expectation == .isRefused ? .passed : .failed("refused: \(error)")
    }
    let first = compare(execute(executable, vector, machine), with: vector, version: version)
    guard first != .passed, let repeated = vector.withExpectedDestination(version: version) else {
      return first
    }
    return compare(execute(executable, repeated, machine), with: repeated, version: version)
  }

  private static func compare(
    _ run: (outcome: RunOutcome, registers: [UInt64]), with vector: InstructionVector, version: SBPFVersion
  ) -> ConformanceOutcome {
    let (outcome, registers) = run
    switch vector.expectation {
    case .isRefused: return .failed("accepted, should be refused")
    case .faults: return outcome.fault == .none ? .failed("succeeded, should fault") : .passed
    case .succeeds:
      if let text = outcome.faultText(version: version) { return .failed("fault at \(outcome.pc): \(text)") }
      for (index, expected) in vector.expectedRegisters.enumerated() where registers[index] != expected {
        return .failed("r\(index) is \(hex(registers[index])), should be \(hex(expected))")
      }
      return .passed
    }
  }

  private static func text(of vector: InstructionVector, version: SBPFVersion) -> [UInt8] {
    var slots = [
      EncodedInsn(
        opcode: vector.opcode, destination: vector.destination, source: vector.source,
        offset: Int16(bitPattern: vector.offset), immediate: Int32(truncatingIfNeeded: vector.immediate))
    ]
    // `lddw` takes a second slot even in versions that refuse it.
    if vector.opcode == Opcode.lddw.facts.encodings.first?.byte {
      slots.append(EncodedInsn(opcode: 0, immediate: Int32(truncatingIfNeeded: vector.immediate >> 32)))
    }
    slots.append(EncodedInsn(opcode: Opcode.exit.facts.encoding(in: version) ?? 0))
    return EncodedInsn.bytes(of: slots)
  }

  private static func execute(
    _ executable: Executable, _ vector: InstructionVector, _ machine: VirtualMachine
  ) -> (RunOutcome, [UInt64]) {
    let base = UnsafeMutableRawPointer.allocate(byteCount: max(vector.input.count, 1), alignment: 16)
    defer { base.deallocate() }
    vector.input.withUnsafeBytes { bytes in
      if let source = bytes.baseAddress { base.copyMemory(from: source, byteCount: bytes.count) }
    }
    var segments: [InputSegment] = []
    var start = 0
    for boundary in vector.boundaries {
      let end = min(max(boundary, start), vector.input.count)
      segments.append(
        InputSegment(
          offset: UInt64(start), byteCount: UInt64(end - start), host: base + start, isWritable: true))
      start = end
    }
    let outcome = machine.run(
      executable, input: base, inputByteCount: vector.input.count, instructionDataAddress: 0,
      heapByteCount: 0,
      units: units, host: nil, inputSegments: segments, registers: vector.registers)
    return (outcome, machine.registers)
  }

  private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

extension InstructionVector {
  /// This case with the destination it expects as the one it starts from, where it leaves the destination's
  /// value to an earlier line: a file that is an excerpt may lack that line. nil for cases that say what they
  /// start from.
  fileprivate func withExpectedDestination(version: SBPFVersion) -> InstructionVector? {
    let index = Int(destination)
    guard expectation == .succeeds, expectedRegisters.indices.contains(index),
      !givenRegisters.contains(index),
      let facts = Opcode.decoding(opcode, in: version)?.facts, facts.opcodeClass == .alu,
      facts.form == .registers || facts.form == .registerImmediate, !facts.mnemonic.hasPrefix("mov")
    else { return nil }
    var vector = self
    vector.registers[index] = expectedRegisters[index]
    return vector
  }
}
