import Foundation
import Primitives
import Testing

@testable import Ledger

/// A store that goes back to an earlier block.
@Suite struct StoreReversalTests {
  private static func record(_ height: UInt64) -> BlockRecord {
    let hash = SHA256.hash([UInt8(truncatingIfNeeded: height)])
    return BlockRecord(
      height: height, slot: height, unixTimestamp: 0, blockhash: hash, stateHash: StateLattice().stateHash,
      genesisHash: .zero)
  }

  private static func entry(_ number: UInt64, _ value: UInt64?) -> StoreEntry {
    StoreEntry(.settings, [UInt8(truncatingIfNeeded: number)], value.map { [UInt8(truncatingIfNeeded: $0)] })
  }

  private static func fill(_ store: any AccountStore, from first: UInt64 = 0, through last: UInt64) throws {
    for height in first...last {
      try store.commit(
        BlockCommit(
          record: record(height), changes: [], stateLattice: StateLattice().bytes,
          entries: [entry(0, height), entry(height + 1, height)]))
    }
  }

  private static func reversal(to height: UInt64, from last: UInt64) -> StoreReversal {
    StoreReversal(
      record: record(height), stateLattice: StateLattice().bytes, accounts: [:],
      entries: [entry(0, height)] + (height..<last).map { entry($0 + 2, nil) })
  }

  private static func directory() throws -> String {
    let template = try #require(strdup("/tmp/estuary-reversal-XXXXXX"))
    defer { free(template) }
    return String(cString: try #require(mkdtemp(template)))
  }

  @Test func blocksAndEntriesGo() throws {
    let path = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    for store in [MemoryStore(), try RocksDBStore(path: path)] as [any AccountStore] {
      try Self.fill(store, through: 9)
      try store.revert(Self.reversal(to: 4, from: 9))
      #expect(store.head == Self.record(4))
      #expect(try store.block(5) == nil && store.block(4) == Self.record(4))
      #expect(try store.value(.settings, [0]) == [4] && store.value(.settings, [9]) == nil)
      #expect(throws: StoreError.noSuchBlock(height: 7)) { try store.revert(Self.reversal(to: 7, from: 9)) }
      try Self.fill(store, from: 5, through: 6)
      #expect(store.head?.height == 6)
    }
  }

  @Test func aDatabaseOpensAtEachPointOfGoingBack() throws {
    let path = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: path) }
    do { try Self.fill(try RocksDBStore(path: path), through: 9) }
    // HEAD has gone back, the database has not.
    try HeadFile(path).write(Self.record(4), settledHeight: 0, of: path, isGoingBack: true)
    do {
      let store = try RocksDBStore(path: path, .existing)
      #expect(store.head?.height == 9)
      try store.revert(Self.reversal(to: 4, from: 9))
    }
    let store = try RocksDBStore(path: path, .existing)
    #expect(store.head == Self.record(4))
    _ = try store.verify()
  }
}
