// eth_subscribe and eth_unsubscribe (https://geth.ethereum.org/docs/interacting-with-geth/rpc/pubsub): who of those that hold
// a WebSocket wants to be told of new heads, logs and transactions that come to wait. Told on a thread of its own, in the
// order in which things happened; a block when it is committed, so that `removed` logs come only with a snapshot that is
// taken back.

import EVM
import Estuary
import Ledger
import Primitives

final class EthereumSubscriptions: @unchecked Sendable {
  // Sendable: everything that changes is touched under `lock`.
  enum Topic: Sendable {
    case newHeads
    case logs(EthereumLogQuery)
    case newPendingTransactions(isFull: Bool)
    /// There is nothing to tell: the one node of a ledger has all of it.
    case syncing
  }

  private struct Subscription {
    let topic: Topic
    weak var subscriber: (any Subscriber)?
    let owner: ObjectIdentifier
  }

  private let rpc: EthereumRPC
  private let limit: Int
  private let lock = Lock()
  private var active: [String: Subscription] = [:]
  /// In the order in which they came.
  private var order: [String: UInt64] = [:]
  private var lastNumber: UInt64 = 0
  /// One, so that things are told of in order.
  private let thread = BackgroundThreads(count: 1)

  init(_ rpc: EthereumRPC, limit: Int) { (self.rpc, self.limit) = (rpc, limit) }

  var count: Int { lock.withLock { active.count } }

  func stop() { thread.stop() }

  // MARK: Who

  /// Answers eth_subscribe.
  func subscribe(_ parameters: JSONValue?, for subscriber: any Subscriber) throws(RPCError) -> [UInt8] {
    let topic = try Self.topic(try EthereumParameters(parameters))
    let id = EthereumForm.data((0..<16).map { _ in UInt8.random(in: 0...255) })
    let isTaken = lock.withLock {
      guard active.count < limit else { return false }
      lastNumber += 1
      active[id] = Subscription(topic: topic, subscriber: subscriber, owner: ObjectIdentifier(subscriber))
      order[id] = lastNumber
      return true
    }
    guard isTaken else { throw .ethereum("the node has as many subscriptions as it may: \(limit)") }
    return EthereumRPC.answer { $0.value(id) }
  }

  /// Answers eth_unsubscribe.
  func unsubscribe(_ parameters: JSONValue?, of subscriber: any Subscriber) throws(RPCError) -> [UInt8] {
    let parameters = try EthereumParameters(parameters)
    let id = try parameters.value(0, EthereumForm.string)
    try parameters.expect(atMost: 1)
    let wasThere = lock.withLock {
      guard active[id]?.owner == ObjectIdentifier(subscriber) else { return false }
      (active[id], order[id]) = (nil, nil)
      return true
    }
    guard wasThere else { throw .ethereum("subscription not found") }
    return EthereumRPC.answer { $0.value(true) }
  }

  func removeAll(of subscriber: any Subscriber) {
    let owner = ObjectIdentifier(subscriber)
    lock.withLock {
      for (id, subscription) in active where subscription.owner == owner {
        (active[id], order[id]) = (nil, nil)
      }
    }
  }

  private static func topic(_ parameters: EthereumParameters) throws(RPCError) -> Topic {
    let name = try parameters.value(0, EthereumForm.string)
    try parameters.expect(atMost: 2)
    switch name {
    case "newHeads": return .newHeads
    case "syncing": return .syncing
    case "newPendingTransactions":
      return .newPendingTransactions(isFull: try parameters.optional(1, EthereumForm.bool) ?? false)
    case "logs":
      let query = try parameters.optional(1) { value throws(EthereumFormError) in try EthereumLogQuery(value)
      }
      try query?.expectComing()
      return .logs(query ?? EthereumLogQuery())
    default: throw RPCError(-32601, "no \"\(name.prefix(100))\" subscription in eth namespace")
    }
  }

  // MARK: Telling

  func publish(_ block: EthereumArchive.StoredHeader) {
    thread.submit { [self] in tell(block) }
  }

  /// Logs that went with their blocks, told of from the last one on.
  func publish(removed logs: [EthereumLogRecord]) {
    thread.submit { [self] in
      for (id, subscription) in wanted() {
        guard case .logs(let query) = subscription.topic else { continue }
        for record in logs.reversed() where query.wants(record) {
          let result = EthereumRPC.answer {
            EthereumForm.write(record.log, record.place, isRemoved: true, to: &$0)
          }
          subscription.subscriber?.notify(Self.notification(id, result))
        }
      }
    }
  }

  func publish(_ transaction: PooledEthereumTransaction) {
    thread.submit { [self] in
      for (id, subscription) in wanted() {
        guard case .newPendingTransactions(let isFull) = subscription.topic else { continue }
        let result = EthereumRPC.answer { writer in
          if isFull {
            EthereumRPC.write(transaction, to: &writer)
          } else {
            writer.value(EthereumForm.hash(transaction.hash))
          }
        }
        subscription.subscriber?.notify(Self.notification(id, result))
      }
    }
  }

  private func wanted() -> [(key: String, value: Subscription)] {
    lock.withLock {
      active.filter { $0.value.subscriber != nil }.sorted {
        order[$0.key, default: 0] < order[$1.key, default: 0]
      }
    }
  }

  private func tell(_ block: EthereumArchive.StoredHeader) {
    let all = wanted()
    if all.isEmpty { return }
    var head: [UInt8]?
    for (id, subscription) in all {
      switch subscription.topic {
      case .newHeads:
        let text =
          head
          ?? EthereumRPC.answer { writer in
            writer.object { EthereumForm.writeMembers(of: block.header, hash: block.hash, to: &$0) }
          }
        head = text
        subscription.subscriber?.notify(Self.notification(id, text))
      case .logs(let query):
        let number = block.header.number
        guard let blocks = query.named(in: number...number),
          let records = try? rpc.ledger.archive.logs(query.filter(blocks))
        else { continue }
        for record in records where record.place.blockHash == block.hash {
          let result = EthereumRPC.answer { EthereumForm.write(record.log, record.place, to: &$0) }
          subscription.subscriber?.notify(Self.notification(id, result))
        }
      case .newPendingTransactions, .syncing: break
      }
    }
  }

  private static func notification(_ id: String, _ result: [UInt8]) -> [UInt8] {
    EthereumRPC.answer { writer in
      writer.object { writer in
        writer.member("jsonrpc", "2.0")
        writer.member("method", "eth_subscription")
        writer.key("params")
        writer.object { writer in
          writer.member("subscription", id)
          writer.member("result", rawJSON: result)
        }
      }
    }
  }
}
