// Runs wide executables with one `switch` an instruction: the oracle that machine code is compared with, and the
// engine where there is no compiler. Meanings: docs/vm.md; the arithmetic is the EVM's (Yellow Paper appendix H).
//
// The verifier has proved that every slot operand lies in the frame's stack, that jumps land in the text and that
// constants exist; nothing of that is checked again.
import SBPF
import WideIntegers

enum WideInterpreter {
  static func run(_ executable: Executable, _ context: UnsafeMutablePointer<WideContext>) {
    var frame = Frame(
      insns: UnsafePointer(executable.insns), context: context, window: context.pointee.window,
      constants: context.pointee.constants, pc: executable.entryPC)
    let fault = frame.run()
    context.pointee.fault = fault
    context.pointee.faultPC = frame.pc
    context.pointee.window = frame.window
  }

  struct Frame {
    let insns: UnsafePointer<Insn>
    let context: UnsafeMutablePointer<WideContext>
    var window: UnsafeMutableRawPointer
    let constants: UnsafeRawPointer
    /// Slot index of the instruction that runs.
    var pc: Int
  }
}

extension WideInterpreter.Frame {
  /// Runs to the end and says why it came.
  mutating func run() -> VMFault {
    while true {
      let insn = insns[pc]
      let fault: VMFault
      switch insn.opcode {
      case .exit: return .none
      case .ja: fault = jump(insn, if: true)
      case .wja:
        pc &+= Int(insn.immediate)
        fault = .none
      case .wjump: fault = jumpDynamically(insn)
      case .wjz: fault = jump(insn, if: a(insn).isZero)
      case .wjnz: fault = jump(insn, if: !a(insn).isZero)
      case .wjeq: fault = jump(insn, if: a(insn) == b(insn))
      case .wjne: fault = jump(insn, if: a(insn) != b(insn))
      case .wjlt: fault = jump(insn, if: a(insn) < b(insn))
      case .wjge: fault = jump(insn, if: !(a(insn) < b(insn)))
      case .wjslt: fault = jump(insn, if: a(insn).isSignedLess(than: b(insn)))
      case .wjsge: fault = jump(insn, if: !a(insn).isSignedLess(than: b(insn)))
      case .wload: fault = load(insn)
      case .wstore: fault = store(insn)
      case .wstore8: fault = storeByte(insn)
      case .winput: fault = set(insn, context.pointee.inputWord(at: a(insn).saturatedUInt64))
      case .winputsize: fault = set(insn, UInt256(context.pointee.inputByteCount))
      case .wmemsize: fault = set(insn, UInt256(context.pointee.memoryByteCount))
      case .wgas: fault = set(insn, UInt256(UInt64(bitPattern: context.pointee.gas)))
      case .wcharge: fault = charge(insn.immediate)
      case .wstack: fault = checkStack(insn)
      case .wadjust:
        window += Int(insn.immediate) * WideLimits.wordByteCount
        fault = .none
      case .wsys: fault = callHook(insn)
      case .winvalid: fault = .invalidInstruction
      case .textEnd: fault = .executionOverrun
      default: fault = compute(insn)
      }
      guard fault == .none else { return fault }
      pc &+= 1
    }
  }

  // MARK: Operands

  private func word(_ number: Int, isNarrow: Bool) -> UInt256 {
    let first = Int(WideOperand.firstConstant)
    let pointer: UnsafeRawPointer =
      number >= first ? constants + (number - first) * 32 : UnsafeRawPointer(window) + number * 32
    return isNarrow ? UInt256(pointer.load(as: UInt64.self)) : pointer.load(as: UInt256.self)
  }

  @inline(__always) func a(_ insn: Insn) -> UInt256 {
    word(insn.wideA, isNarrow: insn.wideFlags.contains(.narrowA))
  }

  @inline(__always) func b(_ insn: Insn) -> UInt256 {
    word(insn.wideB, isNarrow: insn.wideFlags.contains(.narrowB))
  }

  /// What D held before.
  @inline(__always) func d(_ insn: Insn) -> UInt256 {
    word(insn.wideD, isNarrow: insn.wideFlags.contains(.narrowD))
  }

