// A ledger in use: many short openings, readers beside a writer, what is cut short or lost behind the
// database's back, copies and the check of everything.

import Foundation
import Primitives
import Synchronization
import Testing

@testable import Ledger

@Suite struct LedgerUseTests {
  private static func fill(_ path: String, seed: UInt64, blocks: Int) throws {
    let store = try RocksDBStore(path: path)
    var history = BlockHistory(seed: seed)
    for _ in 0..<blocks { try store.commit(history.next()) }
  }

  private static func names(_ path: String, _ suffix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(suffix) }.sorted()
  }

  private static func damage(_ path: String, holding text: String) -> (any Error) -> Bool {
    { error in
      guard case .corrupted(path, let detail) = error as? StoreError else { return false }
      return detail.contains(text)
    }
  }

  /// What commands do: each opens the ledger, commits a block and ends; 256 files may be open.
  /// ESTUARY_OPENINGS says how many, for long runs.
  @Test func manyOpeningsNeedFewFiles() async throws {
    await #expect(processExitsWith: .success) {
      var limit = rlimit(rlim_cur: 256, rlim_max: 256)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
      let memory = FileManager.default.fileExists(atPath: "/dev/shm")  // there a flush costs nothing
      let directory = TemporaryDirectory(in: memory ? "/dev/shm" : nil)
      let path = directory.path + "/ledger"
      var history = BlockHistory(seed: 21)
      var mostFiles = 0
      let openings = ProcessInfo.processInfo.environment["ESTUARY_OPENINGS"].flatMap(Int.init) ?? 150
      for _ in 0..<openings {
        try RocksDBStore(path: path).commit(history.next(changeCount: 3))
        mostFiles = max(mostFiles, try FileManager.default.contentsOfDirectory(atPath: path).count)
      }
      #expect(mostFiles < 80)
      let store = try RocksDBStore(path: path, .reading)
      let found = try store.verify()
      #expect(found.blockCount == UInt64(openings))
      #expect(try store.allAccounts() == history.state)
    }
  }

  @Test func readersSeeTheMomentOfTheirOpening() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    #expect(throws: StoreError.missing(path: path)) { try RocksDBStore(path: path, .reading) }
    let writer = try RocksDBStore(path: path)
    var history = BlockHistory(seed: 22)
    for height in 0..<12 {
      try writer.commit(history.next())
      if height == 5 { try writer.database.flush() }
      let reader = try RocksDBStore(path: path, .reading)
      #expect(reader.head?.height == UInt64(height))
      #expect(try reader.allAccounts() == history.state)
      #expect(throws: StoreError.self) { try reader.commit(history.next()) }
      history = BlockHistory(seed: 22)
      for _ in 0...height { _ = history.next() }
    }
  }

  private final class Openings: Sendable {
    let count = Atomic<Int>(0)
  }

  /// Logs become tables and tables are merged while readers open: each sees one block's end, whole. The writer waits for a
  /// reader between bursts, so that one gets in on a machine of any speed.
  @Test func readersBesideABusyWriter() async throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    try Self.fill(path, seed: 23, blocks: 1)
    let openings = Openings()
    let writing = Task.detached {
      let writer = try RocksDBStore(path: path, .existing)
      var history = BlockHistory(seed: 23)
      _ = history.next()
      for height in 1..<400 {
        try writer.commit(history.next(changeCount: 30))
        if height % 3 == 0 { try writer.database.flush() }
        if height % 20 == 0 {
          let seen = openings.count.load(ordering: .relaxed)
          for _ in 0..<2_000 where openings.count.load(ordering: .relaxed) == seen { usleep(5_000) }
        }
      }
    }
    var heights: Set<UInt64> = []
    while heights.count < 400 {
      let reader = try RocksDBStore(path: path, .reading)
      openings.count.add(1, ordering: .relaxed)
      let found = try reader.verify()
      heights.insert(found.blockCount)
      if found.blockCount == 400 { break }
    }
    try await writing.value
    #expect(heights.count > 3)
  }

  /// RocksDB goes on without the end of a log that was cut short; HEAD tells.
  @Test func aCutLogIsDamage() throws {
    for cut in [1, 40, 5000] {
      let directory = TemporaryDirectory()
      let path = directory.path + "/ledger"
      try Self.fill(path, seed: 24, blocks: 5)
      let log = path + "/" + (try #require(Self.names(path, ".log").last))
      let bytes = try Data(contentsOf: URL(fileURLWithPath: log))
      try bytes.dropLast(cut).write(to: URL(fileURLWithPath: log))
      for opening in [RocksDBStore.Opening.reading, .existing] {
        #expect { try RocksDBStore(path: path, opening) } throws: {
          Self.damage(path, holding: "block 4 was committed")($0)
        }
      }
      // Without HEAD the sum of all accounts decides, and a whole older state passes.
      try FileManager.default.removeItem(atPath: path + "/HEAD")
      let store = try RocksDBStore(path: path, .existing)
      let height = try #require(store.head?.height)
      #expect(height < 4)
      #expect(try store.allAccounts() == BlockHistory.state(seed: 24, after: height + 1).state)
    }
  }

  /// Three logs, one a piece of the history, damaged at many places in several ways. HEAD names the last block, so
  /// the ledger must be refused as damaged or be whole: RocksDB itself passes over some of this.
  @Test func aLogDamagedInItsMiddleIsDamage() throws {
    var generator = SplitMix64(seed: 29)
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    var history = BlockHistory(seed: 30)
    for _ in 0..<3 {
      let store = try RocksDBStore(path: path)
      for _ in 0..<8 { try store.commit(history.next()) }
    }
    let logs = try Self.names(path, ".log")
    #expect(logs.count == 3)
    var refused = 0
    var passedOver = 0
    for log in logs {
      let url = URL(fileURLWithPath: path + "/" + log)
      let original = [UInt8](try Data(contentsOf: url))
      for index in 0..<60 {
        var bytes = original
        // The first ones in the first record's header, then all over the file.
        let place = index < 12 ? index : Int(generator.next() % UInt64(bytes.count))
        switch index % 4 {
        case 0: bytes[place] ^= UInt8(1 + generator.next() % 255)
        case 1: for place in place..<min(place + 7, bytes.count) { bytes[place] = 0 }
        case 2: for place in place..<min(place + 5000, bytes.count) { bytes[place] = 0 }
        default: bytes.removeSubrange(place...)
        }
        try Data(bytes).write(to: url)
        do {
          let store = try RocksDBStore(path: path, .reading)
          #expect(store.head?.height == 23, "\(log) damaged at \(place)")
          #expect(try store.allAccounts() == history.state, "\(log) damaged at \(place)")
        } catch let error as StoreError {
          guard case .corrupted(path, let detail) = error else { throw error }
          refused += 1
          if detail.contains("is missing: a part of a log") { passedOver += 1 }
        }
      }
      try Data(original).write(to: url)
    }
    #expect(refused > 150 && passedOver > 20, "\(refused) refused, \(passedOver) of them by their blocks")
    #expect(try RocksDBStore(path: path, .reading).verify().blockCount == 24)
  }

  /// A commit that a kill cut off was promised to nobody: the ledger opens without it, for whatever part of it reached
  /// the log, and goes on, again and again.
  @Test func aTornCommitIsNoDamage() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    try Self.fill(path, seed: 31, blocks: 2)
    for round in 0..<6 {
      let before = BlockHistory.state(seed: 31, after: UInt64(2 + round))
      var history = BlockHistory(seed: 31)
      for _ in 0..<2 + round { _ = history.next() }
      let head: Data
      let log: URL
      let start: Int
      do {
        let store = try RocksDBStore(path: path, .existing)
        #expect(store.head == before.head)
        #expect(try store.allAccounts() == before.state)
        head = try Data(contentsOf: URL(fileURLWithPath: path + "/HEAD"))
        log = URL(fileURLWithPath: path + "/" + (try #require(Self.names(path, ".log").last)))
        start = try Data(contentsOf: log).count
        try store.commit(history.next())
      }
      let bytes = try Data(contentsOf: log)
      let torn = start + [1, 6, 7, 500, bytes.count - start - 1, (bytes.count - start) / 2][round]
      try bytes.prefix(torn).write(to: log)
      try head.write(to: URL(fileURLWithPath: path + "/HEAD"))
      #expect(try RocksDBStore(path: path, .reading).head == before.head, "cut at \(torn)")
      history = BlockHistory(seed: 31)
      for _ in 0..<2 + round { _ = history.next() }
      try RocksDBStore(path: path, .existing).commit(history.next())
    }
    #expect(try RocksDBStore(path: path, .reading).verify().blockCount == 8)
  }

  /// What an opening looks for stays little: blocks are settled when there are many logs or many blocks.
  @Test func blocksAreSettled() throws {
    let directory = TemporaryDirectory(
      in: FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : nil)
    let path = directory.path + "/ledger"
    var history = BlockHistory(seed: 32)
    for _ in 0..<30 { try RocksDBStore(path: path).commit(history.next(changeCount: 1)) }
    let mark = try #require(try HeadFile.read(path))
    #expect(mark.height == 29 && mark.settledHeight > 20)
    let store = try RocksDBStore(path: path)
    for _ in 0..<1100 { try store.commit(history.next(changeCount: 1)) }
    #expect(try #require(try HeadFile.read(path)).settledHeight > 1000)
  }

  @Test func aCutManifestIsDamage() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    do {
      let store = try RocksDBStore(path: path)
      var history = BlockHistory(seed: 25)
      for _ in 0..<5 { try store.commit(history.next()) }
      try store.database.flush()
      try store.commit(history.next())
      try store.database.flush()
      try store.commit(history.next())
    }
    let manifests = try FileManager.default.contentsOfDirectory(atPath: path).filter {
      $0.hasPrefix("MANIFEST")
    }
    let url = URL(fileURLWithPath: path + "/" + (try #require(manifests.max())))
    let bytes = try Data(contentsOf: url)
    for count in stride(from: bytes.count - 1, to: 0, by: -7) {
      try bytes.prefix(count).write(to: url)
      // Reading alone: an opening for writing would delete the files that a shorter manifest does not name.
      #expect(throws: StoreError.self, "\(count) of \(bytes.count) bytes") {
        _ = try RocksDBStore(path: path, .reading)
      }
    }
  }

  @Test func verifyFindsWhatOpeningDoesNot() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    try Self.fill(path, seed: 26, blocks: 4)
    let found = try RocksDBStore(path: path, .reading).verify()
    #expect(found.blockCount == 4 && found.accountCount == BlockHistory.state(seed: 26, after: 4).state.count)
    let key = try #require(BlockHistory.state(seed: 26, after: 4).state.keys.min())
    func change(_ body: (RocksDatabase, RocksBatch) -> Void) throws {
      let database = try RocksDatabase(path: path, families: RocksDBStore.Layout.current.families, .writing)
      let batch = RocksBatch()
      body(database, batch)
      try database.write(batch)
    }
    let account = try #require(try RocksDBStore(path: path, .reading).account(key))
    var other = account
    other.lamports += 1
    try change { $0.put(1, key.bytes, AccountRecord.encode(other), in: $1) }
    #expect { try RocksDBStore(path: path, .existing).verify() } throws: {
      Self.damage(path, holding: "accounts")($0)
    }
    try change { $0.put(1, key.bytes, AccountRecord.encode(account), in: $1) }
    _ = try RocksDBStore(path: path, .existing).verify()
    try change { $0.delete(2, [0, 0, 0, 0, 0, 0, 0, 2], in: $1) }
    #expect { try RocksDBStore(path: path, .existing).verify() } throws: {
      Self.damage(path, holding: "block 2")($0)
    }
  }

  @Test func aLostDirectoryIsAnError() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    let store = try RocksDBStore(path: path)
    var history = BlockHistory(seed: 27)
    try store.commit(history.next())
    try FileManager.default.removeItem(atPath: path)
    #expect {
      try store.commit(history.next())
    } throws: { error in
      guard case .failed(path, let detail) = error as? StoreError else { return false }
      return detail.contains("removed")
    }
    #expect(store.head?.height == 0)
  }

  @Test func checkpointsHaveAHead() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    try Self.fill(path, seed: 28, blocks: 3)
    let copy = directory.path + "/copy"
    try RocksDBStore(path: path, .existing).checkpoint(to: copy + "/")
    #expect(try HeadFile.read(copy)?.height == 2)
    #expect(try RocksDBStore(path: copy, .reading).verify().blockCount == 3)
    let taken = directory.write("", to: "taken")
    #expect(throws: StoreError.self) { try RocksDBStore(path: path, .existing).checkpoint(to: taken) }
    #expect(throws: StoreError.self) {
      try RocksDBStore(path: path, .existing).checkpoint(to: directory.path + "/none/copy")
    }
  }
}

