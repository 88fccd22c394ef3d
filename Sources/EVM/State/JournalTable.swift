// Open-addressing tables that map keys to positions in the journal's lists. A table is emptied by counting its generation
// up, so that starting a transaction costs nothing.

import Primitives
import WideIntegers

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
