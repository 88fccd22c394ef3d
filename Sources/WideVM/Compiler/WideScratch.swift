// Tables that the compiler of wide instructions needs while it runs, kept from one program to the next: clearing
// them would cost a small program more than its compilation.

import SBPF
import Synchronization

/// A 256-bit value that some slot or memory word holds.
struct WideValue {
  /// Host register of each limb, a byte each, the lowest limb first; 0xff: the limb is in a slot's memory.
  var registers: UInt32 = .max
  /// When an instruction last used it.
  var stamp: UInt32 = 0
  /// Index in the pool, or −1.
  var constant: Int16 = -1
  /// Limbs from here on are zero.
  var limbCount: UInt8 = 4
  /// Slots, and words of the frame's memory, that hold it.
  var slotCount: UInt8 = 0
  var wordCount: UInt8 = 0
}

/// A slot whose value is known.
struct WideTracked {
  /// Relative to the window at the block's start.
  var place: Int16
  var value: UInt8
  /// What the slot's memory has of the value: 0 nothing, 1 limbs below the value's count, 2 everything.
  var level: UInt8
}

/// 32 bytes of the frame's memory at a constant address, whose value is known.
struct WideWord {
  var address: Int32
  var value: UInt8
}

/// Used by one thread at a time.
final class WideScratch: @unchecked Sendable {
  // Unchecked: whoever took it from the pool is its only user until it is given back.
  static let slotMask = 8191
  /// How far the window may move in a block for slots to have numbers of their own in the tables.
  static let maxShift = 1024
  static let maxTrackedCount = 48
  static let maxWordCount = 8

  /// By slot, see `WideLiveness`; never cleared, since epochs only rise.
  let events: UnsafeMutablePointer<UInt32>
  var epoch: UInt32 = 0
  /// By slot: index in `tracked` plus 1, or 0.
  let index: UnsafeMutablePointer<UInt8>
  let tracked: UnsafeMutablePointer<WideTracked>
  let values: UnsafeMutablePointer<WideValue>
  let words: UnsafeMutablePointer<WideWord>
  /// By host register: the value whose limb it holds, or 0.
  let owners: UnsafeMutablePointer<UInt8>
  let keptConstants: UnsafeMutablePointer<(place: Int16, constant: Int16)>

  private static let pool = Mutex<[WideScratch]>([])

  private init() {
    events = .allocate(capacity: Self.slotMask + 1)
    events.initialize(repeating: 0, count: Self.slotMask + 1)
    index = .allocate(capacity: Self.slotMask + 1)
    index.initialize(repeating: 0, count: Self.slotMask + 1)
    tracked = .allocate(capacity: Self.maxTrackedCount + 1)
    values = .allocate(capacity: 64)
    values.initialize(repeating: WideValue(), count: 64)
    words = .allocate(capacity: Self.maxWordCount)
    owners = .allocate(capacity: 16)
    owners.initialize(repeating: 0, count: 16)
    keptConstants = .allocate(capacity: Self.maxTrackedCount)
  }

  deinit {
    events.deallocate()
    index.deallocate()
    tracked.deallocate()
    values.deallocate()
    words.deallocate()
    owners.deallocate()
    keptConstants.deallocate()
  }

  static func take() -> WideScratch { pool.withLock { $0.popLast() } ?? WideScratch() }

  func give() {
    if epoch > 1 << 28 {
      epoch = 0
      events.update(repeating: 0, count: Self.slotMask + 1)
    }
    Self.pool.withLock { $0.append(self) }
  }
}
