import ArgumentParser
import Estuary
import Foundation
import Ledger
import Primitives

struct WorkloadVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workload",
    abstract: "Make a genesis and signed transactions to replay, as contended as you like.",
    discussion: """
      Writes genesis.json and transactions.jsonl into DIRECTORY. The genesis is the ledger's state and the accounts \
      that the transactions use. 'counter' and 'token' call the example programs of Programs/, deployed on that ledger.
      """)

  @Argument(help: "transfer, counter or token.")
  var kind: KindName

  @Argument(help: ArgumentHelp("Where to write the two files.", valueName: "directory"))
  var directory: String

  @Option(help: ArgumentHelp("The deployed program: a base58 key or a key pair file.", valueName: "key"))
  var program: String?

  @Option(help: "Number of transactions.")
  var count = 20_000

  @Option(help: "Per cent of transactions that write one and the same account.")
  var contention = 0

  @Option(help: "Everything follows from it: from 0 to 2^64 - 1.")
  var seed: UInt64 = 1

  @Option(name: .long, help: ArgumentHelp("Ledger directory ($ESTUARY_LEDGER).", valueName: "directory"))
  var ledger = Settings.shown.ledger

  @OptionGroup var output: OutputOptions

  enum KindName: String, ExpressibleByArgument, CaseIterable { case transfer, counter, token }

  func validate() throws {
    if !(0...100).contains(contention) { throw ValidationError("--contention is a percentage from 0 to 100") }
    if count < 0 { throw ValidationError("--count must not be negative") }
    if kind != .transfer && program == nil { throw ValidationError("'\(kind.rawValue)' needs --program") }
  }

  func run() throws {
    let chain = try Chain.open(directory: ledger, .reading)
    let program = try program.map(LedgerOptions.key) ?? .zero
    if kind != .transfer, try chain.account(program)?.executable != true {
      throw CLIError.program(
        path: program.description, detail: "is no program on the ledger '\(ledger)': deploy it first")
    }
    var workload = Workload(Workload.Kind(rawValue: kind.rawValue) ?? .transfer, program: program, seed: seed)
    var lines: [UInt8] = []
    for start in stride(from: 0, to: count, by: 1000) {
      Terminal.progress("\(start) of \(count) transactions signed")
      var wires: [[UInt8]] = []
      try workload.append(
        min(1000, count - start), contention: contention, blockhash: chain.blockhash, to: &wires)
      for wire in wires { lines += "{\"solana\":\"\(Base64.encode(wire))\"}\n".utf8 }
    }
    Terminal.progress("")
    try Paths.makeFolder(directory)
    try WholeFile.write(lines, to: directory + "/transactions.jsonl")
    try WholeFile.write(try genesis(chain, workload), to: directory + "/genesis.json")
    output.print(
      text: "wrote \(directory)/genesis.json and \(count) transactions to \(directory)/transactions.jsonl",
      json: {
        $0.object {
          $0.member("transactions", count)
          $0.member("directory", directory)
        }
      })
  }

  private func genesis(_ chain: Chain, _ workload: Workload) throws -> [UInt8] {
    var accounts = workload.accounts
    try chain.store.forEachAccount { (key, account) throws(StoreError) in accounts.append((key, account)) }
    var dump = AccountDump(
      slot: chain.slot, unixTimestamp: chain.head.unixTimestamp, blockhash: chain.blockhash)
    for (key, account) in accounts.sorted(by: { $0.key < $1.key }) { dump.append(key, account) }
    dump.finish()
    return dump.bytes
  }
}
