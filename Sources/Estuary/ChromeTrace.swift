// Blocks' schedules in the Trace Event Format that https://ui.perfetto.dev and chrome://tracing read: a track for each
// worker, with a slice for each transaction, for feeding the graph and for releasing successors; flow arrows from a
// transaction to those that it kept waiting; a track for what a block does as a whole. Times are microseconds.
//
// Made for blocks of any size: a transaction takes some 115 bytes, one that waited 280, and blocks are written as
// they come. What the input file says (signatures, keys) is not repeated: `tx` is the transaction's position in the file,
// `after` that of the one it waited for, `on` the beginning of the key of the account that kept them apart (all of it
// once, under `otherData`), `cu` are compute units. An execution that was thrown away has a slice of its own: `again` is the
// position of the transaction, which has another slice, `over` what two transactions met on, `of` the position of the first
// that had used it.

import Execution
import Ledger
import Primitives
import Scheduling

/// A trace that is written block by block.
package struct ChromeTrace {
  /// One block of a trace.
  package struct Block {
    package var number: UInt64
    package var timeline: Timeline
    package var timing: Chain.Timing
    package var transactions: BlockTransactions
    /// One a transaction.
    package var receipts: [Receipt]
    /// Entries of the file before the block's.
    package var firstEntry: Int
    /// Nanoseconds from the trace's beginning to the block's.
    package var startNanoseconds: UInt64
    /// How to print an account.
    package var accountName: (AccountIndex) -> String

    /// A replay's part; `nil` where its timeline was not recorded.
    package init?(_ part: Replay.Part) {
      guard let timeline = part.block.timeline else { return nil }
      number = part.block.height
      self.timeline = timeline
      timing = part.block.timing
      transactions = part.transactions
      receipts = part.block.receipts
      firstEntry = part.firstEntry
      startNanoseconds = part.startNanoseconds
      let chain = part.chain
      accountName = { chain.name(inTimelines: $0) }
    }
  }

  /// The track of what a block does as a whole; workers have the tracks from 1 on.
  private static let blockTrack = 0

  /// Releases shorter than this are left out: in most blocks they are all alike, and as many as transactions.
  private static let shortestReleaseNanoseconds: UInt64 = 1000

  private var writer = JSONWriter()
  /// Accounts that were waited for, by their index: what stands for them, and their names in the order of the first wait.
  private var shortNames: [AccountIndex: String] = [:]
  private var names: [String] = []

  package init(workerCount: Int) {
    writer.beginObject()
    writer.member("displayTimeUnit", "ns")
    writer.key("traceEvents")
    writer.beginArray()
    Self.writeName("process_name", of: Self.blockTrack, "estuary", to: &writer)
    Self.writeName("thread_name", of: Self.blockTrack, "block", to: &writer)
    for worker in 0..<workerCount {
      Self.writeName("thread_name", of: worker + 1, "worker \(worker)", to: &writer)
    }
  }

  /// The text so far that was not yet taken.
  package mutating func takeText() -> [UInt8] { writer.drain() }

  /// Nothing may be added behind it.
  package mutating func end() {
    writer.endArray()
    writer.key("otherData")
    writer.beginObject()
    writer.key("accounts")
    writer.beginArray()
    for name in names { writer.value(name) }
    writer.endArray()
    writer.endObject()
    writer.endObject()
    writer.newline()
  }

  private static func writeName(
    _ kind: String, of track: Int, _ name: String, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("ph", "M")
      writer.member("name", kind)
      writer.member("pid", 1)
      writer.member("tid", track)
      writer.key("args")
      writer.object { $0.member("name", name) }
    }
  }

  // MARK: One block

  package mutating func add(_ block: Block) {
    writePhases(of: block)
    for (worker, spans) in block.timeline.feeding.enumerated() {
      for span in spans {
        beginSlice(
          "decode, verify, add", on: worker + 1, from: block.startNanoseconds + span.startNanoseconds,
          for: span.endNanoseconds - span.startNanoseconds)
        writer.endObject()
      }
    }
    for discard in block.timeline.discards { writeDiscard(discard, of: block) }
    for (position, slice) in block.timeline.slices.enumerated() {
      writeTransaction(position, slice, of: block)
      guard let release = slice.releasedBy else { continue }
      let predecessor = block.timeline.slices[release.predecessor.position]
      let flow = block.firstEntry + position
      writeFlow(
        "s", flow, on: predecessor.worker, at: block.startNanoseconds + predecessor.lastNanosecond)
      writeFlow("f", flow, on: slice.worker, at: block.startNanoseconds + slice.startNanoseconds)
    }
  }

  private mutating func shortName(of account: AccountIndex, in block: Block) -> String {
    if let known = shortNames[account] { return known }
    let name = block.accountName(account)
    names.append(name)
    // Eight characters, of a slot's as well, and what says that it is one.
    let short = name.split(separator: " ").map { $0.prefix($0.hasPrefix("0x") ? 10 : 8) }.joined(separator: " ")
    shortNames[account] = short
    return short
  }

  /// Execution, publication, state hash and commit, one after the other.
  private mutating func writePhases(of block: Block) {
    var start = block.startNanoseconds
    for (name, duration) in [
      ("execute block \(block.number)", block.timing.elapsedNanoseconds),
      ("publish changes", block.timing.publicationNanoseconds),
      ("state hash", block.timing.stateHashNanoseconds), ("commit", block.timing.commitNanoseconds),
    ] {
      beginSlice(name, on: Self.blockTrack, from: start, for: duration)
      writer.endObject()
      start += duration
    }
  }

  private mutating func writeTransaction(_ position: Int, _ slice: Timeline.Slice, of block: Block) {
    let receipt = block.receipts[position]
    let track = slice.worker.position + 1
    let label = TransactionLabel.text(of: block.transactions[position])
    beginSlice(
      label, on: track, from: block.startNanoseconds + slice.startNanoseconds, for: slice.durationNanoseconds)
    writer.key("args")
    writer.beginObject()
    writer.member("tx", block.firstEntry + position)
    switch receipt {
    case .solana(let result):
      if let error = result.error { writer.member("error", error.name) }
      if result.computeUnits > 0 { writer.member("cu", result.computeUnits) }
    case .ethereum(let result):
      if let error = result.errorText ?? result.halt { writer.member("error", error) }
      if result.gasUsed > 0 { writer.member("gas", result.gasUsed) }
    case .malformed(let error): writer.member("error", error.description)
    }
    if let release = slice.releasedBy {
      writer.member("on", shortName(of: release.account, in: block))
      writer.member("after", block.firstEntry + release.predecessor.position)
    }
    writer.endObject()
    writer.endObject()
    guard slice.settlingNanoseconds >= Self.shortestReleaseNanoseconds else { return }
    beginSlice(
      "release", on: track, from: block.startNanoseconds + slice.endNanoseconds,
      for: slice.settlingNanoseconds)
    writer.endObject()
  }

  /// An execution that did not count, beside the one that did.
  private mutating func writeDiscard(_ discard: Timeline.Discard, of block: Block) {
    let position = discard.transaction.position
    beginSlice(
      "thrown away: " + TransactionLabel.text(of: block.transactions[position]), on: discard.worker.position + 1,
      from: block.startNanoseconds + discard.startNanoseconds, for: discard.durationNanoseconds)
    writer.key("args")
    writer.beginObject()
    writer.member("again", block.firstEntry + position)
    if let account = discard.account { writer.member("over", shortName(of: account, in: block)) }
    if let first = discard.writer { writer.member("of", block.firstEntry + first.position) }
    writer.endObject()
    writer.endObject()
  }

  /// Leaves the event's object open.
  private mutating func beginSlice(
    _ name: String, on track: Int, from start: UInt64, for duration: UInt64
  ) {
    writer.beginObject()
    writer.member("ph", "X")
    writer.member("name", name)
    writer.member("pid", 1)
    writer.member("tid", track)
    writer.member("ts", Self.microseconds(start))
    writer.member("dur", Self.microseconds(duration))
  }

  private mutating func writeFlow(_ phase: String, _ id: Int, on worker: WorkerIndex, at time: UInt64) {
    writer.object { writer in
      writer.member("ph", phase)
      writer.member("id", id)
      if phase == "f" { writer.member("bp", "e") }
      writer.member("name", "wait")
      writer.member("pid", 1)
      writer.member("tid", worker.position + 1)
      writer.member("ts", Self.microseconds(time))
    }
  }

  private static func microseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1000 }
}

extension Timeline.Slice {
  /// The last nanosecond in which the transaction ran: an arrow starts inside of a slice.
  fileprivate var lastNanosecond: UInt64 { max(startNanoseconds, max(endNanoseconds, 1) - 1) }
}
