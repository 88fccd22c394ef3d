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
    guard let record = try ledger.openForReading().ethereumArchive.transaction(hash) else {
      throw ContractError.noReceipt(hash)
    }
    output.print(text: Self.text(record, abi)) { Self.write(record, to: &$0) }
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

  private static func write(_ record: EthereumTransactionRecord, to writer: inout JSONWriter) {
    func quantity(_ name: String, _ number: UInt64) {
      writer.member(name, EthereumText.quantity(UInt256(number)))
    }
    let block = (hash: EthereumText.hex(record.block.hash.bytes), number: record.block.header.number)
    writer.beginObject()
    writer.member("transactionHash", EthereumText.hex(record.hash.bytes))
    quantity("transactionIndex", UInt64(record.index))
    writer.member("blockHash", block.hash)
    quantity("blockNumber", block.number)
    writer.member("from", record.sender.description)
    writer.member("to", orNull: record.transaction.to?.description)
    quantity("cumulativeGasUsed", record.receipt.cumulativeGasUsed)
    quantity("gasUsed", record.gasUsed)
    writer.member("effectiveGasPrice", EthereumText.quantity(record.effectiveGasPrice))
    writer.member("contractAddress", orNull: record.contractAddress?.description)
    writer.key("logs")
    writer.array { writer in
      for (place, log) in record.receipt.logs.enumerated() {
        writer.object { writer in
          writer.member("address", log.address.description)
          writer.key("topics")
          writer.array { writer in for topic in log.topics { writer.value(EthereumText.hex(topic.bytes)) } }
          writer.member("data", EthereumText.hex(log.data))
          writer.member("blockHash", block.hash)
          writer.member("blockNumber", EthereumText.quantity(UInt256(block.number)))
          writer.member("transactionHash", EthereumText.hex(record.hash.bytes))
          writer.member("transactionIndex", EthereumText.quantity(UInt256(UInt64(record.index))))
          writer.member("logIndex", EthereumText.quantity(UInt256(UInt64(record.firstLogIndex + place))))
          writer.member("removed", false)
        }
      }
    }
    writer.member("logsBloom", EthereumText.hex(LogsBloom(record.receipt.logs).bytes))
    quantity("type", UInt64(record.transaction.kind.rawValue))
    if let isSuccess = record.isSuccess { quantity("status", isSuccess ? 1 : 0) }
    writer.endObject()
  }
}
