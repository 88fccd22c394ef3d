// A Merkle-Patricia trie that takes changed leaves in batches: only nodes on the way to them are made and hashed again.
// Nodes down to a depth stay in memory, the others are read from the store when a change or a proof passes them.
//
// A batch is sorted, cut at the root's 16 subtries, and each is worked on by itself, on as many threads as there are.

import Primitives

/// Calls `body` with each index below the count, on any threads, and returns when all calls have.
package typealias ParallelFor = (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

/// One leaf of a batch; `nil` takes it out of the trie.
package struct TrieChange: Sendable {
  package var key: Hash
  package var value: [UInt8]?
  /// Bytes that a leaf which is there keeps, counted from the value's end.
  var kept = 0..<0

  package init(key: Hash, value: [UInt8]?) { (self.key, self.value) = (key, value) }

  /// The value where a leaf with the value `old` is.
  func value(over old: [UInt8]) -> [UInt8]? {
    guard !kept.isEmpty, var value, min(value.count, old.count) >= kept.upperBound else { return value }
    for place in kept { value[value.count - 1 - place] = old[old.count - 1 - place] }
    return value
  }
}

/// A value: changing it leaves its copies as they were. A trie without copies changes in place; copies share what they
/// have in common.
package struct IncrementalTrie: Sendable {
  /// Batches below this are not worth other threads.
  private static let parallelChangeCount = 64

  private let reader: TrieReader
  private let cachedDepth: Int
  /// `nil`: there are no leaves, or the store has the root.
  private var node: TrieNode?
  package private(set) var root: Hash

  /// An empty trie.
  ///
  /// - Parameters:
  ///   - owner: told apart in the store; zero for the state trie, else the hashed address of a storage trie's account.
  ///   - cachedDepth: `[0, 64]`; nodes at this depth, in nibbles, and below are left to the store after a batch; 64 keeps all
  ///     nodes that a batch ever passed.
  package init(owner: Hash = .zero, source: any TrieNodeSource, cachedDepth: Int = 64) {
    self.init(root: MerklePatriciaTrie.emptyRoot, owner: owner, source: source, cachedDepth: cachedDepth)
  }

  /// The trie of a root that the store has.
  package init(root: Hash, owner: Hash = .zero, source: any TrieNodeSource, cachedDepth: Int = 64) {
    (reader, self.cachedDepth, self.root) = (TrieReader(owner: owner, source: source), cachedDepth, root)
  }

  private func topNode() throws(TrieError) -> TrieNode? {
    if let node { return node }
    return root == MerklePatriciaTrie.emptyRoot ? nil : try reader.stored(root, key: .zero, depth: 0)
  }

  /// The value of a key, `nil` where there is none.
  package func value(of key: Hash) throws(TrieError) -> [UInt8]? {
    let last = try walk(to: key) { _ in }
    guard let last, last.isLeaf, last.key == key else { return nil }
    return last.value
  }

  /// The encodings of the nodes from the root to a key, or to where it would be (`eth_getProof`).
  package func proof(of key: Hash) throws(TrieError) -> [[UInt8]] {
    var proof: [[UInt8]] = []
    _ = try walk(to: key) { if $0.isStored { proof.append($0.encoding) } }
    return proof
  }

  /// Visits the nodes on the way to a key.
  ///
  /// - Returns: the node at the way's end; `nil` where the way leaves the trie before a leaf.
  private func walk(to key: Hash, _ visit: (TrieNode) -> Void) throws(TrieError) -> TrieNode? {
    var next = try topNode()
    while let node = next {
      visit(node)
      guard let inner = node.inner else { return node }
      if inner.isExtension {
        guard inner.key.sharedNibbles(with: key, from: inner.depth) >= inner.extensionCount else {
          return nil
        }
        next = try reader.child(of: inner, 0)
      } else {
        next = try reader.child(of: inner, key.nibble(inner.depth))
      }
    }
    return nil
  }

  /// Makes a batch of changes; of those with the same key the last counts.
  ///
  /// - Returns: what the store has to write, and may delete once no earlier root is wanted.
  /// - Throws: when a node cannot be read; the trie then has the root that it had, and all nodes are the store's to give.
  package mutating func apply(
    _ changes: [TrieChange], parallelFor: ParallelFor = IncrementalTrie.serial
  ) throws(TrieError) -> TrieBatch {
    let session = TrieSession()
    try change(changes, in: session, parallelFor)
    session.seal()
    finish()
    return session.batch
  }

  /// Makes a batch of changes, of which the root knows when `session` is sealed: `finish` is to be called then.
  ///
  /// - Throws: as `apply`; the session is of no use any more.
  mutating func change(
    _ changes: [TrieChange], in session: TrieSession, _ parallelFor: ParallelFor = IncrementalTrie.serial
  ) throws(TrieError) {
    let sorted = Self.distinct(changes)
    if sorted.isEmpty { return }
    let worker = TrieWorker(reader: reader, changes: sorted, cachedDepth: cachedDepth, session: session)
    var top = try topNode()
    node = nil
    if top == nil {
      // A branch without children takes leaves as any does.
      top = TrieInnerNode(branchAt: 0, key: .zero)
    }
    if sorted.count >= Self.parallelChangeCount {
      _ = try worker.update(root: &top, parallelFor)
    } else {
      _ = try worker.update(&top, 0..<sorted.count)
    }
    if let inner = top?.inner, inner.childCount == 0 { top = nil }
    node = top
    if let top { worker.add(top) } else { root = MerklePatriciaTrie.emptyRoot }
  }

  /// Once the session of the last changes is sealed.
  mutating func finish() {
    guard let top = node else { return }
    root = top.hash
    if cachedDepth == 0 { node = nil }
  }

  /// The store may forget all nodes, which are read for that: nobody wants this trie any more.
  func replaceAll(in session: TrieSession) throws(TrieError) {
    if let top = try topNode() { try replaceAll(top, in: session) }
  }

  private func replaceAll(_ node: TrieNode, in session: TrieSession) throws(TrieError) {
    session.replace(node, owner: reader.owner)
    guard let inner = node.inner else { return }
    for index in 0..<16 where inner.isPresent(index) {
      if let child = try reader.child(of: inner, index) { try replaceAll(child, in: session) }
    }
  }

  /// Leaves all nodes to the store.
  mutating func forgetNodes() { node = nil }

  package static func serial(_ count: Int, _ body: @Sendable (Int) -> Void) {
    for index in 0..<count { body(index) }
  }

  private static func distinct(_ changes: [TrieChange]) -> [TrieChange] {
    if changes.count < 2 { return changes }
    if changes.count <= 16 { return distinctFew(changes) }
    /// The key's first 8 bytes, big-endian, decide almost always.
    struct Place {
      var prefix: UInt64
      var index: Int
    }
    var places: [Place] = []
    places.reserveCapacity(changes.count)
    for index in changes.indices {
      places.append(Place(prefix: changes[index].key.word0.byteSwapped, index: index))
    }
    places.sort { left, right in
      if left.prefix != right.prefix { return left.prefix < right.prefix }
      let keys = (changes[left.index].key, changes[right.index].key)
      return keys.0 == keys.1 ? left.index < right.index : keys.0 < keys.1
    }
    var kept: [TrieChange] = []
    kept.reserveCapacity(changes.count)
    for place in places {
      if let last = kept.last, last.key == changes[place.index].key { kept.removeLast() }
      kept.append(changes[place.index])
    }
    return kept
  }

  /// The same by insertion.
  private static func distinctFew(_ changes: [TrieChange]) -> [TrieChange] {
    var sorted: [TrieChange] = []
    sorted.reserveCapacity(changes.count)
    for change in changes {
      var place = sorted.count
      while place > 0, change.key < sorted[place - 1].key { place -= 1 }
      if place > 0, sorted[place - 1].key == change.key {
        sorted[place - 1] = change
      } else {
        sorted.insert(change, at: place)
      }
    }
    return sorted
  }
}

extension TrieWorker {
  /// As `update`, with the subtries of a root that is a branch on as many threads as there are; these come back sealed.
  fileprivate func update(
    root slot: inout TrieNode?, _ parallelFor: ParallelFor
  ) throws(TrieError) -> Bool {
    let isShared = !isKnownUniquelyReferenced(&slot)
    guard var root = slot?.inner, !root.isExtension else { return try update(&slot, 0..<changes.count) }
    if isShared {
      root = TrieInnerNode(copying: root)
      slot = root
    }
    let (cuts, subtries) = (cuts(), Subtries(takenFrom: root))
    let (reader, changes, cachedDepth, node) = (reader, changes, cachedDepth, root)
    parallelFor(16) { nibble in
      let range = cuts[nibble]..<cuts[nibble + 1]
      if range.isEmpty { return }
      let session = TrieSession()
      let worker = TrieWorker(
        reader: reader, changes: changes, cachedDepth: cachedDepth, session: session)
      subtries.change(nibble) { child throws(TrieError) in
        let isChanged = try worker.update(child: &child, of: node, nibble, range)
        if isChanged, let child { worker.add(child) }
        session.seal()
        return (isChanged, session.batch)
      }
    }
    var isChanged = false
    for nibble in 0..<16 {
      let outcome = try subtries.outcome(nibble)
      guard let outcome, outcome.isChanged else {
        root.keepChild(nibble, subtries.take(nibble))
        continue
      }
      unseal(root)
      root.setChild(nibble, subtries.take(nibble))
      session.append(outcome.batch)
      isChanged = true
    }
    if isChanged { slot = try collapsed(root) }
    return isChanged
  }

  /// Where the changes of each first nibble begin, and their end.
  private func cuts() -> [Int] {
    var cuts = [Int](repeating: changes.count, count: 17)
    for index in changes.indices.reversed() { cuts[changes[index].key.nibble(0)] = index }
    for nibble in (0..<16).reversed() { cuts[nibble] = min(cuts[nibble], cuts[nibble + 1]) }
    return cuts
  }
}

/// The children of a root while threads work on them, each thread on its own.
private final class Subtries: @unchecked Sendable {
  typealias Outcome = (isChanged: Bool, batch: TrieBatch)

  private let children = UnsafeMutablePointer<TrieNode?>.allocate(capacity: 16)
  private let outcomes = UnsafeMutablePointer<Result<Outcome, TrieError>?>.allocate(capacity: 16)

  init(takenFrom root: TrieInnerNode) {
    for nibble in 0..<16 { (children + nibble).initialize(to: root.takeChild(nibble)) }
    outcomes.initialize(repeating: nil, count: 16)
  }

  deinit {
    children.deinitialize(count: 16).deallocate()
    outcomes.deinitialize(count: 16).deallocate()
  }

  /// Called once a nibble, from one thread.
  func change(_ nibble: Int, _ body: (inout TrieNode?) throws(TrieError) -> Outcome) {
    do throws(TrieError) { outcomes[nibble] = .success(try body(&children[nibble])) } catch {
      outcomes[nibble] = .failure(error)
    }
  }

  /// `nil` for a child that nobody changed.
  func outcome(_ nibble: Int) throws(TrieError) -> Outcome? { try outcomes[nibble]?.get() }

  func take(_ nibble: Int) -> TrieNode? {
    let child = children[nibble]
    children[nibble] = nil
    return child
  }
}
