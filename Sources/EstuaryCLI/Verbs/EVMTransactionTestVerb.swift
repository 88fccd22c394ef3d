import ArgumentParser
import Conformance
import EVMConformance

struct EVMTransactionTestVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transactiontest", abstract: "Run Ethereum's transaction tests (*.json).",
    discussion: """
      One case is one fork of a test: the bytes are a transaction with the hash, sender and intrinsic gas that the \
      file names, or are refused. A refusal for another reason than the file names is told beside the case.
      """)

  @OptionGroup var options: ConformanceOptions

  func run() throws { try options.report(TransactionTestConformance.run(paths: options.paths)) }
}
