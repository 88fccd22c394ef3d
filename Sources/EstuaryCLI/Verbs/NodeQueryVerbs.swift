// What is asked of a node and of nothing else: its blocks, what became of a transaction, its logs as they come. Without --url
// it is the node that `estuary node` starts.

import ArgumentParser
import Estuary
import Ledger
import Primitives
import RPCClient

struct SlotVerb: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "slot", abstract: "Show a node's last slot.")

  @OptionGroup var node: AskedNodeOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let slot = try RemoteLedger(node.client()).currentSlot()
    output.print(text: "\(slot)") { $0.object { $0.member("slot", slot) } }
  }
}

struct EpochInfoVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "epoch-info",
    abstract: "Show where in its epoch a node is: slots, height, transactions, blockhash.")

  @OptionGroup var node: AskedNodeOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let ledger = RemoteLedger(try node.client())
    let method = "getEpochInfo"
    let info = try ledger.client.call(method)
    func number(_ name: String) throws(RPCClientError) -> UInt64 {
      guard let number = info[name]?.uint64 else { throw ledger.unexpected(method, name) }
      return number
    }
    let (slot, epoch) = (try number("absoluteSlot"), try number("epoch"))
    let (index, count) = (try number("slotIndex"), try number("slotsInEpoch"))
    let height = try number("blockHeight")
    let hash = try ledger.client.call("getLatestBlockhash")["value"]?["blockhash"]?.string ?? ""
    let transactions = info["transactionCount"]?.uint64
    let first = slot - min(slot, index)
    output.print(
      text: """
        Slot: \(slot)
        Block Height: \(height)
        Epoch: \(epoch), slots \(first) to \(first + max(count, 1) - 1), \(count - min(index, count)) to come
        Transactions: \(transactions.map(String.init) ?? "not told")
        Blockhash: \(hash)
        """,
      json: { writer in
        writer.value(info)
      })
  }
}

struct ConfirmVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confirm", abstract: "Show what became of a transaction.",
    discussion: "A transaction that failed, or that the node does not know, is an error.")

  @Argument(help: "The transaction's first signature, in base58.")
  var signature: String

  @Flag(name: .shortAndLong, help: "Show its log, units and fee as well.")
  var verbose = false

  @OptionGroup var node: AskedNodeOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    guard Signature(base58: signature) != nil else { throw CLIError.noSignature(signature) }
    let ledger = RemoteLedger(try node.client())
    guard let status = try ledger.status(of: signature) else {
      throw CLIError.notConfirmed(signature, url: "\(ledger.client.address)")
    }
    let meta = verbose ? try meta(of: ledger) : nil
    let log = (meta?["logMessages"]?.array ?? []).compactMap(\.string)
    var lines = [
      status.error.map { "failed in slot \(status.slot): \($0)" } ?? "\(status.level), slot \(status.slot)"
    ]
    if let fee = meta?["fee"]?.uint64 {
      let units = meta?["computeUnitsConsumed"]?.uint64
      lines.append((units.map { "\($0) compute units, " } ?? "") + "fee \(fee) lamports")
    }
    lines += log.map { "  " + $0 }
    if output.json || status.error == nil {
      output.print(text: lines.joined(separator: "\n")) { writer in
        writer.object { writer in
          writer.member("signature", signature)
          writer.member("slot", status.slot)
          writer.member("confirmationStatus", status.level)
          if let error = status.error { writer.member("error", error) } else { writer.memberNull("error") }
          if let meta {
            writer.key("meta")
            writer.value(meta)
          }
        }
      }
    }
    if status.error != nil { throw CLIError.transactionFailed(text: lines.joined(separator: "\n")) }
  }

  private func meta(of ledger: RemoteLedger) throws(RPCClientError) -> JSONValue? {
    let answer = try ledger.client.call(
      "getTransaction",
      [
        .string(signature),
        RemoteLedger.object(
          ("encoding", .string("json")), ("commitment", RemoteLedger.level),
          ("maxSupportedTransactionVersion", .unsigned(0))),
      ])
    return answer["meta"]
  }
}

