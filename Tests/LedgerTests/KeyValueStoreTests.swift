// A ledger in a store of an embedding program's: what it holds, what fails, and what is refused.

import Primitives
import Testing

@testable import Ledger

/// An ordered map in memory.
final class SortedStore: KeyValueStore, @unchecked Sendable {
  // Sendable: `values` is touched only under `lock`.
  private let lock = Lock()
  private var values: [[UInt8]: [UInt8]] = [:]
  private var refuses = false

  init(_ values: [[UInt8]: [UInt8]] = [:]) { self.values = values }

  var contents: [[UInt8]: [UInt8]] { lock.withLock { values } }
  func refuseNextWrite() { lock.withLock { refuses = true } }

  func value(for key: [UInt8]) throws(StoreError) -> [UInt8]? { lock.withLock { values[key] } }

  func forEach(
    from first: [UInt8], _ body: ([UInt8], [UInt8]) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let found = contents.filter { !$0.key.lexicographicallyPrecedes(first) }
    for (key, value) in found.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      if try !body(key, value) { return }
    }
  }

  func write(_ batch: [(key: [UInt8], value: [UInt8]?)]) throws(StoreError) {
    try lock.withLock { () throws(StoreError) in
      if refuses {
        refuses = false
        throw .failed(path: "memory", detail: "refused")
      }
      for change in batch { values[change.key] = change.value }
    }
  }
}

@Suite struct KeyValueStoreTests {
  private static func filled(_ blockCount: Int) throws -> (SortedStore, BlockHistory) {
    let values = SortedStore()
    let store = try KeyValueAccountStore(over: values)
    var history = BlockHistory(seed: 5)
    for _ in 0..<blockCount { try store.commit(history.next()) }
    return (values, history)
  }

  @Test func isAStoreAsOthersAre() throws {
    try StoreTests.exercise(KeyValueAccountStore(over: SortedStore()))
  }

  @Test func goesOnWhereItStood() throws {
    var (values, history) = try Self.filled(5)
    let store = try KeyValueAccountStore(over: values)
    #expect(store.head?.height == 4)
    #expect(store.estimatedAccountCount == history.state.count)
    let block = history.next()
    try store.commit(block)
    #expect(try store.allAccounts() == history.state)
    #expect(try store.block(5) == block.record && store.block(6) == nil)
    #expect(try store.allBlocks().map(\.height) == Array(0...5))
  }

  @Test func keepsEntriesApart() throws {
    let store = try KeyValueAccountStore(over: SortedStore())
    var block = BlockHistory(seed: 6).first()
    for family in StoreFamily.allCases {
      for key in 0..<3 as Range<UInt8> { block.entries.append(StoreEntry(family, [key], [key, 7])) }
      block.entries.append(StoreEntry(family, [1], nil))
    }
    try store.commit(block)
    for family in StoreFamily.allCases {
      #expect(try store.value(family, [0]) == [0, 7] && store.value(family, [1]) == nil)
      var keys: [[UInt8]] = []
      try store.forEachEntry(family, from: [0]) { (key, _) throws(StoreError) in
        keys.append(key)
        return true
      }
      #expect(keys == [[0], [2]])
    }
  }

  @Test func standsWhereItStoodWhenAWriteFails() throws {
    var (values, history) = try Self.filled(3)
    let store = try KeyValueAccountStore(over: values)
    let before = values.contents
    let block = history.next()
    values.refuseNextWrite()
    #expect(throws: StoreError.failed(path: "memory", detail: "refused")) { try store.commit(block) }
    #expect(store.head?.height == 2 && values.contents == before)
    try store.commit(block)
    #expect(try store.allAccounts() == history.state)
  }

  @Test func refusesWhatIsNoLedger() throws {
    #expect(throws: StoreError.foreign(path: "SortedStore")) {
      try KeyValueAccountStore(over: SortedStore([[9]: [9]]))
    }
    let (values, _) = try Self.filled(2)
    let head = try #require(values.contents[[0]])
    for damaged in [[], Array(head.dropLast()), head + [0]] {
      #expect(throws: StoreError.self) {
        try KeyValueAccountStore(over: SortedStore(values.contents.merging([[0]: damaged]) { $1 }))
      }
    }
    #expect(throws: StoreError.unsupportedFormat(path: "SortedStore", version: 2)) {
      try KeyValueAccountStore(
        over: SortedStore(values.contents.merging([[0]: [2] + head.dropFirst()]) { $1 }))
    }
  }

  @Test func seesDamage() throws {
    let (values, history) = try Self.filled(2)
    let key = try #require(history.state.keys.first)
    let damages: [[UInt8]: [UInt8]] = [
      [1] + key.bytes: [1], [1] + key.bytes.dropLast(): [], [2, 0, 0, 0, 0, 0, 0, 0, 1]: [3],
    ]
    for (place, value) in damages {
      let store = try KeyValueAccountStore(over: SortedStore(values.contents.merging([place: value]) { $1 }))
      #expect(throws: StoreError.self) { try (store.allAccounts(), store.allBlocks()) }
    }
  }
}

extension BlockHistory {
  fileprivate func first() -> BlockCommit {
    var copy = self
    return copy.next()
  }
}
