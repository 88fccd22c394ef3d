// A ledger behind a node's JSON-RPC, ours or Agave's: accounts by getAccountInfo, transactions by sendTransaction until
// getSignatureStatuses says that they are confirmed. What is not confirmed is sent again, and signed again with a new
// blockhash once the old one is too old to be executed; so a transaction is never executed twice.

import Estuary
import Execution
import Glibc
import Ledger
import Primitives
import RPCClient
import Runtime

final class RemoteLedger: ProgramHost {
  typealias Failure = RPCClientError

  let client: RPCClient
  var url: String { client.address.description }
  var blockhash = Hash.zero
  private var minimumBalances: [Int: UInt64] = [:]

  init(_ client: RPCClient) { self.client = client }

  /// *Confirmed* is what Solana's tools wait for; it is what is read, too.
  static let level: JSONValue = .string("confirmed")

  static func object(_ members: (String, JSONValue)...) -> JSONValue {
    .object(JSONObject(members: members.map { JSONObject.Member(name: $0.0, value: $0.1) }))
  }

  static var atLevel: JSONValue { object(("commitment", level)) }

  func unexpected(_ method: String, _ member: String) -> RPCClientError {
    RPCClientError(client.address, method, .unexpected(member))
  }

  // MARK: Reading

  func account(_ key: Pubkey) throws(RPCClientError) -> Account? {
    let method = "getAccountInfo"
    let answer = try client.call(
      method,
      [
        .string(key.description),
        Self.object(("encoding", .string("base64")), ("commitment", Self.level)),
      ])
    guard let value = answer["value"] else { throw unexpected(method, "value") }
    return value.isNull ? nil : try account(value, method)
  }

  /// Keys that a node looks up in one request.
  private static let accountCount = 100

  /// Accounts in the order of their keys; `nil` where there is none.
  func accounts(_ keys: [Pubkey]) throws(RPCClientError) -> [Account?] {
    let method = "getMultipleAccounts"
    var accounts: [Account?] = []
    for start in stride(from: 0, to: keys.count, by: Self.accountCount) {
      let part = keys[start..<min(start + Self.accountCount, keys.count)]
      let answer = try client.call(
        method,
        [
          .array(part.map { .string($0.description) }),
          Self.object(("encoding", .string("base64")), ("commitment", Self.level)),
        ])
      guard let values = answer["value"]?.array, values.count == part.count else {
        throw unexpected(method, "an account or null each")
      }
      for value in values { accounts.append(value.isNull ? nil : try account(value, method)) }
    }
    return accounts
  }

  private func account(_ value: JSONValue, _ method: String) throws(RPCClientError) -> Account {
    guard let lamports = value["lamports"]?.uint64 else { throw unexpected(method, "lamports") }
    guard let owner = Self.key(value["owner"]) else { throw unexpected(method, "owner") }
    guard let text = value["data"]?.array?.first?.string, let data = Base64.decode(text) else {
      throw unexpected(method, "data in base64")
    }
    return Account(
      lamports: lamports, data: data, owner: owner, executable: value["executable"]?.bool ?? false,
      rentEpoch: value["rentEpoch"]?.uint64 ?? .max)
  }

  static func key(_ value: JSONValue?) -> Pubkey? {
    value?.string.flatMap { Base58.decode($0) }.flatMap { Pubkey($0) }
  }

  func minimumBalance(dataByteCount byteCount: Int) throws(RPCClientError) -> UInt64 {
    if let known = minimumBalances[byteCount] { return known }
    let method = "getMinimumBalanceForRentExemption"
    guard let lamports = try client.call(method, [.unsigned(UInt64(byteCount))]).uint64 else {
      throw unexpected(method, "a number")
    }
    minimumBalances[byteCount] = lamports
    return lamports
  }

  func currentSlot() throws(RPCClientError) -> UInt64 { try number("getSlot") }

  /// The number that a method without parameters answers.
  func number(_ method: String) throws(RPCClientError) -> UInt64 {
    guard let number = try client.call(method, [Self.atLevel]).uint64 else {
      throw unexpected(method, "a number")
    }
    return number
  }

  /// Makes `account` the one at `key`, where the node is one of a developer's own.
  func set(_ key: Pubkey, _ account: Account) throws(RPCClientError) {
    _ = try client.call(
      "surfnet_setAccount",
      [
        .string(key.description),
        Self.object(
          ("lamports", .unsigned(account.lamports)), ("data", .string(Hex.encode(account.data))),
          ("owner", .string(account.owner.description)), ("executable", .bool(account.executable)),
          ("rentEpoch", .unsigned(account.rentEpoch))),
      ])
  }

  // MARK: Programs

