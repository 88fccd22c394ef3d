// Methods that Surfpool alone has (its crates/core/src/rpc/surfnet_cheatcodes.rs), with its parameters and answers.

import Estuary
import Execution
import Ledger
import Primitives
import Runtime

extension DeveloperRPC {
  static let surfpoolMethods: [String: Method] = [
    "surfnet_setSupply": { (rpc, parameters) throws(RPCError) in try rpc.claimSupply(parameters) },
    "surfnet_registerIdl": { (rpc, parameters) throws(RPCError) in try rpc.describe(parameters) },
    "surfnet_getActiveIdl": { (rpc, parameters) throws(RPCError) in try rpc.description(parameters) },
    "surfnet_getProfileResultsByTag": { (rpc, parameters) throws(RPCError) in try rpc.profiles(parameters) },
    "surfnet_getTransactionProfile": { (rpc, parameters) throws(RPCError) in
      try await rpc.transactionProfile(parameters)
    },
    "surfnet_getLocalSignatures": { (rpc, parameters) throws(RPCError) in
      try await rpc.latestSignatures(parameters)
    },
    "surfnet_getSurfnetInfo": { (rpc, _) throws(RPCError) in rpc.information },
    "surfnet_pauseClock": { (rpc, _) throws(RPCError) in
      try await rpc.control { (node) throws(ControlError) in node.pauseClock() }
      return SolanaRPC.epochInfo(rpc.producer.head)
    },
    "surfnet_resumeClock": { (rpc, _) throws(RPCError) in
      try await rpc.control { (node) throws(ControlError) in node.resumeClock() }
      return SolanaRPC.epochInfo(rpc.producer.head)
    },
    "surfnet_resetAccount": { (rpc, parameters) throws(RPCError) in try await rpc.removeAccount(parameters) },
    "surfnet_resetNetwork": { (rpc, _) throws(RPCError) in
      try await rpc.control { (node) throws(ControlError) in try node.resetToStart() }
      return rpc.done
    },
    "surfnet_writeProgram": { (rpc, parameters) throws(RPCError) in try await rpc.writeProgram(parameters) },
    // Nothing is fetched while the node runs, so that every account is offline, and none is streamed.
    "surfnet_offlineAccount": { (rpc, parameters) throws(RPCError) in
      _ = try parameters.pubkey(0)
      _ = try parameters.options(1).bool("includeOwnedAccounts")
      return rpc.done
    },
    "surfnet_getStreamedAccounts": { (rpc, _) throws(RPCError) in
      SolanaRPC.answer(at: rpc.producer.head.slot) { writer in
        writer.object { writer in
          writer.key("accounts")
          writer.array { _ in }
        }
      }
    },
    "surfnet_streamAccount": { (_, _) throws(RPCError) in throw nothingIsStreamed },
    "surfnet_streamAccounts": { (_, _) throws(RPCError) in throw nothingIsStreamed },
  ]

  private static let nothingIsStreamed = RPCError(
    -32000,
    "accounts of another cluster are copied when a ledger is made (estuary node --url URL --clone ADDRESS), and not fetched "
      + "while the node runs: surfnet_setAccount sets one")

  private var done: [UInt8] { SolanaRPC.answer(at: producer.head.slot) { $0.null() } }

  /// There are no runbooks, and a node that answers is ready.
  private var information: [UInt8] {
    SolanaRPC.answer(at: producer.head.slot) { writer in
      writer.object { writer in
        writer.key("runbookExecutions")
        writer.array { _ in }
        writer.key("startup")
        writer.object { writer in
          writer.member("phase", "ready")
          writer.member("planSealed", true)
          writer.key("tasks")
          writer.array { _ in }
          writer.memberNull("error")
        }
      }
    }
  }

  // MARK: The supply

  private func claimSupply(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    _ = try parameters.required(0)
    let update = try parameters.options(0)
    var supply = DeveloperNotes.ClaimedSupply()
    supply.total = try update.integer("total")
    supply.circulating = try update.integer("circulating")
    supply.nonCirculating = try update.integer("non_circulating")
    if let value = update["non_circulating_accounts"] {
      guard let list = value.array else {
        throw .invalidParameters(
          "Invalid params: invalid type: \(Parameters.kind(of: value)), expected a sequence.")
      }
      var keys: [Pubkey] = []
      for value in list { keys.append(try Parameters.pubkey(Parameters.string(value))) }
      supply.nonCirculatingAccounts = keys
    }
    solana.notes.claim(supply)
    return done
  }

  // MARK: Descriptions of programs

  /// What Anchor's tools call an IDL: kept as it is, once it has what makes it one.
  private func describe(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let description = try parameters.required(0)
    func text(_ value: JSONValue?, _ name: String) throws(RPCError) -> String {
      guard let text = value?.string else {
        throw .invalidParameters("Invalid params: missing field `\(name)`.")
      }
      return text
    }
    let program = try Parameters.pubkey(text(description["address"], "address"))
    guard let metadata = description["metadata"] else {
      throw .invalidParameters("Invalid params: missing field `metadata`.")
    }
    for name in ["name", "version", "spec"] { _ = try text(metadata[name], name) }
    guard description["instructions"]?.array != nil else {
      throw .invalidParameters("Invalid params: missing field `instructions`.")
    }
    let slot = try parameters.optional(1).map { (value) throws(RPCError) in try Parameters.integer(value) }
    let byteCount = SolanaRPC.answer { $0.value(description) }.count
    guard
      solana.notes.describe(
        program, from: slot ?? producer.head.slot, as: description, byteCount: byteCount)
    else {
      throw RPCError(-32000, "the IDLs take more than \(DeveloperNotes.descriptionByteLimit) bytes")
    }
    return done
  }

