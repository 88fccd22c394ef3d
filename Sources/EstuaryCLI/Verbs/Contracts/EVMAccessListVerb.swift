import ArgumentParser
import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

struct EVMAccessListVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "access-list", abstract: "Find the accounts and slots that a call or a transaction uses.",
    discussion: """
      Takes what 'evm call' takes, or a signed transaction with --transaction. The answer holds for the next block of the \
      ledger, or for the first of --genesis: executed there with that access set it does the same. Its JSON is printed for \
      one that fails, too.
      """)

  @Argument(help: ArgumentHelp("The contract.", valueName: "address"))
  var target: String?

  @Argument(
    help: ArgumentHelp("The function, as in transfer(address,uint256).", valueName: "signature"))
  var signature: String?

  @Argument(help: ArgumentHelp("Its arguments.", valueName: "argument"))
  var arguments: [String] = []

  @Option(help: ArgumentHelp("The whole input, in place of function and arguments.", valueName: "hex"))
  var data: String?

  @Option(help: ArgumentHelp("A signed transaction.", valueName: "hex"))
  var transaction: String?

  @Option(help: ArgumentHelp("The genesis of a replay, in place of a ledger.", valueName: "genesis.json"))
  var genesis: String?

  @OptionGroup var sender: SenderOptions
  @OptionGroup var message: MessageOptions
  @OptionGroup var overrides: OverrideOptions
  @OptionGroup var interface: InterfaceOptions
  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (transaction == nil) == (target == nil) {
      throw ValidationError("name a contract and what to call, or give --transaction")
    }
    if genesis != nil && ledger.url != nil { throw ValidationError("give one of --genesis and --url") }
    if data != nil && signature != nil { throw ValidationError("give --data, or a signature and arguments") }
  }

  func run() throws {
    let abi = try interface.read()
    let subject = try transaction.map { try signed($0) } ?? call(abi)
    let overrides = try overrides.read()
    let access = ContractAccess(try host().accesses(of: subject, overrides), abi: abi)
    if output.json { Terminal.write(access.json) } else { print(access.text) }
    if let failure = access.failure { throw ContractError.reverted(reason: "it would fail: \(failure)") }
  }

  private func signed(_ text: String) throws -> ContractAccess.Subject {
    .signed(try EthereumTransaction(decoding: try EthereumText.bytes(text, option: "--transaction")))
  }

  private func call(_ abi: ContractABI) throws -> ContractAccess.Subject {
    let call = ContractCall(target: target ?? "", signature: signature, arguments: arguments, data: data)
    let (to, input) = (try call.address(), try call.input(abi).data)
    return .call(try ContractMessage(message, from: try sender.address(), to: to, data: input))
  }

  private func host() throws -> any ContractHost {
    guard let genesis else { return try ledger.hostForReading() }
    return LedgerContracts(try Chain.open(genesisFile: genesis), name: genesis)
  }
}
