// Calls between contracts and programs.

import Estuary
import Execution

extension BenchVerb {
  /// A call across beside a plain one of the same world, and a block of transfers by contract on one worker and on two.
  func measureCrossing() throws -> [Figure] {
    let serial = SerialExecutor(engine: fastest)
    let (few, many, transactions) = (1, 60, 200)
    var figures: [Figure] = []
    for kind in CrossingBench.Kind.allCases {
      let benches = try [few, many].map { try CrossingBench(kind, callCount: $0, count: transactions) }
      var best: [UInt64] = [.max, .max]
      for _ in 0..<rounds {
        for (place, bench) in benches.enumerated() {
          best[place] = min(best[place], try bench.run(on: serial))
        }
      }
      // What a transaction takes beside its calls is in both.
      let nanoseconds = Double(best[1] - min(best[0], best[1])) / Double((many - few) * transactions)
      figures.append(Figure(name: "crossing, \(kind.title)", value: nanoseconds, unit: "ns/call"))
    }
    let block = try CrossingBench(transferCount: 10_000)
    let pool = try LockExecutor(workerCount: 2, engine: fastest)
    var best = (alone: UInt64.max, together: UInt64.max)
    // Runs one after the other meet the same machine, whose speed may move meanwhile: the median of pairs tells of that.
    var gains: [Double] = []
    for _ in 0..<rounds {
      let (alone, together) = (try block.run(on: serial), try block.run(on: pool))
      best = (min(best.alone, alone), min(best.together, together))
      gains.append(Double(alone) / Double(together))
    }
    gains.sort()
    let title = "crossing, transfers by contract"
    figures.append(Figure(name: "\(title), serial", value: Double(best.alone) / 1e7, unit: "µs/transaction"))
    figures.append(
      Figure(
        name: "\(title), 2 workers", value: Double(best.alone) / Double(best.together), unit: "× serial"))
    figures.append(
      Figure(name: "\(title), 2 workers (median)", value: gains[gains.count / 2], unit: "× serial"))
    return figures
  }
}
