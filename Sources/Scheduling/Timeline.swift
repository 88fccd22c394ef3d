// What happened in a recorded run: for each transaction which worker ran it, from when to when, since when it
// had been ready and what it had waited for. Pure numbers; the floors above name accounts and draw.

/// Where a run reports to. Two implementations, two specialisations of the workers' loop.
protocol RunRecorder: Sendable {
  /// Nanoseconds on the monotonic clock.
  func now() -> UInt64
  func noteRun(of transaction: UInt32, on worker: WorkerIndex, from start: UInt64, to end: UInt64)
  /// `transaction` has released its successors.
  func noteSettled(_ transaction: UInt32, at time: UInt64)
  /// `worker` did a step of feeding the graph.
  func noteFeeding(by worker: WorkerIndex, from start: UInt64, to end: UInt64)
  /// `transaction`'s last undone predecessor is done; it had an edge to it over `account`.
  func noteRelease(of transaction: UInt32, by predecessor: UInt32, over account: UInt32, at time: UInt64)
}

/// Records nothing and costs nothing.
struct NoRecorder: RunRecorder {
  @inline(__always) func now() -> UInt64 { 0 }
  @inline(__always) func noteRun(of: UInt32, on: WorkerIndex, from: UInt64, to: UInt64) {}
  @inline(__always) func noteSettled(_: UInt32, at: UInt64) {}
  @inline(__always) func noteFeeding(by: WorkerIndex, from: UInt64, to: UInt64) {}
  @inline(__always) func noteRelease(of: UInt32, by: UInt32, over: UInt32, at: UInt64) {}
}

/// A recorded run. Times are nanoseconds since the run's start.
package struct Timeline: Sendable {
  package struct Slice: Sendable, Equatable {
    package var worker = WorkerIndex(0)
    /// When the last predecessor was done, or when `add` found none.
    package var readyNanoseconds: UInt64 = 0
    package var startNanoseconds: UInt64 = 0
    package var endNanoseconds: UInt64 = 0
    /// When its successors were released; 0 where there was nothing to release.
    package var settledNanoseconds: UInt64 = 0
    /// The predecessor that was done last, and the account for which it had to be waited for; `nil` if the
    /// transaction was ready as soon as it was added.
    package var releasedBy: Release?
  }

  /// Time that a worker spent on feeding the graph: on decoding, signatures and adding.
  package struct Span: Sendable, Equatable {
    package var startNanoseconds: UInt64
    package var endNanoseconds: UInt64
  }

  package struct Release: Sendable, Equatable {
    package var predecessor: TransactionIndex
    package var account: AccountIndex
  }

  /// An execution that was thrown away, because two transactions met that nobody had kept apart.
  package struct Discard: Sendable, Equatable {
    /// Executed again later.
    package var transaction: TransactionIndex
    package var worker: WorkerIndex
    package var startNanoseconds: UInt64
    package var endNanoseconds: UInt64
    /// What the two met on, of which this one or one before it was the first; `nil` where nothing is known to be to blame.
    package var account: AccountIndex?
    /// The first that had used it; `nil` where that was no other.
    package var writer: TransactionIndex?
  }

  package let workerCount: Int
  /// Wall time of the run.
  package let elapsedNanoseconds: UInt64
  /// One a transaction, in block order.
  package let slices: [Slice]
  /// One an edge of the graph: the account for which it was drawn.
  let edgeAccounts: [UInt32]
  /// By worker, in order of time; empty where nothing was fed.
  package var feeding: [[Span]] = []
  /// In block order.
  package var discards: [Discard] = []
}

extension Timeline {
  /// The same run with other indices for its accounts: those of a table hold for one block only.
  package func mapAccounts(_ transform: (AccountIndex) -> AccountIndex) -> Timeline {
    var known: [AccountIndex: AccountIndex] = [:]
    func map(_ account: AccountIndex) -> AccountIndex {
      if let index = known[account] { return index }
      let index = transform(account)
      known[account] = index
      return index
    }
    return Timeline(
      workerCount: workerCount, elapsedNanoseconds: elapsedNanoseconds,
      slices: slices.map { slice in
        var slice = slice
        if let release = slice.releasedBy { slice.releasedBy?.account = map(release.account) }
        return slice
      },
      edgeAccounts: edgeAccounts.map { map(AccountIndex($0)).rawValue }, feeding: feeding,
      discards: discards.map { discard in
        var discard = discard
        discard.account = discard.account.map(map)
        return discard
      })
  }

  /// This run and then `next`, whose transactions follow this one's in block order, as one.
  package func followed(by next: Timeline) -> Timeline {
    let count = slices.count
    return followed(by: next, slices: slices + next.slices.map { later($0) { count + $0 } }) { count + $0 }
  }

  /// This run and then `next`, whose transactions stand among this one's, which passed over them, as one.
  ///
  /// - Parameter position: where a transaction of `next` stands.
  package func followed(by next: Timeline, at position: (Int) -> Int) -> Timeline {
    var slices = slices
    for (place, slice) in next.slices.enumerated() { slices[position(place)] = later(slice, position) }
    return followed(by: next, slices: slices, position)
  }

  /// A slice of a run that begins when this one ends.
  private func later(_ slice: Slice, _ position: (Int) -> Int) -> Slice {
    var slice = slice
    slice.readyNanoseconds += elapsedNanoseconds
    slice.startNanoseconds += elapsedNanoseconds
    slice.endNanoseconds += elapsedNanoseconds
    if slice.settledNanoseconds > 0 { slice.settledNanoseconds += elapsedNanoseconds }
    if let release = slice.releasedBy {
      slice.releasedBy?.predecessor = Self.moved(release.predecessor, position)
    }
    return slice
  }

  private static func moved(_ transaction: TransactionIndex, _ position: (Int) -> Int) -> TransactionIndex {
    TransactionIndex(UInt32(truncatingIfNeeded: position(transaction.position)))
  }

  private func followed(by next: Timeline, slices: [Slice], _ position: (Int) -> Int) -> Timeline {
    let workerCount = max(self.workerCount, next.workerCount)
    let feeding = (0..<workerCount).map { worker in
      let later = worker < next.feeding.count ? next.feeding[worker] : []
      return (worker < self.feeding.count ? self.feeding[worker] : [])
        + later.map {
          Span(
            startNanoseconds: $0.startNanoseconds + elapsedNanoseconds,
            endNanoseconds: $0.endNanoseconds + elapsedNanoseconds)
        }
    }
    return Timeline(
      workerCount: workerCount, elapsedNanoseconds: elapsedNanoseconds + next.elapsedNanoseconds,
      slices: slices, edgeAccounts: edgeAccounts + next.edgeAccounts, feeding: feeding,
      discards: discards
        + next.discards.map {
          Discard(
            transaction: Self.moved($0.transaction, position), worker: $0.worker,
            startNanoseconds: $0.startNanoseconds + elapsedNanoseconds,
            endNanoseconds: $0.endNanoseconds + elapsedNanoseconds, account: $0.account,
            writer: $0.writer.map { Self.moved($0, position) })
        })
  }
}
