// Who wants to be told of what, and telling them: after each block, on a thread of its own, in the order of blocks
// (https://solana.com/docs/rpc/websocket). Since a block is told of when it is committed, all levels of commitment are told
// at once.

import Estuary
import Execution
import Ledger
import Primitives

/// A connection that takes notifications, from any thread, in the order in which they come.
protocol Subscriber: AnyObject, Sendable {
  func notify(_ text: [UInt8])
}

final class Subscriptions: @unchecked Sendable {
  // Sendable: everything that changes is touched under `lock`.
  private let lock = Lock()
  private var active: [UInt64: Subscription] = [:]
  /// Those that want to be told when a transaction has come in, before it is in a block.
  private var awaiting: [Signature: Set<UInt64>] = [:]
  private var lastID: UInt64 = 0
  private let rpc: SolanaRPC
  private let limit: Int
  /// One, so that blocks are told of in order.
  private let thread = BackgroundThreads(count: 1)

  private struct Subscription {
    let topic: Topic
    weak var subscriber: (any Subscriber)?
    let owner: ObjectIdentifier
  }

  /// Of Ethereum's clients; `nil` where the ledger has no Ethereum side.
  let ethereum: EthereumSubscriptions?

  init(_ rpc: SolanaRPC, ethereum: EthereumSubscriptions? = nil, limit: Int) {
    (self.rpc, self.ethereum, self.limit) = (rpc, ethereum, limit)
  }

  var count: Int { lock.withLock { active.count } + (ethereum?.count ?? 0) }

  func add(_ topic: Topic, for subscriber: any Subscriber) throws(RPCError) -> UInt64 {
    let id = lock.withLock { () -> UInt64? in
      guard active.count < limit else { return nil }
      lastID += 1
      active[lastID] = Subscription(topic: topic, subscriber: subscriber, owner: ObjectIdentifier(subscriber))
      if case .signature(let signature, true) = topic { awaiting[signature, default: []].insert(lastID) }
      return lastID
    }
    guard let id else {
      throw RPCError(-32603, "Internal error: the node has as many subscriptions as it may: \(limit)")
    }
    // What has come already is told at once.
    if case .signature(let signature, let tellsReception) = topic {
      tellIfProcessed(signature, id)
      if tellsReception && rpc.producer.isWaiting(signature) { publish(received: signature) }
    }
    return id
  }

  /// Whether `subscriber` had that subscription.
  func remove(_ id: UInt64, of subscriber: any Subscriber) -> Bool {
    lock.withLock {
      guard active[id]?.owner == ObjectIdentifier(subscriber) else { return false }
      end(id)
      return true
    }
  }

  /// The lock is held.
  private func end(_ id: UInt64) {
    guard case .signature(let signature, true) = active.removeValue(forKey: id)?.topic else { return }
    awaiting[signature]?.remove(id)
    if awaiting[signature]?.isEmpty == true { awaiting[signature] = nil }
  }

  func removeAll(of subscriber: any Subscriber) {
    let owner = ObjectIdentifier(subscriber)
    lock.withLock {
      for (id, subscription) in active where subscription.owner == owner { end(id) }
    }
    ethereum?.removeAll(of: subscriber)
  }

  func stop() {
    thread.stop()
    ethereum?.stop()
  }

  // MARK: Telling

  func publish(_ block: Producer.Block) {
    thread.submit { [self] in tell(block) }
    if let header = block.ethereum { ethereum?.publish(header) }
  }

  /// Accounts were set without a block.
  func publish(_ changes: [AccountChange], at head: Head) {
    thread.submit { [self] in
      let all = lock.withLock { active.filter { $0.value.subscriber != nil } }
      for (id, subscription) in all.sorted(by: { $0.key < $1.key }) {
        for result in results(subscription.topic, changes, at: head.slot) {
          subscription.subscriber?.notify(Self.notification(subscription.topic.name, id, result))
        }
      }
    }
  }

  /// A transaction has come in, and no block with it has been told of yet.
  func publish(received signature: Signature) {
    if lock.withLock({ awaiting[signature] == nil }) { return }
    // On the thread that tells of blocks, so that the block with it is told of later.
    thread.submit { [self] in
      let slot = rpc.producer.head.slot
      let told = lock.withLock { () -> [(id: UInt64, subscriber: (any Subscriber)?)] in
        (awaiting.removeValue(forKey: signature) ?? []).sorted().map { ($0, active[$0]?.subscriber) }
      }
      let result = Self.result(at: slot) { $0.value("receivedSignature") }
      for (id, subscriber) in told { subscriber?.notify(Self.notification("signature", id, result)) }
    }
  }

