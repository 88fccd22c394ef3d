import ArgumentParser
import Conformance
import EVM
import EVMConformance

struct EVMStateTestVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "statetest", abstract: "Run Ethereum's state tests (*.json).")

  @Option(help: "Only the cases of this fork.")
  var fork: Fork?

  @Option(help: "Threads.")
  var workers = 1

  @Flag(help: "Run the test of 2^32 BLAKE2 rounds too, which takes minutes.")
  var includeSlow = false

  @OptionGroup var options: ConformanceOptions

  func validate() throws {
    if !(1...256).contains(workers) { throw ValidationError("--workers must be between 1 and 256") }
  }

  func run() throws {
    let report = try StateTestConformance.run(
      paths: options.paths,
      options: StateTestOptions(
        fork: fork, engine: options.engine.engine, workerCount: workers, includesSlow: includeSlow),
      progress: { done, all in Terminal.progress("\(done) of \(all) files") })
    Terminal.progress("")
    try options.report(report)
  }
}
