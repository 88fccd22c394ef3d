import ArgumentParser
import Contracts
import Estuary

struct EVMEstimateVerb: TakesAnyText {
  static let flags: Set<String> = ["--force"]

  static let configuration = CommandConfiguration(
    commandName: "estimate", abstract: "Find the smallest gas limit with which a transaction succeeds.",
    discussion: """
      Takes what 'evm send' takes, and sends nothing. The limit is exact: one less fails. With --gas-limit it tells whether \
      that one suffices.
      """)

  @OptionGroup var subject: CallOptions
  @OptionGroup var sender: SenderOptions
  @OptionGroup var message: MessageOptions
  @OptionGroup var sending: SendingOptions
  @OptionGroup var interface: InterfaceOptions
  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let abi = try interface.read()
    let sending = ContractSending(
      sender: sender, message: message, sending: sending, ledger: ledger, output: output, abi: abi)
    let request = try sending.request(to: try subject.call.address(), data: try subject.call.input(abi).data)
    try sending.estimate(request, on: try ledger.openForReading())
  }
}
