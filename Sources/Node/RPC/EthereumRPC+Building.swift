// Blocks that nobody makes, put together from executed transactions: what eth_simulateV1 answers with, and
// testing_buildBlockV1 (https://github.com/ethereum/execution-apis, src/testing/testing_buildBlockV1.yaml).

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

/// Executed transactions on their way into a block.
struct EthereumBlockDraft {
  struct Entry {
    var transaction: EthereumTransaction
    var receipt: EVMReceipt
    /// The root after it, where the fork's receipts hold one.
    var stateRoot: Hash?
    /// Whether it is a transaction that nobody signed.
    var isUnsigned = false
  }

  var entries: [Entry] = []
  var withdrawals: [EVMWithdrawal] = []
  /// Type byte first; deposits, which are in the logs, left out.
  var requests: [[UInt8]] = []

  var gasUsed: UInt64 { entries.reduce(0) { $0 + $1.receipt.gasUsed } }
  var blobGasUsed: UInt64 { entries.reduce(0) { $0 + $1.transaction.blobGas } }

  /// The block of which `header` is known but for what follows from its body, and all of its requests.
  func block(
    under header: EthereumHeader, fork: Fork, _ configuration: ChainConfiguration
  ) -> (block: EthereumBlock, requests: [[UInt8]]) {
    var block = EthereumBlock(
      header: header, transactions: entries.map(\.transaction),
      withdrawals: fork >= .shanghai ? withdrawals : nil)
    var (cumulative, receipts): (UInt64, [[UInt8]]) = (0, [])
    for entry in entries {
      cumulative += entry.receipt.gasUsed
      block.header.bloom.formUnion(LogsBloom(entry.receipt.logs))
      receipts.append(
        EthereumReceipt(
          kind: entry.transaction.kind,
          outcome: entry.stateRoot.map { .stateRoot($0) } ?? .status(isSuccess: entry.receipt.isSuccess),
          cumulativeGasUsed: cumulative, logs: entry.receipt.logs
        ).encoded)
    }
    block.header.gasUsed = cumulative
    if fork >= .cancun { block.header.blobGasUsed = blobGasUsed }
    block.header.transactionsRoot = MerklePatriciaTrie.listRoot(
      entries.map { $0.isUnsigned ? $0.transaction.unsignedEncoding : $0.transaction.encoded })
    block.header.withdrawalsRoot = block.withdrawalsRoot
    block.header.receiptsRoot = MerklePatriciaTrie.listRoot(receipts)
    guard fork >= .prague else { return (block, []) }
    let deposits =
      (try? DepositRequests.gather(
        from: entries.flatMap(\.receipt.logs), contract: configuration.depositContract)) ?? []
    let all = (deposits.isEmpty ? [] : [[DepositRequests.type] + deposits]) + requests
    block.header.requestsHash = DepositRequests.hash(of: all)
    return (block, all)
  }
}

/// What a block is to be made of.
private struct EthereumPayloadRequest: Sendable {
  var timestamp: UInt64
  var prevRandao: Hash
  var feeRecipient: Address
  var withdrawals: [EVMWithdrawal]
  var beaconRoot: Hash?
  /// `nil`: those that wait.
  var transactions: [[UInt8]]?
  var extraData: [UInt8] = []

  init(_ value: JSONValue) throws(EthereumFormError) {
    let name = "PayloadAttributes"
    let fields = EthereumFields(try EthereumForm.object(value, "engine.\(name)"), name)
    func required<Value>(
      _ key: String, _ read: (JSONValue) throws(EthereumFormError) -> Value
    ) throws(EthereumFormError) -> Value {
      guard let value = try fields.optional(key, read) else {
        throw EthereumFormError("missing required field '\(key)' for \(name)")
      }
      return value
    }
    timestamp = try required("timestamp", EthereumForm.quantity)
    prevRandao = try required("prevRandao", EthereumForm.hash)
    feeRecipient = try required("suggestedFeeRecipient", EthereumForm.address)
    withdrawals = try fields.list("withdrawals", EthereumForm.withdrawal) ?? []
    beaconRoot = try fields.optional("parentBeaconBlockRoot", EthereumForm.hash)
  }
}

