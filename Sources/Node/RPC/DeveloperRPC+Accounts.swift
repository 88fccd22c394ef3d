// Accounts that a developer sets, copies, exports and imports.

import Estuary
import Execution
import Ledger
import Primitives
import Runtime

/// Members of an account that are set; the others stay as they are.
enum AccountUpdate {
  /// Of an account; the runtime's own limit.
  private static let byteLimit = 10 << 20

  /// - Parameters:
  ///   - account: as it is; `nil`: an empty one of the system program's.
  ///   - decode: reads data.
  /// - Returns: `nil` where it has no lamports.
  static func account(
    _ options: Options, over account: Account?, decode: (String) -> [UInt8]?
  ) throws(RPCError) -> Account? {
    var account = account ?? Account(lamports: 0, owner: ProgramID.system)
    account.lamports = try options.integer("lamports") ?? account.lamports
    if let text = try options.string("data") {
      guard let data = decode(text), data.count <= byteLimit else {
        throw .invalidParameters("Invalid hex data provided: at most \(byteLimit) bytes are expected")
      }
      account.data = data
    }
    if let owner = try options.string("owner") { account.owner = try Parameters.pubkey(owner) }
    account.executable = try options.bool("executable") ?? account.executable
    account.rentEpoch = try options.integer("rentEpoch") ?? account.rentEpoch
    return account.lamports == 0 ? nil : account
  }
}

extension Producer {
  /// Refuses accounts that are a part of the runtime: programs of its own, sysvars, the EVM's.
  func expectSettable(_ keys: [Pubkey]) throws(RPCError) {
    for key in keys {
      let account: Account?
      do throws(StoreError) { account = try store.account(key) } catch { throw RPCError(error) }
      if let role = BuiltinAccounts.role(of: key, account) {
        throw .invalidParameters("Invalid param: \(key) is \(role)")
      }
    }
  }
}

extension DeveloperRPC {
  // MARK: Tokens

  private static let tokenAccountByteCount = 165

  /// Sets members of the associated token account of a wallet, which is made where there is none.
  func setTokenAccount(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let (owner, mint) = (try parameters.pubkey(0), try parameters.pubkey(1))
    let update = try parameters.options(2)
    let program = try parameters.optional(3).map { (value) throws(RPCError) in
      try Parameters.pubkey(Parameters.string(value))
    }
    guard let mintAccount = try solana.account(mint) else {
      throw .invalidParameters("Invalid param: could not find mint \(mint)")
    }
    guard TokenState.Mint(mintAccount) != nil else {
      throw .invalidParameters("Invalid param: \(mint) is no mint of a token program")
    }
    let token =
      program ?? mintAccount.owner
    guard TokenState.programs.contains(token) else {
      throw .invalidParameters("Invalid param: unrecognized Token program id")
    }
    let seeds = [owner.bytes, token.bytes, mint.bytes]
    guard let key = try? ProgramAddress.find(seeds: seeds, program: TokenState.associated).address else {
      throw .invalidParameters("Invalid param: the wallet has no associated account")
    }
    var account = try solana.account(key) ?? newTokenAccount(owner: owner, mint: mint, program: token)
    guard account.owner == token, account.data.count >= Self.tokenAccountByteCount else {
      throw .invalidParameters("Invalid param: \(key) is no token account")
    }
    if let amount = try update.integer("amount") { account.data.set(amount, at: 64) }
    if update.object["delegate"] != nil { account.data.set(try Self.key(update, "delegate"), at: 72) }
    if let state = try update.string("state") {
      let states = ["uninitialized": 0 as UInt8, "initialized": 1, "frozen": 2]
      guard let number = states[state] else {
        throw .invalidParameters("Invalid param: Invalid account state \(state.prefix(40))")
      }
      account.data[108] = number
    }
    if let amount = try update.integer("delegatedAmount") { account.data.set(amount, at: 121) }
    if update.object["closeAuthority"] != nil {
      account.data.set(try Self.key(update, "closeAuthority"), at: 129)
    }
    if TokenState.nativeMints.contains(mint) {
      // The amount is the lamports beyond what keeps the account: u32 1 · u64 of these.
      let kept = producer.head.rent.minimumBalance(dataByteCount: account.data.count)
      account.data.replaceSubrange(109..<113, with: [1, 0, 0, 0])
      account.data.set(kept, at: 113)
      let (lamports, overflow) = kept.addingReportingOverflow(account.data.uint64(at: 64))
      guard !overflow else { throw .invalidParameters("Invalid param: the amount is out of range") }
      account.lamports = lamports
    }
    return try await set([(key, account)])
  }

  /// A key; `nil` for null and "null", which take it away.
  private static func key(_ options: Options, _ name: String) throws(RPCError) -> Pubkey? {
    guard let text = try options.string(name), text != "null" else { return nil }
    return try Parameters.pubkey(text)
  }

  private func newTokenAccount(owner: Pubkey, mint: Pubkey, program: Pubkey) -> Account {
    // Token-2022's have their owner for good: byte 165 says that it is a token account, 7 is the extension's number.
    let extensions: [UInt8] = program == TokenState.token2022 ? [2, 7, 0, 0, 0] : []
    var data = mint.bytes + owner.bytes + Array(repeating: 0, count: Self.tokenAccountByteCount - 64)
    data[108] = 1
    data += extensions
    let lamports = producer.head.rent.minimumBalance(dataByteCount: data.count)
    return Account(lamports: lamports, data: data, owner: program, rentEpoch: .max)
  }

