// A recorded run in figures: how busy each worker was, what was waited for, which accounts made transactions
// wait. Sums and orders of integers only, ties broken by index: equal timelines give equal summaries.

extension Timeline {
  package struct WorkerSummary: Sendable, Equatable {
    package var worker: WorkerIndex
    package var transactionCount = 0
    /// Time spent in bodies.
    package var busyNanoseconds: UInt64 = 0
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

  /// Busy share of each of `columnCount` equal time columns, in thousandths, one row a worker: the lane
  /// picture.
  package func occupancy(columnCount: Int) -> [[Int]] {
    var rows = [[UInt64]](repeating: [UInt64](repeating: 0, count: columnCount), count: workerCount)
    guard columnCount > 0, elapsedNanoseconds > 0 else { return rows.map { $0.map { _ in 0 } } }
    let columns = UInt64(columnCount)
    // Column c covers [c × elapsed / columns, (c + 1) × elapsed / columns).
    func boundary(_ column: UInt64) -> UInt64 {
      let (quotient, remainder) = elapsedNanoseconds.quotientAndRemainder(dividingBy: columns)
      return column * quotient + column * remainder / columns
    }
    for slice in slices {
      let end = min(slice.endNanoseconds, elapsedNanoseconds)
      var column = columnIndex(of: slice.startNanoseconds, among: columns)
      while column < columns && boundary(column) < end {
        let (low, high) = (max(slice.startNanoseconds, boundary(column)), min(end, boundary(column + 1)))
        if high > low { rows[slice.worker.position][Int(column)] += high - low }
        column += 1
      }
    }
    return rows.map { row in
      row.indices.map { column in
        let width = boundary(UInt64(column) + 1) - boundary(UInt64(column))
        return width == 0 ? 0 : Int(min(row[column] * 1000 / width, 1000))
      }
    }
  }

  /// A column at or before the one that holds `time`.
  private func columnIndex(of time: UInt64, among columns: UInt64) -> UInt64 {
    let product = time.multipliedFullWidth(by: columns)
    guard product.high < elapsedNanoseconds else { return columns }
    let column = elapsedNanoseconds.dividingFullWidth(product).quotient
    return column > 0 ? column - 1 : 0
  }
}

extension Timeline.Slice {
  /// Time in the body.
  package var durationNanoseconds: UInt64 { endNanoseconds - min(startNanoseconds, endNanoseconds) }
}
