import ArgumentParser
import Estuary
import Ledger
import Primitives

struct ProgramSetAuthorityVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set-authority", abstract: "Hand a program or a buffer over to another authority.",
    discussion: """
      The new authority signs, so its key pair file is needed; with --skip-new-upgrade-authority-signer-check its \
      address will do. --final leaves a program without one: nobody can change it any more.
      """, aliases: ["set-upgrade-authority", "set-buffer-authority"])

  @Argument(help: ArgumentHelp("A program's or buffer's address or key pair file.", valueName: "account"))
  var account: String

  @Option(
    name: [
      .customLong("new-upgrade-authority"), .customLong("new-buffer-authority"), .customLong("new-authority"),
    ], help: ArgumentHelp("Key pair of the new authority.", valueName: "keypair"))
  var newAuthority: String?

  @Flag(help: "Nobody may change the program any more.")
  var final = false

  @Option(
    name: [.customLong("upgrade-authority"), .customLong("buffer-authority"), .customLong("authority")],
    help: ArgumentHelp("Key pair of the present authority (default: the payer's).", valueName: "keypair"))
  var authority: String?

  @Flag(
    name: [
      .customLong("skip-new-upgrade-authority-signer-check"), .customLong("skip-new-authority-signer-check"),
    ],
    help: "The new authority does not sign.")
  var skipsCheck = false

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (newAuthority == nil) == !final {
      throw ValidationError("say who the new authority is (--new-upgrade-authority), or --final")
    }
  }

  func run() throws {
    let payer = try ledger.payer()
    let authority = try authority.map { try KeyPairFile.read($0) } ?? payer
    let key = try LedgerOptions.key(account)
    let successor = try newAuthority.map(DeployVerb.party)
    let chain = try ledger.host()
    let state = try chain.programState(at: key)
    let target: Pubkey
    switch state {
    case .program(let program):
      try program.check(key, authority: authority.pubkey)
      target = program.programData
    case .buffer(let buffer):
      try buffer.check(key, authority: authority.pubkey)
      if final { throw CLIError.noProgram(key, detail: "a buffer always has an authority: close it instead") }
      target = key
    case .closed: throw DeploymentError.closed(key)
    case .none, .programData, .fixedProgram, .other: throw CLIError.noProgram(key, detail: state.text)
    }
    let signs = successor != nil && !skipsCheck
    if signs, let successor, successor.pair == nil { throw CLIError.silentAuthority(successor.key) }
    let result = try LoaderTransaction.send(
      UpgradeableLoaderProgram.setAuthority(
        of: target, authority: authority.pubkey, successor: successor?.key, successorSigns: signs),
      payer: payer, signers: [authority] + (signs ? successor?.pair.map { [$0] } ?? [] : []),
      budget: budget.requested, on: chain, step: "handing over \(key)")
    let name = successor?.key.description ?? "none"
    output.print(
      text: "Account \(key)\nAuthority: \(name)" + (final ? " (the program is final)" : ""),
      json: {
        $0.object {
          $0.member("address", key.description)
          $0.member("authority", name)
          $0.member("signature", result.signature?.description ?? "")
        }
      })
  }
}
