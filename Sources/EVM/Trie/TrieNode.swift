// Nodes of a Merkle-Patricia trie with hashes for keys (Yellow Paper appendix D): all keys have 64 nibbles, so a branch
// has no value. A node never changes: a batch of changes makes new nodes on the way to the changed leaves and shares
// the others, which is how the roots of earlier blocks stay good.

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

/// What stands in a parent for a node.
enum TrieLink: Sendable {
  case none
  case node(TrieNode)
  /// A node that is in the store only.
  case stored(Hash)

  var isNone: Bool { if case .none = self { true } else { false } }

  /// Whether both are the same node without looking into it.
  func isIdentical(to other: TrieLink) -> Bool {
    switch (self, other) {
    case (.none, .none): true
    case (.node(let left), .node(let right)): left === right
    case (.stored(let left), .stored(let right)): left == right
    default: false
    }
  }
}

/// Immutable once it is sealed, which the thread that makes the node does before any other sees it.
final class TrieNode: @unchecked Sendable {
  enum Content: Sendable {
    case leaf(value: [UInt8])
    /// `count` nibbles of the node's key from its depth on.
    case `extension`(count: Int, child: TrieLink)
    /// 16 children.
    case branch([TrieLink])
  }

  private(set) var content: Content
  /// A leaf's own; else any that agrees with those below: what lies before `depth` is the node's place.
  let key: Hash
  /// In nibbles; a node that moves is another node.
  let depth: Int
  /// The node's RLP where it is shorter than 32 bytes, which stands in the parent itself.
  private var inline: [UInt8]?
  private(set) var hash = Hash.zero
  private(set) var isSealed = false

  init(_ content: Content, key: Hash, depth: Int) {
    (self.content, self.key, self.depth) = (content, key, depth)
  }

  /// The root counts by its hash, however short it is.
  var isStored: Bool { inline == nil || depth == 0 }

  /// - Parameter content: the same with children left to the store.
  func seal(_ encoding: [UInt8], keeping content: Content? = nil) {
    if encoding.count < 32 { inline = encoding }
    hash = Keccak256.hash(encoding)
    if let content { self.content = content }
    isSealed = true
  }

  /// Appends what stands in the parent.
  func appendReference(to output: inout [UInt8]) {
    if let inline { return output.append(contentsOf: inline) }
    output.append(RLP.emptyBytes + 32)
    withUnsafeBytes(of: hash) { output.append(contentsOf: $0) }
  }
}

extension Hash {
  /// The nibble at `index`, `[0, 64)`, from the front.
  @inline(__always) func nibble(_ index: Int) -> Int {
    let word =
      switch index >> 4 {
      case 0: word0
      case 1: word1
      case 2: word2
      default: word3
      }
    let byte = Int(truncatingIfNeeded: word >> UInt64((index >> 1 & 7) * 8)) & 255
    return index & 1 == 0 ? byte >> 4 : byte & 15
  }

  /// How many nibbles from `depth` on are the same.
  func sharedNibbles(with other: Hash, from depth: Int) -> Int {
    var index = depth
    while index < 64, nibble(index) == other.nibble(index) { index += 1 }
    return index - depth
  }

  func nibbles(_ range: Range<Int>) -> [UInt8] { range.map { UInt8(nibble($0)) } }
}

/// The encoding of nodes, and back.
enum TrieCodec {
  static func encode(_ node: TrieNode) -> [UInt8] {
    var payload: [UInt8] = []
    payload.reserveCapacity(544)
    switch node.content {
    case .leaf(let value):
      appendPath(node.key, node.depth..<64, isLeaf: true, to: &payload)
      appendBytes(value, to: &payload)
    case .extension(let count, let child):
      appendPath(node.key, node.depth..<node.depth + count, isLeaf: false, to: &payload)
      append(child, to: &payload)
    case .branch(let children):
      for child in children { append(child, to: &payload) }
      payload.append(RLP.emptyBytes)
    }
    var encoding: [UInt8] = []
    encoding.reserveCapacity(payload.count + 3)
    RLP.appendHeader(base: RLP.emptyList, payload: payload.count, to: &encoding)
    encoding.append(contentsOf: payload)
    return encoding
  }

