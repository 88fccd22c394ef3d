// What a block holds of a transaction, for `evm receipt`: as eth_getTransactionReceipt names it, and for people.

import Contracts
import EVM
import Estuary
import Primitives
import RPCClient
import WideIntegers

struct ContractReceipt {
  let hash: Hash
  /// `nil` where the receipt has a state root instead.
  let isSuccess: Bool?
  let blockNumber: UInt64
  let blockHash: Hash
  /// In the block.
  let index: UInt64
  /// The transaction's type (EIP-2718).
  let type: UInt64
  let from: Address
  let to: Address?
  let contractAddress: Address?
  let gasUsed: UInt64
  let gasLimit: UInt64
  let cumulativeGasUsed: UInt64
  /// Wei.
  let effectiveGasPrice: UInt256
  let logs: [EVMLog]
  /// All of it, with the members of eth_getTransactionReceipt.
  let json: [UInt8]

  init(_ record: EthereumTransactionRecord, blobBaseFee: UInt256?) {
    (hash, isSuccess) = (record.hash, record.isSuccess)
    (blockNumber, blockHash) = (record.block.header.number, record.block.hash)
    (index, type) = (UInt64(record.index), UInt64(record.transaction.kind.rawValue))
    (from, to, contractAddress) = (record.sender, record.transaction.to, record.contractAddress)
    (gasUsed, gasLimit) = (record.gasUsed, record.transaction.gasLimit)
    cumulativeGasUsed = record.receipt.cumulativeGasUsed
    (effectiveGasPrice, logs) = (record.effectiveGasPrice, record.receipt.logs)
    var writer = JSONWriter()
    EthereumForm.writeReceipt(of: record, blobBaseFee: blobBaseFee, to: &writer)
    json = writer.bytes
  }

  /// Reads a node's answers.
  ///
  /// - Parameters:
  ///   - answer: to eth_getTransactionReceipt.
  ///   - gasLimit: the transaction's.
  init(_ answer: EthereumNode.Answer, gasLimit: UInt64) throws(RPCClientError) {
    hash = try answer.member("transactionHash").hash()
    isSuccess = try answer.optional("status").map { (status) throws(RPCClientError) in
      try status.number() == 1
    }
    (blockNumber, blockHash) = (
      try answer.member("blockNumber").number(), try answer.member("blockHash").hash()
    )
    index = try answer.member("transactionIndex").number()
    type = try answer.optional("type")?.number() ?? 0
    (from, to) = (try answer.member("from").address(), try answer.optional("to")?.address())
    contractAddress = try answer.optional("contractAddress")?.address()
    (gasUsed, self.gasLimit) = (try answer.member("gasUsed").number(), gasLimit)
    cumulativeGasUsed = try answer.member("cumulativeGasUsed").number()
    effectiveGasPrice = try answer.optional("effectiveGasPrice")?.quantity() ?? .zero
    logs = try answer.member("logs").logs()
    var writer = JSONWriter()
    writer.value(answer.value)
    json = writer.bytes
  }

  func text(_ abi: ContractABI) -> String {
    var rows = [("transactionHash", EthereumText.hex(hash.bytes))]
    if let isSuccess { rows.append(("status", isSuccess ? "1 (success)" : "0 (failed)")) }
    rows.append(("blockNumber", "\(blockNumber)"))
    rows.append(("blockHash", EthereumText.hex(blockHash.bytes)))
    rows.append(("transactionIndex", "\(index)"))
    rows.append(("type", "\(type)"))
    rows.append(("from", from.checksummed))
    if let to { rows.append(("to", to.checksummed)) }
    if let contractAddress { rows.append(("contractAddress", contractAddress.checksummed)) }
    rows.append(("gasUsed", "\(gasUsed) of \(gasLimit)"))
    rows.append(("cumulativeGasUsed", "\(cumulativeGasUsed)"))
    rows.append(("effectiveGasPrice", Ether.text(effectiveGasPrice)))
    for (index, log) in logs.enumerated() {
      rows.append(("log \(index)", "\(log.address.checksummed) \(CallTree.text(of: log, abi))"))
    }
    return Rows.text(rows)
  }
}
