// An executor of an embedding program's own. It decides when and on which thread each transaction of a block runs; what a
// transaction does, and which ones it has to wait for, is the runtime's (ScheduledExecutor.swift).

import Synchronization

/// Decides when and where the transactions of a chain's blocks run (`Chain.Options.scheduler`). Whatever it decides within
/// its rules, state and receipts are those of one transaction after the other.
public protocol BlockScheduler: AnyObject, Sendable {
  /// How many transactions run at the same time at most, `[1, 256]`; always the same.
  var workerCount: Int { get }

  /// Runs every transaction of `part` once, each when its predecessors are done, on any threads whose stack has 8 MiB;
  /// returns when all are done.
  func run(_ part: BlockPart)

  /// Calls `body` once with every index in `[0, count)`, in any order and on any threads; returns when all calls have
  /// returned. Signatures are checked and the state is hashed by it.
  func forEach(count: Int, _ body: @Sendable (Int) -> Void)
}

extension BlockScheduler {
  /// One index after the other, on the calling thread.
  public func forEach(count: Int, _ body: @Sendable (Int) -> Void) {
    for index in 0..<count { body(index) }
  }
}

/// Transactions of a block whose order is known: the whole block, unless a transaction of it reads a lookup table or calls a
/// program that an earlier one may change, before which a part ends. What breaks a rule ends the process. May be used from
/// any threads while the scheduler runs it.
public final class BlockPart: @unchecked Sendable {
  // Sendable: constant but for the atomics.

  /// Place in the block of the part's first transaction.
  public let firstIndex: Int
  /// Number of transactions.
  public let count: Int
  /// Those of transaction `i` lie at `[starts[i], starts[i + 1])`.
  private let predecessors: [Int]
  private let starts: [Int]
  private let body: @Sendable (_ index: Int, _ worker: Int) -> Void
  private let states: UnsafeMutablePointer<Atomic<UInt8>>
  private let isBusy: UnsafeMutablePointer<Atomic<Bool>>
  private let workerCount: Int

  private enum State {
    static let waiting: UInt8 = 0
    static let running: UInt8 = 1
    static let done: UInt8 = 2
  }

  init(
    firstIndex: Int, predecessors: [[Int]], workerCount: Int,
    body: @escaping @Sendable (_ index: Int, _ worker: Int) -> Void
  ) {
    (self.firstIndex, count, self.workerCount, self.body) = (
      firstIndex, predecessors.count, workerCount, body
    )
    self.predecessors = Array(predecessors.joined())
    var starts = [0]
    for list in predecessors { starts.append(starts[starts.count - 1] + list.count) }
    self.starts = starts
    states = .allocate(capacity: max(count, 1))
    for index in 0..<count { (states + index).initialize(to: Atomic(State.waiting)) }
    isBusy = .allocate(capacity: workerCount)
    for worker in 0..<workerCount { (isBusy + worker).initialize(to: Atomic(false)) }
  }

  deinit {
    states.deallocate()
    isBusy.deallocate()
  }

  /// The transactions that transaction `index` has to wait for: those that last locked an account that it locks, one of
  /// the two for writing. Ascending, in `[0, index)`; what these wait for is left out.
  ///
  /// - Parameter index: `[0, count)`.
  public func predecessors(of index: Int) -> ArraySlice<Int> {
    predecessors[starts[index]..<starts[index + 1]]
  }

  /// Runs a transaction on the calling thread; once for each, when its predecessors are done.
  ///
  /// - Parameters:
  ///   - index: `[0, count)`.
  ///   - worker: `[0, workerCount)`; each runs one transaction at a time.
  public func run(_ index: Int, on worker: Int) {
    precondition((0..<workerCount).contains(worker), "there is no worker \(worker)")
    for predecessor in predecessors(of: index) {
      // Acquiring: what the predecessor left behind, whatever threads ran the two.
      precondition(
        states[predecessor].load(ordering: .acquiring) == State.done,
        "transaction \(index) has to wait for \(predecessor)")
    }
    // Relaxed: says no more than that this call is the only one.
    let wasWaiting = states[index].compareExchange(
      expected: State.waiting, desired: State.running, ordering: .relaxed
    ).exchanged
    precondition(wasWaiting, "transaction \(index) runs a second time")
    // Acquiring: what the worker's last transaction left in its memory.
    let wasBusy = isBusy[worker].exchange(true, ordering: .acquiring)
    precondition(!wasBusy, "worker \(worker) runs two transactions at a time")
    body(index, worker)
    isBusy[worker].store(false, ordering: .releasing)
    states[index].store(State.done, ordering: .releasing)
  }

  /// Ends the process where the scheduler has returned too early.
  func finish() {
    for index in 0..<count {
      // Acquiring: what the transactions left behind.
      precondition(
        states[index].load(ordering: .acquiring) == State.done, "the scheduler left out transaction \(index)")
    }
  }
}
