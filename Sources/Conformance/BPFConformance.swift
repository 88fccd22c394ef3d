// Runs bpf_conformance: each program on the lowest SBPF version that can express it. Generic eBPF has
// instructions that SBPF lacks and gives some it has another meaning; such cases are skipped, each with its
// reason. A file in a folder named `negative` is one that has to be refused, or whose expectation has to
// fail.
import SBPF

package enum BPFConformance {
  private static let units: Int64 = 1_000_000

  /// Every case of the `.data` files under `paths`.
  package static func run(
    paths: [String], engine: Engine = .interpreter
  ) throws(ConformanceError) -> ConformanceReport {
    var report = ConformanceReport()
    for path in paths {
      for file in try VectorFiles.find(path, suffix: ".data") {
        report.cases.append(run(text: try VectorFiles.read(file), file: file, engine: engine))
      }
    }
    return report
  }

  /// The case that one file's `text` is.
  package static func run(text: String, file: String, engine: Engine) -> ConformanceCase {
    let parts = file.split(separator: "/").map(String.init)
    let isNegative = parts.dropLast().contains("negative")
    let name = parts.last ?? file
    let outcome = outcome(text: text, file: file, name: name, engine: engine, isNegative: isNegative)
    return ConformanceCase(file: file, line: 1, name: name, outcome: outcome)
  }

  private static func outcome(
    text: String, file: String, name: String, engine: Engine, isNegative: Bool
  ) -> ConformanceOutcome {
    if isNegative, name.hasPrefix("unused-") {
      return .skipped("SBPF ignores fields that an instruction does not use")
    }
    let vector: BPFVector
    do {
      vector = try BPFVector.parse(text, file: file)
    } catch {
      return isNegative ? .passed : .failed("\(error)")
    }
    let attempt = attempt(vector, engine: engine)
    guard isNegative else { return attempt.outcome(vector.expectation) }
    // Refusal counts whatever the file expects of programs that run.
    if case .refused = attempt { return .passed }
    return attempt.outcome(vector.expectation) == .passed ? .failed("accepted, should be refused") : .passed
  }

  private enum Attempt {
    case inexpressible(String)
    case refused(String)
    case ran(RunOutcome, SBPFVersion)

    func outcome(_ expectation: BPFVector.Expectation) -> ConformanceOutcome {
      switch (self, expectation) {
      case (.inexpressible(let reason), _): return .skipped(reason)
      case (.refused, .error): return .passed
      case (.refused(let reason), .result): return .failed(reason)
      case (.ran(let run, _), .error): return run.fault == .none ? .failed("succeeded, should fail") : .passed
      case (.ran(let run, let version), .result(let result)):
        if run.fault == .divideByZero { return .skipped(divisionByZero) }
        if run.fault == .divideOverflow { return .skipped("overflowing division traps in SBPF") }
        if let text = run.faultText(version: version) {
          return .failed("\(version): fault at \(run.pc): \(text)")
        }
        if run.result == result { return .passed }
        if isSignExtended(expectation) {
          return .skipped("add32, sub32 and mul32 sign-extend in SBPF \(version)")
        }
        return .failed("\(version): r0 is \(hex(run.result)), should be \(hex(result))")
      }
    }

    /// Whether r0 is what was expected, sign-extended from 32 bits.
    func isSignExtended(_ expectation: BPFVector.Expectation) -> Bool {
      guard case (.ran(let run, _), .result(let result)) = (self, expectation), result <= UInt32.max else {
        return false
      }
      return run.fault == .none && run.result != result
        && run.result == UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: result)))
    }
  }

  private static let divisionByZero = "division by zero traps in SBPF and gives 0 or the dividend in eBPF"

  /// Runs the program on the lowest version that has its instructions with eBPF's meaning.
  private static func attempt(_ vector: BPFVector, engine: Engine) -> Attempt {
    if let reason = foreignReason(vector.program) { return .inexpressible(reason) }
    var missing: [String] = []
    var refusal: Attempt?
    var signExtended: Attempt?
    for version in SBPFVersion.classic {
      switch attempt(vector, version: version, engine: engine) {
      case .success(let attempt) where attempt.isSignExtended(vector.expectation):
        signExtended = signExtended ?? attempt
      case .success(.refused(let reason)): refusal = refusal ?? .refused(reason)
      case .success(let attempt): return attempt
      case .failure(.notInVersion(let name, _, _)): missing.append("\(version) has no \(name)")
      case .failure(let error): return .refused("\(error)")
      }
    }
    return signExtended ?? refusal ?? .inexpressible(missing.joined(separator: ", "))
  }

  private static func attempt(
    _ vector: BPFVector, version: SBPFVersion, engine: Engine
  ) -> Result<Attempt, AssemblerError> {
    let image: ProgramImage
    do {
      image = try BPFConformance.image(of: vector.program, version: version)
    } catch {
      return .failure(error)
    }
    do {
      let executable = try Executable(image: image, syscalls: SyscallRegistry(), refusesUnresolvedCalls: true)
      return .success(.ran(run(executable, memory: vector.memory, engine: engine), version))
    } catch {
      switch error {
      case .verifier(.divisionByZero): return .success(.inexpressible(divisionByZero))
      case .verifier(.shiftWithOverflow):
        return .success(.inexpressible("SBPF refuses constant shifts by the operand's width or more"))
      case .unresolvedCall:
        return .success(.inexpressible("calls a helper by number; SBPF's syscalls have names"))
      default: return .success(.refused("\(error)"))
      }
    }
  }

  private static func image(
    of program: BPFVector.Program, version: SBPFVersion
  ) throws(AssemblerError) -> ProgramImage {
    switch program {
    case .raw(let bytes): ProgramImage(version: version, text: bytes)
    case .assembly(let text): try Assembler.assemble(inOurDialect(text), version: version)
    }
  }

  /// Spells remainders as SBPF does and gives the last `exit` the label `exit`, which jumps in these files
  /// use.
  private static func inOurDialect(_ text: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      let words = mnemonic(line)
      guard words.hasPrefix("smod") else { return String(line) }
      return String(line).replacing("smod32", with: "srem32").replacing("smod ", with: "srem64 ")
    }
    if let last = lines.lastIndex(where: { mnemonic($0) == "exit" }) { lines[last] = "exit: exit" }
    return lines.joined(separator: "\n")
  }

  private static func mnemonic(_ line: some StringProtocol) -> String {
    let words = line.split { $0.isWhitespace }
    return words.first.map { String($0) } ?? ""
  }

  /// Why a program is none for SBPF, if it uses what only eBPF has.
  private static func foreignReason(_ program: BPFVector.Program) -> String? {
    switch program {
    case .assembly(let text):
      text.split(separator: "\n").lazy.compactMap { foreignReason($0) }.first
    case .raw(let bytes):
      EncodedInsn.slots(of: bytes).contains { [0xc3, 0xdb].contains($0.opcode) } ? atomics : nil
    }
  }

  private static let atomics = "atomic operations are not SBPF"

  private static func foreignReason(_ line: Substring) -> String? {
    let name = mnemonic(line)
    // A bare `lock` is a malformed line, not an atomic operation.
    if name == "lock" { return line.contains(",") ? atomics : nil }
    if name == "call", line.contains("%r") { return "calls a helper by the number in a register" }
    let reasons = [
      ("movsx", "sign-extending moves are not SBPF"), ("swap", "unconditional byte swaps are not SBPF"),
      ("bswap", "unconditional byte swaps are not SBPF"), ("ldxs", "sign-extending loads are not SBPF"),
      ("ja32", "32-bit jump offsets are not SBPF"),
    ]
    return reasons.first { name.hasPrefix($0.0) }?.1
  }

  private static func run(_ executable: Executable, memory: [UInt8], engine: Engine) -> RunOutcome {
    let input = UnsafeMutableRawPointer.allocate(byteCount: max(memory.count, 1), alignment: 16)
    defer { input.deallocate() }
    memory.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { input.copyMemory(from: base, byteCount: bytes.count) }
    }
    // eBPF programs get the memory's size in r2, where SBPF programs find their instruction data.
    return VirtualMachine(engine: engine).run(
      executable, input: input, inputByteCount: memory.count, instructionDataAddress: UInt64(memory.count),
      heapByteCount: 0, units: units, host: nil)
  }

  private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
