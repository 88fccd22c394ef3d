// Trie nodes in memory: those of the latest roots, and of the roots before for as many blocks as are wanted.

import Synchronization

/// Any thread may read and commit.
package final class TrieMemoryStore: TrieNodeSource {
  private struct State {
    var nodes: [[UInt8]: [UInt8]] = [:]
    /// By block, the nodes that it replaced.
    var replaced: [[[UInt8]]] = []
    /// The number of the first block in `replaced`.
    var firstBlock = 0
    /// The block that replaced a node last, of nodes that are still there; one that is written again is not doomed.
    var doomed: [[UInt8]: Int] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  package var nodeCount: Int { state.withLock { $0.nodes.count } }

  package func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? { state.withLock { $0.nodes[key] } }

  /// Takes in the batches of one block, the storage tries' and the state trie's.
  ///
  /// - Parameter keptBlocks: how many earlier blocks keep their roots, 0 or more.
  package func commit(_ batches: [TrieBatch], keptBlocks: Int) {
    state.withLock { state in
      let block = state.firstBlock + state.replaced.count
      state.replaced.append(batches.flatMap { $0.oldNodes.map(\.bytes) })
      for key in state.replaced[state.replaced.count - 1] { state.doomed[key] = block }
      for (node, encoding) in batches.lazy.flatMap(\.newNodes) {
        let key = node.bytes
        // A copy: nodes write into encodings that are theirs alone.
        state.nodes[key] = encoding.withUnsafeBytes { Array($0) }
        state.doomed[key] = nil
      }
      while state.replaced.count > keptBlocks {
        for key in state.replaced.removeFirst() where state.doomed[key] == state.firstBlock {
          state.nodes[key] = nil
          state.doomed[key] = nil
        }
        state.firstBlock += 1
      }
    }
  }
}
