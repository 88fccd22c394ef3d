// What a transaction of Solana's did: executed again on the accounts that its block met.

import ArgumentParser
import Estuary
import Ledger
import Primitives
import RPCClient

struct TraceVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Show what a transaction did: instructions, compute units, logs, accounts, where it failed.",
    discussion: """
      The transaction is executed again on the accounts that its block met; a ledger keeps those of its last \
      \(SolanaArchive.keptBlocks) blocks. 'evm trace' does the same for Ethereum's.
      """)

  @Argument(help: "The transaction's first signature, in base58.")
  var signature: String

  @OptionGroup var profile: ProfileOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    guard let wanted = Signature(base58: signature) else { throw CLIError.noSignature(signature) }
    if let client = try ledger.node.client() { return try ask(client) }
    let chain = try ledger.openForReading()
    if profile.isWanted {
      let profiler = ProgramProfiler()
      guard try chain.retrace(wanted, observer: profiler) != nil else {
        throw CLIError.noTransaction(signature, blocks: SolanaArchive.keptBlocks)
      }
      try profile.report(profiler.profile, of: "compute units", output)
      return
    }
    let trace = InstructionTrace()
    guard let retraced = try chain.retrace(wanted, observer: trace) else {
      throw CLIError.noTransaction(signature, blocks: SolanaArchive.keptBlocks)
    }
    let report = TraceReport(retraced, trace)
    output.print(text: report.text) { report.write(to: &$0) }
  }

  /// A node of Estuary's traces as well.
  private func ask(_ client: RPCClient) throws {
    if profile.isWanted {
      throw CLIError.onlyDirectory("a profile by function", url: "\(client.address)")
    }
    let method = "estuary_traceTransaction"
    let wantsText = RemoteLedger.object(("text", .bool(!output.json)))
    let answer = try client.call(method, [.string(signature), wantsText])
    if answer.isNull { throw CLIError.noTransaction(signature, blocks: SolanaArchive.keptBlocks) }
    output.print(text: answer["text"]?.string ?? "") { $0.value(answer) }
  }
}
