// A verified program, decoded once and shared by every worker that runs it. Decoding resolves each call: to a
// syscall of the registry, to a pc, or to nothing, which faults when it is reached (as on chain) or is
// refused here when the loader asks for that.

package enum ExecutableError: Error, Equatable, Sendable, CustomStringConvertible {
  case verifier(VerifierError)
  /// A `call` that names neither a registered syscall nor a function.
  case unresolvedCall(pc: Int, key: UInt32, name: String?)
  case functionOutsideText(pc: Int, target: Int)
  case entryOutsideText(pc: Int)
  /// Read-only data has to start a region.
  case misplacedRodata(address: UInt64)

  package var description: String {
    switch self {
    case .verifier(let error): error.description
    case .unresolvedCall(let pc, let key, let name?):
      "unresolved symbol \(name) (0x\(String(key, radix: 16))) at instruction \(pc)"
    case .unresolvedCall(let pc, let key, nil):
      "unresolved call 0x\(String(key, radix: 16)) at instruction \(pc)"
    case .functionOutsideText(let pc, let target): "call to #\(target) outside the text at instruction \(pc)"
    case .entryOutsideText(let pc): "entry point #\(pc) outside the text"
    case .misplacedRodata(let address): "read-only data at 0x\(String(address, radix: 16))"
    }
  }
}

