// Reading a genesis file. Members that are not known are passed over; members that are known must be right,
// and an error names the place.

import Primitives

extension Genesis {
  /// Reads the file at `path`; program paths in it are relative to its directory.
  package static func read(_ path: String) throws(GenesisError) -> Genesis {
    let bytes: [UInt8]
    do { bytes = try FileBytes.readText(path, limit: byteCountLimit) } catch {
      throw .unreadable(path: path, detail: error.detail)
    }
    return try parse(bytes, path: path)
  }

  /// Reads one account from a file as `solana account --output json` prints it.
  package static func readAccount(_ path: String) throws(GenesisError) -> (key: Pubkey, account: Account) {
    let bytes: [UInt8]
    do { bytes = try FileBytes.readText(path, limit: accountFileByteCountLimit) } catch {
      throw .unreadable(path: path, detail: error.detail)
    }
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes) } catch { throw .json(path: path, error) }
    var reader = GenesisReader(path: path)
    return try reader.account(json)
  }

  /// Some twenty million accounts; the file and what it says are in memory at once.
  private static let byteCountLimit = 4 << 30

  /// An account of 10 MiB in base64, and room.
  private static let accountFileByteCountLimit = 16 << 20

  /// Reads a genesis' text; `path` names it in errors and anchors its program paths.
  package static func parse(_ bytes: [UInt8], path: String) throws(GenesisError) -> Genesis {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes) } catch { throw .json(path: path, error) }
    var reader = GenesisReader(path: path)
    return try reader.genesis(json)
  }
}

private struct GenesisReader {
  let path: String
  private var accounts: [(key: Pubkey, account: Account)] = []
  private var seen: Set<Pubkey> = []

  init(path: String) { self.path = path }

  mutating func genesis(_ json: JSONValue) throws(GenesisError) -> Genesis {
    guard json.object != nil else { throw invalid("", .expected(.object)) }
    let slot = try unsigned(json, "slot", in: "")
    guard slot <= BlockRecord.countLimit else { throw invalid("slot", .expected(.counted)) }
    guard let unixTimestamp = try member(json, "unixTimestamp", in: "").int64,
      unixTimestamp.magnitude <= BlockRecord.countLimit
    else {
      throw invalid("unixTimestamp", .expected(.time))
    }
    let blockhash: Hash = try bytes32(json, "blockhash", in: "", .hash)
    var ethereum: EthereumGenesis?
    if let section = json["ethereum"], !section.isNull {
      if unixTimestamp < 0 { throw invalid("unixTimestamp", .expected(.ethereumTime)) }
      ethereum = try EthereumGenesis.parse(section, path: path)
    }
    for (index, entry) in try list(json, "accounts").enumerated() {
      try readAccount(entry, at: "accounts[\(index)]")
    }
    let rent = try givenRent()
    for (index, entry) in try list(json, "programs").enumerated() {
      try readProgram(entry, at: "programs[\(index)]", rent: rent)
    }
    do throws(SysvarError) {
      return try Genesis(
        slot: slot, unixTimestamp: unixTimestamp, blockhash: blockhash, accounts: accounts, ethereum: ethereum
      )
    } catch {
      switch error {
      case .missing(let key), .malformed(let key): throw invalid("accounts", .malformedSysvar(key))
      }
    }
  }

  // MARK: Accounts

  mutating func account(_ json: JSONValue) throws(GenesisError) -> (key: Pubkey, account: Account) {
    try readAccount(json, at: "")
    return accounts[0]
  }

  private mutating func readAccount(_ entry: JSONValue, at location: String) throws(GenesisError) {
    let key: Pubkey = try bytes32(entry, "pubkey", in: location, .key)
    let value = try member(entry, "account", in: location)
    let inner = place("account", in: location)
    let account = Account(
      lamports: try unsigned(value, "lamports", in: inner),
      data: try data(value, in: inner),
      owner: try bytes32(value, "owner", in: inner, .key),
      executable: try boolean(value, "executable", in: inner) ?? false,
      rentEpoch: try rentEpoch(value, in: inner))
    try add(key, account, at: location)
  }

  private mutating func add(_ key: Pubkey, _ account: Account, at location: String) throws(GenesisError) {
    guard seen.insert(key).inserted else { throw invalid(location, .duplicateAccount(key)) }
    accounts.append((key, account))
  }

