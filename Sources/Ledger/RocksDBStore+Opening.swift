// Opening a ledger directory: what may be there, who else has it open, and how many files that takes.

import Glibc

extension RocksDBStore {
  private static let markerName = "ESTUARY"

  /// Whether `path` holds a ledger, finished or not.
  package static func isLedger(_ path: String) -> Bool { access(path + "/" + markerName, F_OK) == 0 }

  /// Runs `body` while nobody writes the ledger at `path`; throws `locked` where somebody does.
  package static func whileUnused<Value>(path: String, _ body: () throws -> Value) throws -> Value {
    let lock = try LedgerLock(path, .brief)
    defer { withExtendedLifetime(lock) {} }
    return try body()
  }

  /// Logs in the directory at which they are moved into tables: each opening begins a new one.
  static let logCountLimit = 24
  /// How long a command that moved them stays for the merge of small tables that follows.
  static let compactionSeconds = 2.0

  // MARK: Writing

  /// The database, with the writer's lock; whether it may be without its format version; the logs that were
  /// there.
  static func openForWriting(
    _ path: String, _ opening: Opening, _ patience: LockPatience, _ blockCacheByteCount: Int
  ) throws(StoreError) -> (database: RocksDatabase, layout: Layout, isEmpty: Bool, logCount: Int) {
    // Before the lock, which would leave its file in a directory that is none of ours.
    _ = try prepareDirectory(path, opening)
    let lock = try LedgerLock(path, patience)
    let isFresh = try prepareDirectory(path, opening)
    // Before the database opens, for it deletes files that its manifest does not name.
    let names = try directoryEntries(path) ?? []
    func open(_ layout: Layout) throws(RocksDBError) -> RocksDatabase {
      try RocksDatabase(
        path: path, families: layout.families, isFresh ? .creating : .writing, openFiles: openFileLimit,
        blockCacheByteCount: blockCacheByteCount, keeping: lock)
    }
    let (database, layout) = try attempt(path) { () throws(RocksDBError) in
      do throws(RocksDBError) { return (try open(.current), Layout.current) } catch {
        guard error.isForeign else { throw error }
        // It has families that the current layout has not.
        return (try open(.separate), .separate)
      }
    }
    return (
      database, layout, isFresh || !names.contains { $0.hasSuffix(".sst") },
      names.count { $0.hasSuffix(".log") }
    )
  }

  /// Table files to hold open: a share of what the process may have open.
  private static var openFileLimit: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 64 }
    return max(32, min(512, Int(clamping: limit.rlim_cur) / 4))
  }

  // MARK: Reading

  private static let readingAttempts = 50

  /// The database as of now and its last block. A writer may be at work: what it moves while the database
  /// opens, which the manifest tells, would give a state that never was, so the opening is repeated.
  static func openForReading(
    _ path: String, _ blockCacheByteCount: Int
  ) throws(StoreError) -> (RocksDatabase, Layout, Last?) {
    for attempt in 1...readingAttempts {
      let before = HeadFile.Manifest(of: path)  // grows whenever tables come or go
      do throws(StoreError) {
        let opened = try openOnceForReading(path, blockCacheByteCount)
        if HeadFile.Manifest(of: path) == before { return opened }
      } catch {
        // A file that vanished, or a log read while it grew.
        if attempt >= 3, HeadFile.Manifest(of: path) == before { throw error }
        usleep(2000)
      }
    }
    throw .failed(path: path, detail: "its writer is changing it too fast to read it: try again")
  }

  private static func openOnceForReading(
    _ path: String, _ blockCacheByteCount: Int
  ) throws(StoreError) -> (RocksDatabase, Layout, Last?) {
    // First: a commit in between puts the database ahead, never HEAD.
    let mark = try readMark(path)
    _ = try prepareDirectory(path, .reading)
    let tables = try directoryEntries(path)?.count { $0.hasSuffix(".sst") } ?? 0
    // All of them where that is possible: one that a writer has merged away stays readable while it is open.
    let openFiles = tables < openFileLimit ? -1 : openFileLimit
    let (database, layout) = try attempt(path) { () throws(RocksDBError) in
      let layout = Layout(ofFamilies: try RocksDatabase.familyNames(path))
      return (
        try RocksDatabase(
          path: path, families: layout.families, .reading, openFiles: openFiles,
          blockCacheByteCount: blockCacheByteCount), layout
      )
    }
    try checkFormat(database, layout, path, mayBeEmpty: false)
    let last = try readHead(database, path)
    try check(mark, database, last, path)
    return (database, layout, last)
  }

  static func readMark(_ path: String) throws(StoreError) -> HeadFile.Mark? {
    do throws(FileError) { return try HeadFile.read(path) } catch {
      throw .failed(path: path, detail: "the file \(HeadFile.fileName): \(error.detail)")
    }
  }

  // MARK: The directory

  /// Whether a database may be made at `path`; throws where it is no place for a ledger.
  static func prepareDirectory(_ path: String, _ opening: Opening) throws(StoreError) -> Bool {
    var names = try directoryEntries(path)
    if names == nil {
      guard opening == .creatingIfMissing else { throw .missing(path: path) }
      if path.isEmpty { throw .failed(path: path, detail: "its path is empty: name a directory") }
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
  static func directoryEntries(_ path: String) throws(StoreError) -> [String]? {
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
      // What is being made whole is not there yet.
      if name != "." && name != ".." && !name.hasSuffix(".part") { names.append(name) }
    }
    return names
  }

  static func makeDirectories(_ path: String) throws(StoreError) {
    var prefix = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      prefix += prefix.isEmpty || prefix.hasSuffix("/") ? String(part) : "/" + part
      if mkdir(prefix, 0o755) != 0 && errno != EEXIST {
        throw .failed(path: path, detail: FileError().detail)
      }
    }
  }

  static func writeMarker(_ path: String) throws(StoreError) {
    let text = "This directory is an Estuary ledger.\n"
    do {
      try FileBytes.writeWhole(Array(text.utf8), to: path + "/" + markerName)
    } catch {
      throw .failed(path: path, detail: error.detail)
    }
  }
}
