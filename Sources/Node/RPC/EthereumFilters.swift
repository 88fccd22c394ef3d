// Filters that clients have made and ask now and then. One that nobody asks for five minutes is gone, as geth has it.

import Estuary
import Execution
import Ledger
import Primitives

final class EthereumFilters: @unchecked Sendable {
  // Sendable: what changes is touched under `lock`.
  enum Kind: Sendable {
    case logs(EthereumLogQuery)
    case blocks
    /// Hashes of transactions that came to wait since the filter was asked last.
    case pending([Hash])
  }

  struct Filter: Sendable {
    var kind: Kind
    /// The first block that it was not told of.
    var next: UInt64
    /// Logs that it was told of and that went with their blocks, from the last one on.
    var removed: [EthereumLogRecord] = []
    fileprivate var deadline: UInt64
  }

  private let lock = Lock()
  private var filters: [String: Filter] = [:]

  private static let lifeNanoseconds: UInt64 = 300 * 1_000_000_000
  /// Filters at a time, and hashes that one holds.
  private static let (limit, hashLimit) = (10_000, 10_000)

  /// - Returns: the filter's name; `nil` where there are as many as there may be.
  func add(_ kind: Kind, next: UInt64) -> String? {
    let id = EthereumForm.data((0..<16).map { _ in UInt8.random(in: 0...255) })
    return lock.withLock {
      let now = Clocks.monotonicNanoseconds()
      if filters.count >= Self.limit { filters = filters.filter { $0.value.deadline > now } }
      guard filters.count < Self.limit else { return nil }
      filters[id] = Filter(kind: kind, next: next, deadline: now + Self.lifeNanoseconds)
      return id
    }
  }

  /// The filter as it was; from now on it is told of blocks behind `head`, and of nothing that it knows.
  func take(_ id: String, through head: UInt64) -> Filter? {
    lock.withLock {
      let now = Clocks.monotonicNanoseconds()
      guard let filter = filters[id], filter.deadline > now else {
        filters[id] = nil
        return nil
      }
      var next = filter
      // One that went back in the meantime keeps its place until it is told of that.
      next.next = max(filter.next, head + 1)
      next.removed = []
      next.deadline = now + Self.lifeNanoseconds
      if case .pending = filter.kind { next.kind = .pending([]) }
      filters[id] = next
      return filter
    }
  }

  func filter(_ id: String) -> Filter? {
    lock.withLock {
      guard let filter = filters[id], filter.deadline > Clocks.monotonicNanoseconds() else { return nil }
      return filter
    }
  }

  /// Whether there was one.
  func remove(_ id: String) -> Bool { lock.withLock { filters.removeValue(forKey: id) != nil } }

  /// Notes that the blocks behind `number` went.
  ///
  /// - Parameter logs: theirs, in their order.
  func goBack(to number: UInt64, removed logs: [EthereumLogRecord]) {
    lock.withLock {
      for (id, filter) in filters where filter.next > number + 1 {
        filters[id]?.next = number + 1
        guard case .logs(let query) = filter.kind else { continue }
        // Those of blocks that it was not told of are nothing to it.
        let known = logs.reversed().filter { record in
          record.place.blockNumber < filter.next && query.wants(record)
        }
        filters[id]?.removed = Array((filter.removed + known).prefix(EthereumRPC.logLimit))
      }
    }
  }

  /// Tells those who want to know of a transaction that came to wait.
  func note(pending hash: Hash) {
    lock.withLock {
      for (id, filter) in filters {
        if case .pending(let hashes) = filter.kind, hashes.count < Self.hashLimit {
          filters[id]?.kind = .pending(hashes + [hash])
        }
      }
    }
  }
}
