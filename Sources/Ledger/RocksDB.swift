// The few calls of RocksDB's C interface that the ledger makes (https://github.com/facebook/rocksdb, c.h),
// with its `char **` errors turned into values and freed.

import CRocksDB
import Glibc

/// What RocksDB said. Its texts begin with a kind, as in "Corruption: block checksum mismatch".
struct RocksDBError: Error, Equatable {
  let text: String

  var isCorruption: Bool { text.hasPrefix("Corruption") }
  /// Somebody has the database open; not that its lock file cannot be made.
  var isLock: Bool {
    text.contains("/LOCK:")
      && (text.contains("temporarily unavailable") || text.contains("hold by current process"))
  }
  /// A file that the database names is not there.
  var isMissingFile: Bool {
    text.hasPrefix("IO error: No such file") || text.contains("No such file or directory")
  }
  /// The database has column families that we do not know.
  var isForeign: Bool { text.hasPrefix("Invalid argument: Column famil") }
}

enum RocksDB {
  /// Runs a call that reports errors through its last argument.
  static func check<Result>(
    _ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) throws(RocksDBError) -> Result {
    var message: UnsafeMutablePointer<CChar>?
    let result = call(&message)
    if let message {
      defer { rocksdb_free(message) }
      throw RocksDBError(text: String(cString: message))
    }
    return result
  }
}

/// A column family and how it is written.
struct RocksFamily {
  let name: String
  /// Keys only ever go up. Levelled compaction moves such files down untouched, so that thousands of small
  /// ones pile up; universal compaction merges them.
  var isAppendOnly = false
}

/// An open database with its column families. Thread-safe, as RocksDB is; closed when the last reference
/// goes.
final class RocksDatabase: @unchecked Sendable {
  enum Access {
    /// Makes the database and missing families.
    case creating
    case writing
    /// Writes nothing into the directory, takes no lock, and sees what was committed before the call.
    case reading
  }

  // Sound as Sendable: constant pointers to objects that RocksDB documents as safe for concurrent use.
  private let database: OpaquePointer
  /// `nil` where an older ledger, opened for reading, has no such family: it is empty.
  private let families: [OpaquePointer?]
  private let options: [OpaquePointer]
  private let readOptions: OpaquePointer
  /// For what is not going to be read again: it stays out of the cache.
  private let passingReadOptions: OpaquePointer
  private let syncedWrite: OpaquePointer
  /// Let go after the database is closed.
  private let companion: AnyObject?

  /// Opens what is at `path`, making missing families unless it only reads: a database is made before its
  /// families, and a process may be killed in between.
  ///
  /// - Parameters:
  ///   - openFiles: table files held open at a time; -1: all of them, from the start.
  ///   - blockCacheByteCount: bytes of tables' blocks that are held in memory.
  ///   - companion: held until the database is closed.
  init(
    path: String, families: [RocksFamily], _ access: Access, openFiles: Int = 256,
    blockCacheByteCount: Int = 8 << 20, keeping companion: AnyObject? = nil
  ) throws(RocksDBError) {
    self.companion = companion
    let base = try Self.makeOptions(access, openFiles: openFiles)
    Self.setTables(of: base, blockCacheByteCount: blockCacheByteCount)
    let known: Set<String>
    do throws(RocksDBError) {
      known = access == .reading ? try Self.familyNames(path, base) : Set(families.map(\.name))
    } catch {
      rocksdb_options_destroy(base)
      throw error
    }
    let present = families.indices.filter { known.contains(families[$0].name) }
    let options = [base] + present.map { Self.familyOptions(base, families[$0]) }
    var handles = [OpaquePointer?](repeating: nil, count: present.count)
    var names: [UnsafePointer<CChar>?] = present.map { UnsafePointer(strdup(families[$0].name)) }
    defer { for name in names { free(UnsafeMutablePointer(mutating: name)) } }
    var familyOptions: [OpaquePointer?] = Array(options.dropFirst())
    let count = Int32(present.count)
    do throws(RocksDBError) {
      let opened = try RocksDB.check {
        switch access {
        case .reading:
          rocksdb_open_for_read_only_column_families(
            base, path, count, &names, &familyOptions, &handles, 0, $0)
        case .creating, .writing:
          rocksdb_open_column_families(base, path, count, &names, &familyOptions, &handles, $0)
        }
      }
      guard let opened else { throw RocksDBError(text: "the database was not opened") }
      database = opened
    } catch {
      for options in options { rocksdb_options_destroy(options) }
      throw error
    }
    var placed = [OpaquePointer?](repeating: nil, count: families.count)
    for (place, handle) in zip(present, handles) { placed[place] = handle }
    self.families = placed
    self.options = options
    readOptions = rocksdb_readoptions_create()
    passingReadOptions = rocksdb_readoptions_create()
    rocksdb_readoptions_set_fill_cache(passingReadOptions, 0)
    syncedWrite = rocksdb_writeoptions_create()
    rocksdb_writeoptions_set_sync(syncedWrite, 1)
  }

