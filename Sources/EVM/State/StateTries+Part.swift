// The storage tries of a part of a block's accounts, changed by one thread, and the leaves of the state trie that follow.

import Primitives
import WideIntegers

/// Storage tries that changed lately.
struct StorageCache: Sendable {
  /// A hashed address, as good as random.
  fileprivate struct Owner: Hashable {
    let key: Hash

    func hash(into hasher: inout Hasher) { hasher.combine(key.word0) }
  }

  /// Where a trie was, for as long as none is added or removed.
  struct Place {
    fileprivate let index: Dictionary<Owner, TrieTop>.Index
  }

  private var recent: [Owner: TrieTop] = [:]
  /// Those before.
  private var older: [Owner: TrieTop] = [:]

  /// Before a block, to hold about `count` tries, at most twice as many and the block's.
  mutating func makeRoom(_ count: Int) {
    if recent.count >= count { (older, recent) = (recent, [:]) }
  }

  /// A trie, which is then no longer held here: whoever takes it alone holds it. Nothing looks at its node.
  mutating func take(_ key: Hash) -> (top: TrieTop, place: Place?)? {
    guard let index = recent.index(forKey: Owner(key: key)) else {
      return older.isEmpty ? nil : older.removeValue(forKey: Owner(key: key)).map { ($0, nil) }
    }
    var top = TrieTop(root: recent.values[index].root, node: nil)
    swap(&top.node, &recent.values[index].node)
    return (top, Place(index: index))
  }

  mutating func keep(_ top: consuming TrieTop, at place: Place) { recent.values[place.index] = top }

  /// `nil`: the account has no storage any more.
  mutating func keep(_ top: consuming TrieTop?, of key: Hash) { recent[Owner(key: key)] = top }
}

extension StateTries {
  /// Used by one thread at a time.
  final class Part: @unchecked Sendable {
    /// Accounts whose nodes are hashed side by side, and meanwhile lie in the processor's cache.
    static let groupCount = 64

    /// The first ones of its accounts' keys.
    let nibbles: Range<Int>
    private let memory: Memory
    /// The part's own, so that threads do not count references to one object.
    private let source: PartSource
    /// Storage tries and, once the changes are made, leaves of the state trie, by nibble.
    private var storage: [StorageCache]
    private var leaves: [TrieChanges]
    /// Of one storage trie, for as long as it changes.
    private var slotLeaves = TrieChanges()
    /// Those of the block's changes that are the part's.
    var places: [Int] = []
    /// The nodes of storage tries.
    private(set) var outcome = Result<TrieBatch, TrieError>.success(TrieBatch())

    init(_ nibbles: Range<Int>, _ storage: [StorageCache], source: any TrieNodeSource, memory: Memory) {
      (self.nibbles, self.storage, self.memory) = (nibbles, storage, memory)
      self.source = PartSource(source)
      leaves = Array(repeating: TrieChanges(), count: nibbles.count)
    }

    /// Changes the storage tries; `accounts` is the state trie before, `keys` are the accounts' there.
    func change(
      _ changes: [Change], _ keys: [Hash], after accounts: IncrementalTrie,
      _ parallelFor: ParallelFor = IncrementalTrie.serial
    ) {
      let session = TrieSession()
      outcome = Result { () throws(TrieError) in
        for start in stride(from: 0, to: places.count, by: Self.groupCount) {
          let group = places[start..<min(start + Self.groupCount, places.count)]
          try change(
            Group(changes: changes, keys: keys, places: group), after: accounts, in: session, parallelFor)
        }
        return session.batch
      }
    }

    /// The part then has them no more.
    func takeStorage(_ nibble: Int) -> StorageCache {
      var cache = StorageCache()
      swap(&cache, &storage[nibble - nibbles.lowerBound])
      return cache
    }

    func takeLeaves(_ nibble: Int) -> TrieChanges {
      var taken = TrieChanges()
      swap(&taken, &leaves[nibble - nibbles.lowerBound])
      return taken
    }

    /// What becomes of one account.
    private struct Entry {
      /// Where it is known, or changes.
      var storage: IncrementalTrie?
      /// Where it was known.
      var place: StorageCache.Place?
      /// In the state trie, where that matters.
      var before: TrieAccount?
      /// Whether the storage root is the one that the state trie has.
      var keepsRoot = false
    }

    /// Some of a block's changes. A change is looked at where it is: a copy would count a reference to its slots.
    private struct Group {
      let changes: [Change]
      let keys: [Hash]
      let places: ArraySlice<Int>

