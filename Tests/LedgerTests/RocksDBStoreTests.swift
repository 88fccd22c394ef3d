// The ledger directory: reopening, every way in which it can be unusable, damage to its files, and being
// killed in the middle of commits.

import Foundation
import Primitives
import Testing

@testable import Ledger

@Suite struct RocksDBStoreTests {
  private static func fill(_ path: String, seed: UInt64, blocks: Int) throws {
    let store = try RocksDBStore(path: path)
    var history = BlockHistory(seed: seed)
    for _ in 0..<blocks { try store.commit(history.next()) }
  }

  /// Four runs of tables, each much smaller than the one before, are due by their number and never merged.
  @Test func dueMergesThatNeverBeginAreNotWaitedFor() throws {
    let directory = TemporaryDirectory()
    let families = [RocksFamily(name: "default"), RocksFamily(name: "blocks", isAppendOnly: true)]
    let database = try RocksDatabase(path: directory.path + "/database", families: families, .creating)
    var random = SplitMix64(seed: 31)
    for (run, byteCount) in [1_000_000, 100_000, 10_000, 1_000].enumerated() {
      let batch = RocksBatch()
      let bytes = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
      database.put(1, [UInt8(run)], bytes, in: batch)
      try database.write(batch)
      try database.flush()
    }
    #expect(database.waitForCompactions(seconds: 60))
    #expect(database.isCompactionDue)
  }

