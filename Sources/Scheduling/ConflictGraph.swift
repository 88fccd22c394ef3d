// The conflict graph of one block: which transaction must wait for which.
//
// THE FICTION. A block's transactions appear to execute one after the other, in the order in which they were
// added (*block order*). Two transactions *conflict* if one writes an account that the other reads or writes.
// Transactions that do not conflict may run in either order or at the same time; of two that do, the later
// one is a *successor* of the earlier one, its *predecessor*, and starts after the predecessor is done,
// seeing all its effects. Readers of an account share it, a writer has it alone. So every execution that the
// graph allows equals the serial one, as long as a transaction touches no account that it did not declare:
// which is for the caller to enforce.
//
// WHAT IT KNOWS. Indices only: a transaction is its position in the block, an account a dense number. It
// keeps no access list once `add` returns; it keeps *edges*: from an account's last writer to each reader
// since, and from those readers, or from the last writer if there are none, to the next writer. What follows
// by transitivity is left out, so a block has at most two edges an access. An edge remembers the account for
// which it was drawn.
//
// STATES of a transaction:
//
//                add, with a predecessor not done
//            +-------------------------------------> PENDING
//   (free) --+                                          |  the last predecessor is done
//            +-------------------------------------> READY      in the queue, or kept by the releasing worker
//                add, all predecessors done             |  taken by a worker
//                                                    RUNNING    the body executes and publishes its accounts
//                                                       |  complete
//                                                     DONE      its list of successors is closed
//
// CONTRACT
//   reset      forgets the block. Cost does not depend on the number of accounts.
//   add        in block order, by one thread at a time. Duplicates within a transaction count once, and a
//              write outweighs a read. Costs a few nanoseconds an account; allocates nothing within the
//              reserved room.
//   running    `WorkerPool.run` takes each transaction exactly once, when READY, and completes it after the
//              body. Transactions may be added while workers run (`WorkerPool.run(_:adding:body:)`) but then
//              only within the capacity given to `reset`, because workers hold pointers into the arrays.
//   effects    a body's writes are visible to the bodies of all its successors, and all of them to the caller
//              after the run.
//   grouping   a transaction's group changes only who runs it and when, never what it sees.
//
// MEMORY. Flat arrays over indices: 16 bytes a transaction, 4 in the queue, 12 an edge, 8 a read, 8 an
// account; room that is not used is not touched. An account's entry is stamped with block-spanning numbers,
// so that a new block finds old entries outdated instead of clearing them.
//
// LOCK-FREE RELEASE. A transaction's successors form a list to which `add` pushes and which `complete` closes
// and takes over in one exchange. An `add` that finds it closed draws no edge: the predecessor is done.
// `pending` counts undone predecessors, with a guard on top until `add` has drawn the last edge.
import CThreads
import Synchronization

