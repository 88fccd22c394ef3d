// Methods that bring transactions: sending, simulating, airdrops.

import Estuary
import Ledger
import Primitives
import Runtime
import Synchronization

extension SolanaRPC {
  static let transactionMethods: [String: Method] = [
    "sendTransaction": { (rpc, parameters) throws(RPCError) in try await rpc.send(parameters) },
    "simulateTransaction": { (rpc, parameters) throws(RPCError) in try await rpc.simulate(parameters) },
    "requestAirdrop": { (rpc, parameters) throws(RPCError) in try await rpc.airdrop(parameters) },
  ]

  // MARK: Sending

  private func send(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let options = try parameters.options(1)
    let transaction = try TransactionText.transaction(parameters, options)
    let skipsPreflight = try options.bool("skipPreflight") ?? false
    _ = try options.choice("preflightCommitment", Commitment.self)
    // It waits in the pool until a block takes it or its blockhash passes.
    _ = try options.integer("maxRetries")
    let head = producer.head
    try options.check(head)
    let loaded = try sanitize(transaction, head)
    guard let signature = transaction.firstSignature else { throw .signatureVerification() }
    if !skipsPreflight {
      guard await producer.signatures.areValid(transaction) else { throw .signatureVerification() }
      let simulation = try await run(transaction.bytes, verifiesSignatures: false)
      if let error = simulation.result.error { throw Self.preflightFailure(error, simulation) }
    }
    try accept(transaction, loaded, signature, head)
    return Self.answer { $0.value(signature.description) }
  }

  /// What its lookup tables give; throws where Agave would not take it as a transaction.
  func sanitize(_ transaction: Transaction, _ head: Head) throws(RPCError) -> LoadedAddresses {
    do throws(TransactionError) {
      try transaction.sanitize()
      if transaction.message.addressTableLookups.isEmpty { return LoadedAddresses() }
      return try AddressLookupTable.load(transaction.message, slot: head.slot, slotHashes: head.slotHashes) {
        (try? account($0)) ?? nil
      }
    } catch {
      throw .invalidParameters("invalid transaction: \(error.sentence)")
    }
  }

  /// Has it wait for a block, unless no block will ever take it: such a transaction is lost without a word, as on a
  /// network.
  private func accept(
    _ transaction: Transaction, _ loaded: LoadedAddresses, _ signature: Signature, _ head: Head
  ) throws(RPCError) {
    let message = transaction.message
    var lastHeight = head.recentBlocks.lastValidBlockHeight(of: message.recentBlockhash)
    if lastHeight == nil, TransactionText.nonceAccount(of: message) != nil {
      lastHeight = head.height + RecentBlocks.maximumAge
    }
    guard let lastHeight else { return }
    let pooled = PooledTransaction(
      transaction, loaded: loaded, signature: signature, lastValidBlockHeight: lastHeight)
    if producer.accept(pooled) == .full {
      throw .internalError(
        "too many transactions wait that pay as much: try again, or pay a higher priority fee")
    }
  }

  private func run(
    _ wire: [UInt8], verifiesSignatures: Bool
  ) async throws(RPCError) -> Producer.Simulation {
    guard let outcome = await producer.simulate(wire, verifiesSignatures: verifiesSignatures) else {
      throw .stopping
    }
    let simulation: Producer.Simulation
    do throws(ChainError) { simulation = try outcome.get() } catch { throw .internalError("\(error)") }
    if simulation.result.error == .signatureFailure { throw .signatureVerification() }
    return simulation
  }

  private static func preflightFailure(_ error: TransactionError, _ simulation: Producer.Simulation)
    -> RPCError
  {
    var writer = JSONWriter()
    writer.object { writer in
      writer.memberNull("accounts")
      writeResult(simulation, to: &writer)
      writer.memberNull("innerInstructions")
      writer.memberNull("replacementBlockhash")
    }
    return RPCError(-32002, "Transaction simulation failed: \(error.sentence)", data: writer.bytes)
  }

  /// The members that every simulation has.
  private static func writeResult(_ simulation: Producer.Simulation, to writer: inout JSONWriter) {
    let result = simulation.result
    writer.key("err")
    if let error = result.error { error.write(to: &writer) } else { writer.null() }
    writer.member("loadedAccountsDataSize", simulation.details?.loadedByteCount ?? 0)
    writer.key("logs")
    writer.array { writer in for line in result.logLines { writer.value(line) } }
    writer.key("returnData")
    if let data = result.returnData { TransactionForm.write(data, to: &writer) } else { writer.null() }
    writer.member("unitsConsumed", result.computeUnits)
  }

  // MARK: Simulating