extension EthereumRPC {
  static let buildingMethods: [String: Method] = [
    "testing_buildBlockV1": { (rpc, parameters) async throws(RPCError) in
      let parent = try parameters.hash(0)
      var request = try parameters.value(1) { value throws(EthereumFormError) in
        try EthereumPayloadRequest(value)
      }
      request.transactions = try parameters.optional(2) { value throws(EthereumFormError) in
        guard let list = value.array else { throw EthereumFormError.kind(value, "[]hexutil.Bytes") }
        var transactions: [[UInt8]] = []
        for element in list { transactions.append(try EthereumForm.data(element)) }
        return transactions
      }
      request.extraData = try parameters.optional(3, EthereumForm.data) ?? []
      try parameters.expect(atMost: 4)
      guard request.extraData.count <= HeaderRules.maximumExtraDataByteCount else {
        throw .invalidParameters("extraData of more than \(HeaderRules.maximumExtraDataByteCount) bytes")
      }
      guard let place = try rpc.knownPlace(.hash(parent)) else {
        throw .invalidParameters("block \(EthereumForm.hash(parent)) not found")
      }
      let waiting = rpc.producer.pendingTransactions
      return try await rpc.working { [request] () throws(RPCError) in
        try rpc.build(request, over: place, waiting: waiting)
      }
    }
  ]

  /// What gas limits go towards, as geth's do where nobody says otherwise.
  private static let gasLimitTarget: UInt64 = 60_000_000

  private func header(
    _ request: EthereumPayloadRequest, after parent: EthereumPlace
  ) throws(RPCError) -> (EthereumHeader, Fork) {
    let before = parent.block.header
    guard request.timestamp > before.timestamp else {
      throw .ethereum("invalid timestamp: have \(request.timestamp), parent \(before.timestamp)")
    }
    let fork = ledger.configuration.fork(
      number: before.number + 1, timestamp: request.timestamp, totalDifficulty: parent.block.totalDifficulty)
    guard fork >= .paris else { throw .ethereum("block \(before.number + 1) is before the merge") }
    let step = max(before.gasLimit / 1024, 1) - 1
    var header = EthereumHeader(
      parentHash: parent.block.hash, coinbase: request.feeRecipient, number: before.number + 1,
      gasLimit: before.gasLimit < Self.gasLimitTarget
        ? min(before.gasLimit + step, Self.gasLimitTarget)
        : max(before.gasLimit - step, Self.gasLimitTarget),
      timestamp: request.timestamp, extraData: request.extraData, mixHash: request.prevRandao)
    header.baseFeePerGas = HeaderRules.baseFee(after: before)
    if fork >= .cancun {
      guard let root = request.beaconRoot else { throw .invalidParameters("missing parentBeaconBlockRoot") }
      header.parentBeaconBlockRoot = root
      header.excessBlobGas =
        before.excessBlobGas == nil
        ? 0
        : HeaderRules.excessBlobGas(after: before, fork: fork, ledger.configuration.blobParameters(fork))
    }
    return (header, fork)
  }

  private func build(
    _ request: EthereumPayloadRequest, over parent: EthereumPlace, waiting: [PooledEthereumTransaction]
  ) throws(RPCError) -> [UInt8] {
    var (header, fork) = try header(request, after: parent)
    let archive = ledger.archive
    let environment = BlockEnvironment(header, fork: fork, ledger.configuration) { number in
      (try? archive.header(number))?.hash
    }
    var tries = ledger.tries(of: parent.block)
    var draft = EthereumBlockDraft()
    draft.withdrawals = request.withdrawals
    let emulator: Emulator
    do throws(ChainError) {
      emulator = try ledger.emulator(
        .init(ledger.environment(of: parent.block), height: parent.height, isBegun: true))
      try emulator.begin(environment)
    } catch { throw RPCError(error) }
    if let transactions = request.transactions {
      for bytes in transactions {
        let (transaction, sender) = try Self.decoded(bytes, fork: fork)
        try add(transaction, from: sender, to: &draft, on: emulator)
      }
    } else {
      // One that the block does not take is left out.
      for transaction in waiting {
        try? add(transaction.transaction, from: transaction.sender, to: &draft, on: emulator)
      }
    }
    do throws(ChainError) {
      draft.requests = try emulator.endBlock(withdrawals: draft.withdrawals)
      header.stateRoot = try emulator.moveTries(&tries)
    } catch { throw RPCError(error) }
    let (block, requests) = draft.block(under: header, fork: fork, ledger.configuration)
    return Self.answer { Self.write(block, draft, requests, fork, to: &$0) }
  }

