// Ethereum's blocks as the store keeps them: headers, bodies and receipts by number, found by the hashes of blocks and
// transactions; which blocks have logs of an address or with a topic; and which trie nodes each block replaced.
//
//   family            key                                      value
//   settings          "ethereum-head"                          number (8) · hash (32) of the last block
//   ethereum-blocks   number (8) · 0                           hash (32) · total difficulty (32) · header, RLP
//                     number (8) · 1                           [[transaction…], [ommer…], [withdrawal…]?], RLP
//                     number (8) · 2                           [[receipt, sender, [line…]?]…], RLP, receipts as their trie has
//                                                              them; lines, where there are any, are what programs logged
//   ethereum-index    "h" · hash of a block                    number (8)
//                     "t" · hash of a transaction              number (8) · index (4)
//                     "n" · height (8) of the ledger's block   number (8) of Ethereum's block that it is as well
//                     "a" · address (20) · number (8)          nothing: the block has logs of this address
//                     "p" · place (1) · topic (32) · number    nothing: it has logs with this topic at that place
//                     "r" · number (8)                         keys of trie nodes that it replaced, each behind its length
//                     "o" · number (8)                         root (32) of the state that the block begins with, where that
//                                                              is not the state after the one before (Chain+Overrides.swift)
//   trie-nodes        node's key                               number (8) of the block that wrote it · node
//
// Numbers are big-endian, so that keys are in the order of blocks.

import EVM
import Ledger
import Primitives
import WideIntegers

