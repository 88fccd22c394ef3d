// Ethereum's state trie with the storage tries below it, as a block changes them: from the accounts and slots that changed
// to a root and to the nodes that the store has to write. A value, as the tries are: a block that is not committed leaves
// the one before as it was.

import Primitives
import Synchronization
import WideIntegers

package struct StateTries: Sendable {
  /// What a block changed of one account.
  package struct Change: Sendable {
    package enum Leaf: Sendable {
      /// Its slots alone changed.
      case same
      case account(EVMAccount)
      case gone
    }

    package var address: Address
    package var leaf = Leaf.same
    /// The storage there was before is gone: the account was destroyed and may be another one now.
    package var resetsStorage = false
    /// Each slot once; 0 removes it.
    package var slots: [(slot: UInt256, value: UInt256)] = []
    /// Slots of a storage that is gone, all of them: their nodes go with it.
    package var goneSlots: [UInt256] = []

    package init(address: Address) { self.address = address }
  }

  /// Nodes above these depths stay in memory.
  private static let stateDepth = 4
  private static let storageDepth = 2
  /// Storage tries whose upper nodes stay in memory.
  private static let storageLimit = 2048

  private let source: any TrieNodeSource
  private var accounts: IncrementalTrie
  private var storage: [Address: IncrementalTrie] = [:]

  package var root: Hash { accounts.root }

  /// The tries of a root that `source` has.
  package init(root: Hash = MerklePatriciaTrie.emptyRoot, source: any TrieNodeSource) {
    self.source = source
    accounts = IncrementalTrie(root: root, source: source, cachedDepth: Self.stateDepth)
  }

  /// The account as the state trie has it.
  package func account(_ address: Address) throws(TrieError) -> TrieAccount? {
    let key = MerklePatriciaTrie.hashed(address)
    guard let leaf = try accounts.value(of: key) else { return nil }
    guard let account = TrieAccount(decoding: leaf) else {
      throw .damagedNode(owner: .zero, path: [], hash: key)
    }
    return account
  }

  /// Makes a block's changes, each address once, in any order.
  ///
  /// - Returns: what the store has to write, and may delete once no earlier root is wanted.
  package mutating func apply(
    _ changes: [Change], parallelFor: ParallelFor = IncrementalTrie.serial
  ) throws(TrieError) -> TrieBatch {
    if storage.count > Self.storageLimit { storage = [:] }
    let results = Results(count: changes.count)
    let before = self
    parallelFor(changes.count) { index in
      results.set(index, Result { () throws(TrieError) in try before.part(changes[index]) })
    }
    var batch = TrieBatch()
    var leaves: [TrieChange] = []
    leaves.reserveCapacity(changes.count)
    for (change, result) in zip(changes, results.all) {
      guard let part = try result?.get() else { continue }
      batch.append(part.batch)
      leaves.append(TrieChange(key: part.key, value: part.leaf))
      storage[change.address] = part.leaf == nil ? nil : part.storage
    }
    batch.append(try accounts.apply(leaves, parallelFor: parallelFor))
    return batch
  }

  private struct Part: Sendable {
    var key: Hash
    var leaf: [UInt8]?
    /// Where it changed or is known.
    var storage: IncrementalTrie?
    var batch = TrieBatch()
  }

  /// One account's leaf and storage trie.
  private func part(_ change: Change) throws(TrieError) -> Part {
    var part = Part(key: MerklePatriciaTrie.hashed(change.address), storage: storage[change.address])
    var old: TrieAccount?
    var isSame = false
    if case .same = change.leaf { isSame = true }
    if isSame || part.storage == nil { old = try account(change.address) }
    if change.resetsStorage {
      part.batch = try goneNodes(change, part.key, part.storage, old)
      part.storage = nil
      old?.storageRoot = MerklePatriciaTrie.emptyRoot
    }
    if !change.slots.isEmpty {
      var trie = part.storage ?? storageTrie(part.key, old)
      part.batch.append(try trie.apply(change.slots.map { Self.leaf(slot: $0.slot, value: $0.value) }))
      part.storage = trie
    }
    let root = part.storage?.root ?? old?.storageRoot ?? MerklePatriciaTrie.emptyRoot
    switch change.leaf {
    case .gone: break
    case .same:
      guard var account = old else { break }
      account.storageRoot = root
      part.leaf = account.encoded
    case .account(let account):
      part.leaf =
        TrieAccount(
          nonce: account.nonce, balance: account.balance, storageRoot: root, codeHash: account.codeHash
        ).encoded
    }
    return part
  }

  /// What the store may forget of a storage that is gone.
  private func goneNodes(
    _ change: Change, _ key: Hash, _ known: IncrementalTrie?, _ old: TrieAccount?
  ) throws(TrieError) -> TrieBatch {
    var trie = known ?? storageTrie(key, old)
    let batch = try trie.apply(change.goneSlots.map { Self.leaf(slot: $0, value: .zero) })
    return trie.root == MerklePatriciaTrie.emptyRoot ? batch.withoutNewNodes : TrieBatch()
  }

  private func storageTrie(_ key: Hash, _ account: TrieAccount?) -> IncrementalTrie {
    IncrementalTrie(
      root: account?.storageRoot ?? MerklePatriciaTrie.emptyRoot, owner: key, source: source,
      cachedDepth: Self.storageDepth)
  }

  private static func leaf(slot: UInt256, value: UInt256) -> TrieChange {
    var writer = RLPWriter(capacity: 33)
    writer.write(value)
    return TrieChange(key: MerklePatriciaTrie.hashed(slot), value: value.isZero ? nil : writer.bytes)
  }

  private final class Results: Sendable {
    private let slots: Mutex<[Result<Part, TrieError>?]>

    init(count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }

    func set(_ index: Int, _ result: sending Result<Part, TrieError>) {
      slots.withLock { $0[index] = result }
    }

    var all: [Result<Part, TrieError>?] { slots.withLock { $0 } }
  }
}