  /// What C's setters do not offer. A command opens, commits one block and ends: were the log moved into
  /// tables at each opening, each command would leave table files; `RocksDBStore` moves it when there are
  /// enough of them.
  ///
  /// Changes on their way into tables have a filter, too: most look-ups are of what has not changed of late, or of new keys.
  private static let textOptions =
    "avoid_flush_during_recovery=true;avoid_flush_during_shutdown=true;"
    + "memtable_whole_key_filtering=true;memtable_prefix_bloom_size_ratio=0.01"

  /// The memory for changes on their way into tables, over all families, in bytes.
  static let writeBufferByteCount = 24 << 20
  /// The log's bytes at which it is moved into tables.
  private static let logByteLimit: UInt64 = 64 << 20

  private static func makeOptions(_ access: Access, openFiles: Int) throws(RocksDBError) -> OpaquePointer {
    let plain: OpaquePointer = rocksdb_options_create()
    defer { rocksdb_options_destroy(plain) }
    let options: OpaquePointer = rocksdb_options_create()
    do throws(RocksDBError) {
      try RocksDB.check { rocksdb_get_options_from_string(plain, textOptions, options, $0) }
    } catch {
      rocksdb_options_destroy(options)
      throw error
    }
    rocksdb_options_set_create_if_missing(options, access == .creating ? 1 : 0)
    rocksdb_options_set_create_missing_column_families(options, access == .reading ? 0 : 1)
    rocksdb_options_set_paranoid_checks(options, 1)
    // A commit that was cut off by a kill is the torn tail of the log; other damage that RocksDB notices there is an
    // error. What it does not notice `RocksDBStore` does.
    rocksdb_options_set_wal_recovery_mode(options, Int32(rocksdb_tolerate_corrupted_tail_records_recovery))
    // All families' tables of one moment reach the manifest in one piece: cut short, it loses all or none.
    rocksdb_options_set_atomic_flush(options, 1)
    rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
    rocksdb_options_set_max_open_files(options, Int32(openFiles))
    rocksdb_options_set_write_buffer_size(options, writeBufferByteCount * 2 / 3)
    rocksdb_options_set_db_write_buffer_size(options, writeBufferByteCount)
    rocksdb_options_set_max_total_wal_size(options, logByteLimit)
    rocksdb_options_set_max_manifest_file_size(options, 4 << 20)
    // Nothing goes to the text log: RocksDB 7.8 aborts when it writes a line after one that did not fit on
    // the disk. A reader has no log at all: a directory that cannot be made is how the C interface is told.
    rocksdb_options_set_info_log_level(options, 5)
    rocksdb_options_set_keep_log_file_num(options, 1)
    if access == .reading { rocksdb_options_set_db_log_dir(options, "/dev/null/none") }
    return options
  }

  /// Bits that a table's filter has for each key: one look in a hundred for a key that is not there reads a block.
  private static let filterBitCount = 10.0

