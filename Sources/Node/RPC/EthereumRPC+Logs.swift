// Logs, and filters that tell what is new since they were asked last
// (https://github.com/ethereum/execution-apis, src/eth/filter.yaml).

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

/// Which logs a request wants, its blocks not resolved yet.
struct EthereumLogQuery: Sendable {
  var blockHash: Hash?
  var from: EthereumBlockReference?
  var to: EthereumBlockReference?
  var addresses: [Address] = []
  var topics: [[Hash]] = []

  private static let (addressLimit, topicLimit) = (1000, 1000)

  /// All of them.
  init() {}

  init(_ value: JSONValue) throws(EthereumFormError) {
    let object = try EthereumForm.object(value, "filters.input")
    func member(_ name: String) -> JSONValue? { object[name].flatMap { $0.isNull ? nil : $0 } }
    if let hash = member("blockHash") {
      if member("fromBlock") != nil || member("toBlock") != nil {
        throw EthereumFormError(
          "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
      }
      blockHash = try EthereumForm.hash(hash)
    }
    if let number = member("fromBlock") { from = try EthereumForm.blockNumber(number) }
    if let number = member("toBlock") { to = try EthereumForm.blockNumber(number) }
    if let address = member("address") { addresses = try Self.addresses(address) }
    if let topics = member("topics") { self.topics = try Self.topics(topics) }
  }

  private static func addresses(_ value: JSONValue) throws(EthereumFormError) -> [Address] {
    switch value {
    case .array(let list):
      if list.count > addressLimit {
        throw EthereumFormError("exceed max addresses or topics per search position")
      }
      var addresses: [Address] = []
      for (index, element) in list.enumerated() {
        guard element.string != nil else { throw EthereumFormError("non-string address at index \(index)") }
        do throws(EthereumFormError) { addresses.append(try EthereumForm.address(element)) } catch {
          throw EthereumFormError("invalid address at index \(index): \(error.text)")
        }
      }
      return addresses
    case .string:
      do throws(EthereumFormError) { return [try EthereumForm.address(value)] } catch {
        throw EthereumFormError("invalid address: \(error.text)")
      }
    default: throw EthereumFormError("invalid addresses in query")
    }
  }

  private static func topics(_ value: JSONValue) throws(EthereumFormError) -> [[Hash]] {
    guard let list = value.array else { throw .kind(value, "[]interface {}") }
    if list.count > 4 { throw EthereumFormError("exceed max topics") }
    var topics: [[Hash]] = []
    for place in list {
      switch place {
      case .null: topics.append([])
      case .string: topics.append([try EthereumForm.hash(place)])
      case .array(let choices):
        if choices.count > topicLimit {
          throw EthereumFormError("exceed max addresses or topics per search position")
        }
        // null among them: any.
        if choices.contains(where: \.isNull) {
          topics.append([])
          continue
        }
        var hashes: [Hash] = []
        for choice in choices {
          guard choice.string != nil else { throw EthereumFormError("invalid topic(s)") }
          hashes.append(try EthereumForm.hash(choice))
        }
        topics.append(hashes)
      default: throw EthereumFormError("invalid topic(s)")
      }
    }
    return topics
  }

  /// Refuses what does not speak of blocks to come, as geth has it: from the next one on or from a number on, and to
  /// whatever comes or to a number.
  func expectComing() throws(RPCError) {
    let (first, last) = (from ?? .tag(.latest), to ?? .tag(.latest))
    if first == .tag(.pending) || last == .tag(.pending) {
      throw .invalidParameters("pending logs are not supported")
    }
    switch (first == .tag(.earliest) ? .number(0) : first, last) {
    case (.tag(.latest), .tag(.latest)), (.number, .tag(.latest)): return
    case (.number(let first), .number(let last)) where first <= last: return
    default: throw .invalidParameters("invalid block range params")
    }
  }

  /// The blocks, among those that came since it was asked, that it names; tags name all of them.
  func named(in blocks: ClosedRange<UInt64>) -> ClosedRange<UInt64>? {
    var (first, last) = (blocks.lowerBound, blocks.upperBound)
    if case .number(let number)? = from { first = max(first, number) }
    if case .number(let number)? = to { last = min(last, number) }
    return first <= last ? first...last : nil
  }

  /// Whether it tells of a log of a block that came since it was asked.
  func wants(_ record: EthereumLogRecord) -> Bool {
    let number = record.place.blockNumber
    return named(in: number...number).map { filter($0).includes(record.log) } ?? false
  }

  func filter(_ blocks: ClosedRange<UInt64>) -> EthereumLogFilter {
    EthereumLogFilter(blocks: blocks, addresses: addresses, topics: topics)
  }
}

extension EthereumRPC {
  /// Logs that one answer has at most, and blocks that are looked at where neither address nor topic narrows them down.
  static let (logLimit, logBlockLimit): (Int, UInt64) = (10_000, 100_000)

