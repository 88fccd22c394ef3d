import ArgumentParser
import Estuary
import Ledger
import Primitives

struct InvokeVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invoke", abstract: "Call a program with instruction data and accounts.",
    discussion: """
      --account takes a base58 key or a key pair file, with :s if it signs and :w if the program may write it, \
      in the program's order. A key pair file that signs needs no --signer of its own.
      """)

  @Argument(help: "The program: a base58 key or a key pair file.")
  var programID: String

  @Option(help: ArgumentHelp("Instruction data.", valueName: "hex"))
  var data = ""

  @Option(name: .customLong("account"), help: ArgumentHelp("An account.", valueName: "key[:s][:w]"))
  var accounts: [String] = []

  @Option(
    name: .customLong("signer"),
    help: ArgumentHelp("A key pair that signs besides the payer's.", valueName: "file"))
  var signers: [String] = []

  @OptionGroup var budget: BudgetOptions
  @OptionGroup var ledger: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    guard let bytes = Hex.decode(data) else { throw CLIError.notHex(data) }
    let payer = try ledger.payer()
    var pairs = [payer] + (try signers.map { try KeyPairFile.read($0) })
    var metas: [AccountMeta] = []
    for text in accounts {
      let account = try NamedAccount(text)
      metas.append(account.meta)
      if let pair = account.pair { pairs.append(pair) }
    }
    let program = try LedgerOptions.key(programID)
    let instructions =
      [Instruction(programID: program, accounts: metas, data: bytes)] + budget.requested.instructions
    let chain = try ledger.host()
    let sent = try chain.submit(instructions, signers: pairs)
    try output.print(sent) {
      let result = sent.result
      return
        (result.logLines
        + (result.returnData.map { ["return data: \(Hex.encode($0.data))"] } ?? [])
        + ["\(result.computeUnits) compute units, fee \(result.fee) lamports"])
        .joined(separator: "\n")
    }
  }
}

/// `KEY[:s][:w]`
private struct NamedAccount {
  let meta: AccountMeta
  /// Where KEY is the file of a key pair that signs.
  let pair: Ed25519.KeyPair?

  init(_ text: String) throws {
    var name = Substring(text)
    var (signs, writable) = (false, false)
    while name.hasSuffix(":s") || name.hasSuffix(":w") {
      if name.hasSuffix(":s") { signs = true } else { writable = true }
      name = name.dropLast(2)
    }
    let key = try LedgerOptions.key(String(name))
    meta = AccountMeta(key: key, isSigner: signs, isWritable: writable)
    pair = signs && Base58.decode(name)?.count != 32 ? try KeyPairFile.read(String(name)) : nil
  }
}
