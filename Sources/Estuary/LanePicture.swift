// What the lanes did, for people: how busy each worker was, what waited and for what, and which accounts kept
// transactions apart. Text for a terminal; the full record goes to a trace file (ChromeTrace.swift).

import Ledger
import Primitives
import Scheduling

/// A block's schedule as it happened.
package struct LanePicture {
  private let timeline: Timeline
  private let name: (AccountIndex) -> String

  /// - Parameter name: how to print an account.
  package init(_ timeline: Timeline, name: @escaping (AccountIndex) -> String) {
    self.timeline = timeline
    self.name = name
  }

  /// Several lines; `width` is the terminal's, in columns.
  package func text(width: Int = 80) -> String {
    let barWidth = max(20, min(width, 120) - 30)
    let elapsed = timeline.elapsedNanoseconds
    var lines = ["lanes over \(Self.duration(elapsed)), \(timeline.slices.count) transactions"]
    let rows = timeline.occupancy(columnCount: barWidth)
    for (summary, row) in zip(timeline.workers, rows) {
      let bar = row.map(Self.shade).joined()
      let percent = (summary.utilisationPermille + 5) / 10
      lines.append(
        "  worker \(Self.pad(summary.worker.position, 3)) \(bar) \(Self.pad(percent, 3)) %"
          + " \(Self.pad(summary.transactionCount, 7)) tx")
    }
    return (lines + waitLines() + hotAccountLines()).joined(separator: "\n")
  }

  private static func shade(permille: Int) -> String {
    switch permille {
    case 880...: "█"
    case 630...: "▓"
    case 380...: "▒"
    case 1...: "░"
    default: "·"
    }
  }

  private func waitLines() -> [String] {
    let waits = timeline.waits
    let count = UInt64(max(timeline.slices.count, 1))
    return [
      "  \(waits.conflictedCount) of \(timeline.slices.count) transactions waited for an earlier one; longest chain"
        + " \(waits.longestChainCount) (\(Self.duration(waits.longestChainNanoseconds)))",
      "  a ready transaction waited \(Self.duration(waits.queueNanoseconds / count)) for a worker on average,"
        + " \(Self.duration(waits.longestQueueNanoseconds)) at most",
    ]
  }

  private func hotAccountLines() -> [String] {
    let hottest = timeline.hottestAccounts(limit: 5)
    guard !hottest.isEmpty else { return ["  no account made a transaction wait"] }
    return ["  hottest accounts:      waited for   pairs kept apart"]
      + hottest.map {
        "    \(name($0.account)) \(Self.duration($0.waitNanoseconds)), \($0.edgeCount)"
      }
  }

  /// Three significant digits and a unit.
  package static func duration(_ nanoseconds: UInt64) -> String {
    let value = Double(nanoseconds)
    switch value {
    case ..<1e3: return "\(nanoseconds) ns"
    case ..<1e6: return rounded(value / 1e3) + " µs"
    case ..<1e9: return rounded(value / 1e6) + " ms"
    default: return rounded(value / 1e9) + " s"
    }
  }

  private static func rounded(_ value: Double) -> String {
    let digits = value < 10 ? 100.0 : value < 100 ? 10.0 : 1.0
    let scaled = (value * digits).rounded() / digits
    return digits == 1 ? String(Int(scaled)) : String(scaled)
  }

  private static func pad(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
