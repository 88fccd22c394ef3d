// A Merkle-Patricia trie that takes changed leaves in batches: only nodes on the way to them are made and hashed again.
// Nodes down to a depth stay in memory, the others are read from the store when a change or a proof passes them. A
// trie is a value: changing it leaves the one before as it was, and both share what they have in common.
//
// A batch is sorted, cut at the root's 16 subtries, and each is worked on by itself, on as many threads as there are.

import Primitives
import Synchronization
import WideIntegers

/// Calls `body` with each index below the count, on any threads, and returns when all calls have.
package typealias ParallelFor = (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

/// One leaf of a batch; `nil` takes it out of the trie.
package struct TrieChange: Sendable {
  package var key: Hash
  package var value: [UInt8]?

  package init(key: Hash, value: [UInt8]?) { (self.key, self.value) = (key, value) }
}

/// What a batch leads to in the store.
package struct TrieBatch: Sendable {
  /// New nodes: key of the store and encoding.
  package var written: [(key: [UInt8], encoding: [UInt8])] = []
  /// Keys of nodes that the new root does not reach.
  package var replaced: [[UInt8]] = []

  package init() {}

  package var writtenByteCount: Int { written.reduce(0) { $0 + $1.key.count + $1.encoding.count } }

  mutating func append(_ other: TrieBatch) {
    written += other.written
    replaced += other.replaced
  }
}

/// Where nodes are when they are not in memory. Any thread may read.
package protocol TrieNodeSource: Sendable {
  /// The encoding under a key, `nil` where there is none.
  func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]?
}

package struct IncrementalTrie: Sendable {
  private let owner: Hash
  private let source: any TrieNodeSource
  /// Nodes at this depth and below are left to the store after a batch.
  private let cachedDepth: Int
  private var link: TrieLink
  package private(set) var root: Hash

  /// An empty trie.
  ///
  /// - Parameters:
  ///   - owner: told apart in the store; zero for the state trie, else the hashed address of a storage trie's account.
  ///   - cachedDepth: `[0, 64]`; 64 keeps all nodes that were ever looked at.
  package init(owner: Hash = .zero, source: any TrieNodeSource, cachedDepth: Int = 64) {
    (self.owner, self.source, self.cachedDepth) = (owner, source, cachedDepth)
    (link, root) = (.none, MerklePatriciaTrie.emptyRoot)
  }

  /// The trie of a root that the store has.
  package init(root: Hash, owner: Hash = .zero, source: any TrieNodeSource, cachedDepth: Int = 64) {
    self.init(owner: owner, source: source, cachedDepth: cachedDepth)
    if root != MerklePatriciaTrie.emptyRoot { (link, self.root) = (.stored(root), root) }
  }

  /// The value of a key, `nil` where there is none.
  package func value(of key: Hash) throws(TrieError) -> [UInt8]? {
    var (link, depth) = (link, 0)
    while let node = try load(link, key, depth) {
      switch node.content {
      case .leaf(let value): return node.key == key ? value : nil
      case .extension(let count, let child):
        guard node.key.sharedNibbles(with: key, from: depth) >= count else { return nil }
        (link, depth) = (child, depth + count)
      case .branch(let children): (link, depth) = (children[key.nibble(depth)], depth + 1)
      }
    }
    return nil
  }

  /// The encodings of the nodes from the root to a key, or to where it would be (`eth_getProof`).
  package func proof(of key: Hash) throws(TrieError) -> [[UInt8]] {
    var (link, depth, proof) = (link, 0, [[UInt8]]())
    while let node = try load(link, key, depth) {
      if node.isStored { proof.append(TrieCodec.encode(node)) }
      switch node.content {
      case .leaf: return proof
      case .extension(let count, let child):
        guard node.key.sharedNibbles(with: key, from: depth) >= count else { return proof }
        (link, depth) = (child, depth + count)
      case .branch(let children): (link, depth) = (children[key.nibble(depth)], depth + 1)
      }
    }
    return proof
  }

  /// Makes a batch of changes; of those with the same key the last counts.
  ///
  /// - Returns: what the store has to write, and may delete once no earlier root is wanted.
  package mutating func apply(
    _ changes: [TrieChange], parallelFor: ParallelFor = IncrementalTrie.serial
  ) throws(TrieError) -> TrieBatch {
    let sorted = IncrementalTrie.distinct(changes)
    if sorted.isEmpty { return TrieBatch() }
    let old = link
    var worker = TrieWorker(owner: owner, source: source, cachedDepth: cachedDepth)
    if case .branch(let children)? = try worker.load(old, sorted[0].key, 0)?.content, sorted.count >= 64 {
      let cuts = IncrementalTrie.cut(sorted)
      let results = SubtrieResults()
      let (owner, source, cachedDepth, changes) = (owner, source, cachedDepth, sorted)
      parallelFor(16) { nibble in
        var worker = TrieWorker(owner: owner, source: source, cachedDepth: cachedDepth)
        let range = cuts[nibble]..<cuts[nibble + 1]
        do throws(TrieError) {
          var child = children[nibble]
          if !range.isEmpty { child = try worker.update(children[nibble], changes[range], depth: 1) }
          worker.seal(child)
          results.set(nibble, .success((child, worker.batch)))
        } catch { results.set(nibble, .failure(error)) }
      }
      link = try worker.joined(old, children, try results.all(&worker.batch))
    } else {
      link = try worker.update(old, sorted[...], depth: 0)
    }
    worker.seal(link)
    switch link {
    case .none: root = MerklePatriciaTrie.emptyRoot
    case .stored(let hash): root = hash
    case .node(let node): root = node.hash
    }
    return worker.batch
  }

  package static func serial(_ count: Int, _ body: @Sendable (Int) -> Void) {
    for index in 0..<count { body(index) }
  }

  private func load(_ link: TrieLink, _ key: Hash, _ depth: Int) throws(TrieError) -> TrieNode? {
    try TrieWorker(owner: owner, source: source, cachedDepth: cachedDepth).load(link, key, depth)
  }

  private static func distinct(_ changes: [TrieChange]) -> [TrieChange] {
    let order = changes.indices.sorted {
      changes[$0].key == changes[$1].key ? $0 < $1 : changes[$0].key < changes[$1].key
    }
    var kept: [TrieChange] = []
    kept.reserveCapacity(changes.count)
    for index in order {
      if let last = kept.last, last.key == changes[index].key { kept.removeLast() }
      kept.append(changes[index])
    }
    return kept
  }

  /// Where the changes of each first nibble begin, and their end.
  private static func cut(_ sorted: [TrieChange]) -> [Int] {
    var cuts = [Int](repeating: sorted.count, count: 17)
    for index in sorted.indices.reversed() { cuts[sorted[index].key.nibble(0)] = index }
    for nibble in (0..<16).reversed() { cuts[nibble] = min(cuts[nibble], cuts[nibble + 1]) }
    return cuts
  }
}

/// What the threads found for the 16 subtries of a root.
private final class SubtrieResults: Sendable {
  private let slots = Mutex<[Result<(TrieLink, TrieBatch), TrieError>?]>(Array(repeating: nil, count: 16))

  func set(_ nibble: Int, _ result: sending Result<(TrieLink, TrieBatch), TrieError>) {
    slots.withLock { $0[nibble] = result }
  }

  func all(_ batch: inout TrieBatch) throws(TrieError) -> [TrieLink] {
    var links: [TrieLink] = []
    for result in slots.withLock({ $0 }) {
      guard let (link, part) = try result?.get() else { continue }
      links.append(link)
      batch.append(part)
    }
    return links
  }
}
