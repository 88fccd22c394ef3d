// One of Ethereum's blocks as JSON, members as eth_getBlockByNumber names them, transactions by their hashes
// (https://ethereum.org/en/developers/docs/apis/json-rpc/).

import EVM
import Estuary
import Primitives
import WideIntegers

enum EthereumBlockJSON {
  static func write(
    _ stored: EthereumArchive.StoredHeader, _ transactions: [EthereumTransactionRecord],
    to writer: inout JSONWriter
  ) {
    let header = stored.header
    func quantity(_ name: String, _ value: UInt64) { writer.member(name, UInt256(value).description) }
    func hash(_ name: String, _ value: Hash) { writer.member(name, "0x" + Hex.encode(value.bytes)) }
    quantity("number", header.number)
    hash("hash", stored.hash)
    hash("parentHash", header.parentHash)
    hash("sha3Uncles", header.ommersHash)
    writer.member("miner", header.coinbase.description)
    hash("stateRoot", header.stateRoot)
    hash("transactionsRoot", header.transactionsRoot)
    hash("receiptsRoot", header.receiptsRoot)
    writer.member("logsBloom", "0x" + Hex.encode(header.bloom.bytes))
    writer.member("difficulty", header.difficulty.description)
    writer.member("totalDifficulty", stored.totalDifficulty.description)
    quantity("gasLimit", header.gasLimit)
    quantity("gasUsed", header.gasUsed)
    quantity("timestamp", header.timestamp)
    writer.member("extraData", "0x" + Hex.encode(header.extraData))
    hash("mixHash", header.mixHash)
    writer.member("nonce", "0x" + Hex.encode(withUnsafeBytes(of: header.nonce.bigEndian) { Array($0) }))
    if let fee = header.baseFeePerGas { writer.member("baseFeePerGas", fee.description) }
    if let root = header.withdrawalsRoot { hash("withdrawalsRoot", root) }
    if let gas = header.blobGasUsed { quantity("blobGasUsed", gas) }
    if let gas = header.excessBlobGas { quantity("excessBlobGas", gas) }
    if let root = header.parentBeaconBlockRoot { hash("parentBeaconBlockRoot", root) }
    if let root = header.requestsHash { hash("requestsHash", root) }
    writer.key("transactions")
    writer.array { writer in
      for transaction in transactions { writer.value("0x" + Hex.encode(transaction.hash.bytes)) }
    }
  }
}
