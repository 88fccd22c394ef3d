// Transactions and messages as requests carry them: base58 or base64 of the wire form.

import Ledger
import Primitives

enum TransactionText {
  /// Characters of the longest transaction.
  private static let (base58Limit, base64Limit) = (1683, 1644)
  private static let transactionType = "solana_transaction::versioned::VersionedTransaction"
  private static let messageType = "solana_message::versions::VersionedMessage"

  /// The transaction at `index` of a request, in the encoding that its options name.
  static func transaction(_ parameters: Parameters, _ options: Options) throws(RPCError) -> Transaction {
    let text = try parameters.string(0)
    let encoding = try options.choice("encoding", TransactionEncoding.self) ?? .base58
    let bytes: [UInt8]
    switch encoding {
    case .base58, .binary: bytes = try base58(text, transactionType)
    case .base64: bytes = try base64(text, transactionType)
    case .json, .jsonParsed:
      throw .invalidParameters(
        "unsupported encoding: \(encoding.rawValue). Supported encodings: base58, base64")
    }
    return try decode(bytes, transactionType)
  }

  /// A message in base64.
  static func message(_ text: String) throws(RPCError) -> Message {
    let bytes = try base64(text, messageType)
    // A transaction around it, with as many signatures as it asks for, is what there is a decoder of.
    let header = bytes.first.map { $0 & 0x80 == 0 ? $0 : bytes.dropFirst().first ?? 0 } ?? 0
    let wire = [header] + [UInt8](repeating: 0, count: 64 * Int(header)) + bytes
    let transaction = try decode(wire, messageType)
    do throws(TransactionError) { try transaction.sanitize() } catch {
      throw .invalidParameters("invalid transaction message: \(error.sentence)")
    }
    return transaction.message
  }

  private static func base58(_ text: String, _ type: String) throws(RPCError) -> [UInt8] {
    guard text.utf8.count <= base58Limit else {
      throw tooLarge("base58", type, text.utf8.count, base58Limit)
    }
    guard let bytes = Base58.decode(text) else {
      throw .invalidParameters("invalid base58 encoding: it has a character that base58 has not")
    }
    return bytes
  }

  private static func base64(_ text: String, _ type: String) throws(RPCError) -> [UInt8] {
    guard text.utf8.count <= base64Limit else {
      throw tooLarge("base64", type, text.utf8.count, base64Limit)
    }
    guard let bytes = Base64.decode(text) else {
      throw .invalidParameters("invalid base64 encoding: it is no padded base64 (RFC 4648)")
    }
    return bytes
  }

  private static func tooLarge(_ encoding: String, _ type: String, _ count: Int, _ limit: Int) -> RPCError {
    .invalidParameters(
      "\(encoding) encoded \(type) too large: \(count) bytes (max: encoded/raw \(limit)/\(Transaction.maximumByteCount))"
    )
  }

  private static func decode(_ bytes: [UInt8], _ type: String) throws(RPCError) -> Transaction {
    do throws(TransactionDecodingError) { return try Transaction.decode(bytes) } catch {
      if case .tooLong(let count) = error {
        throw .invalidParameters(
          "decoded \(type) too large: \(count) bytes (max: \(Transaction.maximumByteCount) bytes)")
      }
      throw .invalidParameters("failed to deserialize \(type): \(error)")
    }
  }

  /// The nonce account that the first instruction of `message`, which is sane, advances; `nil` where it does not.
  static func nonceAccount(of message: Message) -> Pubkey? {
    guard let instruction = message.instructions.first,
      message.programID(of: instruction) == ProgramID.system,
      message.data(of: instruction).starts(with: [4, 0, 0, 0]),
      let position = message.accountIndices(of: instruction).first.map(Int.init),
      position < message.staticKeyCount
    else { return nil }
    return message.staticKey(at: position)
  }
}
