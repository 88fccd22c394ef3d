import ArgumentParser
import Ledger
import Primitives

struct BalanceVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance", abstract: "Show how much SOL an account has.")

  @Argument(help: "A base58 key or a key pair file (default: the payer).")
  var key: String?

  @Flag(help: "In lamports, 10^9 of which are one SOL.")
  var lamports = false

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let key = try key.map(LedgerOptions.key) ?? ledger.payer().pubkey
    let balance = try ledger.hostForReading().account(key)?.lamports ?? 0
    output.print(text: lamports ? "\(balance) lamports" : SOL.text(balance)) { writer in
      writer.object { writer in
        writer.member("pubkey", key.description)
        writer.member("lamports", balance)
      }
    }
  }
}
