// Drawing edges (the adding thread) and releasing along them (the workers).
import CThreads
import Synchronization

extension ConflictGraph {
  /// Adds a transaction given as arrays; for callers that are not in a hurry.
  @discardableResult
  package func add(
    reads: [AccountIndex], writes: [AccountIndex], group: GroupKey = .none
  ) -> TransactionIndex {
    reads.withUnsafeBufferPointer { reads in
      writes.withUnsafeBufferPointer { writes in add(reads: reads, writes: writes, group: group) }
    }
  }

  /// The batching key with which the transaction was added.
  @inline(__always) func group(of transaction: UInt32) -> UInt32 { nodes[Int(transaction)].group }

  /// Draws an edge unless the predecessor is done or its newest edge leads to the same successor.
  /// - Returns: the number of edges drawn, 0 or 1.
  @inline(__always)
  func drawEdge(
    from predecessor: UInt32, to successor: UInt32, over account: AccountIndex, at edge: UInt32
  ) -> UInt32 {
    let list = nodes + Int(predecessor)
    // Acquiring: a closed list means that the predecessor's effects are published; they must be seen before
    // the successor is queued.
    var newest = list.pointee.successors.load(ordering: .acquiring)
    if newest == Self.closed { return 0 }
    if list.pointee.newestSuccessor == successor &+ 1 { return 0 }
    list.pointee.newestSuccessor = successor &+ 1
    while true {
      edges[Int(edge)] = Edge(successor: successor, next: newest, account: account.rawValue)
      // Releasing: the edge, and the successor's node before it, are seen by whoever closes the list.
      // Acquiring on failure: the list may have been closed.
      let (pushed, seen) = list.pointee.successors.weakCompareExchange(
        expected: newest, desired: edge, successOrdering: .releasing, failureOrdering: .acquiring)
      if pushed { return 1 }
      if seen == Self.closed { return 0 }
      newest = seen
    }
  }

  /// RUNNING → DONE, and the successors that waited for nothing else PENDING → READY.
  ///
  /// - Returns: the first of them in block order, for the calling worker to run next (it has the accounts in
  ///   its cache, and handing it over would cost more); the others are queued.
  @inline(__always)
  func complete(_ transaction: UInt32, recorder: some RunRecorder, at time: UInt64) -> UInt32? {
    // Releasing: an `add` that finds the list closed sees the body's effects. Acquiring: the edges in it.
    let newest = nodes[Int(transaction)].successors.exchange(Self.closed, ordering: .acquiringAndReleasing)
    if newest == Self.noEdge { return nil }
    var edge = oldestFirst(newest)
    var kept: UInt32?
    while edge != Self.noEdge {
      let (successor, next) = (edges[Int(edge)].successor, edges[Int(edge)].next)
      // Releasing: this body's effects. Acquiring: those of the predecessors that counted down before.
      let left = nodes[Int(successor)].pending.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
      if left == 0 {
        recorder.noteRelease(
          of: successor, by: transaction, over: edges[Int(edge)].account, at: time)
        if kept == nil { kept = successor } else { queue.push(successor) }
      }
      edge = next
    }
    return kept
  }

  /// Reverses a closed list, which belongs to the caller alone; edges were pushed newest first. On the way
  /// starts fetching the successors' nodes.
  @inline(__always) private func oldestFirst(_ newest: UInt32) -> UInt32 {
    var (edge, reversed) = (newest, Self.noEdge)
    while edge != Self.noEdge {
      let next = edges[Int(edge)].next
      estuary_prefetch(nodes + Int(edges[Int(edge)].successor))
      edges[Int(edge)].next = reversed
      (edge, reversed) = (next, edge)
    }
    return reversed
  }

  /// The accounts for which the block's edges were drawn. Only while no worker runs.
  func edgeAccounts() -> [UInt32] {
    UnsafeBufferPointer(start: edges, count: edgeCount + 1).dropFirst().map(\.account)
  }
}
