import ArgumentParser
import Estuary

struct EVMSendVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "send", abstract: "Send a transaction to a contract, or ether to anybody.",
    discussion: """
      Spelled as cast spells it: estuary evm send 0x… "transfer(address,uint256)" 0x… 7. Without a signature it is a \
      transfer of --value. It is tried out first: one that would fail is not sent, and it gets the smallest gas limit that \
      does.
      """)

  @OptionGroup var subject: CallOptions
  @OptionGroup var interface: InterfaceOptions
  @OptionGroup var sending: ContractSending

  func run() throws {
    let request = try sending.request(subject, interface)
    try sending.send(request, on: try sending.ledger.host())
  }
}
