// What the instructions of a wide image refer to: constants, targets of computed jumps, and the source code that
// the image was translated from. An image carries them as values; an executable keeps them in memory of its own, where
// engines read them by pointer.
import WideIntegers

/// Where a computed jump may go: an offset in the source code and the slot that its translation starts at.
package struct WideJumpTarget: Sendable, Equatable {
  package var sourceOffset: UInt32
  package var slot: UInt32

  package init(sourceOffset: UInt32, slot: UInt32) {
    self.sourceOffset = sourceOffset
    self.slot = slot
  }
}

package struct WideTables: Sendable, Equatable {
  /// At most 16384.
  package var constants: [UInt256]
  /// Ascending by `sourceOffset`, which is below `bytecode.count`.
  package var jumpTargets: [WideJumpTarget]
  /// The code before translation.
  package var bytecode: [UInt8]
  /// By slot, the offset in `bytecode` of what it was translated from; may be empty.
  package var pcMap: [UInt32]
  /// What the code was translated for, a name that only the translator understands: at most `maxRulesByteCount`
  /// letters and digits of ASCII; empty if nobody said.
  package var rules: String

  package static let maxRulesByteCount = 16

  /// Whether a text may stand in `rules`.
  static func isRules(_ text: some Collection<UInt8>) -> Bool {
    text.count <= maxRulesByteCount
      && text.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "a")...UInt8(ascii: "z"):
          true
        default: false
        }
      }
  }

  package init(
    constants: [UInt256] = [], jumpTargets: [WideJumpTarget] = [], bytecode: [UInt8] = [],
    pcMap: [UInt32] = [], rules: String = ""
  ) {
    self.constants = constants
    self.jumpTargets = jumpTargets
    self.bytecode = bytecode
    self.pcMap = pcMap
    self.rules = rules
  }
}

/// An executable's tables; immutable after `init`, so any number of workers may read them.
@usableFromInline package final class WideProgram: @unchecked Sendable {
  /// In `jumpSlots`: no jump may go here.
  @inlinable package static var noJump: UInt32 { .max }

  /// 32 bytes each, little-endian limbs, aligned to 32 bytes.
  package let constants: UnsafePointer<UInt256>
  package let constantCount: Int
  /// By offset in the source code: the slot of its translation, or `noJump`.
  package let jumpSlots: UnsafePointer<UInt32>
  /// Bytes of source code, one entry each.
  package let jumpSlotCount: Int
  package let bytecode: UnsafeRawBufferPointer
  package let pcMap: [UInt32]

  /// What a run refers to: plain pointers, good as long as the program lives.
  package struct Pointers: BitwiseCopyable {
    package let constants: UnsafePointer<UInt256>
    package let jumpSlots: UnsafePointer<UInt32>
    package let jumpSlotCount: Int
  }

  var pointers: Pointers {
    Pointers(constants: constants, jumpSlots: jumpSlots, jumpSlotCount: jumpSlotCount)
  }

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
    for target in tables.jumpTargets where Int(target.sourceOffset) < jumpSlotCount {
      slots[Int(target.sourceOffset)] = target.slot
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

  /// The offset in the source code that `slot` was translated from, where the image says.
  package func sourceOffset(ofSlot slot: Int) -> Int? { pcMap.indices.contains(slot) ? Int(pcMap[slot]) : nil }
}