  private func tell(_ block: Producer.Block) {
    let all = lock.withLock { active.filter { $0.value.subscriber != nil } }
    if all.isEmpty { return }
    let transactions = SolanaRPC.processed(block)
    for (id, subscription) in all.sorted(by: { $0.key < $1.key }) {
      guard let subscriber = subscription.subscriber else { continue }
      for result in results(subscription.topic, block, transactions) {
        // A signature is told once.
        if case .signature = subscription.topic, !remove(id, of: subscriber) { continue }
        subscriber.notify(Self.notification(subscription.topic.name, id, result))
      }
    }
  }

  private func tellIfProcessed(_ signature: Signature, _ id: UInt64) {
    guard let (stored, record) = try? rpc.found(signature),
      let subscriber = lock.withLock({ active[id]?.subscriber }), remove(id, of: subscriber)
    else { return }
    let result = Self.result(at: record.slot) { writer in
      writer.object { writer in
        writer.key("err")
        writer.value(stored.error ?? .null)
      }
    }
    subscriber.notify(Self.notification("signature", id, result))
  }

  /// What a topic has to tell of a block, each a notification of its own.
  private func results(
    _ topic: Topic, _ block: Producer.Block, _ transactions: [ProcessedTransaction]
  ) -> [[UInt8]] {
    let slot = block.head.slot
    switch topic {
    case .slot:
      return [
        SolanaRPC.answer { writer in
          writer.object { writer in
            writer.member("parent", block.parentSlot)
            writer.member("root", slot)
            writer.member("slot", slot)
          }
        }
      ]
    case .root: return [SolanaRPC.answer { $0.value(slot) }]
    case .slotsUpdates: return slotUpdates(block, transactions)
    case .signature(let signature, _):
      return transactions.filter { $0.signature == signature }.map { transaction in
        Self.result(at: slot) { writer in
          writer.object { writer in
            writer.key("err")
            if let error = transaction.result.error { error.write(to: &writer) } else { writer.null() }
          }
        }
      }
    case .logs(let mentioned):
      return transactions.filter { mentioned == nil || $0.mentions(mentioned) }.map { transaction in
        Self.result(at: slot) { writer in
          writer.object { writer in
            writer.key("err")
            if let error = transaction.result.error { error.write(to: &writer) } else { writer.null() }
            writer.key("logs")
            writer.array { writer in for line in transaction.result.logLines { writer.value(line) } }
            writer.member("signature", transaction.signature.description)
          }
        }
      }
    case .account, .program: return results(topic, block.changes, at: slot)
    case .block(let mentioned, let form, let detail):
      return blockResult(mentioned, form, detail, block, transactions).map { [$0] } ?? []
    }
  }

  /// What a topic has to tell of accounts.
  private func results(_ topic: Topic, _ changes: [AccountChange], at slot: UInt64) -> [[UInt8]] {
    switch topic {
    case .account(let key, let form):
      return changes.filter { $0.key == key }.compactMap { change in
        guard let value = written(change.new ?? .empty, at: key, as: form) else { return nil }
        return Self.result(at: slot) { $0.value(rawJSON: value) }
      }
    case .program(let program, let form, let filters):
      return changes.compactMap { change in
        guard let account = change.new, account.owner == program, !EVMKey.contains(change.key),
          filters.allSatisfy({ $0.passes(account) }), let value = written(account, at: change.key, as: form)
        else { return nil }
        return Self.result(at: slot) { writer in
          writer.object { writer in
            writer.member("account", rawJSON: value)
            writer.member("pubkey", change.key.description)
          }
        }
      }
    default: return []
    }
  }

  private func written(_ account: Account, at key: Pubkey, as form: AccountForm) -> [UInt8]? {
    var writer = JSONWriter()
    do throws(RPCError) { try rpc.write(account, at: key, as: form, to: &writer) } catch { return nil }
    return writer.bytes
  }

  private func slotUpdates(_ block: Producer.Block, _ transactions: [ProcessedTransaction]) -> [[UInt8]] {
    func update(_ type: String, _ more: (inout JSONWriter) -> Void = { _ in }) -> [UInt8] {
      SolanaRPC.answer { writer in
        writer.object { writer in
          more(&writer)
          writer.member("slot", block.head.slot)
          writer.member("timestamp", block.unixMilliseconds)
          writer.member("type", type)
        }
      }
    }
    let failed = transactions.count { $0.result.error != nil }
    return [
      update("createdBank") { $0.member("parent", block.parentSlot) },
      update("frozen") { writer in
        writer.key("stats")
        writer.object { writer in
          writer.member("maxTransactionsPerEntry", transactions.count)
          writer.member("numFailedTransactions", failed)
          writer.member("numSuccessfulTransactions", transactions.count - failed)
          writer.member("numTransactionEntries", transactions.isEmpty ? 0 : 1)
        }
      },
      update("optimisticConfirmation"), update("root"),
    ]
  }

