// Nodes on the way to keys that will change, asked for ahead. A million nodes lie all over memory, and a change that goes
// from one to the next waits for each; here a level's nodes are asked for together, those of the next level once they have
// come.

import CThreads
import Primitives

/// Used by one thread. The tries hold the nodes until `run` returns.
struct TriePrefetch {
  /// How far the way to a key has been asked for.
  private struct Way {
    let node: UnsafeRawPointer
    let key: Hash
  }

  private var ways: [Way] = []

  /// Bytes of an inner node's object, the largest there is.
  private static let nodeByteCount = 248

  /// Adds the way from a node, which is not looked at, to a key.
  mutating func add(_ node: inout TrieNode?, key: Hash) {
    // Sound: that is how an optional reference is kept.
    let address = withUnsafePointer(to: &node) { UnsafeRawPointer($0).load(as: UnsafeRawPointer?.self) }
    guard let address else { return }
    Self.prefetch(UnsafeRawBufferPointer(start: address, count: Self.nodeByteCount))
    ways.append(Way(node: address, key: key))
  }

  /// Asks for all that was added, and forgets it.
  mutating func run() {
    var count = ways.count
    while count > 0 {
      var next = 0
      for index in 0..<count {
        let way = ways[index]
        // Sound: the trie holds the node.
        let child = Unmanaged<TrieNode>.fromOpaque(way.node)._withUnsafeGuaranteedRef { node in
          Self.prefetch(node.encodingMemory)
          return node.inner?.childAddress(towards: way.key)
        }
        guard let child else { continue }
        Self.prefetch(UnsafeRawBufferPointer(start: child, count: Self.nodeByteCount))
        ways[next] = Way(node: child, key: way.key)
        next += 1
      }
      count = next
    }
    ways.removeAll(keepingCapacity: true)
  }

  private static func prefetch(_ memory: UnsafeRawBufferPointer) {
    guard let start = memory.baseAddress else { return }
    let offset = Int(bitPattern: start) & 63
    for line in stride(from: -offset, to: memory.count, by: 64) { estuary_prefetch(start + line) }
  }
}
