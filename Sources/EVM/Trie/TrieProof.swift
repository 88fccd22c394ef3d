// Reading a trie of which only the nodes of a proof are at hand (EIP-1186): whoever gave them, what they say holds for the
// root, or is refused.

import Primitives

/// The nodes of a proof, in any order.
package struct TrieProof: TrieNodeSource {
  private let nodes: [Hash: [UInt8]]

  package init(_ nodes: [[UInt8]]) {
    self.nodes = Dictionary(nodes.map { (Keccak256.hash($0), $0) }) { first, _ in first }
  }

  package func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? {
    Hash(Array(key.suffix(32))).flatMap { nodes[$0] }
  }

  /// What the nodes prove to be the value of `key` under `root`; `nil`: that there is none.
  ///
  /// - Throws: where they prove nothing about it.
  package func value(of key: Hash, root: Hash) throws(TrieError) -> [UInt8]? {
    try IncrementalTrie(root: root, source: self).value(of: key)
  }
}
