// The tries that a block's header commits to (Yellow Paper sections 4.1 and 4.3): state and storage, whose keys are
// hashed, and the lists of transactions, receipts and withdrawals, whose keys are the RLP of their places.

import Primitives
import WideIntegers

/// An account as the state trie holds it.
package struct TrieAccount: Equatable, Sendable {
  package var nonce: UInt64
  /// Wei.
  package var balance: UInt256
  package var storageRoot: Hash
  package var codeHash: Hash

  /// Keccak-256 of no bytes.
  package static let emptyCodeHash = Keccak256.hash([UInt8]())

  package init(
    nonce: UInt64, balance: UInt256, storageRoot: Hash = MerklePatriciaTrie.emptyRoot,
    codeHash: Hash = emptyCodeHash
  ) {
    (self.nonce, self.balance, self.storageRoot, self.codeHash) = (nonce, balance, storageRoot, codeHash)
  }

  /// Where the storage root is in `encoded`, counted from its end: behind it comes the code's hash, with its header.
  static let storageRootFromEnd = 33..<65

  /// What `encoded` wrote; `nil` for other bytes.
  package init?(decoding bytes: [UInt8]) {
    let read = try? bytes.withUnsafeBytes { bytes in
      var reader = RLPReader(bytes)
      var fields = try reader.readList()
      try reader.expectEnd()
      let account = TrieAccount(
        nonce: try fields.readUInt64(), balance: try fields.readUInt256(), storageRoot: try fields.readHash(),
        codeHash: try fields.readHash())
      try fields.expectEnd()
      return account
    }
    guard let read else { return nil }
    self = read
  }

  package var encoded: [UInt8] {
    var writer = RLPWriter(capacity: 110)
    encode(to: &writer)
    return writer.bytes
  }

  func encode(to writer: inout RLPWriter) {
    writer.writeList { writer in
      writer.write(nonce)
      writer.write(balance)
      writer.write(storageRoot)
      writer.write(codeHash)
    }
  }
}

extension MerklePatriciaTrie {
  /// The root over accounts in any order; all that are given count, empty ones too.
  package static func stateRoot(_ accounts: some Collection<(address: Address, account: TrieAccount)>) -> Hash
  {
    var trie = MerklePatriciaTrie()
    trie.reserve(count: accounts.count, valueByteCount: 80)
    let keys = Keccak256.hashes(of: accounts.map(\.address))
    for ((_, account), key) in zip(accounts, keys) { trie.insert(key: key) { account.encode(to: &$0) } }
    return trie.root
  }

  /// The root over an account's slots in any order; slots of value 0 are not there.
  package static func storageRoot(_ slots: some Collection<(slot: UInt256, value: UInt256)>) -> Hash {
    storageRoots(of: CollectionOfOne(slots))[0]
  }

  /// The same of several accounts.
  package static func storageRoots(
    of storages: some Collection<some Collection<(slot: UInt256, value: UInt256)>>
  ) -> [Hash] {
    var forest = MerklePatriciaForest(count: storages.count)
    let count = storages.reduce(0) { $0 + $1.count }
    forest.reserve(count: count, valueByteCount: 33)
    var slots: [Hash] = []
    slots.reserveCapacity(count)
    for storage in storages { for (slot, _) in storage { slots.append(Hash(slot)) } }
    var keys = Keccak256.hashes(of: slots).makeIterator()
    for (trie, storage) in storages.enumerated() {
      for (_, value) in storage {
        guard let key = keys.next(), !value.isZero else { continue }
        forest.insert(key: key, in: trie) { $0.write(value) }
      }
    }
    return forest.roots
  }

  /// The root over a list, its items encoded already.
  package static func listRoot(_ items: [[UInt8]]) -> Hash {
    var trie = MerklePatriciaTrie()
    for (index, item) in items.enumerated() {
      var key = RLPWriter(capacity: 9)
      key.write(UInt64(index))
      trie.insert(key: key.bytes, value: item)
    }
    return trie.root
  }

  /// An address's key in the state trie.
  package static func hashed(_ address: Address) -> Hash {
    withUnsafeBytes(of: address) { Keccak256.hash($0) }
  }

  /// A slot's key in a storage trie.
  package static func hashed(_ slot: UInt256) -> Hash {
    let bytes = Hash(slot)
    return withUnsafeBytes(of: bytes) { Keccak256.hash($0) }
  }
}
