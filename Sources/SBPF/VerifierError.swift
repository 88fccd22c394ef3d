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

  // Of wide code.
  case missingWideTables
  case tooManyConstants(count: Int)
  case programTooLong
  case invalidEntry(pc: Int)
  case invalidJumpTarget(index: Int)
  case invalidPCMap
  case runsOffTheEnd
  case unusedField(pc: Int)
  case invalidFlags(pc: Int)
  case invalidOperand(number: Int, pc: Int)
  case constantOutOfRange(index: Int, pc: Int)
  case invalidHook(id: Int, pc: Int)
  case invalidStackCheck(pc: Int)
  case missingStackCheck(pc: Int)
  case slotOutOfStack(slot: Int, pc: Int)
  case windowOutOfStack(pc: Int)

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
    default: wideDescription
    }
  }

  private var wideDescription: String {
    switch self {
    case .missingWideTables: "wide code without its tables"
    case .tooManyConstants(let count): "\(count) constants"
    case .programTooLong: "program too long"
    case .invalidEntry(let pc): "entry point #\(pc) outside the text"
    case .invalidJumpTarget(let index): "entry \(index) of the jump table is out of order or out of range"
    case .invalidPCMap: "table of EVM pcs does not fit the code"
    case .runsOffTheEnd: "the last instruction goes on behind the text"
    case .unusedField(let pc): "unused field is not zero (insn #\(pc))"
    case .invalidFlags(let pc): "operand that cannot be narrow (insn #\(pc))"
    case .invalidOperand(let number, let pc): "\(number) is no slot (insn #\(pc))"
    case .constantOutOfRange(let index, let pc): "no constant \(index) (insn #\(pc))"
    case .invalidHook(let id, let pc): "no hook \(id) (insn #\(pc))"
    case .invalidStackCheck(let pc): "stack check out of range (insn #\(pc))"
    case .missingStackCheck(let pc): "slot used without a stack check before it (insn #\(pc))"
    case .slotOutOfStack(let slot, let pc): "slot \(slot) lies outside the stack (insn #\(pc))"
    case .windowOutOfStack(let pc): "window leaves what was checked (insn #\(pc))"
    default: ""
    }
  }
}
