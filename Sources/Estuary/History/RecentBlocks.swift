// The blockhashes that a transaction of the next block may name, and the signatures that have used one of them already.
// A blockhash holds for 150 blocks after the one that follows it, as in Agave (runtime/src/bank.rs, MAX_PROCESSING_AGE;
// accounts-db/src/blockhash_queue.rs): 151 of them hold at any time, the head's among them. A signature of a block whose
// own blockhash has passed named one that passed before it, so it is forgotten with it.

import Ledger
import Primitives

package struct RecentBlocks: Sendable {
  /// The most blocks by which the last one may be ahead of the one whose blockhash a transaction names.
  package static let maximumAge: UInt64 = 150

  private struct Entry {
    var blockhash: Hash
    /// Of the last block that left it: a replay's blocks all leave the same.
    var height: UInt64
    var signatures: [Signature]
  }

  /// Oldest first.
  private var entries: [Entry] = []
  /// Those that hold beside the last one.
  private(set) var earlierBlockhashes: Set<Hash> = []

  init() {}

  /// The blocks of `store` up to its head.
  init(of store: any AccountStore, head: BlockRecord) throws(StoreError) {
    var records = [head]
    var count: UInt64 = 1
    while let oldest = records.last, oldest.height > 0, let record = try store.block(oldest.height - 1) {
      if record.blockhash != oldest.blockhash { count += 1 }
      if count > Self.maximumAge + 1 { break }
      records.append(record)
    }
    for record in records.reversed() { append(record) }
  }

  /// Takes in the next block.
  ///
  /// - Returns: signatures that may come again, because nobody can name their blockhash any more.
  @discardableResult
  mutating func append(_ record: BlockRecord) -> [Signature] {
    if let last = entries.last {
      if last.blockhash == record.blockhash {
        entries[entries.count - 1].height = record.height
        entries[entries.count - 1].signatures += record.signatures
        return []
      }
      earlierBlockhashes.insert(last.blockhash)
    }
    entries.append(
      Entry(blockhash: record.blockhash, height: record.height, signatures: record.signatures))
    guard entries.count > Int(Self.maximumAge) + 1 else { return [] }
    let oldest = entries.removeFirst()
    earlierBlockhashes.remove(oldest.blockhash)
    return oldest.signatures
  }

  /// Of all blocks that still count.
  var signatures: some Sequence<Signature> { entries.lazy.flatMap(\.signatures) }

  /// The height of the last block after which a transaction that names `blockhash` can still be executed in the next one;
  /// `nil` where it has passed or never was.
  package func lastValidBlockHeight(of blockhash: Hash) -> UInt64? {
    guard entries.last?.blockhash == blockhash || earlierBlockhashes.contains(blockhash) else { return nil }
    return entries.last { $0.blockhash == blockhash }.map { $0.height &+ Self.maximumAge }
  }
}
