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
    let chain = try ledger.openForReading()
    guard let record = try chain.ethereumArchive.transaction(hash) else {
      throw ContractError.noReceipt(hash)
    }
    let blobBaseFee = try EthereumLedger(chain.store)?.environment(of: record.block).blobBaseFee
    output.print(text: Self.text(record, abi)) {
      EthereumForm.writeReceipt(of: record, blobBaseFee: blobBaseFee, to: &$0)
    }
  }

  private static func text(_ record: EthereumTransactionRecord, _ abi: ContractABI) -> String {
    var rows = [("transactionHash", EthereumText.hex(record.hash.bytes))]
    if let isSuccess = record.isSuccess { rows.append(("status", isSuccess ? "1 (success)" : "0 (failed)")) }
    rows.append(("blockNumber", "\(record.block.header.number)"))
    rows.append(("blockHash", EthereumText.hex(record.block.hash.bytes)))
    rows.append(("transactionIndex", "\(record.index)"))
    rows.append(("type", "\(record.transaction.kind.rawValue)"))
    rows.append(("from", record.sender.checksummed))
    if let target = record.transaction.to { rows.append(("to", target.checksummed)) }
    if let address = record.contractAddress { rows.append(("contractAddress", address.checksummed)) }
    rows.append(("gasUsed", "\(record.gasUsed) of \(record.transaction.gasLimit)"))
    rows.append(("cumulativeGasUsed", "\(record.receipt.cumulativeGasUsed)"))
    rows.append(("effectiveGasPrice", Ether.text(record.effectiveGasPrice)))
    for (index, log) in record.receipt.logs.enumerated() {
      rows.append(("log \(index)", "\(log.address.checksummed) \(CallTree.text(of: log, abi))"))
    }
    return Rows.text(rows)
  }
}
