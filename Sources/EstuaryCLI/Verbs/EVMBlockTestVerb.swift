import ArgumentParser
import Conformance
import EVM
import EVMConformance

struct EVMBlockTestVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blocktest", abstract: "Run Ethereum's block tests (*.json).",
    discussion: """
      One case is one test: blocks from RLP are validated as a client validates them; one that is invalid is refused \
      with its reason and leaves nothing. A block that is refused for another reason than the file names is told \
      beside the case. With --executor locks or waves the transactions of a block run in waves on all \
      workers, from Byzantium on; before, receipts have a state root each.
      """)


  @Option(help: "What runs a block's transactions: one after the other, or in waves on all workers.")
  var executor: ExecutorName = .serial

  @Option(help: "Threads: lanes of a block; with --executor serial, each with files of its own.")
  var workers = 1

  @Option(name: .customLong("case"), help: "Only the cases whose name has this in it.")
  var name: String?

  @OptionGroup var options: ConformanceOptions

  func validate() throws {
    if !(1...256).contains(workers) { throw ValidationError("--workers must be between 1 and 256") }
  }

  func run() throws {
    let report = try BlockTestConformance.run(
      paths: options.paths,
      options: BlockTestOptions(
        engine: options.engine.engine, inLanes: executor != .serial, workerCount: workers, name: name),
      progress: { done, all in Terminal.progress("\(done) of \(all) files") })
    Terminal.progress("")
    try options.report(report)
  }
}
