import ArgumentParser
import Estuary
import Ledger
import Primitives

struct WriteBufferVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write-buffer",
    abstract: "Write a program's file to a buffer account, to be deployed later.",
    discussion: """
      The same command goes on where one was cut off: pieces that the buffer holds are not sent again. \
      'deploy --buffer' takes the buffer; its authority may hand it over with 'program set-authority'.
      """)

  @Argument(help: "The program's file.")
  var program: String

  @Option(
    help: ArgumentHelp(
      "A new buffer's key pair, or the address of one (default: from authority and file).",
      valueName: "keypair"))
  var buffer: String?

  @Option(
    name: .customLong("buffer-authority"),
    help: ArgumentHelp("Key pair that may write and deploy it (default: the payer's).", valueName: "keypair"))
  var authority: String?

  @Flag(name: .customLong("use-rpc"), help: "As is always done: the pieces go to a node's JSON-RPC.")
  var usesRPC = false

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let elf = try DeployVerb.file(program)
    let payer = try ledger.payer()
    let authority = try authority.map { try KeyPairFile.read($0) } ?? payer
    let host = try ledger.host()
    let deployment = ProgramDeployment(
      elf: elf, program: nil, payer: payer, authority: authority, buffer: try buffer.map(DeployVerb.party),
      budget: budget.requested)
    let plan = try deployment.plan(on: host)
    let outcome = try DeployVerb.perform(deployment, plan, on: host, output)
    output.print(
      text:
        "\(elf.count) bytes in \(outcome.transactionCount) transactions, \(SOL.text(outcome.feeLamports)) of fees"
    ) { writer in
      writer.object {
        $0.member("buffer", plan.buffer.description)
        $0.member("byteCount", elf.count)
        $0.member("transactions", outcome.transactionCount)
        $0.member("feeLamports", outcome.feeLamports)
      }
    }
  }
}
