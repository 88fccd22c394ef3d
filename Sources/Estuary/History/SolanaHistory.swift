// The history of Solana's transactions: what was in each block and what came of it, found by signature, by address and by
// slot. A ledger that keeps its transactions writes it in the batch of the block itself, so that what is committed can be
// looked up, and lets go of it after a number of blocks.
//
//   family           key                                                    value
//   solana-blocks    height (8) · 2 · position (4)                          StoredTransaction
//                    height (8) · 4                                         where one of Ethereum's stands before one of Solana's:
//                                                                           how many of Solana's, of Ethereum's, of Solana's …
//                                                                           follow each other in the block, 4 bytes each
//   solana-index     0 · signature (64)                                     height (8) · position (4)
//                    1 · address (32) · ~height (8) · ~position (4)         signature (64)
//                    2 · slot (8)                                           height (8)
//
// Numbers in keys and values are big-endian; positions count the block's processed transactions from 0; complements make
// the newest come first. Reads may come from any thread.

import Ledger
import Primitives

package struct SolanaHistory: Sendable {
  /// Blocks that are kept unless a chain says otherwise: 400 ms each, more than four days.
  package static let defaultBlockCount: UInt64 = 1 << 20

  let store: any AccountStore

  package init(of store: any AccountStore) { self.store = store }

  /// Where a transaction stands.
  package struct Place: Sendable, Hashable, Comparable {
    package var height: UInt64
    package var position: UInt32

    package init(height: UInt64, position: UInt32) { (self.height, self.position) = (height, position) }

    package static func < (left: Place, right: Place) -> Bool {
      (left.height, left.position) < (right.height, right.position)
    }
  }

  // MARK: Keys

  enum Index: UInt8 { case signature, address, slot }

  private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }

  private static func transactionKey(_ place: Place) -> [UInt8] {
    bigEndian(place.height) + [2] + bigEndian(place.position)
  }

  private static func orderKey(_ height: UInt64) -> [UInt8] { bigEndian(height) + [4] }

  private static func signatureKey(_ signature: Signature) -> [UInt8] {
    [Index.signature.rawValue] + signature.bytes
  }

  private static func addressKey(_ address: Pubkey, _ place: Place) -> [UInt8] {
    [Index.address.rawValue] + address.bytes + bigEndian(~place.height) + bigEndian(~place.position)
  }

  private static func slotKey(_ slot: UInt64) -> [UInt8] { [Index.slot.rawValue] + bigEndian(slot) }

  static func integer<Value: FixedWidthInteger>(_ bytes: some Collection<UInt8>) -> Value {
    bytes.reduce(0) { $0 << 8 | Value($1) }
  }

  func damaged(_ what: String) -> StoreError {
    .corrupted(path: (store as? RocksDBStore)?.path ?? "memory", detail: "\(what) is malformed or missing")
  }

  // MARK: Writing

  /// What the batch of a block has for it.
  static func entries(_ record: BlockRecord, _ transactions: [StoredTransaction]) -> [StoreEntry] {
    var entries = [StoreEntry(.solanaIndex, slotKey(record.slot), bigEndian(record.height))]
    entries.reserveCapacity(1 + 6 * transactions.count)
    for (position, transaction) in transactions.enumerated() {
      let place = Place(height: record.height, position: UInt32(position))
      entries.append(StoreEntry(.solanaBlocks, transactionKey(place), transaction.encoded()))
      for (key, value) in indices(of: transaction, at: place) {
        entries.append(StoreEntry(.solanaIndex, key, value))
      }
    }
    return entries
  }

  /// The order of a block's transactions, where it is not Solana's and then Ethereum's.
  ///
  /// - Parameter runs: how many of Solana's, of Ethereum's, of Solana's … that the block keeps follow each other.
  static func orderEntry(_ record: BlockRecord, _ runs: [UInt32]) -> StoreEntry? {
    runs.count <= 2 ? nil : StoreEntry(.solanaBlocks, orderKey(record.height), runs.flatMap { bigEndian($0) })
  }

  /// What finds a transaction.
  static func indices(
    of transaction: StoredTransaction, at place: Place
  ) -> [(key: [UInt8], value: [UInt8])] {
    guard let decoded = try? Transaction.decode(transaction.wire), let signature = decoded.firstSignature
    else {
      return []
    }
    let loaded = transaction.details.loadedAddresses
    let keys = decoded.message.staticKeys + loaded.writable + loaded.readonly
    return [(signatureKey(signature), bigEndian(place.height) + bigEndian(place.position))]
      + keys.map { (addressKey($0, place), signature.bytes) }
  }

  /// What takes away the blocks that are more than `blockCount` behind `height`, a few at a time.
  func expired(before height: UInt64, keeping blockCount: UInt64) throws(StoreError) -> [StoreEntry] {
    guard height > blockCount else { return [] }
    var entries: [StoreEntry] = []
    var blocks: [(key: [UInt8], height: UInt64)] = []
    try store.forEachEntry(.solanaIndex, from: [Index.slot.rawValue]) { (key, value) throws(StoreError) in
      guard key.first == Index.slot.rawValue else { return false }
      let old: UInt64 = Self.integer(value)
      guard old <= height - blockCount, blocks.count < 2 else { return false }
      blocks.append((key, old))
      return true
    }
    for block in blocks {
      entries.append(StoreEntry(.solanaIndex, block.key, nil))
      entries.append(StoreEntry(.solanaBlocks, Self.orderKey(block.height), nil))
      for (position, transaction) in try transactions(block.height).enumerated() {
        let place = Place(height: block.height, position: UInt32(position))
        entries.append(StoreEntry(.solanaBlocks, Self.transactionKey(place), nil))
        for (key, _) in Self.indices(of: transaction, at: place) {
          entries.append(StoreEntry(.solanaIndex, key, nil))
        }
      }
    }
    return entries
  }

  // MARK: Reading

  /// The height of the block at `slot`; `nil` where there is none, or it is not kept any more.
  package func height(ofSlot slot: UInt64) throws(StoreError) -> UInt64? {
    if let value = try store.value(.solanaIndex, Self.slotKey(slot)) { return Self.integer(value) }
    return try genesis()?.slot == slot ? 0 : nil
  }

  /// What the ledger began with, which the index leaves out, as long as the blocks behind it are kept.
  private func genesis() throws(StoreError) -> BlockRecord? {
    guard let genesis = try store.block(0) else { return nil }
    var next: UInt64?
    try store.forEachEntry(.solanaIndex, from: [Index.slot.rawValue]) { (key, value) throws(StoreError) in
      if key.first == Index.slot.rawValue { next = Self.integer(value) }
      return false
    }
    // Between it and the first block there are settings of accounts alone, which have its slot.
    let last = if let next { next == 0 ? nil : try store.block(next - 1) } else { store.head }
    return last?.slot == genesis.slot ? genesis : nil
  }

  /// Slots that have blocks, from `first` on in ascending order.
  package func slots(from first: UInt64, through last: UInt64 = .max, limit: Int) throws(StoreError)
    -> [UInt64]
  {
    var slots: [UInt64] = []
    guard limit > 0 else { return [] }
    if let genesis = try genesis()?.slot, first <= genesis, genesis <= last {
      slots.append(genesis)
      if limit == 1 { return slots }
    }
    try store.forEachEntry(.solanaIndex, from: Self.slotKey(first)) { (key, _) throws(StoreError) in
      guard key.first == Index.slot.rawValue else { return false }
      let slot: UInt64 = Self.integer(key.dropFirst())
      guard slot <= last else { return false }
      slots.append(slot)
      return slots.count < limit
    }
    return slots
  }

  /// The record of the block at `height`.
  package func block(_ height: UInt64) throws(StoreError) -> BlockRecord? { try store.block(height) }

  /// The processed transactions of the block at `height`, in order; none where it is not kept.
  package func transactions(_ height: UInt64) throws(StoreError) -> [StoredTransaction] {
    let prefix = Array(Self.transactionKey(Place(height: height, position: 0)).dropLast(4))
    var transactions: [StoredTransaction] = []
    try store.forEachEntry(.solanaBlocks, from: prefix + [0, 0, 0, 0]) { (key, value) throws(StoreError) in
      guard key.starts(with: prefix) else { return false }
      guard let transaction = StoredTransaction(decoding: value) else {
        throw damaged("a transaction of block \(height)")
      }
      transactions.append(transaction)
      return true
    }
    return transactions
  }

  /// How many of Solana's processed transactions, of Ethereum's, of Solana's … follow each other in the block at `height`;
  /// `nil` where all of Solana's stand before Ethereum's.
  func order(_ height: UInt64) throws(StoreError) -> [Int]? {
    guard let value = try store.value(.solanaBlocks, Self.orderKey(height)) else { return nil }
    guard value.count % 4 == 0 else { throw damaged("the order of block \(height)") }
    return stride(from: 0, to: value.count, by: 4).map { Int(Self.integer(value[$0..<$0 + 4]) as UInt32) }
  }

  /// Where the transaction that is known by `signature` stands; `nil` where it was not processed or is not kept.
  package func place(of signature: Signature) throws(StoreError) -> Place? {
    guard let value = try store.value(.solanaIndex, Self.signatureKey(signature)) else { return nil }
    guard value.count == 12 else { throw damaged("the index of \(signature)") }
    return Place(height: Self.integer(value.prefix(8)), position: Self.integer(value.suffix(4)))
  }

  package func transaction(at place: Place) throws(StoreError) -> StoredTransaction? {
    guard let value = try store.value(.solanaBlocks, Self.transactionKey(place)) else { return nil }
    guard let transaction = StoredTransaction(decoding: value) else {
      throw damaged("the transaction \(place.position) of block \(place.height)")
    }
    return transaction
  }

  /// Transactions that name `address`, newest first.
  ///
  /// - Parameters:
  ///   - before: only those older than it.
  ///   - until: only those newer than it.
  package func places(
    of address: Pubkey, before: Place? = nil, until: Place? = nil, limit: Int
  ) throws(StoreError) -> [(place: Place, signature: Signature)] {
    var found: [(place: Place, signature: Signature)] = []
    guard limit > 0 else { return [] }
    let prefix = [Index.address.rawValue] + address.bytes
    let start = before.map { Self.addressKey(address, $0) } ?? prefix
    try store.forEachEntry(.solanaIndex, from: start) { (key, value) throws(StoreError) in
      guard key.starts(with: prefix) else { return false }
      guard key.count == 45, let signature = Signature(value) else {
        throw damaged("the index of \(address)")
      }
      let place = Place(
        height: ~Self.integer(key[33..<41]), position: ~Self.integer(key[41..<45]))
      if place == before { return true }
      if let until, place <= until { return false }
      found.append((place, signature))
      return found.count < limit
    }
    return found
  }
}