// MARK: Proofs

/// An account and slots of it with the trie nodes that prove them against a state root (EIP-1186).
package struct StateProof: Sendable {
  package struct Slot: Sendable {
    package var slot: UInt256
    package var value: UInt256
    package var nodes: [[UInt8]]
  }

  package var address: Address
  /// `nil`: the nodes prove that there is none.
  package var account: TrieAccount?
  package var nodes: [[UInt8]]
  package var slots: [Slot]
}

extension StateTries {
  /// Proves an account and some of its slots.
  package func proof(of address: Address, slots: [UInt256]) throws(TrieError) -> StateProof {
    let key = MerklePatriciaTrie.hashed(address)
    let account = try account(address)
    var proof = StateProof(address: address, account: account, nodes: try accounts.proof(of: key), slots: [])
    let trie = storageTrie(key, account)
    for slot in slots {
      let place = MerklePatriciaTrie.hashed(slot)
      proof.slots.append(
        StateProof.Slot(
          slot: slot, value: try value(in: trie, at: place), nodes: try trie.proof(of: place)))
    }
    return proof
  }

  /// The value of a slot; 0 where there is none.
  package func storage(_ address: Address, slot: UInt256) throws(TrieError) -> UInt256 {
    let trie = storageTrie(MerklePatriciaTrie.hashed(address), try account(address))
    return try value(in: trie, at: MerklePatriciaTrie.hashed(slot))
  }

  private func value(in trie: IncrementalTrie, at key: Hash) throws(TrieError) -> UInt256 {
    guard let leaf = try trie.value(of: key) else { return .zero }
    let value = try? leaf.withUnsafeBytes { bytes in
      var reader = RLPReader(bytes)
      return try reader.readUInt256()
    }
    guard let value else { throw .damagedNode(owner: .zero, path: [], hash: key) }
    return value
  }
}
