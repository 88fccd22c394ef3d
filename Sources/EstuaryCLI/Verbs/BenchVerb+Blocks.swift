// Whole blocks, serially and on several workers.

import ArgumentParser
import Estuary
import Execution
import FoundationEssentials
import Scheduling

/// Numbers of workers, as "2,4,8".
struct WorkerCounts: ExpressibleByArgument {
  let counts: [Int]

  init(_ counts: [Int]) { self.counts = counts }

  init?(argument: String) {
    let counts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard counts.allSatisfy((1...WorkerPool.workerLimit).contains) else { return nil }
    self.init(counts)
  }
}

extension BenchVerb {
  /// What came of the runs of a block on one pool.
  private struct PoolRuns {
    /// The least.
    var nanoseconds = UInt64.max
    /// The most.
    var repeatedCount = 0
    /// Nanoseconds that a cache line took from worker to worker and back, behind each run.
    var exchanges: [Double] = []

    /// How far apart the workers were, in words: the median.
    var distance: String {
      if exchanges.isEmpty { return "" }
      return "; a cache line to and fro in \(Int(exchanges.sorted()[exchanges.count / 2].rounded())) ns"
    }
  }

  /// Each block of the table of docs/scheduler.md; what numbers of workers would do that this machine has no processors for
  /// is simulated.
  func measureBlocks() throws -> [Figure] {
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let wanted = workers?.counts ?? [2, 4, 8, 16, 32]
    let counts = wanted.filter { $0 <= max(processors, 2) }
    let token = try token.map { try ProgramFile.executable(at: $0) }
    let serial = SerialExecutor(engine: fastest)
    let pools = try counts.map { try LockExecutor(workerCount: $0, engine: fastest) }
    var figures: [Figure] = []
    for kind in BlockBench.Kind.allCases {
      if kind.needsToken && token == nil {
        Terminal.note("blocks: no --token, so none of both kinds")
        continue
      }
      Terminal.progress("measuring blocks: \(kind.title)")
      var block = try BlockBench(kind, count: count, token: token ?? [])
      var best = UInt64.max
      var lanes = pools.map { _ in PoolRuns() }
      for _ in 0..<rounds {
        best = min(best, try block.run(on: serial).nanoseconds)
        for (place, pool) in pools.enumerated() {
          let run = try block.run(on: pool)
          lanes[place].nanoseconds = min(lanes[place].nanoseconds, run.nanoseconds)
          lanes[place].repeatedCount = max(lanes[place].repeatedCount, run.repeatedCount)
          if let exchange = pool.pool.lineExchangeNanoseconds() { lanes[place].exchanges.append(exchange) }
        }
      }
      figures.append(
        Figure(
          name: "\(kind.title), serial", value: Double(best) / 1000 / Double(count), unit: "µs/transaction"))
      for (workers, run) in zip(counts, lanes) {
        figures.append(
          Figure(
            name: "\(kind.title), \(workers) workers", value: Double(best) / Double(run.nanoseconds),
            unit: "× serial, \(run.repeatedCount) executed twice\(run.distance)"))
      }
      let more = wanted.filter { !counts.contains($0) }
      if more.isEmpty { continue }
      let simulation = try block.simulation(on: serial)
      let alone = simulation.elapsed(workerCount: 1)
      for workers in more {
        figures.append(
          Figure(
            name: "\(kind.title), \(workers) workers, simulated",
            value: Double(alone) / Double(max(simulation.elapsed(workerCount: workers), 1)),
            unit: "× serial at most, by recorded durations and accesses"))
      }
    }
    return figures
  }
}
