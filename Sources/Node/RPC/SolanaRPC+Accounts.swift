// Methods about accounts: one, many, all of a program, the largest; supply.

import Estuary
import Execution
import Ledger
import Primitives

extension SolanaRPC {
  static let accountMethods: [String: Method] = [
    "getBalance": { (rpc, parameters) throws(RPCError) in
      let key = try parameters.pubkey(0)
      let head = try rpc.head(parameters, 1)
      let lamports = try rpc.account(key)?.lamports ?? 0
      return answer(at: head.slot) { $0.value(lamports) }
    },
    "getAccountInfo": { (rpc, parameters) throws(RPCError) in
      let key = try parameters.pubkey(0)
      let head = try rpc.head(parameters, 1)
      let form = try AccountForm(parameters.options(1), default: .binary)
      var writer = JSONWriter()
      try rpc.writeAccount(key, as: form, to: &writer)
      return answer(at: head.slot, value: writer.bytes)
    },
    "getMultipleAccounts": { (rpc, parameters) throws(RPCError) in try rpc.multipleAccounts(parameters) },
    "getProgramAccounts": { (rpc, parameters) throws(RPCError) in try await rpc.programAccounts(parameters) },
    "getLargestAccounts": { (rpc, parameters) throws(RPCError) in try await rpc.largestAccounts(parameters) },
    "getSupply": { (rpc, parameters) throws(RPCError) in try await rpc.supply(parameters) },
  ]

  /// The account at `key`, or null.
  func writeAccount(_ key: Pubkey, as form: AccountForm, to writer: inout JSONWriter) throws(RPCError) {
    guard let account = try account(key) else { return writer.null() }
    try write(account, at: key, as: form, to: &writer)
  }

  private static let multipleAccountLimit = 100

  private func multipleAccounts(_ parameters: Parameters) throws(RPCError) -> [UInt8] {
    let list = try parameters.list(0)
    guard list.count <= Self.multipleAccountLimit else {
      throw .invalidParameters("Too many inputs provided; max \(Self.multipleAccountLimit)")
    }
    let head = try head(parameters, 1)
    let form = try AccountForm(parameters.options(1), default: .base64)
    var writer = JSONWriter()
    writer.beginArray()
    for value in list {
      try writeAccount(Parameters.pubkey(Parameters.string(value)), as: form, to: &writer)
    }
    writer.endArray()
    return Self.answer(at: head.slot, value: writer.bytes)
  }

  // MARK: Walks over all accounts

  /// Bytes of accounts that one answer may hold.
  static let scanByteLimit = 256 << 20

  private func programAccounts(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let program = try parameters.pubkey(0)
    let options = try parameters.options(1)
    let head = try head(parameters, 1)
    let form = try AccountForm(options, default: .binary)
    let filters = try AccountFilter.list(options)
    let hasContext = try options.bool("withContext") ?? false
    _ = try options.bool("sortResults")  // they always are
    let found = try await accounts(of: program, filters)
    let value = try keyed(found, as: form)
    return hasContext ? Self.answer(at: head.slot, value: value) : value
  }

  /// The accounts of `program` that pass all filters, in ascending order of keys.
  ///
  /// - Parameter place: where in the index of owners all of them are; `nil`: as the filters tell.
  func accounts(
    of program: Pubkey, _ filters: [AccountFilter], at place: (OwnerIndex.Kind, Pubkey)? = nil
  ) async throws(RPCError) -> [(key: Pubkey, account: Account)] {
    let place = place ?? (TokenState.programs.contains(program) ? Self.place(filters) : nil)
    let found = try await scan(owner: program, place, into: Found.init) { found, key, account in
      guard filters.allSatisfy({ $0.passes(account) }) else { return true }
      return found.append(key, account)
    }
    if found.isTooLarge {
      throw RPCError(
        -32012,
        "Error scanning accounts: the accounts take more than \(Self.scanByteLimit) bytes: filter them")
    }
    return found.accounts
  }

  /// Token accounts have their mint at the beginning and then their holder; what has other bytes there is no token account.
  private static func place(_ filters: [AccountFilter]) -> (OwnerIndex.Kind, Pubkey)? {
    let isOfHoldings = filters.contains {
      switch $0 {
      case .tokenAccountState, .dataSize(165): true
      default: false
      }
    }
    guard isOfHoldings else { return nil }
    for filter in filters {
      if case .bytes(let bytes, let offset) = filter, let key = Pubkey(bytes) {
        if offset == 32 { return (.holder, key) }
        if offset == 0 { return (.mint, key) }
      }
    }
    return nil
  }