  private static func decoded(_ bytes: [UInt8], fork: Fork) throws(RPCError) -> (EthereumTransaction, Address)
  {
    let transaction: EthereumTransaction
    do throws(EthereumTransactionError) { transaction = try EthereumTransaction(decoding: bytes) } catch {
      throw .invalidParameters("a transaction that cannot be decoded: \(error)")
    }
    do throws(EthereumSignatureError) {
      return (transaction, try transaction.recoverSender(fork: fork))
    } catch {
      throw .invalidParameters("invalid sender")
    }
  }

  private func add(
    _ transaction: EthereumTransaction, from sender: Address, to draft: inout EthereumBlockDraft,
    on emulator: Emulator
  ) throws(RPCError) {
    let block = emulator.block
    guard transaction.gasLimit <= block.gasLimit - min(draft.gasUsed, block.gasLimit) else {
      throw .ethereum("gas limit reached")
    }
    guard draft.blobGasUsed + transaction.blobGas <= block.blobParameters.maximumGas else {
      throw .ethereum("max data blobs reached")
    }
    let emulation: Emulation
    do throws(EmulationError) {
      emulation = try emulator.run(transaction, from: sender, checks: .all)
    } catch {
      guard case .refused(let reason) = error else { throw RPCError(error, transaction, from: sender) }
      throw .ethereum(reason.gethText(transaction, from: sender))
    }
    emulator.apply(emulation)
    draft.entries.append(.init(transaction: transaction, receipt: emulation.receipt))
  }

  private static func write(
    _ block: EthereumBlock, _ draft: EthereumBlockDraft, _ requests: [[UInt8]], _ fork: Fork,
    to writer: inout JSONWriter
  ) {
    let header = block.header
    let base = header.baseFeePerGas ?? .zero
    let value = draft.entries.reduce(UInt256.zero) { sum, entry in
      sum &+ (entry.receipt.effectiveGasPrice &- base) &* UInt256(entry.receipt.gasUsed)
    }
    func list(_ name: String, _ items: [[UInt8]], _ writer: inout JSONWriter) {
      writer.key(name)
      writer.array { writer in for item in items { writer.value(EthereumForm.data(item)) } }
    }
    writer.object { writer in
      writer.key("executionPayload")
      writer.object { writer in
        writer.hash("parentHash", header.parentHash)
        writer.address("feeRecipient", header.coinbase)
        writer.hash("stateRoot", header.stateRoot)
        writer.hash("receiptsRoot", header.receiptsRoot)
        writer.data("logsBloom", header.bloom.bytes)
        writer.hash("prevRandao", header.mixHash)
        writer.quantity("blockNumber", header.number)
        writer.quantity("gasLimit", header.gasLimit)
        writer.quantity("gasUsed", header.gasUsed)
        writer.quantity("timestamp", header.timestamp)
        writer.data("extraData", header.extraData)
        writer.quantity("baseFeePerGas", base)
        writer.hash("blockHash", header.hash)
        list("transactions", block.transactions.map(\.encoded), &writer)
        if let withdrawals = block.withdrawals { EthereumForm.write(withdrawals, to: &writer) }
        if let gas = header.blobGasUsed { writer.quantity("blobGasUsed", gas) }
        if let gas = header.excessBlobGas { writer.quantity("excessBlobGas", gas) }
      }
      writer.quantity("blockValue", value)
      writer.key("blobsBundle")
      writer.object { writer in
        for name in ["commitments", "proofs", "blobs"] { list(name, [], &writer) }
      }
      if fork >= .prague { list("executionRequests", requests, &writer) }
      writer.member("shouldOverrideBuilder", false)
    }
  }
}
