// The roots of Merkle-Patricia tries (Yellow Paper appendix D) over keys and values that are all at hand. Nothing is
// kept: keys are sorted here, and TrieRootBuilder.swift builds the nodes from the bottom up. Tries that Ethereum calls
// secure take hashes as keys: the caller, or StateRoots.swift, hashes.

import Primitives

/// Keys and values, gathered in any order, of a trie whose root is wanted.
package struct MerklePatriciaTrie {
  private var forest = MerklePatriciaForest(count: 1)

  /// The root of a trie without entries: Keccak-256 of the RLP of no bytes.
  package static let emptyRoot = Keccak256.hash([RLP.emptyBytes])

  package init() {}

  package mutating func reserve(count: Int, valueByteCount: Int) {
    forest.reserve(count: count, valueByteCount: valueByteCount)
  }

  /// Adds an entry; of entries with the same key the last counts. An empty value is no entry.
  package mutating func insert(key: [UInt8], value: [UInt8]) {
    key.withUnsafeBytes { key in forest.insert(key: key, in: 0) { $0.writeEncoded(value) } }
  }

  /// The same of a value that `write` writes.
  package mutating func insert(key: Hash, _ write: (inout RLPWriter) -> Void) {
    forest.insert(key: key, in: 0, write)
  }

  package var root: Hash { forest.roots[0] }
}

/// The same of several tries, whose nodes are hashed side by side.
package struct MerklePatriciaForest {
  private struct Entry {
    var keyStart: Int
    var keyCount: Int
    var valueStart: Int
    var valueCount: Int
  }

  /// What is sorted.
  private struct Place {
    /// The key's first eight bytes, big-endian, zeros where it is shorter: decides most comparisons.
    var prefix: UInt64
    var trie: UInt32
    /// In `entries`.
    var entry: UInt32
  }

  private let count: Int
  private var places: [Place] = []
  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  /// Their values, one behind the other.
  private var values = RLPWriter()

  /// - Parameter count: of tries.
  package init(count: Int) { self.count = count }

  package mutating func reserve(count: Int, valueByteCount: Int) {
    places.reserveCapacity(count)
    entries.reserveCapacity(count)
    keys.reserveCapacity(32 * count)
    values.reserve(valueByteCount * count)
  }

  /// Adds an entry to a trie, whose value `write` writes; of entries with the same key the last counts. An empty value is
  /// no entry.
  @inline(__always)
  package mutating func insert(
    key: UnsafeRawBufferPointer, in trie: Int, _ write: (inout RLPWriter) -> Void
  ) {
    var prefix: UInt64 = 0
    if key.count >= 8 {
      prefix = UInt64(bigEndian: key.loadUnaligned(as: UInt64.self))
    } else {
      for index in 0..<8 { prefix = prefix << 8 | UInt64(index < key.count ? key[index] : 0) }
    }
    places.append(
      Place(
        prefix: prefix, trie: UInt32(truncatingIfNeeded: trie), entry: UInt32(truncatingIfNeeded: entries.count)))
    let start = values.bytes.count
    write(&values)
    entries.append(
      Entry(
        keyStart: keys.count, keyCount: key.count, valueStart: start,
        valueCount: values.bytes.count - start))
    keys.append(contentsOf: key)
  }

  @inline(__always)
  package mutating func insert(key: Hash, in trie: Int, _ write: (inout RLPWriter) -> Void) {
    withUnsafeBytes(of: key) { insert(key: $0, in: trie, write) }
  }

  /// By trie.
  package var roots: [Hash] {
    var roots = [Hash](repeating: MerklePatriciaTrie.emptyRoot, count: count)
    keys.withUnsafeBytes { keys in
      values.bytes.withUnsafeBytes { values in
        let kept = distinct(keys)
        let leaves = kept.map { place in
          let entry = entries[Int(place.entry)]
          return TrieLeaf(
            key: UnsafeRawBufferPointer(rebasing: keys[entry.keyStart..<entry.keyStart + entry.keyCount]),
            value: UnsafeRawBufferPointer(
              rebasing: values[entry.valueStart..<entry.valueStart + entry.valueCount]))
        }
        var (tries, ranges): ([UInt32], [Range<Int>]) = ([], [])
        for (position, place) in kept.enumerated() {
          if tries.last != place.trie {
            tries.append(place.trie)
            ranges.append(position..<position)
          }
          ranges[ranges.count - 1] = ranges[ranges.count - 1].lowerBound..<position + 1
        }
        let found = leaves.withUnsafeBufferPointer { TrieRootBuilder.roots(of: ranges, $0) }
        for (trie, root) in zip(tries, found) { roots[Int(trie)] = root }
      }
    }
    return roots
  }

  /// Sorted by trie and key, without the entries that a later one replaces and without empty ones.
  private func distinct(_ keys: UnsafeRawBufferPointer) -> [Place] {
    /// Of places with the same trie and prefix: below 0, 0, above 0.
    func compareKeys(_ left: Place, _ right: Place) -> Int {
      let (left, right) = (entries[Int(left.entry)], entries[Int(right.entry)])
      let count = min(left.keyCount, right.keyCount)
      for index in min(8, count)..<count {
        let difference = Int(keys[left.keyStart + index]) - Int(keys[right.keyStart + index])
        if difference != 0 { return difference }
      }
      return left.keyCount - right.keyCount
    }
    let sorted = places.sorted { left, right in
      if left.trie != right.trie { return left.trie < right.trie }
      if left.prefix != right.prefix { return left.prefix < right.prefix }
      let difference = compareKeys(left, right)
      return difference == 0 ? left.entry < right.entry : difference < 0
    }
    var kept: [Place] = []
    kept.reserveCapacity(sorted.count)
    for (index, place) in sorted.enumerated() where entries[Int(place.entry)].valueCount > 0 {
      if index + 1 < sorted.count {
        let next = sorted[index + 1]
        if next.trie == place.trie, next.prefix == place.prefix, compareKeys(place, next) == 0 { continue }
      }
      kept.append(place)
    }
    return kept
  }
}
