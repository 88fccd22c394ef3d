import Primitives
import Scheduling
import Synchronization
import Testing
import WideIntegers

@testable import EVM

/// Blocks of random changes to accounts and slots, each root compared with that of the whole state made anew, with all
/// nodes in memory, some, or none.
struct StateTriesTests {
  private struct World {
    struct Entry {
      var account: EVMAccount
      var slots: [UInt256: UInt256] = [:]
    }

    var entries: [Address: Entry] = [:]

    var root: Hash {
      MerklePatriciaTrie.stateRoot(
        entries.map { address, entry in
          let root = MerklePatriciaTrie.storageRoot(entry.slots.map { (slot: $0.key, value: $0.value) })
          return (
            address: address,
            account: TrieAccount(
              nonce: entry.account.nonce, balance: entry.account.balance, storageRoot: root,
              codeHash: entry.account.codeHash)
          )
        })
    }

    /// Changes one account as a block may.
    mutating func change(_ address: Address, _ random: inout SplitMix64) -> StateTries.Change {
      var change = StateTries.Change(address: address)
      let known = entries[address]
      let kind = Int.random(in: 0..<10, using: &random)
      if known != nil, kind == 0 {
        (change.leaf, change.resetsStorage) = (.gone, true)
        entries[address] = nil
        return change
      }
      var entry = known ?? Entry(account: EVMAccount())
      if known != nil, kind == 1 {
        // Destroyed and made anew in one block.
        change.resetsStorage = true
        entry.slots = [:]
      }
      if known == nil || kind < 6 {
        // Encodings of many lengths.
        entry.account.nonce = .random(
          in: 0...(1 << UInt64.random(in: 0..<40, using: &random)), using: &random)
        entry.account.balance = UInt256(1) << UInt64.random(in: 0..<256, using: &random)
        change.leaf = .account(entry.account)
      }
      if kind >= 3 {
        for _ in 0..<Int.random(in: 0..<4, using: &random) {
          let slot = UInt256(UInt64.random(in: 0..<40, using: &random))
          if change.slots.contains(where: { $0.slot == slot }) { continue }
          let value = Bool.random(using: &random) ? UInt256.zero : UInt256(random.next(), random.next(), 0, 0)
          change.slots.append((slot: slot, value: value))
          entry.slots[slot] = value.isZero ? nil : value
        }
      }
      entries[address] = entry
      return change
    }
  }

  private static func address(_ random: inout SplitMix64) -> Address {
    Address(UInt256(UInt64.random(in: 1...150, using: &random)))
  }

  @Test(arguments: [(64, 64, Int.max), (4, 2, 30), (2, 1, 5), (0, 0, 0)], [1, 2])
  func rootsAreThoseOfTheWholeState(memory sizes: (Int, Int, Int), workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount, stackByteCount: 1 << 20, pinning: false)
    var memory = StateTries.Memory()
    (memory.stateDepth, memory.storageDepth, memory.storageCount) = sizes
    var random = SplitMix64(seed: UInt64(sizes.0 * 10 + workerCount))
    let store = TrieMemoryStore()
    var (tries, world) = (StateTries(source: store, memory: memory), World())
    var kept: [(tries: StateTries, world: World)] = []
    for block in 0..<60 {
      var changes: [Address: StateTries.Change] = [:]
      for _ in 0..<Int.random(in: 1..<200, using: &random) {
        let address = Self.address(&random)
        if changes[address] == nil { changes[address] = world.change(address, &random) }
      }
      let batch = try tries.apply(changes.values.sorted { $0.address < $1.address }) { count, body in
        pool.forEach(count: count, chunk: 1) { _, range in for index in range { body(index) } }
      }
      store.commit([batch], keptBlocks: 4)
      #expect(tries.root == world.root, "block \(block)")
      // Without a copy nodes change in place.
      if workerCount > 1 || block >= 55 { kept.append((tries, world)) }
    }
    // Earlier ones are values, and their nodes are there.
    for (tries, world) in kept.suffix(5) {
      let again = StateTries(root: tries.root, source: store)
      for (address, entry) in world.entries {
        #expect(try tries.account(address)?.nonce == entry.account.nonce)
        for (slot, value) in entry.slots { #expect(try again.storage(address, slot: slot) == value) }
      }
    }
    kept = []
    // When all accounts are gone the store has nothing left, of their storages neither.
    let gone = world.entries.keys.sorted().map { address in
      var change = StateTries.Change(address: address)
      (change.leaf, change.resetsStorage) = (.gone, true)
      return change
    }
    store.commit([try tries.apply(gone)], keptBlocks: 0)
    #expect(tries.root == MerklePatriciaTrie.emptyRoot && store.nodeCount == 0)
  }

