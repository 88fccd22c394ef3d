import Synchronization
import Testing

@testable import Scheduling

@Suite struct AccountInternerTests {
  private func key(_ a: UInt64, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0) -> AccountKey {
    AccountKey(word0: a, word1: b, word2: c, word3: d)
  }

  @Test func indicesFollowFirstAppearance() {
    var interner = AccountInterner()
    #expect(interner.intern(key(7)) == AccountIndex(0))
    #expect(interner.intern(key(0, 7)) == AccountIndex(1))
    #expect(interner.intern(key(7)) == AccountIndex(0))
    #expect(interner.intern(key(0)) == AccountIndex(2))
    #expect(interner.intern(key(.max, .max, .max, .max)) == AccountIndex(3))
    #expect(interner.count == 4)
    #expect(interner.index(of: key(0, 7)) == AccountIndex(1))
    #expect(interner.index(of: key(0, 0, 7)) == nil)
    #expect(interner.key(of: AccountIndex(1)) == key(0, 7))
  }

  @Test func readsBytesInMemoryOrder() {
    let bytes = (0..<40).map { UInt8($0) }
    bytes.withUnsafeBytes { buffer in
      let unaligned = AccountKey(reading: buffer.baseAddress! + 1)
      #expect(unaligned.word0 == 0x0807_0605_0403_0201)
      #expect(unaligned.word3 == 0x201f_1e1d_1c1b_1a19)
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func agreesWithADictionaryWhateverTheSecret(seed: UInt64) {
    var random = SplitMix64(state: seed)
    let secret = key(random.next(), random.next(), random.next(), random.next())
    var interner = AccountInterner(expectedCount: 1, seed: secret)
    var expected: [AccountKey: AccountIndex] = [:]
    for _ in 0..<20_000 {
      // Few distinct words, so that keys repeat and differ in one word only.
      let drawn = key(
        random.next(upperBound: 12), random.next(upperBound: 12), random.next(upperBound: 12),
        random.next(upperBound: 12))
      let index = interner.intern(drawn)
      #expect(expected[drawn, default: AccountIndex(UInt32(expected.count))] == index)
      expected[drawn] = index
    }
    #expect(interner.count == expected.count)
    for (known, index) in expected {
      #expect(interner.index(of: known) == index)
      #expect(interner.key(of: index) == known)
    }
    #expect(interner.index(of: key(99)) == nil)
  }

  /// Keys that come and go: what is there is found under its index, indices stay dense, and what is gone is not found.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func forgetsWhatIsRemoved(seed: UInt64) {
    var random = SplitMix64(state: seed)
    let secret = key(random.next(), random.next(), random.next(), random.next())
    var interner = AccountInterner(expectedCount: 1, seed: secret)
    var expected: [AccountKey] = []
    for round in 0..<30_000 {
      // Waves, so that the table is now full and now all but empty.
      let share: UInt64 = round / 3000 % 2 == 0 ? 70 : 30
      if random.next(upperBound: 100) < share || expected.isEmpty {
        let drawn = key(random.next(upperBound: 30), random.next(upperBound: 30))
        let index = interner.intern(drawn).position
        if index == expected.count { expected.append(drawn) }
        #expect(expected[index] == drawn)
      } else {
        let index = Int(random.next(upperBound: UInt64(expected.count)))
        let gone = expected[index]
        interner.remove(AccountIndex(UInt32(index)))
        expected[index] = expected[expected.count - 1]
        expected.removeLast()
        #expect(interner.index(of: gone) == nil)
      }
      #expect(interner.count == expected.count)
      if round % 1000 == 0 {
        for (index, known) in expected.enumerated() {
          #expect(interner.index(of: known)?.position == index)
        }
      }
    }
    for index in expected.indices.reversed() { interner.remove(AccountIndex(UInt32(index))) }
    #expect(interner.count == 0 && expected.allSatisfy { interner.index(of: $0) == nil })
  }

  @Test func structuredKeysSpreadOverTheHash() {
    // Keys that differ in one byte, at any position: slots' 32 hash bits should collide about never.
    let interner = AccountInterner(
      expectedCount: 16,
      seed: key(0x1234_5678_9abc_def1, 0x0fed_cba9_8765_4321, 0xdead_beef_cafe_f00d, 0x6a09_e667_f3bc_c908))
    var hashes: Set<UInt64> = []
    var count = 0
    for word in 0..<4 {
      for shift in stride(from: 0, to: 64, by: 8) {
        for byte in 1...255 as ClosedRange<UInt64> {
          var words: [UInt64] = [0, 0, 0, 0]
          words[word] = byte << UInt64(shift)
          hashes.insert(interner.hash(key(words[0], words[1], words[2], words[3])))
          count += 1
        }
      }
    }
    #expect(hashes.count >= count - 3)
  }

  @Test(arguments: [0, 1, 7, 64])
  func togetherAsOneByOne(listCount: Int) {
    var random = SplitMix64(state: UInt64(listCount))
    var together = AccountInterner(expectedCount: 1)
    var single = AccountInterner(expectedCount: 1)
    for _ in 0..<500 {
      let list = (0..<listCount).map { _ in key(random.next(upperBound: 5000), 3, 2, 1) }
      let indices = [AccountIndex](unsafeUninitializedCapacity: listCount) { buffer, count in
        list.withUnsafeBufferPointer { keys in
          if let room = buffer.baseAddress { together.intern(keys, into: room) }
        }
        count = listCount
      }
      #expect(indices == list.map { single.intern($0) })
    }
    #expect(together.count == single.count)
  }

  @Test func forgetsAndStartsAgain() {
    var interner = AccountInterner()
    for number in 0..<5000 { _ = interner.intern(key(UInt64(number))) }
    interner.removeAll()
    #expect(interner.count == 0)
    #expect(interner.index(of: key(3)) == nil)
    #expect(interner.intern(key(4999)) == AccountIndex(0))
  }

  private final class Shared: @unchecked Sendable {
    // Sendable: keys are added as `ConcurrentInterner` allows.
    var interner = AccountInterner(expectedCount: 16)
    let count = Atomic<Int>(0)
  }

  @Test(arguments: [1, 2, 4, 8]) func threadsGiveEachKeyOneIndex(workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount)
    let (shared, known) = (Shared(), 40)
    for number in 0..<known { _ = shared.interner.intern(key(UInt64(number))) }
    // 2143 undoes 7, modulo 3,000.
    let (keyCount, stride, inverse) = (3_000, 7, 2143)
    shared.interner.reserve(keyCount)
    shared.count.store(shared.interner.count, ordering: .relaxed)
    let hasher = shared.interner.hasher()
    let view = shared.interner.shared()
    let met = WorkerLocal<[AccountIndex]>(pool) { _ in [] }
    pool.perform { worker in
      // Each begins elsewhere, and all meet.
      for step in 0..<keyCount {
        let key = key(UInt64((step * stride + worker.position * 911) % keyCount))
        let tag = hasher.tag(of: key)
        let index =
          view.index(of: key, tag: tag)
          ?? view.add(key, tag: tag, count: shared.count) { _ in }
        met[worker].append(index)
        if view.key(of: index) != key { met[worker] = [] }
      }
    }
    shared.interner.adopt(count: shared.count)
    #expect(shared.interner.count == keyCount)
    for number in 0..<keyCount {
      let found = shared.interner.index(of: key(UInt64(number)))
      let index = try #require(found)
      if number < known { #expect(index.position == number) }
      for worker in 0..<workerCount {
        let step = (number + keyCount - worker * 911 % keyCount) % keyCount * inverse % keyCount
        #expect(met[WorkerIndex(UInt32(worker))][step] == index)
      }
    }
  }
}
