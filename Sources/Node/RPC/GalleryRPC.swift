// What the page asks for beside the methods of both dialects: the latest blocks, a block's lanes, the accounts that most
// transactions meet on. docs/node.md describes the answers.

import Estuary
import Execution
import Ledger
import Primitives
import Scheduling

struct GalleryRPC: Sendable {
  let gallery: BlockGallery

  typealias Method = @Sendable (GalleryRPC, Parameters) throws(RPCError) -> [UInt8]

  static let methods: [String: Method] = [
    "estuary_blocks": { (rpc, parameters) throws(RPCError) in
      let count = parameters.optional(0) == nil ? 20 : try parameters.integer(0)
      let slot = parameters.optional(1) == nil ? .max : try parameters.integer(1)
      guard count <= countLimit else { throw .invalidParameters("Invalid limit; max \(countLimit)") }
      return SolanaRPC.answer { writer in
        writer.array { writer in
          for entry in rpc.gallery.latest(Int(count), from: slot) { write(entry, to: &writer) }
        }
      }
    },
    "estuary_lanes": { (rpc, parameters) throws(RPCError) in
      guard let entry = rpc.gallery.entry(slot: try parameters.integer(0)), let lanes = Lanes(entry) else {
        return SolanaRPC.answer { $0.null() }
      }
      return SolanaRPC.answer { lanes.write(to: &$0) }
    },
    "estuary_hotAccounts": { (rpc, parameters) throws(RPCError) in
      let count = parameters.optional(0) == nil ? 20 : try parameters.integer(0)
      guard count <= countLimit else { throw .invalidParameters("Invalid limit; max \(countLimit)") }
      return rpc.hotAccounts(Int(count))
    },
  ]

  private static let countLimit: UInt64 = 1000

  // MARK: Blocks

  private static func write(_ entry: BlockGallery.Entry, to writer: inout JSONWriter) {
    let solana = entry.receipts.solana
    let ethereum = entry.receipts.ethereum
    writer.object { writer in
      writer.member("computeUnits", solana.reduce(0) { $0 + $1.computeUnits })
      writer.member("ethereum", ethereum.count)
      writer.member("executions", entry.ethereum.executionCount)
      writer.member("failed", entry.receipts.count { !$0.isSuccess })
      writer.member("gasUsed", entry.ethereum.gasUsed)
      writer.member("height", entry.height)
      writer.member("nanoseconds", entry.receipts.isEmpty ? 0 : entry.nanoseconds)
      if let number = entry.ethereumNumber {
        writer.member("number", "0x" + String(number, radix: 16))
      } else {
        writer.memberNull("number")
      }
      writer.member("repeated", entry.ethereum.repeatedCount)
      writer.member("slot", entry.slot)
      writer.member("solana", solana.count)
      writer.member("time", entry.unixTimestamp)
    }
  }

  // MARK: Lanes

  private struct Lanes {
    let entry: BlockGallery.Entry
    let timeline: Timeline

    /// `nil` where nothing was noted.
    init?(_ entry: BlockGallery.Entry) {
      guard let timeline = entry.timeline, timeline.slices.count == entry.receipts.count else { return nil }
      (self.entry, self.timeline) = (entry, timeline)
    }

    func write(to writer: inout JSONWriter) {
      writer.object { writer in
        writer.key("again")
        writer.array { writer in for discard in timeline.discards { write(discard, to: &writer) } }
        writer.member("nanoseconds", timeline.elapsedNanoseconds)
        writer.member("slot", entry.slot)
        writer.key("transactions")
        writer.array { writer in
          for index in entry.receipts.indices { write(index, timeline.slices[index], to: &writer) }
        }
        writer.member("workers", timeline.workerCount)
      }
    }

    private func write(_ index: Int, _ slice: Timeline.Slice, to writer: inout JSONWriter) {
      writer.object { writer in
        if let release = slice.releasedBy {
          writer.member("after", release.predecessor.position)
          writer.member("key", entry.names[release.account])
        } else {
          writer.memberNull("after")
          writer.memberNull("key")
        }
        writer.member("end", slice.endNanoseconds)
        let receipt = entry.receipts[index]
        switch receipt {
        case .solana(let result):
          writer.member("family", "solana")
          writer.member("id", result.signature?.description ?? "")
        case .ethereum(let result):
          writer.member("family", "ethereum")
          writer.member("id", result.hash.map { "0x" + Hex.encode($0.bytes) } ?? "")
        case .malformed:
          writer.member("family", "none")
          writer.member("id", "")
        }
        writer.member("index", index)
        writer.member("label", TransactionLabel.text(of: entry.transactions[index]))
        writer.member("ok", receipt.isSuccess)
        writer.member("start", slice.startNanoseconds)
        writer.member("worker", slice.worker.position)
      }
    }

    private func write(_ discard: Timeline.Discard, to writer: inout JSONWriter) {
      writer.object { writer in
        writer.member("end", discard.endNanoseconds)
        writer.member("index", discard.transaction.position)
        writer.member("key", discard.account.flatMap { entry.names[$0] })
        writer.member("start", discard.startNanoseconds)
        writer.member("worker", discard.worker.position)
      }
    }
  }

  // MARK: Accounts

  /// Accounts of the latest blocks by how many transactions waited for each, and then by how many blocks changed it.
  private func hotAccounts(_ count: Int) -> [UInt8] {
    var heat: [String: (waits: Int, written: Int)] = [:]
    for entry in gallery.all {
      for slice in entry.timeline?.slices ?? [] {
        if let name = slice.releasedBy.flatMap({ entry.names[$0.account] }) { heat[name, default: (0, 0)].waits += 1 }
      }
      for key in entry.changedKeys where !SysvarID.all.contains(key) {
        switch EVMKey.kind(of: key) {
        case .account(let address): heat[address.description, default: (0, 0)].written += 1
        case nil: heat[key.description, default: (0, 0)].written += 1
        case .slot, .code: break
        }
      }
    }
    let hottest = heat.sorted {
      ($0.value.waits, $0.value.written, $1.key) > ($1.value.waits, $1.value.written, $0.key)
    }
    return SolanaRPC.answer { writer in
      writer.array { writer in
        for (key, heat) in hottest.prefix(count) {
          writer.object { writer in
            writer.member("key", key)
            writer.member("waits", heat.waits)
            writer.member("written", heat.written)
          }
        }
      }
    }
  }
}