  private func simulate(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let options = try parameters.options(1)
    let transaction = try TransactionText.transaction(parameters, options)
    let verifies = try options.bool("sigVerify") ?? false
    let replaces = try options.bool("replaceRecentBlockhash") ?? false
    let wantsInner = try options.bool("innerInstructions") ?? false
    let head = producer.head
    try options.check(head)
    if verifies && replaces {
      throw .invalidParameters("sigVerify may not be used with replaceRecentBlockhash")
    }
    _ = try sanitize(transaction, head)
    let message = transaction.message
    var wire = transaction.bytes
    if replaces {
      wire.replaceSubrange(message.blockhashOffset..<message.blockhashOffset + 32, with: head.blockhash.bytes)
    }
    let accounts = try AccountsAskedFor(options, of: message)
    let simulation = try await run(wire, verifiesSignatures: verifies)
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("accounts")
    if let accounts { try write(accounts, simulation, to: &writer) } else { writer.null() }
    Self.writeResult(simulation, to: &writer)
    writer.key("innerInstructions")
    if wantsInner, let details = simulation.details {
      TransactionForm.writeInner(details, keys: message.staticKeys, to: &writer)
    } else if wantsInner {
      writer.array { _ in }
    } else {
      writer.null()
    }
    writer.key("replacementBlockhash")
    if replaces {
      writer.object { writer in
        writer.member("blockhash", head.blockhash.description)
        writer.member("lastValidBlockHeight", head.height + RecentBlocks.maximumAge)
      }
    } else {
      writer.null()
    }
    writer.endObject()
    return Self.answer(at: simulation.slot, value: writer.bytes)
  }

  private struct AccountsAskedFor {
    var addresses: [Pubkey] = []
    let form: AccountForm

    /// `nil` where none are asked for.
    init?(_ options: Options, of message: Message) throws(RPCError) {
      guard let value = options["accounts"] else { return nil }
      guard let object = value.object else {
        throw .invalidParameters(
          "Invalid params: invalid type: \(Parameters.kind(of: value)), expected an object.")
      }
      let own = Options(object: object)
      let encoding = try own.choice("encoding", AccountEncoding.self) ?? .base64
      if encoding == .binary || encoding == .base58 {
        throw .invalidParameters("base58 encoding not supported")
      }
      form = AccountForm(encoding)
      let list = own["addresses"]?.array ?? []
      let keyCount = message.staticKeyCount + message.lookedUpKeyCount
      guard list.count <= keyCount else {
        throw .invalidParameters("Too many accounts provided; max \(keyCount)")
      }
      for value in list { addresses.append(try Parameters.pubkey(Parameters.string(value))) }
    }
  }

  /// The accounts as they would be after the transaction; null each where it fails.
  private func write(
    _ accounts: AccountsAskedFor, _ simulation: Producer.Simulation, to writer: inout JSONWriter
  ) throws(RPCError) {
    writer.beginArray()
    for key in accounts.addresses {
      if simulation.result.error != nil {
        writer.null()
      } else if let change = simulation.changes.first(where: { $0.key == key }), !EVMKey.contains(key) {
        if let account = change.new {
          try write(account, at: key, as: accounts.form, to: &writer)
        } else {
          writer.null()
        }
      } else {
        try writeAccount(key, as: accounts.form, to: &writer)
      }
    }
    writer.endArray()
  }

  // MARK: Airdrops

  /// Sets airdrops of the same amount to the same account apart, which would else be one transaction.
  private static let airdropCount = Atomic<UInt32>(0)

  private func airdrop(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let target = try parameters.pubkey(0)
    let lamports = try parameters.integer(1)
    let options = try parameters.options(2)
    let head = producer.head
    try options.check(head)
    let blockhash = try options.string("recentBlockhash").map { (text) throws(RPCError) in
      try Parameters.hash(text)
    }
    guard try account(Chain.faucet.pubkey) != nil else {
      throw RPCError(-32600, "Invalid request: the ledger has no faucet, because its genesis has none")
    }
    // Relaxed: the number is all that counts.
    let number = Self.airdropCount.wrappingAdd(1, ordering: .relaxed).newValue
    let builder = TransactionBuilder(
      payer: Chain.faucet.pubkey, recentBlockhash: blockhash ?? head.blockhash,
      instructions: [
        ComputeBudgetProgram.setComputeUnitLimit(1000 + number % 1_000_000),
        System.transfer(from: Chain.faucet.pubkey, to: target, lamports: lamports),
      ])
    let transaction: Transaction
    do throws(TransactionBuildingError) { transaction = try builder.signed(by: [Chain.faucet]) } catch {
      throw .internalError("\(error)")
    }
    let simulation = try await run(transaction.bytes, verifiesSignatures: false)
    if let error = simulation.result.error { throw Self.preflightFailure(error, simulation) }
    guard let signature = transaction.firstSignature else { throw .signatureVerification() }
    try accept(transaction, LoadedAddresses(), signature, head)
    return Self.answer { $0.value(signature.description) }
  }
}