  private func description(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let program = try parameters.pubkey(0)
    let slot =
      try parameters.optional(1).map { (value) throws(RPCError) in try Parameters.integer(value) }
      ?? producer.head.slot
    let description = solana.notes.description(of: program, at: slot)
    return SolanaRPC.answer(at: slot) { writer in
      if let description { writer.value(description) } else { writer.null() }
    }
  }

  // MARK: Transactions

  private static let (usualSignatureCount, signatureCountLimit): (UInt64, UInt64) = (50, 1000)

  /// The latest transactions, newest first.
  private func latestSignatures(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    var limit = Self.usualSignatureCount
    if let value = parameters.optional(0) {
      // Its documentation has an object, its code a number.
      limit = try Parameters.integer(value["limit"] ?? value)
    }
    let count = Int(min(limit, Self.signatureCountLimit))
    let (history, head) = (producer.history, producer.head)
    let outcome = await solana.background.run { () -> Result<[StoredTransaction], StoreError> in
      Result { () throws(StoreError) in
        var found: [StoredTransaction] = []
        var height = head.height
        // Blocks that are not kept any more have no record.
        while found.count < count, height > 0, try history.block(height) != nil {
          found += try history.transactions(height).reversed()
          height -= 1
        }
        return Array(found.prefix(count))
      }
    }
    let found = try solana.stored { () throws(StoreError) in try outcome.get() }
    return SolanaRPC.answer(at: head.slot) { writer in
      writer.array { writer in
        for one in found {
          writer.object { writer in
            writer.member("signature", (try? Transaction.decode(one.wire))?.firstSignature?.description ?? "")
            writer.key("err")
            if let error = one.error { writer.value(error) } else { writer.null() }
            writer.key("logs")
            writer.array { writer in for line in one.logs { writer.value(line) } }
          }
        }
      }
    }
  }

  // MARK: Accounts

  /// Takes an account away, with the code of a program and, if asked for, with what it owns.
  private func removeAccount(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let key = try parameters.pubkey(0)
    let takesOwned = try parameters.options(1).bool("includeOwnedAccounts") ?? false
    guard let account = try solana.account(key) else { return done }
    var keys: Set<Pubkey> = [key]
    if account.owner == ProgramID.bpfLoaderUpgradeable,
      case .program(let code)? = UpgradeableLoaderState(of: account.data)
    {
      keys.insert(code)
    }
    if takesOwned { for owned in try await solana.accounts(of: key, []) { keys.insert(owned.key) } }
    return try await set(keys.sorted().map { ($0, nil) })
  }

  /// Writes a part of a program's code; program and code are made where they are missing.
  private func writeProgram(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let program = try parameters.pubkey(0)
    guard let bytes = Hex.decode(try parameters.string(1)) else {
      throw .invalidParameters("Invalid hex data provided")
    }
    let offset = try parameters.integer(2)
    let authority = try parameters.optional(3).map { (value) throws(RPCError) in
      try Parameters.pubkey(Parameters.string(value))
    }
    guard offset <= UInt64(ProgramDeployment.byteCountLimit - bytes.count) else {
      throw .invalidParameters(
        "Invalid param: a program has at most \(ProgramDeployment.byteCountLimit) bytes")
    }
    let rent = producer.head.rent
    var changes: [(key: Pubkey, account: Account?)] = []
    var code: (key: Pubkey, account: Account)
    if try solana.account(program) == nil {
      // Surfpool's authority of a program that has none is the system program, which signs nothing.
      let made = UpgradeableProgram.accounts(
        programID: program, elf: [], rent: rent, authority: authority ?? ProgramID.system)
      changes.append((program, made.program))
      code = made.programData
    } else {
      code = try programData(of: program)
      if let authority { code.account.setUpgradeAuthority(authority) }
    }
    let start = UpgradeableLoaderState.programDataMetadataByteCount + Int(offset)
    let missing = start + bytes.count - code.account.data.count
    if missing > 0 { code.account.data += Array(repeating: 0, count: missing) }
    code.account.data.replaceSubrange(start..<start + bytes.count, with: bytes)
    code.account.lamports = max(
      code.account.lamports, rent.minimumBalance(dataByteCount: code.account.data.count))
    return try await set(changes + [(code.key, code.account)])
  }
}

extension Account {
  /// Of a program's code: u32 3 · u64 slot · u8 1 and key, or 0.
  mutating func setUpgradeAuthority(_ authority: Pubkey?) {
    data[12] = authority == nil ? 0 : 1
    data.replaceSubrange(13..<45, with: authority?.bytes ?? Array(repeating: 0, count: 32))
  }
}
