// Methods that bring transactions and look at those that wait: eth_send*, eth_sign*, eth_accounts, txpool_*
// (https://github.com/ethereum/execution-apis, src/eth/submit.yaml, src/eth/sign.yaml; geth's txpool namespace). The node
// signs for the development accounts alone, whose keys everybody knows.

import Contracts
import EVM
import Estuary
import Execution
import Ledger
import Primitives
import WideIntegers

extension EthereumRPC {
  static let sendingMethods: [String: Method] = [
    "eth_accounts": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      let addresses = rpc.producer.developmentKeys.map(\.address)
      return answer { writer in
        writer.array { writer in for address in addresses { writer.value(address.description) } }
      }
    },
    "eth_sendRawTransaction": { (rpc, parameters) async throws(RPCError) in
      let bytes = try parameters.data(0)
      try parameters.expect(atMost: 1)
      let hash = try await rpc.accept(bytes).hash
      return answer { $0.value(EthereumForm.hash(hash)) }
    },
    "eth_sendRawTransactionSync": { (rpc, parameters) async throws(RPCError) in
      let bytes = try parameters.data(0)
      let milliseconds = try parameters.optional(1, syncTimeout) ?? defaultSyncMilliseconds
      try parameters.expect(atMost: 2)
      let hash = try await rpc.accept(bytes).hash
      return try await rpc.receipt(of: hash, withinMilliseconds: min(milliseconds, longestSyncMilliseconds))
    },
    "eth_sendTransaction": { (rpc, parameters) async throws(RPCError) in
      let request = try parameters.value(0) { value throws(EthereumFormError) in
        try EthereumCallArguments(value)
      }
      try parameters.expect(atMost: 1)
      guard let sender = request.from, rpc.producer.isKnown(sender) else {
        throw .ethereum("unknown account")
      }
      let draft = try await rpc.filled(request, from: sender)
      let pooled = try rpc.pooled { () throws(EthereumPoolError) in
        try rpc.producer.sendEthereum(draft, from: sender, nonce: request.nonce)
      }
      await rpc.producer.settle()
      return answer { $0.value(EthereumForm.hash(pooled.hash)) }
    },
    "eth_signTransaction": { (rpc, parameters) async throws(RPCError) in
      let request = try parameters.value(0) { value throws(EthereumFormError) in
        try EthereumCallArguments(value)
      }
      try parameters.expect(atMost: 1)
      guard let sender = request.from else { throw .ethereum("unknown account") }
      let key = try rpc.key(of: sender)
      var draft = try await rpc.filled(request, from: sender)
      draft.nonce = if let nonce = request.nonce { nonce } else { try rpc.pendingNonce(of: sender) }
      let signed = PooledEthereumTransaction(draft.signed(by: key), from: sender)
      return answer { writer in
        writer.object { writer in
          writer.data("raw", signed.wire)
          writer.key("tx")
          write(signed, to: &writer)
        }
      }
    },
    "eth_sign": { (rpc, parameters) throws(RPCError) in
      let (address, message) = (try parameters.address(0), try parameters.data(1))
      try parameters.expect(atMost: 2)
      return answer(data: try rpc.sign(message, by: address))
    },
    "personal_sign": { (rpc, parameters) throws(RPCError) in
      let (message, address) = (try parameters.data(0), try parameters.address(1))
      try parameters.expect(atMost: 3)
      return answer(data: try rpc.sign(message, by: address))
    },
    "eth_signTypedData_v4": { (rpc, parameters) throws(RPCError) in
      try rpc.signTypedData(parameters)
    },
    "eth_signTypedData": { (rpc, parameters) throws(RPCError) in
      try rpc.signTypedData(parameters)
    },
    "txpool_status": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      let status = rpc.producer.poolStatus
      return answer { writer in
        writer.object { writer in
          writer.quantity("pending", status.pending)
          writer.quantity("queued", status.queued)
        }
      }
    },
    "txpool_content": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer { writeContent(rpc.producer.poolContent, to: &$0) { write($0, to: &$1) } }
    },
    "txpool_inspect": { (rpc, parameters) throws(RPCError) in
      try parameters.expect(atMost: 0)
      return answer {
        writeContent(rpc.producer.poolContent, to: &$0) { $1.value(summary(of: $0.transaction)) }
      }
    },
    "txpool_contentFrom": { (rpc, parameters) throws(RPCError) in
      let address = try parameters.address(0)
      try parameters.expect(atMost: 1)
      let content = rpc.producer.poolContent(of: address)
      return answer { writer in
        writer.object { writer in
          for (name, list) in [("pending", content?.pending), ("queued", content?.queued)] {
            writer.key(name)
            writeByNonce(list ?? [], to: &writer) { write($0, to: &$1) }
          }
        }
      }
    },
  ]

  /// Has a signed transaction wait for a block, and waits for it where that comes at once.
  func accept(
    _ bytes: [UInt8], access: AccessSet? = nil
  ) async throws(RPCError) -> PooledEthereumTransaction {
    let pooled: PooledEthereumTransaction
    do throws(EthereumPoolError) { pooled = try await producer.acceptEthereum(bytes, access: access) } catch {
      throw .ethereum(error.description)
    }
    await producer.settle()
    return pooled
  }

  func pooled<Value>(_ body: () throws(EthereumPoolError) -> Value) throws(RPCError) -> Value {
    do throws(EthereumPoolError) { return try body() } catch { throw .ethereum(error.description) }
  }

  /// The nonce of a sender's next transaction, those that wait counted.
  func pendingNonce(of address: Address) throws(RPCError) -> UInt64 {
    try pooled { () throws(EthereumPoolError) in try producer.pendingNonce(of: address) }
  }

  // MARK: Waiting for a receipt

  /// Milliseconds to wait for a receipt where nothing is said, and at most; geth's.
  private static let (defaultSyncMilliseconds, longestSyncMilliseconds): (UInt64, UInt64) = (20_000, 60_000)

  private static func syncTimeout(_ value: JSONValue) throws(EthereumFormError) -> UInt64 {
    if let number = value.uint64 { return number }
    return try EthereumForm.quantity(value)
  }

  private func receipt(of hash: Hash, withinMilliseconds milliseconds: UInt64) async throws(RPCError)
    -> [UInt8]
  {
    let deadline = Clocks.monotonicNanoseconds() + milliseconds * 1_000_000
    while Clocks.monotonicNanoseconds() < deadline {
      if let record = try record(hash) {
        let blobBaseFee = ledger.environment(of: record.block).blobBaseFee
        return Self.answer { EthereumForm.writeReceipt(of: record, blobBaseFee: blobBaseFee, to: &$0) }
      }
      try? await Task.sleep(nanoseconds: 2_000_000)
    }
    throw RPCError(
      4, "The transaction was added to the transaction pool but wasn't processed in \(milliseconds)ms.",
      data: Array("\"\(EthereumForm.hash(hash))\"".utf8))
  }

  // MARK: Signing

  private func key(of address: Address) throws(RPCError) -> PrivateKey {
    guard let key = producer.developmentKeys.first(where: { $0.address == address }) else {
      throw .ethereum("unknown account")
    }
    return key
  }

  /// The signature of an account under a message with EIP-191's words before it.
  private func sign(_ message: [UInt8], by address: Address) throws(RPCError) -> [UInt8] {
    let text = "\u{19}Ethereum Signed Message:\n\(message.count)"
    return try sign(Keccak256.hash(Array(text.utf8) + message), by: address)
  }

  /// Structured data (EIP-712).
  private func signTypedData(_ parameters: EthereumParameters) throws(RPCError) -> [UInt8] {
    let address = try parameters.address(0)
    let hash = try parameters.value(1) { value throws(EthereumFormError) in try TypedData(value).hash }
    try parameters.expect(atMost: 2)
    return Self.answer(data: try sign(hash, by: address))
  }

  private func sign(_ hash: Hash, by address: Address) throws(RPCError) -> [UInt8] {
    let signature = EthereumSignature(of: hash, by: try key(of: address))
    return signature.r.bigEndianBytes + signature.s.bigEndianBytes + [27 + signature.yParity]
  }

  /// A transaction with what the request leaves open: prices, gas limit. Its nonce is still to come.
  private func filled(
    _ request: EthereumCallArguments, from sender: Address
  ) async throws(RPCError) -> EthereumTransaction {
    guard let block = producer.head.nextEthereum else { throw .ethereum("the ledger has no Ethereum side") }
    if let data = request.data, let input = request.input, data != input {
      throw .ethereum(
        #"both "data" and "input" are set and not equal. Please use "input" to pass transaction call data"#)
    }
    if request.blobVersionedHashes != nil {
      throw .ethereum("blobs are taken with eth_sendRawTransaction alone, because the node makes no proofs")
    }
    if request.to == nil, request.calldata.isEmpty {
      throw .ethereum("contract creation without any data provided")
    }
    var request = request
    let usualTip = max(Self.usualTip, producer.leastTip)
    if request.gasPrice == nil, block.fork >= .london {
      let tip = request.maxPriorityFeePerGas ?? min(usualTip, request.maxFeePerGas ?? usualTip)
      request.maxPriorityFeePerGas = tip
      request.maxFeePerGas =
        request.maxFeePerGas ?? (block.baseFeePerGas &+ block.baseFeePerGas).addingSaturated(tip)
    } else if request.gasPrice == nil {
      request.gasPrice = usualTip
    }
    var draft = try request.transaction(in: block.fork, chainID: block.chainID, gasCap: block.gasLimit)
    if block.fork >= .spuriousDragon { draft.chainID = block.chainID }
    guard let gas = request.gas else { return try await withLimit(draft, from: sender) }
    draft.gasLimit = gas
    return draft
  }

  /// 1 gwei.
  private static var usualTip: UInt256 { 1_000_000_000 }

  /// The smallest limit with which it succeeds.
  private func withLimit(
    _ draft: EthereumTransaction, from sender: Address
  ) async throws(RPCError) -> EthereumTransaction {
    let isSigned = producer.developmentKeys.contains { $0.address == sender }
    let outcome = await producer.emulate { (emulator) throws(EmulationError) in
      var draft = draft
      // Others of its sender may wait before it.
      draft.nonce = try emulator.account(sender)?.nonce ?? 0
      if !isSigned { draft.signature = .standing(for: sender) }
      return try emulator.smallestGasLimit(draft, from: sender, checks: .all)
    }
    guard let outcome else { throw .ethereum("the node is stopping") }
    let search: Emulator.GasSearch
    do throws(EmulationError) { search = try outcome.get() } catch {
      throw RPCError(error, draft, from: sender)
    }
    switch search {
    case .found(let limit, _):
      var draft = draft
      draft.gasLimit = limit
      return draft
    case .fails(let limit, let emulation):
      guard let halt = emulation.receipt.halt, halt != .outOfGas else {
        throw .ethereum("gas required exceeds allowance (\(limit))")
      }
      throw RPCError(halt, emulation.receipt.output)
    }
  }

  // MARK: What waits

  static func write(_ waiting: PooledEthereumTransaction, to writer: inout JSONWriter) {
    EthereumForm.write(
      waiting.transaction, hash: waiting.hash, sender: waiting.sender, at: nil, to: &writer)
  }

  /// `{"pending": {sender: {nonce: …}}, "queued": …}`
  private static func writeContent(
    _ content: [EthereumPool.Content], to writer: inout JSONWriter,
    _ write: (PooledEthereumTransaction, inout JSONWriter) -> Void
  ) {
    writer.object { writer in
      for (name, list) in [
        ("pending", \EthereumPool.Content.pending), ("queued", \EthereumPool.Content.queued),
      ] {
        writer.key(name)
        writer.object { writer in
          for sender in content where !sender[keyPath: list].isEmpty {
            writer.key(sender.sender.checksummed)
            writeByNonce(sender[keyPath: list], to: &writer, write)
          }
        }
      }
    }
  }

  private static func writeByNonce(
    _ list: [PooledEthereumTransaction], to writer: inout JSONWriter,
    _ write: (PooledEthereumTransaction, inout JSONWriter) -> Void
  ) {
    writer.object { writer in
      for waiting in list {
        writer.key(String(waiting.nonce))
        write(waiting, &writer)
      }
    }
  }

  private static func summary(of transaction: EthereumTransaction) -> String {
    let target = transaction.to.map(\.checksummed) ?? "contract creation"
    return
      "\(target): \(transaction.value.decimal) wei + \(transaction.gasLimit) gas × \(transaction.maxFeePerGas.decimal) wei"
  }
}