  /// How all families' tables are made and read.
  private static func setTables(of options: OpaquePointer, blockCacheByteCount: Int) {
    let tables: OpaquePointer = rocksdb_block_based_options_create()
    defer { rocksdb_block_based_options_destroy(tables) }
    rocksdb_block_based_options_set_filter_policy(
      tables, rocksdb_filterpolicy_create_bloom_full(filterBitCount))
    let cache: OpaquePointer = rocksdb_cache_create_lru(blockCacheByteCount)
    defer { rocksdb_cache_destroy(cache) }
    rocksdb_block_based_options_set_block_cache(tables, cache)
    rocksdb_options_set_block_based_table_factory(options, tables)
  }

  /// The families that the database at `path` has.
  static func familyNames(_ path: String) throws(RocksDBError) -> Set<String> {
    let options: OpaquePointer = rocksdb_options_create()
    defer { rocksdb_options_destroy(options) }
    return try familyNames(path, options)
  }

  private static func familyNames(
    _ path: String, _ options: OpaquePointer
  ) throws(RocksDBError) -> Set<String> {
    var count = 0
    let list = try RocksDB.check { rocksdb_list_column_families(options, path, &count, $0) }
    defer { rocksdb_list_column_families_destroy(list, count) }
    return Set((0..<count).compactMap { index in list?[index].map { String(cString: $0) } })
  }

  private static func familyOptions(_ base: OpaquePointer, _ family: RocksFamily) -> OpaquePointer {
    let options: OpaquePointer = rocksdb_options_create_copy(base)
    if family.isAppendOnly {
      rocksdb_options_set_compaction_style(options, Int32(rocksdb_universal_compaction))
    }
    return options
  }

  deinit {
    for case let family? in families { rocksdb_column_family_handle_destroy(family) }
    rocksdb_close(database)
    rocksdb_readoptions_destroy(readOptions)
    rocksdb_readoptions_destroy(passingReadOptions)
    rocksdb_writeoptions_destroy(syncedWrite)
    for options in options { rocksdb_options_destroy(options) }
  }

  /// Calls `body` with the value at `key`; `nil` where there is none.
  ///
  /// - Parameter isCached: whether the cache may hold the block of it from then on.
  func get<Value>(
    _ family: Int, _ key: [UInt8], isCached: Bool = true, _ body: (UnsafeRawBufferPointer) -> Value
  ) throws(RocksDBError) -> Value? {
    guard let handle = families[family] else { return nil }
    var count = 0
    let value = try RocksDB.check { message in
      key.withUnsafeBytes { key in
        rocksdb_get_cf(
          database, isCached ? readOptions : passingReadOptions, handle,
          key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count, &count, message)
      }
    }
    guard let value else { return nil }
    defer { rocksdb_free(value) }
    return body(UnsafeRawBufferPointer(start: value, count: count))
  }

  /// Calls `body` with every key and value of `family`, in ascending byte order, as of the call.
  ///
  /// - Parameter first: the least key; `nil` for all of them.
  func forEach<Failure: Error>(
    _ family: Int, from first: [UInt8]? = nil,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Void,
    orThrow convert: (RocksDBError) -> Failure
  ) throws(Failure) {
    try forEach(
      family, from: first ?? [],
      while: { (key, value) throws(Failure) in
        try body(key, value)
        return true
      }, orThrow: convert)
  }

  /// The same from `start` on, until `body` says false.
  func forEach<Failure: Error>(
    _ family: Int, from start: [UInt8],
    while body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Bool,
    orThrow convert: (RocksDBError) -> Failure
  ) throws(Failure) {
    guard let handle = families[family] else { return }
    let options: OpaquePointer = rocksdb_readoptions_create()
    defer { rocksdb_readoptions_destroy(options) }
    rocksdb_readoptions_set_fill_cache(options, 0)  // one pass over everything would push out what is hot
    let iterator: OpaquePointer = rocksdb_create_iterator_cf(database, options, handle)
    defer { rocksdb_iter_destroy(iterator) }
    if start.isEmpty {
      rocksdb_iter_seek_to_first(iterator)
    } else {
      start.withUnsafeBytes { start in
        rocksdb_iter_seek(iterator, start.baseAddress?.assumingMemoryBound(to: CChar.self), start.count)
      }
    }
    while rocksdb_iter_valid(iterator) != 0 {
      var keyCount = 0
      var valueCount = 0
      let key = rocksdb_iter_key(iterator, &keyCount)
      let value = rocksdb_iter_value(iterator, &valueCount)
      let goesOn = try body(
        UnsafeRawBufferPointer(start: key, count: keyCount),
        UnsafeRawBufferPointer(start: value, count: valueCount))
      if !goesOn { return }
      rocksdb_iter_next(iterator)
    }
    do throws(RocksDBError) {
      try RocksDB.check { rocksdb_iter_get_error(iterator, $0) }
    } catch {
      throw convert(error)
    }
  }

