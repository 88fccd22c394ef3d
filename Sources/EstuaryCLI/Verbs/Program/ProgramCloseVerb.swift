import ArgumentParser
import Estuary
import Ledger
import Primitives

struct ProgramCloseVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "close", abstract: "Close a program or buffers and take back the SOL in them.",
    discussion: "A closed program's id can never be used again.")

  @Argument(help: ArgumentHelp("A program's or buffer's address or key pair file.", valueName: "account"))
  var account: String?

  @Flag(help: "Close every buffer of the authority.")
  var buffers = false

  @Option(
    name: [.customLong("authority"), .customLong("upgrade-authority"), .customLong("buffer-authority")],
    help: ArgumentHelp("Key pair of the authority (default: the payer's).", valueName: "keypair"))
  var authority: String?

  @Option(help: ArgumentHelp("Who gets the SOL (default: the payer).", valueName: "key"))
  var recipient: String?

  @Flag(help: "Leave out the warning about a closed program.")
  var bypassWarning = false

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (account == nil) == !buffers { throw ValidationError("name an account, or --buffers for all of them") }
  }

  func run() throws {
    let payer = try ledger.payer()
    let authority = try authority.map { try KeyPairFile.read($0) } ?? payer
    let recipient = try recipient.map(LedgerOptions.key) ?? payer.pubkey
    let chain = try ledger.host()
    var closed: [(key: Pubkey, kind: String, lamports: UInt64)] = []
    func close(_ key: Pubkey, data: Pubkey?, kind: String, lamports: UInt64) throws {
      let instruction = UpgradeableLoaderProgram.close(
        data ?? key, recipient: recipient, authority: authority.pubkey, program: data == nil ? nil : key)
      _ = try LoaderTransaction.send(
        instruction, payer: payer, signers: [authority], budget: budget.requested, on: chain,
        step: "closing \(kind) \(key)")
      closed.append((key, kind, lamports))
    }
    if let account {
      let key = try LedgerOptions.key(account)
      let state = try chain.programState(at: key)
      switch state {
      case .program(let program):
        try program.check(key, authority: authority.pubkey)
        if !bypassWarning {
          Terminal.note("Warning: program \(key) is gone for good, its id cannot be used again")
        }
        try close(key, data: program.programData, kind: "program", lamports: program.lamports)
      case .buffer(let buffer):
        try buffer.check(key, authority: authority.pubkey)
        try close(key, data: nil, kind: "buffer", lamports: buffer.lamports)
      case .closed: throw DeploymentError.closed(key)
      case .none, .programData, .fixedProgram, .other: throw CLIError.noProgram(key, detail: state.text)
      }
    } else {
      for (key, buffer) in try chain.deployments(of: authority.pubkey).buffers {
        try close(key, data: nil, kind: "buffer", lamports: buffer.lamports)
      }
    }
    report(closed, recipient)
  }

  private func report(_ closed: [(key: Pubkey, kind: String, lamports: UInt64)], _ recipient: Pubkey) {
    output.print(
      text: closed.isEmpty
        ? "no buffers to close"
        : closed.map { "Closed \($0.kind) \($0.key): \(SOL.text($0.lamports)) went to \(recipient)" }
          .joined(separator: "\n"),
      json: { writer in
        writer.object { writer in
          writer.key("closed")
          writer.array { writer in
            for account in closed {
              writer.object {
                $0.member("address", account.key.description)
                $0.member("kind", account.kind)
                $0.member("lamports", account.lamports)
              }
            }
          }
          writer.member("recipient", recipient.description)
        }
      })
  }
}