  static let logMethods: [String: Method] = [
    "eth_getLogs": { (rpc, parameters) async throws(RPCError) in
      let query = try parameters.value(0) { value throws(EthereumFormError) in try EthereumLogQuery(value) }
      try parameters.expect(atMost: 1)
      return try await rpc.logs(query)
    },
    "eth_newFilter": { (rpc, parameters) throws(RPCError) in
      let query = try parameters.value(0) { value throws(EthereumFormError) in try EthereumLogQuery(value) }
      try parameters.expect(atMost: 1)
      try query.expectComing()
      return try rpc.newFilter(.logs(query))
    },
    "eth_newBlockFilter": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return try rpc.newFilter(.blocks)
    },
    "eth_newPendingTransactionFilter": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 1)
      return try rpc.newFilter(.pending([]))
    },
    "eth_uninstallFilter": { (rpc, parameters) throws(RPCError) in
      let id = try parameters.value(0, EthereumForm.string)
      try parameters.expect(atMost: 1)
      let wasThere = rpc.filters.remove(id)
      return answer { $0.value(wasThere) }
    },
    "eth_getFilterChanges": { (rpc, parameters) async throws(RPCError) in
      let id = try parameters.value(0, EthereumForm.string)
      try parameters.expect(atMost: 1)
      return try await rpc.changes(of: id)
    },
    "eth_getFilterLogs": { (rpc, parameters) async throws(RPCError) in
      let id = try parameters.value(0, EthereumForm.string)
      try parameters.expect(atMost: 1)
      guard let filter = rpc.filters.filter(id), case .logs(let query) = filter.kind else {
        throw .ethereum("filter not found")
      }
      return try await rpc.logs(query)
    },
  ]

  private func newFilter(_ kind: EthereumFilters.Kind) throws(RPCError) -> [UInt8] {
    guard let id = filters.add(kind, next: try head().header.number + 1) else {
      throw .ethereum("too many filters: those that nobody asks go after five minutes")
    }
    return Self.answer { $0.value(id) }
  }

  private func changes(of id: String) async throws(RPCError) -> [UInt8] {
    let head = try head().header.number
    guard let filter = filters.take(id, through: head) else { throw .ethereum("filter not found") }
    let blocks = filter.next <= head ? filter.next...head : nil
    switch filter.kind {
    case .pending(let hashes):
      return Self.answer { writer in
        writer.array { writer in for hash in hashes { writer.value(EthereumForm.hash(hash)) } }
      }
    case .blocks:
      var hashes: [Hash] = []
      for number in blocks.map({ Array($0.suffix(Self.logLimit)) }) ?? [] {
        if let block = try block(.number(number)) { hashes.append(block.hash) }
      }
      return Self.answer { [hashes] writer in
        writer.array { writer in for hash in hashes { writer.value(EthereumForm.hash(hash)) } }
      }
    case .logs(let query):
      // It is told of them once: there is no limit.
      return try await logs(
        query, in: blocks.flatMap { query.named(in: $0) }, behind: filter.removed, limit: .max)
    }
  }

  // MARK: Logs

  func logs(_ query: EthereumLogQuery) async throws(RPCError) -> [UInt8] {
    if let hash = query.blockHash {
      guard let block = try block(.hash(hash)) else { throw .ethereum("unknown block") }
      return try await logs(query, in: block.header.number...block.header.number, limit: .max)
    }
    let range = try range(query.from ?? .tag(.latest), query.to ?? .tag(.latest))
    let isNarrow = !query.addresses.isEmpty || query.topics.contains { !$0.isEmpty }
    guard isNarrow || range.upperBound - range.lowerBound < Self.logBlockLimit else {
      throw RPCError(
        -32005,
        "query of more than \(Self.logBlockLimit) blocks: narrow the range, or name an address or a topic")
    }
    return try await logs(query, in: range, limit: Self.logLimit)
  }

  private func range(
    _ from: EthereumBlockReference, _ to: EthereumBlockReference
  ) throws(RPCError) -> ClosedRange<UInt64> {
    if from == .tag(.pending) || to == .tag(.pending) {
      throw .invalidParameters("pending logs are not supported")
    }
    let head = try head().header.number
    func number(_ reference: EthereumBlockReference) throws(RPCError) -> UInt64 {
      if case .number(let number) = reference { return number }
      return try block(reference)?.header.number ?? head
    }
    let (first, last) = (try number(from), try number(to))
    if last > head {
      throw .invalidParameters("block range extends beyond current head block")
    }
    guard first <= last else { throw .invalidParameters("invalid block range params") }
    return first...last
  }

  /// - Parameters:
  ///   - blocks: `nil`: none.
  ///   - removed: logs that are told of first, as gone.
  ///   - limit: of those in `blocks`; more are refused.
  private func logs(
    _ query: EthereumLogQuery, in blocks: ClosedRange<UInt64>?, behind removed: [EthereumLogRecord] = [],
    limit: Int
  ) async throws(RPCError) -> [UInt8] {
    return try await working { () throws(RPCError) in
      let records =
        try blocks.map { (blocks) throws(RPCError) in
          try stored { () throws(StoreError) in
            try ledger.archive.logs(query.filter(blocks), limit: limit)
          }
        } ?? []
      guard records.count <= limit else {
        throw RPCError(-32005, "query returned more than \(limit) results")
      }
      return Self.answer { writer in
        writer.array { writer in
          for record in removed { EthereumForm.write(record.log, record.place, isRemoved: true, to: &writer) }
          for record in records { EthereumForm.write(record.log, record.place, to: &writer) }
        }
      }
    }
  }
}
