// A verified program, shared by every worker that runs it. Each call is resolved: to a syscall of the registry,
// to a pc, or to nothing, which faults when it is reached (as on chain) or is refused here when the loader asks
// for that. What an engine runs is made by the first run on it: machine code straight from the text, decoded
// instructions and threaded code only where something interprets.
import MachineCode
import Synchronization

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

/// Immutable after `init`, but for what engines make on their first run and publish by an atomic each. The
/// memory below is written before anybody else sees it and freed in `deinit`, which is what makes the unchecked
/// `Sendable` sound.
package final class Executable: @unchecked Sendable {
  package let version: SBPFVersion
  package let syscalls: SyscallRegistry
  package let entryPC: Int
  package let slotCount: Int
  package let textAddress: UInt64
  package let functionNames: [Int: String]
  /// Region index of the read-only data.
  let rodataIndex: Int
  let rodata: ProgramBytes
  /// Where the text lies in the read-only data, if it does.
  let textRangeInRodata: Range<Int>?
  let map: TextMap
  /// One for each of the map's calls.
  let calls: [ResolvedCall]
  /// By index in `syscalls`.
  let syscallFunctions: UnsafeMutablePointer<SyscallFunction>
  /// r10 is always the end of the current frame, so accesses relative to it that lie in the frame need no
  /// check, and machine code may keep the frame's host address in its place.
  let usesHostFrames: Bool
  /// The tables of wide instructions; nil in the other versions.
  package let wide: WideProgram?
  /// Of `wide`.
  package let widePointers: WideProgram.Pointers?
  private let textBytes: ProgramBytes
  package let text: EncodedText
  private let compilation = JITCompilation()
  private let decoded = Atomic<UnsafeMutablePointer<Insn>?>(nil)
  private let threaded = Atomic<UnsafeMutablePointer<ThreadedInsn>?>(nil)

  /// Verifies `image` and resolves its calls.
  ///
  /// With `refusesUnresolvedCalls` a call of an unknown syscall is an error here instead of a fault at run
  /// time. `provesFrameAccesses` may be turned off by tests that start with an r10 of their own.
  package init(
    image: ProgramImage, syscalls: SyscallRegistry, refusesUnresolvedCalls: Bool = false,
    provesFrameAccesses: Bool = true
  ) throws(ExecutableError) {
    let text = image.encodedText
    let map = TextMap(slotCount: text.slotCount, textAddress: image.textAddress)
    do {
      try Verifier.verify(image, map: map)
    } catch {
      throw .verifier(error)
    }
    guard image.entryPC >= 0, image.entryPC < text.slotCount else {
      throw .entryOutsideText(pc: image.entryPC)
    }
    guard image.rodataAddress & 0xffff_ffff == 0, image.rodataAddress <= GuestMemory.programStart,
      image.rodataBytes.count <= 0xffff_ffff
    else { throw .misplacedRodata(address: image.rodataAddress) }
    map.markBlock(image.entryPC)
    map.markBlock(text.slotCount)
    calls = try CallResolver(image: image, syscalls: syscalls, map: map).resolve(
      refusesUnresolvedCalls: refusesUnresolvedCalls)
    version = image.version
    self.syscalls = syscalls
    self.map = map
    self.text = text
    entryPC = image.entryPC
    slotCount = text.slotCount
    textAddress = image.textAddress
    functionNames = image.functionNames
    rodataIndex = Int(image.rodataAddress >> 32)
    rodata = image.rodataBytes
    textBytes = image.textBytes
    textRangeInRodata = image.textBytes === image.rodataBytes ? image.textRange : nil
    syscallFunctions = .allocate(capacity: max(syscalls.entries.count, 1))
    for (index, entry) in syscalls.entries.enumerated() {
      (syscallFunctions + index).initialize(to: entry.function)
    }
    usesHostFrames = provesFrameAccesses && !image.version.hasManualStackFrames
    wide = image.wide.map { WideProgram($0) }
    widePointers = wide?.pointers
  }

  package var rodataByteCount: Int { rodata.count }

  deinit {
    // Relaxed: nobody else is left, and whoever let go last has seen what others wrote.
    decoded.load(ordering: .relaxed)?.deallocate()
    threaded.load(ordering: .relaxed)?.deallocate()
    syscallFunctions.deallocate()
  }

  // MARK: What engines run

  /// Makes what `engine` runs, which otherwise its first run makes. Wide instructions have machines of their own
  /// (`WideMachine`): of them this decodes those that their interpreter runs.
  package func prepare(for engine: Engine) {
    if version.hasWideInstructions {
      _ = insns
      return
    }
    if engine == .jit, machineCode() != nil { return }
    if engine == .plain { _ = insns } else { _ = threadedCode }
  }

  /// The machine code, made by the first caller; nil while another thread makes it, or where the compiler
  /// refuses this program. Afterwards one atomic load.
  ///
  /// - Parameter compiler: always the same one for an executable.
  package func machineCode(by compiler: (Executable) -> MachineCode?) -> MachineCode? {
    compilation.code(for: self, by: compiler)
  }

  /// As above, for a run.
  @inline(__always)
  package func machineCodeEntry(by compiler: (Executable) -> MachineCode?) -> MachineCode.Entry? {
    compilation.entry(for: self, by: compiler)
  }

  func machineCode() -> MachineCode? { machineCode { JITCompiler.compile($0) } }

  /// Bytes of machine code and its tables, 0 before the first run on the JIT engine.
  package var machineCodeByteCount: Int { compilation.finished?.byteCount ?? 0 }

  /// Memory of the program and of what engines have made of it so far.
  package var byteCount: Int {
    var perSlot = 0
    if decoded.load(ordering: .relaxed) != nil { perSlot += MemoryLayout<Insn>.stride }
    if threaded.load(ordering: .relaxed) != nil { perSlot += ThreadedInsn.byteCount }
    let text = textRangeInRodata == nil ? textBytes.count : 0
    return rodata.count + text + slotCount * perSlot + machineCodeByteCount
  }

  /// `slotCount` decoded instructions and a `textEnd`, made by the first caller.
  package var insns: UnsafePointer<Insn> {
    // Acquire: pairs with the release in `publish`, so that the instructions are seen whole.
    if let insns = decoded.load(ordering: .acquiring) { return UnsafePointer(insns) }
    let insns = UnsafeMutablePointer<Insn>.allocate(capacity: slotCount + 1)
    var decoder = InsnDecoder(self)
    for pc in 0...slotCount { (insns + pc).initialize(to: decoder.insn(at: pc)) }
    return UnsafePointer(Self.publish(insns, in: decoded))
  }

  /// The same, ready for the direct-threaded engine.
  var threadedCode: UnsafePointer<ThreadedInsn> {
    if let code = threaded.load(ordering: .acquiring) { return UnsafePointer(code) }
    let code = UnsafeMutablePointer<ThreadedInsn>.allocate(capacity: slotCount + 1)
    let shapes = OpcodeShapes(version)
    let insns = insns
    for pc in 0...slotCount {
      let shape = shapes.byOpcode[Int(insns[pc].opcode.rawValue)]
      (code + pc).initialize(
        to: ThreadedInsn(
          insns[pc], shape, pc: pc, syscalls: syscallFunctions, provesFrameAccesses: usesHostFrames))
    }
    return UnsafePointer(Self.publish(code, in: threaded))
  }

  /// Threads that make the same thing at the same time keep the first one's.
  private static func publish<Element>(
    _ made: UnsafeMutablePointer<Element>, in place: borrowing Atomic<UnsafeMutablePointer<Element>?>
  ) -> UnsafeMutablePointer<Element> {
    let (isFirst, other) = place.compareExchange(
      expected: nil, desired: made, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
    guard !isFirst, let other else { return made }
    made.deallocate()
    return other
  }

  /// The decoded instructions, `textEnd` left out.
  package var decodedInsns: UnsafeBufferPointer<Insn> { UnsafeBufferPointer(start: insns, count: slotCount) }

  /// Calls by a key that nothing has, in the order of the text.
  package var unresolvedCalls: [(pc: Int, key: UInt32)] {
    calls.filter { $0.opcode == .callUnresolved }.compactMap { call in
      let slot = text[Int(call.pc)]
      if version.hasStaticSyscalls, slot.source != 0 { return nil }
      return (Int(call.pc), UInt32(bitPattern: slot.immediate))
    }
  }
}
