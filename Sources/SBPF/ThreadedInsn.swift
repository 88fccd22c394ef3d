// The direct-threaded engine's instruction: a pointer to the code that runs it, then its operands, 16 bytes
// in all. Operands are laid out so that one 8-byte load could fetch them; a syscall keeps its function
// pointer there.

struct ThreadedInsn {
  static let byteCount = 16

  var run: ThreadedInterpreter.Handler
  /// Sign-extended by the code where the operation wants that. Calls: slots from this one to the target.
  var immediate: Int32
  var offset: Int16
  var destination: UInt8
  var source: UInt8
}

extension ThreadedInsn {
  /// The threaded form of `insn` at `pc`.
  ///
  /// With `provesFrameAccesses` r10 always points at the end of the current frame (the verifier saw to that),
  /// so an access of `[r10 + offset]` that lies in the frame needs no check at run time.
  init(
    _ insn: Insn, _ facts: OpcodeShape, pc: Int, syscalls: UnsafeMutablePointer<SyscallFunction>,
    provesFrameAccesses: Bool
  ) {
    let base: UInt8? =
      switch facts.opcodeClass {
      case .load: insn.source
      case .store: insn.destination
      default: nil
      }
    let frame = -Int(GuestMemory.frameByteCount)
    let isInFrame =
      provesFrameAccesses && base == 10 && (frame...(-Int(facts.bits) / 8)).contains(Int(insn.offset))
    run = ThreadedInterpreter.handler(for: insn.opcode, isInFrame: isInFrame)
    immediate = Int32(truncatingIfNeeded: insn.immediate)
    offset = insn.offset
    destination = insn.destination
    source = insn.source
    if insn.opcode == .callInternal { immediate = Int32(truncatingIfNeeded: insn.immediate - Int64(pc)) }
    if insn.opcode == .callSyscall {
      let operands = UInt64(
        UInt(bitPattern: unsafeBitCast(syscalls[Int(insn.immediate)], to: UnsafeRawPointer.self)))
      immediate = Int32(truncatingIfNeeded: operands)
      offset = Int16(truncatingIfNeeded: operands >> 32)
      destination = UInt8(truncatingIfNeeded: operands >> 48)
      source = UInt8(truncatingIfNeeded: operands >> 56)
    }
  }
}