  /// Writes D.
  @inline(__always) func set(_ insn: Insn, _ value: UInt256) -> VMFault {
    let isNarrow = insn.wideFlags.contains(.narrowD)
    (window + insn.wideD * 32).storeBytes(of: isNarrow ? UInt256(value.limb0) : value, as: UInt256.self)
    return .none
  }

  // MARK: Control

  private mutating func jump(_ insn: Insn, if condition: Bool) -> VMFault {
    if condition { pc &+= Int(insn.offset) }
    return .none
  }

  private mutating func jumpDynamically(_ insn: Insn) -> VMFault {
    let target = a(insn)
    guard target < UInt256(context.pointee.jumpTableCount) else { return .invalidJump }
    let slot = context.pointee.jumpTable[Int(target.limb0)]
    guard slot != WideProgram.noJump else { return .invalidJump }
    pc = Int(slot) &- 1
    return .none
  }

  private func charge(_ amount: Int64) -> VMFault {
    let left = context.pointee.gas &- amount
    context.pointee.gas = max(left, 0)
    return left < 0 ? .outOfGas : .none
  }

  private func checkStack(_ insn: Insn) -> VMFault {
    let height = (window - context.pointee.bottom) / WideLimits.wordByteCount
    if height < insn.wideD { return .stackUnderflow }
    return height + insn.wideA > WideLimits.maxStackHeight ? .stackOverflow : .none
  }

  private func callHook(_ insn: Insn) -> VMFault {
    let hook = context.pointee.hooks[insn.wideB]
    let raw = hook(
      UnsafeMutableRawPointer(context), window + insn.wideD * 32, window + insn.wideA * 32,
      UInt64(truncatingIfNeeded: pc))
    return VMFault(hookResult: raw)
  }

  // MARK: Memory

  /// The host address of [offset, offset + byteCount) of the frame's memory, grown if need be.
  private func memory(_ offset: UInt256, _ byteCount: UInt64) -> Result<UnsafeMutableRawPointer, VMFault> {
    let start = offset.saturatedUInt64
    if !isInMemory(start, byteCount) {
      let raw = context.pointee.growMemory(UnsafeMutableRawPointer(context), start, byteCount)
      let fault = VMFault(hookResult: raw)
      guard fault == .none else { return .failure(fault) }
      guard isInMemory(start, byteCount) else { return .failure(.hostFault) }
    }
    return .success(context.pointee.memory + Int(start))
  }

  private func isInMemory(_ start: UInt64, _ byteCount: UInt64) -> Bool {
    let (end, overflow) = start.addingReportingOverflow(byteCount)
    return !overflow && end <= context.pointee.memoryByteCount
  }

  private func load(_ insn: Insn) -> VMFault {
    switch memory(a(insn), 32) {
    case .success(let pointer): set(insn, UInt256(bigEndianAt: pointer))
    case .failure(let fault): fault
    }
  }

  private func store(_ insn: Insn) -> VMFault {
    switch memory(a(insn), 32) {
    case .success(let pointer):
      b(insn).writeBigEndian(to: pointer)
      return .none
    case .failure(let fault): return fault
    }
  }

  private func storeByte(_ insn: Insn) -> VMFault {
    switch memory(a(insn), 1) {
    case .success(let pointer):
      pointer.storeBytes(of: UInt8(truncatingIfNeeded: b(insn).limb0), as: UInt8.self)
      return .none
    case .failure(let fault): return fault
    }
  }
}

extension WideContext {
  /// 32 big-endian bytes of the input, zeros beyond its end.
  func inputWord(at offset: UInt64) -> UInt256 {
    let count = inputByteCount
    guard offset < count else { return .zero }
    let start = input + Int(offset)
    let available = count &- offset
    if available >= 32 { return UInt256(bigEndianAt: start) }
    return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { buffer in
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      buffer.copyMemory(from: UnsafeRawBufferPointer(start: start, count: Int(available)))
      return buffer.baseAddress.map { UInt256(bigEndianAt: $0) } ?? .zero
    }
  }
}

extension VMFault: Error {}

extension VMFault {
  /// What a hook's result means; a number that is no fault is the host's error.
  init(hookResult raw: UInt64) {
    self = UInt8(exactly: raw).flatMap(VMFault.init(rawValue:)) ?? .hostFault
  }
}
