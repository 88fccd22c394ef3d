// What a batch of changes leads to in the store, and how nodes are named there.

import Primitives

/// The store's name of a node: owner, place and hash. The place is part of it, so that equal nodes elsewhere live and go
/// by themselves.
package struct TrieNodeKey: Hashable, Sendable {
  /// Zero for the state trie, else the hashed address of a storage trie's account.
  package let owner: Hash
  /// Of which the nibbles before `depth` count; the others are zero.
  package let path: Hash
  /// In nibbles, `[0, 64]`.
  package let depth: UInt8
  package let hash: Hash

  package func hash(into hasher: inout Hasher) {
    // Hashes of nodes are as good as random; equal nodes lie at other places.
    hasher.combine(hash.word0)
    hasher.combine(path.word0)
    hasher.combine(owner.word0)
  }

  init(owner: Hash, key: Hash, depth: Int, hash: Hash) {
    (self.owner, self.depth, self.hash) = (owner, UInt8(depth), hash)
    path = key.keepingNibbles(depth)
  }

  /// 33 bytes of owner and depth, the path in as many bytes as it needs, the hash: at most 97.
  package var bytes: [UInt8] {
    let pathCount = (Int(depth) + 1) / 2
    return [UInt8](unsafeUninitializedCapacity: 65 + 32) { buffer, count in
      let start = UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped)
      owner.write(to: start)
      start.storeBytes(of: depth, toByteOffset: 32, as: UInt8.self)
      // The hash overwrites what of the path does not count.
      path.write(to: start + 33)
      hash.write(to: start + 33 + pathCount)
      count = 65 + pathCount
    }
  }
}

/// New nodes and the names of those that nobody needs once no earlier root is wanted.
package struct TrieBatch: Sendable {
  package typealias NewNode = (key: TrieNodeKey, encoding: [UInt8])

  /// In parts, as threads found them, of so many that a part seldom moves to where there is room for more.
  private var newParts: [[NewNode]] = []
  private var oldParts: [[TrieNodeKey]] = []
  private static let partCount = 256

  package init() {}

  package var newNodes: some Sequence<NewNode> { newParts.lazy.joined() }
  package var oldNodes: some Sequence<TrieNodeKey> { oldParts.lazy.joined() }

  package var writtenByteCount: Int {
    newNodes.reduce(0) { $0 + 65 + (Int($1.key.depth) + 1) / 2 + $1.encoding.count }
  }

  package mutating func append(_ other: TrieBatch) {
    newParts += other.newParts
    oldParts += other.oldParts
  }

  mutating func write(_ node: TrieNode, owner: Hash) {
    let key = TrieNodeKey(owner: owner, key: node.key, depth: node.depth, hash: node.hash)
    Self.append((key: key, encoding: node.encoding), to: &newParts)
  }

  mutating func replace(_ node: TrieNode, owner: Hash) {
    Self.append(TrieNodeKey(owner: owner, key: node.key, depth: node.depth, hash: node.hash), to: &oldParts)
  }

  private static func append<Element>(_ element: Element, to parts: inout [[Element]]) {
    if let last = parts.last, last.count < partCount {
      parts[parts.count - 1].append(element)
    } else {
      var part = [element]
      if !parts.isEmpty { part.reserveCapacity(partCount) }
      parts.append(part)
    }
  }
}

extension Hash {
  /// The first `count` nibbles, zeros behind them.
  func keepingNibbles(_ count: Int) -> Hash {
    func kept(_ word: UInt64, _ count: Int) -> UInt64 {
      if count >= 16 { return word }
      if count <= 0 { return 0 }
      return (word.byteSwapped & ~(UInt64.max >> UInt64(4 * count))).byteSwapped
    }
    return Hash(
      word0: kept(word0, count), word1: kept(word1, count - 16), word2: kept(word2, count - 32),
      word3: kept(word3, count - 48))
  }
}
