// What the transactions of a wave are guessed to touch, by hash: which of these things several touch, one of them changing
// it, and who touched each last. It is made anew for each wave, so a thing takes eight bytes and nothing is kept but what
// grouping asks: an open-addressing table, at most half full, whose places stand for the things.

struct MeetingTable: ~Copyable {
  private struct Slot: BitwiseCopyable {
    /// Bits of the hash that do not say the place; two things that agree in these and in the place count as one.
    var tag: UInt32 = 0
    /// One more than the offset of the last transaction; 0 for none.
    var last: UInt16 = 0
    /// 0 for an empty place, 1, or 2 for more.
    var touchCount: UInt8 = 0
    var isChanged = false
  }

  private var slots: UnsafeMutablePointer<Slot>
  private var capacity: Int
  private var mask: Int

  init() {
    capacity = 64
    mask = capacity - 1
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(), count: capacity)
  }

  deinit { slots.deallocate() }

  /// Forgets everything and makes room for `expectedCount` touches.
  mutating func removeAll(expectedCount: Int) {
    var needed = 64
    while needed < 2 * expectedCount { needed *= 2 }
    if needed > capacity {
      slots.deallocate()
      capacity = needed
      slots = .allocate(capacity: capacity)
    }
    mask = needed - 1
    slots.initialize(repeating: Slot(), count: needed)
  }

  /// Notes that a transaction touches what has this hash.
  ///
  /// - Returns: its place.
  @inline(__always) mutating func touch(_ hash: UInt64, isWritten: Bool) -> UInt32 {
    let tag = UInt32(truncatingIfNeeded: hash)
    var place = Int(truncatingIfNeeded: hash >> 32) & mask
    while slots[place].touchCount != 0 && slots[place].tag != tag { place = (place + 1) & mask }
    slots[place].tag = tag
    slots[place].touchCount = slots[place].touchCount == 0 ? 1 : 2
    if isWritten { slots[place].isChanged = true }
    return UInt32(truncatingIfNeeded: place)
  }

  /// Whether more than one touch was noted of what has this place.
  @inline(__always) borrowing func isShared(_ place: UInt32) -> Bool { slots[Int(place)].touchCount > 1 }

  /// Whether those that touch what has this place have to take turns.
  @inline(__always) borrowing func keepsApart(_ place: UInt32) -> Bool {
    slots[Int(place)].touchCount > 1 && slots[Int(place)].isChanged
  }

  /// The offset of the last transaction that was said to have touched it; `nil` for none.
  @inline(__always) borrowing func last(_ place: UInt32) -> Int? {
    slots[Int(place)].last == 0 ? nil : Int(slots[Int(place)].last) - 1
  }

  /// Says that the transaction at `offset` is the last to touch it.
  ///
  /// - Returns: who was.
  @inline(__always) mutating func exchangeLast(_ place: UInt32, _ offset: Int) -> Int? {
    let old = last(place)
    slots[Int(place)].last = UInt16(truncatingIfNeeded: offset + 1)
    return old
  }
}
