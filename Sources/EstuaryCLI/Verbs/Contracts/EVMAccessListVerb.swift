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
    if data != nil && signature != nil { throw ValidationError("give --data, or a signature and arguments") }
  }

  func run() throws {
    let abi = try interface.read()
    let (emulation, from, to) = try transaction.map { try run(raw: $0) } ?? run(call: abi)
    let access = ContractAccess(emulation, from: from, to: to, abi: abi)
    if output.json { Terminal.write(access.json) } else { print(access.text) }
    if let failure = access.failure { throw ContractError.reverted(reason: "it would fail: \(failure)") }
  }

  private typealias Run = (Emulation, from: Address, to: Address?)

  private func run(raw: String) throws -> Run {
    let bytes = try EthereumText.bytes(raw, option: "--transaction")
    let transaction = try EthereumTransaction(decoding: bytes)
    let emulator = try emulator()
    let sender = try transaction.recoverSender(fork: emulator.block.fork)
    return (try emulate(transaction, sender, emulator, checks: .all), sender, transaction.to)
  }

  /// As `send` would send it where the sender can pay for that, else as `call` calls.
  private func run(call abi: ContractABI) throws -> Run {
    let call = ContractCall(target: target ?? "", signature: signature, arguments: arguments, data: data)
    let (to, input) = (try call.address(), try call.input(abi).data)
    let from = try sender.address()
    let message = try ContractMessage(message, from: from, to: to, data: input)
    let emulator = try emulator()
    var transaction = message.transaction(in: emulator)
    transaction.nonce = try emulator.account(from)?.nonce ?? 0
    let balance = try emulator.account(from)?.balance ?? .zero
    let pays = transaction.maximumCost.map { $0 <= balance } ?? false
    return (try emulate(transaction, from, emulator, checks: pays ? .all : .none), from, to)
  }

  private func emulate(
    _ transaction: EthereumTransaction, _ sender: Address, _ emulator: Emulator,
    checks: EVMTransactionProcessor.Checks
  ) throws -> Emulation {
    do throws(EmulationError) { return try emulator.run(transaction, from: sender, checks: checks) } catch {
      guard case .refused(let reason) = error else { throw error }
      throw ContractError.refused(reason.explained(transaction, from: sender, in: emulator.block))
    }
  }

  private func emulator() throws -> Emulator {
    let overrides = try overrides.read()
    guard let genesis else {
      return try ledger.emulator(of: try ledger.openForReading(), overrides: overrides)
    }
    guard let emulator = try Chain.open(genesisFile: genesis).emulator(overrides: overrides) else {
      throw ContractError.noEthereum(ledger: genesis)
    }
    return emulator
  }
}
