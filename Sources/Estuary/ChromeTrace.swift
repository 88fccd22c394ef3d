// Blocks' schedules in the Trace Event Format that https://ui.perfetto.dev and chrome://tracing read: a track for each
// worker, with a slice for each transaction, for feeding the graph and for releasing successors; flow arrows from a
// transaction to those that it kept waiting; a track for what a block does as a whole. Times are microseconds.
//
// Made for blocks of any size: a transaction takes about 100 bytes, one that waited some 250. What the input file says
// (signatures, keys) is not repeated: `tx` is the transaction's position among the block's.

import Ledger
import Primitives
import Scheduling

package enum ChromeTrace {
  /// One block of a trace.
  package struct Block {
    package var number: UInt64
    package var timeline: Timeline
    package var timing: Chain.Timing
    package var transactions: BlockTransactions
    /// One a transaction.
    package var receipts: ArraySlice<Receipt>
    /// Nanoseconds from the trace's beginning to the block's.
    package var startNanoseconds: UInt64
    /// How to print an account.
    package var accountName: (AccountIndex) -> String

    package init(
      number: UInt64, timeline: Timeline, timing: Chain.Timing, transactions: BlockTransactions,
      receipts: ArraySlice<Receipt>, startNanoseconds: UInt64,
      accountName: @escaping (AccountIndex) -> String
    ) {
      self.number = number
      self.timeline = timeline
      self.timing = timing
      self.transactions = transactions
      self.receipts = receipts
      self.startNanoseconds = startNanoseconds
      self.accountName = accountName
    }
  }

  /// The track of what a block does as a whole; workers have the tracks from 1 on.
  private static let blockTrack = 0

  /// Releases shorter than this are left out: in most blocks they are all alike, and as many as transactions.
  private static let shortestReleaseNanoseconds: UInt64 = 1000

  package static func json(_ blocks: [Block]) -> [UInt8] {
    let count = blocks.reduce(0) { $0 + $1.receipts.count }
    var writer = JSONWriter(capacity: 4096 + 160 * count)
    writer.beginObject()
    writer.member("displayTimeUnit", "ns")
    writer.key("traceEvents")
    writer.array { writer in
      writeName("process_name", of: blockTrack, "estuary", to: &writer)
      writeName("thread_name", of: blockTrack, "block", to: &writer)
      for worker in 0..<(blocks.map(\.timeline.workerCount).max() ?? 0) {
        writeName("thread_name", of: worker + 1, "worker \(worker)", to: &writer)
      }
      var firstFlow = 1
      for block in blocks {
        write(block, firstFlow: firstFlow, to: &writer)
        firstFlow += block.receipts.count
      }
    }
    writer.endObject()
    return writer.bytes
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

  private static func write(_ block: Block, firstFlow: Int, to writer: inout JSONWriter) {
    writePhases(of: block, to: &writer)
    for (worker, spans) in block.timeline.feeding.enumerated() {
      for span in spans {
        beginSlice(
          "decode, verify, add", on: worker + 1, from: block.startNanoseconds + span.startNanoseconds,
          for: span.endNanoseconds - span.startNanoseconds, to: &writer)
        writer.endObject()
      }
    }
    for (position, slice) in block.timeline.slices.enumerated() {
      writeTransaction(position, slice, of: block, to: &writer)
      guard let release = slice.releasedBy else { continue }
      let predecessor = block.timeline.slices[release.predecessor.position]
      let flow = firstFlow + position
      writeFlow(
        "s", flow, on: predecessor.worker, at: block.startNanoseconds + predecessor.lastNanosecond,
        to: &writer)
      writeFlow("f", flow, on: slice.worker, at: block.startNanoseconds + slice.startNanoseconds, to: &writer)
    }
  }

  /// Execution, state hash and commit, one after the other.
  private static func writePhases(of block: Block, to writer: inout JSONWriter) {
    var start = block.startNanoseconds
    for (name, duration) in [
      ("execute block \(block.number)", block.timing.elapsedNanoseconds),
      ("state hash", block.timing.stateHashNanoseconds), ("commit", block.timing.commitNanoseconds),
    ] {
      beginSlice(name, on: blockTrack, from: start, for: duration, to: &writer)
      writer.endObject()
      start += duration
    }
  }

  private static func writeTransaction(
    _ position: Int, _ slice: Timeline.Slice, of block: Block, to writer: inout JSONWriter
  ) {
    let receipt = block.receipts[block.receipts.startIndex + position]
    let track = slice.worker.position + 1
    let label = TransactionLabel.text(of: block.transactions[position])
    beginSlice(
      label, on: track, from: block.startNanoseconds + slice.startNanoseconds, for: slice.durationNanoseconds,
      to: &writer)
    writer.key("args")
    writer.beginObject()
    writer.member("tx", position)
    switch receipt {
    case .solana(let result):
      if let error = result.error { writer.member("error", error.name) }
      if result.computeUnits > 0 { writer.member("computeUnits", result.computeUnits) }
    case .ethereum(let result):
      if let error = result.errorText ?? result.halt { writer.member("error", error) }
      if result.gasUsed > 0 { writer.member("gasUsed", result.gasUsed) }
    case .malformed(let error): writer.member("error", error.description)
    }
    if let release = slice.releasedBy {
      writer.member("waitedForAccount", block.accountName(release.account))
      writer.member("waitedForTx", release.predecessor.position)
    }
    writer.endObject()
    writer.endObject()
    guard slice.settlingNanoseconds >= shortestReleaseNanoseconds else { return }
    beginSlice(
      "release", on: track, from: block.startNanoseconds + slice.endNanoseconds,
      for: slice.settlingNanoseconds, to: &writer)
    writer.endObject()
  }

  /// Leaves the event's object open.
  private static func beginSlice(
    _ name: String, on track: Int, from start: UInt64, for duration: UInt64, to writer: inout JSONWriter
  ) {
    writer.beginObject()
    writer.member("ph", "X")
    writer.member("name", name)
    writer.member("pid", 1)
    writer.member("tid", track)
    writer.member("ts", microseconds(start))
    writer.member("dur", microseconds(duration))
  }

  private static func writeFlow(
    _ phase: String, _ id: Int, on worker: WorkerIndex, at time: UInt64, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.member("ph", phase)
      writer.member("id", id)
      if phase == "f" { writer.member("bp", "e") }
      writer.member("name", "waited")
      writer.member("cat", "wait")
      writer.member("pid", 1)
      writer.member("tid", worker.position + 1)
      writer.member("ts", microseconds(time))
    }
  }

  private static func microseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1000 }
}

extension Timeline.Slice {
  /// The last nanosecond in which the transaction ran: an arrow starts inside of a slice.
  fileprivate var lastNanosecond: UInt64 { max(startNanoseconds, max(endNanoseconds, 1) - 1) }
}
