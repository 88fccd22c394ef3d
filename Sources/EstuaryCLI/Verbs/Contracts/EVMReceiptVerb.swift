import ArgumentParser
import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

struct EVMReceiptVerb: TakesAnyText {
  static let configuration = CommandConfiguration(
    commandName: "receipt", abstract: "Show what became of a transaction.",
    discussion: "The JSON has the names of eth_getTransactionReceipt.")

  @Argument(help: ArgumentHelp("The transaction's hash.", valueName: "hash"))
  var hash: String

  @OptionGroup var interface: InterfaceOptions
  @OptionGroup var ledger: EthereumLedgerOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let hash = try EthereumText.hash(hash)
    let abi = try interface.read()
    let host = try ledger.hostForReading()
    guard let receipt = try host.receipt(of: hash) else {
      throw ContractError.noReceipt(hash, place: host.place)
    }
    output.print(text: receipt.text(abi)) { $0.value(rawJSON: receipt.json) }
  }
}
