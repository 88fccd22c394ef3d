// The journal's memory: growing arrays of flat values, and open-addressing tables that map keys to positions in
// them. A table is emptied by counting its generation up, so that starting a transaction costs nothing.

import Primitives
import WideIntegers

/// A growing array of trivial values at a stable base until it grows; positions stay valid for a transaction.
struct FlatList<Element: BitwiseCopyable> {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  func deallocate() { base.deallocate() }

  @inline(__always) mutating func append(_ element: Element) {
    if count == capacity { grow() }
    (base + count).initialize(to: element)
    count &+= 1
  }

  @inline(never) private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: base, count: count)
    base.deallocate()
    base = larger
    capacity *= 2
  }

  @inline(__always) mutating func truncate(to newCount: Int) { count = newCount }
}

/// Positions by hash. The caller compares keys; an entry is `generation << 32 | position`.
struct PositionTable {
  private(set) var entries: UnsafeMutablePointer<UInt64>
  private(set) var mask: Int
  private var count = 0
  private(set) var generation: UInt64 = 1

  init(capacity: Int) {
    mask = capacity - 1
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: 0, count: capacity)
  }

  func deallocate() { entries.deallocate() }

  /// Forgets every entry.
  mutating func removeAll() {
    count = 0
    generation &+= 1
    guard generation >> 32 != 0 else { return }
    entries.update(repeating: 0, count: mask + 1)
    generation = 1
  }

  /// The position at `place`; `nil` for a free place.
  @inline(__always) func position(at place: Int) -> Int? {
    let entry = entries[place & mask]
    return entry >> 32 == generation ? Int(truncatingIfNeeded: entry & 0xffff_ffff) : nil
  }

  @inline(__always) mutating func insert(_ position: Int, hash: UInt64, rehash: (Int) -> UInt64) {
    if (count &+ 1) &* 2 > mask { grow(rehash) }
    place(position, hash)
    count &+= 1
  }

  @inline(__always) private func place(_ position: Int, _ hash: UInt64) {
    var place = Int(truncatingIfNeeded: hash)
    while self.position(at: place) != nil { place &+= 1 }
    entries[place & mask] = generation << 32 | UInt64(position)
  }

  private mutating func grow(_ rehash: (Int) -> UInt64) {
    let (old, oldMask) = (entries, mask)
    mask = mask * 2 + 1
    entries = .allocate(capacity: mask + 1)
    entries.initialize(repeating: 0, count: mask + 1)
    for place in 0...oldMask where old[place] >> 32 == generation {
      let position = Int(old[place] & 0xffff_ffff)
      self.place(position, rehash(position))
    }
    old.deallocate()
  }
}

extension KeyedHash {
  @inline(__always) func of(_ address: Address) -> UInt64 {
    of(UInt256(address.word0, address.word1, UInt64(address.word2), 0))
  }
}