@Suite struct WholeFileTests {
  @Test func filesAppearWholeOrNotAtAll() throws {
    let directory = TemporaryDirectory()
    let path = directory.write("old", to: "file")
    chmod(path, 0o640)
    #expect(symlink("file", directory.path + "/link") == 0)
    do {
      let unfinished = try WholeFileWriter(path)
      try unfinished.write(Array("half".utf8))
      #expect(try FileBytes.read(path) == Array("old".utf8))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["file", "link"])
    try FileBytes.writeWhole(Array("new".utf8), to: directory.path + "/link")
    #expect(try FileBytes.read(path) == Array("new".utf8))
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o7777 == 0o640)
    #expect(lstat(directory.path + "/link", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test func whatCannotBeWritten() throws {
    let directory = TemporaryDirectory()
    let path = directory.write("old", to: "file")
    #expect(throws: FileError.self) { try FileBytes.writeWhole([1], to: path, replacing: false) }
    #expect(throws: FileError.self) { try FileBytes.writeWhole([1], to: directory.path) }
    #expect(throws: FileError.self) { try FileBytes.writeWhole([1], to: directory.path + "/none/file") }
    #expect(throws: FileError.self) { try FileBytes.writeWhole([1], to: "/dev/full") }
    try FileBytes.writeWhole([1], to: "/dev/null")
    try FileBytes.writeWhole([1], to: directory.path + "/new", mode: 0o600, replacing: false)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["file", "new"])
  }
}
