// Why a program is refused. The cases and their texts are those that Solana's validators print
// (https://github.com/anza-xyz/sbpf, verifier.rs), so that a deployment fails with the same log line.

/// `pc` is the slot index of the instruction at fault.
package enum VerifierError: Error, Equatable, Sendable, CustomStringConvertible {
  case programLengthNotMultiple
  case noProgram
  case divisionByZero(pc: Int)
  case unsupportedByteOrderArgument(pc: Int)
  case wideLoadCannotBeLast
  case incompleteWideLoad(pc: Int)
  case jumpOutOfCode(target: Int, pc: Int)
  case jumpToMiddleOfWideLoad(target: Int, pc: Int)
  case invalidSourceRegister(pc: Int)
  case cannotWriteR10(pc: Int)
  case invalidDestinationRegister(pc: Int)
  case unknownOpcode(byte: UInt8, pc: Int)
  case shiftWithOverflow(shift: UInt64, bits: UInt64, pc: Int)
  case invalidRegister(pc: Int)
  case unalignedImmediate(pc: Int)

  package var description: String {
    switch self {
    case .programLengthNotMultiple: "program length must be a multiple of 8 octets"
    case .noProgram: "no program set, call prog_set() to load one"
    case .divisionByZero(let pc): "division by 0 (insn #\(pc))"
    case .unsupportedByteOrderArgument(let pc): "unsupported argument for LE/BE (insn #\(pc))"
    case .wideLoadCannotBeLast: "LD_DW instruction cannot be last in program"
    case .incompleteWideLoad(let pc): "incomplete LD_DW instruction (insn #\(pc))"
    case .jumpOutOfCode(let target, let pc):
      "jump out of code to #\(UInt(bitPattern: target)) (insn #\(pc))"
    case .jumpToMiddleOfWideLoad(let target, let pc): "jump to middle of LD_DW at #\(target) (insn #\(pc))"
    case .invalidSourceRegister(let pc): "invalid source register (insn #\(pc))"
    case .cannotWriteR10(let pc): "cannot write into register r10 (insn #\(pc))"
    case .invalidDestinationRegister(let pc): "invalid destination register (insn #\(pc))"
    case .unknownOpcode(let byte, let pc): "unknown eBPF opcode 0x\(String(byte, radix: 16)) (insn #\(pc))"
    // The reference's text takes the two numbers in this order.
    case .shiftWithOverflow(let shift, let bits, let pc):
      "Shift with overflow of \(shift)-bit value by \(bits) (insn #\(pc))"
    case .invalidRegister(let pc): "Invalid register specified at instruction \(pc)"
    case .unalignedImmediate(let pc): "Unaligned immediate (insn #\(pc))"
    }
  }
}
