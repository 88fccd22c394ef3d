import ArgumentParser
import Estuary
import FoundationEssentials
import Ledger
import Primitives

struct CreateAccountVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create-account",
    abstract: "Create an account that a program owns, with zeroed data and enough lamports to be rent-exempt."
  )

  @Argument(
    help: ArgumentHelp("Key pair of its address; made if there is no such file.", valueName: "keypair"))
  var address: String

  @Option(
    help: ArgumentHelp("The program that may write it: a base58 key or a key pair file.", valueName: "key"))
  var owner: String

  @Option(help: "Bytes of data.")
  var space: Int

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(0...Account.maximumDataByteCount).contains(space) {
      throw ValidationError("--space is from 0 to \(Account.maximumDataByteCount) bytes")
    }
  }

  func run() throws {
    let payer = try ledger.payer()
    let owner = try LedgerOptions.key(owner)
    let chain = try ledger.host()
    if !FileManager.default.fileExists(atPath: address) {
      try Paths.makeParent(of: address)
      try KeyPairFile.write(.random(), to: address)
    }
    let pair = try KeyPairFile.read(address)
    let lamports = try chain.minimumBalance(dataByteCount: space)
    let instruction = System.createAccount(
      from: payer.pubkey, to: pair.pubkey, lamports: lamports, space: UInt64(space), owner: owner)
    let sent = try chain.submit([instruction] + budget.requested.instructions, signers: [payer, pair])
    try output.print(sent) {
      "created \(pair.pubkey): \(space) bytes, \(SOL.text(lamports)), owned by \(owner)"
    }
  }
}
