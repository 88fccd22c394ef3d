import ArgumentParser
import Estuary
import Execution
import FoundationEssentials
import Ledger
import Primitives
import Runtime
import SBPF
import Scheduling

struct BenchVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the machine that runs this: engines, loading, scheduler, lanes, signatures, hashes …",
    discussion: """
      NAME is vm, loading, scheduling, lanes, memory, signatures, hashes, crossing, trie or blocks (default: all but trie \
      and blocks, which take half a minute). vm runs the kernels bench_*.so of --kernels, loading loads, verifies and \
      compiles --program; without these they are left out. signatures and hashes measure each implementation that the \
      processor can run. blocks executes whole blocks serially and on --workers, by turns; one of both kinds if --token \
      has the program for it. Figures are the best of several rounds.
      """)

  enum Name: String, ExpressibleByArgument, CaseIterable {
    case vm, loading, scheduling, lanes, memory, signatures, hashes, crossing, trie, blocks

    var takesLong: Bool { self == .trie || self == .blocks }
  }

  @Argument(help: "What to measure (default: all but trie and blocks).")
  var names: [Name] = []

  @Option(
    help: ArgumentHelp("Folder of the kernels (default: $ESTUARY_VECTORS/sbpf/bench).", valueName: "folder"))
  var kernels: String?

  @Option(help: "What loading loads.")
  var program: String?

  @Option(help: "What runs programs (default: vm measures each engine, the others take the fastest).")
  var engine: EngineName?

  @Option(help: "Rounds of each measurement.")
  var rounds = 5

  @Option(help: ArgumentHelp("Of blocks: numbers of workers.", valueName: "n,n,…"))
  var workers: WorkerCounts?

  @Option(help: "Of blocks: transactions in each.")
  var count = 10_000

  @Option(help: ArgumentHelp("Of blocks: Programs/token, compiled, for one of both kinds.", valueName: "file"))
  var token: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds must be at least 1") }
    if !(1...1_000_000).contains(count) { throw ValidationError("--count must be from 1 to 1000000") }
  }

  func run() throws {
    var figures: [Figure] = []
    for name in names.isEmpty ? Name.allCases.filter({ !$0.takesLong }) : names {
      Terminal.progress("measuring \(name.rawValue)")
      switch name {
      case .vm:
        for engine in engine.map({ [$0] }) ?? EngineName.allCases.reversed() {
          figures += try measureKernels(engine)
        }
      case .loading: figures += try measureLoading()
      case .scheduling: figures += try measureScheduling()
      case .lanes: figures += try measureLanes()
      case .memory: figures += try measureMemory()
      case .signatures: figures += measureSignatures()
      case .hashes: figures += measureHashes()
      case .crossing: figures += try measureCrossing()
      case .trie: figures += try measureTrie()
      case .blocks: figures += try measureBlocks()
      }
    }
    Terminal.progress("")
    output.print(
      text: figures.map(\.text).joined(separator: "\n"),
      json: { writer in
        writer.array { writer in
          for figure in figures {
            writer.object {
              $0.member("name", figure.name)
              $0.member("value", figure.value)
              $0.member("unit", figure.unit)
            }
          }
        }
      })
  }

  struct Figure {
    var name: String
    var value: Double
    var unit: String

    var text: String {
      let rounded = (value * 1000).rounded() / 1000
      return name + String(repeating: " ", count: max(1, 52 - name.count)) + "\(rounded) \(unit)"
    }
  }

  // MARK: - Measurements

  /// Nothing to measure with: an error where it was asked for by name.
  private func leftOut(_ reason: String) throws -> [Figure] {
    if !names.isEmpty { throw CLIError.nothingToMeasure(reason) }
    Terminal.note(reason)
    return []
  }

  private func measureKernels(_ engine: EngineName) throws -> [Figure] {
    let vectors = ProcessInfo.processInfo.environment["ESTUARY_VECTORS"] ?? "../shared/vectors"
    let folder = kernels ?? vectors + "/sbpf/bench"
    guard kernels != nil || FileManager.default.fileExists(atPath: folder) else {
      return try leftOut("vm: no folder '\(folder)'; --kernels names another")
    }
    var figures: [Figure] = []
    for (name, iterations) in [("alu", 2_000_000), ("mem", 2_000_000), ("sieve", 32_000)]
      as [(String, UInt64)]
    {
      let elf = try WholeFile.read("\(folder)/bench_\(name)_sbpfv0.so")
      let runner: ProgramRunner
      do throws(ProgramLoadError) {
        runner = try ProgramRunner(elf: elf, engine: engine.engine)
      } catch {
        throw CLIError.program(path: folder, detail: error.diagnosis)
      }
      let data = withUnsafeBytes(of: iterations.littleEndian) { Array($0) }
      var best = UInt64.max
      var instructions: UInt64 = 1
      for _ in 0..<rounds {
        let watch = Stopwatch()
        let outcome = try runner.run(data: data, unitLimit: 1 << 40)
        best = min(best, watch.nanoseconds)
        instructions = max(outcome.instructionCount, 1)
        if let error = outcome.error { throw CLIError.program(path: "bench_\(name)", detail: error) }
      }
      figures.append(
        Figure(
          name: "vm \(name) (\(engine.rawValue))", value: Double(best) / Double(instructions), unit: "ns/insn"
        ))
    }
    return figures
  }

  /// From an ELF file in memory to something that runs.
  private func measureLoading() throws -> [Figure] {
    guard let program else {
      return try leftOut("loading: no --program")
    }
    let elf = try ProgramFile.executable(at: program)
    var best = UInt64.max
    for _ in 0..<rounds {
      let watch = Stopwatch()
      do throws(ProgramLoadError) {
        _ = try ProgramRunner.load(elf: elf, engine: fastest)
      } catch {
        throw CLIError.program(path: program, detail: error.diagnosis)
      }
      best = min(best, watch.nanoseconds)
    }
    return [
      Figure(name: "loading, \(elf.count) bytes", value: Double(best), unit: "ns"),
      Figure(name: "loading, a byte", value: Double(best) / Double(max(elf.count, 1)), unit: "ns/byte"),
    ]
  }

  private func measureScheduling() throws -> [Figure] {
    try [3, 5, 10].flatMap { accounts in
      let figures = try SchedulingBenchmark.run(
        accounts: accounts, transactions: 20_000, workers: 1, contention: .mixed, rounds: rounds)
      return [
        Figure(
          name: "scheduling, \(accounts) accounts, keys interned", value: figures.scheduleNanoseconds,
          unit: "ns/transaction"),
        Figure(
          name: "scheduling, \(accounts) accounts, interning", value: figures.internNanoseconds,
          unit: "ns/transaction"),
      ]
    }
  }

  var fastest: Engine { (engine ?? .jit).engine }

  /// Two workers over one on independent transactions that compute, and locks over serial where all conflict.
  private func measureLanes() throws -> [Figure] {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let independent = try LaneBench(contention: 0, count: 2000)
    let contended = try LaneBench(contention: 100, count: 2000)
    var figures: [Figure] = []
    let serial = try independent.best(of: rounds, on: SerialExecutor(engine: fastest))
    let one = try independent.best(of: rounds, on: LockExecutor(workerCount: 1, engine: fastest))
    figures.append(
      Figure(name: "lanes, independent, serial", value: Double(serial) / 2e6, unit: "µs/transaction"))
    for workers in [2, 4, 8, 16] where workers <= max(2, cores) {
      let many = try independent.best(
        of: rounds, on: LockExecutor(workerCount: workers, engine: fastest))
      figures.append(
        Figure(
          name: "lanes, independent, \(workers) workers over 1", value: Double(one) / Double(many), unit: "×")
      )
    }
    let contendedSerial = try contended.best(of: rounds, on: SerialExecutor(engine: fastest))
    let contendedLocks = try contended.best(
      of: rounds, on: LockExecutor(workerCount: 2, engine: fastest))
    figures.append(
      Figure(
        name: "lanes, fully contended, 2 workers over serial",
        value: Double(contendedSerial) / Double(contendedLocks), unit: "×"))
    return figures
  }

  /// State bytes a transaction of a large replay.
  private func measureMemory() throws -> [Figure] {
    let bench = try LaneBench(kind: .transfer, contention: 0, count: 100_000)
    let before = Memory.residentBytes()
    let outcome = try bench.replay.run(executor: SerialExecutor(engine: fastest))
    let after = Memory.residentBytes()
    return [
      Figure(
        name: "memory, state and results, 100,000 transfers",
        value: Double(max(0, after - before)) / Double(outcome.receipts.count), unit: "bytes/transaction")
    ]
  }
}

enum Memory {
  /// Resident set of this process, from /proc/self/statm (pages of 4 KiB).
  static func residentBytes() -> Int {
    guard let text = try? FileBytes.read("/proc/self/statm") else { return 0 }
    let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
  }
}
