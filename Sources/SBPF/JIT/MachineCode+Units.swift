// What machine code charges ahead.

import MachineCode

extension MachineCode {
  /// Units that the block charged when it was entered for the instructions from `pc` on.
  func unitsCharged(from pc: Int, in insns: UnsafePointer<Insn>) -> Int64 {
    var units: Int64 = 0
    var pc = pc
    while true {
      units += 1
      let opcode = insns[pc].opcode
      if opcode.endsBlock { return units }
      pc += opcode == .lddw ? 2 : 1
      if entries[pc] != 0 { return units }
    }
  }
}

extension Opcode {
  /// Whether the instruction after this one always starts a block: jumps, calls, exits, and slots that are no
  /// instruction.
  var endsBlock: Bool { rawValue >= Opcode.ja.rawValue }
}
