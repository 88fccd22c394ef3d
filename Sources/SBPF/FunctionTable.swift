// Numbers by 32-bit murmur3 key: a program's functions, a registry's syscalls. Open addressing, because a
// program has thousands of calls and each is looked up when it is loaded. The hash of a key has a factor drawn
// for each process, so that nobody can write a program whose keys meet in one place.

/// Equal tables hold the same pairs. Keys and values come out in ascending order of the keys.
package struct FunctionTable: Sendable {
  private struct Slot {
    var key: UInt32 = 0
    var isUsed = false
    var value = 0
  }

  private static let processFactor = UInt64.random(in: .min ... .max) | 1
  private let factor = FunctionTable.processFactor
  /// A power of two of them, at most half of them used; none at first.
  private var slots: [Slot] = []
  private var shift: UInt64 = 64
  package private(set) var count = 0

  package init() {}

  package subscript(key: UInt32) -> Int? {
    get {
      if slots.isEmpty { return nil }
      let slot = slots[place(of: key)]
      return slot.isUsed ? slot.value : nil
    }
    set {
      if let newValue { _ = insert(newValue, for: key) } else { remove(key) }
    }
  }

  /// Sets the value of `key` and returns the one it had.
  package mutating func insert(_ value: Int, for key: UInt32) -> Int? {
    if count * 2 >= slots.count { grow() }
    let place = place(of: key)
    if slots[place].isUsed {
      let old = slots[place].value
      slots[place].value = value
      return old
    }
    slots[place] = Slot(key: key, isUsed: true, value: value)
    count += 1
    return nil
  }

  package var keys: [UInt32] { slots.lazy.filter(\.isUsed).map(\.key).sorted() }
  package var values: [Int] { keys.compactMap { self[$0] } }

  /// Where `key` is, or the free slot where it would be.
  private func place(of key: UInt32) -> Int {
    var place = Int(truncatingIfNeeded: (UInt64(key) &* factor) >> shift)
    while slots[place].isUsed, slots[place].key != key { place = (place + 1) & (slots.count - 1) }
    return place
  }

  private mutating func grow() {
    rebuild(slots.filter(\.isUsed), slotCount: max(64, slots.count * 2))
  }

  private mutating func remove(_ key: UInt32) {
    guard self[key] != nil else { return }
    rebuild(slots.filter { $0.isUsed && $0.key != key }, slotCount: slots.count)
  }

  private mutating func rebuild(_ used: [Slot], slotCount: Int) {
    slots = [Slot](repeating: Slot(), count: slotCount)
    shift = UInt64(64 - slotCount.trailingZeroBitCount)
    count = used.count
    for slot in used { slots[place(of: slot.key)] = slot }
  }
}

extension FunctionTable: Equatable {
  package static func == (first: Self, second: Self) -> Bool {
    first.keys == second.keys && first.values == second.values
  }
}

extension FunctionTable: ExpressibleByDictionaryLiteral {
  /// The last of several values of one key holds.
  package init(dictionaryLiteral elements: (UInt32, Int)...) {
    for (key, value) in elements { self[key] = value }
  }
}