package final class ConflictGraph: @unchecked Sendable {
  // Sendable: `add` and `reset` have one caller at a time; what workers share with it (nodes, edges, the
  // queue) is atomic, or written before its publication by a releasing operation and not after.

  /// A transaction: who waits for it, and for how many it waits.
  struct Node: ~Copyable {
    /// Predecessors not done, plus `guardCount` while `add` is drawing edges.
    let pending = Atomic<UInt32>(0)
    /// Newest edge of the successor list, `noEdge`, or `closed`.
    let successors = Atomic<UInt32>(0)
    var group: UInt32
    /// Where the newest edge leads, plus one; only the adding thread looks. Kept here, not read from the
    /// edge, for a cache miss less.
    var newestSuccessor: UInt32 = 0
  }

  struct Edge {
    var successor: UInt32
    /// The list's next older edge, or `noEdge`.
    var next: UInt32
    var account: UInt32
  }

  private struct Reader {
    var transaction: UInt32
    /// Stamp of the reader before since the last write, or 0.
    var previous: UInt32
  }

  /// Of the graph as a whole: transactions may be added while collecting or running; arrays that workers see
  /// must not move while running.
  enum Phase { case collecting, running, done }

  /// Stamps; 0 or below the block's base: none.
  private struct AccountState {
    var lastWriter: UInt32 = 0
    var lastReader: UInt32 = 0
  }

  static let noEdge: UInt32 = 0
  static let closed: UInt32 = .max
  private static let guardCount: UInt32 = 1 << 31

  /// Number of transactions added since `reset`.
  package private(set) var count = 0
  /// Number of edges drawn since `reset`.
  package var edgeCount: Int { edgeEnd - 1 }

  /// Number of transactions for which there is room.
  var transactionCapacity: Int { nodeCapacity }

  let queue = ReadyQueue()
  private(set) var nodes: UnsafeMutablePointer<Node>
  private(set) var edges: UnsafeMutablePointer<Edge>
  private var readers: UnsafeMutablePointer<Reader>
  private var accounts: UnsafeMutablePointer<AccountState>
  private var nodeCapacity = 0
  private var edgeCapacity = 1
  private var readerCapacity = 0
  private var accountCapacity = 0
  private var edgeEnd = 1  // edge 0 is `noEdge`
  private var readerEnd = 0
  /// A transaction's stamp is `transactionBase` + index + 1; a reader's `readerBase` + position + 1.
  private var transactionBase: UInt32 = 0
  private var readerBase: UInt32 = 0
  private(set) var phase = Phase.collecting
  /// Set when one worker runs the block in order and needs no edges.
  var ordersOnly = false
  /// Set by a recorded run, to note when `add` finds a transaction ready.
  var recorder: TimelineRecorder?

  package init() {
    nodes = .allocate(capacity: 0)
    edges = .allocate(capacity: 1)
    readers = .allocate(capacity: 0)
    accounts = .allocate(capacity: 0)
  }

  deinit {
    nodes.deallocate()
    edges.deallocate()
    readers.deallocate()
    accounts.deallocate()
  }

  /// Forgets the block and makes room for the next.
  ///
  /// Room is virtual memory until it is used: give upper bounds. Without a run in progress the arrays also
  /// grow on demand, which costs copies.
  /// - Parameters:
  ///   - transactionCapacity: transactions of the block.
  ///   - accessCapacity: accounts over all its transactions, duplicates included.
  package func reset(transactionCapacity: Int = 0, accessCapacity: Int = 0) {
    precondition(phase != .running, "reset of a running graph")
    phase = .collecting
    advanceStamps()
    (count, edgeEnd, readerEnd) = (0, 1, 0)
    queue.reset()
    reserveTransactions(transactionCapacity)
    reserveAccesses(accessCapacity)
  }

  func beginRun() {
    precondition(phase == .collecting, "a block runs once")
    phase = .running
    queue.pushDeferred()
  }

  /// Publishes what `add` held back; for a caller that will add more, but not at once.
  package func publishAdded() { queue.pushDeferred() }

  /// The block is complete: publishes what `add` held back and says how many transactions there are.
  package func endAdding() {
    queue.pushDeferred()
    queue.idle.announce(count)
  }

  func endRun() { phase = .done }

  /// Adds the block's next transaction.
  ///
  /// - Parameter group: batching key; ready transactions of one group may be handed to a worker together.
  /// - Returns: its index, which is the number of transactions added before.
  @discardableResult
  package func add(
    reads: UnsafeBufferPointer<AccountIndex>, writes: UnsafeBufferPointer<AccountIndex>,
    group: GroupKey = .none
  ) -> TransactionIndex {
    precondition(phase != .done, "a block that has run takes no more transactions")
    let transaction = UInt32(truncatingIfNeeded: count)
    if ordersOnly {
      count += 1
      return TransactionIndex(transaction)
    }
    if count == nodeCapacity || edgeEnd + 2 * (reads.count + writes.count) > edgeCapacity {
      growForOneMore(accessCount: reads.count + writes.count)
    }
    if readerEnd + reads.count > readerCapacity {
      reserveReaders(max(2 * readerCapacity, readerEnd + reads.count))
    }
    let node = nodes + Int(transaction)
    node.initialize(to: Node(group: group.rawValue))
    // Relaxed: published with the first edge or with the queue's push.
    node.pointee.pending.store(Self.guardCount, ordering: .relaxed)
    queue.clearPlace(Int(transaction))
    count += 1

    prefetch(writes)
    prefetch(reads)
    var drawn: UInt32 = 0
    for account in writes { drawn &+= addWrite(account, by: transaction) }
    for account in reads { drawn &+= addRead(account, by: transaction) }
    if drawn != 0 {
      // Acquiring and releasing: the predecessors that were done meanwhile released their effects by the same
      // counter, and who queues the transaction passes them on.
      let left = node.pointee.pending.wrappingSubtract(
        Self.guardCount &- drawn, ordering: .acquiringAndReleasing
      ).newValue
      if left != 0 { return TransactionIndex(transaction) }
    }
    if let recorder { recorder.noteReadyAtAdd(transaction) }
    queue.pushLater(transaction)
    return TransactionIndex(transaction)
  }
}

// MARK: - Accesses

extension ConflictGraph {
  /// Starts fetching the accounts' entries. The edges' atomic operations keep the processor from looking
  /// ahead to the next account by itself.
  @inline(__always)
  private func prefetch(_ list: UnsafeBufferPointer<AccountIndex>) {
    for account in list { estuary_prefetch(accounts + account.position) }
  }

