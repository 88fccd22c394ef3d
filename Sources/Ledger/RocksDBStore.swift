// The ledger's default store: one directory, one RocksDB database, one synced write batch a block.
//
//   family      key                       value
//   default     "format"                  u64 format version, little-endian
//               "head"                    record of the last block
//               "lattice"                 its state lattice, 2,048 bytes
//   accounts    account key, 32 bytes     AccountRecord
//   blocks      height, u64 big-endian    BlockRecord
//
// A file "ESTUARY" beside the database's files marks the directory as a ledger before the database exists, so
// that an interrupted creation can be told from somebody else's directory.

import Glibc
import Primitives

package final class RocksDBStore: AccountStore, @unchecked Sendable {
  private enum Family {
    static let standard = 0
    static let accounts = 1
    static let blocks = 2
    static let names = ["default", "accounts", "blocks"]
  }

  private enum Entry {
    static let format = Array("format".utf8)
    static let head = Array("head".utf8)
    static let lattice = Array("lattice".utf8)
  }

  package enum Opening: Sendable {
    /// The ledger must be there.
    case existing
    /// An empty or missing directory becomes a ledger.
    case creatingIfMissing
  }

  /// Counts up with each change of what keys and values mean. 2: a slot's key is a hash without its tag.
  private static let formatVersion: UInt64 = 2
  private static let markerName = "ESTUARY"

  package let path: String
  private let database: RocksDatabase
  // Sound as Sendable: `last` is touched only under `lock`; `database` is thread-safe.
  private let lock = Lock()
  private var last: (head: BlockRecord, lattice: [UInt8])?

  /// Opens the ledger at `path`. A ledger is open in one process at a time.
  package init(path: String, _ opening: Opening = .creatingIfMissing) throws(StoreError) {
    self.path = path
    let isFresh = try Self.prepareDirectory(path, opening)
    // Before the database opens, for it deletes files that its manifest does not name.
    let hadTables = try Self.directoryEntries(path)?.contains { $0.hasSuffix(".sst") } ?? false
    do throws(RocksDBError) {
      database = try RocksDatabase(path: path, families: Family.names, create: isFresh)
    } catch {
      throw Self.storeError(error, path: path)
    }
    try checkFormat(mayBeEmpty: isFresh || !hadTables)
    last = try readHead()
  }

  // MARK: AccountStore

  package func account(_ key: Pubkey) throws(StoreError) -> Account? {
    let found = try attempt { () throws(RocksDBError) in
      try database.get(Family.accounts, key.bytes) { AccountRecord.decode($0) }
    }
    guard let found else { return nil }
    guard let account = found else { throw .corrupted(path: path, detail: "account \(key) is malformed") }
    return account
  }

  package func forEachAccount(_ body: (Pubkey, Account) throws(StoreError) -> Void) throws(StoreError) {
    try database.forEach(
      Family.accounts,
      { (keyBytes, value) throws(StoreError) in
        guard keyBytes.count == 32, let start = keyBytes.baseAddress,
          let account = AccountRecord.decode(value)
        else {
          throw .corrupted(path: self.path, detail: "account 0x\(Hex.encode(keyBytes)) is malformed")
        }
        try body(Pubkey(reading: start), account)
      }, orThrow: { Self.storeError($0, path: self.path) })
  }

  package var head: BlockRecord? { lock.withLock { last?.head } }

  package var stateLattice: [UInt8] { lock.withLock { last?.lattice ?? [] } }

  package func commit(_ block: BlockCommit) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      let expected = last.map { $0.head.height &+ 1 } ?? 0
      guard block.record.height == expected else {
        throw .outOfOrder(expectedHeight: expected, height: block.record.height)
      }
      let batch = RocksBatch()
      for change in block.changes {
        if let account = change.new {
          database.put(Family.accounts, change.key.bytes, AccountRecord.encode(account), in: batch)
        } else {
          database.delete(Family.accounts, change.key.bytes, in: batch)
        }
      }
      let record = block.record.encoded()
      database.put(Family.blocks, Self.blockKey(block.record.height), record, in: batch)
      database.put(Family.standard, Entry.head, record, in: batch)
      database.put(Family.standard, Entry.lattice, block.stateLattice, in: batch)
      try attempt { () throws(RocksDBError) in try database.write(batch) }
      last = (block.record, block.stateLattice)
    }
  }

  package func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    try database.forEach(
      Family.blocks,
      { (key, value) throws(StoreError) in
        guard let record = BlockRecord(decoding: value), key.elementsEqual(Self.blockKey(record.height))
        else {
          throw .corrupted(path: self.path, detail: "block 0x\(Hex.encode(key)) is malformed")
        }
        try body(record)
      }, orThrow: { Self.storeError($0, path: self.path) })
  }

  /// Copies the ledger as of now into a new directory; cheap, because unchanged files are shared.
  package func checkpoint(to copyPath: String) throws(StoreError) {
    do throws(RocksDBError) {
      try database.checkpoint(to: copyPath)
    } catch {
      throw .failed(path: copyPath, detail: error.text)
    }
    try Self.writeMarker(copyPath)
  }

  // MARK: Opening

  /// Whether a database may be made at `path`; throws where it is no place for a ledger.
  private static func prepareDirectory(_ path: String, _ opening: Opening) throws(StoreError) -> Bool {
    var names = try directoryEntries(path)
    if names == nil {
      guard opening == .creatingIfMissing else { throw .missing(path: path) }
      try makeDirectories(path)
      names = []
    }
    let entries = Set(names ?? [])
    if entries.isEmpty {
      guard opening == .creatingIfMissing else { throw .missing(path: path) }
      try writeMarker(path)
      return true
    }
    guard entries.contains(markerName) else { throw .foreign(path: path) }
    if entries.contains("CURRENT") { return false }
    // Killed between marking the directory and making the database: nothing was ever committed here.
    if entries.contains(where: { $0.hasSuffix(".sst") || $0.hasSuffix(".log") }) {
      throw .corrupted(path: path, detail: "the file CURRENT is missing")
    }
    guard opening == .creatingIfMissing else { throw .missing(path: path) }
    return true
  }

  /// `nil` where there is no directory.
  private static func directoryEntries(_ path: String) throws(StoreError) -> [String]? {
    guard let directory = opendir(path) else {
      let code = errno
      if code == ENOENT { return nil }
      if code == ENOTDIR { throw .foreign(path: path) }
      throw .failed(path: path, detail: FileError(errno: code).detail)
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  private static func makeDirectories(_ path: String) throws(StoreError) {
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      prefix += prefix.isEmpty || prefix.hasSuffix("/") ? String(part) : "/" + part
      if mkdir(prefix, 0o755) != 0 && errno != EEXIST {
        throw .failed(path: path, detail: FileError().detail)
      }
    }
  }

  private static func writeMarker(_ path: String) throws(StoreError) {
    let text = "This directory is an Estuary ledger.\n"
    do {
      try FileBytes.write(Array(text.utf8), to: path + "/" + markerName, mode: 0o644, replacing: true)
    } catch {
      throw .failed(path: path, detail: error.detail)
    }
  }

  private func checkFormat(mayBeEmpty: Bool) throws(StoreError) {
    let version = try attempt { () throws(RocksDBError) in
      try database.get(Family.standard, Entry.format) { bytes in
        bytes.count == 8 ? UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) : UInt64.max
      }
    }
    if let version {
      guard version == Self.formatVersion else { throw .unsupportedFormat(path: path, version: version) }
      return
    }
    // No version: creation was interrupted before its first write, or this never was a whole ledger.
    var isEmpty = true
    for family in Family.names.indices {
      try database.forEach(
        family, { (_, _) throws(StoreError) in isEmpty = false },
        orThrow: { Self.storeError($0, path: self.path) })
    }
    guard isEmpty && mayBeEmpty else { throw .corrupted(path: path, detail: "the format version is missing") }
    let batch = RocksBatch()
    database.put(Family.standard, Entry.format, SysvarWriter.uint64(Self.formatVersion), in: batch)
    try attempt { () throws(RocksDBError) in try database.write(batch) }
  }

  private func readHead() throws(StoreError) -> (head: BlockRecord, lattice: [UInt8])? {
    let record = try attempt { () throws(RocksDBError) in
      try database.get(Family.standard, Entry.head) { BlockRecord(decoding: $0) }
    }
    let lattice = try attempt { () throws(RocksDBError) in
      try database.get(Family.standard, Entry.lattice) { [UInt8]($0) }
    }
    switch (record, lattice) {
    case (nil, nil): return nil
    case (.some(.some(let head)), .some(let lattice)): return (head, lattice)
    default: throw .corrupted(path: path, detail: "the last block's record is malformed")
    }
  }

  // MARK: Small parts

  private static func blockKey(_ height: UInt64) -> [UInt8] {
    withUnsafeBytes(of: height.bigEndian) { Array($0) }
  }

  private func attempt<Value>(_ body: () throws(RocksDBError) -> Value) throws(StoreError) -> Value {
    do throws(RocksDBError) { return try body() } catch { throw Self.storeError(error, path: path) }
  }

  private static func storeError(_ error: RocksDBError, path: String) -> StoreError {
    if error.isLock { return .locked(path: path) }
    if error.isCorruption || error.isMissingFile { return .corrupted(path: path, detail: error.text) }
    if error.isForeign { return .foreign(path: path) }
    return .failed(path: path, detail: error.text)
  }
}