  private static func append(_ link: TrieLink, to output: inout [UInt8]) {
    switch link {
    case .none: output.append(RLP.emptyBytes)
    case .node(let node): node.appendReference(to: &output)
    case .stored(let hash):
      output.append(RLP.emptyBytes + 32)
      withUnsafeBytes(of: hash) { output.append(contentsOf: $0) }
    }
  }

  /// Nibbles by the hex-prefix encoding (appendix C).
  private static func appendPath(_ key: Hash, _ nibbles: Range<Int>, isLeaf: Bool, to output: inout [UInt8]) {
    let isOdd = nibbles.count & 1 == 1
    let count = 1 + nibbles.count / 2
    if count > 1 { RLP.appendHeader(base: RLP.emptyBytes, payload: count, to: &output) }
    var index = nibbles.lowerBound
    var first: UInt8 = isLeaf ? 0x20 : 0
    if isOdd {
      first |= 0x10 | UInt8(key.nibble(index))
      index += 1
    }
    output.append(first)
    while index < nibbles.upperBound {
      output.append(UInt8(key.nibble(index) << 4 | key.nibble(index + 1)))
      index += 2
    }
  }

  private static func appendBytes(_ bytes: [UInt8], to output: inout [UInt8]) {
    if bytes.count != 1 || bytes[0] >= RLP.emptyBytes {
      RLP.appendHeader(base: RLP.emptyBytes, payload: bytes.count, to: &output)
    }
    output.append(contentsOf: bytes)
  }

  /// The node whose encoding `bytes` are, below the nibbles of `key` before `depth`; `nil` where they are none.
  static func decode(_ bytes: UnsafeRawBufferPointer, key: Hash, depth: Int) -> TrieNode? {
    guard let (content, key) = try? content(of: bytes, key: key, depth: depth) else { return nil }
    let node = TrieNode(content, key: key, depth: depth)
    node.seal(Array(bytes))
    return node
  }

  private struct NoNode: Error {}

  private static func content(
    of bytes: UnsafeRawBufferPointer, key: Hash, depth: Int
  ) throws -> (TrieNode.Content, key: Hash) {
    var outer = RLPReader(bytes)
    var items = try outer.readList()
    try outer.expectEnd()
    var (counter, count) = (items, 0)
    while !counter.isAtEnd {
      _ = try counter.readEncoded()
      count += 1
    }
    if count == 17 {
      var links: [TrieLink] = []
      for nibble in 0..<16 {
        let child = key.replacingNibbles(from: depth, by: [UInt8(nibble)])
        links.append(try link(&items, key: child, depth: depth + 1))
      }
      guard try items.readBytes().isEmpty else { throw NoNode() }
      return (.branch(links), key)
    }
    guard count == 2 else { throw NoNode() }
    let path = try items.readBytes()
    guard let flag = path.first, flag < 0x40 else { throw NoNode() }
    var nibbles: [UInt8] = flag & 0x10 != 0 ? [flag & 15] : []
    for byte in path.dropFirst() { nibbles += [byte >> 4, byte & 15] }
    let end = depth + nibbles.count
    guard end <= 64 else { throw NoNode() }
    let key = key.replacingNibbles(from: depth, by: nibbles)
    if flag & 0x20 != 0 {
      guard end == 64 else { throw NoNode() }
      return (.leaf(value: Array(try items.readBytes())), key)
    }
    guard !nibbles.isEmpty, end < 64 else { throw NoNode() }
    return (.extension(count: nibbles.count, child: try link(&items, key: key, depth: end)), key)
  }

  /// A hash, no child, or a node shorter than 32 bytes, which stands here itself.
  private static func link(_ items: inout RLPReader, key: Hash, depth: Int) throws -> TrieLink {
    if items.isAtList {
      guard let node = decode(try items.readEncoded(), key: key, depth: depth) else { throw NoNode() }
      return .node(node)
    }
    let bytes = try items.readBytes()
    if bytes.isEmpty { return .none }
    guard let hash = Hash(bytes) else { throw NoNode() }
    return .stored(hash)
  }
}

extension Hash {
  func replacingNibbles(from depth: Int, by nibbles: [UInt8]) -> Hash {
    var bytes = self.bytes
    for (index, nibble) in nibbles.enumerated() {
      let place = depth + index
      let kept = bytes[place >> 1] & (place & 1 == 0 ? 0x0f : 0xf0)
      bytes[place >> 1] = kept | (place & 1 == 0 ? nibble << 4 : nibble)
    }
    return Hash(bytes) ?? self
  }
}