  private func blockResult(
    _ mentioned: Pubkey?, _ form: TransactionForm, _ detail: SolanaRPC.BlockDetail, _ block: Producer.Block,
    _ transactions: [ProcessedTransaction]
  ) -> [UInt8]? {
    let slot = block.head.slot
    if let mentioned, !transactions.contains(where: { $0.mentions(mentioned) }) { return nil }
    let answer: Result<[UInt8], RPCError> = Result { () throws(RPCError) in
      try rpc.blockText(ofSlot: slot, form, detail) { stored in
        mentioned.map { stored.names($0) } ?? true
      }
    }
    return Self.result(at: slot) { writer in
      writer.object { writer in
        writer.key("block")
        if case .success(let text) = answer { writer.value(rawJSON: text) } else { writer.null() }
        writer.key("err")
        switch answer {
        case .success: writer.null()
        // Version 0 is the only one that a client may not know.
        case .failure(let error) where error.code == RPCError.unsupportedVersion(0).code:
          writer.object { $0.member("UnsupportedTransactionVersion", 0) }
        case .failure: writer.value("BlockStoreError")
        }
        writer.member("slot", slot)
      }
    }
  }

  // MARK: Text

  /// `{"context": {"slot"}, "value"}`
  private static func result(at slot: UInt64, _ value: (inout JSONWriter) -> Void) -> [UInt8] {
    SolanaRPC.answer { writer in
      writer.object { writer in
        writer.key("context")
        writer.object { $0.member("slot", slot) }
        writer.key("value")
        value(&writer)
      }
    }
  }

  private static func notification(_ name: String, _ id: UInt64, _ result: [UInt8]) -> [UInt8] {
    SolanaRPC.answer { writer in
      writer.object { writer in
        writer.member("jsonrpc", "2.0")
        writer.member("method", name + "Notification")
        writer.key("params")
        writer.object { writer in
          writer.member("result", rawJSON: result)
          writer.member("subscription", id)
        }
      }
    }
  }
}

/// What one can be told of.
enum Topic: Sendable {
  case account(Pubkey, AccountForm)
  case program(Pubkey, AccountForm, [AccountFilter])
  /// Transactions that name a key; `nil`: all.
  case logs(Pubkey?)
  case signature(Signature, tellsReception: Bool)
  case slot
  case slotsUpdates
  case root
  case block(Pubkey?, TransactionForm, SolanaRPC.BlockDetail)

  /// The beginning of its methods' names.
  var name: String {
    switch self {
    case .account: "account"
    case .program: "program"
    case .logs: "logs"
    case .signature: "signature"
    case .slot: "slot"
    case .slotsUpdates: "slotsUpdates"
    case .root: "root"
    case .block: "block"
    }
  }

  static let names = ["account", "program", "logs", "signature", "slot", "slotsUpdates", "root", "block"]

  /// The topic of a request to subscribe.
  init(_ name: String, _ parameters: Parameters, _ head: Head) throws(RPCError) {
    try parameters.expect(["slot", "slotsUpdates", "root"].contains(name) ? 0...0 : 1...2)
    switch name {
    case "account":
      let options = try parameters.options(1)
      _ = try options.choice("commitment", Commitment.self)
      self = .account(try Self.pubkey(parameters.string(0)), try AccountForm(options, default: .binary))
    case "program":
      let options = try parameters.options(1)
      _ = try options.choice("commitment", Commitment.self)
      self = .program(
        try Self.pubkey(parameters.string(0)), try AccountForm(options, default: .binary),
        try AccountFilter.list(options))
    case "logs":
      _ = try parameters.options(1).choice("commitment", Commitment.self)
      self = .logs(try Self.logFilter(parameters))
    case "signature":
      let options = try parameters.options(1)
      _ = try options.choice("commitment", Commitment.self)
      let tellsReception = try options.bool("enableReceivedNotification") ?? false
      guard let signature = Signature(base58: try parameters.string(0)) else {
        throw Self.invalid("signature")
      }
      self = .signature(signature, tellsReception: tellsReception)
    case "slot": self = .slot
    case "slotsUpdates": self = .slotsUpdates
    case "root": self = .root
    case "block":
      let options = try parameters.options(1)
      var form = try TransactionForm(options, default: .base64)
      try options.checkConfirmed(head)
      form.showsRewards = try options.bool("showRewards") ?? false
      self = .block(
        try Self.blockFilter(parameters), form,
        try options.choice("transactionDetails", SolanaRPC.BlockDetail.self) ?? .full)
    default: throw .methodNotFound
    }
  }

