// Account keys to dense indices: the door through which a block's transactions reach the scheduler. Each
// 32-byte key is looked up once; everything behind works with `AccountIndex`.
//
// An open-addressing table with linear probing over 8-byte slots (32 bits of the key's hash, 32 bits of
// index), at most half full, beside the keys themselves in order of their index. A slot's hash bits decide
// both its position and whether the key behind it is worth comparing, so that growing never touches the keys.
//
// The hash is keyed by 256 secret bits drawn once per process: a sender cannot craft keys that collide.
// Indices are handed out in order of first appearance, hence no result depends on the secret.
//
// Not thread-safe while interning or removing; any number of threads may call `index(of:)` and `key(of:)` in between.
// For a while, when room has been made (AccountInterner+Sharing.swift), any number of threads may add keys.
import CThreads

/// A 32-byte key as four words in memory order (`word0` = bytes 0–7, little-endian).
@frozen @usableFromInline package struct AccountKey: Hashable, Sendable {
  @usableFromInline package var word0, word1, word2, word3: UInt64

  @inlinable package init(word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64) {
    (self.word0, self.word1, self.word2, self.word3) = (word0, word1, word2, word3)
  }

  /// Reads 32 bytes; `pointer` needs no alignment.
  @inlinable package init(reading pointer: UnsafeRawPointer) {
    self = pointer.loadUnaligned(as: AccountKey.self)
  }
}

/// The keyed hash of one process, by which interners find keys: computed once, it can be handed to all of them.
@frozen @usableFromInline package struct AccountKeyHasher: Sendable {
  @usableFromInline let seed: AccountKey

  @inlinable init(seed: AccountKey) { self.seed = seed }

  /// The one that this process's interners have.
  package static let ofProcess = AccountKeyHasher(seed: AccountInterner.processSeed)

  /// 32 bits that depend on all bits of the key.
  @inlinable @inline(__always) package func tag(of key: AccountKey) -> UInt32 {
    let hash = hash(of: key)
    return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
  }

  /// Two folded 128-bit products of secretly masked words.
  @inlinable @inline(__always) package func hash(of key: AccountKey) -> UInt64 {
    let low = (key.word0 ^ seed.word0).multipliedFullWidth(by: key.word1 ^ seed.word1)
    let high = (key.word2 ^ seed.word2).multipliedFullWidth(by: key.word3 ^ seed.word3)
    // Two folds joined by a rotation, so that a key of two equal halves does not cancel itself out.
    return (low.high ^ low.low) &+ (high.high ^ high.low).rotatedLeft(by: 29)
  }
}

