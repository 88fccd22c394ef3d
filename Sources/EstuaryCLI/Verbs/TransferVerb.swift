import ArgumentParser
import Estuary
import Primitives

struct TransferVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer", abstract: "Send SOL from the payer to another account.")

  @Argument(help: "Recipient: a base58 key or a key pair file.")
  var recipient: String

  @Argument(help: "SOL, with up to nine decimals.")
  var amount: String

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let target = try LedgerOptions.key(recipient)
    let lamports = try SOL.lamports(amount)
    let payer = try ledger.payer()
    let chain = try ledger.host()
    let transfer = System.transfer(from: payer.pubkey, to: target, lamports: lamports)
    let sent = try chain.submit([transfer] + budget.requested.instructions, signers: [payer])
    try output.print(sent) {
      "\(amount) SOL to \(target), which now has \(try SOL.balance(of: target, chain))"
    }
  }
}
