// Ethereum's side of the producer: taking in transactions, signed by others or by the development accounts, and looking at
// those that wait.

import Contracts
import EVM
import Estuary
import Ledger
import Primitives
import WideIntegers

/// For whom the node may act though it has no key of theirs.
struct EthereumActors: Sendable {
  var impersonated: Set<Address> = []
  /// Everybody.
  var includesAll = false

  /// As many as may be named.
  static let limit = 4096

  func include(_ address: Address) -> Bool { includesAll || impersonated.contains(address) }
}

extension Producer {
  /// The development accounts that the ledger has; none of an imported one.
  package var developmentKeys: [PrivateKey] {
    DevelopmentAccounts.keys.filter { (try? store.account(EVMKey.account($0.address))).flatMap { $0 } != nil }
  }

  /// Whether the node signs for an account, or acts for it.
  package func isKnown(_ sender: Address) -> Bool {
    developmentKeys.contains { $0.address == sender } || monitor.withLock { actors.include(sender) }
  }

  // MARK: Taking in

  /// Has a signed transaction wait for a block.
  ///
  /// - Parameters:
  ///   - bytes: as a block holds it; one with blobs as the network has it, with its sidecar.
  ///   - access: what it may touch; `nil`: anything.
  package func acceptEthereum(
    _ bytes: [UInt8], access: AccessSet? = nil
  ) async throws(EthereumPoolError) -> PooledEthereumTransaction {
    // A type with nothing behind it, whether there is such a type or not.
    if bytes.count == 1, bytes[0] < RLP.emptyBytes { throw .malformed(.empty) }
    var (wire, sidecar): ([UInt8], BlobSidecar?) = (bytes, nil)
    do throws(BlobSidecarError) {
      if let parts = try BlobSidecar.split(bytes) { (wire, sidecar) = (parts.wire, parts.sidecar) }
    } catch { throw .sidecar(error) }
    let transaction: EthereumTransaction
    do throws(EthereumTransactionError) { transaction = try EthereumTransaction(decoding: wire) } catch {
      throw .malformed(error)
    }
    guard let block = head.nextEthereum else { throw .noEthereum }
    let sender: Address
    do throws(EthereumSignatureError) {
      sender = try await signatures.sender(of: transaction, fork: block.fork).get()
    } catch { throw .invalidSender(error) }
    let pooled = PooledEthereumTransaction(transaction, from: sender, access: access)
    if transaction.kind == .blob {
      guard let sidecar else { throw .sidecar(.missing) }
      try pooled.validate(in: block, monitor.withLock { ethereumPool.limits })
      do throws(BlobSidecarError) { try sidecar.verify(transaction.blobVersionedHashes) } catch {
        throw .sidecar(error)
      }
    }
    try insert(pooled)
    return pooled
  }

  private func insert(_ transaction: PooledEthereumTransaction) throws(EthereumPoolError) {
    try monitor.withLock { () throws(EthereumPoolError) in try insertLocked(transaction) }
    onTransaction(transaction)
  }

  /// The monitor is held.
  private func insertLocked(_ transaction: PooledEthereumTransaction) throws(EthereumPoolError) {
    guard let block = publishedHead.nextEthereum else { throw .noEthereum }
    try ethereumPool.insert(transaction, in: block) { () throws(EthereumPoolError) in
      try senderState(transaction.sender)
    }
    if mining.isInstant { monitor.signal() }
  }

  /// Has a transaction wait that is not signed yet.
  ///
  /// - Parameters:
  ///   - sender: a development account, or somebody whom the node may act for.
  ///   - nonce: `nil`: the one behind those that wait already.
  package func sendEthereum(
    _ draft: EthereumTransaction, from sender: Address, nonce: UInt64?
  ) throws(EthereumPoolError) -> PooledEthereumTransaction {
    let key = developmentKeys.first { $0.address == sender }
    let pooled = try monitor.withLock { () throws(EthereumPoolError) in
      guard key != nil || actors.include(sender) else { throw .unknownAccount }
      var draft = draft
      draft.nonce = if let nonce { nonce } else { try pendingNonceLocked(sender) }
      let transaction: EthereumTransaction
      if let key {
        transaction = draft.signed(by: key)
      } else {
        draft.signature = .standing(for: sender)
        transaction = draft
      }
      let pooled = PooledEthereumTransaction(transaction, from: sender)
      try insertLocked(pooled)
      return pooled
    }
    onTransaction(pooled)
    return pooled
  }

  /// What the pool's rules ask of an account, after the last block.
  func senderState(_ address: Address) throws(EthereumPoolError) -> SenderState {
    do throws(StoreError) {
      return try senderState(address, try store.account(EVMKey.account(address)))
    } catch { throw .state(error.description) }
  }

  private func senderState(_ address: Address, _ record: Account?) throws(StoreError) -> SenderState {
    guard let record, case .account(let account) = EVMRecord.decodeAccount(record.data) else {
      return SenderState(nonce: 0, balance: .zero, code: .none)
    }
    var code: [UInt8] = []
    if account.codeHash != EVMAccount.emptyCodeHash {
      code = try store.account(EVMKey.code(address, incarnation: account.incarnation))?.data ?? []
    }
    return SenderState(nonce: account.nonce, balance: account.balance, code: .init(of: code))
  }

  /// Brings the pool to the state after changes that are committed; the monitor is held.
  func updatePool(_ changes: [AccountChange]) {
    if ethereumPool.isEmpty { return }
    for change in changes {
      guard case .account(let address) = EVMKey.kind(of: change.key),
        let state = try? senderState(address, change.new)
      else { continue }
      ethereumPool.update(address, state)
    }
  }

  // MARK: Looking

  /// The nonce of a sender's next transaction, those that wait counted.
  package func pendingNonce(of address: Address) throws(EthereumPoolError) -> UInt64 {
    try monitor.withLock { () throws(EthereumPoolError) in try pendingNonceLocked(address) }
  }

  /// The monitor is held.
  private func pendingNonceLocked(_ address: Address) throws(EthereumPoolError) -> UInt64 {
    if let next = ethereumPool.nextNonce(of: address) { return next }
    return try senderState(address).nonce
  }

  package func waitingTransaction(_ hash: Hash) -> PooledEthereumTransaction? {
    monitor.withLock { ethereumPool.transaction(hash) }
  }

  /// What the next block would run, in its order.
  package var pendingTransactions: [PooledEthereumTransaction] {
    monitor.withLock { publishedHead.nextEthereum.map { ethereumPool.pack(for: $0) } ?? [] }
  }

  package var poolContent: [EthereumPool.Content] { monitor.withLock { ethereumPool.content } }

  package func poolContent(of address: Address) -> EthereumPool.Content? {
    monitor.withLock { ethereumPool.content(of: address) }
  }

  package var poolStatus: (pending: Int, queued: Int) { monitor.withLock { ethereumPool.status } }

  /// Runs `body` with an emulator of the next block, between blocks.
  ///
  /// - Returns: `nil` when the node is stopping, or the ledger has no Ethereum side.
  package func emulate<Value: Sendable>(
    _ body: @escaping @Sendable (Emulator) throws(EmulationError) -> Value
  ) async -> Result<Value, EmulationError>? {
    let found = await perform { producer -> Result<Value, EmulationError>? in
      let emulator = try? producer.chain.emulator(unixTimestamp: producer.timestamp(ofEthereums: true))
      guard let emulator else { return nil }
      return Result { () throws(EmulationError) in try body(emulator) }
    }
    return found ?? nil
  }
}
