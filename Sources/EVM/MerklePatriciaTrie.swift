// The root of a Merkle-Patricia trie (Yellow Paper appendix D) over keys and values that are all at hand. Nothing is
// kept: keys are sorted here, and TrieRootBuilder.swift builds the nodes from the bottom up. Tries that Ethereum calls
// secure take hashes as keys: the caller, or StateRoots.swift, hashes.

import Primitives

/// Keys and values, gathered in any order, of a trie whose root is wanted.
package struct MerklePatriciaTrie {
  private struct Entry {
    /// The key's first eight bytes, big-endian, zeros where it is shorter: decides most comparisons.
    var prefix: UInt64
    var keyStart: Int
    var keyCount: Int
    var valueStart: Int
    var valueCount: Int
    /// How many entries were there before.
    var order: Int
  }

  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  private var values: [UInt8] = []

  /// The root of a trie without entries: Keccak-256 of the RLP of no bytes.
  package static let emptyRoot = Keccak256.hash([RLP.emptyBytes])

  package init() {}

  package mutating func reserve(count: Int, valueByteCount: Int) {
    entries.reserveCapacity(count)
    keys.reserveCapacity(32 * count)
    values.reserveCapacity(valueByteCount * count)
  }

  /// Adds an entry; of entries with the same key the last counts. An empty value is no entry.
  package mutating func insert(key: UnsafeRawBufferPointer, value: [UInt8]) {
    var prefix: UInt64 = 0
    for index in 0..<8 { prefix = prefix << 8 | UInt64(index < key.count ? key[index] : 0) }
    entries.append(
      Entry(
        prefix: prefix, keyStart: keys.count, keyCount: key.count, valueStart: values.count,
        valueCount: value.count, order: entries.count))
    keys.append(contentsOf: key)
    values.append(contentsOf: value)
  }

  package mutating func insert(key: [UInt8], value: [UInt8]) {
    key.withUnsafeBytes { insert(key: $0, value: value) }
  }

  package mutating func insert(key: Hash, value: [UInt8]) {
    withUnsafeBytes(of: key) { insert(key: $0, value: value) }
  }

  package var root: Hash {
    keys.withUnsafeBytes { keys in
      values.withUnsafeBytes { values in
        let leaves = Self.distinct(entries, keys).map { entry in
          TrieLeaf(
            key: UnsafeRawBufferPointer(rebasing: keys[entry.keyStart..<entry.keyStart + entry.keyCount]),
            value: UnsafeRawBufferPointer(
              rebasing: values[entry.valueStart..<entry.valueStart + entry.valueCount]))
        }
        return leaves.isEmpty
          ? Self.emptyRoot : leaves.withUnsafeBufferPointer { TrieRootBuilder.root(of: $0) }
      }
    }
  }

  /// Sorted by key, without the entries that a later one replaces and without empty ones.
  private static func distinct(_ entries: [Entry], _ keys: UnsafeRawBufferPointer) -> [Entry] {
    /// Below 0, 0, above 0.
    func compare(_ left: Entry, _ right: Entry) -> Int {
      if left.prefix != right.prefix { return left.prefix < right.prefix ? -1 : 1 }
      let count = min(left.keyCount, right.keyCount)
      for index in min(8, count)..<count {
        let difference = Int(keys[left.keyStart + index]) - Int(keys[right.keyStart + index])
        if difference != 0 { return difference }
      }
      return left.keyCount - right.keyCount
    }
    let sorted = entries.sorted {
      let difference = compare($0, $1)
      return difference == 0 ? $0.order < $1.order : difference < 0
    }
    var kept: [Entry] = []
    kept.reserveCapacity(sorted.count)
    for (index, entry) in sorted.enumerated() where entry.valueCount > 0 {
      if index + 1 < sorted.count, compare(entry, sorted[index + 1]) == 0 { continue }
      kept.append(entry)
    }
    return kept
  }
}
