// What a block keeps of a transaction's execution (Yellow Paper section 4.3.1; EIP-658 from Byzantium on, EIP-2718's
// envelope), in the form whose trie's root the header holds.

import Primitives
import WideIntegers

package struct EthereumReceipt: Equatable, Sendable {
  package enum Outcome: Equatable, Sendable {
    /// From Byzantium on.
    case status(isSuccess: Bool)
    /// Before: the state's root after the transaction.
    case stateRoot(Hash)
  }

  package var kind: EthereumTransaction.Kind
  package var outcome: Outcome
  /// Of this and all transactions before it in the block.
  package var cumulativeGasUsed: UInt64
  package var logs: [EVMLog]

  package init(
    kind: EthereumTransaction.Kind, outcome: Outcome, cumulativeGasUsed: UInt64, logs: [EVMLog]
  ) {
    (self.kind, self.outcome, self.cumulativeGasUsed, self.logs) = (kind, outcome, cumulativeGasUsed, logs)
  }

  /// An item of `MerklePatriciaTrie.listRoot`.
  package var encoded: [UInt8] {
    var writer = RLPWriter(capacity: 300)
    if kind != .legacy { writer.writeType(kind.rawValue) }
    writer.writeList { writer in
      switch outcome {
      case .status(let isSuccess): writer.write(UInt64(isSuccess ? 1 : 0))
      case .stateRoot(let root): writer.write(root)
      }
      writer.write(cumulativeGasUsed)
      writer.write(LogsBloom(logs).bytes)
      writer.writeList { writer in for log in logs { log.write(to: &writer) } }
    }
    return writer.bytes
  }
}
