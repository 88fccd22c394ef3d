// What a transaction may touch, at most: an account of Ethereum's is its balance, nonce and code, a storage slot stands
// for itself, an account of Solana's is all of it; writing includes reading. Written by the emulator, carried by a line
// of a replay, binding while the transaction executes. As JSON:
//
//   {"readAccounts": [ADDRESS…], "writeAccounts": [ADDRESS…], "readSlots": [[ADDRESS, SLOT]…],
//    "writeSlots": [[ADDRESS, SLOT]…], "solana": [{"pubkey": KEY, "isWritable": BOOL}…]}
//
// A list that is missing is empty. SLOT is hex text of at most 32 bytes behind "0x", or a JSON number.

import Primitives
import WideIntegers

/// The accounts and slots that a transaction may touch.
public struct AccessSet: Sendable, Equatable {
  /// One thing that the set may hold.
  public enum Key: Hashable, Sendable {
    case account(Address)
    case slot(Address, UInt256)
    /// An account of the runtime outside of the EVM's key space.
    case solana(Pubkey)
  }

  /// A slot of a contract's storage.
  public struct Slot: Hashable, Comparable, Sendable {
    public var address: Address
    public var slot: UInt256

    public init(_ address: Address, _ slot: UInt256) { (self.address, self.slot) = (address, slot) }

    public static func < (left: Slot, right: Slot) -> Bool {
      left.address == right.address ? left.slot < right.slot : left.address < right.address
    }
  }

  /// What may be touched, and how.
  public struct Entry<Key: Hashable & Comparable & Sendable>: Hashable, Sendable {
    public var key: Key
    public var isWritable: Bool

    public init(_ key: Key, isWritable: Bool) { (self.key, self.isWritable) = (key, isWritable) }
  }

  /// Ascending, each address once.
  public let accounts: [Entry<Address>]
  /// Ascending, each slot once.
  public let slots: [Entry<Slot>]
  /// Ascending, each key once; none of the EVM's key space.
  public let solana: [Entry<Pubkey>]

  /// Entries of any order; of several with one key the set holds one, writable if one of them is.
  public init(
    accounts: [Entry<Address>] = [], slots: [Entry<Slot>] = [], solana: [Entry<Pubkey>] = []
  ) {
    self.accounts = Self.canonical(accounts)
    self.slots = Self.canonical(slots)
    self.solana = Self.canonical(solana)
  }

  private static func canonical<Key>(_ entries: [Entry<Key>]) -> [Entry<Key>] {
    var result: [Entry<Key>] = []
    result.reserveCapacity(entries.count)
    for entry in entries.sorted(by: { $0.key < $1.key }) {
      if result.last?.key == entry.key {
        if entry.isWritable { result[result.count - 1].isWritable = true }
      } else {
        result.append(entry)
      }
    }
    return result
  }

  /// Number of entries.
  package var count: Int { accounts.count + slots.count + solana.count }

  // MARK: Membership

  /// Whether the set lets a transaction read `address`, or write it.
  public func contains(account address: Address, writing: Bool) -> Bool {
    Self.contains(address, in: accounts, writing)
  }

  public func contains(slot: UInt256, of address: Address, writing: Bool) -> Bool {
    Self.contains(Slot(address, slot), in: slots, writing)
  }

  /// An account of the runtime by its key; one of the EVM's accounts counts under its address.
  public func contains(solana key: Pubkey, writing: Bool) -> Bool {
    if case .account(let address)? = EVMKey.kind(of: key) {
      return contains(account: address, writing: writing)
    }
    return Self.contains(key, in: solana, writing)
  }

  package func contains(_ key: Key, writing: Bool) -> Bool {
    switch key {
    case .account(let address): contains(account: address, writing: writing)
    case .slot(let address, let slot): contains(slot: slot, of: address, writing: writing)
    case .solana(let key): contains(solana: key, writing: writing)
    }
  }

  private static func contains<Key>(_ key: Key, in entries: [Entry<Key>], _ writing: Bool) -> Bool {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].key < key { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].key == key && (entries[low].isWritable || !writing)
  }

  /// Every key, in a fixed order.
  package var keys: [(key: Key, isWritable: Bool)] {
    accounts.map { (.account($0.key), $0.isWritable) }
      + slots.map { (.slot($0.key.address, $0.key.slot), $0.isWritable) }
      + solana.map { (.solana($0.key), $0.isWritable) }
  }

  /// The set with everything of both.
  public func union(_ other: AccessSet) -> AccessSet {
    AccessSet(
      accounts: accounts + other.accounts, slots: slots + other.slots, solana: solana + other.solana)
  }
}

/// What an execution touched outside of its set.
public struct UndeclaredAccess: Error, Equatable, Sendable, CustomStringConvertible {
  public var key: AccessSet.Key
  public var isWrite: Bool

  package init(_ key: AccessSet.Key, isWrite: Bool) { (self.key, self.isWrite) = (key, isWrite) }

