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
    EthereumForm.writeMembers(of: stored.header, hash: stored.hash, to: &writer)
    writer.quantity("totalDifficulty", stored.totalDifficulty)
    writer.key("transactions")
    writer.array { writer in
      for transaction in transactions { writer.value(EthereumForm.hash(transaction.hash)) }
    }
  }
}
