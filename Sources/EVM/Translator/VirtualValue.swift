// What the translator knows of a word on the EVM's operand stack while it walks through a straight line of code.
import WideIntegers

/// A constant, or the content of a slot.
struct VirtualValue: BitwiseCopyable, Equatable {
  /// A slot's position (words above the window at the line's entry), or an index of `Translation.scratch`.
  var number: Int32
  /// The word is below 2^bits, `[0, 256]`.
  var bits: UInt16
  var isConstant: Bool

  @inline(__always) static func slot(_ position: Int, bits: Int = 256) -> VirtualValue {
    VirtualValue(
      number: Int32(truncatingIfNeeded: position), bits: UInt16(truncatingIfNeeded: bits), isConstant: false)
  }

  @inline(__always) var position: Int { Int(number) }
  @inline(__always) var bitCount: Int { Int(bits) }
  /// Only limb 0 of its slot needs to be read.
  @inline(__always) var isNarrow: Bool { bits <= 64 }

  @inline(__always) func isSlot(_ position: Int) -> Bool { !isConstant && self.position == position }
}

/// A constant on the virtual stack.
struct ScratchConstant: BitwiseCopyable {
  var word: UInt256
  /// Its index in the pool, −1 until an instruction names it.
  var poolIndex: Int32
}

/// Per slot of the operand stack.
struct SlotState: BitwiseCopyable {
  /// Entries of the virtual stack that the slot's content stands for.
  var references: Int32
  /// Which instruction wrote the content last, −1 where that lies before this line.
  var writer: Int32
  /// Which instruction read the slot last.
  var reader: Int32
  /// Where the content went during parallel moves, `Int32.min` if nowhere.
  var relocation: Int32

  static let untouched = SlotState(references: 0, writer: -1, reader: -1, relocation: .min)
}
