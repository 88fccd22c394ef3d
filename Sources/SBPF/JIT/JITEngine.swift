// Running machine code: entering it, and the three functions that it calls. Whatever is uncommon (a fault,
// units that end inside a block, a computed call to a place that is no block) is not done by machine code: it
// hands its state to the interpreter at the instruction in question, which goes on from there. So each of
// these ends exactly as it does in the interpreter.

import MachineCode

enum JITEngine {
  /// Enters the code with a `JITState`.
  typealias Entry = @convention(c) (UnsafeMutableRawPointer) -> Void

  /// Bytes on the host's stack of one call: five registers and the return address.
  static let frameByteCount: UInt = 48

  static func run(
    _ executable: Executable, _ context: UnsafeMutablePointer<VMContext>,
    _ state: UnsafeMutablePointer<JITState>
  ) {
    guard context.pointee.remainingUnits > 0, let code = executable.machineCodeEntry(by: { JITCompiler.compile($0) }) else {
      return interpret(executable, context, from: executable.entryPC)
    }
    let stack = UInt64(UInt(bitPattern: context.pointee.regions[Int(GuestMemory.stackIndex)].host))
    let frame = GuestMemory.frameByteCount
    state.pointee.stackHost = stack
    state.pointee.reachedFrameByteCount = frame
    state.pointee.framePointerBias =
      context.pointee.hasStackGaps
      ? GuestMemory.stackStart &+ frame &- 2 &* (stack &+ frame) : GuestMemory.stackStart &- stack
    state.pointee.codeStart = UInt(bitPattern: code.start)
    state.pointee.entries = code.entries
    state.pointee.executable = UnsafeRawPointer(Unmanaged.passUnretained(executable).toOpaque())
    state.mirrorRegions()
    withExtendedLifetime(executable) {
      unsafeBitCast(code.start, to: Entry.self)(UnsafeMutableRawPointer(state))
    }
    let reached = state.pointee.reachedFrameByteCount
    if reached > context.pointee.touchedStackByteCount { context.pointee.touchedStackByteCount = reached }
  }

  /// Goes on in the interpreter at `pc` with the context's registers, units and call frames.
  static func interpret(_ executable: Executable, _ context: UnsafeMutablePointer<VMContext>, from pc: Int) {
    switch Engine.interpreter {
    case .threaded: ThreadedInterpreter.run(executable, context, from: pc)
    default: PlainInterpreter.run(executable, context, from: pc)
    }
  }
}

// MARK: - What machine code calls

extension JITEngine {
  /// Host address of an access that the tables refuse, or 0: state, guest address, `AccessKind`.
  static let translate: @convention(c) (UnsafeMutableRawPointer, UInt64, UInt64) -> UInt = {
    memory, address, rawKind in
    let state = memory.assumingMemoryBound(to: JITState.self)
    let kind = AccessKind(rawValue: UInt8(truncatingIfNeeded: rawKind))
    let host = state.pointee.context.pointee.translateExactly(
      address: address, byteCount: kind.byteCount, access: kind.access)
    guard let host else { return 0 }
    // The access was allowed, so the index is below 8; its bounds may have grown, here or in a syscall.
    let index = Int(truncatingIfNeeded: address &>> 32)
    if state.pointee.context.pointee.hasStackGaps, UInt64(index) == GuestMemory.stackIndex {
      state.mirrorGappedStack()
    } else {
      state.mirrorRegion(index)
    }
    return UInt(bitPattern: host)
  }

  /// Goes on in the interpreter: state, return address of the place that gave up, the program's stack
  /// pointer.
  static let leave: @convention(c) (UnsafeMutableRawPointer, UInt, UInt) -> Void = {
    memory, site, stackPointer in
    let state = memory.assumingMemoryBound(to: JITState.self)
    let context = state.pointee.context
    guard let (executable, code, pc) = JITEngine.place(state, site) else { return }
    context.pointee.remainingUnits &+= code.unitsCharged(from: pc, in: executable.insns)
    JITEngine.restoreFrames(state, executable, code, stackPointer: stackPointer)
    JITEngine.interpret(executable, context, from: pc)
  }

  /// Notes where a syscall failed: state, return address.
  static let failSyscall: @convention(c) (UnsafeMutableRawPointer, UInt) -> Void = { memory, site in
    let state = memory.assumingMemoryBound(to: JITState.self)
    guard let (_, _, pc) = JITEngine.place(state, site) else { return }
    state.pointee.context.pointee.faultPC = pc
  }

  /// The instruction that `site` belongs to. Every call in the code has an entry, so nil is an error in the
  /// compiler; the run then ends as one that cannot go on.
  private static func place(
    _ state: UnsafeMutablePointer<JITState>, _ site: UInt
  ) -> (Executable, MachineCode, Int)? {
    if let pointer = state.pointee.executable {
      let executable = Unmanaged<Executable>.fromOpaque(pointer).takeUnretainedValue()
      if let code = executable.machineCode(), let pc = code.pc(returningTo: site) {
        return (executable, code, pc)
      }
    }
    state.pointee.context.pointee.fault = .unsupportedInstruction
    return nil
  }

  /// Rebuilds the interpreter's call frames from what machine code pushed, outermost first: r6–r9, r10 (or
  /// the host address of the frame), return address.
  private static func restoreFrames(
    _ state: UnsafeMutablePointer<JITState>, _ executable: Executable, _ code: MachineCode, stackPointer: UInt
  ) {
    let context = state.pointee.context
    let outermost = state.pointee.stackBase &- 8
    let depth = Int((outermost &- stackPointer) / frameByteCount)
    for index in 0..<min(depth, GuestMemory.maxCallDepth) {
      let end = outermost &- UInt(index) &* frameByteCount
      func word(_ number: UInt) -> UInt64 {
        UnsafePointer<UInt64>(bitPattern: end &- 8 &* number)?.pointee ?? 0
      }
      let usesHostFrames = executable.usesHostFrames
      let returnPC = (code.pc(returningTo: UInt(word(6))) ?? 0) + 1
      context.pointee.frames[index] = CallFrame(
        r6: word(1), r7: word(2), r8: word(3), r9: word(4),
        framePointer: usesHostFrames ? guestFramePointer(word(5), state) : word(5),
        // Where it is not used, any address will do, but there has to be one.
        hostFrame: usesHostFrames ? word(5) : UInt64(UInt(bitPattern: context)),
        returnPC: Engine.interpreter == .threaded
          ? Int(bitPattern: executable.threadedCode + returnPC) : returnPC)
    }
    context.pointee.callDepth = depth
  }

  private static func guestFramePointer(_ host: UInt64, _ state: UnsafeMutablePointer<JITState>) -> UInt64 {
    let factor: UInt64 = state.pointee.context.pointee.hasStackGaps ? 2 : 1
    return host &* factor &+ state.pointee.framePointerBias
  }
}
