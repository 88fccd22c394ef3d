// Nodes of a Merkle-Patricia trie with hashes for keys (Yellow Paper appendix D): all keys have 64 nibbles, so a branch
// has no value. A node keeps its encoding: what its parent says of a child, the child's hash, stands there, so a child
// that nobody needs has no object, and a branch of which one child changed is encoded by copying around that child.
//
// A node that one trie alone holds changes in place. One that tries share is copied before it changes (TrieWorker.swift),
// which is how a trie stays a value.

import Glibc
import Primitives

/// A leaf, or what `TrieInnerNode` has in common with one.
class TrieNode: @unchecked Sendable {
  /// A leaf's own; else any that agrees with those below: what lies before `depth` is the node's place.
  final let key: Hash
  /// In nibbles; a node that moves is another node.
  final let depth: Int
  /// The node's RLP, as it was when it was sealed last.
  @exclusivity(unchecked) final var encoding: [UInt8]
  /// Of the encoding; of a node that stands in its parent, nothing.
  @exclusivity(unchecked) final var hash = Hash.zero
  /// False from a change until the encoding and the hash are those of the node again.
  @exclusivity(unchecked) final var isSealed = false
  final let isLeaf: Bool

  /// A leaf.
  init(key: Hash, depth: Int, value: UnsafeRawBufferPointer) {
    (self.key, self.depth, isLeaf) = (key, depth, true)
    encoding = TrieCodec.encodeLeaf(key, depth: depth, value)
  }

  fileprivate init(key: Hash, depth: Int, encoding: [UInt8], isLeaf: Bool) {
    (self.key, self.depth, self.encoding, self.isLeaf) = (key, depth, encoding, isLeaf)
  }

  /// Whether the node has an entry of its own in the store: one shorter than 32 bytes stands in its parent. The root counts
  /// by its hash, however short it is.
  final var isStored: Bool { encoding.count >= 32 || depth == 0 }

  /// `nil` for a leaf.
  final var inner: TrieInnerNode? { isLeaf ? nil : unsafeDowncast(self, to: TrieInnerNode.self) }
  /// A leaf's, in its encoding.
  final var valueRange: Range<Int> { TrieCodec.payload(of: TrieCodec.item(1, of: encoding), in: encoding) }

  /// A leaf's.
  final var value: [UInt8] { Array(encoding[valueRange]) }

  /// The same where it is.
  @inline(__always) final func withValue<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    encoding.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[valueRange])) }
  }

  /// Whether that is a leaf's value.
  final func hasValue(_ value: UnsafeRawBufferPointer) -> Bool {
    withValue { own in
      if own.count != value.count { return false }
      // A leaf's value is at least a byte.
      guard let own = own.baseAddress, let other = value.baseAddress else { return true }
      return memcmp(own, other, value.count) == 0
    }
  }

  /// Gives a leaf that nobody else holds another value of the same size, if its encoding then is as long.
  final func replaceValue(_ value: UnsafeRawBufferPointer) -> Bool {
    let range = valueRange
    // A single byte is an item with or without a header.
    guard range.count == value.count, value.count > 1 else { return false }
    isSealed = false
    encoding.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[range]).copyMemory(from: value)
    }
    return true
  }

  /// Where the encoding is in memory and about how long, without a look at it (TriePrefetch).
  final var encodingMemory: UnsafeRawBufferPointer {
    // An array is the address of its memory: 32 bytes of the library's, then the elements.
    let start = withUnsafePointer(to: &encoding) { UnsafeRawPointer($0).load(as: UnsafeRawPointer.self) }
    let count = inner.map { 3 + 33 * ($0.isExtension ? 2 : $0.childCount) } ?? 110
    return UnsafeRawBufferPointer(start: start, count: 32 + count)
  }

  /// Once the encoding is the node's.
  fileprivate final func seal() {
    if isStored { hash = Keccak256.hash(encoding) }
    isSealed = true
  }

  /// The node whose encoding `bytes` are, below the nibbles of `key` before `depth`; `nil` where they are none.
  static func decode(_ bytes: UnsafeRawBufferPointer, key: Hash, depth: Int) -> TrieNode? {
    guard let shape = TrieCodec.shape(of: bytes, key: key, depth: depth) else { return nil }
    let node: TrieNode =
      switch shape {
      case .leaf(let key): TrieNode(key: key, depth: depth, encoding: Array(bytes), isLeaf: true)
      case .extension(let count, let key):
        TrieInnerNode(key: key, depth: depth, encoding: Array(bytes), extensionCount: count, present: 1)
      case .branch(let present):
        TrieInnerNode(key: key, depth: depth, encoding: Array(bytes), extensionCount: 0, present: present)
      }
    node.seal()
    return node
  }
}

/// A branch, or an extension, whose one child is the one at 0.
final class TrieInnerNode: TrieNode, @unchecked Sendable {
  /// Nibbles of the key from `depth` on that an extension stands for, 1 or more; 0: a branch.
  let extensionCount: Int
  /// A bit a child.
  @exclusivity(unchecked) private(set) var present: UInt16
  /// Children that are not those of the encoding; they are all in memory.
  @exclusivity(unchecked) private(set) var changed: UInt16 = 0
  /// Those in memory. Of the others that are present the encoding has the hash, or all of them.
  @exclusivity(unchecked) private var children = InlineArray<16, TrieNode?>(repeating: nil)

  var isExtension: Bool { extensionCount > 0 }
  var childDepth: Int { depth + max(extensionCount, 1) }
  var childCount: Int { present.nonzeroBitCount }

