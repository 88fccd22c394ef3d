// Methods about earlier blocks and transactions, answered from the ledger's history.

import Estuary
import Ledger
import Primitives
import Runtime

extension SolanaRPC {
  static let historyMethods: [String: Method] = [
    "getBlock": { (rpc, parameters) throws(RPCError) in try await rpc.block(parameters) },
    "getBlocks": { (rpc, parameters) throws(RPCError) in try rpc.blocks(parameters) },
    "getBlocksWithLimit": { (rpc, parameters) throws(RPCError) in
      let first = try parameters.integer(0)
      let limit = try parameters.integer(1)
      try parameters.options(2).checkConfirmed(rpc.producer.head)
      guard limit <= blockRangeLimit else {
        throw .invalidParameters("Limit too large; max \(blockRangeLimit)")
      }
      return try rpc.slots(from: first, limit: limit)
    },
    "getBlockTime": { (rpc, parameters) throws(RPCError) in
      let record = try rpc.record(ofSlot: parameters.integer(0))
      return answer { $0.value(record.unixTimestamp) }
    },
    "getBlockCommitment": { (_, parameters) throws(RPCError) in
      _ = try parameters.integer(0)
      return answer { writer in
        writer.object { writer in
          writer.memberNull("commitment")
          writer.member("totalStake", 0)
        }
      }
    },
    "getFirstAvailableBlock": { (rpc, _) throws(RPCError) in
      let slot = try rpc.firstSlot()
      return answer { $0.value(slot) }
    },
    "minimumLedgerSlot": { (rpc, _) throws(RPCError) in
      let slot = try rpc.firstSlot()
      return answer { $0.value(slot) }
    },
    "getTransaction": { (rpc, parameters) throws(RPCError) in try rpc.transaction(parameters) },
    "getSignatureStatuses": { (rpc, parameters) throws(RPCError) in try rpc.signatureStatuses(parameters) },
    "getSignaturesForAddress": { (rpc, parameters) throws(RPCError) in
      try rpc.signaturesForAddress(parameters)
    },
    "getRecentPrioritizationFees": { (rpc, parameters) throws(RPCError) in
      try await rpc.prioritizationFees(parameters)
    },
  ]

  // MARK: Blocks

  private static let blockRangeLimit: UInt64 = 500_000

  /// The first slot whose block is kept.
  private func firstSlot() throws(RPCError) -> UInt64 {
    let head = producer.head
    return try stored { () throws(StoreError) in try producer.history.slots(from: 0, limit: 1).first }
      ?? head.slot
  }

  /// The record of the block at `slot`.
  private func record(ofSlot slot: UInt64) throws(RPCError) -> BlockRecord {
    let head = producer.head
    if slot > head.slot { throw .blockNotAvailable(slot: slot) }
    let found = try stored { () throws(StoreError) -> BlockRecord? in
      guard let height = try producer.history.height(ofSlot: slot) else { return nil }
      return try producer.history.block(height)
    }
    if let found { return found }
    let first = try firstSlot()
    if slot < first { throw .blockCleanedUp(slot: slot, firstAvailable: first) }
    throw .slotSkipped(slot: slot)
  }

  private func slots(from first: UInt64, through last: UInt64 = .max, limit: UInt64) throws(RPCError)
    -> [UInt8]
  {
    let slots = try stored { () throws(StoreError) in
      try producer.history.slots(from: first, through: min(last, producer.head.slot), limit: Int(limit))
    }
    return Self.answer { writer in writer.array { writer in for slot in slots { writer.value(slot) } } }
  }

  private func blocks(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let head = producer.head
    let first = try parameters.integer(0)
    // The end, or options in its place.
    let hasEnd = parameters.optional(1)?.object == nil
    try parameters.options(hasEnd ? 2 : 1).checkConfirmed(head)
    var last = head.slot
    if hasEnd, let end = parameters.optional(1) {
      last = min(last, try Parameters.integer(end))
    } else {
      last = min(
        last,
        first.addingReportingOverflow(Self.blockRangeLimit).overflow ? .max : first + Self.blockRangeLimit)
    }
    if last < first { return Self.answer { $0.array { _ in } } }
    guard last - first <= Self.blockRangeLimit else {
      throw .invalidParameters("Slot range too large; max \(Self.blockRangeLimit)")
    }
    return try slots(from: first, through: last, limit: Self.blockRangeLimit + 1)
  }

  enum BlockDetail: String, CaseIterable { case full, accounts, signatures, none }

  private func block(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let slot = try parameters.integer(0)
    var form = try TransactionForm(parameters, 1)
    var detail = BlockDetail.full
    if parameters.optional(1)?.string == nil {
      let options = try parameters.options(1)
      try options.checkConfirmed(producer.head)
      detail = try options.choice("transactionDetails", BlockDetail.self) ?? .full
      form.showsRewards = try options.bool("rewards") ?? true
    }
    let (wanted, wantedDetail) = (form, detail)
    // A block of many transactions takes a while.
    let text = await background.run { () -> Result<[UInt8], RPCError> in
      Result { () throws(RPCError) in try blockText(ofSlot: slot, wanted, wantedDetail) }
    }
    return try text.get()
  }

