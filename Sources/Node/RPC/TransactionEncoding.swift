// Transactions of earlier blocks as JSON-RPC tells them (https://solana.com/docs/rpc/json-structures#transactions; Agave's
// transaction-status crate).

import Estuary
import Execution
import Ledger
import Primitives

enum TransactionEncoding: String, CaseIterable { case binary, base58, base64, json, jsonParsed }

/// How a transaction is asked for.
struct TransactionForm {
  var encoding: TransactionEncoding
  /// `nil`: the client knows legacy transactions only.
  var maximumVersion: UInt8?
  var showsRewards = true

  init(encoding: TransactionEncoding = .json, maximumVersion: UInt8? = nil, showsRewards: Bool = true) {
    (self.encoding, self.maximumVersion, self.showsRewards) = (encoding, maximumVersion, showsRewards)
  }

  /// Options, or the encoding alone as the first clients gave it.
  init(_ parameters: Parameters, _ index: Int) throws(RPCError) {
    if let text = parameters.optional(index)?.string {
      self.init(encoding: try Options.choice(text, TransactionEncoding.self))
    } else {
      try self.init(parameters.options(index), default: .json)
    }
  }

  init(_ options: Options, default encoding: TransactionEncoding) throws(RPCError) {
    self.init(
      encoding: try options.choice("encoding", TransactionEncoding.self) ?? encoding,
      maximumVersion: try options.byte("maxSupportedTransactionVersion"))
  }

  /// The members `transaction`, `meta` and `version`.
  func write(_ stored: StoredTransaction, to writer: inout JSONWriter) throws(RPCError) {
    let transaction = try Self.decode(stored)
    try checkVersion(transaction)
    writer.key("transaction")
    switch encoding {
    case .binary: writer.value(Base58.encode(stored.wire))
    case .base58, .base64:
      writer.array { writer in
        writer.value(encoding == .base58 ? Base58.encode(stored.wire) : Base64.encode(stored.wire))
        writer.value(encoding.rawValue)
      }
    case .json, .jsonParsed:
      writer.object { writer in
        writer.key("message")
        if encoding == .json {
          Self.write(transaction.message, to: &writer)
        } else {
          Self.writeParsed(transaction, stored.details.loadedAddresses, to: &writer)
        }
        writer.key("signatures")
        writer.array { writer in
          for signature in transaction.signatures { writer.value(signature.description) }
        }
      }
    }
    writer.key("meta")
    writeMeta(of: stored, transaction.message, isWhole: true, to: &writer)
    writeVersion(of: transaction, to: &writer)
  }

  /// As above with accounts in place of messages (`transactionDetails: accounts`).
  func writeAccounts(_ stored: StoredTransaction, to writer: inout JSONWriter) throws(RPCError) {
    let transaction = try Self.decode(stored)
    try checkVersion(transaction)
    writer.key("transaction")
    writer.object { writer in
      writer.key("accountKeys")
      Self.writeKeys(transaction, stored.details.loadedAddresses, to: &writer)
      writer.key("signatures")
      writer.array { writer in for signature in transaction.signatures { writer.value(signature.description) }
      }
    }
    writer.key("meta")
    writeMeta(of: stored, transaction.message, isWhole: false, to: &writer)
    writeVersion(of: transaction, to: &writer)
  }

  private static func decode(_ stored: StoredTransaction) throws(RPCError) -> Transaction {
    do throws(TransactionDecodingError) { return try Transaction.decode(stored.wire) } catch {
      throw .internalError("a stored transaction is malformed: \(error)")
    }
  }

  private func checkVersion(_ transaction: Transaction) throws(RPCError) {
    // Version 0 is the only one that is decoded.
    if transaction.message.version == .v0 && maximumVersion == nil { throw .unsupportedVersion(0) }
  }

  private func writeVersion(of transaction: Transaction, to writer: inout JSONWriter) {
    guard maximumVersion != nil else { return }
    writer.key("version")
    if transaction.message.version == .legacy { writer.value("legacy") } else { writer.value(0) }
  }

  // MARK: Messages

