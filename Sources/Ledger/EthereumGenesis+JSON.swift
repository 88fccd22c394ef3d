// The `ethereum` member of a genesis file: reading, and writing it back into a dump. Quantities are hex text as
// Ethereum's JSON spells them (`0x2a`), or JSON numbers.

import Primitives
import WideIntegers

extension EthereumGenesis {
  /// Reads the section `json` of the genesis file at `path`.
  static func parse(_ json: JSONValue, path: String) throws(GenesisError) -> EthereumGenesis {
    try EthereumReader(path: path).genesis(json)
  }

  /// More than any genesis of a test or a fork of a small chain has.
  private static let allocByteCountLimit = 256 << 20

  /// Reads a file of accounts in the form of geth's `alloc`: the object itself, or one whose member `alloc` it is.
  ///
  /// - Returns: accounts in ascending order of addresses.
  package static func readAlloc(_ path: String) throws(GenesisError) -> [Account] {
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileBytes.readText(path, limit: allocByteCountLimit) } catch {
      throw .unreadable(path: path, detail: error.detail)
    }
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes) } catch { throw .json(path: path, error) }
    return try EthereumReader(path: path, section: "").alloc(json["alloc"] ?? json)
  }

  /// The section as an object of one line.
  package var json: [UInt8] {
    var writer = JSONWriter()
    write(to: &writer)
    return writer.bytes
  }

  private func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("chainId", chainID)
    writer.member("fork", fork)
    writer.member("baseFeePerGas", baseFeePerGas.description)
    if keepsBaseFee { writer.member("keepsBaseFee", true) }
    if let number { writer.member("number", UInt256(number).description) }
    writer.member("coinbase", coinbase.description)
    writer.member("gasLimit", UInt256(gasLimit).description)
    writer.member("prevRandao", Self.padded(prevRandao))
    writer.member("difficulty", difficulty.description)
    writer.member("excessBlobGas", UInt256(excessBlobGas).description)
    writer.member("parentBeaconBlockRoot", "0x" + Hex.encode(parentBeaconBlockRoot.bytes))
    writer.key("blockHashes")
    writer.object { writer in
      for (number, hash) in blockHashes {
        writer.member(UInt256(number).description, "0x" + Hex.encode(hash.bytes))
      }
    }
    writer.key("withdrawals")
    writer.array { writer in
      for withdrawal in withdrawals { withdrawal.write(to: &writer) }
    }
    writer.key("alloc")
    writer.object { writer in
      for account in alloc {
        writer.key(account.address.description)
        account.write(to: &writer)
      }
    }
    writer.endObject()
  }

  fileprivate static func padded(_ word: UInt256) -> String { "0x" + Hex.encode(word.bigEndianBytes) }
}

extension EthereumGenesis.Withdrawal {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("index", UInt256(index).description)
      writer.member("validatorIndex", UInt256(validatorIndex).description)
      writer.member("address", address.description)
      writer.member("amount", UInt256(amount).description)
    }
  }
}

extension EthereumGenesis.Account {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("balance", balance.description)
      writer.member("nonce", UInt256(nonce).description)
      if !code.isEmpty { writer.member("code", "0x" + Hex.encode(code)) }
      if !storage.isEmpty {
        writer.key("storage")
        writer.object { writer in
          for slot in storage {
            writer.member(EthereumGenesis.padded(slot.key), EthereumGenesis.padded(slot.value))
          }
        }
      }
    }
  }
}

