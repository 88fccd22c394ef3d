// Adding keys on any number of threads at once, as long as nothing else changes the table.
//
// A thread that finds a key missing claims the empty slot where its search ended, with one compare-and-exchange that
// leaves the key's hash bits there; whoever looks for the same key waits at the slot until the index stands in it. So a
// key gets one index, indices are dense, and a search takes no lock. Indices come in no certain order.
//
// What the threads use is a value of plain pointers, one copy a thread: an object that all of them refer to would have its
// references counted in one place, and that alone would keep them from running at the same time.

import Synchronization

/// An interner to which threads add keys. Good until the interner changes in any other way.
package struct ConcurrentInterner: BitwiseCopyable, @unchecked Sendable {
  // Sendable: what changes is atomic, or written before a slot tells of it.
  private let slots: UnsafeMutablePointer<UInt64>
  private let mask: UInt64
  private let keys: UnsafeMutablePointer<AccountKey>
  private let keyCapacity: Int
  private static var emptySlot: UInt64 { AccountInterner.emptySlot }

  fileprivate init(_ interner: borrowing AccountInterner) {
    (slots, mask) = (interner.slots, interner.mask)
    (keys, keyCapacity) = (interner.keys, interner.keyCapacity)
  }

  /// The lower half of a slot whose index is about to be written.
  private static var claimedIndex: UInt64 { 0xffff_fffe }

  @inline(__always)
  private func slot(at position: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>> {
    // An atomic integer lies in memory as the integer does.
    UnsafeMutableRawPointer(slots + Int(truncatingIfNeeded: position)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The key's index; `nil` where it has none.
  @inline(__always) package func index(of key: AccountKey, tag: UInt32) -> AccountIndex? {
    let tag = UInt64(tag)
    var position = tag & mask
    while true {
      // Acquiring: pairs with the store that published the key.
      let slot = slot(at: position).pointee.load(ordering: .acquiring)
      if slot == Self.emptySlot { return nil }
      if slot >> 32 == tag {
        let index = slot & 0xffff_ffff
        if index == Self.claimedIndex { continue }
        if keys[Int(index)] == key { return AccountIndex(UInt32(truncatingIfNeeded: index)) }
      }
      position = (position &+ 1) & mask
    }
  }

  /// As the interner's `keyPlace`.
  @inline(__always)
  package func keyPlace(tag: UInt32) -> (place: UnsafeRawPointer, index: AccountIndex)? {
    // Relaxed: nothing is read there.
    let slot = slot(at: UInt64(tag) & mask).pointee.load(ordering: .relaxed)
    let index = slot & 0xffff_ffff
    if slot == Self.emptySlot || index == Self.claimedIndex { return nil }
    return (UnsafeRawPointer(keys + Int(index)), AccountIndex(UInt32(truncatingIfNeeded: index)))
  }

  /// Adds a key unless another thread does.
  ///
  /// - Parameters:
  ///   - sharedCount: the number of keys, for as long as threads add them; `adopt` takes it over.
  ///   - prepare: called before any other thread gets the new index.
  package func add(
    _ key: AccountKey, tag: UInt32, count sharedCount: borrowing Atomic<Int>, prepare: (AccountIndex) -> Void
  ) -> AccountIndex {
    let tag = UInt64(tag)
    var position = tag & mask
    while true {
      let slot = slot(at: position)
      let (claimed, seen) = slot.pointee.compareExchange(
        expected: Self.emptySlot, desired: tag << 32 | Self.claimedIndex, ordering: .acquiring)
      if claimed {
        // Relaxed: the number alone counts; the store below publishes what belongs to it.
        let index = sharedCount.wrappingAdd(1, ordering: .relaxed).oldValue
        precondition(index < keyCapacity, "room has been made for every key")
        keys[index] = key
        prepare(AccountIndex(UInt32(truncatingIfNeeded: index)))
        slot.pointee.store(tag << 32 | UInt64(index), ordering: .releasing)
        return AccountIndex(UInt32(truncatingIfNeeded: index))
      }
      if seen >> 32 == tag {
        let index = seen & 0xffff_ffff
        if index == Self.claimedIndex { continue }
        if keys[Int(index)] == key { return AccountIndex(UInt32(truncatingIfNeeded: index)) }
      }
      position = (position &+ 1) & mask
    }
  }

  /// Where the search for a key of this tag begins, to be prefetched.
  @inline(__always) package func slotPlace(tag: UInt32) -> UnsafeRawPointer {
    UnsafeRawPointer(slots + Int(truncatingIfNeeded: UInt64(tag) & mask))
  }

  /// The key at an index that a search gave.
  package func key(of index: AccountIndex) -> AccountKey { keys[index.position] }
}

extension AccountInterner {
  /// Keys for which threads find room.
  package var capacity: Int { keyCapacity }

  /// For threads that add keys.
  package borrowing func shared() -> ConcurrentInterner { ConcurrentInterner(self) }

  /// Takes over the keys that threads have added.
  package mutating func adopt(count sharedCount: borrowing Atomic<Int>) {
    keyCount = sharedCount.load(ordering: .acquiring)
  }
}
