// What became of a transaction that `deploy` or `send` was asked for, as JSON and for people.

import Contracts
import EVM
import Estuary
import Primitives
import WideIntegers

struct ContractOutcome {
  private let execution: ContractExecution
  private let transaction: EthereumTransaction
  private let sender: Address
  /// Of the block that holds it; `nil` where it was tried out and not sent.
  private let blockNumber: UInt64?
  private let abi: ContractABI
  /// Why the execution failed, read by the interface; `nil` where it did not.
  let failure: String?

  init(
    _ execution: ContractExecution, of transaction: EthereumTransaction, from sender: Address,
    blockNumber: UInt64? = nil, abi: ContractABI
  ) {
    (self.execution, self.transaction, self.sender) = (execution, transaction, sender)
    (self.blockNumber, self.abi) = (blockNumber, abi)
    failure = abi.failure(of: execution)
  }

  private var hash: String? { blockNumber.map { _ in EthereumText.hex(transaction.hash.bytes) } }
  /// What was tried out has left none.
  private var logs: [EVMLog] { blockNumber == nil ? [] : execution.logs }

  /// One line.
  var json: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("transactionHash", orNull: hash)
    writer.member("status", execution.failure == nil ? 1 : 0)
    writer.member("contractAddress", orNull: execution.contractAddress?.checksummed)
    if let gasUsed = execution.gasUsed {
      writer.member("gasUsed", gasUsed)
    } else {
      writer.memberNull("gasUsed")
    }
    if let blockNumber { writer.member("blockNumber", blockNumber) } else { writer.memberNull("blockNumber") }
    writer.key("logs")
    writer.array { writer in
      for log in logs {
        writer.object { writer in
          writer.member("address", log.address.description)
          writer.key("topics")
          writer.array { writer in for topic in log.topics { writer.value(EthereumText.hex(topic.bytes)) } }
          writer.member("data", EthereumText.hex(log.data))
          if let event = abi.decode(topics: log.topics, data: log.data) {
            writer.member("event", event.description)
          }
        }
      }
    }
    writer.member("revertReason", orNull: failure)
    writer.endObject()
    writer.newline()
    return writer.bytes
  }

  var text: String {
    var rows = [("transactionHash", hash ?? "")]
    rows.append(("status", execution.failure == nil ? "1 (success)" : "0 (failed: \(failure ?? ""))"))
    if let blockNumber { rows.append(("blockNumber", "\(blockNumber)")) }
    rows.append(("from", sender.checksummed))
    if let target = transaction.to { rows.append(("to", target.checksummed)) }
    if let contractAddress = execution.contractAddress {
      rows.append(("contractAddress", contractAddress.checksummed))
    }
    rows.append(("gasUsed", "\(execution.gasUsed ?? 0) of \(transaction.gasLimit)"))
    rows.append(("effectiveGasPrice", Ether.text(execution.effectiveGasPrice)))
    for (index, log) in logs.enumerated() {
      rows.append(("log \(index)", "\(log.address.checksummed) \(CallTree.text(of: log, abi))"))
    }
    return Rows.text(rows)
  }
}

/// Names and values in two columns, as cast prints receipts.
enum Rows {
  static func text(_ rows: [(name: String, value: String)]) -> String {
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { $0.name + String(repeating: " ", count: width - $0.name.count + 2) + $0.value }
      .joined(separator: "\n")
  }
}
