import Testing

@testable import Scheduling

@Suite struct ConflictGraphTests {
  private func indices(_ numbers: [UInt32]) -> [AccountIndex] { numbers.map { AccountIndex($0) } }

  struct EdgeCase: Sendable, CustomStringConvertible {
    var description: String
    var accesses: [(reads: [UInt32], writes: [UInt32])]
    /// Undone predecessors of each transaction after adding.
    var predecessors: [UInt32]
  }

  static let edgeCases: [EdgeCase] = [
    EdgeCase(
      description: "nothing shared", accesses: [([], [0]), ([], [1]), ([2], [])], predecessors: [0, 0, 0]),
    EdgeCase(
      description: "readers share", accesses: [([0], []), ([0], []), ([0], [1])], predecessors: [0, 0, 0]),
    EdgeCase(
      description: "write, write", accesses: [([], [0]), ([], [0]), ([], [0])], predecessors: [0, 1, 1]),
    EdgeCase(
      description: "write, reads", accesses: [([], [0]), ([0], []), ([0], [])], predecessors: [0, 1, 1]),
    EdgeCase(
      description: "reads, write: one edge a reader, none to the writer before",
      accesses: [([], [0]), ([0], []), ([0], []), ([], [0])], predecessors: [0, 1, 1, 2]),
    EdgeCase(
      description: "a new writer ends the readers", accesses: [([0], []), ([], [0]), ([], [0])],
      predecessors: [0, 1, 1]),
    EdgeCase(
      description: "one edge for several shared accounts", accesses: [([], [0, 1, 2]), ([2], [0, 1])],
      predecessors: [0, 1]),
    EdgeCase(
      description: "two predecessors", accesses: [([], [0]), ([], [1]), ([0], [1])], predecessors: [0, 0, 2]),
    EdgeCase(
      description: "duplicate writes", accesses: [([], [0, 0, 0]), ([], [0, 0])], predecessors: [0, 1]),
    EdgeCase(description: "duplicate reads", accesses: [([0, 0], []), ([], [0])], predecessors: [0, 1]),
    EdgeCase(
      description: "write outweighs read", accesses: [([0], [0]), ([0], []), ([0], [])],
      predecessors: [0, 1, 1]),
    EdgeCase(
      description: "a reader that also writes waits for readers",
      accesses: [([0], []), ([0], [0]), ([0], [])], predecessors: [0, 1, 1]),
    EdgeCase(
      description: "far account", accesses: [([], [70_000]), ([70_000], [])], predecessors: [0, 1]),
  ]

  @Test(arguments: edgeCases)
  func drawsTheEdges(_ example: EdgeCase) {
    let graph = ConflictGraph()
    for (number, access) in example.accesses.enumerated() {
      let index = graph.add(reads: indices(access.reads), writes: indices(access.writes))
      #expect(index.position == number)
    }
    for (number, expected) in example.predecessors.enumerated() {
      #expect(graph.nodes[number].pending.load(ordering: .relaxed) == (expected == 0 ? 1 << 31 : expected))
    }
    #expect(graph.edgeCount == Int(example.predecessors.reduce(0, +)))
    #expect(graph.count == example.accesses.count)
  }

  @Test func forgetsOldBlocks() {
    let graph = ConflictGraph()
    for _ in 0..<3 {
      graph.reset()
      graph.add(reads: indices([1]), writes: indices([0]))
      graph.add(reads: [], writes: indices([1]))
      #expect(graph.edgeCount == 1)
      graph.reset()
      // The same accounts, now untouched: no edges to the block before.
      graph.add(reads: indices([0, 1]), writes: [])
      graph.add(reads: indices([1, 0]), writes: [])
      #expect(graph.edgeCount == 0)
    }
  }

  /// Every pair of conflicting transactions must be joined by a path, and every edge must join such a pair.
  @Test(arguments: 0..<40)
  func pathsAreExactlyTheConflicts(seed: Int) {
    let block = TestBlock.random(
      seed: UInt64(seed), transactions: 60, population: 4 + seed * 2, accesses: 0...5,
      writePercent: seed % 5 * 25)
    let graph = ConflictGraph()
    for transaction in block.transactions { graph.add(reads: transaction.reads, writes: transaction.writes) }
    var reaches = [Set<Int>](repeating: [], count: block.transactions.count)
    for earlier in block.transactions.indices.reversed() {
      var edge = graph.nodes[earlier].successors.load(ordering: .relaxed)
      while edge != ConflictGraph.noEdge {
        let later = Int(graph.edges[Int(edge)].successor)
        #expect(later > earlier)
        #expect(Self.conflict(block.transactions[earlier], block.transactions[later]))
        reaches[earlier].formUnion(reaches[later].union([later]))
        edge = graph.edges[Int(edge)].next
      }
      for later in block.transactions.indices.dropFirst(earlier + 1)
      where Self.conflict(block.transactions[earlier], block.transactions[later]) {
        #expect(reaches[earlier].contains(later), "\(block): \(earlier) before \(later)")
      }
    }
  }

  private static func conflict(_ left: TestTransaction, _ right: TestTransaction) -> Bool {
    let (leftWrites, rightWrites) = (Set(left.writes), Set(right.writes))
    return !leftWrites.isDisjoint(with: right.reads + right.writes)
      || !rightWrites.isDisjoint(with: left.reads)
  }
}