  private final class Found: @unchecked Sendable {
    // Sendable: filled on one thread and read when that is done.
    private(set) var accounts: [(key: Pubkey, account: Account)] = []
    private var byteCount = 0
    private(set) var isTooLarge = false

    /// Whether there may be more.
    func append(_ key: Pubkey, _ account: Account) -> Bool {
      byteCount += account.data.count + 128
      isTooLarge = byteCount > scanByteLimit
      if !isTooLarge { accounts.append((key, account)) }
      return !isTooLarge
    }
  }

  func keyed(
    _ accounts: [(key: Pubkey, account: Account)], as form: AccountForm
  ) throws(RPCError) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginArray()
    for (key, account) in accounts {
      writer.beginObject()
      writer.key("account")
      try write(account, at: key, as: form, to: &writer)
      writer.member("pubkey", key.description)
      writer.endObject()
    }
    writer.endArray()
    return writer.bytes
  }

  private static let largestAccountCount = 20

  /// Walks over all accounts that have lamports.
  private func forAll(_ body: @escaping @Sendable (Pubkey, Account) -> Void) async throws(RPCError) {
    let store = producer.store
    let outcome = await background.run { () -> Result<Void, StoreError> in
      Result { () throws(StoreError) in
        try store.forEachAccount { (key, account) throws(StoreError) in
          if !EVMKey.contains(key) { body(key, account) }
        }
      }
    }
    try stored { () throws(StoreError) in try outcome.get() }
  }

  private final class Sum: @unchecked Sendable {
    // Sendable: filled on one thread and read when that is done.
    var lamports: UInt64 = 0
    var largest: [(lamports: UInt64, key: Pubkey)] = []
  }

  private func largestAccounts(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let options = try parameters.options(0)
    let head = try head(parameters, 0)
    enum Filter: String, CaseIterable { case circulating, nonCirculating }
    let filter = try options.choice("filter", Filter.self)
    let sum = Sum()
    // Nothing of a ledger of one's own is kept out of circulation, unless that is claimed.
    let outside = Set(notes.supply.nonCirculatingAccounts ?? [])
    if filter != .nonCirculating || !outside.isEmpty {
      let count = Self.largestAccountCount
      try await forAll { key, account in
        if let filter, outside.contains(key) != (filter == .nonCirculating) { return }
        if sum.largest.count == count, let last = sum.largest.last, last.lamports >= account.lamports {
          return
        }
        let place = sum.largest.firstIndex { $0.lamports < account.lamports } ?? sum.largest.count
        sum.largest.insert((account.lamports, key), at: place)
        if sum.largest.count > count { sum.largest.removeLast() }
      }
    }
    return Self.answer(at: head.slot) { writer in
      writer.array { writer in
        for (lamports, key) in sum.largest {
          writer.object { writer in
            writer.member("address", key.description)
            writer.member("lamports", lamports)
          }
        }
      }
    }
  }

  private func supply(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let head = try head(parameters, 0)
    let sum = Sum()
    let leavesAccountsOut = try parameters.options(0).bool("excludeNonCirculatingAccountsList") ?? false
    // More than 2^64 lamports there are where accounts were given them at the start.
    try await forAll { _, account in
      let (total, overflow) = sum.lamports.addingReportingOverflow(account.lamports)
      sum.lamports = overflow ? .max : total
    }
    let claimed = notes.supply
    return Self.answer(at: head.slot) { writer in
      writer.object { writer in
        writer.member("circulating", claimed.circulating ?? sum.lamports)
        writer.member("nonCirculating", claimed.nonCirculating ?? 0)
        writer.key("nonCirculatingAccounts")
        writer.array { writer in
          if leavesAccountsOut { return }
          for key in claimed.nonCirculatingAccounts ?? [] { writer.value(key.description) }
        }
        writer.member("total", claimed.total ?? sum.lamports)
      }
    }
  }
}

/// What accounts of a program must be like (Agave's rpc-client-types, filter.rs).
enum AccountFilter: Sendable {
  case dataSize(UInt64)
  case bytes([UInt8], offset: UInt64)
  case tokenAccountState

