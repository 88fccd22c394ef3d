// Values by key and by the position of the transaction that wrote them: what transactions see that run ahead of their
// turn. A read at a position gives the newest version below it, else the value before the block, which is kept with the
// key. Knows no rule of any chain: a value is some flat bytes that know how a delta is added to them.
//
// STRUCTURE. A hash table of chained entries, one a key; an entry has a list of versions in descending order of
// positions, so that a reader near the newest looks at few. Nothing is ever unlinked: a version of an execution that was
// thrown away is marked dead and passed over. So entries and versions never move and their values never change, and
// insertion is one compare-and-exchange. Memory comes from the workers' arenas and goes when these go.
//
// DELTAS. A version may be a delta, which is added to whatever is below it: credits to one account by many transactions
// do not conflict. A reader adds up the deltas that it passes; `settle` puts the sum in the place of a delta once
// everything below it is final, so that readers pass few.
//
// THREADS. Any number may read and insert. A position's versions are inserted and killed by one thread at a time.

import Scheduling
import Synchronization

protocol VersionedValue: BitwiseCopyable {
  /// This value, or this delta, with `delta` added to it.
  func adding(_ delta: Self) -> Self
}

/// Memory of one worker for a block: given out piece by piece, given back as a whole.
struct VersionArena: ~Copyable {
  private static let chunkByteCount = 1 << 18
  private var chunks: [UnsafeMutableRawPointer] = []
  private var next = UnsafeMutableRawPointer(bitPattern: 8)
  private var left = 0
  /// Bytes taken from the system.
  private(set) var byteCount = 0

  deinit { for chunk in chunks { chunk.deallocate() } }

  @inline(__always)
  mutating func allocate<Element: ~Copyable>(
    _ type: Element.Type, count: Int = 1
  ) -> UnsafeMutablePointer<Element> {
    let size = (MemoryLayout<Element>.stride &* count &+ 15) & ~15
    if size > left { grow(size) }
    // `grow` has made room.
    let place = next.unsafelyUnwrapped
    next = place + size
    left &-= size
    return place.bindMemory(to: Element.self, capacity: count)
  }

  @inline(never) private mutating func grow(_ size: Int) {
    let count = max(size, Self.chunkByteCount)
    let chunk = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
    chunks.append(chunk)
    byteCount += count
    (next, left) = (chunk, count)
  }
}

final class MultiVersionMap<Value: VersionedValue>: @unchecked Sendable {
  // Sendable: what several threads write is atomic; the rest is written before a releasing store publishes it.

  enum State {
    static var whole: UInt32 { 0 }
    static var delta: UInt32 { 1 }
    static var dead: UInt32 { 2 }
  }

  struct Version: ~Copyable {
    let value: Value
    let position: UInt32
    let state: Atomic<UInt32>
    let next: Atomic<UnsafeMutableRawPointer?>
  }

  struct Entry: ~Copyable {
    /// Before the block.
    let base: Value
    let key: AccountKey
    /// Its neighbour in the bucket.
    var next: UnsafeMutableRawPointer?
    let newest: Atomic<UnsafeMutableRawPointer?>
    /// The caller's number for the key; `noIndex` where it has none.
    let index: UInt32
  }

  typealias EntryPointer = UnsafeMutablePointer<Entry>
  typealias VersionPointer = UnsafeMutablePointer<Version>

  static var noIndex: UInt32 { .max }
  /// The position of a reading that met no version.
  static var basePosition: UInt32 { .max }

  /// What a read found. The value lies there until the arenas go, and never changes.
  struct Reading {
    let value: UnsafePointer<Value>
    /// Of the newest version that went into it; `basePosition` where there was none.
    let position: UInt32
  }

  private let buckets: UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>>
  private let mask: Int
  private let hasher: AccountKeyHasher

  init(expectedKeyCount: Int, hasher: AccountKeyHasher) {
    var count = 256
    while count < expectedKeyCount { count *= 2 }
    mask = count - 1
    self.hasher = hasher
    buckets = .allocate(capacity: count)
    for bucket in 0..<count { (buckets + bucket).initialize(to: Atomic(nil)) }
  }

  deinit { buckets.deallocate() }

  // MARK: Keys

  /// The entry of `key`, made of what `load` gives where there is none yet.
  @inline(__always)
  func entry<Failure: Error>(
    _ key: AccountKey, in arena: inout VersionArena,
    load: () throws(Failure) -> (base: Value, index: UInt32)
  ) throws(Failure) -> EntryPointer {
    let bucket = buckets + (Int(truncatingIfNeeded: hasher.tag(of: key)) & mask)
    // Acquiring: pairs with the exchange that published the entry.
    var head = bucket.pointee.load(ordering: .acquiring)
    if let found = Self.find(key, from: head) { return found }
    let (base, index) = try load()
    let entry = arena.allocate(Entry.self)
    entry.initialize(to: Entry(base: base, key: key, next: head, newest: Atomic(nil), index: index))
    while true {
      let (exchanged, seen) = bucket.pointee.compareExchange(
        expected: head, desired: UnsafeMutableRawPointer(entry), ordering: .acquiringAndReleasing)
      if exchanged { return entry }
      // Somebody was faster, perhaps with the same key: then this one is left to the arena.
      if let found = Self.find(key, from: seen) { return found }
      head = seen
      entry.pointee.next = head
    }
  }

