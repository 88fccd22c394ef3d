// The leaves of a batch of changes to a trie, and their order.

import Primitives

/// One leaf of a batch; `nil` takes it out of the trie.
package struct TrieChange: Sendable {
  package var key: Hash
  package var value: [UInt8]?
  /// Bytes that a leaf which is there keeps, counted from the value's end.
  var kept = 0..<0

  package init(key: Hash, value: [UInt8]?) { (self.key, self.value) = (key, value) }

  /// The value where a leaf with the value `old` is.
  func value(over old: [UInt8]) -> [UInt8]? {
    guard !kept.isEmpty, var value, min(value.count, old.count) >= kept.upperBound else { return value }
    for place in kept { value[value.count - 1 - place] = old[old.count - 1 - place] }
    return value
  }

  /// The changes by ascending keys, of those with the same key the last.
  static func sorted(_ changes: [TrieChange]) -> [TrieChange] {
    if changes.count < 2 { return changes }
    if changes.count <= 16 { return sortedFew(changes) }
    /// The key's first 8 bytes, big-endian, decide almost always.
    struct Place {
      var prefix: UInt64
      var index: Int
    }
    var places = changes.indices.map { Place(prefix: changes[$0].key.word0.byteSwapped, index: $0) }
    places.sort { left, right in
      if left.prefix != right.prefix { return left.prefix < right.prefix }
      let keys = (changes[left.index].key, changes[right.index].key)
      return keys.0 == keys.1 ? left.index < right.index : keys.0 < keys.1
    }
    var sorted: [TrieChange] = []
    sorted.reserveCapacity(changes.count)
    for place in places {
      if let last = sorted.last, last.key == changes[place.index].key { sorted.removeLast() }
      sorted.append(changes[place.index])
    }
    return sorted
  }

  /// The same by insertion.
  private static func sortedFew(_ changes: [TrieChange]) -> [TrieChange] {
    var sorted: [TrieChange] = []
    sorted.reserveCapacity(changes.count)
    for change in changes {
      var place = sorted.count
      while place > 0, change.key < sorted[place - 1].key { place -= 1 }
      if place > 0, sorted[place - 1].key == change.key {
        sorted[place - 1] = change
      } else {
        sorted.insert(change, at: place)
      }
    }
    return sorted
  }

  /// The changes by the first nibbles of their keys, in the order that they have.
  static func cut(_ changes: [TrieChange]) -> [[TrieChange]] {
    var cut = [[TrieChange]](repeating: [], count: 16)
    for change in changes { cut[change.key.nibble(0)].append(change) }
    return cut
  }
}