  private func data(_ value: JSONValue, in location: String) throws(GenesisError) -> [UInt8] {
    let location = location + ".data"
    guard let data = value["data"] else { throw invalid(location, .missing) }
    guard let parts = data.array, parts.count == 2, let text = parts[0].string, parts[1].string == "base64",
      let bytes = Base64.decode(text)
    else { throw invalid(location, .expected(.encodedData)) }
    guard bytes.count <= Account.maximumDataByteCount else {
      throw invalid(location, .tooLong(byteCount: bytes.count))
    }
    return bytes
  }

  /// Clients that keep numbers as doubles print 2^64−1 as 18446744073709552000; that and anything above it is
  /// meant.
  private func rentEpoch(_ value: JSONValue, in location: String) throws(GenesisError) -> UInt64 {
    guard let epoch = value["rentEpoch"] else { return .max }
    if let number = epoch.uint64 { return number }
    if case .number = epoch, let double = epoch.double, double >= 0x1p64 { return .max }
    throw invalid(location + ".rentEpoch", .expected(.unsigned))
  }

  // MARK: Programs

  /// The rent sysvar's values, for the balances of programs.
  private func givenRent() throws(GenesisError) -> Rent {
    guard let given = accounts.first(where: { $0.key == SysvarID.rent && $0.account.lamports > 0 }) else {
      return Rent()
    }
    var reader = SysvarReader(given.account.data)
    guard let rent = reader.rent() else { throw invalid("accounts", .malformedSysvar(SysvarID.rent)) }
    return rent
  }

  private mutating func readProgram(_ entry: JSONValue, at location: String, rent: Rent) throws(GenesisError)
  {
    let key: Pubkey = try bytes32(entry, "programId", in: location, .key)
    guard let file = try member(entry, "path", in: location).string else {
      throw invalid(location + ".path", .expected(.text))
    }
    let elf: [UInt8]
    let elfPath = resolve(file)
    do { elf = try FileBytes.read(elfPath, limit: Account.maximumDataByteCount) } catch {
      throw .unreadable(path: elfPath, detail: error.detail)
    }
    guard !UpgradeableProgram.isTranslatedCode(elf) else {
      throw invalid(location + ".path", .translatedCode)
    }
    let (program, programData) = UpgradeableProgram.accounts(programID: key, elf: elf, rent: rent)
    guard programData.account.data.count <= Account.maximumDataByteCount else {
      throw invalid(location + ".path", .tooLong(byteCount: elf.count))
    }
    try add(key, program, at: location)
    try add(programData.key, programData.account, at: location)
  }

  private func resolve(_ file: String) -> String {
    guard !file.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return file }
    return path[...slash] + file
  }

  // MARK: Values

  private func invalid(_ location: String, _ problem: GenesisError.Problem) -> GenesisError {
    .invalid(path: path, location: location, problem)
  }

  private func place(_ name: String, in location: String) -> String {
    location.isEmpty ? name : location + "." + name
  }

  private func member(_ value: JSONValue, _ name: String, in location: String) throws(GenesisError)
    -> JSONValue
  {
    guard value.object != nil else { throw invalid(location, .expected(.object)) }
    guard let member = value[name] else { throw invalid(place(name, in: location), .missing) }
    return member
  }

  private func unsigned(_ value: JSONValue, _ name: String, in location: String) throws(GenesisError)
    -> UInt64
  {
    guard let number = try member(value, name, in: location).uint64 else {
      throw invalid(place(name, in: location), .expected(.unsigned))
    }
    return number
  }

  private func boolean(_ value: JSONValue, _ name: String, in location: String) throws(GenesisError) -> Bool?
  {
    guard let flag = value[name] else { return nil }
    guard let flag = flag.bool else { throw invalid(place(name, in: location), .expected(.boolean)) }
    return flag
  }

  private func list(_ value: JSONValue, _ name: String) throws(GenesisError) -> [JSONValue] {
    guard let list = value[name] else { return [] }
    guard let elements = list.array else { throw invalid(name, .expected(.array)) }
    return elements
  }

  private func bytes32<Value: Bytes32>(
    _ value: JSONValue, _ name: String, in location: String, _ expectation: GenesisError.Expectation
  ) throws(GenesisError) -> Value {
    guard let text = try member(value, name, in: location).string, text.utf8.count <= 44,
      let bytes = Base58.decode(text), let key = Value(bytes)
    else { throw invalid(place(name, in: location), .expected(expectation)) }
    return key
  }
}
