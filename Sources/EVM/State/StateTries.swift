// Ethereum's state trie with the storage tries below it, as a block changes them: from the accounts and slots that changed
// to a root and to the nodes that the store has to write. A value, as the tries are: a block that is not committed leaves
// the one before as it was.

import Primitives
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

    package init(address: Address) { self.address = address }
  }

  /// How much of the tries stays in memory.
  package struct Memory: Sendable {
    /// Nodes above these depths, in nibbles, of the state trie and of storage tries.
    package var stateDepth = 4
    package var storageDepth = 2
    /// Storage tries that changed last: about so many, at most twice as many and a block's.
    package var storageCount = 4096

    package init() {}

    /// All that was ever passed.
    package static var everything: Memory {
      var memory = Memory()
      (memory.stateDepth, memory.storageDepth, memory.storageCount) = (64, 64, .max)
      return memory
    }
  }

  private static let noStorage = [StorageCache](repeating: StorageCache(), count: 16)

  private let source: any TrieNodeSource
  private let memory: Memory
  private var accounts: IncrementalTrie
  /// By the first nibble of the hashed address, at which threads share out the work.
  private var storage = noStorage

  package var root: Hash { accounts.root }

  /// The tries of a root that `source` has.
  package init(
    root: Hash = MerklePatriciaTrie.emptyRoot, source: any TrieNodeSource, memory: Memory = Memory()
  ) {
    (self.source, self.memory) = (source, memory)
    accounts = IncrementalTrie(root: root, source: source, cachedDepth: memory.stateDepth)
  }

  /// The account as the state trie has it.
  package func account(_ address: Address) throws(TrieError) -> TrieAccount? {
    try accounts.account(at: MerklePatriciaTrie.hashed(address))
  }

  /// Makes a block's changes, each address once, in any order.
  ///
  /// - Returns: what the store has to write, and may delete once no earlier root is wanted.
  /// - Throws: when a node cannot be read; the tries then have the root that they had, and all nodes are the store's to
  ///   give.
  package mutating func apply(
    _ changes: [Change], parallelFor: ParallelFor = IncrementalTrie.serial
  ) throws(TrieError) -> TrieBatch {
    for nibble in storage.indices { storage[nibble].makeRoom(memory.storageCount / storage.count) }
    do throws(TrieError) {
      var batch = TrieBatch()
      var leaves = [TrieChanges](repeating: TrieChanges(), count: 16)
      let keys = Keccak256.hashes(of: changes.map(\.address))
      // Accounts with many slots keep all threads busy one after the other, the others beside each other.
      for index in changes.indices where Self.isLarge(changes[index]) {
        let part = takePart(of: keys[index].nibble(0)..<keys[index].nibble(0) + 1)
        part.places.append(index)
        part.change(changes, keys, after: accounts, parallelFor)
        try take(part, &batch, &leaves)
      }
      let parts = parts(of: changes, keys)
      Self.change(parts, changes, keys, after: accounts, parallelFor)
      for part in parts { try take(part, &batch, &leaves) }
      batch.append(try accounts.apply(cut: leaves, parallelFor: parallelFor))
      return batch
    } catch {
      storage = Self.noStorage
      accounts.forgetNodes()
      throw error
    }
  }

  private static func isLarge(_ change: Change) -> Bool { change.slots.count >= 1024 }

  /// The accounts by their keys' first nibbles, in as many parts as leave each enough of them to hash side by side.
  private mutating func parts(of changes: [Change], _ keys: [Hash]) -> [Part] {
    var count = 16
    while count > 1, changes.count < count * Part.groupCount { count /= 2 }
    let nibbleCount = 16 / count
    let parts = (0..<count).map { takePart(of: $0 * nibbleCount..<($0 + 1) * nibbleCount) }
    for index in changes.indices where !Self.isLarge(changes[index]) {
      parts[keys[index].nibble(0) / nibbleCount].places.append(index)
    }
    return parts
  }

  private mutating func takePart(of nibbles: Range<Int>) -> Part {
    let part = Part(nibbles, Array(storage[nibbles]), source: source, memory: memory)
    // The part alone holds what it changes.
    for nibble in nibbles { storage[nibble] = StorageCache() }
    return part
  }

  private mutating func take(
    _ part: Part, _ batch: inout TrieBatch, _ leaves: inout [TrieChanges]
  ) throws(TrieError) {
    batch.append(try part.outcome.get())
    for nibble in part.nibbles {
      storage[nibble] = part.takeStorage(nibble)
      // One array is its part's, which is not copied.
      if leaves[nibble].isEmpty {
        leaves[nibble] = part.takeLeaves(nibble)
      } else {
        leaves[nibble].append(part.takeLeaves(nibble))
      }
    }
  }

  private static func change(
    _ parts: [Part], _ changes: [Change], _ keys: [Hash], after accounts: IncrementalTrie,
    _ parallelFor: ParallelFor
  ) {
    parallelFor(parts.count) { parts[$0].change(changes, keys, after: accounts) }
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

  private func storageTrie(_ key: Hash, _ account: TrieAccount?) -> IncrementalTrie {
    IncrementalTrie(root: account?.storageRoot ?? MerklePatriciaTrie.emptyRoot, owner: key, source: source)
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

extension IncrementalTrie {
  /// The account at a hashed address of the state trie.
  func account(at key: Hash) throws(TrieError) -> TrieAccount? {
    guard let leaf = try value(of: key) else { return nil }
    guard let account = TrieAccount(decoding: leaf) else {
      throw .damagedNode(owner: .zero, path: [], hash: key)
    }
    return account
  }
}