  /// The block at `slot` with those of its transactions that `chooses` wants.
  func blockText(
    ofSlot slot: UInt64, _ form: TransactionForm, _ detail: BlockDetail,
    choosing chooses: (StoredTransaction) -> Bool = { _ in true }
  ) throws(RPCError) -> [UInt8] {
    let record = try record(ofSlot: slot)
    let history = producer.history
    let (parent, transactions) = try stored { () throws(StoreError) in
      (
        record.height == 0 ? nil : try history.block(record.height - 1),
        detail == .none ? [] : try history.transactions(record.height).filter(chooses)
      )
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("blockHeight", record.height)
    writer.member("blockTime", record.unixTimestamp)
    writer.member("blockhash", record.blockhash.description)
    writer.member("parentSlot", parent?.slot ?? 0)
    writer.member("previousBlockhash", (parent?.blockhash ?? .zero).description)
    if form.showsRewards {
      writer.key("rewards")
      writer.array { _ in }
    }
    if detail == .signatures {
      writer.key("signatures")
      writer.beginArray()
      for transaction in transactions { writer.value(Self.signature(of: transaction)?.description ?? "") }
      writer.endArray()
    }
    if detail == .full || detail == .accounts {
      writer.key("transactions")
      writer.beginArray()
      for transaction in transactions {
        writer.beginObject()
        if detail == .full {
          try form.write(transaction, to: &writer)
        } else {
          try form.writeAccounts(transaction, to: &writer)
        }
        writer.endObject()
      }
      writer.endArray()
    }
    writer.endObject()
    return writer.bytes
  }

  private static func signature(of stored: StoredTransaction) -> Signature? {
    (try? Transaction.decode(stored.wire))?.firstSignature
  }

  // MARK: Transactions

  private func transaction(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let signature = try Parameters.signature(parameters.string(0))
    let form = try TransactionForm(parameters, 1)
    if parameters.optional(1)?.string == nil { try parameters.options(1).checkConfirmed(producer.head) }
    guard let (found, record) = try found(signature) else { return Self.answer { $0.null() } }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("blockTime", record.unixTimestamp)
    writer.member("slot", record.slot)
    try form.write(found, to: &writer)
    writer.endObject()
    return writer.bytes
  }

  /// A processed transaction and its block; `nil` where there is none. A block that is in the store and has not been
  /// published yet does not count: what is told of it would be ahead of the head.
  func found(_ signature: Signature) throws(RPCError) -> (StoredTransaction, BlockRecord)? {
    let history = producer.history
    return try stored { () throws(StoreError) in
      guard let place = try history.place(of: signature),
        let transaction = try history.transaction(at: place),
        let record = try history.block(place.height), record.height <= producer.head.height
      else { return nil }
      return (transaction, record)
    }
  }

  private static let statusLimit = 256
  /// Blocks whose transactions are found without `searchTransactionHistory`, as many as Agave's status cache has.
  private static let recentStatusBlockCount: UInt64 = 300

  private func signatureStatuses(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let list = try parameters.list(0)
    guard list.count <= Self.statusLimit else {
      throw .invalidParameters("Too many inputs provided; max \(Self.statusLimit)")
    }
    let searchesHistory = try parameters.options(1).bool("searchTransactionHistory") ?? false
    var writer = JSONWriter()
    writer.beginArray()
    for value in list {
      let head = producer.head
      let signature = try Parameters.signature(Parameters.string(value))
      guard let (transaction, record) = try found(signature),
        searchesHistory || head.height <= record.height + Self.recentStatusBlockCount
      else {
        writer.null()
        continue
      }
      writer.object { writer in
        writer.member("confirmationStatus", "finalized")
        writer.memberNull("confirmations")
        writer.key("err")
        writer.value(transaction.error ?? .null)
        writer.member("slot", record.slot)
        writer.key("status")
        writer.object { writer in
          if let error = transaction.error {
            writer.key("Err")
            writer.value(error)
          } else {
            writer.memberNull("Ok")
          }
        }
      }
    }
    writer.endArray()
    // A block may have been published since: the head tells no slot that is older than what was found.
    return Self.answer(at: producer.head.slot, value: writer.bytes)
  }

  private static let signaturesForAddressLimit: UInt64 = 1000

  private func signaturesForAddress(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let address = try parameters.pubkey(0)
    let options = try parameters.options(1)
    try options.checkConfirmed(producer.head)
    let before = try options.string("before").map { (text) throws(RPCError) in try Parameters.signature(text)
    }
    let until = try options.string("until").map { (text) throws(RPCError) in try Parameters.signature(text) }
    let limit = try options.integer("limit") ?? Self.signaturesForAddressLimit
    guard limit > 0, limit <= Self.signaturesForAddressLimit else {
      throw .invalidParameters("Invalid limit; max \(Self.signaturesForAddressLimit)")
    }
    let history = producer.history
    let found = try stored { () throws(StoreError) -> [(Signature, StoredTransaction, BlockRecord)] in
      var first: SolanaHistory.Place?
      if let before {
        guard let place = try history.place(of: before) else { return [] }
        first = place
      }
      let last = try until.flatMap { (signature) throws(StoreError) in try history.place(of: signature) }
      var found: [(Signature, StoredTransaction, BlockRecord)] = []
      for (place, signature) in try history.places(of: address, before: first, until: last, limit: Int(limit))
      {
        guard place.height <= producer.head.height, let transaction = try history.transaction(at: place),
          let record = try history.block(place.height)
        else { continue }
        found.append((signature, transaction, record))
      }
      return found
    }
    return Self.answer { writer in
      writer.array { writer in
        for (signature, transaction, record) in found {
          writer.object { writer in
            writer.member("blockTime", record.unixTimestamp)
            writer.member("confirmationStatus", "finalized")
            writer.key("err")
            writer.value(transaction.error ?? .null)
            writer.member("memo", Self.memo(of: transaction))
            writer.member("signature", signature.description)
            writer.member("slot", record.slot)
          }
        }
      }
    }
  }

  private static let memoPrograms = [
    "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo", "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
  ].compactMap { Pubkey(base58: $0) }

  /// What the transaction's instructions of the memo programs say, behind the length of each (Agave's extract_memos.rs).
  private static func memo(of stored: StoredTransaction) -> String? {
    guard let message = (try? Transaction.decode(stored.wire))?.message else { return nil }
    let memos = message.instructions.compactMap { instruction -> String? in
      guard memoPrograms.contains(message.programID(of: instruction)) else { return nil }
      let data = message.data(of: instruction)
      return "[\(data.count)] \(String(validating: data, as: UTF8.self) ?? "(unparseable)")"
    }
    return memos.isEmpty ? nil : memos.joined(separator: "; ")
  }

  // MARK: Fees

  private static let feeBlockCount: UInt64 = 150
  /// Agave's MAX_TX_ACCOUNT_LOCKS, whatever a transaction may lock here.
  private static let feeAccountLimit = 128

  /// Of each of the last blocks, the lowest price a compute unit that a transaction paid which wrote the named accounts;
  /// where none are named, any transaction.
  private func prioritizationFees(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    var keys: [Pubkey] = []
    if let value = parameters.optional(0) {
      guard let list = value.array else {
        throw .invalidParameters(
          "Invalid params: invalid type: \(Parameters.kind(of: value)), expected a sequence.")
      }
      guard list.count <= Self.feeAccountLimit else {
        throw .invalidParameters("Too many inputs provided; max \(Self.feeAccountLimit)")
      }
      for value in list { keys.append(try Parameters.pubkey(Parameters.string(value))) }
    }
    let (history, head) = (producer.history, producer.head)
    let first = head.height >= Self.feeBlockCount ? head.height - Self.feeBlockCount + 1 : 1
    let wanted = keys
    let outcome = await background.run { () -> Result<[(slot: UInt64, price: UInt64)], StoreError> in
      Result { () throws(StoreError) in
        var fees: [(slot: UInt64, price: UInt64)] = []
        guard first <= head.height else { return fees }
        for height in first...head.height {
          guard let record = try history.block(height), try history.height(ofSlot: record.slot) == height
          else {
            continue
          }
          fees.append((record.slot, Self.lowestPrice(try history.transactions(height), writing: wanted)))
        }
        return fees
      }
    }
    let fees = try stored { () throws(StoreError) in try outcome.get() }
    return Self.answer { writer in
      writer.array { writer in
        for fee in fees {
          writer.object { writer in
            writer.member("prioritizationFee", fee.price)
            writer.member("slot", fee.slot)
          }
        }
      }
    }
  }

  /// The higher of the lowest price in the block and those of the accounts, as Agave has it (prioritization_fee.rs).
  private static func lowestPrice(_ transactions: [StoredTransaction], writing keys: [Pubkey]) -> UInt64 {
    var lowest: UInt64?
    var lowestOfKey: [Pubkey: UInt64] = [:]
    for stored in transactions {
      guard let transaction = try? Transaction.decode(stored.wire),
        let budget = try? ComputeBudget(transaction.message),
        let resolved = try? ResolvedTransaction(
          transaction, lookUp: { (_) throws(TransactionError) in stored.details.loadedAddresses })
      else { continue }
      lowest = min(lowest ?? .max, budget.unitPrice)
      for index in resolved.keys.indices where resolved.isWritable(index) {
        let key = resolved.keys[index]
        if keys.contains(key) { lowestOfKey[key] = min(lowestOfKey[key] ?? .max, budget.unitPrice) }
      }
    }
    return max(lowest ?? 0, lowestOfKey.values.max() ?? 0)
  }
}
