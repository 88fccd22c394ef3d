import ArgumentParser
import Conformance
import EVM
import EVMConformance

struct EVMStateTestVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "statetest", abstract: "Run Ethereum's state tests (*.json).",
    discussion: """
      A case without 'txbytes' is run with the transaction that the file's fields make, sent by 'sender' or by whom \
      'secretKey' belongs to. With --json a line for each case goes to standard error too, as geth's evm has it: \
      name, pass, stateRoot, fork, error.
      """)

  @Option(help: "Only the cases of this fork.")
  var fork: Fork?

  @Option(help: "Threads.")
  var workers = 1

  @Option(
    name: .customLong("case"), help: "Only the cases whose name has this in it ('add11 Cancun d0 g0 v0').")
  var name: String?

  @Flag(
    help:
      "Print a line for each opcode to standard error (EIP-3155), and one with the state root for each case.")
  var trace = false

  @Flag(help: "Run the test of 2^32 BLAKE2 rounds too, which takes minutes.")
  var includeSlow = false

  @OptionGroup var options: ConformanceOptions

  func validate() throws {
    if !(1...256).contains(workers) { throw ValidationError("--workers must be between 1 and 256") }
    if trace && workers > 1 {
      throw ValidationError("--trace takes one worker: lines of several would be mixed")
    }
  }

  func run() throws {
    let write: @Sendable ([UInt8]) -> Void = { Terminal.writeError($0) }
    let isSilent = trace
    let report = try StateTestConformance.run(
      paths: options.paths,
      options: StateTestOptions(
        fork: fork, engine: options.engine.engine, workerCount: workers, includesSlow: includeSlow,
        name: name,
        trace: trace ? write : nil, result: options.output.json ? write : nil),
      progress: { done, all in if !isSilent { Terminal.progress("\(done) of \(all) files") } })
    Terminal.progress("")
    try options.report(report)
  }
}
