// A Merkle-Patricia trie that takes changed leaves in batches: only nodes on the way to them are made and hashed again.
// Nodes down to a depth stay in memory, the others are read from the store when a change or a proof passes them.
//
// A batch is sorted, cut at the root's 16 subtries, and each is worked on by itself, on as many threads as there are.

import Primitives

/// Calls `body` with each index below the count, on any threads, and returns when all calls have.
package typealias ParallelFor = (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

/// A trie's root and, where it is in memory, the node there.
struct TrieTop: Sendable {
  var root: Hash
  var node: TrieNode?
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
    self.init(TrieTop(root: root), owner: owner, source: source, cachedDepth: cachedDepth)
  }

  init(_ top: TrieTop, owner: Hash, source: any TrieNodeSource, cachedDepth: Int) {
    (reader, self.cachedDepth) = (TrieReader(owner: owner, source: source), cachedDepth)
    (root, node) = (top.root, top.node)
  }

  /// What the trie is without what it is read from.
  var top: TrieTop { TrieTop(root: root, node: node) }

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
    var leaves = TrieChanges(changes)
    try change(&leaves, in: session, parallelFor)
    session.seal()
    finish()
    return session.batch
  }

  /// As `apply`, of changes by the first nibbles of their keys, which the threads that make them free as well.
  mutating func apply(
    cut changes: consuming [TrieChanges], parallelFor: ParallelFor
  ) throws(TrieError) -> TrieBatch {
    let session = TrieSession()
    try change(cut: changes, in: session, parallelFor)
    session.seal()
    finish()
    return session.batch
  }

  /// Makes a batch of changes, of which the root knows when `session` is sealed: `finish` is to be called then.
  ///
  /// - Parameter changes: put in order here.
  /// - Throws: as `apply`; the session is of no use any more.
  mutating func change(
    _ changes: inout TrieChanges, in session: TrieSession, _ parallelFor: ParallelFor = IncrementalTrie.serial
  ) throws(TrieError) {
    if changes.isEmpty { return }
    if changes.count >= Self.parallelChangeCount {
      return try change(cut: changes.cut(), in: session, parallelFor)
    }
    var top = try takeTop()
    changes.sort()
    try update(&top, changes, in: session)
    keepTop(top, in: session)
  }

  private mutating func change(
    cut changes: consuming [TrieChanges], in session: TrieSession, _ parallelFor: ParallelFor
  ) throws(TrieError) {
    let count = changes.reduce(0) { $0 + $1.count }
    if count == 0 { return }
    var top = try takeTop()
    if count < Self.parallelChangeCount || top?.inner?.isExtension != false {
      var all = TrieChanges()
      for part in changes { all.append(part) }
      all.sort()
      try update(&top, all, in: session)
    } else {
      try update(branch: &top, changes, in: session, parallelFor)
    }
    keepTop(top, in: session)
  }

  /// The node at the root, which this trie then does not hold; where there is none, a branch without children, which takes
  /// leaves as any does.
  private mutating func takeTop() throws(TrieError) -> TrieNode? {
    let top = try topNode()
    node = nil
    return top ?? TrieInnerNode(branchAt: 0, key: .zero)
  }

  private mutating func keepTop(_ top: TrieNode?, in session: TrieSession) {
    if let top, top.inner?.childCount != 0 {
      node = top
      session.add(top, owner: reader.owner, cachedDepth: cachedDepth)
    } else {
      root = MerklePatriciaTrie.emptyRoot
    }
  }

  /// Asks for the nodes on the way to a key, from the root on.
  mutating func prefetch(_ key: Hash, _ ahead: inout TriePrefetch) { ahead.add(&node, key: key) }

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

  private func update(
    _ top: inout TrieNode?, _ changes: TrieChanges, in session: TrieSession
  ) throws(TrieError) {
    let worker = TrieWorker(reader: reader, changes: changes, cachedDepth: cachedDepth, session: session)
    _ = try worker.update(&top, 0..<worker.changes.count)
  }

  /// Changes a branch at the root, whose subtries threads work on by themselves; they come back sealed.
  private func update(
    branch top: inout TrieNode?, _ changes: consuming [TrieChanges], in session: TrieSession,
    _ parallelFor: ParallelFor
  ) throws(TrieError) {
    let isShared = !isKnownUniquelyReferenced(&top)
    guard var root = top?.inner else { return }
    if isShared {
      root = TrieInnerNode(copying: root)
      top = root
    }
    let subtries = Subtries(takenFrom: root, changes)
    let (reader, cachedDepth, node) = (reader, cachedDepth, root)
    parallelFor(16) { nibble in
      subtries.change(nibble) { child, changes throws(TrieError) in
        let session = TrieSession()
        let worker = TrieWorker(
          reader: reader, changes: changes, cachedDepth: cachedDepth, session: session)
        worker.prefetch(&child)
        let isChanged = try worker.update(child: &child, of: node, nibble, 0..<worker.changes.count)
        if isChanged, let child { worker.add(child) }
        session.seal()
        return (isChanged, session.batch)
      }
    }
    let worker = TrieWorker(
      reader: reader, changes: TrieChanges(), cachedDepth: cachedDepth, session: session)
    var isChanged = false
    for nibble in 0..<16 {
      let outcome = try subtries.outcome(nibble)
      guard let outcome, outcome.isChanged else {
        root.keepChild(nibble, subtries.take(nibble))
        continue
      }
      worker.unseal(root)
      root.setChild(nibble, subtries.take(nibble))
      session.append(outcome.batch)
      isChanged = true
    }
    if isChanged { top = try worker.collapsed(root) }
  }
}

/// The children of a root while threads work on them, each thread on its own.
private final class Subtries: @unchecked Sendable {
  typealias Outcome = (isChanged: Bool, batch: TrieBatch)

  private let children = UnsafeMutablePointer<TrieNode?>.allocate(capacity: 16)
  private let changes = UnsafeMutablePointer<TrieChanges>.allocate(capacity: 16)
  private let outcomes = UnsafeMutablePointer<Result<Outcome, TrieError>?>.allocate(capacity: 16)

  init(takenFrom root: TrieInnerNode, _ cut: consuming [TrieChanges]) {
    for nibble in 0..<16 {
      (children + nibble).initialize(to: root.takeChild(nibble))
      (changes + nibble).initialize(to: cut[nibble])
    }
    outcomes.initialize(repeating: nil, count: 16)
  }

  deinit {
    children.deinitialize(count: 16).deallocate()
    changes.deinitialize(count: 16).deallocate()
    outcomes.deinitialize(count: 16).deallocate()
  }

  /// Called once a nibble, from one thread.
  func change(_ nibble: Int, _ body: (inout TrieNode?, TrieChanges) throws(TrieError) -> Outcome) {
    if changes[nibble].isEmpty { return }
    changes[nibble].sort()
    do throws(TrieError) { outcomes[nibble] = .success(try body(&children[nibble], changes[nibble])) } catch {
      outcomes[nibble] = .failure(error)
    }
    changes[nibble] = TrieChanges()
  }

  /// `nil` for a child that nobody changed.
  func outcome(_ nibble: Int) throws(TrieError) -> Outcome? { try outcomes[nibble]?.get() }

  func take(_ nibble: Int) -> TrieNode? {
    let child = children[nibble]
    children[nibble] = nil
    return child
  }
}
