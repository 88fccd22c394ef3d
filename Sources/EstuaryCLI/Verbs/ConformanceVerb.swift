import ArgumentParser
import Conformance
import Primitives

struct ConformanceVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance", abstract: "Run test vectors against the virtual machine.",
    subcommands: [InstructionVectorsVerb.self, BPFVectorsVerb.self])
}

struct InstructionVectorsVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "instr", abstract: "Single-instruction vectors (*.instr).")

  @OptionGroup var options: ConformanceOptions

  func run() throws {
    try options.report(InstructionConformance.run(paths: options.paths, engine: options.engine.engine))
  }
}

struct BPFVectorsVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bpf",
    abstract: "Generic eBPF programs (*.data), each on the lowest SBPF version that has it.")

  @OptionGroup var options: ConformanceOptions

  func run() throws {
    try options.report(BPFConformance.run(paths: options.paths, engine: options.engine.engine))
  }
}

struct ConformanceOptions: ParsableArguments {
  @Argument(help: "Files, or folders that are searched for them.")
  var paths: [String]

  @Option(help: "What runs the programs.")
  var engine: EngineName = .jit

  @Flag(name: .shortAndLong, help: "List every case, not only those that failed or were skipped.")
  var verbose = false

  @OptionGroup var output: OutputOptions

  func report(_ report: ConformanceReport) throws {
    if output.json {
      Terminal.write(json(report))
    } else {
      for one in report.cases { if let line = line(one) { print(line) } }
      print(report.summary)
    }
    if report.cases.isEmpty { throw CLIError.noCases }
    if report.failedCount > 0 { throw CLIError.failedCases(report.failedCount) }
  }

  private func line(_ one: ConformanceCase) -> String? {
    let place = one.line > 0 ? "\(one.file):\(one.line)" : one.file
    switch one.outcome {
    case .passed:
      if let note = one.note { return "passed  \(place) \(one.name): \(note)" }
      return verbose ? "passed  \(place) \(one.name)" : nil
    case .failed(let reason): return "FAILED  \(place) \(one.name): \(reason)"
    case .skipped(let reason): return "skipped \(place) \(one.name): \(reason)"
    }
  }

  private func json(_ report: ConformanceReport) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("passed", report.passedCount)
    writer.member("failed", report.failedCount)
    writer.member("skipped", report.skippedCount)
    writer.key("cases")
    writer.beginArray()
    for one in report.cases {
      writer.beginObject()
      writer.member("file", one.file)
      writer.member("line", one.line)
      writer.member("name", one.name)
      switch one.outcome {
      case .passed:
        writer.member("outcome", "passed")
        if let note = one.note { writer.member("note", note) }
      case .failed(let reason):
        writer.member("outcome", "failed")
        writer.member("reason", reason)
      case .skipped(let reason):
        writer.member("outcome", "skipped")
        writer.member("reason", reason)
      }
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    writer.newline()
    return writer.bytes
  }
}
