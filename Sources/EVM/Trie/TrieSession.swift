// What one thread does to any number of tries: the names of nodes that come and go are gathered for the store, and changed
// nodes wait until all tries are changed, so that those of one depth are hashed side by side (Keccak256.Batch).

import Primitives

/// Used by one thread at a time. Between `add` and `seal` the tries keep the nodes that were added.
final class TrieSession {
  @exclusivity(unchecked) private(set) var batch = TrieBatch()
  /// By depth, deepest last: nodes whose encoding or hash is not theirs.
  @exclusivity(unchecked) private var levels: [[Waiting]] = []
  @exclusivity(unchecked) private var keccak = Keccak256.Batch()

  private struct Waiting {
    // Sound: a trie holds the node until the session is sealed.
    let node: Unmanaged<TrieNode>
    let owner: Hash
    let cachedDepth: Int
  }

  /// The store may forget a node. One that this session made, or that stands in its parent, never was there.
  func replace(_ node: TrieNode, owner: Hash) {
    if node.isSealed, node.isStored { batch.replace(node, owner: owner) }
  }

  /// Takes in what of a subtrie is not sealed.
  func add(_ node: TrieNode, owner: Hash, cachedDepth: Int) {
    if node.isSealed { return }
    while levels.count <= node.depth { levels.append([]) }
    levels[node.depth].append(
      Waiting(node: .passUnretained(node), owner: owner, cachedDepth: cachedDepth))
    node.inner?.eachChanged { add($0, owner: owner, cachedDepth: cachedDepth) }
  }

  /// Encodes and hashes all that was added. Below are sealed before those above, which name them.
  func seal() {
    for depth in levels.indices.reversed() where !levels[depth].isEmpty {
      for waiting in levels[depth] {
        waiting.node._withUnsafeGuaranteedRef { node in
          node.inner?.encode(keepsChildren: keepsChildren(of: node, waiting.cachedDepth))
          // The node keeps its encoding, an array's own memory, as it is until it is hashed below.
          if node.isStored { node.encoding.withUnsafeBytes { keccak.add($0) } }
        }
      }
      let hashes = keccak.hashes()
      var next = 0
      for waiting in levels[depth] {
        waiting.node._withUnsafeGuaranteedRef { node in
          node.isSealed = true
          guard node.isStored else { return }
          node.hash = hashes[next]
          next += 1
          batch.write(node, owner: waiting.owner)
        }
      }
      levels[depth].removeAll(keepingCapacity: true)
    }
  }

  private func keepsChildren(of node: TrieNode, _ cachedDepth: Int) -> Bool {
    guard let inner = node.inner else { return false }
    return TrieWorker.keepsChildren(of: inner, cachedDepth: cachedDepth)
  }

  /// What another session, sealed as well, found.
  func append(_ other: TrieBatch) { batch.append(other) }
}