/// Reads members of such a section; errors name file and place.
package struct EthereumReader {
  let path: String
  /// Where in the file the members lie that errors name.
  var section = "ethereum"
  /// As geth does, which writes whole numbers in either way: text without `0x` is decimal, a slot's value hex.
  var takesDecimals = false

  package init(path: String, section: String = "ethereum", takesDecimals: Bool = false) {
    (self.path, self.section, self.takesDecimals) = (path, section, takesDecimals)
  }

  func genesis(_ json: JSONValue) throws(GenesisError) -> EthereumGenesis {
    guard json.object != nil else { throw invalid("", .expected(.object)) }
    guard let chainID = try word(json, "chainId", in: "")?.uint64 else { throw missing(json, "chainId") }
    guard let coinbase = try address(json, "coinbase", in: "") else { throw missing(json, "coinbase") }
    guard let baseFee = try word(json, "baseFeePerGas", in: "") else { throw missing(json, "baseFeePerGas") }
    guard baseFee.bitWidth <= 128 else { throw invalid("baseFeePerGas", .expected(.price)) }
    var fork = EthereumGenesis.defaultFork
    if let given = json["fork"] {
      guard let name = given.string else { throw invalid("fork", .expected(.text)) }
      fork = name
    }
    var genesis = EthereumGenesis(
      chainID: chainID, fork: fork, baseFeePerGas: baseFee, coinbase: coinbase)
    if let limit = try unsigned(json, "gasLimit", in: "") { genesis.gasLimit = limit }
    if let stays = json["keepsBaseFee"] {
      guard let stays = stays.bool else { throw invalid("keepsBaseFee", .expected(.boolean)) }
      genesis.keepsBaseFee = stays
    }
    if let number = try unsigned(json, "number", in: "") {
      guard number <= BlockRecord.countLimit else { throw invalid("number", .expected(.counted)) }
      genesis.number = number
    }
    if let randao = try word(json, "prevRandao", in: "") { genesis.prevRandao = randao }
    if let difficulty = try word(json, "difficulty", in: "") { genesis.difficulty = difficulty }
    if let excess = try unsigned(json, "excessBlobGas", in: "") { genesis.excessBlobGas = excess }
    if let root = try hash(json["parentBeaconBlockRoot"], at: "parentBeaconBlockRoot") {
      genesis.parentBeaconBlockRoot = root
    }
    genesis.blockHashes = try blockHashes(json)
    genesis.withdrawals = try withdrawals(json)
    genesis.alloc = try json["alloc"].map { (given) throws(GenesisError) in try alloc(given) } ?? []
    return genesis
  }

  private func blockHashes(_ json: JSONValue) throws(GenesisError) -> [(number: UInt64, hash: Hash)] {
    guard let given = json["blockHashes"] else { return [] }
    guard let members = given.object?.members else { throw invalid("blockHashes", .expected(.object)) }
    var hashes: [(number: UInt64, hash: Hash)] = []
    for member in members {
      let location = "blockHashes." + member.name
      guard let number = UInt256(hex: member.name)?.uint64 else {
        throw invalid(location, .expected(.quantity))
      }
      guard let hash = try hash(member.value, at: location) else {
        throw invalid(location, .expected(.word))
      }
      hashes.append((number, hash))
    }
    return hashes.sorted { $0.number < $1.number }
  }

  private func withdrawals(_ json: JSONValue) throws(GenesisError) -> [EthereumGenesis.Withdrawal] {
    guard let given = json["withdrawals"] else { return [] }
    guard let entries = given.array else { throw invalid("withdrawals", .expected(.array)) }
    var withdrawals: [EthereumGenesis.Withdrawal] = []
    for (index, entry) in entries.enumerated() {
      let location = "withdrawals[\(index)]"
      guard entry.object != nil else { throw invalid(location, .expected(.object)) }
      guard let address = try address(entry, "address", in: location) else {
        throw invalid(location + ".address", .missing)
      }
      guard let amount = try unsigned(entry, "amount", in: location) else {
        throw invalid(location + ".amount", .missing)
      }
      withdrawals.append(
        .init(
          index: try unsigned(entry, "index", in: location) ?? UInt64(index),
          validatorIndex: try unsigned(entry, "validatorIndex", in: location) ?? 0, address: address,
          amount: amount))
    }
    return withdrawals
  }

  package func alloc(_ given: JSONValue) throws(GenesisError) -> [EthereumGenesis.Account] {
    guard let members = given.object?.members else { throw invalid("alloc", .expected(.object)) }
    var accounts: [EthereumGenesis.Account] = []
    accounts.reserveCapacity(members.count)
    for member in members { accounts.append(try account(member.name, member.value)) }
    accounts.sort { $0.address < $1.address }
    // Names differ as text, but upper and lower case are the same address.
    for (left, right) in zip(accounts, accounts.dropFirst()) where left.address == right.address {
      throw invalid("alloc." + right.address.description, .duplicateAddress(right.address))
    }
    return accounts
  }

  private func account(
    _ name: String, _ value: JSONValue
  ) throws(GenesisError) -> EthereumGenesis.Account {
    let location = "alloc." + name
    guard let address = Address(hex: name) else { throw invalid(location, .expected(.address)) }
    guard value.object != nil else { throw invalid(location, .expected(.object)) }
    var account = EthereumGenesis.Account(address: address)
    if let balance = try word(value, "balance", in: location) { account.balance = balance }
    if let nonce = try unsigned(value, "nonce", in: location) { account.nonce = nonce }
    if let code = value["code"], !code.isNull {
      guard let text = code.string, let bytes = Hex.decode(text) else {
        throw invalid(location + ".code", .expected(.hex))
      }
      account.code = bytes
    }
    if let storage = value["storage"], !storage.isNull {
      guard let slots = storage.object?.members else {
        throw invalid(location + ".storage", .expected(.object))
      }
      for slot in slots {
        let place = location + ".storage." + slot.name
        guard let key = UInt256(hex: slot.name) else { throw invalid(place, .expected(.quantity)) }
        let hexValue = takesDecimals ? slot.value.string.flatMap { UInt256(hex: $0) } : nil
        var value = hexValue
        if value == nil { value = try word(slot.value, at: place) }
        guard let value else { throw invalid(place, .expected(.quantity)) }
        if !value.isZero { account.storage.append(.init(key: key, value: value)) }
      }
      account.storage.sort { $0.key < $1.key }
      for (left, right) in zip(account.storage, account.storage.dropFirst()) where left.key == right.key {
        throw invalid(location + ".storage", .duplicateSlot(right.key.description))
      }
    }
    return account
  }

  // MARK: Values

  package func invalid(_ location: String, _ problem: GenesisError.Problem) -> GenesisError {
    let parts = [section, location].filter { !$0.isEmpty }
    return .invalid(path: path, location: parts.joined(separator: "."), problem)
  }

  /// The error for a member that is not there or not what belongs there.
  private func missing(_ json: JSONValue, _ name: String) -> GenesisError {
    invalid(name, json[name] == nil ? .missing : .expected(.quantity))
  }

  private func place(_ name: String, in location: String) -> String {
    location.isEmpty ? name : location + "." + name
  }

  package func word(_ json: JSONValue, _ name: String, in location: String) throws(GenesisError) -> UInt256? {
    try word(json[name], at: place(name, in: location))
  }

  private func word(_ value: JSONValue?, at location: String) throws(GenesisError) -> UInt256? {
    guard let value, !value.isNull else { return nil }
    if let number = value.uint64 { return UInt256(number) }
    if takesDecimals {
      let digits = if case .number(let digits) = value { digits } else { value.string ?? "" }
      if let number = Self.decimal(digits) { return number }
    }
    guard let text = value.string, text.hasPrefix("0x"), let word = UInt256(hex: text) else {
      throw invalid(location, .expected(.quantity))
    }
    return word
  }

  /// Below 2^256, at most 2^253 with certainty: more than any chain has of anything.
  private static func decimal(_ text: String) -> UInt256? {
    var value = UInt256.zero
    for character in text.utf8 {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character), value.bitWidth <= 252 else {
        return nil
      }
      value = value &* 10 &+ UInt256(UInt64(character - UInt8(ascii: "0")))
    }
    return text.isEmpty ? nil : value
  }

  package func unsigned(_ json: JSONValue, _ name: String, in location: String) throws(GenesisError)
    -> UInt64?
  {
    guard let word = try word(json, name, in: location) else { return nil }
    guard let number = word.uint64 else { throw invalid(place(name, in: location), .expected(.unsigned)) }
    return number
  }

  package func address(_ json: JSONValue, _ name: String, in location: String) throws(GenesisError)
    -> Address?
  {
    guard let value = json[name] else { return nil }
    guard let text = value.string, let address = Address(hex: text) else {
      throw invalid(place(name, in: location), .expected(.address))
    }
    return address
  }

  package func bytes(_ json: JSONValue, _ name: String, in location: String) throws(GenesisError) -> [UInt8]?
  {
    guard let value = json[name], !value.isNull else { return nil }
    guard let text = value.string, let bytes = Hex.decode(text) else {
      throw invalid(place(name, in: location), .expected(.hex))
    }
    return bytes
  }

  package func hash(_ value: JSONValue?, at location: String) throws(GenesisError) -> Hash? {
    guard let value, !value.isNull else { return nil }
    guard let text = value.string, let bytes = Hex.decode(text), let hash = Hash(bytes) else {
      throw invalid(location, .expected(.word))
    }
    return hash
  }
}