  public var description: String {
    let what =
      switch key {
      case .account(let address): "account \(address)"
      case .slot(let address, let slot): "slot \(AccessSet.text(of: slot)) of \(address)"
      case .solana(let key): "key \(key)"
      }
    return "undeclared access: \(isWrite ? "writes" : "reads") \(what)"
  }
}

// MARK: - JSON

/// What is wrong with a set's JSON.
public enum AccessSetError: Error, Equatable, Sendable, CustomStringConvertible {
  case noObject
  /// A member that a set does not have.
  case unknownMember(String)
  case noList(String)
  /// The entry at `index` of a list is not what belongs there.
  case entry(list: String, index: Int, expected: String)

  public var description: String {
    switch self {
    case .noObject: "\"access\" is no object"
    case .unknownMember(let name):
      "\"access\" has a member \"\(name.prefix(40))\": its lists are \(AccessSet.lists.joined(separator: ", "))"
    case .noList(let list): "access.\(list) is no array"
    case .entry(let list, let index, let expected): "access.\(list)[\(index)] is not \(expected)"
    }
  }
}

extension AccessSet {
  fileprivate static let lists = ["readAccounts", "writeAccounts", "readSlots", "writeSlots", "solana"]

  /// Reads the value of a line's member "access".
  package init(_ json: JSONValue) throws(AccessSetError) {
    guard let object = json.object else { throw .noObject }
    for member in object.members where !Self.lists.contains(member.name) {
      throw .unknownMember(member.name)
    }
    let (address, slot) = ("an address of 40 hex digits", "[ADDRESS, SLOT]")
    let accounts =
      try Self.list(json, "readAccounts", of: address) {
        Self.address($0).map { Entry($0, isWritable: false) }
      }
      + Self.list(json, "writeAccounts", of: address) { Self.address($0).map { Entry($0, isWritable: true) } }
    let slots =
      try Self.list(json, "readSlots", of: slot) { Self.slot($0).map { Entry($0, isWritable: false) } }
      + Self.list(json, "writeSlots", of: slot) { Self.slot($0).map { Entry($0, isWritable: true) } }
    let solana = try Self.list(
      json, "solana", of: "{\"pubkey\": KEY, \"isWritable\": BOOL} with a key outside of the EVM's",
      Self.solanaAccount)
    self.init(accounts: accounts, slots: slots, solana: solana)
  }

  private static func list<Key>(
    _ json: JSONValue, _ name: String, of expected: String, _ read: (JSONValue) -> Entry<Key>?
  ) throws(AccessSetError) -> [Entry<Key>] {
    guard let value = json[name] else { return [] }
    guard let values = value.array else { throw .noList(name) }
    var entries: [Entry<Key>] = []
    entries.reserveCapacity(values.count)
    for (index, value) in values.enumerated() {
      guard let entry = read(value) else { throw .entry(list: name, index: index, expected: expected) }
      entries.append(entry)
    }
    return entries
  }

  private static func address(_ json: JSONValue) -> Address? { json.string.flatMap { Address(hex: $0) } }

  private static func slot(_ json: JSONValue) -> Slot? {
    guard let parts = json.array, parts.count == 2, let address = address(parts[0]) else { return nil }
    if let number = parts[1].uint64 { return Slot(address, UInt256(number)) }
    guard let text = parts[1].string, text.hasPrefix("0x"), text.utf8.count > 2,
      let slot = UInt256(hex: text)
    else { return nil }
    return Slot(address, slot)
  }

  private static func solanaAccount(_ json: JSONValue) -> Entry<Pubkey>? {
    guard json.object?.members.count == 2, let text = json["pubkey"]?.string, text.utf8.count <= 44,
      let bytes = Base58.decode(text), let key = Pubkey(bytes), !EVMKey.contains(key),
      let isWritable = json["isWritable"]?.bool
    else { return nil }
    return Entry(key, isWritable: isWritable)
  }

  /// Writes the set as `init(_:)` reads it, with every list.
  package func write(to writer: inout JSONWriter) {
    func write(accounts isWritable: Bool) {
      writer.array { writer in
        for entry in accounts where entry.isWritable == isWritable { writer.value(entry.key.description) }
      }
    }
    func write(slots isWritable: Bool) {
      writer.array { writer in
        for entry in slots where entry.isWritable == isWritable {
          writer.array { writer in
            writer.value(entry.key.address.description)
            writer.value(Self.text(of: entry.key.slot))
          }
        }
      }
    }
    writer.beginObject()
    writer.key("readAccounts")
    write(accounts: false)
    writer.key("writeAccounts")
    write(accounts: true)
    writer.key("readSlots")
    write(slots: false)
    writer.key("writeSlots")
    write(slots: true)
    writer.key("solana")
    writer.array { writer in
      for entry in solana {
        writer.object {
          $0.member("pubkey", entry.key.description)
          $0.member("isWritable", entry.isWritable)
        }
      }
    }
    writer.endObject()
  }

  fileprivate static func text(of slot: UInt256) -> String { "0x" + Hex.encode(slot.bigEndianBytes) }
}