      /// Hashed.
      var slots: [Hash] {
        var slots: [Hash] = []
        slots.reserveCapacity(2 * places.count)
        for place in places {
          for index in changes[place].slots.indices { slots.append(Hash(changes[place].slots[index].slot)) }
        }
        return Keccak256.hashes(of: slots)
      }
    }

    private func change(
      _ group: Group, after accounts: IncrementalTrie, in session: TrieSession, _ parallelFor: ParallelFor
    ) throws(TrieError) {
      let slots = group.slots
      var entries = group.places.map { entry(of: group.keys[$0]) }
      prefetch(&entries, group, slots)
      var slot = 0
      for (index, place) in zip(entries.indices, group.places) {
        let key = group.keys[place]
        let change = group.changes[place]
        var isSame = false
        if case .same = change.leaf { isSame = true }
        let needsStorage = change.resetsStorage || !change.slots.isEmpty
        entries[index].keepsRoot = !isSame && !needsStorage && entries[index].storage == nil
        if isSame || needsStorage && entries[index].storage == nil {
          entries[index].before = try accounts.account(at: key)
        }
        if change.resetsStorage {
          let trie = entries[index].storage ?? storageTrie(key, entries[index].before)
          try trie.replaceAll(in: session)
          entries[index].storage = nil
          entries[index].before?.storageRoot = MerklePatriciaTrie.emptyRoot
        }
        if change.slots.isEmpty { continue }
        slotLeaves.removeAll()
        for (_, value) in change.slots {
          if value.isZero {
            slotLeaves.remove(slots[slot])
          } else {
            slotLeaves.append(key: slots[slot]) { $0.write(value) }
          }
          slot += 1
        }
        if entries[index].storage == nil {
          entries[index].storage = storageTrie(key, entries[index].before)
        }
        try entries[index].storage?.change(&slotLeaves, in: session, parallelFor)
      }
      session.seal()
      for (index, place) in zip(entries.indices, group.places) {
        let key = group.keys[place]
        entries[index].storage?.finish()
        if let account = Self.account(group.changes[place].leaf, entries[index]) {
          leaves[self.index(key)].append(
            key: key, keeping: entries[index].keepsRoot ? TrieAccount.storageRootFromEnd : 0..<0,
            account.encode)
        } else {
          entries[index].storage = nil
          leaves[self.index(key)].remove(key)
        }
      }
      keep(entries, group)
    }

    private func index(_ key: Hash) -> Int { key.nibble(0) - nibbles.lowerBound }

    private func entry(of key: Hash) -> Entry {
      guard let (top, place) = storage[index(key)].take(key) else { return Entry() }
      let trie = IncrementalTrie(top, owner: key, source: source, cachedDepth: memory.storageDepth)
      return Entry(storage: trie, place: place)
    }

    private func prefetch(_ entries: inout [Entry], _ group: Group, _ slots: [Hash]) {
      var (ahead, slot) = (TriePrefetch(), 0)
      for (index, place) in zip(entries.indices, group.places) {
        for _ in group.changes[place].slots.indices {
          entries[index].storage?.prefetch(slots[slot], &ahead)
          slot += 1
        }
      }
      ahead.run()
    }

    /// First what stays where it was, which is lost when others come and go.
    private func keep(_ entries: [Entry], _ group: Group) {
      for (entry, account) in zip(entries, group.places) {
        if let trie = entry.storage, let place = entry.place {
          storage[index(group.keys[account])].keep(trie.top, at: place)
        }
      }
      for (entry, account) in zip(entries, group.places) where (entry.storage == nil) != (entry.place == nil)
      {
        storage[index(group.keys[account])].keep(entry.storage?.top, of: group.keys[account])
      }
    }

    private func storageTrie(_ key: Hash, _ account: TrieAccount?) -> IncrementalTrie {
      IncrementalTrie(
        root: account?.storageRoot ?? MerklePatriciaTrie.emptyRoot, owner: key, source: source,
        cachedDepth: memory.storageDepth)
    }

    /// What the state trie has to say of an account.
    private static func account(_ leaf: Change.Leaf, _ entry: Entry) -> TrieAccount? {
      let root = entry.storage?.root ?? entry.before?.storageRoot ?? MerklePatriciaTrie.emptyRoot
      switch leaf {
      case .gone: return nil
      case .same:
        var account = entry.before
        account?.storageRoot = root
        return account
      case .account(let new):
        return TrieAccount(
          nonce: new.nonce, balance: new.balance, storageRoot: root, codeHash: new.codeHash)
      }
    }
  }
}

/// Where a part's nodes come from.
private final class PartSource: TrieNodeSource {
  private let source: any TrieNodeSource

  init(_ source: any TrieNodeSource) { self.source = source }

  func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? { try source.node(key) }
}
