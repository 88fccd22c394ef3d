import ArgumentParser
import Estuary

struct EVMEstimateVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "estimate", abstract: "Find the smallest gas limit with which a transaction succeeds.",
    discussion: """
      Takes what 'evm send' takes, and sends nothing. The limit is exact: one less fails. With --gas-limit it tells whether \
      that one suffices.
      """)

  @OptionGroup var subject: CallOptions
  @OptionGroup var interface: InterfaceOptions
  @OptionGroup var sending: ContractSending

  func run() throws {
    let request = try sending.request(subject, interface)
    try sending.estimate(request, on: try sending.ledger.hostForReading())
  }
}
