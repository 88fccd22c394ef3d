// Why a trie cannot be read.

import Primitives
import WideIntegers

/// Why a trie cannot be read: always the host's trouble.
package enum TrieError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A node that its parent names is not in the store.
  case missingNode(owner: Hash, path: [UInt8], hash: Hash)
  /// What the store has under a node's key has another hash, or is no node.
  case damagedNode(owner: Hash, path: [UInt8], hash: Hash)
  /// A root that is too old to be kept, or never was.
  case unknownRoot(Hash)
  case store(String)

  package var description: String {
    switch self {
    case .missingNode(let owner, let path, let hash): "no trie node \(Self.place(owner, path, hash))"
    case .damagedNode(let owner, let path, let hash): "a damaged trie node \(Self.place(owner, path, hash))"
    case .unknownRoot(let hash): "the trie with root 0x\(Hex.encode(hash.bytes)) is not kept"
    case .store(let detail): detail
    }
  }

  private static func place(_ owner: Hash, _ path: [UInt8], _ hash: Hash) -> String {
    let nibbles = path.map { String($0, radix: 16) }.joined()
    return "0x\(Hex.encode(hash.bytes)) at '\(nibbles)' of the trie 0x\(Hex.encode(owner.bytes))"
  }
}
