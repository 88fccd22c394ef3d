// A block's schedule in the Trace Event Format that chrome://tracing and https://ui.perfetto.dev read: one track per
// worker, one complete event ("ph": "X") a transaction, times in microseconds.

import Ledger
import Primitives
import Scheduling

package enum ChromeTrace {
  /// One block of a trace.
  package struct Block {
    package var timeline: Timeline
    /// One a transaction.
    package var results: [TransactionResult]
    /// Nanoseconds from the trace's beginning to the block's.
    package var startNanoseconds: UInt64
    /// How to print an account.
    package var accountName: (AccountIndex) -> String

    package init(
      timeline: Timeline, results: [TransactionResult], startNanoseconds: UInt64,
      accountName: @escaping (AccountIndex) -> String
    ) {
      self.timeline = timeline
      self.results = results
      self.startNanoseconds = startNanoseconds
      self.accountName = accountName
    }
  }

  package static func json(_ blocks: [Block]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("displayTimeUnit", "ns")
    writer.key("traceEvents")
    writer.array { writer in
      for worker in 0..<(blocks.map(\.timeline.workerCount).max() ?? 0) {
        writeThreadName(worker, to: &writer)
      }
      for (number, block) in blocks.enumerated() { write(block, number: number, to: &writer) }
    }
    writer.endObject()
    return writer.bytes
  }

  private static func writeThreadName(_ worker: Int, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("ph", "M")
      writer.member("name", "thread_name")
      writer.member("pid", 1)
      writer.member("tid", worker)
      writer.key("args")
      writer.object { $0.member("name", "worker \(worker)") }
    }
  }

  private static func write(_ block: Block, number: Int, to writer: inout JSONWriter) {
    for (position, slice) in block.timeline.slices.enumerated() {
      let result = block.results[position]
      writer.beginObject()
      writer.member("ph", "X")
      writer.member("name", result.signature?.description ?? "transaction \(position)")
      writer.member("cat", result.error == nil ? "ok" : "failed")
      writer.member("pid", 1)
      writer.member("tid", slice.worker.position)
      writer.member("ts", microseconds(block.startNanoseconds + slice.startNanoseconds))
      writer.member("dur", microseconds(slice.durationNanoseconds))
      writer.key("args")
      writer.beginObject()
      writer.member("block", number)
      writer.member("transaction", position)
      writer.member("computeUnits", result.computeUnits)
      if let release = slice.releasedBy {
        writer.member("waitedForAccount", block.accountName(release.account))
        writer.member("waitedForTransaction", release.predecessor.position)
      }
      writer.member(
        "queuedMicroseconds",
        microseconds(slice.startNanoseconds - min(slice.readyNanoseconds, slice.startNanoseconds)))
      writer.endObject()
      writer.endObject()
    }
  }

  private static func microseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1000 }
}
