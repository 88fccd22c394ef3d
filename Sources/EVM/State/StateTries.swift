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
    /// Storage tries that changed last: at least so many, at most twice as many and a block's.
    package var storageCount = 4096

    package init() {}

    /// All that was ever passed.
    package static var everything: Memory {
      var memory = Memory()
      (memory.stateDepth, memory.storageDepth, memory.storageCount) = (64, 64, .max)
      return memory
    }
  }

  /// Accounts that one thread changes at a time, so that their nodes are hashed side by side.
  private static let partCount = 64

  private let source: any TrieNodeSource
  private let memory: Memory
  private var accounts: IncrementalTrie
  /// Storage tries that changed lately, and before those.
  private var storage: [Address: IncrementalTrie] = [:]
  private var olderStorage: [Address: IncrementalTrie] = [:]

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
    try account(address, key: MerklePatriciaTrie.hashed(address))
  }

  private func account(_ address: Address, key: Hash) throws(TrieError) -> TrieAccount? {
    guard let leaf = try accounts.value(of: key) else { return nil }
    guard let account = TrieAccount(decoding: leaf) else {
      throw .damagedNode(owner: .zero, path: [], hash: key)
    }
    return account
  }

  /// Makes a block's changes, each address once, in any order.
  ///
  /// - Returns: what the store has to write, and may delete once no earlier root is wanted.
  /// - Throws: when a node cannot be read; the tries then have the root that they had, and all nodes are the store's to
  ///   give.
  package mutating func apply(
    _ changes: [Change], parallelFor: ParallelFor = IncrementalTrie.serial
  ) throws(TrieError) -> TrieBatch {
    if storage.count >= memory.storageCount { (olderStorage, storage) = (storage, [:]) }
    do throws(TrieError) {
      let parts = Parts(
        changes.map { change in
          let known = takeStorage(of: change.address)
          return Part(storage: known, isKept: known != nil)
        })
      self.change(parts, changes, parallelFor)
      var batch = try parts.batch()
      var leaves: [TrieChange] = []
      leaves.reserveCapacity(changes.count)
      for (index, change) in changes.enumerated() {
        let part = parts.take(index)
        leaves.append(part.change)
        if part.leaf != nil, let trie = part.storage {
          keepStorage(trie, of: change.address)
        } else if part.isKept {
          storage[change.address] = nil
        }
      }
      batch.append(try accounts.apply(leaves, parallelFor: parallelFor))
      return batch
    } catch {
      (storage, olderStorage) = ([:], [:])
      accounts.forgetNodes()
      throw error
    }
  }

  private func change(_ parts: Parts, _ changes: [Change], _ parallelFor: ParallelFor) {
    parallelFor((changes.count + Self.partCount - 1) / Self.partCount) { number in
      let start = number * Self.partCount
      parts.change(start..<min(start + Self.partCount, changes.count)) {
        part, range, session throws(TrieError) in
        try change(part, changes[range], in: session)
      }
    }
  }

  /// The storage trie as it is kept, which then has no nodes: whoever takes them alone holds them.
  private mutating func takeStorage(of address: Address) -> IncrementalTrie? {
    if let place = storage.index(forKey: address) {
      let trie = storage.values[place]
      storage.values[place].forgetNodes()
      return trie
    }
    return olderStorage.isEmpty ? nil : olderStorage.removeValue(forKey: address)
  }

  private mutating func keepStorage(_ trie: IncrementalTrie, of address: Address) {
    if let place = storage.index(forKey: address) {
      storage.values[place] = trie
      return
    }
    storage[address] = trie
  }

  /// What becomes of one account.
  fileprivate struct Part {
    var key = Hash.zero
    var leaf: [UInt8]?
    /// Where it is known, or changes.
    var storage: IncrementalTrie?
    /// Whether it was known.
    var isKept = false
    /// Whether the storage root is the one that the state trie has.
    var keepsRoot = false

    var change: TrieChange {
      var change = TrieChange(key: key, value: leaf)
      if keepsRoot { change.kept = TrieAccount.storageRootFromEnd }
      return change
    }
  }

  /// Changes the storage tries of some accounts and makes their leaves.
  private func change(
    _ parts: UnsafeMutableBufferPointer<Part>, _ changes: ArraySlice<Change>, in session: TrieSession
  ) throws(TrieError) {
    let keys = Keccak256.hashes(of: changes.map(\.address))
    let slots = Keccak256.hashes(of: changes.flatMap { $0.slots.map { Hash($0.slot) } })
    var slot = 0
    var before = [TrieAccount?](repeating: nil, count: parts.count)
    for (index, change) in changes.enumerated() {
      parts[index].key = keys[index]
      var isSame = false
      if case .same = change.leaf { isSame = true }
      let needsStorage = change.resetsStorage || !change.slots.isEmpty
      parts[index].keepsRoot = !isSame && !needsStorage && parts[index].storage == nil
      if isSame || needsStorage && parts[index].storage == nil {
        before[index] = try account(change.address, key: keys[index])
      }
      if change.resetsStorage {
        let trie = parts[index].storage ?? storageTrie(keys[index], before[index])
        try trie.replaceAll(in: session)
        parts[index].storage = nil
        before[index]?.storageRoot = MerklePatriciaTrie.emptyRoot
      }
      if change.slots.isEmpty { continue }
      let leaves = change.slots.enumerated().map { place, entry in
        Self.leaf(key: slots[slot + place], value: entry.value)
      }
      slot += leaves.count
      if parts[index].storage == nil { parts[index].storage = storageTrie(keys[index], before[index]) }
      try parts[index].storage?.change(leaves, in: session)
    }
    session.seal()
    for (index, change) in changes.enumerated() {
      parts[index].storage?.finish()
      let root = parts[index].storage?.root ?? before[index]?.storageRoot ?? MerklePatriciaTrie.emptyRoot
      parts[index].leaf = Self.leaf(change.leaf, before[index], storageRoot: root)
    }
  }

  private static func leaf(_ leaf: Change.Leaf, _ before: TrieAccount?, storageRoot: Hash) -> [UInt8]? {
    switch leaf {
    case .gone: return nil
    case .same:
      guard var account = before else { return nil }
      account.storageRoot = storageRoot
      return account.encoded
    case .account(let account):
      return TrieAccount(
        nonce: account.nonce, balance: account.balance, storageRoot: storageRoot, codeHash: account.codeHash
      ).encoded
    }
  }

  private func storageTrie(_ key: Hash, _ account: TrieAccount?) -> IncrementalTrie {
    IncrementalTrie(
      root: account?.storageRoot ?? MerklePatriciaTrie.emptyRoot, owner: key, source: source,
      cachedDepth: memory.storageDepth)
  }

  private static func leaf(key: Hash, value: UInt256) -> TrieChange {
    if value.isZero { return TrieChange(key: key, value: nil) }
    var writer = RLPWriter(capacity: 33)
    writer.write(value)
    return TrieChange(key: key, value: writer.bytes)
  }

  /// What becomes of all accounts of a block. Sendable: ranges that threads work on do not meet.
  private final class Parts: @unchecked Sendable {
    private let parts: UnsafeMutableBufferPointer<Part>
    private let outcomes: UnsafeMutableBufferPointer<Result<TrieBatch, TrieError>?>

    init(_ parts: [Part]) {
      self.parts = .allocate(capacity: parts.count)
      _ = self.parts.initialize(from: parts)
      outcomes = .allocate(capacity: parts.count / StateTries.partCount + 1)
      outcomes.initialize(repeating: nil)
    }

    deinit {
      parts.deinitialize().deallocate()
      outcomes.deinitialize().deallocate()
    }

    /// Called once a range, from one thread; ranges begin at multiples of `partCount`.
    func change(
      _ range: Range<Int>,
      _ body: (UnsafeMutableBufferPointer<Part>, Range<Int>, TrieSession) throws(TrieError) -> Void
    ) {
      let session = TrieSession()
      outcomes[range.lowerBound / StateTries.partCount] = Result { () throws(TrieError) in
        try body(UnsafeMutableBufferPointer(rebasing: parts[range]), range, session)
        return session.batch
      }
    }

    /// Of all ranges; the first that failed decides.
    func batch() throws(TrieError) -> TrieBatch {
      var batch = TrieBatch()
      for case let outcome? in outcomes { batch.append(try outcome.get()) }
      return batch
    }

    /// The account's, no longer held here.
    func take(_ index: Int) -> Part {
      let part = parts[index]
      parts[index] = Part()
      return part
    }
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
