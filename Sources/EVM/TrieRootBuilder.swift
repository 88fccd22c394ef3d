// The nodes of a Merkle-Patricia trie (Yellow Paper appendix D), built from sorted leaves without ever making a tree:
// a node is a range of leaves that agree in their first nibbles. Its encoding lives only until its hash, or the
// encoding itself where it is shorter than 32 bytes, stands in the parent's. Recursion goes as deep as keys have
// nibbles.

import Primitives

/// An entry of the trie; somebody else keeps the bytes alive.
struct TrieLeaf {
  let key: UnsafeRawBufferPointer
  let value: UnsafeRawBufferPointer

  var nibbleCount: Int { 2 * key.count }

  @inline(__always) func nibble(_ index: Int) -> UInt8 {
    let byte = key[index >> 1]
    return index & 1 == 0 ? byte >> 4 : byte & 15
  }
}

struct TrieRootBuilder {
  private let leaves: UnsafeBufferPointer<TrieLeaf>
  /// The encodings of the nodes being built, each inside its parent's.
  private var output: [UInt8] = []

  private init(leaves: UnsafeBufferPointer<TrieLeaf>) {
    self.leaves = leaves
    output.reserveCapacity(4096)
  }

  /// `leaves` are sorted by key and distinct; there is at least one.
  static func root(of leaves: UnsafeBufferPointer<TrieLeaf>) -> Hash {
    var builder = TrieRootBuilder(leaves: leaves)
    builder.appendPayload(leaves.indices, depth: 0)
    return builder.takeHash(from: 0)
  }

  /// Appends what stands in a parent for the node over `range`, whose keys agree in `depth` nibbles.
  private mutating func appendReference(_ range: Range<Int>, depth: Int) {
    let start = output.count
    appendPayload(range, depth: depth)
    let count = output.count - start
    // With its header of one byte the node is below 32 bytes: it stands there itself.
    if count < 31 { return output.insert(RLP.emptyList + UInt8(count), at: start) }
    appendHash(takeHash(from: start))
  }

  private mutating func appendHash(_ hash: Hash) {
    output.append(RLP.emptyBytes + 32)
    withUnsafeBytes(of: hash) { output.append(contentsOf: $0) }
  }

  /// Takes the payload from `start` on away and gives the hash of its list.
  private mutating func takeHash(from start: Int) -> Hash {
    var header: [UInt8] = []
    RLP.appendHeader(base: RLP.emptyList, payload: output.count - start, to: &header)
    var hasher = Keccak256()
    header.withUnsafeBytes { hasher.update($0) }
    output.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    output.removeSubrange(start...)
    return hasher.finalize()
  }

  /// Appends the items of a node: leaf, extension or branch.
  private mutating func appendPayload(_ range: Range<Int>, depth: Int) {
    let (first, last) = (leaves[range.lowerBound], leaves[range.upperBound - 1])
    if range.count == 1 {
      appendPath(first, depth..<first.nibbleCount, isLeaf: true)
      return appendBytes(first.value)
    }
    // Sorted: what the first and the last key share, all share.
    var shared = depth
    while shared < min(first.nibbleCount, last.nibbleCount), first.nibble(shared) == last.nibble(shared) {
      shared += 1
    }
    if shared > depth {
      appendPath(first, depth..<shared, isLeaf: false)
      return appendReference(range, depth: shared)
    }
    appendBranch(range, depth: depth)
  }

  private mutating func appendBranch(_ range: Range<Int>, depth: Int) {
    var position = range.lowerBound
    var value: UnsafeRawBufferPointer?
    // A key that ends here comes before the longer ones and lends the branch its value.
    if leaves[position].nibbleCount == depth {
      value = leaves[position].value
      position += 1
    }
    for nibble in UInt8(0)..<16 {
      let start = position
      while position < range.upperBound, leaves[position].nibble(depth) == nibble { position += 1 }
      if start == position {
        output.append(RLP.emptyBytes)
      } else {
        appendReference(start..<position, depth: depth + 1)
      }
    }
    if let value { appendBytes(value) } else { output.append(RLP.emptyBytes) }
  }

  /// Appends nibbles by the hex-prefix encoding (appendix C).
  private mutating func appendPath(_ leaf: TrieLeaf, _ nibbles: Range<Int>, isLeaf: Bool) {
    let isOdd = nibbles.count & 1 == 1
    let flag: UInt8 = (isLeaf ? 0x20 : 0) | (isOdd ? 0x10 | leaf.nibble(nibbles.lowerBound) : 0)
    let count = 1 + nibbles.count / 2
    if count > 1 { RLP.appendHeader(base: RLP.emptyBytes, payload: count, to: &output) }
    output.append(flag)
    var index = nibbles.lowerBound + (isOdd ? 1 : 0)
    while index < nibbles.upperBound {
      output.append(leaf.nibble(index) << 4 | leaf.nibble(index + 1))
      index += 2
    }
  }

  private mutating func appendBytes(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count != 1 || bytes[0] >= RLP.emptyBytes {
      RLP.appendHeader(base: RLP.emptyBytes, payload: bytes.count, to: &output)
    }
    output.append(contentsOf: bytes)
  }
}