  @Test func reopensWhereItWas() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    var history = BlockHistory(seed: 1)
    for round in 0..<5 {
      let store = try RocksDBStore(path: path, round == 0 ? .creatingIfMissing : .existing)
      let expected = BlockHistory.state(seed: 1, after: UInt64(round) * 4)
      #expect(store.head == expected.head)
      #expect(try store.allAccounts() == expected.state)
      for _ in 0..<4 { try store.commit(history.next()) }
    }
  }

  @Test func checkpointsAreLedgers() throws {
    let directory = TemporaryDirectory()
    let store = try RocksDBStore(path: directory.path + "/ledger")
    var history = BlockHistory(seed: 2)
    for _ in 0..<5 { try store.commit(history.next()) }
    try store.checkpoint(to: directory.path + "/copy")
    for _ in 0..<5 { try store.commit(history.next()) }
    let copy = try RocksDBStore(path: directory.path + "/copy", .existing)
    let expected = BlockHistory.state(seed: 2, after: 5)
    #expect(copy.head == expected.head)
    #expect(try copy.allAccounts() == expected.state)
    #expect(throws: StoreError.self) { try store.checkpoint(to: directory.path + "/copy") }
  }

  @Test func missingDirectory() {
    let directory = TemporaryDirectory()
    for path in [directory.path, directory.path + "/none"] {
      #expect(throws: StoreError.missing(path: path)) { try RocksDBStore(path: path, .existing) }
    }
    #expect(throws: StoreError.self) { try RocksDBStore(path: "/proc/none/ledger") }
  }

  @Test func lockedDirectory() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    var holder: RocksDBStore? = try RocksDBStore(path: path)
    #expect(throws: StoreError.locked(path: path, holder: getpid())) {
      try RocksDBStore(path: path, patience: .none)
    }
    // One who waits is told whom for, and gets it when it is free.
    nonisolated(unsafe) var store: RocksDBStore? = holder
    let patience = LockPatience(milliseconds: 20_000) { told, holder in
      #expect(told == path && holder == getpid())
      store = nil
    }
    holder = nil
    let next = try RocksDBStore(path: path, patience: patience)
    #expect(store == nil)
    #expect(try next.allAccounts().isEmpty)
  }

  @Test func foreignDirectory() throws {
    let directory = TemporaryDirectory()
    let file = directory.write("hello", to: "letter.txt")
    #expect(throws: StoreError.foreign(path: directory.path)) { try RocksDBStore(path: directory.path) }
    #expect(throws: StoreError.foreign(path: file)) { try RocksDBStore(path: file) }
    // A RocksDB database that is not ours.
    let other = directory.path + "/other"
    _ = try RocksDatabase(path: other, families: [RocksFamily(name: "default")], .creating)
    #expect(throws: StoreError.foreign(path: other)) { try RocksDBStore(path: other) }
  }

  @Test func unsupportedFormat() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    try Self.fill(path, seed: 3, blocks: 1)
    do {
      let database = try RocksDatabase(path: path, families: RocksDBStore.Layout.current.families, .writing)
      let batch = RocksBatch()
      database.put(0, Array("format".utf8), SysvarWriter.uint64(7), in: batch)
      try database.write(batch)
    }
    #expect(throws: StoreError.unsupportedFormat(path: path, version: 7)) { try RocksDBStore(path: path) }
  }

  @Test func interruptedCreationGoesOn() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    _ = directory.write("This directory is an Estuary ledger.\n", to: "ledger/ESTUARY")
    #expect(throws: StoreError.missing(path: path)) { try RocksDBStore(path: path, .existing) }
    try Self.fill(path, seed: 4, blocks: 2)
    #expect(try RocksDBStore(path: path, .existing).head == BlockHistory.state(seed: 4, after: 2).head)

    // Killed between making the database and making its families.
    let partial = directory.path + "/partial"
    _ = try RocksDatabase(path: partial, families: [RocksFamily(name: "default")], .creating)
    _ = directory.write("This directory is an Estuary ledger.\n", to: "partial/ESTUARY")
    try Self.fill(partial, seed: 4, blocks: 1)
    #expect(try RocksDBStore(path: partial, .existing).head == BlockHistory.state(seed: 4, after: 1).head)

    // A family of somebody else's.
    let mixed = directory.path + "/mixed"
    _ = try RocksDatabase(
      path: mixed, families: [RocksFamily(name: "default"), RocksFamily(name: "other")], .creating)
    _ = directory.write("This directory is an Estuary ledger.\n", to: "mixed/ESTUARY")
    #expect(throws: StoreError.foreign(path: mixed)) { try RocksDBStore(path: mixed) }
  }

  /// Ledgers of earlier versions, which have a column family for each family of entries, are read and go on.
  @Test func earlierLayout() throws {
    let directory = TemporaryDirectory()
    for layout in [RocksDBStore.Layout.separate, .current] {
      let name = "ledger\(layout.families.count)"
      let path = directory.path + "/" + name
      _ = try RocksDatabase(path: path, families: layout.families, .creating)
      _ = directory.write("This directory is an Estuary ledger.\n", to: name + "/ESTUARY")
      try Self.fill(path, seed: 31, blocks: 3)
      // The same keys in all families, and neighbours of what separates them.
      let keys: [[UInt8]] = [[], [0], [1, 2], [255], [255, 255], Array("head".utf8)]
      let entries = StoreFamily.allCases.flatMap { family in
        keys.map { StoreEntry(family, $0, [UInt8(family.rawValue)] + $0) }
      }
      try RocksDBStore(path: path, .existing).write(entries)
      for opening in [RocksDBStore.Opening.existing, .reading] {
        let store = try RocksDBStore(path: path, opening)
        #expect(store.head == BlockHistory.state(seed: 31, after: 3).head)
        for family in StoreFamily.allCases {
          var found: [[UInt8]] = []
          try store.forEachEntry(family, from: []) { (key, value) throws(StoreError) in
            #expect(value == [UInt8(family.rawValue)] + key)
            found.append(key)
            return true
          }
          #expect(found == keys.sorted { $0.lexicographicallyPrecedes($1) })
          for key in keys { #expect(try store.value(family, key) == [UInt8(family.rawValue)] + key) }
          #expect(try store.value(family, [1]) == nil)
          var later: [[UInt8]] = []
          try store.forEachEntry(family, from: [1, 3]) { (key, _) throws(StoreError) in
            later.append(key)
            return later.count < 2
          }
          #expect(later == [Array("head".utf8), [255]])
        }
        _ = try store.verify()
      }
      let names = try RocksDatabase.familyNames(path)
      #expect(names == Set(layout.families.map(\.name)))
      try RocksDBStore(path: path, .existing).write(entries.map { StoreEntry($0.family, $0.key, nil) })
      let store = try RocksDBStore(path: path, .existing)
      #expect(store.head == BlockHistory.state(seed: 31, after: 3).head)
      for family in StoreFamily.allCases { #expect(try store.value(family, [0]) == nil) }
    }
  }

  @Test func missingDatabaseFiles() throws {
    for name in ["CURRENT", "MANIFEST", ".sst"] {
      let directory = TemporaryDirectory()
      let path = directory.path + "/ledger"
      try Self.fill(path, seed: 5, blocks: 3)
      try RocksDBStore(path: path).database.flush()  // moves the log into tables
      for file in try FileManager.default.contentsOfDirectory(atPath: path) where file.contains(name) {
        try FileManager.default.removeItem(atPath: path + "/" + file)
      }
      #expect {
        try RocksDBStore(path: path).allAccounts()
      } throws: {
        if case .corrupted(path, _) = $0 as? StoreError { true } else { false }
      }
    }
  }

  @Test func malformedRecordsAreDamage() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/ledger"
    try Self.fill(path, seed: 6, blocks: 1)
    let key = SplitMix64(seed: 1).copyKey()
    do {
      let database = try RocksDatabase(path: path, families: RocksDBStore.Layout.current.families, .writing)
      let batch = RocksBatch()
      database.put(1, key.bytes, [9, 9, 9], in: batch)
      database.put(2, [0, 0, 0, 0, 0, 0, 0, 0], [1], in: batch)
      try database.write(batch)
    }
    let store = try RocksDBStore(path: path)
    func isDamage(_ error: any Error) -> Bool {
      if case .corrupted(path, _) = error as? StoreError { true } else { false }
    }
    #expect { try store.account(key) } throws: { isDamage($0) }
    #expect { try store.allAccounts() } throws: { isDamage($0) }
    #expect { try store.allBlocks() } throws: { isDamage($0) }
  }

  /// Flips bytes in every kind of file the database has. The ledger must then either be refused with a typed
  /// error or be a prefix of whole blocks: never something else, never a crash.
  @Test func flippedBytesAreSeenOrHarmless() throws {
    var generator = SplitMix64(seed: 7)
    let blocks = 6
    let states = (0...UInt64(blocks)).map { BlockHistory.state(seed: 8, after: $0) }
    var refused = 0
    for reopened in [false, true] {
      let original = TemporaryDirectory()
      try Self.fill(original.path + "/ledger", seed: 8, blocks: blocks)
      // Tables instead of a log.
      if reopened { try RocksDBStore(path: original.path + "/ledger").database.flush() }
      let files = try FileManager.default.contentsOfDirectory(atPath: original.path + "/ledger").sorted()
      let damageable = files.filter {
        $0.hasSuffix(".sst") || $0.hasSuffix(".log") || $0.hasPrefix("MANIFEST") || $0 == "CURRENT"
          || $0 == "HEAD"
      }
      #expect(damageable.count >= 3)
      for file in damageable {
        for _ in 0..<4 {
          let copy = TemporaryDirectory()
          let path = copy.path + "/ledger"
          try FileManager.default.copyItem(atPath: original.path + "/ledger", toPath: path)
          let url = URL(fileURLWithPath: path + "/" + file)
          var bytes = [UInt8](try Data(contentsOf: url))
          guard !bytes.isEmpty else { continue }
          for _ in 0..<3 {
            bytes[Int(generator.next() % UInt64(bytes.count))] ^= UInt8(1 + generator.next() % 255)
          }
          try Data(bytes).write(to: url)
          do {
            let store = try RocksDBStore(path: path)
            let accounts = try store.allAccounts()
            let height = store.head.map { Int($0.height) + 1 } ?? 0
            #expect(store.head == states[height].head)
            #expect(accounts == states[height].state)
          } catch let error as StoreError {
            refused += 1
            switch error {
            case .corrupted(path, _), .failed(path, _), .foreign(path), .unsupportedFormat(path, _): break
            default: Issue.record("unexpected \(error)")
            }
            #expect("\(error)".contains(path))
          }
        }
      }
    }
    #expect(refused > 8)
  }

  /// A child process commits blocks until it is killed; what is left must be a prefix of whole blocks.
  @Test func killedInTheMiddle() async throws {
    var generator = SplitMix64(seed: 9)
    var heights: [UInt64] = []
    for round in 0..<6 {
      let directory = TemporaryDirectory()
      let path = directory.path + "/ledger"
      let delayMicroseconds = UInt32(generator.next() % 150_000) + UInt32(round) * 10_000
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, delay = delayMicroseconds as UInt32, isLate = (round % 2 > 0) as Bool] in
        let killer = Thread {
          usleep(delay)
          kill(getpid(), SIGKILL)
        }
        // A late one does not meet the creation, but is sure to meet commits however slow the machine is.
        if !isLate { killer.start() }
        let store = try RocksDBStore(path: path)
        var history = BlockHistory(seed: 10)
        try store.commit(history.next(changeCount: 200))
        if isLate { killer.start() }
        while true { try store.commit(history.next(changeCount: 200)) }
      }
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let store = try RocksDBStore(path: path)
      let height = store.head.map { $0.height + 1 } ?? 0
      heights.append(height)
      var history = BlockHistory(seed: 10)
      var head: BlockRecord?
      for _ in 0..<height { head = history.next(changeCount: 200).record }
      #expect(store.head == head, "round \(round)")
      #expect(try store.allAccounts() == history.state, "round \(round)")
      #expect(UInt64(try store.allBlocks().count) == height)
      try store.commit(history.next(changeCount: 200))  // and it goes on
    }
    #expect(heights.contains { $0 > 0 }, "no round got as far as a block: \(heights)")
  }

  @Test func errorsNameTheRemedy() {
    let errors: [(StoreError, String)] = [
      (.missing(path: "/x"), "no ledger at '/x'"), (.locked(path: "/x", holder: nil), "another process"),
      (.locked(path: "/x", holder: 7), "process 7"),
      (.corrupted(path: "/x", detail: "d"), "checkpoint"), (.foreign(path: "/x"), "empty"),
      (.unsupportedFormat(path: "/x", version: 3), "format 3"),
      (.failed(path: "/x", detail: "No space"), "No space"),
    ]
    for (error, text) in errors { #expect("\(error)".contains(text) && "\(error)".contains("/x")) }
  }
}

extension SplitMix64 {
  fileprivate func copyKey() -> Pubkey {
    var copy = self
    return copy.pubkey()
  }
}
