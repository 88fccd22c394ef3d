// Blocks, transactions and receipts that are stored, and their encodings
// (https://github.com/ethereum/execution-apis, src/eth/block.yaml, src/eth/transaction.yaml, src/debug).

import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  static let blockMethods: [String: Method] = [
    "eth_getBlockByNumber": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      let isFull = try parameters.bool(1)
      try parameters.expect(atMost: 2)
      return try rpc.block(reference, withTransactions: isFull)
    },
    "eth_getBlockByHash": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      let isFull = try parameters.bool(1)
      try parameters.expect(atMost: 2)
      return try rpc.block(.hash(hash), withTransactions: isFull)
    },
    "eth_getHeaderByNumber": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      try parameters.expect(atMost: 1)
      return try rpc.header(reference)
    },
    "eth_getHeaderByHash": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      return try rpc.header(.hash(hash))
    },
    "eth_getBlockTransactionCountByNumber": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      try parameters.expect(atMost: 1)
      return try rpc.count(reference, of: \.transactions.count)
    },
    "eth_getBlockTransactionCountByHash": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      return try rpc.count(.hash(hash), of: \.transactions.count)
    },
    "eth_getUncleCountByBlockNumber": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      try parameters.expect(atMost: 1)
      return try rpc.count(reference, of: \.ommers.count)
    },
    "eth_getUncleCountByBlockHash": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      return try rpc.count(.hash(hash), of: \.ommers.count)
    },
    "eth_getUncleByBlockNumberAndIndex": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      return try rpc.ommer(reference, try parameters.index(1))
    },
    "eth_getUncleByBlockHashAndIndex": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      return try rpc.ommer(.hash(hash), try parameters.index(1))
    },
    "eth_getBlockReceipts": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.requiredBlock(0)
      try parameters.expect(atMost: 1)
      return try rpc.receipts(reference)
    },
  ]

  static let transactionMethods: [String: Method] = [
    "eth_getTransactionByHash": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      if let record = try rpc.record(hash) { return answer { write(record, to: &$0) } }
      guard let waiting = rpc.producer.waitingTransaction(hash) else { return null }
      return answer { write(waiting, to: &$0) }
    },
    "eth_getTransactionByBlockNumberAndIndex": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      return try rpc.transaction(reference, try parameters.index(1))
    },
    "eth_getTransactionByBlockHashAndIndex": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      return try rpc.transaction(.hash(hash), try parameters.index(1))
    },
    "eth_getRawTransactionByHash": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      return answer(data: try rpc.rawTransaction(hash))
    },
    "eth_getRawTransactionByBlockNumberAndIndex": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.blockNumber(0)
      return try rpc.rawTransaction(reference, try parameters.index(1))
    },
    "eth_getRawTransactionByBlockHashAndIndex": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      return try rpc.rawTransaction(.hash(hash), try parameters.index(1))
    },
    "eth_getTransactionReceipt": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      guard let record = try rpc.record(hash) else { return null }
      let blobBaseFee = rpc.ledger.environment(of: record.block).blobBaseFee
      return answer { EthereumForm.writeReceipt(of: record, blobBaseFee: blobBaseFee, to: &$0) }
    },
  ]

  static let rawMethods: [String: Method] = [
    "debug_getRawHeader": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.madeBlock(0)
      try parameters.expect(atMost: 1)
      guard let block = try rpc.block(reference) else { throw .ethereum("header not found") }
      return answer(data: block.header.encoded)
    },
    "debug_getRawBlock": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.madeBlock(0)
      try parameters.expect(atMost: 1)
      guard let (_, block) = try rpc.body(reference) else { throw .ethereum("block not found") }
      return answer(data: block.encoded)
    },
    "debug_getRawReceipts": { (rpc, parameters) throws(RPCError) in
      let reference = try parameters.madeBlock(0)
      try parameters.expect(atMost: 1)
      guard let stored = try rpc.block(reference) else { throw .ethereum("block not found") }
      let receipts = try rpc.stored { () throws(StoreError) in
        try rpc.ledger.archive.receipts(stored.header.number) ?? []
      }
      return answer { writer in
        writer.array { writer in
          for receipt in receipts { writer.value(EthereumForm.data(receipt.receipt.encoded)) }
        }
      }
    },
    "debug_getRawTransaction": { (rpc, parameters) throws(RPCError) in
      let hash = try parameters.hash(0)
      try parameters.expect(atMost: 1)
      return answer(data: try rpc.rawTransaction(hash))
    },
  ]

  // MARK: Blocks

  /// Header and body of a block; `nil` where there is none.
  func body(
    _ reference: EthereumBlockReference
  ) throws(RPCError) -> (EthereumArchive.StoredHeader, EthereumBlock)? {
    guard let header = try block(reference) else { return nil }
    let block = try stored { () throws(StoreError) in try ledger.archive.block(header.header.number) }
    return block.map { (header, $0) }
  }

  /// The block that would come next over a head, without transactions, if it came now.
  static func nextBlock(
    after head: Head
  ) throws(RPCError) -> (header: EthereumHeader, environment: BlockEnvironment) {
    do throws(ChainError) {
      if let next = try head.nextEthereumBlock() { return next }
    } catch { throw RPCError(error) }
    throw .ethereum("the ledger has no Ethereum side")
  }

  /// The block that would come next over the head: what is not known of it before it is made is null, its state root that
  /// of the head.
  private func pendingBlock() throws(RPCError) -> EthereumBlock {
    let head = producer.head
    var header = try Self.nextBlock(after: head).header
    if let last = head.ethereum { header.stateRoot = last.header.stateRoot }
    return EthereumBlock(header: header, withdrawals: header.withdrawalsRoot == nil ? nil : [])
  }

  private func block(
    _ reference: EthereumBlockReference, withTransactions isFull: Bool
  ) throws(RPCError) -> [UInt8] {
    let isPending = reference == .tag(.pending)
    let (hash, records): (Hash?, [EthereumTransactionRecord])
    var (block, waiting): (EthereumBlock, [PooledEthereumTransaction])
    if isPending {
      (hash, block, records, waiting) = (nil, try pendingBlock(), [], producer.pendingTransactions)
      block.transactions = waiting.map(\.transaction)
    } else {
      guard let (header, body) = try body(reference) else { return Self.null }
      (hash, block, waiting) = (header.hash, body, [])
      records = isFull ? try self.records(header.header.number) : []
    }
    return Self.answer { [block, waiting] writer in
      writer.object { writer in
        EthereumForm.writeMembers(of: block.header, hash: hash, to: &writer)
        EthereumForm.writeBodyMembers(of: block, to: &writer)
        writer.key("transactions")
        writer.array { writer in
          if isFull {
            for record in records { Self.write(record, to: &writer) }
            for waiting in waiting { Self.write(waiting, to: &writer) }
          } else {
            for transaction in block.transactions { writer.value(EthereumForm.hash(transaction.hash)) }
          }
        }
      }
    }
  }

  private func header(_ reference: EthereumBlockReference) throws(RPCError) -> [UInt8] {
    let (header, hash): (EthereumHeader, Hash?)
    if reference == .tag(.pending) {
      (header, hash) = (try pendingBlock().header, nil)
    } else {
      guard let found = try block(reference) else { return Self.null }
      (header, hash) = (found.header, found.hash)
    }
    return Self.answer { writer in
      writer.object { EthereumForm.writeMembers(of: header, hash: hash, to: &$0) }
    }
  }

  private func count(
    _ reference: EthereumBlockReference, of count: (EthereumBlock) -> Int
  ) throws(RPCError) -> [UInt8] {
    if reference == .tag(.pending) {
      var block = try pendingBlock()
      block.transactions = producer.pendingTransactions.map(\.transaction)
      return Self.answer(UInt64(count(block)))
    }
    guard let (_, block) = try body(reference) else { return Self.null }
    return Self.answer(UInt64(count(block)))
  }

  /// An ommer is answered as a block without transactions.
  private func ommer(_ reference: EthereumBlockReference, _ index: UInt64) throws(RPCError) -> [UInt8] {
    guard reference != .tag(.pending), let (_, block) = try body(reference),
      index < UInt64(block.ommers.count)
    else { return Self.null }
    let ommer = EthereumBlock(header: block.ommers[Int(index)])
    return Self.answer { writer in
      writer.object { writer in
        EthereumForm.writeMembers(of: ommer.header, hash: ommer.header.hash, to: &writer)
        EthereumForm.writeBodyMembers(of: ommer, to: &writer)
      }
    }
  }

  // MARK: Transactions

  static func write(_ record: EthereumTransactionRecord, to writer: inout JSONWriter) {
    EthereumForm.write(
      record.transaction, hash: record.hash, sender: record.sender, at: .init(record), to: &writer)
  }

  /// The transactions of a block with what came of them.
  func records(_ number: UInt64) throws(RPCError) -> [EthereumTransactionRecord] {
    try stored { () throws(StoreError) in try ledger.archive.transactions(number) ?? [] }
  }

  /// A transaction of a published block; `nil` where there is none.
  func record(_ hash: Hash) throws(RPCError) -> EthereumTransactionRecord? {
    let head = try head().header.number
    let found = try stored { () throws(StoreError) in try ledger.archive.transaction(hash) }
    return found.flatMap { $0.block.header.number <= head ? $0 : nil }
  }

  private func transaction(
    _ reference: EthereumBlockReference, _ index: UInt64
  ) throws(RPCError) -> [UInt8] {
    if reference == .tag(.pending) {
      let waiting = producer.pendingTransactions
      guard index < UInt64(waiting.count) else { return Self.null }
      return Self.answer { Self.write(waiting[Int(index)], to: &$0) }
    }
    guard let header = try block(reference)?.header else { return Self.null }
    let records = try records(header.number)
    guard index < UInt64(records.count) else { return Self.null }
    return Self.answer { Self.write(records[Int(index)], to: &$0) }
  }

  /// As a block holds it or will; no bytes where there is none.
  private func rawTransaction(_ hash: Hash) throws(RPCError) -> [UInt8] {
    if let record = try record(hash) { return record.transaction.encoded }
    return producer.waitingTransaction(hash)?.wire ?? []
  }

  private func rawTransaction(_ reference: EthereumBlockReference, _ index: UInt64) throws(RPCError)
    -> [UInt8]
  {
    let transactions =
      reference == .tag(.pending)
      ? producer.pendingTransactions.map(\.transaction) : try body(reference)?.1.transactions ?? []
    guard index < UInt64(transactions.count) else { return Self.answer(data: []) }
    return Self.answer(data: transactions[Int(index)].encoded)
  }

  private func receipts(_ reference: EthereumBlockReference) throws(RPCError) -> [UInt8] {
    guard reference != .tag(.pending), let header = try block(reference) else { return Self.null }
    let records = try records(header.header.number)
    let blobBaseFee = ledger.environment(of: header).blobBaseFee
    return Self.answer { writer in
      writer.array { writer in
        for record in records { EthereumForm.writeReceipt(of: record, blobBaseFee: blobBaseFee, to: &writer) }
      }
    }
  }
}

extension EthereumParameters {
  /// A block that has been made: of `pending` there are neither bytes nor receipts.
  fileprivate func madeBlock(_ index: Int) throws(RPCError) -> EthereumBlockReference {
    let reference = try requiredBlock(index)
    if reference == .tag(.pending) { throw .ethereum("pending block is not available") }
    return reference
  }

  /// The place in a block, the last parameter.
  fileprivate func index(_ index: Int) throws(RPCError) -> UInt64 {
    let place = try value(index) { value throws(EthereumFormError) in
      try EthereumForm.quantity(value, "hexutil.Uint")
    }
    try expect(atMost: index + 1)
    return place
  }
}
