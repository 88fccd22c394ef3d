import ArgumentParser
import Estuary
import Primitives

struct AirdropVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "airdrop",
    abstract: "Give an account SOL from the faucet of a ledger, which is created if need be, or of a node.")

  @Argument(help: "SOL, with up to nine decimals.")
  var amount: String

  @Argument(help: "Recipient: a base58 key or a key pair file (default: the payer).")
  var recipient: String?

  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let lamports = try SOL.lamports(amount)
    let target = try recipient.map(LedgerOptions.key) ?? ledger.payer().pubkey
    if let client = try ledger.node.client() {
      return try request(lamports, for: target, of: RemoteLedger(client))
    }
    let chain = try ledger.open(create: true)
    guard try chain.account(Chain.faucet.pubkey) != nil else { throw CLIError.noFaucet(ledger.ledger) }
    let transfer = System.transfer(from: Chain.faucet.pubkey, to: target, lamports: lamports)
    let sent = try chain.submit([transfer], signers: [Chain.faucet])
    try output.print(sent) {
      "\(amount) SOL to \(target), which now has \(try SOL.balance(of: target, chain))"
    }
  }

  private func request(_ lamports: UInt64, for target: Pubkey, of node: RemoteLedger) throws {
    let signature = try node.airdrop(lamports, to: target)
    let balance = try SOL.balance(of: target, node)
    output.print(text: "\(amount) SOL to \(target), which now has \(balance)\nSignature: \(signature)") {
      $0.object { $0.member("signature", signature) }
    }
  }
}
