// Accounts as JSON-RPC tells them (https://solana.com/docs/rpc/json-structures#accounts; Agave's account-decoder).

import CZstd
import Estuary
import Execution
import Ledger
import Primitives

enum AccountEncoding: String, CaseIterable {
  /// Base58 as a plain string, as the first clients had it.
  case binary
  case base58, base64
  case base64Zstd = "base64+zstd"
  case jsonParsed
}

struct DataSlice {
  let offset: UInt64
  let length: UInt64

  init?(_ options: Options) throws(RPCError) {
    guard let value = options["dataSlice"] else { return nil }
    let members = value.object.map { Options(object: $0) }
    guard let offset = try members?.integer("offset"), let length = try members?.integer("length") else {
      throw .invalidParameters("Invalid params: invalid type: dataSlice needs `offset` and `length`.")
    }
    (self.offset, self.length) = (offset, length)
  }

  func of(_ data: [UInt8]) -> ArraySlice<UInt8> {
    let start = Int(min(offset, UInt64(data.count)))
    return data[start..<start + Int(min(length, UInt64(data.count - start)))]
  }
}

/// What an account's JSON depends on beside the account.
struct AccountForm {
  var encoding: AccountEncoding
  var slice: DataSlice?

  init(_ encoding: AccountEncoding, slice: DataSlice? = nil) {
    (self.encoding, self.slice) = (encoding, slice)
  }

  init(_ options: Options, default encoding: AccountEncoding) throws(RPCError) {
    self.encoding = try options.choice("encoding", AccountEncoding.self) ?? encoding
    slice = try DataSlice(options)
  }

  /// Bytes of data that base58 is made for.
  private static let base58ByteLimit = 128

  /// - Parameter mint: the mint of a token account, for `jsonParsed`.
  func write(
    _ account: Account, at key: Pubkey, to writer: inout JSONWriter, mint: (Pubkey) -> TokenState.Mint?
  ) throws(RPCError) {
    let data = slice?.of(account.data) ?? account.data[...]
    if encoding == .binary || encoding == .base58, data.count > Self.base58ByteLimit {
      throw RPCError(
        -32600,
        "Encoded binary (base 58) data should be less than \(Self.base58ByteLimit) bytes, please use Base64 encoding."
      )
    }
    writer.beginObject()
    writer.key("data")
    switch encoding {
    case .binary: writer.value(Base58.encode(Array(data)))
    case .base58: Self.pair(Base58.encode(Array(data)), "base58", &writer)
    case .base64: Self.pair(Base64.encode(Array(data)), "base64", &writer)
    case .base64Zstd: Self.pair(Base64.encode(Self.compressed(data)), "base64+zstd", &writer)
    case .jsonParsed:
      if !ParsedAccount.write(account, at: key, to: &writer, mint: mint) {
        Self.pair(Base64.encode(Array(data)), "base64", &writer)
      }
    }
    writer.member("executable", account.executable)
    writer.member("lamports", account.lamports)
    writer.member("owner", account.owner.description)
    writer.member("rentEpoch", account.rentEpoch)
    writer.member("space", account.data.count)
    writer.endObject()
  }

  private static func pair(_ text: String, _ encoding: String, _ writer: inout JSONWriter) {
    writer.array { writer in
      writer.value(text)
      writer.value(encoding)
    }
  }

  private static func compressed(_ data: ArraySlice<UInt8>) -> [UInt8] {
    let bound = ZSTD_compressBound(data.count)
    return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      let size = data.withUnsafeBytes {
        ZSTD_compress(buffer.baseAddress, bound, $0.baseAddress, $0.count, 0)
      }
      precondition(ZSTD_isError(size) == 0, "a buffer of the bound's size holds every frame")
      count = size
    }
  }
}

/// A number of tokens as people read it.
struct TokenAmount {
  let amount: UInt64
  let decimals: UInt8

  init(_ amount: UInt64, decimals: UInt8) { (self.amount, self.decimals) = (amount, decimals) }

  /// Without zeros at the end.
  var text: String {
    var digits = String(amount)
    let places = Int(decimals)
    if places == 0 { return digits }
    if digits.utf8.count <= places {
      digits = String(repeating: "0", count: places + 1 - digits.utf8.count) + digits
    }
    let split = digits.index(digits.endIndex, offsetBy: -places)
    var fraction = digits[split...]
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? String(digits[..<split]) : "\(digits[..<split]).\(fraction)"
  }

  /// `nil` where a double cannot say it at all.
  var number: Double? {
    decimals <= 19 ? Double(text) : nil
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writeMembers(to: &$0) }
  }
}

extension JSONWriter {
  mutating func member(_ name: String, _ key: Pubkey?) {
    if let key { member(name, key.description) } else { memberNull(name) }
  }

  mutating func member(_ name: String, _ text: String?) {
    if let text { member(name, text as String) } else { memberNull(name) }
  }
}
