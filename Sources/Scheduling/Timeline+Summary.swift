// A recorded run in figures: how busy each worker was, what was waited for, which accounts made transactions
// wait. Sums and orders of integers only, ties broken by index: equal timelines give equal summaries.

extension Timeline {
  package struct WorkerSummary: Sendable, Equatable {
    package var worker: WorkerIndex
    package var transactionCount = 0
    /// Time spent in bodies.
    package var busyNanoseconds: UInt64 = 0
    /// Time spent on feeding the graph.
    package var feedingNanoseconds: UInt64 = 0
    /// Time spent on releasing successors.
    package var settlingNanoseconds: UInt64 = 0
    /// Time spent in bodies whose outcome was thrown away.
    package var discardedNanoseconds: UInt64 = 0
    /// `busyNanoseconds` over the run's time in thousandths, `[0, 1000]`.
    package var utilisationPermille = 0
  }

  package struct AccountSummary: Sendable, Equatable {
    package var account: AccountIndex
    /// Edges drawn for this account: ordered pairs of transactions that it kept apart. A pair that several
    /// accounts keep apart counts once, for the first of them that the later transaction declares (writes
    /// before reads).
    package var edgeCount = 0
    /// Transactions for which it was the last thing waited for.
    package var releaseCount = 0
    /// Summed over those transactions: how long the predecessor that released them ran.
    package var waitNanoseconds: UInt64 = 0
  }

  package struct WaitSummary: Sendable, Equatable {
    /// Transactions that had to wait for a predecessor.
    package var conflictedCount = 0
    /// Summed over transactions: ready but not started, for lack of a free worker.
    package var queueNanoseconds: UInt64 = 0
    /// The longest of these.
    package var longestQueueNanoseconds: UInt64 = 0
    /// The longest chain of releases, in transactions: no number of workers makes the block shorter than it.
    package var longestChainCount = 0
    /// The time that this chain's bodies took.
    package var longestChainNanoseconds: UInt64 = 0
  }

  /// One entry a worker.
  package var workers: [WorkerSummary] {
    var summaries = (0..<workerCount).map { WorkerSummary(worker: WorkerIndex(UInt32($0))) }
    for slice in slices {
      summaries[slice.worker.position].transactionCount += 1
      summaries[slice.worker.position].busyNanoseconds += slice.durationNanoseconds
      summaries[slice.worker.position].settlingNanoseconds += slice.settlingNanoseconds
    }
    for (worker, spans) in feeding.enumerated() {
      for span in spans {
        summaries[worker].feedingNanoseconds += span.endNanoseconds - span.startNanoseconds
      }
    }
    for discard in discards {
      summaries[discard.worker.position].discardedNanoseconds += discard.durationNanoseconds
    }
    for position in summaries.indices where elapsedNanoseconds > 0 {
      let permille = summaries[position].busyNanoseconds * 1000 / elapsedNanoseconds
      summaries[position].utilisationPermille = Int(min(permille, 1000))
    }
    return summaries
  }

  package var waits: WaitSummary {
    var summary = WaitSummary()
    // A releasing predecessor has a lower index, so one pass in block order sees it first.
    var chains = [(count: Int, nanoseconds: UInt64)](repeating: (0, 0), count: slices.count)
    for (position, slice) in slices.enumerated() {
      let queued = slice.startNanoseconds - min(slice.readyNanoseconds, slice.startNanoseconds)
      summary.queueNanoseconds += queued
      summary.longestQueueNanoseconds = max(summary.longestQueueNanoseconds, queued)
      var chain = (count: 1, nanoseconds: slice.durationNanoseconds)
      if let release = slice.releasedBy {
        summary.conflictedCount += 1
        chain.count += chains[release.predecessor.position].count
        chain.nanoseconds += chains[release.predecessor.position].nanoseconds
      }
      chains[position] = chain
      if chain.count > summary.longestChainCount {
        summary.longestChainCount = chain.count
        summary.longestChainNanoseconds = chain.nanoseconds
      }
    }
    return summary
  }

  /// The accounts that kept transactions apart, those with the longest waits first, then by edges.
  package func hottestAccounts(limit: Int) -> [AccountSummary] {
    let highest = edgeAccounts.max().map { Int($0) + 1 } ?? 0
    var summaries = (0..<highest).map { AccountSummary(account: AccountIndex(UInt32($0))) }
    for account in edgeAccounts { summaries[Int(account)].edgeCount += 1 }
    for slice in slices {
      guard let release = slice.releasedBy else { continue }
      summaries[release.account.position].releaseCount += 1
      summaries[release.account.position].waitNanoseconds +=
        slices[release.predecessor.position].durationNanoseconds
    }
    let involved = summaries.filter { $0.edgeCount > 0 }.sorted { left, right in
      if left.waitNanoseconds != right.waitNanoseconds { return left.waitNanoseconds > right.waitNanoseconds }
      if left.edgeCount != right.edgeCount { return left.edgeCount > right.edgeCount }
      return left.account < right.account
    }
    return Array(involved.prefix(max(limit, 0)))
  }

  package struct DiscardSummary: Sendable, Equatable {
    /// What two transactions met on; `nil` where nothing is known to be to blame.
    package var account: AccountIndex?
    /// Executions that were thrown away.
    package var count = 0
    package var nanoseconds: UInt64 = 0
    /// The first of them in block order.
    package var first: Timeline.Discard
  }