  @inline(__always)
  private func addWrite(_ account: AccountIndex, by transaction: UInt32) -> UInt32 {
    if account.position >= accountCapacity { growAccounts(toHold: account.position) }
    let state = accounts + account.position
    let stamp = transactionBase &+ transaction &+ 1
    let (writer, lastReader) = (state.pointee.lastWriter, state.pointee.lastReader)
    if writer == stamp { return 0 }
    state.pointee = AccountState(lastWriter: stamp, lastReader: 0)
    var drawn: UInt32 = 0
    if lastReader > readerBase {
      // The readers waited for the last writer; to wait for them is enough.
      var reader = lastReader
      while reader != 0 {
        let entry = readers[Int(reader &- readerBase &- 1)]
        drawn &+= draw(from: entry.transaction, to: transaction, over: account)
        reader = entry.previous
      }
    } else if writer > transactionBase {
      drawn = draw(from: writer &- transactionBase &- 1, to: transaction, over: account)
    }
    return drawn
  }

  @inline(__always)
  private func addRead(_ account: AccountIndex, by transaction: UInt32) -> UInt32 {
    if account.position >= accountCapacity { growAccounts(toHold: account.position) }
    let state = accounts + account.position
    let (writer, lastReader) = (state.pointee.lastWriter, state.pointee.lastReader)
    if writer == transactionBase &+ transaction &+ 1 { return 0 }  // it writes the account as well
    var previous: UInt32 = 0
    if lastReader > readerBase {
      previous = lastReader
      if readers[Int(lastReader &- readerBase &- 1)].transaction == transaction { return 0 }
    }
    readers[readerEnd] = Reader(transaction: transaction, previous: previous)
    readerEnd += 1
    state.pointee.lastReader = readerBase &+ UInt32(truncatingIfNeeded: readerEnd)
    if writer > transactionBase {
      return draw(from: writer &- transactionBase &- 1, to: transaction, over: account)
    }
    return 0
  }

  @inline(__always)
  private func draw(from predecessor: UInt32, to successor: UInt32, over account: AccountIndex) -> UInt32 {
    let drawn = drawEdge(
      from: predecessor, to: successor, over: account, at: UInt32(truncatingIfNeeded: edgeEnd))
    edgeEnd += Int(drawn)
    return drawn
  }
}

// MARK: - Room

extension ConflictGraph {
  /// Largest number of transactions, and of accesses, in a block.
  package static var capacityLimit: Int { 1 << 30 }

  /// Moves the bases past the block's stamps; clears the accounts when the numbers run out.
  private func advanceStamps() {
    transactionBase += UInt32(count)
    readerBase += UInt32(readerEnd)
    if max(transactionBase, readerBase) > 1 << 31 {
      accounts.update(repeating: AccountState(), count: accountCapacity)
      (transactionBase, readerBase) = (0, 0)
    }
  }

  @inline(never) private func growForOneMore(accessCount: Int) {
    precondition(phase != .running, "more transactions or accesses than the graph was reset for")
    if count == nodeCapacity { reserveTransactions(max(2 * nodeCapacity, 1024)) }
    let edgesNeeded = edgeEnd + 2 * accessCount
    if edgesNeeded > edgeCapacity { reserveEdges(max(2 * edgeCapacity, edgesNeeded)) }
  }

  private func reserveTransactions(_ capacity: Int) {
    guard capacity > nodeCapacity else { return }
    precondition(capacity <= Self.capacityLimit, "more transactions than a block may have")
    let larger = FlatArray.allocate(Node.self, capacity: capacity)
    larger.moveInitialize(from: nodes, count: count)
    nodes.deallocate()
    (nodes, nodeCapacity) = (larger, capacity)
    queue.reserve(capacity)
  }

  private func reserveAccesses(_ capacity: Int) {
    precondition(capacity <= Self.capacityLimit, "more accesses than a block may have")
    if 2 * capacity + 1 > edgeCapacity { reserveEdges(2 * capacity + 1) }
    if capacity > readerCapacity { reserveReaders(capacity) }
  }

  private func reserveEdges(_ capacity: Int) {
    let larger = FlatArray.allocate(Edge.self, capacity: capacity)
    larger.update(from: edges, count: edgeEnd)
    edges.deallocate()
    (edges, edgeCapacity) = (larger, capacity)
  }

  /// Only the adding thread reads these, so they may move during a run.
  private func reserveReaders(_ capacity: Int) {
    let larger = FlatArray.allocate(Reader.self, capacity: capacity)
    larger.update(from: readers, count: readerEnd)
    readers.deallocate()
    (readers, readerCapacity) = (larger, capacity)
  }

  /// Only the adding thread reads these, so they may move during a run.
  @inline(never) private func growAccounts(toHold position: Int) {
    let capacity = max(2 * accountCapacity, position + 1, 1024)
    let larger = FlatArray.allocate(AccountState.self, capacity: capacity)
    larger.update(from: accounts, count: accountCapacity)
    (larger + accountCapacity).initialize(repeating: AccountState(), count: capacity - accountCapacity)
    accounts.deallocate()
    (accounts, accountCapacity) = (larger, capacity)
  }
}
