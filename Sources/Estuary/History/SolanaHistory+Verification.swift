// What `ledger verify` proves of the history of Solana's transactions.

import Ledger
import Primitives

extension SolanaHistory {
  /// Reads all of it: each block's transactions are those whose signatures its record has, and every index leads to one of
  /// them and to nothing else.
  ///
  /// - Returns: how many transactions there are.
  package func verify() throws(StoreError) -> UInt64 {
    var blocks: [(slot: UInt64, height: UInt64)] = []
    var indexCount: UInt64 = 0
    try store.forEachEntry(.solanaIndex, from: []) { (key, value) throws(StoreError) in
      indexCount += 1
      if key.first == Index.slot.rawValue {
        blocks.append((Self.integer(key.dropFirst()), Self.integer(value)))
      }
      return true
    }
    var (count, expectedCount): (UInt64, UInt64) = (0, UInt64(blocks.count))
    for (slot, height) in blocks {
      let stored = try transactions(height)
      guard let record = try store.block(height), record.slot == slot,
        stored.map({ Self.signature(of: $0) }) == record.signatures.map(Optional.some)
      else { throw damaged("block \(height)") }
      for (position, transaction) in stored.enumerated() {
        let place = Place(height: height, position: UInt32(position))
        for (key, value) in Self.indices(of: transaction, at: place) {
          guard try store.value(.solanaIndex, key) == value else {
            throw damaged("an index of transaction \(position) of block \(height)")
          }
          expectedCount += 1
        }
      }
      count += UInt64(stored.count)
    }
    guard indexCount == expectedCount else { throw damaged("an index that leads nowhere") }
    return count
  }

  private static func signature(of stored: StoredTransaction) -> Signature? {
    (try? Transaction.decode(stored.wire))?.firstSignature
  }
}
