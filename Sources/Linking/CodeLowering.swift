// From eBPF as stock clang means it to one SBPF version's instructions. Three differences matter:
// - 32-bit add, sub and mul leave a sign-extended result except in v2, where clang relies on zero-extension: a
//   `mov32 r, r` follows unless the next instruction replaces the upper half anyway;
// - v1 and v2 do not move r10 on a call: each function that uses its frame first takes 4096 bytes;
// - v2 has its own encodings for memory, multiplication, division and 64-bit constants, and lacks neg and le.
// Rules by version: SIMD-0166, 0173, 0174, 0377
// (https://github.com/solana-foundation/solana-improvement-documents).
import SBPF

/// One 8-byte slot of the output, still referring to places in the object.
struct LoweredSlot {
  var opcode: UInt8
  var destination: UInt8 = 0
  var source: UInt8 = 0
  var offset: Int16 = 0
  var immediate: Int32 = 0
  var reference = ObjectInstruction.Reference.none
  /// Where it came from, for error messages.
  var section = 0
  var slot = 0
}

/// All code sections, one after the other.
struct LoweredCode {
  var slots: [LoweredSlot] = []
  /// By section and object slot: where a call of that slot goes (its prologue), and where a jump goes.
  var callTargets: [[Int: Int]] = []
  var jumpTargets: [[Int: Int]] = []
}

extension SBPFVersion {
  /// r10 is the stack's end at the start and stays where it is on a call.
  var objectNeedsPrologue: Bool { self == .v1 || self == .v2 }
  var objectMayJumpOnWords: Bool { self == .v3 }
  var wordResultsAreZeroExtended: Bool { self == .v2 }
  /// SIMD-0173/0174 encodings.
  var hasRenumberedInstructions: Bool { self == .v2 }
}

struct CodeLowering {
  static let frameByteCount: Int32 = 4096

  let version: SBPFVersion
  let objects: LinkedObjects

  /// - Parameter functionStarts: slots of each section that are called or whose address is taken.
  func lower(
    _ sections: [[ObjectInstruction]], functionStarts: [Set<Int>]
  ) throws(LinkError) -> LoweredCode {
    var code = LoweredCode()
    for (ordinal, instructions) in sections.enumerated() {
      var calls: [Int: Int] = [:]
      var jumps: [Int: Int] = [:]
      let framed =
        version.objectNeedsPrologue ? functionsUsingFrame(instructions, functionStarts[ordinal]) : []
      for (index, instruction) in instructions.enumerated() {
        calls[instruction.slot] = code.slots.count
        if framed.contains(instruction.slot) {
          code.slots.append(
            LoweredSlot(
              opcode: 0x07, destination: 10, immediate: -CodeLowering.frameByteCount, section: ordinal,
              slot: instruction.slot))
        }
        jumps[instruction.slot] = code.slots.count
        let next = index + 1 < instructions.count ? instructions[index + 1] : nil
        for var slot in try lower(instruction, next: next, section: ordinal) {
          slot.section = ordinal
          slot.slot = instruction.slot
          code.slots.append(slot)
        }
      }
      code.callTargets.append(calls)
      code.jumpTargets.append(jumps)
    }
    return code
  }

  /// Starts of functions that mention r10 before the next function starts.
  private func functionsUsingFrame(_ instructions: [ObjectInstruction], _ starts: Set<Int>) -> Set<Int> {
    var framed: Set<Int> = []
    var current: Int?
    for instruction in instructions {
      if starts.contains(instruction.slot) { current = instruction.slot }
      if instruction.destination == 10 || instruction.source == 10, let current { framed.insert(current) }
    }
    return framed
  }

  private func lower(
    _ instruction: ObjectInstruction, next: ObjectInstruction?, section: Int
  ) throws(LinkError) -> [LoweredSlot] {
    let opcode = instruction.opcode
    if opcode & 7 == 6 && !version.objectMayJumpOnWords {
      throw objects.error(
        .instruction(
          "32-bit comparison (JMP32), which SBPF \(version) lacks: link as v3 or compile with -mcpu=v2"),
        code: section, offset: UInt64(instruction.slot) * 8)
    }
    var slot = LoweredSlot(
      opcode: opcode, destination: instruction.destination, source: instruction.source,
      offset: instruction.offset,
      immediate: instruction.immediate, reference: instruction.reference)
    if opcode == 0x8d { return [registerCall(slot)] }
    if version.hasRenumberedInstructions { return try lowerRenumbered(slot, instruction, section) }
    if instruction.isWide { return [slot, LoweredSlot(opcode: 0, immediate: instruction.highImmediate)] }
    let leavesSignExtended = [0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c].contains(opcode)
    if !leavesSignExtended || replacesUpperHalf(next, of: instruction.destination) { return [slot] }
    slot.offset = 0
    return [
      slot, LoweredSlot(opcode: 0xbc, destination: instruction.destination, source: instruction.destination),
    ]
  }