struct BlockVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "block", abstract: "Show a block of a node's: its hashes, its time, its transactions.")

  @Argument(help: "The block's slot (default: the last one's).")
  var slot: UInt64?

  @OptionGroup var node: AskedNodeOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let ledger = RemoteLedger(try node.client())
    let slot = try slot ?? ledger.currentSlot()
    let method = "getBlock"
    let block = try ledger.client.call(
      method,
      [
        .unsigned(slot),
        RemoteLedger.object(
          ("encoding", .string("json")), ("commitment", RemoteLedger.level), ("rewards", .bool(false)),
          ("maxSupportedTransactionVersion", .unsigned(0))),
      ])
    guard let blockhash = block["blockhash"]?.string, let parent = block["parentSlot"]?.uint64,
      let transactions = block["transactions"]?.array
    else { throw ledger.unexpected(method, "blockhash, parentSlot and transactions") }
    var lines = [
      "Slot: \(slot), after \(parent)",
      "Height: \(block["blockHeight"]?.uint64.map(String.init) ?? "not told")",
      "Time: \(block["blockTime"]?.int64.map(String.init) ?? "not told")",
      "Blockhash: \(blockhash)",
      "Previous Blockhash: \(block["previousBlockhash"]?.string ?? "not told")",
      "Transactions: \(transactions.count)",
    ]
    for transaction in transactions {
      let meta = transaction["meta"]
      let signature = transaction["transaction"]?["signatures"]?.array?.first?.string ?? "?"
      lines.append(
        "  \(signature): \(RemoteLedger.text(meta?["err"]) ?? "succeeded")"
          + (meta?["computeUnitsConsumed"]?.uint64.map { ", \($0) units" } ?? "")
          + (meta?["fee"]?.uint64.map { ", fee \($0)" } ?? ""))
    }
    output.print(text: lines.joined(separator: "\n")) { $0.value(block) }
  }
}

struct LogsVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Show transactions' logs as a node executes them, until Ctrl-C.",
    discussion: """
      They come over a WebSocket, which is looked for on the node's own port and on the one behind it, where Agave has \
      it; --ws names another.
      """)

  @Argument(help: "Those that mention this account: a base58 key, a key pair file, or 'all'.")
  var account = "all"

  @Option(
    name: .customLong("ws"),
    help: ArgumentHelp("The node's WebSocket, where it is another: ws://HOST:PORT.", valueName: "url"))
  var webSocket: String?

  @Option(help: "End after so many transactions.")
  var count: UInt64?

  @OptionGroup var node: AskedNodeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let webSocket { _ = try address(webSocket) }
    if count == 0 { throw ValidationError("--count must be at least 1") }
  }

  private func address(_ text: String) throws -> NodeAddress {
    try NodeOptions.address(text.hasPrefix("ws://") ? "http" + text.dropFirst(2) : text)
  }

  func run() throws {
    let filter: JSONValue =
      account == "all"
      ? .string("all")
      : RemoteLedger.object(("mentions", .array([.string(try LedgerOptions.key(account).description)])))
    let client = try node.client()
    let addresses =
      try webSocket.map { [try address($0)] } ?? [client.address, client.address.next].compactMap(\.self)
    let (output, limit) = (output, count)
    let counter = Counter()
    try RPCSubscription.listen(
      to: addresses, "logsSubscribe", [filter, RemoteLedger.atLevel],
      onStart: { Terminal.note("listening on ws\($0.description.dropFirst(4)); Ctrl-C ends it") }
    ) { notification in
      guard let value = notification["result"]?["value"] else { return true }
      let slot = notification["result"]?["context"]?["slot"]?.uint64 ?? 0
      let signature = value["signature"]?.string ?? "?"
      let log = (value["logs"]?.array ?? []).compactMap(\.string)
      output.print(
        text: ([
          "\(signature), slot \(slot): \(RemoteLedger.text(value["err"]) ?? "succeeded")"
        ] + log.map { "  " + $0 }).joined(separator: "\n"),
        json: { $0.value(notification["result"] ?? .null) })
      Terminal.flush()
      counter.value += 1
      return limit.map { counter.value < $0 } ?? true
    }
  }

  private final class Counter: @unchecked Sendable {
    // Sendable: counted on the one thread that is told of notifications.
    var value: UInt64 = 0
  }
}