  func deployments(of authority: Pubkey?) throws(RPCClientError) -> Deployments {
    let authorityBytes = authority.map { [1] + $0.bytes } ?? []
    // State number, slot (of program data), authority: https://docs.rs/solana-loader-v3-interface
    var buffers: [(Pubkey, ProgramState.Buffer)] = []
    for found in try headers(tag: 1, authorityBytes, at: 4) {
      guard case .buffer(let owner)? = UpgradeableLoaderState(of: found.header) else { continue }
      buffers.append(
        (
          found.key,
          ProgramState.Buffer(authority: owner, accountByteCount: found.byteCount, lamports: found.lamports)
        ))
    }
    var data: [Pubkey: ProgramState.Program] = [:]
    for found in try headers(tag: 3, authorityBytes, at: 12) {
      data[found.key] = ProgramState.Program(
        at: found.key, lamports: found.lamports, found.header, byteCount: found.byteCount)
    }
    var programs: [(Pubkey, ProgramState.Program)] = []
    if !data.isEmpty {
      for found in try headers(tag: 2, [], at: 4) {
        guard case .program(let key)? = UpgradeableLoaderState(of: found.header), let program = data[key]
        else {
          continue
        }
        programs.append((found.key, program))
      }
    }
    return (programs.sorted { $0.0 < $1.0 }, buffers.sorted { $0.0 < $1.0 })
  }

  private struct Header {
    let key: Pubkey
    let header: [UInt8]
    let byteCount: Int
    let lamports: UInt64
  }

  /// The loader's accounts whose state has a number and these bytes, without what follows the state.
  private func headers(
    tag: UInt8, _ bytes: [UInt8], at offset: UInt64
  ) throws(RPCClientError) -> [Header] {
    let method = "getProgramAccounts"
    func compared(_ bytes: [UInt8], _ offset: UInt64) -> JSONValue {
      Self.object(
        (
          "memcmp",
          Self.object(("offset", .unsigned(offset)), ("bytes", .string(Base58.encode(bytes))))
        ))
    }
    var filters = [compared([tag, 0, 0, 0], 0)]
    if !bytes.isEmpty { filters.append(compared(bytes, offset)) }
    let length = UInt64(UpgradeableLoaderState.programDataMetadataByteCount)
    let answer = try client.call(
      method,
      [
        .string(ProgramID.bpfLoaderUpgradeable.description),
        Self.object(
          ("encoding", .string("base64")), ("commitment", Self.level), ("filters", .array(filters)),
          ("dataSlice", Self.object(("offset", .unsigned(0)), ("length", .unsigned(length))))),
      ])
    guard let list = answer.array else { throw unexpected(method, "a list") }
    var headers: [Header] = []
    for element in list {
      guard let key = Self.key(element["pubkey"]), let value = element["account"] else {
        throw unexpected(method, "pubkey and account")
      }
      let account = try account(value, method)
      headers.append(
        Header(
          key: key, header: account.data,
          byteCount: value["space"]?.uint64.flatMap { Int(exactly: $0) } ?? account.data.count,
          lamports: account.lamports))
    }
    return headers
  }
}

// MARK: Transactions that the node makes or knows

extension RemoteLedger {
  /// Nanoseconds that an airdrop has to be confirmed.
  private static let airdropNanoseconds: UInt64 = 60_000_000_000

  /// Asks the node's faucet, and waits until the lamports are there.
  ///
  /// - Returns: the transaction's signature.
  func airdrop(_ lamports: UInt64, to key: Pubkey) throws -> String {
    let method = "requestAirdrop"
    let answer = try client.call(method, [.string(key.description), .unsigned(lamports), Self.atLevel])
    guard let signature = answer.string else { throw unexpected(method, "a signature") }
    let end = Clocks.monotonicNanoseconds() + Self.airdropNanoseconds
    while Clocks.monotonicNanoseconds() < end {
      if let status = try status(of: signature), status.level != "processed" {
        if let error = status.error { throw CLIError.transactionFailed(text: "the airdrop failed: \(error)") }
        return signature
      }
      usleep(20_000)
    }
    throw NotConfirmed(address: client.address, count: 1)
  }

  struct Status {
    var slot: UInt64
    var level: String
    /// As JSON-RPC spells it.
    var error: String?
  }

  /// What is known of a transaction; `nil`: nothing.
  func status(of signature: String) throws(RPCClientError) -> Status? {
    let method = "getSignatureStatuses"
    let answer = try client.call(
      method, [.array([.string(signature)]), Self.object(("searchTransactionHistory", .bool(true)))])
    guard let status = answer["value"]?.array?.first else { throw unexpected(method, "a status") }
    if status.isNull { return nil }
    guard let slot = status["slot"]?.uint64 else { throw unexpected(method, "slot") }
    return Status(
      slot: slot, level: status["confirmationStatus"]?.string ?? "finalized", error: Self.text(status["err"]))
  }

  /// An error as JSON; `nil` where there is none.
  static func text(_ error: JSONValue?) -> String? {
    guard let error, !error.isNull else { return nil }
    return error.string ?? JSONText.compact(error)
  }
}

enum JSONText {
  static func compact(_ value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.value(value)
    return writer.text
  }
}
