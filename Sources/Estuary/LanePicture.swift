// What the lanes did, for people: what each worker's time went to, what waited and for what, and which accounts kept
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

  /// What a worker does in a column of its bar.
  private enum Activity: CaseIterable {
    case executing, discarding, feeding, settling, waiting

    var character: String {
      switch self {
      case .executing: "█"
      case .discarding: "x"
      case .feeding: "▒"
      case .settling: "▪"
      case .waiting: "·"
      }
    }

    var name: String {
      switch self {
      case .executing: "executing"
      case .discarding: "thrown away"
      case .feeding: "decoding, signatures, adding"
      case .settling: "settling"
      case .waiting: "waiting"
      }
    }

    /// Of ECMA-48's SGR.
    var colour: String {
      switch self {
      case .executing: "32"
      case .discarding: "31"
      case .feeding: "34"
      case .settling: "33"
      case .waiting: "2"
      }
    }

    /// What most of a column's time went to.
    init(_ shares: Timeline.Shares) {
      let waiting = 1000 - shares.executing - shares.feeding - shares.settling - shares.discarding
      let highest = max(shares.executing, shares.feeding, shares.settling, shares.discarding, waiting)
      switch highest {
      case shares.executing: self = .executing
      case shares.discarding: self = .discarding
      case shares.feeding: self = .feeding
      case shares.settling: self = .settling
      default: self = .waiting
      }
    }
  }

  /// Several lines of at most `width` columns, `[80, 120]`; the keys of accounts are printed whole.
  ///
  /// - Parameter colour: whether the terminal shows colours.
  package func text(width: Int = 80, colour: Bool = false) -> String {
    let barWidth = max(80, min(width, 120)) - 30
    let elapsed = max(timeline.elapsedNanoseconds, 1)
    func drawn(_ activity: Activity, _ count: Int = 1) -> String {
      let text = String(repeating: activity.character, count: count)
      return colour ? "\u{1b}[\(activity.colour)m\(text)\u{1b}[0m" : text
    }
    let activities = Activity.allCases.filter { $0 != .discarding || !timeline.discards.isEmpty }
    var lines = [
      "lanes over \(Self.duration(timeline.elapsedNanoseconds)), \(timeline.slices.count) transactions",
      "  " + activities.map { drawn($0) + " " + $0.name }.joined(separator: "  "),
    ]
    for (summary, row) in zip(timeline.workers, timeline.occupancy(columnCount: barWidth)) {
      var bar = ""
      var rest = row.map { Activity($0) }[...]
      while let first = rest.first {
        let run = rest.prefix { $0 == first }.count
        bar += drawn(first, run)
        rest = rest.dropFirst(run)
      }
      let busy =
        summary.busyNanoseconds + summary.feedingNanoseconds + summary.settlingNanoseconds
        + summary.discardedNanoseconds
      let percent = Int(min(busy, elapsed) * 100 / elapsed)
      lines.append(
        "  worker \(Self.pad(summary.worker.position, 3)) \(bar) \(Self.pad(percent, 3)) %"
          + " \(Self.pad(summary.transactionCount, 7)) tx")
    }
    return (lines + waitLines() + hotAccountLines() + discardLines()).joined(separator: "\n")
  }

  /// Of executions that were thrown away: how many, over what, and who had used it first, counted from 1.
  private func discardLines() -> [String] {
    guard !timeline.discards.isEmpty else { return [] }
    let time = timeline.discards.reduce(0) { $0 + $1.durationNanoseconds }
    return ["  executed twice: \(timeline.discards.count), \(Self.duration(time)) for nothing, over"]
      + timeline.discardSummaries(limit: 5).map { summary in
        let what = summary.account.map(name) ?? "what room or gas the block had left"
        let writer = summary.first.writer.map { ", first used by transaction \($0.position + 1)" } ?? ""
        return "    \(what): \(summary.count)\(writer)"
      }
  }

  private func waitLines() -> [String] {
    let waits = timeline.waits
    let count = UInt64(max(timeline.slices.count, 1))
    return [
      "  \(waits.conflictedCount) of \(timeline.slices.count) waited for an earlier one; longest chain"
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
