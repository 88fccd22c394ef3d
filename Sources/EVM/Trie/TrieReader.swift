// From a node to those below it, in memory or in the store.

import Primitives

/// Where nodes are when they are not in memory. Any thread may read.
package protocol TrieNodeSource: Sendable {
  /// The encoding under a key, `nil` where there is none.
  func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]?
}

struct TrieReader: Sendable {
  let owner: Hash
  let source: any TrieNodeSource

  /// A child that is present; it is in memory, stands in its parent, or is read from the store.
  func child(of node: TrieInnerNode, _ index: Int) throws(TrieError) -> TrieNode? {
    if let child = node.child(index) { return child }
    guard node.isPresent(index) else { return nil }
    let (reference, key, depth) = (node.reference(index), node.childKey(index), node.childDepth)
    if node.encoding[reference.lowerBound] == RLP.emptyBytes + 32 {
      let hash = node.encoding.withUnsafeBytes {
        Hash(reading: $0.baseAddress.unsafelyUnwrapped + reference.lowerBound + 1)
      }
      return try stored(hash, key: key, depth: depth)
    }
    return node.encoding.withUnsafeBytes {
      TrieNode.decode(UnsafeRawBufferPointer(rebasing: $0[reference]), key: key, depth: depth)
    }
  }

  /// The node with a hash at the place that the nibbles of `key` before `depth` are.
  func stored(_ hash: Hash, key: Hash, depth: Int) throws(TrieError) -> TrieNode {
    let name = TrieNodeKey(owner: owner, key: key, depth: depth, hash: hash)
    guard let bytes = try source.node(name.bytes) else {
      throw .missingNode(owner: owner, path: key.nibbles(0..<depth), hash: hash)
    }
    let node = bytes.withUnsafeBytes { TrieNode.decode($0, key: key, depth: depth) }
    guard let node, node.hash == hash else {
      throw .damagedNode(owner: owner, path: key.nibbles(0..<depth), hash: hash)
    }
    return node
  }
}