  /// Writes `batch` in one piece and returns when it is on the disk.
  func write(_ batch: RocksBatch) throws(RocksDBError) {
    try RocksDB.check { rocksdb_write(database, syncedWrite, batch.batch, $0) }
  }

  func put(_ family: Int, _ key: [UInt8], _ value: [UInt8], in batch: RocksBatch) {
    key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        rocksdb_writebatch_put_cf(
          batch.batch, families[family], key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
          value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
      }
    }
  }

  func delete(_ family: Int, _ key: [UInt8], in batch: RocksBatch) {
    key.withUnsafeBytes { key in
      rocksdb_writebatch_delete_cf(
        batch.batch, families[family], key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count)
    }
  }

  /// Moves the log into tables, family after family.
  func flush() throws(RocksDBError) {
    let options: OpaquePointer = rocksdb_flushoptions_create()
    defer { rocksdb_flushoptions_destroy(options) }
    rocksdb_flushoptions_set_wait(options, 1)
    for case let family? in families {
      try RocksDB.check { rocksdb_flush_cf(database, options, family, $0) }
    }
  }

  /// Whether RocksDB calls tables of some family due to be merged.
  var isCompactionDue: Bool { has("rocksdb.compaction-pending") }

  private func has(_ property: String) -> Bool {
    families.contains { family in family.map { number(property, $0) ?? 0 > 0 } ?? false }
  }

  /// Waits until no tables are being merged or about to be, at most so long: a process that ends before throws the merge
  /// away. RocksDB also calls tables due of which it then merges none, as a family's that are just as many as make it look:
  /// what is due and has not begun for a while is not waited for.
  ///
  /// - Returns: false when the time ran out.
  @discardableResult func waitForCompactions(seconds: Double) -> Bool {
    let pollMicroseconds: UInt32 = 1000
    let idlePollLimit = 50
    var idlePolls = 0
    for _ in 0..<Int(seconds * 1e6) / Int(pollMicroseconds) {
      if has("rocksdb.num-running-compactions") {
        idlePolls = 0
      } else {
        guard idlePolls < idlePollLimit, isCompactionDue else { return true }
        idlePolls += 1
      }
      usleep(pollMicroseconds)
    }
    return false
  }

  /// RocksDB's estimate of the keys in `family`.
  func estimatedKeyCount(_ family: Int) -> UInt64 {
    families[family].flatMap { number("rocksdb.estimate-num-keys", $0) } ?? 0
  }

  private func number(_ property: String, _ family: OpaquePointer) -> UInt64? {
    var value: UInt64 = 0
    return rocksdb_property_int_cf(database, family, property, &value) == 0 ? value : nil
  }

  /// Makes a copy of the database at `path`, which must not exist; unchanged files are shared by hard links.
  func checkpoint(to path: String) throws(RocksDBError) {
    let checkpoint = try RocksDB.check { rocksdb_checkpoint_object_create(database, $0) }
    guard let checkpoint else { throw RocksDBError(text: "no checkpoint was made") }
    defer { rocksdb_checkpoint_object_destroy(checkpoint) }
    try RocksDB.check { rocksdb_checkpoint_create(checkpoint, path, 0, $0) }
  }
}

/// Changes that are written together.
final class RocksBatch {
  fileprivate let batch: OpaquePointer = rocksdb_writebatch_create()

  deinit { rocksdb_writebatch_destroy(batch) }

  /// What it takes in the log.
  var byteCount: Int {
    var count = 0
    _ = rocksdb_writebatch_data(batch, &count)
    return count
  }
}
