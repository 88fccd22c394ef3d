import ArgumentParser
import Contracts
import Estuary

struct EVMSendVerb: TakesAnyText {
  static let flags: Set<String> = ["--force"]

  static let configuration = CommandConfiguration(
    commandName: "send", abstract: "Send a transaction to a contract, or ether to anybody.",
    discussion: """
      Spelled as cast spells it: estuary evm send 0x… "transfer(address,uint256)" 0x… 7. Without a signature it is a \
      transfer of --value. It is tried out first: one that would fail is not sent, and it gets the smallest gas limit that \
      does.
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
    try sending.send(request, on: try ledger.open())
  }
}
