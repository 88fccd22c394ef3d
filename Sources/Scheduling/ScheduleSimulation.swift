// How long a block would take on so many workers, by the durations of its transactions and what they wait for: for machines
// with fewer processors than one would like to know of. It places executions alone, as a scheduler would that costs nothing
// and knows everything, so it is a bound: decoding, planning, meeting and the memory that workers share come on top.

package struct ScheduleSimulation {
  private var durations: [UInt64] = []
  /// By transaction, where its predecessors begin in `predecessors`.
  private var starts: [Int] = []
  private var predecessors: [Int] = []
  /// By account: the last transaction that wrote it, and those that have read it since.
  private var writers: [AccountIndex: Int] = [:]
  private var readers: [AccountIndex: [Int]] = [:]

  package init() {}

  /// Adds the next transaction of the block.
  ///
  /// - Parameters:
  ///   - nanoseconds: how long it runs.
  ///   - reads: what it reads and does not write.
  package mutating func add(nanoseconds: UInt64, reads: [AccountIndex], writes: [AccountIndex]) {
    let transaction = durations.count
    durations.append(nanoseconds)
    starts.append(predecessors.count)
    for account in reads {
      if let writer = writers[account] { predecessors.append(writer) }
      readers[account, default: []].append(transaction)
    }
    for account in writes {
      let since = readers.removeValue(forKey: account) ?? []
      if since.isEmpty, let writer = writers[account] { predecessors.append(writer) }
      predecessors += since.lazy.filter { $0 != transaction }
      writers[account] = transaction
    }
  }

  /// Nanoseconds until the last transaction is done, where each free worker takes the first in block order of those that
  /// wait for nothing.
  ///
  /// - Parameter workerCount: at least 1.
  package func elapsed(workerCount: Int) -> UInt64 {
    var successors = [[Int]](repeating: [], count: durations.count)
    var pending = [Int](repeating: 0, count: durations.count)
    for transaction in durations.indices {
      let end = transaction + 1 < starts.count ? starts[transaction + 1] : predecessors.count
      for predecessor in Set(predecessors[starts[transaction]..<end]) {
        successors[predecessor].append(transaction)
        pending[transaction] += 1
      }
    }
    var ready = Heap()
    for transaction in durations.indices where pending[transaction] == 0 { ready.insert((UInt64(transaction), transaction)) }
    // By the time at which they are done.
    var running = Heap()
    var (now, free) = (0 as UInt64, workerCount)
    while true {
      while free > 0, let (_, transaction) = ready.removeLeast() {
        running.insert((now + durations[transaction], transaction))
        free -= 1
      }
      guard let (end, transaction) = running.removeLeast() else { return now }
      (now, free) = (end, free + 1)
      for successor in successors[transaction] {
        pending[successor] -= 1
        if pending[successor] == 0 { ready.insert((UInt64(successor), successor)) }
      }
    }
  }

  /// A binary heap of transactions; of equal keys, the first in block order comes first.
  private struct Heap {
    private var entries: [(key: UInt64, transaction: Int)] = []

    mutating func insert(_ entry: (key: UInt64, transaction: Int)) {
      entries.append(entry)
      var place = entries.count - 1
      while place > 0, entries[place] < entries[(place - 1) / 2] {
        entries.swapAt(place, (place - 1) / 2)
        place = (place - 1) / 2
      }
    }

    mutating func removeLeast() -> (key: UInt64, transaction: Int)? {
      guard let least = entries.first, let last = entries.popLast() else { return nil }
      if entries.isEmpty { return least }
      entries[0] = last
      var place = 0
      while true {
        var child = 2 * place + 1
        if child >= entries.count { return least }
        if child + 1 < entries.count && entries[child + 1] < entries[child] { child += 1 }
        if entries[place] < entries[child] { return least }
        entries.swapAt(place, child)
        place = child
      }
    }
  }
}
