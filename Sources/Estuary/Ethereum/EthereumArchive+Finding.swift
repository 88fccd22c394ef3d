// What people ask of Ethereum's blocks: one transaction with its receipt, and logs by address and topics
// (https://ethereum.org/en/developers/docs/apis/json-rpc/, eth_getTransactionReceipt and eth_getLogs).

import EVM
import Ledger
import Primitives
import WideIntegers

/// A transaction of a stored block, with what came of it.
package struct EthereumTransactionRecord: Sendable {
  package var transaction: EthereumTransaction
  package var hash: Hash
  package var sender: Address
  package var block: EthereumArchive.StoredHeader
  /// In the block.
  package var index: Int
  package var receipt: EthereumReceipt
  /// Charged to the sender, refunds taken off.
  package var gasUsed: UInt64
  /// The place of its first log among the block's.
  package var firstLogIndex: Int
  /// What programs logged that contracts called, a line each; it is in no block's receipts root.
  package var programLogs: [String] = []

  /// Of the contract that it created, or would have.
  package var contractAddress: Address? {
    transaction.isCreation ? Address.created(by: sender, nonce: transaction.nonce) : nil
  }

  /// Wei.
  package var effectiveGasPrice: UInt256 {
    guard let baseFee = block.header.baseFeePerGas else { return transaction.maxFeePerGas }
    return min(transaction.maxFeePerGas, baseFee.addingSaturated(transaction.maxPriorityFeePerGas))
  }

  /// `nil` where the receipt has a state root instead.
  package var isSuccess: Bool? {
    if case .status(let isSuccess) = receipt.outcome { isSuccess } else { nil }
  }
}

/// Which logs are wanted.
package struct EthereumLogFilter: Sendable {
  /// Numbers of the first and the last block.
  package var blocks: ClosedRange<UInt64>
  /// Any of these; empty: any at all.
  package var addresses: [Address] = []
  /// By place; each any of these, an empty one any at all. A log with fewer topics is none of them.
  package var topics: [[Hash]] = []

  package init(blocks: ClosedRange<UInt64>, addresses: [Address] = [], topics: [[Hash]] = []) {
    (self.blocks, self.addresses, self.topics) = (blocks, addresses, topics)
  }

  /// Whether it wants a log of one of its blocks.
  package func includes(_ log: EVMLog) -> Bool {
    guard addresses.isEmpty || addresses.contains(log.address), topics.count <= log.topics.count else {
      return false
    }
    return zip(topics, log.topics).allSatisfy { $0.isEmpty || $0.contains($1) }
  }
}

/// A log and where it stands.
package struct EthereumLogRecord: Sendable {
  package var log: EVMLog
  package var place: EthereumForm.LogPlace
}

extension EthereumArchive {
  /// The transaction with that hash; `nil` where no block has it.
  package func transaction(_ hash: Hash) throws(StoreError) -> EthereumTransactionRecord? {
    guard let (number, index) = try place(ofTransaction: hash) else { return nil }
    let all = try transactions(number) ?? []
    guard index < all.count else { throw damaged("the index of Ethereum's transactions") }
    return all[index]
  }

  /// All transactions of a block, in order.
  package func transactions(_ number: UInt64) throws(StoreError) -> [EthereumTransactionRecord]? {
    guard let header = try header(number), let block = try block(number) else { return nil }
    guard let receipts = try receipts(number), receipts.count == block.transactions.count else {
      throw damaged("the receipts of Ethereum's block \(number)")
    }
    var records: [EthereumTransactionRecord] = []
    var (gas, logCount): (UInt64, Int) = (0, 0)
    for (index, (transaction, stored)) in zip(block.transactions, receipts).enumerated() {
      let used = stored.receipt.cumulativeGasUsed
      guard used >= gas else { throw damaged("the receipts of Ethereum's block \(number)") }
      records.append(
        EthereumTransactionRecord(
          transaction: transaction, hash: Keccak256.hash(transaction.encoded), sender: stored.sender,
          block: header, index: index, receipt: stored.receipt, gasUsed: used - gas, firstLogIndex: logCount,
          programLogs: stored.programLogs))
      gas = used
      logCount += stored.receipt.logs.count
    }
    return records
  }

  /// The logs that a filter wants, in the order of the chain; blocks that cannot have any are not read.
  ///
  /// - Parameter limit: of logs; one more is an answer that is one longer.
  package func logs(_ filter: EthereumLogFilter, limit: Int = .max) throws(StoreError) -> [EthereumLogRecord]
  {
    guard let head = try head()?.header.number, filter.blocks.lowerBound <= head else { return [] }
    let range = filter.blocks.lowerBound...min(filter.blocks.upperBound, head)
    var found: [EthereumLogRecord] = []
    for number in try candidates(filter, range) ?? Array(range) {
      // Before the ledger's first block there is none.
      guard let header = try header(number)?.header, header.bloom != LogsBloom(),
        let records = try transactions(number)
      else { continue }
      for record in records {
        for (place, log) in record.receipt.logs.enumerated() where filter.includes(log) {
          found.append(
            EthereumLogRecord(
              log: log, place: .init(record, logIndex: record.firstLogIndex + place)))
          if found.count > limit { return found }
        }
      }
    }
    return found
  }

  /// Blocks that have logs of one of the addresses and, at each place, with one of the topics; `nil`: nothing is asked.
  private func candidates(
    _ filter: EthereumLogFilter, _ range: ClosedRange<UInt64>
  ) throws(StoreError) -> [UInt64]? {
    var wanted: [[[UInt8]]] = []
    if !filter.addresses.isEmpty { wanted.append(filter.addresses.map { Key.address($0) }) }
    for (place, topics) in filter.topics.enumerated() where !topics.isEmpty {
      wanted.append(topics.map { Key.topic(place, $0) })
    }
    var blocks: Set<UInt64>?
    for prefixes in wanted {
      var these: Set<UInt64> = []
      for prefix in prefixes {
        try store.forEachEntry(.ethereumIndex, from: prefix + Key.bytes(range.lowerBound)) {
          (key, _) throws(StoreError) in
          guard key.count == prefix.count + 8, key.starts(with: prefix) else { return false }
          let number = Self.number(key[prefix.count...])
          if number > range.upperBound { return false }
          these.insert(number)
          return true
        }
      }
      blocks = blocks.map { $0.intersection(these) } ?? these
    }
    return blocks?.sorted()
  }
}
