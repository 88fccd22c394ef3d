// What one look at every instruction of a text tells about its structure. The verifier has that look; machine
// code and the resolution of calls live off what it notes here.

/// Written while a text is verified and its calls are resolved, by one thread; immutable afterwards, which is
/// what makes the unchecked `Sendable` sound.
final class TextMap: @unchecked Sendable {
  /// A bit for each slot and one for the text's end: blocks of straight code start at jumps' targets, behind
  /// jumps, calls and exits, and where functions start.
  private let blocks: UnsafeMutablePointer<UInt64>
  /// The same for slots that a constant in the code gives the address of: they start blocks, too, where the
  /// program computes what it calls.
  private let addressed: UnsafeMutablePointer<UInt64>
  private let wordCount: Int
  /// Slots of `call` instructions, ascending.
  @exclusivity(unchecked) private(set) var calls: [UInt32] = []
  @exclusivity(unchecked) private(set) var hasRegisterCalls = false
  private let textAddress: UInt64
  private let slotCount: UInt64

  init(slotCount: Int, textAddress: UInt64) {
    wordCount = slotCount / 64 + 1
    blocks = .allocate(capacity: 2 * wordCount)
    blocks.initialize(repeating: 0, count: 2 * wordCount)
    addressed = blocks + wordCount
    self.textAddress = textAddress
    self.slotCount = UInt64(slotCount)
    calls.reserveCapacity(slotCount / 8)
  }

  deinit { blocks.deallocate() }

  /// - Parameter pc: at most the number of slots.
  @inline(__always) func markBlock(_ pc: Int) { blocks[pc >> 6] |= 1 << UInt64(pc & 63) }

  /// Notes that the program holds `address`.
  @inline(__always) func markAddress(_ address: UInt64) {
    let pc = (address &- textAddress) >> 3
    if pc < slotCount { addressed[Int(pc >> 6)] |= 1 << (pc & 63) }
  }

  /// A bit for each slot and one for the text's end, for the caller to change and deallocate: where blocks
  /// start, addressed slots included if the program computes what it calls.
  func copyBlocks() -> UnsafeMutablePointer<UInt64> {
    let copy = UnsafeMutablePointer<UInt64>.allocate(capacity: wordCount)
    for index in 0..<wordCount {
      (copy + index).initialize(to: blocks[index] | (hasRegisterCalls ? addressed[index] : 0))
    }
    return copy
  }

  func addCall(_ pc: Int) {
    calls.append(UInt32(truncatingIfNeeded: pc))
    markBlock(pc + 1)
  }

  func addRegisterCall(_ pc: Int) {
    hasRegisterCalls = true
    markBlock(pc + 1)
  }
}
