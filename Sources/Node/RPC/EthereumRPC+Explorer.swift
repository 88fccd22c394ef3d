// What explorers ask besides: the methods that Otterscan's pages are made of
// (https://docs.otterscan.io/api-docs/ots-api, level 8).
//
// The ledger has no index of who met whom, so searches walk over blocks and execute what may have met the account again, for
// so long at most.

import EVM
import Estuary
import Execution
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  static let explorerMethods: [String: Method] = [
    "ots_getApiLevel": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { $0.value(8) }
    },
    "ots_hasCode": { (rpc, parameters) throws(RPCError) in
      let address = try parameters.address(0)
      let place = try rpc.place(try parameters.blockOrLatest(1))
      try parameters.expect(atMost: 2)
      let hasCode = try rpc.hasCode(address, place)
      return answer { $0.value(hasCode) }
    },
    "ots_getInternalOperations": { (rpc, parameters) async throws(RPCError) in
      let record = try rpc.required(try parameters.hash(0))
      try parameters.expect(atMost: 1)
      return try await rpc.working { () throws(RPCError) in
        let trace = try rpc.calls(of: record)
        return answer { writer in writer.array { writeOperations(trace, to: &$0) } }
      }
    },
    "ots_getTransactionError": { (rpc, parameters) async throws(RPCError) in
      let record = try rpc.required(try parameters.hash(0))
      try parameters.expect(atMost: 1)
      if record.isSuccess == true { return answer(data: []) }
      return try await rpc.working { () throws(RPCError) in
        let trace = try rpc.calls(of: record)
        let output = trace.calls.first.flatMap { $0.halt == .revert ? $0.output : nil }
        return answer(data: output ?? [])
      }
    },
    "ots_traceTransaction": { (rpc, parameters) async throws(RPCError) in
      let record = try rpc.required(try parameters.hash(0))
      try parameters.expect(atMost: 1)
      return try await rpc.working { () throws(RPCError) in
        let trace = try rpc.calls(of: record)
        return answer { writer in
          writer.array { writer in
            if !trace.calls.isEmpty { writeCalls(trace, 0, depth: 0, to: &writer) }
          }
        }
      }
    },
    "ots_getBlockDetails": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.value(0, numberOrText)
      try parameters.expect(atMost: 1)
      return try rpc.details(of: reference)
    },
    "ots_getBlockDetailsByHash": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      return try rpc.details(of: .hash(hash))
    },
    "ots_getBlockTransactions": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.value(0, numberOrText)
      let (page, size) = (try parameters.value(1, number), try parameters.value(2, number))
      try parameters.expect(atMost: 3)
      return try rpc.page(Int(clamping: page), of: try pageSize(size), of: reference)
    },
    "ots_searchTransactionsBefore": { (rpc, parameters) async throws(RPCError) in
      try await rpc.search(parameters, isBackwards: true)
    },
    "ots_searchTransactionsAfter": { (rpc, parameters) async throws(RPCError) in
      try await rpc.search(parameters, isBackwards: false)
    },
    "ots_getTransactionBySenderAndNonce": { (rpc, parameters) async throws(RPCError) in
      let (address, nonce) = (try parameters.address(0), try parameters.value(1, number))
      try parameters.expect(atMost: 2)
      return try await rpc.working { () throws(RPCError) in try rpc.transaction(of: address, nonce: nonce) }
    },
    "ots_getContractCreator": { (rpc, parameters) async throws(RPCError) in
      let address = try parameters.address(0)
      try parameters.expect(atMost: 1)
      return try await rpc.working { () throws(RPCError) in try rpc.creator(of: address) }
    },
  ]

  /// Transactions of a page, and how long a search may take.
  private static let (largestPage, searchNanoseconds): (UInt64, UInt64) = (25, 5_000_000_000)

  private static func pageSize(_ size: UInt64) throws(RPCError) -> Int {
    guard (1...largestPage).contains(size) else {
      throw .ethereum("max allowed page size: \(largestPage)")
    }
    return Int(size)
  }

  /// Numbers are taken as JSON's as well.
  private static func numberOrText(_ value: JSONValue) throws(EthereumFormError) -> EthereumBlockReference {
    if let number = value.uint64 { return .number(number) }
    return try EthereumForm.blockNumber(value)
  }

  private func required(_ hash: Hash) throws(RPCError) -> EthereumTransactionRecord {
    guard let record = try record(hash) else { throw .ethereum("transaction not found") }
    return record
  }

  private func hasCode(_ address: Address, _ place: EthereumPlace) throws(RPCError) -> Bool {
    let account = try read(place) { state throws(EVMStateError) in try state.account(address) }
    return account.map { $0.codeHash != EVMAccount.emptyCodeHash } ?? false
  }

  // MARK: Calls

  private static func writeOperations(_ trace: CallTrace, to writer: inout JSONWriter) {
    func write(_ type: Int, _ from: Address, _ to: Address, _ value: UInt256) {
      writer.object { writer in
        writer.member("type", type)
        writer.address("from", from)
        writer.address("to", to)
        writer.quantity("value", value)
      }
    }
    func visit(_ position: Int, isTop: Bool) {
      let call = trace.calls[position]
      if call.halt != nil { return }
      if !isTop {
        switch call.kind {
        case .call where !call.value.isZero: write(0, call.from, call.code, call.value)
        case .create: write(2, call.from, call.code, call.value)
        case .create2: write(3, call.from, call.code, call.value)
        default: break
        }
      }
      for event in call.events {
        switch event {
        case .call(let inner): visit(inner, isTop: false)
        case .selfDestruct(let heir, let value): write(1, call.account, heir, value)
        case .storage, .log, .program: break
        }
      }
    }
    if !trace.calls.isEmpty { visit(0, isTop: true) }
  }

  private static func writeCalls(
    _ trace: CallTrace, _ position: Int, depth: Int, to writer: inout JSONWriter
  ) {
    let call = trace.calls[position]
    writer.object { writer in
      writer.member("type", call.kind.name)
      writer.member("depth", depth)
      writer.address("from", call.from)
      writer.address("to", call.code)
      if call.kind == .staticCall || call.kind == .delegateCall {
        writer.memberNull("value")
      } else {
        writer.quantity("value", call.value)
      }
      writer.data("input", call.input)
      writer.data("output", call.output)
    }
    for event in call.events {
      switch event {
      case .call(let inner): writeCalls(trace, inner, depth: depth + 1, to: &writer)
      case .selfDestruct(let heir, let value):
        writer.object { writer in
          writer.member("type", "SELFDESTRUCT")
          writer.member("depth", depth + 1)
          writer.address("from", call.account)
          writer.address("to", heir)
          writer.quantity("value", value)
          writer.data("input", [])
          writer.data("output", [])
        }
      case .storage, .log, .program: break
      }
    }
  }

  // MARK: Blocks

  private func details(of reference: EthereumBlockReference) throws(RPCError) -> [UInt8] {
    guard let (stored, block) = try body(reference) else { return Self.null }
    let records = try records(stored.header.number)
    let base = stored.header.baseFeePerGas
    let fees = records.reduce(UInt256.zero) { sum, record in
      sum &+ (record.effectiveGasPrice &- (base ?? .zero)) &* UInt256(record.gasUsed)
    }
    let fork = ledger.fork(of: stored)
    let isMined = fork < .paris && stored.header.number > 0
    let reward = isMined ? EVMBlockProcessor.reward(fork: fork) : .zero
    let ommers = block.ommers.reduce(UInt256.zero) { sum, ommer in
      sum &+ EVMBlockProcessor.reward(fork: fork, ommerAge: stored.header.number &- ommer.number)
    }
    let own = reward &+ (reward >> 5) &* UInt256(UInt64(block.ommers.count))
    return Self.answer { writer in
      writer.object { writer in
        writer.key("block")
        writer.object { writer in
          EthereumForm.writeMembers(of: stored.header, hash: stored.hash, hasBloom: false, to: &writer)
          EthereumForm.writeBodyMembers(of: block, to: &writer)
          writer.member("transactionCount", block.transactions.count)
        }
        writer.key("issuance")
        writer.object { writer in
          writer.quantity("blockReward", own)
          writer.quantity("uncleReward", ommers)
          writer.quantity("issuance", own &+ ommers)
        }
        writer.quantity("totalFees", fees)
      }
    }
  }

  /// A page of a block's transactions, the first of which has the last of them.
  private func page(
    _ page: Int, of size: Int, of reference: EthereumBlockReference
  ) throws(RPCError) -> [UInt8] {
    guard let (stored, block) = try body(reference) else { return Self.null }
    let records = try records(stored.header.number)
    let end = max(records.count - min(page, records.count) * size, 0)
    let shown = records[max(end - size, 0)..<end]
    return Self.answer { writer in
      writer.object { writer in
        writer.key("fullblock")
        writer.object { writer in
          EthereumForm.writeMembers(of: stored.header, hash: stored.hash, hasBloom: false, to: &writer)
          EthereumForm.writeBodyMembers(of: block, to: &writer)
          writer.member("transactionCount", block.transactions.count)
          writer.key("transactions")
          writer.array { writer in
            for record in shown {
              // Selectors alone: the pages show no more.
              var short = record
              short.transaction.data = Array(record.transaction.data.prefix(4))
              Self.write(short, to: &writer)
            }
          }
        }
        writer.key("receipts")
        writer.array { writer in for record in shown { write(receiptOf: record, to: &writer) } }
      }
    }
  }

  private func write(
    receiptOf record: EthereumTransactionRecord, hasLogs: Bool = false, to writer: inout JSONWriter
  ) {
    let blobBaseFee = ledger.environment(of: record.block).blobBaseFee
    EthereumForm.writeReceipt(
      of: record, blobBaseFee: blobBaseFee, hasLogs: hasLogs, hasTimestamp: true, to: &writer)
  }

  // MARK: Searches

  /// The numbers of blocks of which nobody is told yet are none.
  private func blockNumbers() throws(RPCError) -> ClosedRange<UInt64> {
    let head = try head().header.number
    let first = try stored { () throws(StoreError) in try ledger.firstNumber() ?? head }
    return min(first, head)...head
  }

  /// The first block of which `holds` is true, which it stays; `nil` where it is not true of the last one.
  private func firstBlock(
    where holds: (EthereumPlace) throws(RPCError) -> Bool
  ) throws(RPCError) -> UInt64? {
    let range = try blockNumbers()
    guard try holds(try place(.number(range.upperBound))) else { return nil }
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = low + (high - low) / 2
      if try holds(try place(.number(middle))) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func transaction(of address: Address, nonce: UInt64) throws(RPCError) -> [UInt8] {
    let block = try firstBlock { (place) throws(RPCError) in
      try read(place) { state throws(EVMStateError) in try state.account(address) }.map { $0.nonce > nonce }
        ?? false
    }
    guard let block else { return Self.null }
    let found = try records(block).first { $0.sender == address && $0.transaction.nonce == nonce }
    return found.map { record in Self.answer { $0.value(EthereumForm.hash(record.hash)) } } ?? Self.null
  }

  private func creator(of address: Address) throws(RPCError) -> [UInt8] {
    let first = try firstBlock { (place) throws(RPCError) in try hasCode(address, place) }
    guard let first, let block = try block(.number(first)) else { return Self.null }
    var found: (hash: Hash, creator: Address)?
    try forEachCallTrace(of: block) { record, trace in
      // The last creation is the one that stayed.
      for call in trace.calls where call.kind.isCreation && call.account == address && call.halt == nil {
        found = (record.hash, call.from)
      }
      return found == nil
    }
    guard let found else { return Self.null }
    return Self.answer { writer in
      writer.object { writer in
        writer.hash("hash", found.hash)
        writer.address("creator", found.creator)
      }
    }
  }

  private func search(
    _ parameters: EthereumParameters, isBackwards: Bool
  ) async throws(RPCError) -> [UInt8] {
    let (address, number) = (try parameters.address(0), try parameters.value(1, Self.number))
    let size = try Self.pageSize(try parameters.value(2, Self.number))
    try parameters.expect(atMost: 3)
    return try await working { () throws(RPCError) in
      try search(for: address, from: number, isBackwards: isBackwards, atLeast: size)
    }
  }

  /// Whole blocks, until there are as many as the page holds; the newest transaction is told first.
  private func search(
    for address: Address, from number: UInt64, isBackwards: Bool, atLeast size: Int
  ) throws(RPCError) -> [UInt8] {
    let range = try blockNumbers()
    let deadline = Clocks.monotonicNanoseconds() + Self.searchNanoseconds
    var found: [EthereumTransactionRecord] = []
    // 0: from that end of the chain on.
    var next: UInt64? =
      isBackwards
      ? (number == 0
        ? range.upperBound : number <= range.lowerBound ? nil : min(number - 1, range.upperBound))
      : (number == 0
        ? range.lowerBound : number >= range.upperBound ? nil : max(number + 1, range.lowerBound))
    while let block = next, found.count < size {
      guard Clocks.monotonicNanoseconds() < deadline else {
        throw .ethereum(
          "the search takes more than \(Self.searchNanoseconds / 1_000_000_000) s: begin at another block")
      }
      let met = try records(block, meeting: address)
      found += isBackwards ? met.reversed() : met
      let end = isBackwards ? range.lowerBound : range.upperBound
      next = block == end ? nil : isBackwards ? block - 1 : block + 1
    }
    if !isBackwards { found.reverse() }
    let (isFirst, isLast) = isBackwards ? (number == 0, next == nil) : (next == nil, number == 0)
    return Self.answer { [found] writer in
      writer.object { writer in
        writer.key("txs")
        writer.array { writer in for record in found { Self.write(record, to: &writer) } }
        writer.key("receipts")
        writer.array { writer in for record in found { write(receiptOf: record, hasLogs: true, to: &writer) }
        }
        writer.member("firstPage", isFirst)
        writer.member("lastPage", isLast)
      }
    }
  }

  /// Transactions of a block that an account sent, received, was made by, logged in, or was called in.
  private func records(
    _ number: UInt64, meeting address: Address
  ) throws(RPCError) -> [EthereumTransactionRecord] {
    let all = try records(number)
    var met = Set(
      all.filter { record in
        record.sender == address || record.transaction.to == address || record.contractAddress == address
          || record.receipt.logs.contains { $0.address == address }
      }.map(\.index))
    // A transfer of wei alone meets nobody else.
    let mayHaveCalled = all.filter { !met.contains($0.index) && $0.gasUsed > 21_000 }
    if !mayHaveCalled.isEmpty, let block = all.first?.block {
      try forEachCallTrace(of: block) { record, trace in
        let isMet = trace.calls.contains { call in
          call.account == address || call.code == address
            || call.events.contains { if case .selfDestruct(address, _) = $0 { true } else { false } }
        }
        if isMet { met.insert(record.index) }
        return true
      }
    }
    return all.filter { met.contains($0.index) }
  }
}