  private static let countLimit = 4
  private static let byteLimit = 128
  /// Characters of as many bytes.
  private static let (base58Limit, base64Limit) = (175, 172)

  static func list(_ options: Options) throws(RPCError) -> [AccountFilter] {
    guard let value = options["filters"] else { return [] }
    guard let list = value.array else {
      throw .invalidParameters(
        "Invalid params: invalid type: \(Parameters.kind(of: value)), expected a sequence.")
    }
    guard list.count <= countLimit else {
      throw .invalidParameters("Too many filters provided; max \(countLimit)")
    }
    var filters: [AccountFilter] = []
    for value in list { filters.append(try filter(value)) }
    return filters
  }

  private static func filter(_ value: JSONValue) throws(RPCError) -> AccountFilter {
    if value == .string("tokenAccountState") { return .tokenAccountState }
    if let object = value.object, object.members.count == 1 {
      if let size = object["dataSize"]?.uint64 { return .dataSize(size) }
      if object["tokenAccountState"] != nil { return .tokenAccountState }
      if let compared = object["memcmp"]?.object { return try memcmp(Options(object: compared)) }
    }
    throw .invalidParameters(
      "Invalid params: unknown filter, expected one of `dataSize`, `memcmp`, `tokenAccountState`.")
  }

  private static func memcmp(_ options: Options) throws(RPCError) -> AccountFilter {
    guard let offset = try options.integer("offset"), let text = options["bytes"] else {
      throw .invalidParameters("Invalid params: missing field `offset` or `bytes` of memcmp.")
    }
    enum Encoding: String, CaseIterable { case base58, base64, bytes }
    let encoding = try options.choice("encoding", Encoding.self)
    let bytes: [UInt8]
    if let array = text.array, encoding == nil || encoding == .bytes {
      bytes = array.compactMap { $0.uint64.flatMap { UInt8(exactly: $0) } }
      guard bytes.count == array.count else {
        throw .invalidParameters("Invalid params: invalid value: expected u8 in bytes of memcmp.")
      }
    } else {
      let string = try Parameters.string(text)
      let isBase64 = encoding == .base64
      guard string.utf8.count <= (isBase64 ? base64Limit : base58Limit) else {
        throw .invalidParameters("Invalid param: DataTooLarge")
      }
      guard let decoded = isBase64 ? Base64.decode(string) : Base58.decode(string) else {
        throw .invalidParameters(
          "Invalid param: \(isBase64 ? base64Problem(string) : base58Problem(string))")
      }
      bytes = decoded
    }
    guard bytes.count <= byteLimit else { throw .invalidParameters("Invalid param: DataTooLarge") }
    return .bytes(bytes, offset: offset)
  }

  /// Why `text` is no base58, as Agave has it.
  private static func base58Problem(_ text: String) -> String {
    for (index, byte) in text.utf8.enumerated() {
      guard byte < 0x80 else { return "Base58DecodeError(NonAsciiCharacter { index: \(index) })" }
      let character = Character(UnicodeScalar(byte))
      if Base58.decode(String(character)) == nil {
        return "Base58DecodeError(InvalidCharacter { character: '\(character)', index: \(index) })"
      }
    }
    return "DataTooLarge"
  }

  /// Why `text` is no base64, as Agave has it.
  private static func base64Problem(_ text: String) -> String {
    let bytes = Array(text.utf8)
    let end = bytes.lastIndex { $0 != UInt8(ascii: "=") }.map { $0 + 1 } ?? 0
    for index in 0..<end {
      switch bytes[index] {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
        continue
      default: return "Base64DecodeError(InvalidByte(\(index), \(bytes[index])))"
      }
    }
    return "Base64DecodeError(\(end % 4 == 1 ? "InvalidLength(\(bytes.count))" : "InvalidPadding"))"
  }

  func passes(_ account: Account) -> Bool {
    switch self {
    case .dataSize(let size): return UInt64(account.data.count) == size
    case .bytes(let bytes, let offset):
      guard let start = Int(exactly: offset), start <= account.data.count,
        account.data.count - start >= bytes.count
      else { return false }
      return account.data[start..<start + bytes.count].elementsEqual(bytes)
    case .tokenAccountState: return TokenState.Holding(account) != nil
    }
  }
}
