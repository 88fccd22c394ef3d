// A store of an embedding program's own: what it brings is an ordered map of bytes, written in batches that are there whole
// or not at all; how a ledger lies in it is settled here.
//
//   first byte of the key    rest of the key            value
//   0                        –                          u64 format version · u64 number of accounts · state lattice, 2,048
//                                                       bytes · BlockRecord of the last block
//   1                        account key, 32 bytes      AccountRecord
//   2                        height, u64 big-endian     BlockRecord
//   3 and on                 StoreEntry's               StoreEntry's, a family a byte
//
// Numbers are little-endian unless said otherwise.

import Primitives

/// An ordered map of bytes that a ledger can live in. Reads may come from any thread, also while a batch is written; batches
/// come one at a time. One ledger has it to itself.
public protocol KeyValueStore: AnyObject, Sendable {
  /// The value under `key`; `nil` where there is none.
  func value(for key: [UInt8]) throws(StoreError) -> [UInt8]?

  /// Calls `body` with the keys from `first` on and their values, in ascending byte order, as of one moment, until it says
  /// false.
  func forEach(
    from first: [UInt8], _ body: (_ key: [UInt8], _ value: [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError)

  /// Makes all changes of `batch`, of which none can get lost any more when this returns; where it throws, none. `nil`
  /// removes a key; of several changes of one key the last counts.
  func write(_ batch: [(key: [UInt8], value: [UInt8]?)]) throws(StoreError)
}

package final class KeyValueAccountStore: AccountStore, @unchecked Sendable {
  private static let formatVersion: UInt64 = 1

  private enum Key {
    static let head: [UInt8] = [0]
    static let accounts: UInt8 = 1
    static let blocks: UInt8 = 2

    static func account(_ key: Pubkey) -> [UInt8] { [accounts] + key.bytes }
    static func block(_ height: UInt64) -> [UInt8] { [blocks] + bigEndian(height) }
    static func table(_ family: StoreFamily) -> UInt8 { 3 + UInt8(family.rawValue) }

    private static func bigEndian(_ number: UInt64) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
    }
  }

  private struct Last {
    var record: BlockRecord
    var lattice: [UInt8]
    var accountCount: UInt64
  }

  private let store: any KeyValueStore
  // Sound as Sendable: what is `var` is touched only under `lock`.
  private let lock = Lock()
  private var last: Last?

  /// Goes on where `store` stands; an empty one is an empty ledger.
  package init(over store: any KeyValueStore) throws(StoreError) {
    self.store = store
    if let head = try store.value(for: Key.head) {
      last = try Self.decode(head, of: store)
    } else {
      try store.forEach(from: []) { (_, _) throws(StoreError) in
        throw .foreign(path: Self.name(of: store))
      }
    }
  }

  /// For errors: the type of the program's store.
  private static func name(of store: any KeyValueStore) -> String { "\(type(of: store))" }

  private func damaged(_ what: String) -> StoreError {
    .corrupted(path: Self.name(of: store), detail: "\(what) is malformed")
  }

  private static func decode(_ bytes: [UInt8], of store: any KeyValueStore) throws(StoreError) -> Last {
    let found = bytes.withUnsafeBytes { buffer -> (version: UInt64, last: Last?)? in
      var reader = ByteReader(buffer)
      do throws(CodecError) {
        let version = try reader.readUInt64()
        guard version == formatVersion else { return (version, nil) }
        let accountCount = try reader.readUInt64()
        let lattice = [UInt8](try reader.read(byteCount: LatticeHash.byteCount))
        guard let record = BlockRecord(decoding: try reader.read(byteCount: reader.remaining)) else {
          return nil
        }
        return (version, Last(record: record, lattice: lattice, accountCount: accountCount))
      } catch {
        return nil
      }
    }
    guard let found else {
      throw .corrupted(path: name(of: store), detail: "the record of the last block is malformed")
    }
    guard let last = found.last else {
      throw .unsupportedFormat(path: name(of: store), version: found.version)
    }
    return last
  }

  private static func encode(_ last: Last) -> [UInt8] {
    var writer = ByteWriter(capacity: 16 + LatticeHash.byteCount + 256)
    writer.write(formatVersion)
    writer.write(last.accountCount)
    writer.write(last.lattice)
    writer.write(last.record.encoded())
    return writer.bytes
  }

  // MARK: AccountStore

  package func account(_ key: Pubkey) throws(StoreError) -> Account? {
    guard let bytes = try store.value(for: Key.account(key)) else { return nil }
    return try account(key, bytes)
  }

  private func account(_ key: Pubkey, _ bytes: [UInt8]) throws(StoreError) -> Account {
    guard let account = bytes.withUnsafeBytes({ AccountRecord.decode($0) }) else {
      throw damaged("account \(key)")
    }
    return account
  }

  package func forEachAccount(
    in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try forEach(in: Key.accounts, from: keys.lowerBound.bytes) { (bytes, value) throws(StoreError) in
      guard let key = Pubkey(bytes) else { throw damaged("an account's key") }
      if key > keys.upperBound { return false }
      if isKnown(key) { return true }
      return try body(key, try account(key, value))
    }
  }

  package var estimatedAccountCount: Int { lock.withLock { Int(clamping: last?.accountCount ?? 0) } }
  package var cacheByteCount: Int? { RocksDBStore.defaultCacheByteCount }
  package var head: BlockRecord? { lock.withLock { last?.record } }
  package var stateLattice: [UInt8] { lock.withLock { last?.lattice ?? [] } }

  package func commit(_ block: BlockCommit) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      let expected = last.map { $0.record.height &+ 1 } ?? 0
      guard block.record.height == expected else {
        throw .outOfOrder(expectedHeight: expected, height: block.record.height)
      }
      var next = Last(
        record: block.record, lattice: block.stateLattice, accountCount: last?.accountCount ?? 0)
      var batch: [(key: [UInt8], value: [UInt8]?)] = []
      batch.reserveCapacity(block.changes.count + block.entries.count + 2)
      for change in block.changes {
        if change.old == nil { next.accountCount &+= 1 }
        if change.new == nil { next.accountCount &-= 1 }
        batch.append((Key.account(change.key), change.new.map(AccountRecord.encode)))
      }
      for entry in block.entries { batch.append(([Key.table(entry.family)] + entry.key, entry.value)) }
      batch.append((Key.block(block.record.height), block.record.encoded()))
      batch.append((Key.head, Self.encode(next)))
      try store.write(batch)
      last = next
    }
  }

  package func revert(_ reversal: StoreReversal) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      let height = reversal.record.height
      guard let last, height <= last.record.height else { throw .noSuchBlock(height: height) }
      var next = Last(
        record: reversal.record, lattice: reversal.stateLattice, accountCount: last.accountCount)
      var batch: [(key: [UInt8], value: [UInt8]?)] = []
      for (key, account) in reversal.accounts {
        let isThere = try store.value(for: Key.account(key)) != nil
        if isThere && account == nil { next.accountCount &-= 1 }
        if !isThere && account != nil { next.accountCount &+= 1 }
        batch.append((Key.account(key), account.map(AccountRecord.encode)))
      }
      for entry in reversal.entries { batch.append(([Key.table(entry.family)] + entry.key, entry.value)) }
      for later in height..<last.record.height { batch.append((Key.block(later + 1), nil)) }
      batch.append((Key.head, Self.encode(next)))
      try store.write(batch)
      self.last = next
    }
  }

  package func value(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try store.value(for: [Key.table(family)] + key)
  }

  package func forEachEntry(
    _ family: StoreFamily, from key: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try forEach(in: Key.table(family), from: key, body)
  }

  package func block(_ height: UInt64) throws(StoreError) -> BlockRecord? {
    guard let bytes = try store.value(for: Key.block(height)) else { return nil }
    return try record(bytes)
  }

  package func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    try forEach(in: Key.blocks, from: []) { (_, value) throws(StoreError) in
      try body(try record(value))
      return true
    }
  }

  private func record(_ bytes: [UInt8]) throws(StoreError) -> BlockRecord {
    guard let record = bytes.withUnsafeBytes({ BlockRecord(decoding: $0) }) else {
      throw damaged("a block's record")
    }
    return record
  }

  /// Keys without their first byte.
  private func forEach(
    in table: UInt8, from first: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try store.forEach(from: [table] + first) { (key, value) throws(StoreError) in
      guard key.first == table else { return false }
      return try body(Array(key.dropFirst()), value)
    }
  }
}
