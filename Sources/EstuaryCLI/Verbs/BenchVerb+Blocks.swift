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
      var lanes = [(nanoseconds: UInt64, repeated: Int)](repeating: (.max, 0), count: pools.count)
      for _ in 0..<rounds {
        best = min(best, try block.run(on: serial).nanoseconds)
        for (place, pool) in pools.enumerated() {
          let run = try block.run(on: pool)
          lanes[place] = (min(lanes[place].nanoseconds, run.nanoseconds), max(lanes[place].repeated, run.repeatedCount))
        }
      }
      figures.append(
        Figure(
          name: "\(kind.title), serial", value: Double(best) / 1000 / Double(count), unit: "µs/transaction"))
      for (workers, run) in zip(counts, lanes) {
        figures.append(
          Figure(
            name: "\(kind.title), \(workers) workers", value: Double(best) / Double(run.nanoseconds),
            unit: "× serial, \(run.repeated) executed twice"))
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
