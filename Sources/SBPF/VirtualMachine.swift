// A guest's memory and registers, reused from run to run by one worker. A program that calls another one
// (CPI) needs a machine for each level of nesting: a run in progress owns its machine.
//
// Memory reads as zero at the start of a run; what the run before wrote is cleared then, and only that.

import MachineCode

/// How a run ended.
package struct RunOutcome: Sendable, Equatable {
  /// r0, meaningful when `fault` is `.none`.
  package var result: UInt64
  package var fault: VMFault
  /// Slot index of the last instruction, the one that faulted or exited.
  package var pc: Int
  package var remainingUnits: Int64
  /// Instructions run, without those of nested programs.
  package var instructionCount: Int64
  /// The access that was refused, when `fault` is `.accessViolation`.
  package var violation: AccessViolation?
}

package final class VirtualMachine {
  package let engine: Engine
  /// Told of every instruction that the plain interpreter runs.
  package weak var observer: (any StepObserver)?
  /// The state that syscalls receive; valid as long as the machine.
  package let context: UnsafeMutablePointer<VMContext>
  let stack: UnsafeMutableRawPointer
  let heap: UnsafeMutableRawPointer
  private let segments: UnsafeMutablePointer<InputSegment>
  /// What machine code needs, where this machine runs it.
  private let jitState: UnsafeMutablePointer<JITState>?
  /// More parts than this are not mapped: three for each of 256 accounts, and the ends.
  package static let maxInputSegmentCount = 1024

  /// What `VMContext.insns` points at before the first run.
  private nonisolated(unsafe) static let noInsns: UnsafePointer<Insn> = {
    let insn = UnsafeMutablePointer<Insn>.allocate(capacity: 1)
    insn.initialize(to: Insn(.textEnd))
    return UnsafePointer(insn)
  }()

  package init(engine: Engine = .interpreter) {
    self.engine = engine
    let pageByteCount = 4096
    stack = .allocate(byteCount: Int(GuestMemory.stackByteCount), alignment: pageByteCount)
    stack.initializeMemory(as: UInt8.self, repeating: 0, count: Int(GuestMemory.stackByteCount))
    heap = .allocate(byteCount: GuestMemory.maxHeapByteCount, alignment: pageByteCount)
    heap.initializeMemory(as: UInt8.self, repeating: 0, count: GuestMemory.maxHeapByteCount)
    let regions = UnsafeMutablePointer<MemoryRegion>.allocate(capacity: GuestMemory.regionCount)
    regions.initialize(
      repeating: MemoryRegion(host: stack, readableByteCount: 0, writableByteCount: 0),
      count: GuestMemory.regionCount)
    regions[3].host = heap
    let registers = UnsafeMutablePointer<UInt64>.allocate(capacity: 16)
    registers.initialize(repeating: 0, count: 16)
    segments = .allocate(capacity: VirtualMachine.maxInputSegmentCount)
    let frames = UnsafeMutablePointer<CallFrame>.allocate(capacity: GuestMemory.maxCallDepth)
    context = .allocate(capacity: 1)
    context.initialize(
      to: VMContext(
        regions: regions, remainingUnits: 0, fault: .none, faultAccess: .load, faultByteCount: 0,
        faultAddress: 0,
        faultPC: 0, host: nil, registers: registers, frames: frames, callDepth: 0, frameStep: 0,
        hostFrameStep: 0,
        touchedStackByteCount: 0, syscallUnits: 0, code: UnsafeRawPointer(stack),
        uncommon: ThreadedInterpreter.uncommonHandlers, insns: VirtualMachine.noInsns, slotCount: 0,
        spareUnits: 0,
        textAddress: 0, hasStackGaps: false, inputSegments: segments, inputSegmentCount: 0))
    jitState = engine == .jit && MachineCode.isSupported ? JITState.make(context) : nil
  }

  deinit {
    if let jitState { UnsafeMutableRawPointer(jitState).deallocate() }
    context.pointee.regions.deallocate()
    context.pointee.registers.deallocate()
    context.pointee.frames.deallocate()
    context.deallocate()
    stack.deallocate()
    heap.deallocate()
    segments.deallocate()
  }

  /// r0–r10 as the last run left them.
  package var registers: [UInt64] { (0...10).map { context.pointee.registers[$0] } }

  /// Runs `executable` from its entry point until it exits or faults.
  ///
  /// - Parameters:
  ///   - input: Mapped read-write at 0x4_0000_0000, which r1 holds; any address if `inputByteCount` is 0.
  ///   - instructionDataAddress: r2 at the start.
  ///   - heapByteCount: Bytes mapped at 0x3_0000_0000, at most 262,144.
  ///   - units: Compute units; each instruction costs one.
  ///   - host: Handed to syscalls as `VMContext.host`.
  ///   - inputSegments: Parts of the input region, ascending and apart, in place of `input` as a whole.
  ///   - registers: r0–r10 in place of the usual; the executable must not be made with `provesFrameAccesses`.
  package func run(
    _ executable: Executable, input: UnsafeMutableRawPointer, inputByteCount: Int,
    instructionDataAddress: UInt64,
    heapByteCount: Int, units: Int64, host: UnsafeMutableRawPointer?,
    inputSegments: [InputSegment] = [], registers: [UInt64]? = nil
  ) -> RunOutcome {
    clearTouchedMemory()
    mapMemory(executable, input: input, inputByteCount: inputByteCount, heapByteCount: heapByteCount)
    mapSegments(inputSegments)
    prepareFrames(executable.version)
    let state = context.pointee.registers
    state[1] = GuestMemory.inputStart
    state[2] = instructionDataAddress
    if let registers {
      for index in 0..<min(registers.count, 11) { state[index] = registers[index] }
    }
    context.pointee.remainingUnits = units
    context.pointee.syscallUnits = 0
    context.pointee.fault = .none
    context.pointee.host = host
    context.pointee.callDepth = 0
    context.pointee.slotCount = executable.slotCount
    context.pointee.textAddress = executable.textAddress
    if executable.version.hasWideInstructions {
      // Only a `WideMachine` runs those.
      context.pointee.fault = .unsupportedInstruction
      context.pointee.faultPC = executable.entryPC
      return outcome(units: units)
    }
    switch engine {
    case .threaded: ThreadedInterpreter.run(executable, context, from: executable.entryPC)
    case .plain: PlainInterpreter.run(executable, context, from: executable.entryPC, observer: observer)
    case .jit:
      if let jitState {
        JITEngine.run(executable, context, jitState)
      } else {
        JITEngine.interpret(executable, context, from: executable.entryPC)
      }
    }
    return outcome(units: units)
  }

  private func mapMemory(
    _ executable: Executable, input: UnsafeMutableRawPointer, inputByteCount: Int, heapByteCount: Int
  ) {
    let regions = context.pointee.regions
    for index in 0..<2 { regions[index].readableByteCount = 0 }
    regions[executable.rodataIndex].host = executable.rodata.start
    regions[executable.rodataIndex].readableByteCount = UInt64(executable.rodataByteCount)
    let hasGaps = executable.version.hasStackFrameGaps
    context.pointee.hasStackGaps = hasGaps
    regions[2] = MemoryRegion(
      host: stack, readableByteCount: hasGaps ? 0 : GuestMemory.stackByteCount, writableByteCount: 0,
      exactByteCount: GuestMemory.stackByteCount)
    let heapBytes = UInt64(max(0, min(heapByteCount, GuestMemory.maxHeapByteCount)))
    regions[3] = MemoryRegion(
      host: heap, readableByteCount: heapBytes, writableByteCount: 0, exactByteCount: heapBytes)
    let inputBytes = UInt64(max(0, inputByteCount))
    regions[4] = MemoryRegion(host: input, readableByteCount: inputBytes, writableByteCount: inputBytes)
  }

  private func mapSegments(_ parts: [InputSegment]) {
    let count = min(parts.count, VirtualMachine.maxInputSegmentCount)
    context.pointee.inputSegmentCount = count
    guard count > 0 else { return }
    for index in 0..<count { (segments + index).initialize(to: parts[index]) }
    context.pointee.regions[4].readableByteCount = 0
    context.pointee.regions[4].writableByteCount = 0
  }

  private func prepareFrames(_ version: SBPFVersion) {
    let state = context.pointee.registers
    state.update(repeating: 0, count: 16)
    let frame = GuestMemory.frameByteCount
    if version.hasManualStackFrames {
      state[10] = GuestMemory.stackStart + GuestMemory.stackByteCount
      context.pointee.frameStep = 0
      context.pointee.hostFrameStep = 0
    } else {
      state[10] = GuestMemory.stackStart + frame
      state[11] = UInt64(UInt(bitPattern: stack)) + frame
      context.pointee.frameStep = version.hasStackFrameGaps ? 2 * frame : frame
      context.pointee.hostFrameStep = frame
    }
    // A frame may be written without the exact path, so the first one counts as touched from the start.
    context.pointee.touchedStackByteCount = frame
  }

  private func clearTouchedMemory() {
    let regions = context.pointee.regions
    let stackBytes = max(context.pointee.touchedStackByteCount, regions[2].writableByteCount)
    stack.initializeMemory(as: UInt8.self, repeating: 0, count: Int(stackBytes))
    heap.initializeMemory(as: UInt8.self, repeating: 0, count: Int(regions[3].writableByteCount))
  }

  private func outcome(units: Int64) -> RunOutcome {
    let state = context.pointee
    let violation =
      state.fault == .accessViolation
      ? AccessViolation(
        access: state.faultAccess, address: state.faultAddress, byteCount: state.faultByteCount) : nil
    return RunOutcome(
      result: state.registers[0], fault: state.fault, pc: state.faultPC, remainingUnits: state.remainingUnits,
      instructionCount: units &- state.remainingUnits &- state.syscallUnits, violation: violation)
  }
}
