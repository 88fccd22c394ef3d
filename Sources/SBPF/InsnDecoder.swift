// From verified slots to instructions: what each `call` means is found out once, when the program is loaded; the
// rest follows from the slot alone.

/// What a `call` instruction turned out to call.
struct ResolvedCall: Sendable {
  /// Its slot.
  var pc: UInt32
  /// `callInternal`, `callSyscall` or `callUnresolved`.
  var opcode: Opcode
  /// The pc called, or the index of the syscall.
  var value: Int32
}

/// Looks up all calls of a text in its function table and among the syscalls.
struct CallResolver {
  let image: ProgramImage
  let syscalls: SyscallRegistry
  let map: TextMap

  func resolve(refusesUnresolvedCalls: Bool) throws(ExecutableError) -> [ResolvedCall] {
    let text = image.encodedText
    let isStatic = image.version.hasStaticSyscalls
    var resolved: [ResolvedCall] = []
    resolved.reserveCapacity(map.calls.count)
    for pc in map.calls {
      let slot = text[Int(pc)]
      let call = isStatic ? staticCall(slot, pc) : try hashedCall(slot, pc)
      if call.opcode == .callInternal { map.markBlock(Int(call.value)) }
      if refusesUnresolvedCalls, call.opcode == .callUnresolved {
        let key = UInt32(bitPattern: slot.immediate)
        throw .unresolvedCall(pc: Int(pc), key: key, name: image.importNames[key])
      }
      resolved.append(call)
    }
    return resolved
  }

  /// Source 0 is a syscall by its key, source 1 a distance.
  private func staticCall(_ slot: EncodedInsn, _ pc: UInt32) -> ResolvedCall {
    if slot.source == 0, let index = syscalls.index(ofKey: UInt32(bitPattern: slot.immediate)) {
      return ResolvedCall(pc: pc, opcode: .callSyscall, value: Int32(truncatingIfNeeded: index))
    }
    let target = Int(pc) + 1 + Int(slot.immediate)
    guard slot.source == 1, target >= 0, target < image.slotCount else {
      return ResolvedCall(pc: pc, opcode: .callUnresolved, value: 0)
    }
    return ResolvedCall(pc: pc, opcode: .callInternal, value: Int32(truncatingIfNeeded: target))
  }

  /// A key: a syscall's or, failing that, a function's.
  private func hashedCall(_ slot: EncodedInsn, _ pc: UInt32) throws(ExecutableError) -> ResolvedCall {
    let key = UInt32(bitPattern: slot.immediate)
    if let index = syscalls.index(ofKey: key) {
      return ResolvedCall(pc: pc, opcode: .callSyscall, value: Int32(truncatingIfNeeded: index))
    }
    guard let target = image.functions[key] else {
      return ResolvedCall(pc: pc, opcode: .callUnresolved, value: 0)
    }
    guard target >= 0, target < image.slotCount else {
      throw .functionOutsideText(pc: Int(pc), target: target)
    }
    return ResolvedCall(pc: pc, opcode: .callInternal, value: Int32(truncatingIfNeeded: target))
  }
}

/// Decodes an executable's slots in ascending order. The executable outlives it.
struct InsnDecoder {
  private let text: EncodedText
  private let version: SBPFVersion
  private let shapes: OpcodeShapes
  private let slotCount: Int
  private let calls: [ResolvedCall]
  private var nextCall = 0

  init(_ executable: Executable) {
    text = executable.text
    version = executable.version
    shapes = OpcodeShapes(executable.version)
    slotCount = executable.slotCount
    calls = executable.calls
  }

  /// The instruction at `pc`, which is at most the number of slots and no less than in the call before.
  @inline(__always) mutating func insn(at pc: Int) -> Insn {
    if pc >= slotCount { return Insn(.textEnd) }
    let slot = text[pc]
    let shape = shapes.byByte + Int(slot.opcode)
    if shape.pointee.look == .close { return closeInsn(slot, at: pc) }
    return Insn(
      shape.pointee.opcode, destination: slot.destination, source: slot.source, offset: slot.offset,
      immediate: Int64(slot.immediate) & shape.pointee.immediateMask)
  }

  @inline(never) private mutating func closeInsn(_ slot: EncodedInsn, at pc: Int) -> Insn {
    guard let shape = shapes.decoding(slot.opcode) else {
      return Insn(.wideHigh, immediate: Int64(slot.immediate))
    }
    if shape.opcode == .call { return call(slot, pc) }
    let next = shape.immediate == .wide ? text[pc + 1] : nil
    return Insn(slot, shape, next: next, version: version)
  }

  private mutating func call(_ slot: EncodedInsn, _ pc: Int) -> Insn {
    while nextCall < calls.count, calls[nextCall].pc < UInt32(truncatingIfNeeded: pc) { nextCall += 1 }
    guard nextCall < calls.count else { return Insn(.callUnresolved) }
    let call = calls[nextCall]
    if call.opcode == .callUnresolved {
      return Insn(.callUnresolved, source: slot.source, immediate: Int64(slot.immediate))
    }
    return Insn(call.opcode, immediate: Int64(call.value))
  }
}
