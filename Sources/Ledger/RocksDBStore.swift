// The ledger's default store: one directory, one RocksDB database, one synced write batch a block.
//
//   family      key                       value
//   default     "format"                  u64 format version, little-endian
//               "head"                    record of the last block
//               "lattice"                 its state lattice, 2,048 bytes
//               family (1) · key          StoreEntry of settings and of the three indices, each block's in its batch
//   accounts    account key, 32 bytes     AccountRecord
//   blocks      height, u64 big-endian    BlockRecord
//   trie-nodes, account-versions, solana-blocks
//                                         StoreEntry of these families
//   journal     family (1) · key          StoreEntry of ethereum-blocks, block-accounts and undo, whose keys go up
//
// Ledgers of earlier versions have a column family for each family of entries, and keep them (`Layout`). Each column family
// takes milliseconds when a database is made, and some at each opening.
//
// Beside the database's files: "ESTUARY" marks the directory as a ledger before the database exists, so that
// an interrupted creation can be told from somebody else's directory; WRITER is the writer's lock
// (`LedgerLock`); HEAD names the last block that was committed (`HeadFile`).

import Glibc
import Primitives

package final class RocksDBStore: AccountStore, @unchecked Sendable {
  enum Family {
    static let standard = 0
    static let accounts = 1
    static let blocks = 2
  }

  /// Which column families there are, and where in them entries lie.
  struct Layout {
    let families: [RocksFamily]
    /// By `StoreFamily`.
    private let places: [(family: Int, prefix: UInt8?)]

    /// What no column family holds is in the first one.
    private init(_ named: [(RocksFamily, holding: [StoreFamily])]) {
      let first = [
        RocksFamily(name: "default"), RocksFamily(name: "accounts"),
        RocksFamily(name: "blocks", isAppendOnly: true),
      ]
      families = first + named.map(\.0)
      places = StoreFamily.allCases.map { family in
        let prefix = UInt8(family.rawValue)
        guard let place = named.firstIndex(where: { $0.holding.contains(family) }) else {
          return (RocksDBStore.Family.standard, prefix)
        }
        let isAlone = named[place].holding.count == 1
        return (first.count + place, isAlone ? nil : prefix)
      }
    }

    static let current = Layout([
      (RocksFamily(name: "trie-nodes"), [.trieNodes]),
      (RocksFamily(name: "account-versions"), [.accountVersions]),
      // Is walked from a block's first key: tables of other blocks are passed over by their range, which takes a family of
      // its own.
      (RocksFamily(name: "solana-blocks", isAppendOnly: true), [.solanaBlocks]),
      (RocksFamily(name: "journal", isAppendOnly: true), [.ethereumBlocks, .blockAccounts, .undo]),
    ])

    /// Of earlier versions.
    static let separate = Layout([
      (RocksFamily(name: "settings"), [.settings]),
      (RocksFamily(name: "ethereum-blocks", isAppendOnly: true), [.ethereumBlocks]),
      (RocksFamily(name: "ethereum-index"), [.ethereumIndex]),
      (RocksFamily(name: "trie-nodes"), [.trieNodes]),
      (RocksFamily(name: "solana-blocks", isAppendOnly: true), [.solanaBlocks]),
      (RocksFamily(name: "solana-index"), [.solanaIndex]),
      (RocksFamily(name: "account-versions"), [.accountVersions]),
      (RocksFamily(name: "block-accounts", isAppendOnly: true), [.blockAccounts]),
      (RocksFamily(name: "account-index"), [.accountIndex]),
    ])

    /// That of a database with these families.
    init(ofFamilies names: Set<String>) { self = names.contains("settings") ? .separate : .current }

    /// The column family of `family`, and what its keys begin with.
    func place(of family: StoreFamily) -> (family: Int, prefix: UInt8?) { places[family.rawValue] }

    /// The same with a key.
    func place(of family: StoreFamily, _ key: [UInt8]) -> (family: Int, key: [UInt8]) {
      let place = place(of: family)
      return (place.family, place.prefix.map { [$0] + key } ?? key)
    }
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
    /// The ledger must be there. Nothing is written and no lock taken: what its writer commits later is not
    /// seen.
    case reading
  }

  /// Counts up with each change of what keys and values mean. 2: a slot's key is a hash without its tag.
  private static let formatVersion: UInt64 = 2

  package let path: String
  let database: RocksDatabase
  private let layout: Layout
  // Sound as Sendable: what is `var` is touched only under `lock`; the others are thread-safe.
  private let lock = Lock()
  private var last: Last?
  /// `nil` where the store was opened for reading.
  private let headFile: HeadFile?
  /// Whether HEAD names the last block.
  private var marksHead = true
  /// All blocks up to this one are known to be there and in tables.
  private var settledHeight: UInt64 = 0

  /// Of accounts; the rest of what `init` was given is for the database's blocks.
  package let cacheByteCount: Int?

  /// A quarter of the machine's memory.
  package static let defaultCacheByteCount = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 4

  /// Opens the ledger at `path`: for writing in one process at a time, for reading in any number.
  ///
  /// - Parameters:
  ///   - patience: how long to wait for another writer.
  ///   - cacheByteCount: bytes of what was read that may be held in memory; what the database needs to work comes on top
  ///     (docs/ledger.md), and so does what a block changes.
  package init(
    path: String, _ opening: Opening = .creatingIfMissing, patience: LockPatience = .brief,
    cacheByteCount: Int = RocksDBStore.defaultCacheByteCount
  ) throws(StoreError) {
    self.path = path
    let blockCacheByteCount = min(cacheByteCount / 8, Self.largestBlockCacheByteCount)
    self.cacheByteCount = cacheByteCount - blockCacheByteCount
    if opening == .reading {
      (database, layout, last) = try Self.openForReading(path, blockCacheByteCount)
      headFile = nil
      return
    }
    let opened = try Self.openForWriting(path, opening, patience, blockCacheByteCount)
    (database, layout) = (opened.database, opened.layout)
    try Self.checkFormat(database, layout, path, mayBeEmpty: opened.isEmpty)
    last = try Self.readHead(database, path)
    let mark = try Self.readMark(path)
    do throws(FileError) { headFile = try HeadFile(path) } catch {
      throw .failed(path: path, detail: error.detail)
    }
    try Self.check(mark, database, last, path)
    settledHeight = mark?.settledHeight ?? 0
    marksHead = false  // the opening began another manifest
    if opened.logCount >= Self.logCountLimit {
      try settle()
      database.waitForCompactions(seconds: Self.compactionSeconds)
    } else {
      try settleIfDue()
    }
    try markHead()
  }

  /// The system caches what is read from files as well.
  private static let largestBlockCacheByteCount = 256 << 20

  typealias Last = (head: BlockRecord, lattice: [UInt8])

  // MARK: AccountStore

  package func account(_ key: Pubkey) throws(StoreError) -> Account? {
    let found = try Self.attempt(path) { () throws(RocksDBError) in
      try database.get(Family.accounts, key.bytes) { AccountRecord.decode($0) }
    }
    guard let found else { return nil }
    guard let account = found else { throw .corrupted(path: path, detail: "account \(key) is malformed") }
    return account
  }

  package func forEachAccount(
    in keys: ClosedRange<Pubkey>, unless isKnown: (Pubkey) -> Bool,
    _ body: (Pubkey, Account) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try Self.forEachAccount(database, path, in: keys, unless: isKnown, body)
  }

  package var estimatedAccountCount: Int {
    Int(clamping: database.estimatedKeyCount(Family.accounts))
  }

  var lastBlock: Last? { lock.withLock { last } }

  /// For the marks of copies.
  var settled: UInt64 { lock.withLock { settledHeight } }

  package var head: BlockRecord? { lock.withLock { last?.head } }

  package var stateLattice: [UInt8] { lock.withLock { last?.lattice ?? [] } }

  package func commit(_ block: BlockCommit) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      guard let headFile else { throw .failed(path: path, detail: "it was opened for reading") }
      let expected = last.map { $0.head.height &+ 1 } ?? 0
      guard block.record.height == expected else {
        throw .outOfOrder(expectedHeight: expected, height: block.record.height)
      }
      try markHead()
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
      put(block.entries, in: batch)
      try Self.attempt(path) { () throws(RocksDBError) in try database.write(batch) }
      guard headFile.isThere else { throw .failed(path: path, detail: "its directory was removed") }
      last = (block.record, block.stateLattice)
      marksHead = false
      // The block is committed; what cannot be done now is the next commit's error.
      try? settleIfDue(behind: batch)
      try? markHead()
    }
  }

  package func revert(_ reversal: StoreReversal) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      guard let headFile else { throw .failed(path: path, detail: "it was opened for reading") }
      let height = reversal.record.height
      guard let last, height <= last.head.height else { throw .noSuchBlock(height: height) }
      // HEAD may name a block below the database's last one, and none above it: it goes back first.
      let settled = min(settledHeight, height)
      do throws(FileError) {
        try headFile.write(reversal.record, settledHeight: settled, of: path, isGoingBack: true)
      } catch {
        throw .failed(path: path, detail: "the file \(HeadFile.fileName): \(error.detail)")
      }
      marksHead = false
      let batch = RocksBatch()
      for (key, account) in reversal.accounts {
        if let account {
          database.put(Family.accounts, key.bytes, AccountRecord.encode(account), in: batch)
        } else {
          database.delete(Family.accounts, key.bytes, in: batch)
        }
      }
      for later in height..<last.head.height {
        database.delete(Family.blocks, Self.blockKey(later + 1), in: batch)
      }
      database.put(Family.standard, Entry.head, reversal.record.encoded(), in: batch)
      database.put(Family.standard, Entry.lattice, reversal.stateLattice, in: batch)
      put(reversal.entries, in: batch)
      try Self.attempt(path) { () throws(RocksDBError) in try database.write(batch) }
      settledHeight = settled
      self.last = (reversal.record, reversal.stateLattice)
    }
  }

  /// Writes entries that belong to no block, beside the blocks that are committed.
  package func write(_ entries: [StoreEntry]) throws(StoreError) {
    guard headFile != nil else { throw .failed(path: path, detail: "it was opened for reading") }
    if entries.isEmpty { return }
    let batch = RocksBatch()
    put(entries, in: batch)
    try Self.attempt(path) { () throws(RocksDBError) in try database.write(batch) }
  }

  private func put(_ entries: [StoreEntry], in batch: RocksBatch) {
    for entry in entries {
      let place = layout.place(of: entry.family, entry.key)
      if let value = entry.value {
        database.put(place.family, place.key, value, in: batch)
      } else {
        database.delete(place.family, place.key, in: batch)
      }
    }
  }

  /// Blocks that an opening looks for one by one, at most (but for those of one opening's logs).
  private static let unsettledBlockLimit: UInt64 = 1024

  /// - Parameter batch: the last one written. One that fills the memory for changes alone (a large genesis) is moved at once:
  ///   the next opening would read all of it from the log.
  private func settleIfDue(behind batch: RocksBatch? = nil) throws(StoreError) {
    guard let last else { return }
    let isLarge = (batch?.byteCount ?? 0) >= RocksDatabase.writeBufferByteCount
    guard isLarge || last.head.height - settledHeight >= Self.unsettledBlockLimit else { return }
    try settle()
  }

  /// Moves the log into tables. Every block is known to be there: the opening has looked for those it found, and
  /// the others are this store's own.
  private func settle() throws(StoreError) {
    try Self.attempt(path) { () throws(RocksDBError) in try database.flush() }
    settledHeight = last?.head.height ?? 0
  }

  /// Brings HEAD up to the last block.
  private func markHead() throws(StoreError) {
    guard !marksHead, let headFile, let head = last?.head else { return }
    do throws(FileError) {
      try headFile.write(head, settledHeight: settledHeight, of: path)
    } catch {
      throw .failed(path: path, detail: "the file \(HeadFile.fileName): \(error.detail)")
    }
    marksHead = true
  }

  package func value(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try value(family, key, isCached: true)
  }

  package func valueInPassing(_ family: StoreFamily, _ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try value(family, key, isCached: false)
  }

  private func value(
    _ family: StoreFamily, _ key: [UInt8], isCached: Bool
  ) throws(StoreError) -> [UInt8]? {
    let place = layout.place(of: family, key)
    return try Self.attempt(path) { () throws(RocksDBError) in
      try database.get(place.family, place.key, isCached: isCached) { [UInt8]($0) }
    }
  }

  package func forEachEntry(
    _ family: StoreFamily, from key: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let (place, start) = (layout.place(of: family), layout.place(of: family, key).key)
    try database.forEach(
      place.family, from: start,
      while: { (key, value) throws(StoreError) in
        guard let prefix = place.prefix else { return try body([UInt8](key), [UInt8](value)) }
        return try key.first == prefix ? body([UInt8](key.dropFirst()), [UInt8](value)) : false
      }, orThrow: { Self.storeError($0, path: path) })
  }

  package func forEachBlock(_ body: (BlockRecord) throws(StoreError) -> Void) throws(StoreError) {
    try Self.forEachBlock(database, path, body)
  }

  // MARK: Opening

  static func checkFormat(
    _ database: RocksDatabase, _ layout: Layout, _ path: String, mayBeEmpty: Bool
  ) throws(StoreError) {
    let version = try attempt(path) { () throws(RocksDBError) in
      try database.get(Family.standard, Entry.format) { bytes in
        bytes.count == 8 ? UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) : UInt64.max
      }
    }
    if let version {
      guard version == formatVersion else { throw .unsupportedFormat(path: path, version: version) }
      return
    }
    // No version: creation was interrupted before its first write, or this never was a whole ledger.
    var isEmpty = true
    for family in layout.families.indices {
      try database.forEach(
        family, { (_, _) throws(StoreError) in isEmpty = false },
        orThrow: { storeError($0, path: path) })
    }
    guard isEmpty && mayBeEmpty else { throw .corrupted(path: path, detail: "the format version is missing") }
    let batch = RocksBatch()
    database.put(Family.standard, Entry.format, SysvarWriter.uint64(formatVersion), in: batch)
    try attempt(path) { () throws(RocksDBError) in try database.write(batch) }
  }

  static func readHead(_ database: RocksDatabase, _ path: String) throws(StoreError) -> Last? {
    let record = try attempt(path) { () throws(RocksDBError) in
      try database.get(Family.standard, Entry.head) { BlockRecord(decoding: $0) }
    }
    let lattice = try attempt(path) { () throws(RocksDBError) in
      try database.get(Family.standard, Entry.lattice) { [UInt8]($0) }
    }
    switch (record, lattice) {
    case (nil, nil): return nil
    case (.some(.some(let head)), .some(let lattice)):
      guard head.slot <= BlockRecord.countLimit, head.height <= BlockRecord.countLimit else {
        throw .failed(
          path: path, detail: "its slot \(head.slot) leaves no room to count on: begin another ledger")
      }
      return (head, lattice)
    default: throw .corrupted(path: path, detail: "the last block's record is malformed")
    }
  }

  // MARK: Small parts

  static func blockKey(_ height: UInt64) -> [UInt8] {
    withUnsafeBytes(of: height.bigEndian) { Array($0) }
  }

  static func attempt<Value>(
    _ path: String, _ body: () throws(RocksDBError) -> Value
  ) throws(StoreError) -> Value {
    do throws(RocksDBError) { return try body() } catch { throw storeError(error, path: path) }
  }

  static func storeError(_ error: RocksDBError, path: String) -> StoreError {
    if error.isLock { return .locked(path: path, holder: nil) }
    if error.isCorruption || error.isMissingFile { return .corrupted(path: path, detail: error.text) }
    if error.isForeign { return .foreign(path: path) }
    return .failed(path: path, detail: error.text)
  }
}