  /// What was thrown away, by what it was for: the most time first.
  package func discardSummaries(limit: Int) -> [DiscardSummary] {
    var places: [AccountIndex?: Int] = [:]
    var summaries: [DiscardSummary] = []
    for discard in discards {
      let place = places[discard.account] ?? summaries.count
      if place == summaries.count {
        places[discard.account] = place
        summaries.append(DiscardSummary(account: discard.account, first: discard))
      }
      summaries[place].count += 1
      summaries[place].nanoseconds += discard.durationNanoseconds
    }
    // Ties in block order.
    let ranked = summaries.enumerated().sorted {
      ($1.element.nanoseconds, $0.offset) < ($0.element.nanoseconds, $1.offset)
    }
    return ranked.prefix(max(limit, 0)).map(\.element)
  }

  /// What each worker did, for drawing lanes and traces: its transactions by starting time.
  package var lanes: [[TransactionIndex]] {
    var lanes = [[TransactionIndex]](repeating: [], count: workerCount)
    for (position, slice) in slices.enumerated() {
      lanes[slice.worker.position].append(TransactionIndex(UInt32(position)))
    }
    for worker in lanes.indices {
      lanes[worker].sort { left, right in
        let (start, other) = (slices[left.position].startNanoseconds, slices[right.position].startNanoseconds)
        return start != other ? start < other : left < right
      }
    }
    return lanes
  }

  /// What a worker did in one column of the lane picture, in thousandths of the column's time; the rest it waited.
  package struct Shares: Sendable, Equatable {
    package var executing = 0
    package var feeding = 0
    package var settling = 0
    /// Executing what was thrown away.
    package var discarding = 0
  }

  /// Shares of each of `columnCount` equal time columns, one row a worker: the lane picture.
  package func occupancy(columnCount: Int) -> [[Shares]] {
    var rows = [[Shares]](repeating: [Shares](repeating: Shares(), count: columnCount), count: workerCount)
    guard columnCount > 0, elapsedNanoseconds > 0 else { return rows }
    let executing = Columns(count: columnCount, of: elapsedNanoseconds, rowCount: workerCount)
    let (feeding, settling, discarding) = (executing.copy, executing.copy, executing.copy)
    for slice in slices {
      executing.add(slice.startNanoseconds, slice.endNanoseconds, to: slice.worker.position)
      settling.add(slice.endNanoseconds, slice.settledNanoseconds, to: slice.worker.position)
    }
    for (worker, spans) in self.feeding.enumerated() {
      for span in spans { feeding.add(span.startNanoseconds, span.endNanoseconds, to: worker) }
    }
    for discard in discards {
      discarding.add(discard.startNanoseconds, discard.endNanoseconds, to: discard.worker.position)
    }
    for row in rows.indices {
      for column in 0..<columnCount {
        rows[row][column] = Shares(
          executing: executing.permille(row, column), feeding: feeding.permille(row, column),
          settling: settling.permille(row, column), discarding: discarding.permille(row, column))
      }
    }
    return rows
  }
}

/// Time by worker and by column; column c covers [c × elapsed / count, (c + 1) × elapsed / count).
private final class Columns {
  private let count: UInt64
  private let elapsed: UInt64
  private var rows: [[UInt64]]

  init(count: Int, of elapsed: UInt64, rowCount: Int) {
    (self.count, self.elapsed) = (UInt64(count), elapsed)
    rows = [[UInt64]](repeating: [UInt64](repeating: 0, count: count), count: rowCount)
  }

  /// As many columns, without their times.
  var copy: Columns { Columns(count: Int(count), of: elapsed, rowCount: rows.count) }

  private func boundary(_ column: UInt64) -> UInt64 {
    let (quotient, remainder) = elapsed.quotientAndRemainder(dividingBy: count)
    return column * quotient + column * remainder / count
  }

  func add(_ start: UInt64, _ end: UInt64, to row: Int) {
    let end = min(end, elapsed)
    guard start < end else { return }
    var column = columnIndex(of: start)
    while column < count && boundary(column) < end {
      let (low, high) = (max(start, boundary(column)), min(end, boundary(column + 1)))
      if high > low { rows[row][Int(column)] += high - low }
      column += 1
    }
  }

  func permille(_ row: Int, _ column: Int) -> Int {
    let width = boundary(UInt64(column) + 1) - boundary(UInt64(column))
    return width == 0 ? 0 : Int(min(rows[row][column] * 1000 / width, 1000))
  }

  /// A column at or before the one that holds `time`.
  private func columnIndex(of time: UInt64) -> UInt64 {
    let product = time.multipliedFullWidth(by: count)
    guard product.high < elapsed else { return count }
    let column = elapsed.dividingFullWidth(product).quotient
    return column > 0 ? column - 1 : 0
  }
}

extension Timeline.Discard {
  package var durationNanoseconds: UInt64 { endNanoseconds - min(startNanoseconds, endNanoseconds) }
}

extension Timeline.Slice {
  /// Time in the body.
  package var durationNanoseconds: UInt64 { endNanoseconds - min(startNanoseconds, endNanoseconds) }

  /// Time after the body, in which successors were released.
  package var settlingNanoseconds: UInt64 { settledNanoseconds - min(endNanoseconds, settledNanoseconds) }
}
