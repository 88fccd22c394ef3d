// The leaves of a batch of changes to a trie, and their order.

import Primitives

/// One leaf of a batch; `nil` takes it out of the trie.
package struct TrieChange: Sendable {
  package var key: Hash
  package var value: [UInt8]?

  package init(key: Hash, value: [UInt8]?) { (self.key, self.value) = (key, value) }
}

/// Leaves of a batch, whose values lie one behind the other: a leaf has no array of its own.
struct TrieChanges: Sendable {
  struct Leaf: BitwiseCopyable, Sendable {
    var key: Hash
    /// Where the value is in `values`.
    fileprivate var start: UInt32
    /// No value, which is at least a byte, takes the leaf out of the trie.
    fileprivate var count: UInt32
    /// Bytes that a leaf which is there keeps, counted from the value's end.
    fileprivate var keptStart: UInt32
    fileprivate var keptEnd: UInt32

    var isGone: Bool { count == 0 }
    var keepsBytes: Bool { keptStart < keptEnd }
  }

  private(set) var leaves: [Leaf] = []
  private var values: [UInt8] = []

  init() {}

  init(_ changes: [TrieChange]) {
    leaves.reserveCapacity(changes.count)
    for change in changes { append(change) }
  }

  var count: Int { leaves.count }
  var isEmpty: Bool { leaves.isEmpty }

  subscript(index: Int) -> Leaf { leaves[index] }

  mutating func append(_ change: TrieChange) {
    if let value = change.value {
      append(key: change.key) { $0.writeEncoded(value) }
    } else {
      remove(change.key)
    }
  }

  /// A leaf that is taken out.
  mutating func remove(_ key: Hash) {
    leaves.append(Leaf(key: key, start: 0, count: 0, keptStart: 0, keptEnd: 0))
  }

  /// A leaf with the value that `write` writes.
  ///
  /// - Parameter kept: bytes that a leaf which is there keeps, counted from the value's end.
  mutating func append(key: Hash, keeping kept: Range<Int> = 0..<0, _ write: (inout RLPWriter) -> Void) {
    let start = values.count
    var writer = RLPWriter(appendingTo: values)
    values = []
    write(&writer)
    values = writer.bytes
    // Sound: a batch has less than 4 GiB of values.
    leaves.append(
      Leaf(
        key: key, start: UInt32(start), count: UInt32(values.count - start),
        keptStart: UInt32(kept.lowerBound), keptEnd: UInt32(kept.upperBound)))
  }

  mutating func append(_ leaf: Leaf, of other: borrowing TrieChanges) {
    var leaf = leaf
    let start = values.count
    other.withValue(of: leaf) { values.append(contentsOf: $0) }
    leaf.start = UInt32(start)
    leaves.append(leaf)
  }

  mutating func append(_ other: borrowing TrieChanges) {
    let start = UInt32(values.count)
    values.append(contentsOf: other.values)
    for var leaf in other.leaves {
      leaf.start += start
      leaves.append(leaf)
    }
  }

  mutating func removeAll() {
    leaves.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
  }

  @inline(__always) func withValue<Result>(of leaf: Leaf, _ body: (UnsafeRawBufferPointer) -> Result)
    -> Result
  {
    values.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[Int(leaf.start)..<Int(leaf.start + leaf.count)]))
    }
  }

  /// The value where a leaf with the value `old` is.
  func withValue<Result>(
    of leaf: Leaf, over old: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    withValue(of: leaf) { value in
      guard leaf.keepsBytes, min(value.count, old.count) >= Int(leaf.keptEnd) else { return body(value) }
      return withUnsafeTemporaryAllocation(byteCount: value.count, alignment: 1) { merged in
        merged.copyMemory(from: value)
        for place in Int(leaf.keptStart)..<Int(leaf.keptEnd) {
          merged[value.count - 1 - place] = old[old.count - 1 - place]
        }
        return body(UnsafeRawBufferPointer(merged))
      }
    }
  }

  /// By ascending keys, of those with the same key the last.
  mutating func sort() {
    if leaves.count < 2 { return }
    if leaves.count <= 16 { return sortFew() }
    /// The key's first 8 bytes, big-endian, decide almost always.
    struct Place {
      var prefix: UInt64
      var index: Int
    }
    var places = leaves.indices.map { Place(prefix: leaves[$0].key.word0.byteSwapped, index: $0) }
    places.sort { left, right in
      if left.prefix != right.prefix { return left.prefix < right.prefix }
      let keys = (leaves[left.index].key, leaves[right.index].key)
      return keys.0 == keys.1 ? left.index < right.index : keys.0 < keys.1
    }
    var sorted: [Leaf] = []
    sorted.reserveCapacity(leaves.count)
    for place in places {
      let leaf = leaves[place.index]
      if let last = sorted.last, last.key == leaf.key { sorted.removeLast() }
      sorted.append(leaf)
    }
    leaves = sorted
  }

  /// The same by insertion.
  private mutating func sortFew() {
    var count = 0
    for index in leaves.indices {
      let leaf = leaves[index]
      var place = count
      while place > 0, leaf.key < leaves[place - 1].key { place -= 1 }
      if place > 0, leaves[place - 1].key == leaf.key {
        leaves[place - 1] = leaf
        continue
      }
      var moved = count
      while moved > place {
        leaves[moved] = leaves[moved - 1]
        moved -= 1
      }
      leaves[place] = leaf
      count += 1
    }
    leaves.removeSubrange(count...)
  }

  /// By the first nibbles of their keys, in the order that they have.
  func cut() -> [TrieChanges] {
    var cut = [TrieChanges](repeating: TrieChanges(), count: 16)
    for leaf in leaves { cut[leaf.key.nibble(0)].append(leaf, of: self) }
    return cut
  }
}