  // MARK: Programs

  func programData(of program: Pubkey) throws(RPCError) -> (key: Pubkey, account: Account) {
    guard let account = try solana.account(program), account.owner == ProgramID.bpfLoaderUpgradeable,
      case .program(let key)? = UpgradeableLoaderState(of: account.data), let data = try solana.account(key)
    else { throw .invalidParameters("Invalid param: \(program) is no program of the upgradeable loader") }
    return (key, data)
  }

  func setAuthority(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    var (key, account) = try programData(of: try parameters.pubkey(0))
    let authority = try parameters.optional(1).map { (value) throws(RPCError) in
      try Parameters.pubkey(Parameters.string(value))
    }
    account.setUpgradeAuthority(authority)
    return try await set([(key, account)])
  }

  func cloneProgram(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let (source, target) = (try parameters.pubkey(0), try parameters.pubkey(1))
    let data = try programData(of: source).account
    guard var program = try solana.account(source),
      let key = UpgradeableProgram.programDataAddress(of: target)
    else { throw .invalidParameters("Invalid param: \(source) is no program") }
    program.data.replaceSubrange(4..<36, with: key.bytes)
    return try await set([(target, program), (key, data)])
  }

  // MARK: Export and import

  /// Bytes of accounts that one answer holds.
  private static let exportByteLimit = 256 << 20

  private final class Export: @unchecked Sendable {
    // Sendable: filled on one thread and read when that is done.
    var accounts: [(key: Pubkey, account: Account)] = []
    var byteCount = 0
  }

  /// All accounts but sysvars and what the runtime has in every ledger, each under its key with its data in base64; those of
  /// programs alone where `filter.includeProgramAccounts` is false, named ones where `filter.includeAccounts` has them.
  func export(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    let filter = Options(object: try parameters.options(0)["filter"]?.object ?? JSONObject())
    let hasPrograms = try filter.bool("includeProgramAccounts") ?? true
    func keys(_ name: String) throws(RPCError) -> Set<Pubkey>? {
      guard let list = filter[name]?.array else { return nil }
      var keys: Set<Pubkey> = []
      for value in list { keys.insert(try Parameters.pubkey(Parameters.string(value))) }
      return keys
    }
    let (wanted, unwanted) = (try keys("includeAccounts"), try keys("excludeAccounts") ?? [])
    let store = producer.store
    let limit = Self.exportByteLimit
    let outcome = await solana.background.run { () -> Result<Export, StoreError> in
      Result { () throws(StoreError) in
        let export = Export()
        try store.forEachAccount(in: .all) { (key, account) throws(StoreError) in
          let isProgram = account.executable || account.owner == ProgramID.bpfLoaderUpgradeable
          if BuiltinAccounts.role(of: key, account) != nil || isProgram && !hasPrograms
            || unwanted.contains(key) || wanted?.contains(key) == false
          {
            return true
          }
          export.byteCount += account.data.count + 256
          export.accounts.append((key, account))
          return export.byteCount <= limit
        }
        return export
      }
    }
    let export = try solana.stored { () throws(StoreError) in try outcome.get() }
    if export.byteCount > limit {
      throw RPCError(-32000, "the accounts take more than \(limit) bytes: choose some with `filter`")
    }
    return SolanaRPC.answer(at: producer.head.slot) { writer in
      writer.object { writer in
        for (key, account) in export.accounts {
          writer.key(key.description)
          writer.object { writer in
            writer.member("lamports", account.lamports)
            writer.member("owner", account.owner.description)
            writer.member("executable", account.executable)
            writer.member("rentEpoch", account.rentEpoch)
            writer.member("data", Base64.encode(account.data))
            writer.memberNull("parsedData")
          }
        }
      }
    }
  }

  /// Takes what `estuary_exportAccounts` gives: an object of accounts by key.
  func importAccounts(_ parameters: Parameters) async throws(RPCError) -> [UInt8] {
    var accounts: [(key: Pubkey, account: Account?)] = []
    var seen: Set<Pubkey> = []
    for member in try parameters.options(0).object.members {
      let key = try Parameters.pubkey(member.name)
      guard let object = member.value.object, seen.insert(key).inserted else {
        throw .invalidParameters(
          "Invalid params: an account each is expected, as estuary_exportAccounts gives them.")
      }
      accounts.append(
        (
          key,
          try AccountUpdate.account(Options(object: object), over: nil, decode: { Base64.decode($0) })
        ))
    }
    return try await set(accounts)
  }
}

extension [UInt8] {
  fileprivate func uint64(at offset: Int) -> UInt64 {
    self[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  fileprivate mutating func set(_ value: UInt64, at offset: Int) {
    for index in 0..<8 { self[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
  }

  /// Four bytes that say whether there is a key, and the key.
  fileprivate mutating func set(_ key: Pubkey?, at offset: Int) {
    replaceSubrange(offset..<offset + 4, with: [key == nil ? 0 : 1, 0, 0, 0])
    replaceSubrange(offset + 4..<offset + 36, with: key?.bytes ?? Array(repeating: 0, count: 32))
  }
}
