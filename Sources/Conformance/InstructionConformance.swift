// Runs Firedancer's instruction vectors: each case is one instruction followed by `exit`, with 100 compute
// units, no heap, no syscalls and registers of its own, r10 included. The SBPF version is that of the folder
// (v0, v2, v3).
//
// Registers carry over from case to case, so a file that is an excerpt may lack the line that a case leans on.
// A case that fails and leaves its destination to an earlier line is therefore tried once more with each value
// that other lines of the file give that register; one that passes so says which line it took, so that nobody
// mistakes it for a case that passes as written. What a case expects is never part of what it starts from.
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
    let vectors = try InstructionVectorParser.parse(text, file: file)
    return vectors.map { vector in
      let (outcome, note) = outcome(of: vector, in: vectors, version: version, machine: machine)
      return ConformanceCase(
        file: file, line: vector.line, name: "\(version) op=\(hex(UInt64(vector.opcode)))", outcome: outcome,
        note: note)
    }
  }

  /// The version that the innermost folder named after one stands for; v0 where there is none.
  package static func version(of file: String) -> SBPFVersion {
    let folders = file.split(separator: "/").dropLast()
    let named = folders.reversed().lazy.compactMap { folder in
      SBPFVersion.classic.first { $0.description == folder }
    }
    return named.first ?? .v0
  }

  private static func outcome(
    of vector: InstructionVector, in file: [InstructionVector], version: SBPFVersion, machine: VirtualMachine
  ) -> (ConformanceOutcome, note: String?) {
    let executable: Executable
    do {
      executable = try Executable(
        image: ProgramImage(version: version, text: text(of: vector, version: version)),
        syscalls: SyscallRegistry(),
        provesFrameAccesses: false)
    } catch {
      return (vector.expectation == .isRefused ? .passed : .failed("refused: \(error)"), nil)
    }
    let first = compare(execute(executable, vector, machine), with: vector, version: version)
    let destination = Int(vector.destination)
    guard first != .passed, vector.leavesDestinationToEarlierLine(version: version) else {
      return (first, nil)
    }
    for other in file where other.givenRegisters.contains(destination) {
      var repeated = vector
      repeated.registers[destination] = other.registers[destination]
      if compare(execute(executable, repeated, machine), with: repeated, version: version) == .passed {
        return (
          .passed,
          "no line before it leaves a fitting r\(destination); passes with that of line \(other.line)"
        )
      }
    }
    return (first, nil)
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
  /// Whether this case computes on a destination that an earlier line has to have set.
  fileprivate func leavesDestinationToEarlierLine(version: SBPFVersion) -> Bool {
    guard expectation == .succeeds, expectedRegisters.indices.contains(Int(destination)),
      !givenRegisters.contains(Int(destination)),
      let facts = Opcode.decoding(opcode, in: version)?.facts
    else { return false }
    return facts.opcodeClass == .alu && (facts.form == .registers || facts.form == .registerImmediate)
      && !facts.mnemonic.hasPrefix("mov")
  }
}