  fileprivate init(key: Hash, depth: Int, encoding: [UInt8], extensionCount: Int, present: UInt16) {
    (self.extensionCount, self.present) = (extensionCount, present)
    super.init(key: key, depth: depth, encoding: encoding, isLeaf: false)
  }

  /// A branch without children, to be filled.
  init(branchAt depth: Int, key: Hash) {
    (extensionCount, present) = (0, 0)
    super.init(key: key, depth: depth, encoding: [], isLeaf: false)
  }

  init(extensionAt depth: Int, count: Int, key: Hash, child: TrieNode) {
    (extensionCount, present) = (count, 0)
    super.init(key: key, depth: depth, encoding: [], isLeaf: false)
    setChild(0, child)
  }

  /// An extension from `depth` on that ends where `other` does.
  init(extensionAt depth: Int, lengthening other: TrieInnerNode) {
    extensionCount = other.childDepth - depth
    (present, changed, children) = (other.present, other.changed, other.children)
    super.init(key: other.key, depth: depth, encoding: other.encoding, isLeaf: false)
  }

  init(copying other: TrieInnerNode) {
    extensionCount = other.extensionCount
    (present, changed, children) = (other.present, other.changed, other.children)
    super.init(key: other.key, depth: other.depth, encoding: other.encoding, isLeaf: false)
    (hash, isSealed) = (other.hash, other.isSealed)
  }

  func isPresent(_ index: Int) -> Bool { present >> UInt16(index) & 1 == 1 }

  /// Where it is in memory.
  func child(_ index: Int) -> TrieNode? { children[index] }

  /// Where the child towards a key is in memory, without a look at it; `nil` where it is not (TriePrefetch).
  func childAddress(towards key: Hash) -> UnsafeRawPointer? {
    let index = isExtension ? 0 : key.nibble(depth)
    // Sound: that is how an optional reference is kept.
    return withUnsafePointer(to: &children) {
      UnsafeRawPointer($0).load(
        fromByteOffset: index * MemoryLayout<TrieNode?>.stride, as: UnsafeRawPointer?.self)
    }
  }

  /// Where it is in memory, no longer held here, so that whoever takes it alone holds it. Nothing looks at the child: it is far away.
  func takeChild(_ index: Int) -> TrieNode? {
    var child: TrieNode?
    swap(&child, &children[index])
    return child
  }

  /// Gives back what was taken, or takes in what was read from the store.
  func keepChild(_ index: Int, _ child: consuming TrieNode?) { children[index] = child }

  /// Calls `body` with the changed children that are there.
  @inline(__always) func eachChanged(_ body: (TrieNode) -> Void) {
    var left = changed
    while left != 0 {
      // Sound: this node holds the child until `body` returns; nobody counts references to it for that.
      let child = withUnsafePointer(to: &children) {
        UnsafeRawPointer($0).load(
          fromByteOffset: left.trailingZeroBitCount * MemoryLayout<TrieNode?>.stride,
          as: UnsafeRawPointer?.self)
      }
      if let child { Unmanaged<TrieNode>.fromOpaque(child)._withUnsafeGuaranteedRef { body($0) } }
      left &= left - 1
    }
  }

  func setChild(_ index: Int, _ child: consuming TrieNode?) {
    let bit: UInt16 = 1 << UInt16(index)
    changed |= bit
    if child == nil { present &= ~bit } else { present |= bit }
    children[index] = child
  }

  /// The nibbles before a child, and any behind them.
  func childKey(_ index: Int) -> Hash { isExtension ? key : key.replacingNibble(depth, by: index) }

  /// What the encoding says of a child that is present and did not change.
  func reference(_ index: Int) -> Range<Int> { TrieCodec.item(isExtension ? 1 : index, of: encoding) }

  /// Once the children are sealed: encodes what changed.
  ///
  /// - Parameter keepsChildren: whether they stay in memory.
  func encode(keepsChildren: Bool) {
    if !TrieCodec.replaceHashes(of: self, in: &encoding) { encoding = TrieCodec.encode(self) }
    changed = 0
    if !keepsChildren { children = InlineArray(repeating: nil) }
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

  /// How many nibbles from `depth` on are the same; before it all are.
  func sharedNibbles(with other: Hash, from depth: Int) -> Int {
    let difference = (word0 ^ other.word0, word1 ^ other.word1, word2 ^ other.word2, word3 ^ other.word3)
    let end =
      if difference.0 != 0 {
        difference.0.byteSwapped.leadingZeroBitCount / 4
      } else if difference.1 != 0 {
        16 + difference.1.byteSwapped.leadingZeroBitCount / 4
      } else if difference.2 != 0 {
        32 + difference.2.byteSwapped.leadingZeroBitCount / 4
      } else if difference.3 != 0 {
        48 + difference.3.byteSwapped.leadingZeroBitCount / 4
      } else {
        64
      }
    return end - depth
  }

  func nibbles(_ range: Range<Int>) -> [UInt8] { range.map { UInt8(nibble($0)) } }

  func replacingNibble(_ index: Int, by nibble: Int) -> Hash {
    var copy = self
    withUnsafeMutableBytes(of: &copy) { bytes in
      let old = bytes[index >> 1]
      bytes[index >> 1] =
        index & 1 == 0 ? old & 0x0f | UInt8(nibble << 4) : old & 0xf0 | UInt8(nibble)
    }
    return copy
  }
}
