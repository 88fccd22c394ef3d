import ArgumentParser
import Dispatch
import Estuary
import Primitives
import Runtime
import SBPF

struct RunVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run one program without accounts.",
    discussion: """
      PROGRAM is an SBPF executable, or an object of stock clang, which is linked first. It gets the input that the \
      runtime gives it: no accounts and the instruction data.
      """)

  @Argument(help: "The program's file.")
  var program: String

  @Option(help: ArgumentHelp("Instruction data.", valueName: "hex"))
  var data = ""

  @Option(help: "What runs it.")
  var engine: EngineName = .jit

  @Option(help: "Compute units it may use, from 0 to 2^63 - 1.")
  var computeLimit: UInt64 = 1_400_000

  @Option(name: .customLong("repeat"), help: "Run so many times; the result is the last run's.")
  var repeatCount = 1

  @OptionGroup var profile: ProfileOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if repeatCount < 1 { throw ValidationError("--repeat must be at least 1") }
    if computeLimit > UInt64(Int64.max) { throw ValidationError("--compute-limit must be below 2^63") }
  }

  func run() throws {
    guard let bytes = Hex.decode(data) else { throw CLIError.notHex(data) }
    let elf = try ProgramFile.executable(at: program)
    let loadStart = Stopwatch()
    let executable: Executable
    do throws(ProgramLoadError) {
      executable = try ProgramRunner.load(elf: elf, engine: engine.engine)
    } catch {
      throw CLIError.program(path: program, detail: error.diagnosis)
    }
    let loadNanoseconds = loadStart.nanoseconds
    if profile.isWanted {
      let (profiler, runner) = (ProgramProfiler(), ProgramRunner(executable, engine: .plain))
      runner.observer = profiler
      let outcome = try runner.run(data: bytes, unitLimit: computeLimit)
      try profile.report(profiler.profile, of: "compute units", output)
      if let error = outcome.error { Terminal.note("the program failed: \(error)") }
      if outcome.error != nil { throw ExitCode.failure }
      return
    }
    let runner = ProgramRunner(executable, engine: engine.engine)
    var elapsed: [UInt64] = []
    var last: ProgramRunner.Outcome?
    for index in 0..<repeatCount {
      let watch = Stopwatch()
      last = try runner.run(data: bytes, unitLimit: computeLimit)
      elapsed.append(watch.nanoseconds)
      Terminal.progress(repeatCount > 1 ? "\(index + 1) of \(repeatCount) runs" : "")
    }
    Terminal.progress("")
    guard let outcome = last else { return }
    print(outcome, loadNanoseconds: loadNanoseconds, elapsed: elapsed)
    if outcome.error != nil { throw ExitCode.failure }
  }

  private func print(_ outcome: ProgramRunner.Outcome, loadNanoseconds: UInt64, elapsed: [UInt64]) {
    if output.json {
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("result", outcome.result)
      if let error = outcome.error { writer.member("error", error) } else { writer.memberNull("error") }
      writer.member("computeUnits", outcome.computeUnits)
      writer.member("instructions", outcome.instructionCount)
      writer.key("logs")
      writer.array { for line in outcome.logs.lines { $0.value(line) } }
      writer.member("engine", engine.rawValue)
      writer.member("loadNanoseconds", loadNanoseconds)
      writer.key("elapsedNanoseconds")
      writer.array { for nanoseconds in elapsed { $0.value(nanoseconds) } }
      writer.endObject()
      writer.newline()
      Terminal.write(writer.bytes)
      return
    }
    for line in outcome.logs.lines { Swift.print(line) }
    let best = elapsed.min() ?? 0
    if let error = outcome.error {
      Terminal.note("the program failed: \(error)")
    } else {
      Swift.print("result \(outcome.result) (0x\(String(outcome.result, radix: 16)))")
    }
    Swift.print(
      "\(outcome.computeUnits) compute units, \(outcome.instructionCount) instructions; loaded in"
        + " \(LanePicture.duration(loadNanoseconds)), ran in \(LanePicture.duration(best))"
        + (elapsed.count > 1 ? " (best of \(elapsed.count))" : ""))
  }
}

/// Wall time since it was made.
struct Stopwatch {
  private let start = DispatchTime.now().uptimeNanoseconds
  var nanoseconds: UInt64 { DispatchTime.now().uptimeNanoseconds - start }
}