  private static func invalid(_ what: String) -> RPCError {
    .invalidParameters("Invalid Request: Invalid \(what) provided")
  }

  private static func pubkey(_ text: String, _ name: String = "pubkey") throws(RPCError) -> Pubkey {
    guard let key = Pubkey(base58: text) else { throw invalid(name) }
    return key
  }

  private static func logFilter(_ parameters: Parameters) throws(RPCError) -> Pubkey? {
    if let text = parameters.optional(0)?.string {
      // There are no votes.
      if text == "all" || text == "allWithVotes" { return nil }
    } else if let list = parameters.optional(0)?.object?["mentions"]?.array {
      guard list.count == 1 else { throw .invalidParameters("Invalid Request: Only 1 address supported") }
      return try pubkey(Parameters.string(list[0]), "mentions")
    }
    throw .invalidParameters("Invalid params: expected `all`, `allWithVotes` or `mentions`.")
  }

  private static func blockFilter(_ parameters: Parameters) throws(RPCError) -> Pubkey? {
    if parameters.optional(0)?.string == "all" { return nil }
    if let text = parameters.optional(0)?.object?["mentionsAccountOrProgram"]?.string {
      return try pubkey(text, "mentions_account_or_program")
    }
    throw .invalidParameters("Invalid params: expected `all` or `mentionsAccountOrProgram`.")
  }
}

/// A transaction of a block that has just been committed.
struct ProcessedTransaction {
  let signature: Signature
  let message: Message
  let loaded: [Pubkey]
  let result: TransactionResult

  func mentions(_ key: Pubkey?) -> Bool {
    guard let key else { return true }
    return loaded.contains(key) || message.staticKeys.contains(key)
  }
}

extension SolanaRPC {
  static func processed(_ block: Producer.Block) -> [ProcessedTransaction] {
    block.details.indices.compactMap { position in
      guard let details = block.details[position], case .solana(let result) = block.receipts[position],
        let transaction = try? Transaction.decode(block.wires[position]),
        let signature = transaction.firstSignature
      else { return nil }
      return ProcessedTransaction(
        signature: signature, message: transaction.message,
        loaded: details.loadedAddresses.writable + details.loadedAddresses.readonly, result: result)
    }
  }
}

extension StoredTransaction {
  func names(_ key: Pubkey) -> Bool {
    guard let message = (try? Transaction.decode(wire))?.message else { return false }
    let loaded = details.loadedAddresses
    return message.staticKeys.contains(key) || loaded.writable.contains(key) || loaded.readonly.contains(key)
  }
}

/// The methods of a connection that can be told of what happens: those that subscribe beside all others.
struct SubscribingRPC: RPCDialect {
  let rpc: NodeRPC
  let subscriptions: Subscriptions
  let subscriber: any Subscriber

  func call(_ method: String, _ parameters: JSONValue?) async throws(RPCError) -> [UInt8] {
    if let ethereum = subscriptions.ethereum {
      if method == "eth_subscribe" { return try ethereum.subscribe(parameters, for: subscriber) }
      if method == "eth_unsubscribe" { return try ethereum.unsubscribe(parameters, of: subscriber) }
    }
    if let name = method.prefix(before: "Unsubscribe"), Topic.names.contains(name) {
      let parameters = try Parameters(parameters)
      try parameters.expect(1...1)
      let id = try parameters.integer(0)
      guard subscriptions.remove(id, of: subscriber) else {
        throw .invalidParameters("Invalid subscription id.")
      }
      return SolanaRPC.answer { $0.value(true) }
    }
    if let name = method.prefix(before: "Subscribe"), Topic.names.contains(name) {
      let topic = try Topic(name, Parameters(parameters), rpc.solana.producer.head)
      let id = try subscriptions.add(topic, for: subscriber)
      return SolanaRPC.answer { $0.value(id) }
    }
    return try await rpc.call(method, parameters)
  }
}

extension String {
  /// What stands before `suffix` at the end; `nil` where that is not the end.
  fileprivate func prefix(before suffix: String) -> String? {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : nil
  }
}