/// Immutable after `init`: the allocations below are written there and freed in `deinit`, which is what makes
/// the unchecked `Sendable` sound.
package final class Executable: @unchecked Sendable {
  package let version: SBPFVersion
  package let syscalls: SyscallRegistry
  package let entryPC: Int
  package let slotCount: Int
  package let textAddress: UInt64
  package let functionNames: [Int: String]
  /// Region index of the read-only data.
  let rodataIndex: Int
  let rodata: UnsafeMutableRawBufferPointer
  /// `slotCount` instructions and a `textEnd`.
  let insns: UnsafeMutablePointer<Insn>
  /// The same, ready for the direct-threaded engine.
  let threadedCode: UnsafeMutablePointer<ThreadedInsn>
  /// By index in `syscalls`.
  let syscallFunctions: UnsafeMutablePointer<SyscallFunction>
  /// r10 is always the end of the current frame, so accesses relative to it that lie in the frame need no
  /// check, and machine code may keep the frame's host address in its place.
  let usesHostFrames: Bool
  /// The tables of wide instructions; nil in the other versions.
  package let wide: WideProgram?
  private let compilation = JITCompilation()

  /// Verifies and decodes `image`.
  ///
  /// With `refusesUnresolvedCalls` a call of an unknown syscall is an error here instead of a fault at run
  /// time. `provesFrameAccesses` may be turned off by tests that start with an r10 of their own.
  package init(
    image: ProgramImage, syscalls: SyscallRegistry, refusesUnresolvedCalls: Bool = false,
    provesFrameAccesses: Bool = true
  ) throws(ExecutableError) {
    do {
      try Verifier.verify(image)
    } catch {
      throw .verifier(error)
    }
    let slots = EncodedInsn.slots(of: image.text)
    guard slots.indices.contains(image.entryPC) else { throw .entryOutsideText(pc: image.entryPC) }
    guard image.rodataAddress & 0xffff_ffff == 0, image.rodataAddress <= GuestMemory.programStart,
      image.rodata.count <= 0xffff_ffff
    else { throw .misplacedRodata(address: image.rodataAddress) }
    let decoded = try Executable.decode(
      slots, image: image, syscalls: syscalls, refusesUnresolvedCalls: refusesUnresolvedCalls)

    version = image.version
    self.syscalls = syscalls
    entryPC = image.entryPC
    slotCount = slots.count
    textAddress = image.textAddress
    functionNames = image.functionNames
    rodataIndex = Int(image.rodataAddress >> 32)
    // 16-byte alignment: syscalls check the alignment of host addresses, and the reference aligns its buffers
    // so.
    rodata = .allocate(byteCount: max(image.rodata.count, 1), alignment: 16)
    rodata.copyBytes(from: image.rodata)
    rodataByteCount = image.rodata.count
    insns = .allocate(capacity: decoded.count)
    insns.initialize(from: decoded, count: decoded.count)
    syscallFunctions = .allocate(capacity: max(syscalls.entries.count, 1))
    for (index, entry) in syscalls.entries.enumerated() {
      (syscallFunctions + index).initialize(to: entry.function)
    }
    threadedCode = .allocate(capacity: decoded.count)
    let provesFrames = provesFrameAccesses && !image.version.hasManualStackFrames
    usesHostFrames = provesFrames
    wide = image.wide.map { WideProgram($0) }
    // Wide instructions have an interpreter of their own.
    if image.version.hasWideInstructions { return }
    let shapes = OpcodeShapes(image.version)
    for (pc, insn) in decoded.enumerated() {
      let shape = shapes.byOpcode[Int(insn.opcode.rawValue)]
      (threadedCode + pc).initialize(
        to: ThreadedInsn(
          insn, shape, pc: pc, syscalls: syscallFunctions, provesFrameAccesses: provesFrames))
    }
  }

  package let rodataByteCount: Int

  deinit {
    rodata.deallocate()
    insns.deallocate()
    threadedCode.deallocate()
    syscallFunctions.deallocate()
  }

  /// The machine code, made by the first caller; nil while another thread makes it, or where the compiler
  /// refuses this program. Afterwards one atomic load.
  func machineCode() -> MachineCode? { compilation.code(for: self) }

  /// Bytes of machine code and its tables, 0 before the first run on the JIT engine.
  package var machineCodeByteCount: Int { compilation.finished?.byteCount ?? 0 }

  /// The decoded instructions, `textEnd` left out.
  package var decodedInsns: UnsafeBufferPointer<Insn> { UnsafeBufferPointer(start: insns, count: slotCount) }

  private static func decode(
    _ slots: [EncodedInsn], image: ProgramImage, syscalls: SyscallRegistry, refusesUnresolvedCalls: Bool
  ) throws(ExecutableError) -> [Insn] {
    let shapes = OpcodeShapes(image.version)
    var insns: [Insn] = []
    insns.reserveCapacity(slots.count + 1)
    while insns.count < slots.count {
      let pc = insns.count
      let next = pc + 1 < slots.count ? slots[pc + 1] : nil
      guard var insn = Insn(decoding: slots[pc], next: next, version: image.version, shapes: shapes) else {
        throw .verifier(.unknownOpcode(byte: slots[pc].opcode, pc: pc))
      }
      if insn.opcode == .call {
        insn = try resolve(insn, pc: pc, image: image, slotCount: slots.count, syscalls: syscalls)
        if refusesUnresolvedCalls, insn.opcode == .callUnresolved {
          let key = UInt32(truncatingIfNeeded: insn.immediate)
          throw .unresolvedCall(pc: pc, key: key, name: image.importNames[key])
        }
      }
      insns.append(insn)
      if insn.opcode == .lddw { insns.append(Insn(.wideHigh, immediate: insn.immediate >> 32)) }
    }
    insns.append(Insn(.textEnd))
    return insns
  }

  private static func resolve(
    _ call: Insn, pc: Int, image: ProgramImage, slotCount: Int, syscalls: SyscallRegistry
  ) throws(ExecutableError) -> Insn {
    let key = UInt32(truncatingIfNeeded: call.immediate)
    let isStatic = image.version.hasStaticSyscalls
    if !isStatic || call.source == 0, let index = syscalls.index(ofKey: key) {
      return Insn(.callSyscall, immediate: Int64(index))
    }
    if isStatic {
      let target = pc + 1 + Int(call.immediate)
      guard call.source == 1, (0..<slotCount).contains(target) else {
        return Insn(.callUnresolved, source: call.source, immediate: call.immediate)
      }
      return Insn(.callInternal, immediate: Int64(target))
    }
    guard let target = image.functions[key] else { return Insn(.callUnresolved, immediate: call.immediate) }
    guard (0..<slotCount).contains(target) else { throw .functionOutsideText(pc: pc, target: target) }
    return Insn(.callInternal, immediate: Int64(target))
  }
}