  private static func write(_ message: Message, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("accountKeys")
      writer.array { writer in for key in message.staticKeys { writer.value(key.description) } }
      if message.version == .v0 { writeLookups(message, to: &writer) }
      writer.key("header")
      writer.object { writer in
        writer.member("numReadonlySignedAccounts", Int(message.header.readonlySignedCount))
        writer.member("numReadonlyUnsignedAccounts", Int(message.header.readonlyUnsignedCount))
        writer.member("numRequiredSignatures", Int(message.header.requiredSignatureCount))
      }
      writer.key("instructions")
      writer.array { writer in
        for instruction in message.instructions {
          write(
            program: instruction.programIndex, accounts: Array(message.accountIndices(of: instruction)),
            data: Array(message.data(of: instruction)), height: 1, to: &writer)
        }
      }
      writer.member("recentBlockhash", message.recentBlockhash.description)
    }
  }

  private static func writeLookups(_ message: Message, to writer: inout JSONWriter) {
    writer.key("addressTableLookups")
    writer.array { writer in
      for lookup in message.addressTableLookups {
        writer.object { writer in
          writer.member("accountKey", lookup.tableKey.description)
          writer.key("readonlyIndexes")
          writer.array { writer in
            for index in message.bytes[lookup.readonlyIndices] { writer.value(Int(index)) }
          }
          writer.key("writableIndexes")
          writer.array { writer in
            for index in message.bytes[lookup.writableIndices] { writer.value(Int(index)) }
          }
        }
      }
    }
  }

  private static func write(
    program: UInt8, accounts: [UInt8], data: [UInt8], height: Int, to writer: inout JSONWriter
  ) {
    writer.object { writer in
      writer.key("accounts")
      writer.array { writer in for index in accounts { writer.value(Int(index)) } }
      writer.member("data", Base58.encode(data))
      writer.member("programIdIndex", Int(program))
      writer.member("stackHeight", height)
    }
  }

  /// Keys with their roles, and instructions by their fields where the program is known.
  private static func writeParsed(
    _ transaction: Transaction, _ loaded: LoadedAddresses, to writer: inout JSONWriter
  ) {
    let message = transaction.message
    let keys = message.staticKeys + loaded.writable + loaded.readonly
    writer.object { writer in
      writer.key("accountKeys")
      writeKeys(transaction, loaded, to: &writer)
      if message.version == .v0 { writeLookups(message, to: &writer) }
      writer.key("instructions")
      writer.array { writer in
        for instruction in message.instructions {
          writeDecoded(
            keys, program: instruction.programIndex, accounts: Array(message.accountIndices(of: instruction)),
            data: Array(message.data(of: instruction)), height: 1, to: &writer)
        }
      }
      writer.member("recentBlockhash", message.recentBlockhash.description)
    }
  }

  private static func writeDecoded(
    _ keys: [Pubkey], program: UInt8, accounts: [UInt8], data: [UInt8], height: Int,
    to writer: inout JSONWriter
  ) {
    func key(_ index: UInt8) -> String { Int(index) < keys.count ? keys[Int(index)].description : "" }
    let named = accounts.compactMap { Int($0) < keys.count ? keys[Int($0)] : nil }
    let parsed =
      Int(program) < keys.count && named.count == accounts.count
      ? InstructionForms.parse(keys[Int(program)], accounts: named, data: data) : nil
    writer.object { writer in
      if let parsed {
        writer.member("parsed", rawJSON: parsed.parsed)
        writer.member("program", parsed.program)
      } else {
        writer.key("accounts")
        writer.array { writer in for index in accounts { writer.value(key(index)) } }
        writer.member("data", Base58.encode(data))
      }
      writer.member("programId", key(program))
      writer.member("stackHeight", height)
    }
  }

  private static func writeKeys(
    _ transaction: Transaction, _ loaded: LoadedAddresses, to writer: inout JSONWriter
  ) {
    let roles = try? ResolvedTransaction(transaction) { (_) throws(TransactionError) in loaded }
    func write(_ key: Pubkey, _ index: Int, _ source: String, _ writer: inout JSONWriter) {
      writer.object { writer in
        writer.member("pubkey", key.description)
        writer.member("signer", roles?.isSigner(index) ?? false)
        writer.member("source", source)
        writer.member("writable", roles?.isWritable(index) ?? false)
      }
    }
    writer.array { writer in
      let fixed = transaction.message.staticKeys
      for (index, key) in fixed.enumerated() { write(key, index, "transaction", &writer) }
      for (index, key) in (loaded.writable + loaded.readonly).enumerated() {
        write(key, fixed.count + index, "lookupTable", &writer)
      }
    }
  }

  // MARK: What came of it

  private func writeMeta(
    of stored: StoredTransaction, _ message: Message, isWhole: Bool, to writer: inout JSONWriter
  ) {
    let details = stored.details
    writer.object { writer in
      if isWhole {
        writer.member("computeUnitsConsumed", stored.computeUnits)
        let writableCount = message.writablePositions.count + details.loadedAddresses.writable.count
        writer.member(
          "costUnits",
          TransactionCost.units(
            of: message, writableCount: writableCount, units: stored.computeUnits,
            loadedByteCount: details.loadedByteCount))
      }
      writer.key("err")
      writer.value(stored.error ?? .null)
      writer.member("fee", stored.fee)
      if isWhole {
        writer.key("innerInstructions")
        Self.writeInner(
          details, keys: encoding == .jsonParsed ? message.staticKeys : nil, to: &writer)
        if encoding != .jsonParsed {
          writer.key("loadedAddresses")
          writer.object { writer in
            writer.key("readonly")
            writer.array { writer in
              for key in details.loadedAddresses.readonly { writer.value(key.description) }
            }
            writer.key("writable")
            writer.array { writer in
              for key in details.loadedAddresses.writable { writer.value(key.description) }
            }
          }
        }
        writer.key("logMessages")
        writer.array { writer in for line in stored.logs { writer.value(line) } }
      }
      writer.key("postBalances")
      writer.array { writer in for balance in details.balancesAfter { writer.value(balance) } }
      writer.key("postTokenBalances")
      Self.write(details.tokensAfter, to: &writer)
      writer.key("preBalances")
      writer.array { writer in for balance in details.balancesBefore { writer.value(balance) } }
      writer.key("preTokenBalances")
      Self.write(details.tokensBefore, to: &writer)
      if isWhole, let data = stored.returnData {
        writer.key("returnData")
        Self.write(data, to: &writer)
      }
      if showsRewards {
        writer.key("rewards")
        writer.array { _ in }
      } else if isWhole {
        writer.memberNull("rewards")
      }
      writer.key("status")
      writer.object { writer in
        if let error = stored.error {
          writer.key("Err")
          writer.value(error)
        } else {
          writer.memberNull("Ok")
        }
      }
    }
  }

  /// - Parameter keys: the static keys, where instructions are to be told with their keys.
  static func writeInner(
    _ details: TransactionDetails, keys: [Pubkey]?, to writer: inout JSONWriter
  ) {
    let all = keys.map { $0 + details.loadedAddresses.writable + details.loadedAddresses.readonly }
    var rest = details.innerInstructions[...]
    writer.array { writer in
      while let first = rest.first {
        let group = rest.prefix { $0.topLevelIndex == first.topLevelIndex }
        rest = rest.dropFirst(group.count)
        writer.object { writer in
          writer.member("index", Int(first.topLevelIndex))
          writer.key("instructions")
          writer.array { writer in
            for instruction in group {
              if let all {
                writeDecoded(
                  all, program: instruction.programIndex, accounts: instruction.accounts,
                  data: instruction.data, height: Int(instruction.stackHeight), to: &writer)
              } else {
                write(
                  program: instruction.programIndex, accounts: instruction.accounts, data: instruction.data,
                  height: Int(instruction.stackHeight), to: &writer)
              }
            }
          }
        }
      }
    }
  }

  private static func write(_ balances: [TransactionDetails.TokenBalance], to writer: inout JSONWriter) {
    writer.array { writer in
      // Agave leaves out what has no mint that it could read.
      for balance in balances {
        guard let decimals = balance.decimals else { continue }
        writer.object { writer in
          writer.member("accountIndex", Int(balance.accountIndex))
          writer.member("mint", balance.mint.description)
          writer.member("owner", balance.owner.description)
          writer.member("programId", balance.programID.description)
          writer.key("uiTokenAmount")
          TokenAmount(balance.amount, decimals: decimals).write(to: &writer)
        }
      }
    }
  }

  static func write(_ data: TransactionResult.ReturnData, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.key("data")
      writer.array { writer in
        writer.value(Base64.encode(data.data))
        writer.value("base64")
      }
      writer.member("programId", data.programID.description)
    }
  }
}