  /// Whether `next` reads only the lower half of `register` and writes all of it.
  private func replacesUpperHalf(_ next: ObjectInstruction?, of register: UInt8) -> Bool {
    guard let next, next.opcode & 7 == 4, next.destination == register else { return false }
    return next.opcode & 0xf0 != 0xd0 || next.immediate == 16  // byte-order changes of 64 bits read it all
  }

  /// Stock clang has the register in `dst`.
  private func registerCall(_ slot: LoweredSlot) -> LoweredSlot {
    var call = slot
    switch version {
    case .v0, .v1:
      call.immediate = Int32(slot.destination)
      call.destination = 0
    case .v2:
      call.source = slot.destination
      call.destination = 0
    case .v3, .wide: break
    }
    return call
  }

  // MARK: v2

  private func lowerRenumbered(
    _ slot: LoweredSlot, _ instruction: ObjectInstruction, _ section: Int
  ) throws(LinkError) -> [LoweredSlot] {
    var slot = slot
    switch slot.opcode & 7 {
    case 0:
      slot.opcode = 0xb4  // mov32 clears the upper half, hor64 sets it
      return [
        slot,
        LoweredSlot(opcode: 0xf7, destination: slot.destination, immediate: instruction.highImmediate),
      ]
    case 1, 2, 3:
      slot.opcode = CodeLowering.renumberedMemoryOpcode(slot.opcode)
      return [slot]
    case 4, 7: return try renumberedArithmetic(slot, instruction, section)
    default: return [slot]
    }
  }

  private static func renumberedMemoryOpcode(_ opcode: UInt8) -> UInt8 {
    let width: UInt8 =
      switch opcode & 0x18 {
      case 0x10: 0x20  // byte
      case 0x08: 0x30  // half word
      case 0x00: 0x80  // word
      default: 0x90  // double word
      }
    return switch opcode & 7 {
    case 1: width | 0x0c
    case 2: width | 0x07
    default: width | 0x0f
    }
  }

  private func renumberedArithmetic(
    _ slot: LoweredSlot, _ instruction: ObjectInstruction, _ section: Int
  ) throws(LinkError) -> [LoweredSlot] {
    var slot = slot
    let isLong = slot.opcode & 7 == 7
    let usesRegister = slot.opcode & 8 != 0
    switch slot.opcode & 0xf0 {
    case 0x10 where !usesRegister:  // sub imm has its operands swapped: add the negative
      guard slot.immediate != .min else {
        throw objects.error(
          .instruction("subtraction of -2^31, which SBPF v2 cannot express"), code: section,
          offset: UInt64(instruction.slot) * 8)
      }
      slot.opcode = isLong ? 0x07 : 0x04
      slot.immediate = -slot.immediate
    case 0x20: slot.opcode = CodeLowering.productOpcode(0x80, isLong, usesRegister)
    case 0x30: slot.opcode = CodeLowering.productOpcode(0x40, isLong, usesRegister)
    case 0x90: slot.opcode = CodeLowering.productOpcode(0x60, isLong, usesRegister)
    case 0x80:  // neg: 0 - r, by the swapped operands
      slot.opcode = isLong ? 0x17 : 0x14
      slot.immediate = 0
    case 0xb0 where !isLong && usesRegister:  // mov32 sign-extends there
      var copy = slot
      copy.opcode = 0xbf
      let clear = LoweredSlot(opcode: 0x54, destination: slot.destination, immediate: -1)
      return slot.source == slot.destination ? [clear] : [copy, clear]
    case 0xd0 where !usesRegister:  // to little-endian: only truncation
      if slot.immediate == 64 {
        return [LoweredSlot(opcode: 0xbf, destination: slot.destination, source: slot.destination)]
      }
      slot.opcode = 0x54
      slot.immediate = slot.immediate == 16 ? 0xffff : -1
    default: break
    }
    return [slot]
  }

  private static func productOpcode(_ operation: UInt8, _ isLong: Bool, _ usesRegister: Bool) -> UInt8 {
    operation | 6 | (isLong ? 0x10 : 0) | (usesRegister ? 8 : 0)
  }
}
