// Values, blocks, transactions and receipts as Ethereum's JSON has them
// (https://github.com/ethereum/execution-apis, src/schemas).

import EVM
import Ledger
import Primitives
import WideIntegers

package enum EthereumForm {
  /// `0x` and digits without leading zeros.
  package static func quantity(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
  package static func quantity(_ number: Int) -> String { quantity(UInt64(clamping: number)) }
  package static func quantity(_ number: UInt256) -> String { number.description }
  /// `0x` and two digits a byte.
  package static func data(_ bytes: [UInt8]) -> String { "0x" + Hex.encode(bytes) }
  package static func hash(_ hash: Hash) -> String { data(hash.bytes) }
  /// 32 bytes.
  package static func word(_ number: UInt256) -> String { data(number.bigEndianBytes) }
}

extension JSONWriter {
  package mutating func quantity(_ name: String, _ number: UInt64) {
    member(name, EthereumForm.quantity(number))
  }
  package mutating func quantity(_ name: String, _ number: Int) {
    member(name, EthereumForm.quantity(number))
  }
  package mutating func quantity(_ name: String, _ number: UInt256) { member(name, number.description) }
  package mutating func data(_ name: String, _ bytes: [UInt8]) { member(name, EthereumForm.data(bytes)) }
  package mutating func hash(_ name: String, _ hash: Hash) { member(name, EthereumForm.hash(hash)) }
  package mutating func address(_ name: String, _ address: Address) { member(name, address.description) }
  package mutating func address(_ name: String, orNull address: Address?) {
    if let address { member(name, address.description) } else { memberNull(name) }
  }
}

// MARK: Blocks

extension EthereumForm {
  /// The members of a header.
  ///
  /// - Parameters:
  ///   - hash: `nil` for a block that is not made yet, which has no hash, no nonce and no fee recipient.
  ///   - hasBloom: false for explorers, which get null in its place.
  package static func writeMembers(
    of header: EthereumHeader, hash: Hash?, hasBloom: Bool = true, to writer: inout JSONWriter
  ) {
    writer.quantity("number", header.number)
    if let hash {
      writer.hash("hash", hash)
      writer.data("nonce", withUnsafeBytes(of: header.nonce.bigEndian) { Array($0) })
      writer.address("miner", header.coinbase)
    } else {
      for name in ["hash", "nonce", "miner"] { writer.memberNull(name) }
    }
    writer.hash("parentHash", header.parentHash)
    writer.hash("mixHash", header.mixHash)
    writer.hash("sha3Uncles", header.ommersHash)
    if hasBloom { writer.data("logsBloom", header.bloom.bytes) } else { writer.memberNull("logsBloom") }
    writer.hash("stateRoot", header.stateRoot)
    writer.quantity("difficulty", header.difficulty)
    writer.data("extraData", header.extraData)
    writer.quantity("gasLimit", header.gasLimit)
    writer.quantity("gasUsed", header.gasUsed)
    writer.quantity("timestamp", header.timestamp)
    writer.hash("transactionsRoot", header.transactionsRoot)
    writer.hash("receiptsRoot", header.receiptsRoot)
    if let fee = header.baseFeePerGas { writer.quantity("baseFeePerGas", fee) }
    if let root = header.withdrawalsRoot { writer.hash("withdrawalsRoot", root) }
    if let gas = header.blobGasUsed { writer.quantity("blobGasUsed", gas) }
    if let gas = header.excessBlobGas { writer.quantity("excessBlobGas", gas) }
    if let root = header.parentBeaconBlockRoot { writer.hash("parentBeaconBlockRoot", root) }
    if let hash = header.requestsHash { writer.hash("requestsHash", hash) }
  }

  /// The members of a block but for those of its header and its transactions.
  package static func writeBodyMembers(of block: EthereumBlock, to writer: inout JSONWriter) {
    writer.quantity("size", block.encoded.count)
    writer.key("uncles")
    writer.array { writer in for ommer in block.ommers { writer.value(hash(ommer.hash)) } }
    if let withdrawals = block.withdrawals { write(withdrawals, to: &writer) }
  }

  /// The member "withdrawals" (EIP-4895).
  package static func write(_ withdrawals: [EVMWithdrawal], to writer: inout JSONWriter) {
    writer.key("withdrawals")
    writer.array { writer in
      for withdrawal in withdrawals {
        writer.object { writer in
          writer.quantity("index", withdrawal.index)
          writer.quantity("validatorIndex", withdrawal.validatorIndex)
          writer.address("address", withdrawal.address)
          writer.quantity("amount", withdrawal.amount)
        }
      }
    }
  }
}

// MARK: Transactions

extension EthereumForm {
  /// Where a transaction stands.
  package struct TransactionPlace: Sendable {
    package var blockHash: Hash
    package var blockNumber: UInt64
    package var timestamp: UInt64
    package var index: Int
    /// Wei; `nil` before London.
    package var baseFeePerGas: UInt256?

    package init(_ record: EthereumTransactionRecord) {
      self.init(record.block.header, hash: record.block.hash, index: record.index)
    }

    package init(_ header: EthereumHeader, hash: Hash, index: Int) {
      (blockHash, blockNumber, timestamp) = (hash, header.number, header.timestamp)
      (self.index, baseFeePerGas) = (index, header.baseFeePerGas)
    }
  }

  /// - Parameter place: `nil` for a transaction that waits.
  package static func write(
    _ transaction: EthereumTransaction, hash: Hash, sender: Address, at place: TransactionPlace?,
    to writer: inout JSONWriter
  ) {
    writer.object { writer in
      if let place {
        writer.hash("blockHash", place.blockHash)
        writer.quantity("blockNumber", place.blockNumber)
        writer.quantity("blockTimestamp", place.timestamp)
        writer.quantity("transactionIndex", place.index)
      } else {
        for name in ["blockHash", "blockNumber", "blockTimestamp", "transactionIndex"] {
          writer.memberNull(name)
        }
      }
      writer.address("from", sender)
      writer.quantity("gas", transaction.gasLimit)
      writer.quantity("gasPrice", price(of: transaction, at: place))
      writer.hash("hash", hash)
      writer.data("input", transaction.data)
      writer.quantity("nonce", transaction.nonce)
      writer.address("to", orNull: transaction.to)
      writer.quantity("value", transaction.value)
      writer.quantity("type", UInt64(transaction.kind.rawValue))
      writeTypedMembers(of: transaction, to: &writer)
      writer.quantity(
        "v",
        transaction.kind == .legacy
          ? transaction.legacyV : UInt256(UInt64(transaction.signature.yParity)))
      writer.quantity("r", transaction.signature.r)
      writer.quantity("s", transaction.signature.s)
    }
  }

  private static func price(of transaction: EthereumTransaction, at place: TransactionPlace?) -> UInt256 {
    guard let baseFee = place?.baseFeePerGas else { return transaction.maxFeePerGas }
    return min(transaction.maxFeePerGas, baseFee.addingSaturated(transaction.maxPriorityFeePerGas))
  }

  private static func writeTypedMembers(of transaction: EthereumTransaction, to writer: inout JSONWriter) {
    if let chainID = transaction.chainID { writer.quantity("chainId", chainID) }
    if transaction.kind == .legacy { return }
    writer.key("accessList")
    write(transaction.accessList, to: &writer)
    writer.quantity("yParity", UInt64(transaction.signature.yParity))
    if transaction.kind == .accessList { return }
    writer.quantity("maxFeePerGas", transaction.maxFeePerGas)
    writer.quantity("maxPriorityFeePerGas", transaction.maxPriorityFeePerGas)
    if transaction.kind == .blob {
      writer.quantity("maxFeePerBlobGas", transaction.maxFeePerBlobGas)
      writer.key("blobVersionedHashes")
      writer.array { writer in for item in transaction.blobVersionedHashes { writer.value(hash(item)) } }
    }
    if transaction.kind == .setCode {
      writer.key("authorizationList")
      writer.array { writer in
        for authorization in transaction.authorizations {
          writer.object { writer in
            writer.quantity("chainId", authorization.chainID)
            writer.address("address", authorization.address)
            writer.quantity("nonce", authorization.nonce)
            writer.quantity("yParity", UInt64(authorization.signature.yParity))
            writer.quantity("r", authorization.signature.r)
            writer.quantity("s", authorization.signature.s)
          }
        }
      }
    }
  }

  package static func write(_ accessList: [AccessListEntry], to writer: inout JSONWriter) {
    writer.array { writer in
      for entry in accessList {
        writer.object { writer in
          writer.address("address", entry.address)
          writer.key("storageKeys")
          writer.array { writer in for key in entry.storageKeys { writer.value(hash(key)) } }
        }
      }
    }
  }

  // MARK: Receipts

  /// The members of eth_getTransactionReceipt.
  ///
  /// - Parameters:
  ///   - blobBaseFee: wei a unit of blob gas in its block.
  ///   - hasLogs: false for explorers, which get null in their place and in the bloom's.
  ///   - hasTimestamp: whether the block's is told besides.
  package static func writeReceipt(
    of record: EthereumTransactionRecord, blobBaseFee: UInt256?, hasLogs: Bool = true,
    hasTimestamp: Bool = false, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.hash("transactionHash", record.hash)
      writer.quantity("transactionIndex", record.index)
      writer.hash("blockHash", record.block.hash)
      writer.quantity("blockNumber", record.block.header.number)
      writer.address("from", record.sender)
      writer.address("to", orNull: record.transaction.to)
      writer.quantity("cumulativeGasUsed", record.receipt.cumulativeGasUsed)
      writer.quantity("gasUsed", record.gasUsed)
      writer.quantity("effectiveGasPrice", record.effectiveGasPrice)
      writer.address("contractAddress", orNull: record.contractAddress)
      if hasLogs {
        writer.key("logs")
        writer.array { writer in
          for (place, log) in record.receipt.logs.enumerated() {
            write(log, LogPlace(record, logIndex: record.firstLogIndex + place), to: &writer)
          }
        }
        writer.data("logsBloom", LogsBloom(record.receipt.logs).bytes)
      } else {
        for name in ["logs", "logsBloom"] { writer.memberNull(name) }
      }
      if hasTimestamp { writer.quantity("timestamp", record.block.header.timestamp) }
      writer.quantity("type", UInt64(record.transaction.kind.rawValue))
      switch record.receipt.outcome {
      case .status(let isSuccess): writer.quantity("status", isSuccess ? 1 : 0)
      case .stateRoot(let root): writer.hash("root", root)
      }
      if record.transaction.kind == .blob, let blobBaseFee {
        writer.quantity("blobGasUsed", record.transaction.blobGas)
        writer.quantity("blobGasPrice", blobBaseFee)
      }
    }
  }

  /// Where a log stands.
  package struct LogPlace: Sendable {
    package var blockHash: Hash
    package var blockNumber: UInt64
    package var timestamp: UInt64
    package var transactionHash: Hash
    package var transactionIndex: Int
    /// In the block.
    package var logIndex: Int

    package init(
      _ header: EthereumHeader, hash: Hash, transactionHash: Hash, transactionIndex: Int, logIndex: Int
    ) {
      (blockHash, blockNumber, timestamp) = (hash, header.number, header.timestamp)
      (self.transactionHash, self.transactionIndex) = (transactionHash, transactionIndex)
      self.logIndex = logIndex
    }

    init(_ record: EthereumTransactionRecord, logIndex: Int) {
      self.init(
        record.block.header, hash: record.block.hash, transactionHash: record.hash,
        transactionIndex: record.index, logIndex: logIndex)
    }
  }

  /// - Parameter isRemoved: whether its block is no longer one of the chain's.
  package static func write(
    _ log: EVMLog, _ place: LogPlace, isRemoved: Bool = false, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.address("address", log.address)
      writer.key("topics")
      writer.array { writer in for topic in log.topics { writer.value(hash(topic)) } }
      writer.data("data", log.data)
      writer.hash("blockHash", place.blockHash)
      writer.quantity("blockNumber", place.blockNumber)
      writer.quantity("blockTimestamp", place.timestamp)
      writer.hash("transactionHash", place.transactionHash)
      writer.quantity("transactionIndex", place.transactionIndex)
      writer.quantity("logIndex", place.logIndex)
      writer.member("removed", isRemoved)
    }
  }
}
