// What the instructions of a wide image refer to: constants, targets of computed jumps, and the EVM code that the
// image was translated from. An image carries them as values; an executable keeps them in memory of its own, where
// engines read them by pointer.
import WideIntegers

/// A `JUMPDEST`: its offset in the EVM code and the slot that its translation starts at.
package struct WideJumpTarget: Sendable, Equatable {
  package var evmPC: UInt32
  package var slot: UInt32

  package init(evmPC: UInt32, slot: UInt32) {
    self.evmPC = evmPC
    self.slot = slot
  }
}

package struct WideTables: Sendable, Equatable {
  /// At most 16384.
  package var constants: [UInt256]
  /// Ascending by `evmPC`, which is below `bytecode.count`.
  package var jumpTargets: [WideJumpTarget]
  /// The code before translation.
  package var bytecode: [UInt8]
  /// By slot, the offset in `bytecode` of what it was translated from; may be empty.
  package var pcMap: [UInt32]

  package init(
    constants: [UInt256] = [], jumpTargets: [WideJumpTarget] = [], bytecode: [UInt8] = [],
    pcMap: [UInt32] = []
  ) {
    self.constants = constants
    self.jumpTargets = jumpTargets
    self.bytecode = bytecode
    self.pcMap = pcMap
  }
}

/// An executable's tables; immutable after `init`, so any number of workers may read them.
package final class WideProgram: @unchecked Sendable {
  /// In `jumpSlots`: no jump may go here.
  package static let noJump = UInt32.max

  /// 32 bytes each, little-endian limbs, aligned to 32 bytes.
  package let constants: UnsafePointer<UInt256>
  package let constantCount: Int
  /// By EVM pc: the slot of its translation, or `noJump`.
  package let jumpSlots: UnsafePointer<UInt32>
  /// Bytes of EVM code, one entry each.
  package let jumpSlotCount: Int
  package let bytecode: UnsafeRawBufferPointer
  package let pcMap: [UInt32]

  /// `tables` have passed the verifier.
  init(_ tables: WideTables) {
    let words = UnsafeMutableRawPointer.allocate(
      byteCount: max(tables.constants.count, 1) * 32, alignment: 32
    )
    .bindMemory(to: UInt256.self, capacity: max(tables.constants.count, 1))
    words.initialize(from: tables.constants, count: tables.constants.count)
    constants = UnsafePointer(words)
    constantCount = tables.constants.count
    jumpSlotCount = tables.bytecode.count
    let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: max(jumpSlotCount, 1))
    slots.initialize(repeating: WideProgram.noJump, count: max(jumpSlotCount, 1))
    for target in tables.jumpTargets where Int(target.evmPC) < jumpSlotCount {
      slots[Int(target.evmPC)] = target.slot
    }
    jumpSlots = UnsafePointer(slots)
    let code = UnsafeMutableRawBufferPointer.allocate(byteCount: max(jumpSlotCount, 1), alignment: 16)
    code.copyBytes(from: tables.bytecode)
    bytecode = UnsafeRawBufferPointer(rebasing: code[..<jumpSlotCount])
    pcMap = tables.pcMap
  }

  deinit {
    constants.deallocate()
    jumpSlots.deallocate()
    bytecode.deallocate()
  }

  /// The EVM pc that `slot` was translated from, where the image says.
  package func evmPC(ofSlot slot: Int) -> Int? { pcMap.indices.contains(slot) ? Int(pcMap[slot]) : nil }
}
