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

  /// What `encoded` wrote.
  package init(decoding bytes: [UInt8]) throws(ReceiptDecodingError) {
    self = try bytes.withUnsafeBufferPointer { bytes throws(ReceiptDecodingError) in
      var raw = UnsafeRawBufferPointer(bytes)
      var kind = EthereumTransaction.Kind.legacy
      if let first = raw.first, first < RLP.emptyList {
        guard let typed = EthereumTransaction.Kind(rawValue: first), typed != .legacy else {
          throw .unknownType(first)
        }
        kind = typed
        raw = UnsafeRawBufferPointer(rebasing: raw.dropFirst())
      }
      return try Self.read(kind, raw)
    }
  }

  private static func read(
    _ kind: EthereumTransaction.Kind, _ bytes: UnsafeRawBufferPointer
  ) throws(ReceiptDecodingError) -> EthereumReceipt {
    let bloom: LogsBloom
    let receipt: EthereumReceipt
    do throws(RLPError) {
      var reader = RLPReader(bytes)
      var fields = try reader.readList()
      try reader.expectEnd()
      let first = try fields.readBytes()
      let outcome: Outcome
      switch first.count {
      case 0: outcome = .status(isSuccess: false)
      case 1 where first[0] == 1: outcome = .status(isSuccess: true)
      case 32: outcome = .stateRoot(Hash(Array(first)) ?? .zero)
      default: throw .invalidByteCount(offset: 0, expected: 32, found: first.count)
      }
      let gas = try fields.readUInt64()
      let offset = fields.offset
      let filter = try fields.readBytes()
      guard filter.count == LogsBloom.byteCount else {
        throw .invalidByteCount(offset: offset, expected: LogsBloom.byteCount, found: filter.count)
      }
      bloom = LogsBloom(bytes: Array(filter))
      var list = try fields.readList()
      var logs: [EVMLog] = []
      while !list.isAtEnd { logs.append(try EVMLog(reading: &list)) }
      try fields.expectEnd()
      receipt = EthereumReceipt(kind: kind, outcome: outcome, cumulativeGasUsed: gas, logs: logs)
    } catch { throw .rlp(error) }
    guard bloom == LogsBloom(receipt.logs) else { throw .wrongBloom }
    return receipt
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

/// Why bytes are no receipt.
package enum ReceiptDecodingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Of an envelope (EIP-2718).
  case unknownType(UInt8)
  case rlp(RLPError)
  /// The filter is not that of the logs.
  case wrongBloom

  package var description: String {
    switch self {
    case .unknownType(let type): "receipt of unknown type \(type)"
    case .rlp(let error): "malformed receipt: \(error)"
    case .wrongBloom: "the receipt's bloom filter is not that of its logs"
    }
  }
}