  /// Blocks that are cut at all nibbles, with an account whose slots alone are work for all threads.
  @Test(arguments: [(64, 64, Int.max), (2, 1, 500)], [1, 4])
  func largeBlocksAreCut(memory sizes: (Int, Int, Int), workerCount: Int) throws {
    let pool = try WorkerPool(workerCount: workerCount, stackByteCount: 1 << 20, pinning: false)
    var memory = StateTries.Memory()
    (memory.stateDepth, memory.storageDepth, memory.storageCount) = sizes
    var random = SplitMix64(seed: UInt64(sizes.0 + workerCount))
    let store = TrieMemoryStore()
    var (tries, world) = (StateTries(source: store, memory: memory), World())
    let large = Address(UInt256(77))
    world.entries[large] = World.Entry(account: EVMAccount(nonce: 1))
    for block in 0..<4 as Range<UInt64> {
      var changes = (1_000..<2_500 as Range<UInt64>).map { world.change(Address(UInt256($0)), &random) }
      var change = StateTries.Change(address: large)
      change.leaf = .account(EVMAccount(nonce: block))
      change.slots = (0..<2_000 as Range<UInt64>).map {
        (slot: UInt256($0 * (block + 1)), value: UInt256($0 % 7 * block))
      }
      world.entries[large]?.account.nonce = block
      for (slot, value) in change.slots { world.entries[large]?.slots[slot] = value.isZero ? nil : value }
      changes.insert(change, at: 700)
      let batch = try tries.apply(changes) { count, body in
        pool.forEach(count: count, chunk: 1) { _, range in for index in range { body(index) } }
      }
      store.commit([batch], keptBlocks: 0)
      #expect(tries.root == world.root, "block \(block)")
    }
    for (address, entry) in world.entries {
      let again = StateTries(root: tries.root, source: store)
      for (slot, value) in entry.slots.prefix(20) { #expect(try again.storage(address, slot: slot) == value) }
    }
  }

  /// A store that cannot be read leaves the tries at the root that they had, and they go on once it can.
  @Test func aFailedBlockChangesNothing() throws {
    var random = SplitMix64(seed: 9)
    let store = TrieMemoryStore()
    let source = Unreliable(store)
    var memory = StateTries.Memory()
    (memory.stateDepth, memory.storageDepth) = (1, 0)
    var (tries, world) = (StateTries(source: source, memory: memory), World())
    var failures = 0
    for block in 0..<60 {
      var next = world
      var changes: [Address: StateTries.Change] = [:]
      for _ in 0..<40 {
        let address = Self.address(&random)
        if changes[address] == nil { changes[address] = next.change(address, &random) }
      }
      let all = changes.values.sorted { $0.address < $1.address }
      source.remaining.withLock { $0 = block % 3 == 0 ? block : .max }
      do throws(TrieError) { store.commit([try tries.apply(all)], keptBlocks: 0) } catch {
        failures += 1
        #expect(error == .store("no more") && tries.root == world.root)
        source.remaining.withLock { $0 = .max }
        store.commit([try tries.apply(all)], keptBlocks: 0)
      }
      world = next
      #expect(tries.root == world.root, "block \(block)")
    }
    #expect(failures > 5)
  }

  private final class Unreliable: TrieNodeSource {
    let store: TrieMemoryStore
    let remaining = Mutex(Int.max)

    init(_ store: TrieMemoryStore) { self.store = store }

    func node(_ key: [UInt8]) throws(TrieError) -> [UInt8]? {
      let isOut = remaining.withLock { count in
        count -= 1
        return count < 0
      }
      if isOut { throw .store("no more") }
      return try store.node(key)
    }
  }
}
