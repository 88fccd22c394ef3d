// What a replay's output is made of, gathered part by part: counts, errors, the lane picture's timeline, and, where they are
// asked for, receipts and a trace file. Without those two a replay of any length needs little memory.

import Estuary
import Execution
import Ledger
import Primitives
import Scheduling

/// Used by one thread.
final class ReplayReport {
  /// Where they are kept.
  private(set) var receipts: [Receipt] = []
  private(set) var failureCount = 0
  private(set) var errors = ErrorSummary()
  /// Lines that are no transaction objects.
  private(set) var strayCount = 0
  private(set) var firstStray: TransactionLineError?
  /// Of the first parts.
  private(set) var timeline: Timeline?
  private var timelineCount = 0
  private let keepsReceipts: Bool
  private let tracePath: String?
  private var trace: (text: ChromeTrace, file: WholeFileWriter)?
  private var traceFailure: FileError?

  /// A picture has no more columns for more parts, nor a terminal's user more memory.
  private static let timelineLimit = (parts: 1000, transactions: 1_000_000)

  /// - Parameters:
  ///   - tracePath: where to write a trace.
  ///   - workerCount: tracks of the trace.
  init(keepsReceipts: Bool, tracePath: String?, workerCount: Int) throws {
    self.keepsReceipts = keepsReceipts
    self.tracePath = tracePath
    guard let tracePath else { return }
    do throws(FileError) {
      trace = (ChromeTrace(workerCount: workerCount), try WholeFileWriter(tracePath))
    } catch {
      throw CLIError.unwritable(path: tracePath, detail: error.detail)
    }
  }

  func add(_ part: Replay.Part) {
    for (position, receipt) in part.block.receipts.enumerated() where !receipt.isSuccess {
      failureCount += 1
      errors.add(receipt, part.transactions[position], entry: part.firstEntry + position + 1, on: part.chain)
      if let error = receipt.lineError, !error.namesTransaction {
        strayCount += 1
        if firstStray == nil { firstStray = error }
      }
    }
    if keepsReceipts {
      if receipts.isEmpty { receipts = part.block.receipts } else { receipts += part.block.receipts }
    }
    if let next = part.block.timeline, timelineCount < Self.timelineLimit.parts,
      timeline?.slices.count ?? 0 < Self.timelineLimit.transactions
    {
      timelineCount += 1
      timeline = timeline.map { $0.followed(by: next) } ?? next
    }
    writeTrace(of: part)
  }

  private func writeTrace(of part: Replay.Part) {
    guard trace != nil, traceFailure == nil, let block = ChromeTrace.Block(part) else { return }
    trace?.text.add(block)
    writeTraceText()
  }

  private func writeTraceText() {
    guard let text = trace?.text.takeText() else { return }
    do throws(FileError) { try trace?.file.write(text) } catch { traceFailure = error }
  }

  /// Gives the trace its name.
  func finishTrace() throws {
    guard let tracePath, trace != nil else { return }
    trace?.text.end()
    writeTraceText()
    if traceFailure == nil {
      do throws(FileError) { try trace?.file.finish() } catch { traceFailure = error }
    }
    if let traceFailure { throw CLIError.unwritable(path: tracePath, detail: traceFailure.detail) }
  }
}

/// Errors by kind, with the first of each as an example.
struct ErrorSummary {
  private struct Kind {
    var count = 0
    /// Counted from 1.
    var firstEntry: Int
    /// What the first one says beyond its kind.
    var example: String?
    /// Whether the example names its line.
    var isLine: Bool
  }

  private var kinds: [String: Kind] = [:]
  /// Of kinds beyond the limit.
  private var otherCount = 0
  private static let kindLimit = 1000
  private static let shownCount = 8

  /// - Parameters:
  ///   - entry: the entry's number, counted from 1.
  ///   - chain: as it is after the part that the entry is in.
  mutating func add(_ receipt: Receipt, _ line: TransactionLine, entry: Int, on chain: Chain) {
    let (text, example) = receipt.failure
    let kind = Self.kind(of: text, receipt)
    if kinds[kind] != nil {
      kinds[kind]?.count += 1
    } else if kinds.count < Self.kindLimit {
      let own = example ?? explanation(of: receipt, line, on: chain) ?? (kind == text ? nil : text)
      kinds[kind] = Kind(count: 1, firstEntry: entry, example: own, isLine: receipt.lineError != nil)
    } else {
      otherCount += 1
    }
  }

  private func explanation(of receipt: Receipt, _ line: TransactionLine, on chain: Chain) -> String? {
    guard case .solana(let result) = receipt, let error = result.error,
      case .success(.solana(let wire)) = line
    else { return nil }
    return FailedTransaction.explanation(of: error, wire: wire, on: chain)
  }

  /// Ethereum's errors name accounts and amounts, which are left out of their kinds.
  private static func kind(of text: String, _ receipt: Receipt) -> String {
    guard case .ethereum = receipt else { return text }
    return text.split(separator: " ", omittingEmptySubsequences: false).map { word in
      guard let first = word.first, first.isNumber else { return String(word) }
      let end = word.lastIndex { $0.isNumber || $0.isLetter } ?? word.startIndex
      return "…" + word[word.index(after: end)...]
    }.joined(separator: " ")
  }

  /// The commonest first, ties by text.
  func lines(width: Int) -> [String] {
    let sorted = kinds.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    var lines: [String] = []
    for (text, kind) in sorted.prefix(Self.shownCount) {
      let isOneLine = kind.isLine && kind.count == 1
      let headline = isOneLine ? kind.example ?? text : text
      lines += Self.wrapped("\(kind.count) × \(headline)", indent: "  ", width: width)
      guard let example = kind.example, !isOneLine else { continue }
      let place =
        kind.isLine
        ? "" : kind.count > 1 ? "in transaction \(kind.firstEntry): " : "transaction \(kind.firstEntry): "
      lines += Self.wrapped(
        (kind.count > 1 ? "first " : "") + place + example, indent: "      ", width: width)
    }
    let rest = sorted.dropFirst(Self.shownCount).reduce(otherCount) { $0 + $1.value.count }
    if rest > 0 { lines.append("  \(rest) of other kinds; --json has them all") }
    return lines
  }

  /// Breaks at spaces, so that no line is longer than `width` but for words that are.
  static func wrapped(_ text: String, indent: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = indent
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if line.count > indent.count && line.count + 1 + word.count > width {
        lines.append(line)
        line = indent
      }
      line += (line.count > indent.count ? " " : "") + word
    }
    return lines + [line]
  }
}
