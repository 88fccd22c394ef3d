import ArgumentParser
import Contracts
import EVM
import Estuary
import Execution
import Ledger
import Primitives
import SBPF
import WideIntegers
import WideVM

struct EVMRunVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run EVM bytecode as a contract that is called.",
    discussion: """
      The code is that of a contract which is called with the input and the gas; a transaction's intrinsic cost is not \
      counted. The state is empty but for a caller with plenty of ether, or what --state holds. Each repetition starts \
      from the same state. A translated file is taken at its word about gas: one that \
      was not written by 'evm translate' may run for ever.
      """)

  @Option(
    help: ArgumentHelp("Bytecode, or a file with it, or what 'evm translate' wrote.", valueName: "hex|file"))
  var code: String

  @Option(help: ArgumentHelp("Call data.", valueName: "hex"))
  var input = ""

  @Option(help: "Gas of the call, from 0 to 2^63 - 1.")
  var gas: UInt64 = 30_000_000

  @Option(help: ArgumentHelp("Who calls (default: \(EVMRunner.caller)).", valueName: "address"))
  var from: String?

  @Option(help: ArgumentHelp("Ether sent along: 7 (wei), 5gwei, 1.5ether.", valueName: "amount"))
  var value = "0"

  @Option(
    help: ArgumentHelp(
      "Other accounts, in the form of geth's alloc; the caller is one of them.", valueName: "file"))
  var state: String?

  @Option(help: "Whose rules hold (default: a translated file's, else \(Fork.latest.name)).")
  var fork: Fork?

  @Option(help: "What runs it.")
  var engine: EngineName = .jit

  @Option(name: .customLong("repeat"), help: "Run so many times; the result is the last run's.")
  var repeatCount = 1

  @Flag(help: "Print a line for each opcode to standard error (EIP-3155).")
  var trace = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if repeatCount < 1 { throw ValidationError("--repeat must be at least 1") }
    if gas > UInt64(Int64.max) { throw ValidationError("--gas must be below 2^63") }
  }

  func run() throws {
    // Calls 1024 deep need more stack than a shell may have given this thread.
    try EVMThread().run { () throws(any Error) in try runHere() }
  }

  private func runHere() throws {
    guard let input = Hex.decode(input) else { throw CLIError.notHex(input) }
    let caller = try callerAddress()
    let value = try wei()
    let world = try state.map { try Self.world(from: $0) }
    let program = try EVMProgramFile.read(code)
    let fork = try program.fork(fork, path: code)
    let mode = trace ? TranslationMode.tracing : .fast
    let host = try EVMHost(programs: EVMProgramCache(), engine: engine.engine, mode: mode)
    if trace { host.tracer = EVMTracer { Terminal.writeError($0) } }
    var (code, translateNanoseconds) = try prepared(program, fork, mode)
    // The first time pays for the process, too: tables that are made when they are used, memory that is touched.
    for _ in 0..<Self.warmTranslationCount {
      let again = try prepared(program, fork, mode)
      if again.nanoseconds < translateNanoseconds { (code, translateNanoseconds) = again }
    }
    let runner = EVMRunner(
      code: code, block: BlockEnvironment(fork: fork, number: 1, timestamp: 1), host: host, world: world,
      caller: caller)
    var elapsed: [UInt64] = []
    var last: EVMRunner.Outcome?
    for index in 0..<repeatCount {
      let watch = Stopwatch()
      last = try runner.run(input: input, gas: gas, value: value)
      elapsed.append(watch.nanoseconds)
      if let last {
        host.tracer?.finish(
          EVMTracer.Summary(
            output: last.output, gasUsed: last.gasUsed, error: last.halt?.description, fork: fork))
      }
      Terminal.progress(repeatCount > 1 ? "\(index + 1) of \(repeatCount) runs" : "")
    }
    Terminal.progress("")
    guard let outcome = last else { return }
    print(outcome, translateNanoseconds: translateNanoseconds, elapsed: elapsed)
    if outcome.halt != nil { throw ExitCode.failure }
  }

  private func callerAddress() throws -> Address {
    guard let from else { return EVMRunner.caller }
    guard let address = Address(hex: from) else {
      throw ValidationError("--from '\(from)' is no address: 0x and 40 hexadecimal digits")
    }
    return address
  }

  private func wei() throws -> UInt256 {
    do throws(AmountError) { return try DecimalAmount.wei(value) } catch {
      throw ValidationError("--value '\(value)' is no amount: 7 (wei), 5gwei or 1.5ether, below 2^256 wei")
    }
  }

  private static func world(from path: String) throws -> EVMWorld {
    let world = EVMWorld()
    for account in try EthereumGenesis.readAlloc(path) {
      let slots = account.storage.map { ($0.key, $0.value) }
      world.insert(
        account.address, balance: account.balance, nonce: account.nonce, code: EVMCode(account.code),
        storage: Dictionary(uniqueKeysWithValues: slots))
    }
    return world
  }

  private static let warmTranslationCount = 4

  /// Code that is ready to run, and how long making it so took: translation, verification, compilation.
  private func prepared(
    _ program: EVMProgramFile.Program, _ fork: Fork, _ mode: TranslationMode
  ) throws -> (code: EVMCode, nanoseconds: UInt64) {
    let watch = Stopwatch()
    let code: EVMCode
    switch program {
    case .translated(let image) where !trace:
      do throws(EVMStateError) { code = try EVMCode(image: image, fork: fork) } catch {
        throw CLIError.program(path: self.code, detail: error.description)
      }
    case .translated, .bytecode: code = EVMCode(program.bytecode)
    }
    WideMachine.prepare(try code.executable(fork: fork, mode: mode), for: engine.engine)
    return (code, watch.nanoseconds)
  }

  private func print(_ outcome: EVMRunner.Outcome, translateNanoseconds: UInt64, elapsed: [UInt64]) {
    let bytes = "0x" + Hex.encode(outcome.output)
    if output.json {
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("output", bytes)
      writer.member("gasUsed", outcome.gasUsed)
      writer.member("gasRefund", outcome.gasRefund)
      if let halt = outcome.halt {
        writer.member("error", halt.description)
      } else {
        writer.memberNull("error")
      }
      if let reason = outcome.revertReason {
        writer.member("revertReason", reason)
      } else {
        writer.memberNull("revertReason")
      }
      writer.key("logs")
      writer.array { for log in outcome.logs { log.write(to: &$0) } }
      writer.member("translateNanoseconds", translateNanoseconds)
      writer.key("elapsedNanoseconds")
      writer.array { for nanoseconds in elapsed { $0.value(nanoseconds) } }
      writer.endObject()
      writer.newline()
      Terminal.write(writer.bytes)
      return
    }
    if let halt = outcome.halt {
      Terminal.note("the program failed: \(halt)" + (outcome.revertReason.map { ": \($0)" } ?? ""))
    }
    Swift.print("output \(bytes)")
    for (index, log) in outcome.logs.enumerated() {
      Swift.print("log \(index) of \(log.address), data 0x\(Hex.encode(log.data))")
      for topic in log.topics { Swift.print("  topic 0x\(Hex.encode(topic.bytes))") }
    }
    let best = elapsed.min() ?? 0
    Swift.print(
      "\(outcome.gasUsed) gas (refund \(outcome.gasRefund)), \(outcome.logs.count) logs; translated in"
        + " \(LanePicture.duration(translateNanoseconds)), ran in \(LanePicture.duration(best))"
        + (elapsed.count > 1 ? " (best of \(elapsed.count))" : ""))
  }
}

extension EVMRunner.Outcome {
  /// What a revert says; `nil` where the run did not revert.
  fileprivate var revertReason: String? {
    halt == .revert ? RevertReason(output).description : nil
  }
}

extension EVMLog {
  /// An object with `address`, `topics` and `data`, as receipts have them.
  fileprivate func write(to writer: inout JSONWriter) {
    writer.object {
      $0.member("address", address.description)
      $0.key("topics")
      $0.array { for topic in topics { $0.value("0x" + Hex.encode(topic.bytes)) } }
      $0.member("data", "0x" + Hex.encode(data))
    }
  }
}
