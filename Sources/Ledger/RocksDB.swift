// The few calls of RocksDB's C interface that the ledger makes (https://github.com/facebook/rocksdb, c.h),
// with its `char **` errors turned into values and freed.

import CRocksDB
import Glibc

/// What RocksDB said. Its texts begin with a kind, as in "Corruption: block checksum mismatch".
struct RocksDBError: Error, Equatable {
  let text: String

  var isCorruption: Bool { text.hasPrefix("Corruption") }
  var isLock: Bool { text.hasPrefix("IO error") && text.contains("/LOCK:") }
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

/// An open database with its column families. Thread-safe, as RocksDB is; closed when the last reference
/// goes.
final class RocksDatabase: @unchecked Sendable {
  // Sound as Sendable: constant pointers to objects that RocksDB documents as safe for concurrent use.
  private let database: OpaquePointer
  private let families: [OpaquePointer]
  private let options: OpaquePointer
  private let readOptions: OpaquePointer
  private let syncedWrite: OpaquePointer

  /// Opens what is at `path`, making missing families, and the database where `create` says so. Families can
  /// be missing because a database is made before its families and a process may be killed in between.
  init(path: String, families names: [String], create: Bool) throws(RocksDBError) {
    let options = Self.makeOptions(create: create)
    var handles = [OpaquePointer?](repeating: nil, count: names.count)
    var cNames: [UnsafePointer<CChar>?] = names.map { UnsafePointer(strdup($0)) }
    defer { for name in cNames { free(UnsafeMutablePointer(mutating: name)) } }
    var familyOptions = [OpaquePointer?](repeating: options, count: names.count)
    do throws(RocksDBError) {
      let opened = try RocksDB.check {
        rocksdb_open_column_families(
          options, path, Int32(names.count), &cNames, &familyOptions, &handles, $0)
      }
      guard let opened else { throw RocksDBError(text: "the database was not opened") }
      database = opened
    } catch {
      rocksdb_options_destroy(options)
      throw error
    }
    families = handles.compactMap { $0 }
    self.options = options
    readOptions = rocksdb_readoptions_create()
    syncedWrite = rocksdb_writeoptions_create()
    rocksdb_writeoptions_set_sync(syncedWrite, 1)
  }

  private static func makeOptions(create: Bool) -> OpaquePointer {
    let options: OpaquePointer = rocksdb_options_create()
    rocksdb_options_set_create_if_missing(options, create ? 1 : 0)
    rocksdb_options_set_create_missing_column_families(options, 1)
    rocksdb_options_set_paranoid_checks(options, 1)
    // A commit that was cut off by a kill is the torn tail of the log; any other damage there is an error.
    rocksdb_options_set_wal_recovery_mode(options, Int32(rocksdb_tolerate_corrupted_tail_records_recovery))
    rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
    rocksdb_options_set_keep_log_file_num(options, 1)
    rocksdb_options_set_info_log_level(options, 3)  // errors
    return options
  }

  deinit {
    for family in families { rocksdb_column_family_handle_destroy(family) }
    rocksdb_close(database)
    rocksdb_readoptions_destroy(readOptions)
    rocksdb_writeoptions_destroy(syncedWrite)
    rocksdb_options_destroy(options)
  }

  /// Calls `body` with the value at `key`; `nil` where there is none.
  func get<Value>(
    _ family: Int, _ key: [UInt8], _ body: (UnsafeRawBufferPointer) -> Value
  ) throws(RocksDBError) -> Value? {
    var count = 0
    let value = try RocksDB.check { message in
      key.withUnsafeBytes { key in
        rocksdb_get_cf(
          database, readOptions, families[family], key.baseAddress?.assumingMemoryBound(to: CChar.self),
          key.count,
          &count, message)
      }
    }
    guard let value else { return nil }
    defer { rocksdb_free(value) }
    return body(UnsafeRawBufferPointer(start: value, count: count))
  }

  /// Calls `body` with every key and value of `family`, in ascending byte order, as of the call.
  func forEach<Failure: Error>(
    _ family: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Void,
    orThrow convert: (RocksDBError) -> Failure
  ) throws(Failure) {
    let options: OpaquePointer = rocksdb_readoptions_create()
    defer { rocksdb_readoptions_destroy(options) }
    rocksdb_readoptions_set_fill_cache(options, 0)  // one pass over everything would push out what is hot
    let iterator: OpaquePointer = rocksdb_create_iterator_cf(database, options, families[family])
    defer { rocksdb_iter_destroy(iterator) }
    rocksdb_iter_seek_to_first(iterator)
    while rocksdb_iter_valid(iterator) != 0 {
      var keyCount = 0
      var valueCount = 0
      let key = rocksdb_iter_key(iterator, &keyCount)
      let value = rocksdb_iter_value(iterator, &valueCount)
      try body(
        UnsafeRawBufferPointer(start: key, count: keyCount),
        UnsafeRawBufferPointer(start: value, count: valueCount))
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
}