/// Reads from any thread, as of the store's last commit.
package struct EthereumArchive: Sendable {
  /// A header with what is known of it besides.
  package struct StoredHeader: Sendable, Equatable {
    package var header: EthereumHeader
    package var hash: Hash
    /// Of the chain up to and with this block.
    package var totalDifficulty: UInt256
  }

  package struct StoredReceipt: Sendable, Equatable {
    package var receipt: EthereumReceipt
    package var sender: Address
    /// What programs logged that contracts called.
    package var programLogs: [String] = []
  }

  /// How many blocks before the last keep the nodes of their states.
  package static let keptStates: UInt64 = 1024

  let store: any AccountStore
  /// The same of this one.
  var keptStates = EthereumArchive.keptStates

  package init(store: any AccountStore) { self.store = store }

  // MARK: Blocks

  /// The last block; `nil` where the ledger has none of Ethereum's yet.
  package func head() throws(StoreError) -> StoredHeader? {
    guard let value = try store.value(.settings, Key.head) else { return nil }
    guard value.count == 40, let hash = Hash(value[8...]), let head = try header(Self.number(value[..<8]))
    else { throw damaged("the head of Ethereum's chain") }
    guard head.hash == hash else { throw damaged("the header of Ethereum's block \(head.header.number)") }
    return head
  }

  package func header(_ number: UInt64) throws(StoreError) -> StoredHeader? {
    guard let value = try store.value(.ethereumBlocks, Key.block(number, .header)) else { return nil }
    guard value.count > 64, let hash = Hash(value[..<32]),
      let difficulty = UInt256(bigEndian: value[32..<64]),
      let header = try? EthereumHeader(decoding: Array(value[64...])), header.number == number
    else { throw damaged("the header of Ethereum's block \(number)") }
    return StoredHeader(header: header, hash: hash, totalDifficulty: difficulty)
  }

  /// The number of the block with that hash.
  package func number(of hash: Hash) throws(StoreError) -> UInt64? {
    guard let value = try store.value(.ethereumIndex, Key.blockHash(hash)) else { return nil }
    guard value.count == 8 else { throw damaged("the index of Ethereum's blocks") }
    return Self.number(value[...])
  }

  package func block(_ number: UInt64) throws(StoreError) -> EthereumBlock? {
    guard let header = try header(number)?.header else { return nil }
    guard let value = try store.value(.ethereumBlocks, Key.block(number, .body)),
      let block = try? EthereumBlock(header: header, body: value)
    else { throw damaged("the body of Ethereum's block \(number)") }
    return block
  }

  /// One a transaction of the block, in order.
  package func receipts(_ number: UInt64) throws(StoreError) -> [StoredReceipt]? {
    guard let value = try store.value(.ethereumBlocks, Key.block(number, .receipts)) else { return nil }
    guard let receipts = try? Self.receipts(value) else {
      throw damaged("the receipts of Ethereum's block \(number)")
    }
    return receipts
  }

  private static func receipts(_ value: [UInt8]) throws -> [StoredReceipt] {
    try value.withUnsafeBytes { bytes in
      var reader = RLPReader(bytes)
      var list = try reader.readList()
      try reader.expectEnd()
      var receipts: [StoredReceipt] = []
      while !list.isAtEnd {
        var entry = try list.readList()
        let receipt = try EthereumReceipt(decoding: Array(try entry.readBytes()))
        var stored = StoredReceipt(receipt: receipt, sender: try entry.readAddress())
        if !entry.isAtEnd {
          var lines = try entry.readList()
          while !lines.isAtEnd { stored.programLogs.append(String(decoding: try lines.readBytes(), as: UTF8.self)) }
        }
        try entry.expectEnd()
        receipts.append(stored)
      }
      return receipts
    }
  }

  /// The number of Ethereum's block that the ledger's block `height` is as well; `nil` where it is none.
  package func number(ofHeight height: UInt64) throws(StoreError) -> UInt64? {
    guard let value = try store.value(.ethereumIndex, Key.height(height)) else { return nil }
    guard value.count == 8 else { throw damaged("the index of Ethereum's blocks") }
    return Self.number(value[...])
  }

  static func heightEntry(_ height: UInt64, number: UInt64) -> StoreEntry {
    StoreEntry(.ethereumIndex, Key.height(height), Key.bytes(number))
  }

  /// Where the transaction with that hash is.
  package func place(ofTransaction hash: Hash) throws(StoreError) -> (number: UInt64, index: Int)? {
    guard let value = try store.value(.ethereumIndex, Key.transaction(hash)) else { return nil }
    guard value.count == 12 else { throw damaged("the index of Ethereum's transactions") }
    return (Self.number(value[..<8]), Int(Self.number(value[8...])))
  }

  /// The root of the state that the block `number` begins with, or would; `nil` where there is no block before it.
  package func rootBefore(_ number: UInt64) throws(StoreError) -> Hash? {
    if let value = try store.value(.ethereumIndex, Key.beginning(number)) {
      guard let root = Hash(value) else { throw damaged("the state before Ethereum's block \(number)") }
      return root
    }
    return number == 0 ? nil : try header(number - 1)?.header.stateRoot
  }

  static func beginningEntry(_ number: UInt64, root: Hash) -> StoreEntry {
    StoreEntry(.ethereumIndex, Key.beginning(number), root.bytes)
  }

  func damaged(_ what: String) -> StoreError {
    .corrupted(path: (store as? RocksDBStore)?.path ?? "memory", detail: "\(what) is malformed or missing")
  }

  // MARK: Trie nodes

  static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

  /// The keys of trie nodes that a block replaced.
  func replacedNodes(_ number: UInt64) throws(StoreError) -> [[UInt8]] {
    guard var rest = try store.value(.ethereumIndex, Key.replaced(number))?[...] else { return [] }
    var keys: [[UInt8]] = []
    while let count = rest.popFirst() {
      guard rest.count >= Int(count) else { throw damaged("the list of trie nodes of block \(number)") }
      keys.append(Array(rest.prefix(Int(count))))
      rest = rest.dropFirst(Int(count))
    }
    return keys
  }

  // MARK: Keys

  enum Part: UInt8 { case header, body, receipts }

  enum Key {
    static let head = Array("ethereum-head".utf8)

    static func block(_ number: UInt64, _ part: Part) -> [UInt8] { bytes(number) + [part.rawValue] }
    static func blockHash(_ hash: Hash) -> [UInt8] { [UInt8(ascii: "h")] + hash.bytes }
    static func height(_ height: UInt64) -> [UInt8] { [UInt8(ascii: "n")] + bytes(height) }
    static func transaction(_ hash: Hash) -> [UInt8] { [UInt8(ascii: "t")] + hash.bytes }
    static func address(_ address: Address) -> [UInt8] { [UInt8(ascii: "a")] + address.bytes }
    static func topic(_ place: Int, _ topic: Hash) -> [UInt8] {
      [UInt8(ascii: "p"), UInt8(truncatingIfNeeded: place)] + topic.bytes
    }
    static func replaced(_ number: UInt64) -> [UInt8] { [UInt8(ascii: "r")] + bytes(number) }
    static func beginning(_ number: UInt64) -> [UInt8] { [UInt8(ascii: "o")] + bytes(number) }
    static func bytes(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
  }
}

// MARK: Writing

extension EthereumArchive {
  /// What a block leaves in the store, its trie nodes aside; `transactions` are the encodings of its own.
  static func entries(
    _ block: EthereumBlock, hash: Hash, totalDifficulty: UInt256, transactions: [[UInt8]],
    receipts: [StoredReceipt]
  ) -> [StoreEntry] {
    let number = block.header.number
    let place = Key.bytes(number)
    var entries = [
      StoreEntry(.settings, Key.head, place + hash.bytes),
      StoreEntry(
        .ethereumBlocks, Key.block(number, .header),
        hash.bytes + totalDifficulty.bigEndianBytes + block.header.encoded),
      StoreEntry(.ethereumBlocks, Key.block(number, .body), block.encodedBody(transactions)),
      StoreEntry(.ethereumBlocks, Key.block(number, .receipts), encode(receipts)),
      StoreEntry(.ethereumIndex, Key.blockHash(hash), place),
    ]
    for (index, transaction) in transactions.enumerated() {
      let at = withUnsafeBytes(of: UInt32(truncatingIfNeeded: index).bigEndian) { Array($0) }
      entries.append(
        StoreEntry(.ethereumIndex, Key.transaction(Keccak256.hash(transaction)), place + at))
    }
    for log in receipts.lazy.flatMap(\.receipt.logs) {
      entries.append(StoreEntry(.ethereumIndex, Key.address(log.address) + place, []))
      for (index, topic) in log.topics.enumerated() {
        entries.append(StoreEntry(.ethereumIndex, Key.topic(index, topic) + place, []))
      }
    }
    return entries
  }

  private static func encode(_ receipts: [StoredReceipt]) -> [UInt8] {
    var writer = RLPWriter(capacity: 256 * receipts.count)
    writer.writeList { writer in
      for entry in receipts {
        writer.writeList { writer in
          writer.write(entry.receipt.encoded)
          writer.write(entry.sender)
          if entry.programLogs.isEmpty { return }
          writer.writeList { writer in
            for line in entry.programLogs { writer.write(Array(line.utf8)) }
          }
        }
      }
    }
    return writer.bytes
  }

  /// What the block `number` does to the trie nodes of the store; those that it alone replaced go when no state that is
  /// kept has them.
  func entries(_ batch: TrieBatch, number: UInt64) throws(StoreError) -> [StoreEntry] {
    var entries: [StoreEntry] = []
    if number >= keptStates {
      let old = number - keptStates
      for key in try replacedNodes(old) {
        // A node that came back after that block has a later number, and is live or on a later list.
        guard let value = try store.value(.trieNodes, key), value.count > 8 else { continue }
        if Self.number(value[..<8]) <= old { entries.append(StoreEntry(.trieNodes, key, nil)) }
      }
      entries.append(StoreEntry(.ethereumIndex, Key.replaced(old), nil))
    }
    let place = Key.bytes(number)
    var written: Set<TrieNodeKey> = []
    for node in batch.newNodes {
      written.insert(node.key)
      entries.append(StoreEntry(.trieNodes, node.key.bytes, place + node.encoding))
    }
    var list: [UInt8] = []
    for node in batch.oldNodes where !written.contains(node) {
      let key = node.bytes
      // At most 97.
      list.append(UInt8(key.count))
      list += key
    }
    if !list.isEmpty {
      // What was replaced before the block began counts as replaced by it.
      let earlier = try store.value(.ethereumIndex, Key.replaced(number)) ?? []
      entries.append(StoreEntry(.ethereumIndex, Key.replaced(number), earlier + list))
    }
    return entries
  }
}

/// The committed nodes of a store.
struct StoredTrieNodes: TrieNodeSource {
  let store: any AccountStore

  func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? {
    let value: [UInt8]?
    do throws(StoreError) { value = try store.value(.trieNodes, key) } catch {
      throw .store(error.description)
    }
    return value.map { Array($0.dropFirst(8)) }
  }
}