  @inline(__always)
  private static func find(_ key: AccountKey, from head: UnsafeMutableRawPointer?) -> EntryPointer? {
    var place = head
    while let entry = place?.assumingMemoryBound(to: Entry.self) {
      if entry.pointee.key == key { return entry }
      place = entry.pointee.next
    }
    return nil
  }

  // MARK: Versions

  /// The value of `entry` as the transaction at `position` sees it. A sum of deltas is kept in `arena`.
  @inline(__always)
  func read(_ entry: EntryPointer, below position: UInt32, in arena: inout VersionArena) -> Reading {
    // Acquiring, here and below: pairs with the exchange that inserted the version.
    var place = entry.pointee.newest.load(ordering: .acquiring)
    while let version = place?.assumingMemoryBound(to: Version.self) {
      if version.pointee.position < position {
        let state = version.pointee.state.load(ordering: .acquiring)
        if state == State.whole {
          return Reading(value: Self.value(of: version), position: version.pointee.position)
        }
        if state == State.delta { return sum(entry, from: version, in: &arena) }
      }
      place = version.pointee.next.load(ordering: .acquiring)
    }
    return Reading(value: Self.base(of: entry), position: Self.basePosition)
  }

  @inline(never)
  private func sum(_ entry: EntryPointer, from first: VersionPointer, in arena: inout VersionArena) -> Reading
  {
    var delta = first.pointee.value
    var below = entry.pointee.base
    var place = first.pointee.next.load(ordering: .acquiring)
    while let version = place?.assumingMemoryBound(to: Version.self) {
      let state = version.pointee.state.load(ordering: .acquiring)
      if state == State.whole {
        below = version.pointee.value
        break
      }
      if state == State.delta { delta = version.pointee.value.adding(delta) }
      place = version.pointee.next.load(ordering: .acquiring)
    }
    let sum = arena.allocate(Value.self)
    sum.initialize(to: below.adding(delta))
    return Reading(value: UnsafePointer(sum), position: first.pointee.position)
  }

  /// Adds what the transaction at `position` writes. In front of what it wrote before, if it did.
  @inline(__always)
  func insert(
    _ value: Value, into entry: EntryPointer, at position: UInt32, isDelta: Bool = false,
    in arena: inout VersionArena
  ) -> VersionPointer {
    let version = arena.allocate(Version.self)
    version.initialize(
      to: Version(
        value: value, position: position, state: Atomic(isDelta ? State.delta : State.whole),
        next: Atomic(nil)))
    while !link(version, into: entry, at: position) {}
    return version
  }

  @inline(__always)
  private func link(_ version: VersionPointer, into entry: EntryPointer, at position: UInt32) -> Bool {
    var before: VersionPointer?
    var place = entry.pointee.newest.load(ordering: .acquiring)
    while let other = place?.assumingMemoryBound(to: Version.self), other.pointee.position > position {
      before = other
      place = other.pointee.next.load(ordering: .acquiring)
    }
    // Relaxed: published by the exchange.
    version.pointee.next.store(place, ordering: .relaxed)
    let desired = UnsafeMutableRawPointer(version)
    if let before {
      return before.pointee.next.compareExchange(
        expected: place, desired: desired, ordering: .acquiringAndReleasing
      ).exchanged
    }
    return entry.pointee.newest.compareExchange(
      expected: place, desired: desired, ordering: .acquiringAndReleasing
    ).exchanged
  }

  /// Takes a version back.
  @inline(__always) func kill(_ version: VersionPointer) {
    // Releasing: who sees what replaces it sees that it is gone.
    version.pointee.state.store(State.dead, ordering: .releasing)
  }

  /// Puts the sum in the place of a delta; everything below its position is final.
  func settle(_ version: VersionPointer, of entry: EntryPointer, in arena: inout VersionArena)
    -> VersionPointer
  {
    let position = version.pointee.position
    let below = read(entry, below: position, in: &arena).value.pointee
    // In front of the delta, which only a reader reaches that passed this place before.
    return insert(below.adding(version.pointee.value), into: entry, at: position, in: &arena)
  }

  /// Whether a version is the last word on its key.
  @inline(__always) func isNewest(_ version: VersionPointer, of entry: EntryPointer) -> Bool {
    var place = entry.pointee.newest.load(ordering: .acquiring)
    while let other = place?.assumingMemoryBound(to: Version.self) {
      if other.pointee.state.load(ordering: .acquiring) != State.dead { return other == version }
      place = other.pointee.next.load(ordering: .acquiring)
    }
    return false
  }

  // MARK: Places

  /// `value` is the first field of a version.
  @inline(__always) static func value(of version: VersionPointer) -> UnsafePointer<Value> {
    UnsafeRawPointer(version).assumingMemoryBound(to: Value.self)
  }

  /// As is `base` of an entry.
  @inline(__always) static func base(of entry: EntryPointer) -> UnsafePointer<Value> {
    UnsafeRawPointer(entry).assumingMemoryBound(to: Value.self)
  }
}
