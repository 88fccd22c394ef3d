// Operands of wide instructions: a 16-bit number names a slot of the operand stack or a constant of the executable.
// In the encoding (docs/vm.md)
//
//   opcode byte | destination field = flags, source field = 0 | offset = D | immediate = A (low 16 bits), B (high 16)
//
// and `Insn` keeps it so: `offset` is D, `immediate` the sign-extended 32 bits, `destination` the flags. Conditional
// jumps have the distance in slots, counted from the next slot, where D stands; `wja`, `wcharge`, `wadjust` use all
// 32 bits of the immediate; `wstack` has its need in D and its growth in A.
//
// Slots at and above the window are the code's own scratch space: where control comes by a jump backwards or a computed
// one they hold nothing, and after a hook those from its `free` on hold nothing. After a fault no slot does. Machine
// code then has not written them; the interpreter has, and no test may tell.

/// A slot relative to the window, or a constant.
@frozen @usableFromInline package struct WideOperand: Sendable, Equatable, RawRepresentable {
  package static let slots: ClosedRange<Int16> = -1024...2047
  /// The number of constant 0.
  @inlinable package static var firstConstant: Int16 { 0x4000 }
  @inlinable package static var maxConstantCount: Int { 16384 }

  @usableFromInline package var rawValue: Int16

  @inlinable package init(rawValue: Int16) { self.rawValue = rawValue }

  /// The slot `index` words above the window; -1 is the top of the stack at block entry.
  package static func slot(_ index: Int) -> WideOperand {
    WideOperand(rawValue: Int16(truncatingIfNeeded: index))
  }

  /// Constant `index` of the pool, in [0, 16384).
  package static func constant(_ index: Int) -> WideOperand {
    WideOperand(rawValue: firstConstant &+ Int16(truncatingIfNeeded: index))
  }

  /// The constant's index, or nil for a slot.
  package var constantIndex: Int? { rawValue >= WideOperand.firstConstant ? Int(rawValue) - 0x4000 : nil }
}

/// Which operands are narrow. Of a narrow slot only limb 0 counts: the others read as zero, and a write makes them
/// zero. Narrow D of `waddmod` and `wmulmod` is so for the modulus that is read there, too.
@frozen @usableFromInline package struct WideFlags: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt8
  @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

  @inlinable package static var narrowA: WideFlags { WideFlags(rawValue: 1) }
  @inlinable package static var narrowB: WideFlags { WideFlags(rawValue: 2) }
  @inlinable package static var narrowD: WideFlags { WideFlags(rawValue: 4) }
}

extension Insn {
  /// D as a number of slots relative to the window.
  @inline(__always) @inlinable package var wideD: Int { Int(offset) }
  /// A: a slot, or 0x4000 + the index of a constant.
  @inline(__always) @inlinable package var wideA: Int { Int(Int16(truncatingIfNeeded: immediate)) }
  @inline(__always) @inlinable package var wideB: Int { Int(Int16(truncatingIfNeeded: immediate >> 16)) }
  @inline(__always) @inlinable package var wideFlags: WideFlags { WideFlags(rawValue: destination) }
}

extension EncodedInsn {
  /// A wide instruction with up to three operands.
  package static func wide(
    _ opcode: Opcode, d: Int = 0, a: WideOperand = .slot(0), b: WideOperand = .slot(0), flags: WideFlags = []
  ) -> EncodedInsn {
    EncodedInsn(
      opcode: opcode.facts.encoding(in: .wide) ?? 0, destination: flags.rawValue,
      offset: Int16(truncatingIfNeeded: d),
      immediate: Int32(b.rawValue) << 16 | Int32(UInt16(bitPattern: a.rawValue)))
  }

  /// `wja`, `wcharge` and `wadjust`.
  package static func wide(_ opcode: Opcode, number: Int32) -> EncodedInsn {
    EncodedInsn(opcode: opcode.facts.encoding(in: .wide) ?? 0, immediate: number)
  }

  package static func wstack(need: Int, grow: Int) -> EncodedInsn {
    .wide(.wstack, d: need, a: .slot(grow))
  }

  /// - Parameters:
  ///   - base: The first argument's slot, and the result's.
  ///   - free: The first slot beyond all that are live.
  package static func wsys(base: Int, free: Int, id: Int) -> EncodedInsn {
    .wide(.wsys, d: base, a: .slot(free), b: .slot(id))
  }
}