@usableFromInline package struct AccountInterner: ~Copyable {
  /// Number of distinct keys met, at most 2^31.
  @inlinable package var count: Int { keyCount }

  @usableFromInline var slots: UnsafeMutablePointer<UInt64>
  @usableFromInline var mask: UInt64
  @usableFromInline var keys: UnsafeMutablePointer<AccountKey>
  @usableFromInline var keyCount = 0
  @usableFromInline var keyCapacity: Int
  @usableFromInline let seed: AccountKey

  /// - Parameter expectedCount: number of keys for which room is made at once; the table grows beyond it.
  package init(expectedCount: Int = 1024) { self.init(expectedCount: expectedCount, seed: Self.processSeed) }

  init(expectedCount: Int, seed: AccountKey) {
    self.seed = seed
    keyCapacity = Self.capacity(for: expectedCount)
    mask = UInt64(keyCapacity * 2 - 1)
    keys = FlatArray.allocate(AccountKey.self, capacity: keyCapacity)
    slots = FlatArray.allocate(UInt64.self, capacity: keyCapacity * 2)
    slots.initialize(repeating: Self.emptySlot, count: keyCapacity * 2)
  }

  deinit {
    slots.deallocate()
    keys.deallocate()
  }

  /// The key's index, a new one if the key is new.
  @inlinable package mutating func intern(_ key: AccountKey) -> AccountIndex { intern(key, tag: hash(key)) }

  @inlinable @inline(__always) mutating func intern(_ key: AccountKey, tag: UInt64) -> AccountIndex {
    var position = tag & mask
    while true {
      let slot = slots[Int(truncatingIfNeeded: position)]
      if slot == Self.emptySlot { return insert(key, tag: tag, position: position) }
      if slot >> 32 == tag {
        let index = UInt32(truncatingIfNeeded: slot)
        if keys[Int(index)] == key { return AccountIndex(index) }
      }
      position = (position &+ 1) & mask
    }
  }

  /// As `intern(_:)`, of a key whose tag is known.
  @inlinable @inline(__always)
  package mutating func intern(_ key: AccountKey, knownTag tag: UInt32) -> AccountIndex {
    intern(key, tag: UInt64(tag))
  }

  package borrowing func hasher() -> AccountKeyHasher { AccountKeyHasher(seed: seed) }

  /// Interns the keys of a transaction together, which overlaps their cache misses: on a table larger than
  /// the cache about twice as fast as one by one.
  ///
  /// - Parameters:
  ///   - list: the keys; duplicates are fine.
  ///   - indices: room for as many indices.
  package mutating func intern(
    _ list: UnsafeBufferPointer<AccountKey>, into indices: UnsafeMutablePointer<AccountIndex>
  ) {
    // Each pass only asks for what the next one reads; the hashes wait in the room for the result.
    for position in list.indices {
      let tag = hash(list[position])
      (indices + position).initialize(to: AccountIndex(UInt32(truncatingIfNeeded: tag)))
      estuary_prefetch(slots + Int(truncatingIfNeeded: tag & mask))
    }
    for position in list.indices {
      let slot = slots[Int(truncatingIfNeeded: UInt64(indices[position].rawValue) & mask)]
      estuary_prefetch(keys + Int(slot & 0x7fff_ffff))
    }
    for position in list.indices {
      indices[position] = intern(list[position], tag: UInt64(indices[position].rawValue))
    }
  }

  /// Where the search for a key of this tag begins, to be prefetched.
  @inlinable @inline(__always) package borrowing func slotPlace(tag: UInt32) -> UnsafeRawPointer {
    UnsafeRawPointer(slots + Int(truncatingIfNeeded: UInt64(tag) & mask))
  }

  /// The key that the search compares first, to be prefetched, and its index, most likely that of the key with this
  /// tag; `nil` where there is none.
  @inlinable @inline(__always)
  package borrowing func keyPlace(tag: UInt32) -> (place: UnsafeRawPointer, index: AccountIndex)? {
    let slot = slots[Int(truncatingIfNeeded: UInt64(tag) & mask)]
    if slot == Self.emptySlot { return nil }
    let index = UInt32(truncatingIfNeeded: slot)
    return (UnsafeRawPointer(keys + Int(index)), AccountIndex(index))
  }

  /// The key's index, `nil` if it was never interned.
  @inlinable package borrowing func index(of key: AccountKey) -> AccountIndex? {
    let tag = hash(key)
    var position = tag & mask
    while true {
      let slot = slots[Int(truncatingIfNeeded: position)]
      if slot == Self.emptySlot { return nil }
      if slot >> 32 == tag {
        let index = UInt32(truncatingIfNeeded: slot)
        if keys[Int(index)] == key { return AccountIndex(index) }
      }
      position = (position &+ 1) & mask
    }
  }

  /// The key that `index` stands for. Traps on an index that this table did not hand out.
  @inlinable package borrowing func key(of index: AccountIndex) -> AccountKey {
    precondition(index.position < keyCount, "account index of another table")
    return keys[index.position]
  }

  /// Forgets all keys and keeps the memory; indices start at 0 again.
  package mutating func removeAll() {
    slots.update(repeating: Self.emptySlot, count: keyCapacity * 2)
    keyCount = 0
  }

  /// Forgets the key at `index`. Indices stay dense: the last key takes the place of the one that goes.
  package mutating func remove(_ index: AccountIndex) {
    precondition(index.position < keyCount, "account index of another table")
    let last = keyCount - 1
    vacate(slotPosition(of: index.position))
    if index.position < last {
      let position = slotPosition(of: last)
      slots[position] = hash(keys[last]) << 32 | UInt64(index.rawValue)
      keys[index.position] = keys[last]
    }
    keyCount = last
  }

  /// Where the slot of the key at `index` lies.
  private borrowing func slotPosition(of index: Int) -> Int {
    let slot = hash(keys[index]) << 32 | UInt64(index)
    var position = hash(keys[index]) & mask
    while slots[Int(position)] != slot { position = (position + 1) & mask }
    return Int(position)
  }

  /// Empties a slot, and closes the gap that this leaves in the searches that pass over it.
  private mutating func vacate(_ position: Int) {
    var gap = UInt64(position)
    var next = (gap + 1) & mask
    while slots[Int(next)] != Self.emptySlot {
      // A key whose search begins behind the gap does not pass over it.
      let searchLength = (next &- (slots[Int(next)] >> 32)) & mask
      if searchLength >= (next &- gap) & mask {
        slots[Int(gap)] = slots[Int(next)]
        gap = next
      }
      next = (next + 1) & mask
    }
    slots[Int(gap)] = Self.emptySlot
  }

  /// Makes room for `additional` new keys.
  package mutating func reserve(_ additional: Int) {
    while keyCapacity < keyCount + additional { grow() }
  }

  // A slot whose index is 2^32 − 1 is empty: indices stay below 2^31.
  @usableFromInline static var emptySlot: UInt64 { .max }

  fileprivate static let processSeed: AccountKey = {
    var generator = SystemRandomNumberGenerator()
    return AccountKey(
      word0: generator.next(), word1: generator.next(), word2: generator.next(), word3: generator.next())
  }()

  private static func capacity(for count: Int) -> Int {
    let wanted = max(count, 16)
    precondition(wanted <= 1 << 31, "more than 2^31 accounts")
    return 1 << (Int.bitWidth - (wanted - 1).leadingZeroBitCount)
  }

  @inlinable @inline(__always) borrowing func hash(_ key: AccountKey) -> UInt64 {
    UInt64(AccountKeyHasher(seed: seed).tag(of: key))
  }

  @usableFromInline @inline(never)
  mutating func insert(_ key: AccountKey, tag: UInt64, position: UInt64) -> AccountIndex {
    var position = position
    if keyCount == keyCapacity {
      grow()
      position = vacancy(for: tag)
    }
    let index = keyCount
    keys[index] = key
    slots[Int(position)] = tag << 32 | UInt64(index)
    keyCount = index + 1
    return AccountIndex(UInt32(index))
  }

  private borrowing func vacancy(for tag: UInt64) -> UInt64 {
    var position = tag & mask
    while slots[Int(position)] != Self.emptySlot { position = (position + 1) & mask }
    return position
  }

  private mutating func grow() {
    let (oldSlots, oldSlotCount, oldKeys) = (slots, keyCapacity * 2, keys)
    keyCapacity = Self.capacity(for: keyCapacity + 1)
    mask = UInt64(keyCapacity * 2 - 1)
    keys = FlatArray.allocate(AccountKey.self, capacity: keyCapacity)
    keys.update(from: oldKeys, count: keyCount)
    slots = FlatArray.allocate(UInt64.self, capacity: keyCapacity * 2)
    slots.initialize(repeating: Self.emptySlot, count: keyCapacity * 2)
    for slot in UnsafeBufferPointer(start: oldSlots, count: oldSlotCount) where slot != Self.emptySlot {
      slots[Int(vacancy(for: slot >> 32))] = slot
    }
    oldSlots.deallocate()
    oldKeys.deallocate()
  }
}

extension UInt64 {
  @inlinable @inline(__always) func rotatedLeft(by count: UInt64) -> UInt64 {
    self &<< count | self &>> (64 &- count)
  }
}
