// The overlay against a model that keeps every write in a dictionary; and with several threads at once.

import Primitives
import Scheduling
import Testing

@testable import Estuary

struct MultiVersionMapTests {
  /// A number with the deltas that came after it.
  private struct Number: VersionedValue, Equatable {
    var value: Int
    func adding(_ delta: Number) -> Number { Number(value: value + delta.value) }
  }

  private typealias Map = MultiVersionMap<Number>

  private struct Written {
    var value: Int
    var isDelta: Bool
    var version: Map.VersionPointer
  }

  private static let hasher = AccountInterner(expectedCount: 1).hasher()

  private static func key(_ number: Int) -> AccountKey {
    AccountKey(word0: UInt64(number), word1: 7, word2: 0, word3: 1)
  }

  private static func entry(_ map: Map, _ key: Int, _ arena: inout VersionArena) -> Map.EntryPointer {
    map.entry(Self.key(key), in: &arena) { (Number(value: 1000 * key), UInt32(key)) }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func readsWhatTheModelReads(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var arena = VersionArena()
    let map = Map(expectedKeyCount: 4, hasher: Self.hasher)
    // By key and position.
    var model: [Int: [UInt32: Written]] = [:]
    var readCount = 0
    for _ in 0..<3_000 {
      let key = Int(random.next() % 400)
      let position = UInt32(random.next() % 60)
      let entry = Self.entry(map, key, &arena)
      #expect(entry.pointee.index == UInt32(key))
      switch random.next() % 8 {
      case 0...2:
        if let old = model[key]?[position] { map.kill(old.version) }
        let written = Number(value: Int(random.next() % 100))
        let isDelta = random.next() % 2 == 0
        let version = map.insert(written, into: entry, at: position, isDelta: isDelta, in: &arena)
        model[key, default: [:]][position] = Written(value: written.value, isDelta: isDelta, version: version)
      case 3:
        guard let old = model[key]?.removeValue(forKey: position) else { continue }
        map.kill(old.version)
      case 4:
        guard var old = model[key]?[position], old.isDelta else { continue }
        old.value = Self.value(model[key] ?? [:], below: position, base: 1000 * key).value + old.value
        old.isDelta = false
        old.version = map.settle(old.version, of: entry, in: &arena)
        model[key]?[position] = old
      default:
        let expected = Self.value(model[key] ?? [:], below: position, base: 1000 * key)
        let read = map.read(entry, below: position, in: &arena)
        #expect(read.value.pointee.value == expected.value)
        #expect(read.position == expected.position ?? Map.basePosition)
        readCount += 1
      }
      if let last = model[key]?.max(by: { $0.key < $1.key }) {
        #expect(map.isNewest(last.value.version, of: entry))
      }
    }
    #expect(readCount > 500)
  }

  private static func value(
    _ written: [UInt32: Written], below position: UInt32, base: Int
  ) -> (value: Int, position: UInt32?) {
    var sum = 0
    var newest: UInt32?
    for (at, write) in written.sorted(by: { $0.key > $1.key }) where at < position {
      newest = newest ?? at
      sum += write.value
      if !write.isDelta { return (sum, newest) }
    }
    return (base + sum, newest)
  }

  /// Every thread inserts at positions of its own, under the same few keys; nothing may get lost.
  @Test func threadsInsertAtTheSameTime() throws {
    let pool = try WorkerPool(workerCount: 4, pinning: false)
    let map = Map(expectedKeyCount: 16, hasher: Self.hasher)
    let count = 400
    let arenas = WorkerLocal(pool) { _ in OverlayReader.Arena() }
    pool.perform { worker in
      for step in 0..<count {
        let position = UInt32(step * 4 + worker.position)
        for key in 0..<5 {
          let entry = Self.entry(map, key, &arenas[worker].memory)
          _ = map.insert(
            Number(value: 1), into: entry, at: position, isDelta: true, in: &arenas[worker].memory)
          _ = map.read(entry, below: position / 2, in: &arenas[worker].memory)
        }
      }
    }
    for key in 0..<5 {
      let entry = Self.entry(map, key, &arenas[WorkerIndex(0)].memory)
      for position in [0, 1, 7, 4 * count / 2, 4 * count] {
        let read = map.read(entry, below: UInt32(position), in: &arenas[WorkerIndex(0)].memory)
        #expect(read.value.pointee.value == 1000 * key + position)
      }
    }
  }
}
