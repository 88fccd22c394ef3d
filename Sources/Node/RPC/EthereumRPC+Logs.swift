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

  /// Whether a filter for it, made before that block, is told of a log.
  func wants(_ record: EthereumLogRecord) -> Bool {
    if case .number(let last)? = to, record.place.blockNumber > last { return false }
    return filter(0...UInt64.max).includes(record.log)
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
      if let from = query.from, let to = query.to { _ = try rpc.range(from, to, allowsFuture: true) }
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
    var blocks = filter.next <= head ? filter.next...head : nil
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
      if let found = blocks, case .number(let last)? = query.to {
        blocks = last >= found.lowerBound ? found.lowerBound...min(last, found.upperBound) : nil
      }
      return try await logs(query, in: blocks, behind: filter.removed)
    }
  }

  // MARK: Logs

  func logs(_ query: EthereumLogQuery) async throws(RPCError) -> [UInt8] {
    if let hash = query.blockHash {
      guard let block = try block(.hash(hash)) else { throw .ethereum("unknown block") }
      return try await logs(query, in: block.header.number...block.header.number)
    }
    let range = try range(query.from ?? .tag(.latest), query.to ?? .tag(.latest), allowsFuture: false)
    return try await logs(query, in: range)
  }

  /// - Parameter allowsFuture: whether blocks may be named that are not there yet.
  private func range(
    _ from: EthereumBlockReference, _ to: EthereumBlockReference, allowsFuture: Bool
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
    if !allowsFuture, last > head {
      throw .invalidParameters("block range extends beyond current head block")
    }
    guard first <= last else { throw .invalidParameters("invalid block range params") }
    return first...last
  }

  /// - Parameters:
  ///   - blocks: `nil`: none.
  ///   - removed: logs that are told of first, as gone.
  private func logs(
    _ query: EthereumLogQuery, in blocks: ClosedRange<UInt64>?, behind removed: [EthereumLogRecord] = []
  ) async throws(RPCError) -> [UInt8] {
    let isNarrow = !query.addresses.isEmpty || query.topics.contains { !$0.isEmpty }
    guard isNarrow || blocks.map({ $0.upperBound - $0.lowerBound < Self.logBlockLimit }) ?? true else {
      throw RPCError(
        -32005,
        "query of more than \(Self.logBlockLimit) blocks: narrow the range, or name an address or a topic")
    }
    return try await working { () throws(RPCError) in
      let records =
        try blocks.map { (blocks) throws(RPCError) in
          try stored { () throws(StoreError) in
            try ledger.archive.logs(query.filter(blocks), limit: Self.logLimit)
          }
        } ?? []
      guard records.count <= Self.logLimit else {
        throw RPCError(-32005, "query returned more than \(Self.logLimit) results")
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
