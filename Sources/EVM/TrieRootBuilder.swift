// The nodes of Merkle-Patricia tries (Yellow Paper appendix D), built from sorted leaves without keeping a tree: a node is a
// range of leaves that agree in their first nibbles. Nodes are found generation by generation, from the roots to the leaves,
// and encoded and hashed from the last generation to the first, all of one generation side by side, whatever trie they are
// of. What stands in a parent for a node is kept until the parent is encoded, the encoding itself until its hash is known.

import Primitives

/// An entry of a trie; somebody else keeps the bytes alive.
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
  private struct Node {
    /// The first of its leaves and the one behind its last.
    var first: Int
    var end: Int
    /// Nibbles that its place in the trie stands for.
    var depth: Int
    /// Of an extension, where its path ends; of other nodes `depth`.
    var pathEnd: Int
    /// Where its children begin in the next generation.
    var firstChild = 0
    /// Of a branch, a bit for each nibble that has a child.
    var children: UInt16 = 0

    var isLeaf: Bool { end - first == 1 }
    var isExtension: Bool { pathEnd > depth }
  }

  /// What stands in a parent for a node: its hash, or the encoding itself where it is shorter than 32 bytes.
  private struct Reference {
    var bytes = Hash.zero
    var count: UInt8 = 32
  }

  /// Encodings that are hashed together.
  private static let batchCount = 128

  private let leaves: UnsafeBufferPointer<TrieLeaf>
  private var generations: [[Node]] = []
  /// Of the generation that was encoded last.
  private var references: [Reference] = []
  /// Encodings that wait for their hashes, and where in `references` these go.
  private var output: UnsafeMutableRawBufferPointer
  private var outputEnd = 0
  private var waiting: [(start: Int, count: Int, place: Int)] = []

  /// The root of each trie, whose leaves are a range of `leaves`, at least one, sorted by key and distinct.
  static func roots(of tries: [Range<Int>], _ leaves: UnsafeBufferPointer<TrieLeaf>) -> [Hash] {
    var builder = TrieRootBuilder(leaves)
    defer { builder.output.deallocate() }
    builder.generations = [tries.map { builder.node($0.lowerBound, $0.upperBound, depth: 0) }]
    while let last = builder.generations.last, !last.isEmpty { builder.addGeneration() }
    for number in builder.generations.indices.reversed() { builder.encode(number) }
    return builder.references.map(\.bytes)
  }

  private init(_ leaves: UnsafeBufferPointer<TrieLeaf>) {
    self.leaves = leaves
    output = .allocate(byteCount: 1 << 13, alignment: 16)
  }

  // MARK: Finding nodes

  private func node(_ first: Int, _ end: Int, depth: Int) -> Node {
    var node = Node(first: first, end: end, depth: depth, pathEnd: depth)
    if node.isLeaf { return node }
    // Sorted: what the first and the last key share, all share.
    let (left, right) = (leaves[first], leaves[end - 1])
    let limit = min(left.nibbleCount, right.nibbleCount)
    while node.pathEnd < limit, left.nibble(node.pathEnd) == right.nibble(node.pathEnd) { node.pathEnd += 1 }
    return node
  }

  /// Finds the children of the last generation.
  private mutating func addGeneration() {
    let number = generations.count - 1
    var next: [Node] = []
    for place in generations[number].indices {
      let node = generations[number][place]
      if node.isLeaf { continue }
      generations[number][place].firstChild = next.count
      if node.isExtension {
        next.append(Node(first: node.first, end: node.end, depth: node.pathEnd, pathEnd: node.pathEnd))
        continue
      }
      // A key that ends here comes before the longer ones and lends the branch its value.
      var position = leaves[node.first].nibbleCount == node.depth ? node.first + 1 : node.first
      var children: UInt16 = 0
      while position < node.end {
        let (start, nibble) = (position, leaves[position].nibble(node.depth))
        repeat { position += 1 } while position < node.end && leaves[position].nibble(node.depth) == nibble
        children |= 1 << UInt16(nibble)
        next.append(self.node(start, position, depth: node.depth + 1))
      }
      generations[number][place].children = children
    }
    generations.append(next)
  }

  // MARK: Encoding

  /// Makes `references`, which are those of the next generation's nodes, those of this one's.
  private mutating func encode(_ number: Int) {
    let nodes = generations[number]
    let children = references
    references = [Reference](repeating: Reference(), count: nodes.count)
    for (place, node) in nodes.enumerated() {
      // A header takes nine bytes at most, and is written last.
      let start = outputEnd + 9
      makeRoom(for: node)
      var end = start
      if node.isLeaf {
        let leaf = leaves[node.first]
        writePath(leaf, node.depth..<leaf.nibbleCount, isLeaf: true, at: &end)
        write(leaf.value, at: &end)
      } else if node.isExtension {
        writePath(leaves[node.first], node.depth..<node.pathEnd, isLeaf: false, at: &end)
        write(children[node.firstChild], at: &end)
      } else {
        writeBranch(node, children, at: &end)
      }
      let count = end - start
      let headerCount = RLP.headerByteCount(forPayload: count)
      writeHeader(base: RLP.emptyList, payload: count, at: start - headerCount)
      let encoding = start - headerCount..<end
      if encoding.count < 32 && number > 0 {
        references[place].count = UInt8(encoding.count)
        withUnsafeMutableBytes(of: &references[place].bytes) {
          $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: output[encoding]))
        }
      } else {
        waiting.append((encoding.lowerBound, encoding.count, place))
        outputEnd = end
        if waiting.count == Self.batchCount { hash() }
      }
    }
    hash()
  }

  private mutating func hash() {
    if waiting.isEmpty { return }
    var batch = Keccak256.Batch()
    batch.reserve(waiting.count)
    for (start, count, _) in waiting {
      batch.add(UnsafeRawBufferPointer(rebasing: output[start..<start + count]))
    }
    for (entry, hash) in zip(waiting, batch.hashes()) { references[entry.place].bytes = hash }
    waiting.removeAll(keepingCapacity: true)
    outputEnd = 0
  }

  private mutating func makeRoom(for node: Node) {
    let leaf = leaves[node.first]
    let needed = outputEnd + leaf.key.count + leaf.value.count + 17 * 33 + 64
    guard needed > output.count else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * needed, alignment: 16)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: output[0..<outputEnd]))
    output.deallocate()
    output = larger
  }

  private func writeBranch(_ node: Node, _ children: [Reference], at end: inout Int) {
    var child = node.firstChild
    for nibble in UInt16(0)..<16 {
      if node.children >> nibble & 1 != 0 {
        write(children[child], at: &end)
        child += 1
      } else {
        write(RLP.emptyBytes, at: &end)
      }
    }
    let first = leaves[node.first]
    if first.nibbleCount == node.depth { write(first.value, at: &end) } else { write(RLP.emptyBytes, at: &end) }
  }

  /// Writes nibbles by the hex-prefix encoding (appendix C): behind the flag they are whole bytes of the key.
  private func writePath(_ leaf: TrieLeaf, _ nibbles: Range<Int>, isLeaf: Bool, at end: inout Int) {
    let isOdd = nibbles.count & 1 == 1
    let flag: UInt8 = (isLeaf ? 0x20 : 0) | (isOdd ? 0x10 | leaf.nibble(nibbles.lowerBound) : 0)
    let count = 1 + nibbles.count / 2
    if count > 1 { end += writeHeader(base: RLP.emptyBytes, payload: count, at: end) }
    write(flag, at: &end)
    var index = nibbles.lowerBound + (isOdd ? 1 : 0)
    if index & 1 == 0 {
      write(raw: UnsafeRawBufferPointer(rebasing: leaf.key[index / 2..<nibbles.upperBound / 2]), at: &end)
      return
    }
    while index < nibbles.upperBound {
      write(leaf.nibble(index) << 4 | leaf.nibble(index + 1), at: &end)
      index += 2
    }
  }

  private func write(_ reference: Reference, at end: inout Int) {
    if reference.count == 32 { write(RLP.emptyBytes + 32, at: &end) }
    withUnsafeBytes(of: reference.bytes) {
      write(raw: UnsafeRawBufferPointer(rebasing: $0[0..<Int(reference.count)]), at: &end)
    }
  }

  /// Writes a byte string.
  private func write(_ bytes: UnsafeRawBufferPointer, at end: inout Int) {
    if bytes.count != 1 || bytes[0] >= RLP.emptyBytes {
      end += writeHeader(base: RLP.emptyBytes, payload: bytes.count, at: end)
    }
    write(raw: bytes, at: &end)
  }

  /// - Returns: how many bytes it takes.
  @discardableResult
  private func writeHeader(base: UInt8, payload count: Int, at start: Int) -> Int {
    let byteCount = RLP.headerByteCount(forPayload: count)
    if byteCount == 1 {
      output[start] = base &+ UInt8(count)
      return 1
    }
    output[start] = base &+ 54 &+ UInt8(byteCount)
    for index in 1..<byteCount {
      output[start + index] = UInt8(truncatingIfNeeded: count >> (8 * (byteCount - 1 - index)))
    }
    return byteCount
  }

  private func write(_ byte: UInt8, at end: inout Int) {
    output[end] = byte
    end += 1
  }

  private func write(raw bytes: UnsafeRawBufferPointer, at end: inout Int) {
    UnsafeMutableRawBufferPointer(rebasing: output[end..<end + bytes.count]).copyMemory(from: bytes)
    end += bytes.count
  }
}
