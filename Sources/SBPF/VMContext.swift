// One run's machine state, in memory whose address the engines and syscalls share. Plain stored words only:
// engines read and write it by pointer, and machine code will address its fields by offset.
//
// Guest addresses are `region << 32 | offset`. Each region has two fast bounds that engines check inline; an
// access beyond them takes the exact path (VMContext+Translation.swift), which knows about the gaps between
// stack frames and raises the fast bound of writable memory on first touch, so that only touched memory is
// cleared after a run.

/// A window of guest memory: guest address `index << 32 | offset` is `host + offset`.
package struct MemoryRegion {
  package var host: UnsafeMutableRawPointer
  /// Bytes that may be read, from offset 0.
  package var readableByteCount: UInt64
  /// Bytes that may be written, from offset 0 (0: read-only), without taking the exact path.
  package var writableByteCount: UInt64
  /// Bytes that the exact path lets a program read and write where the two bounds above refuse.
  package var exactByteCount: UInt64

  package init(
    host: UnsafeMutableRawPointer, readableByteCount: UInt64, writableByteCount: UInt64,
    exactByteCount: UInt64 = 0
  ) {
    self.host = host
    self.readableByteCount = readableByteCount
    self.writableByteCount = writableByteCount
    self.exactByteCount = exactByteCount
  }
}

/// A part of the input region with memory and rights of its own; an access has to lie in one of them.
package struct InputSegment {
  /// Offset in the input region.
  package var offset: UInt64
  package var byteCount: UInt64
  package var host: UnsafeMutableRawPointer
  package var isWritable: Bool

  package init(offset: UInt64, byteCount: UInt64, host: UnsafeMutableRawPointer, isWritable: Bool) {
    self.offset = offset
    self.byteCount = byteCount
    self.host = host
    self.isWritable = isWritable
  }
}

package enum MemoryAccess: UInt8, Sendable { case load, store }

/// Why a run stopped; `none` after `exit`.
package enum VMFault: UInt8, Sendable {
  case none = 0
  case exceededMaxInstructions
  case accessViolation
  case divideByZero
  case divideOverflow
  case callDepthExceeded
  case callOutsideTextSegment
  case unsupportedInstruction
  case executionOverrun
  case syscallError
  // Of wide executables.
  case outOfGas
  case stackUnderflow
  case stackOverflow
  case invalidJump
  case invalidInstruction
  /// The host ended the frame on purpose.
  case halted
  /// The host cannot go on, or broke its contract.
  case hostFault
}

/// What `exit` restores of the caller.
package struct CallFrame {
  var r6: UInt64
  var r7: UInt64
  var r8: UInt64
  var r9: UInt64
  /// The caller's r10.
  var framePointer: UInt64
  /// Host address of the end of the caller's stack frame.
  var hostFrame: UInt64
  /// Slot index of the instruction after the call, or where the engine keeps that instruction.
  var returnPC: Int
  var reserved: UInt64 = 0
}

package struct VMContext {
  /// Eight regions: 0 (read-only data of the strict versions), 1 program, 2 stack, 3 heap, 4 input; 5–7
  /// empty.
  package var regions: UnsafeMutablePointer<MemoryRegion>
  /// Compute units left. Exact on entry to a syscall and after a run.
  package var remainingUnits: Int64
  package var fault: VMFault
  /// Details of an access violation.
  package var faultAccess: MemoryAccess
  package var faultByteCount: UInt64
  package var faultAddress: UInt64
  /// Slot index of the instruction that faulted.
  package var faultPC: Int
  /// The embedder's own state, untouched by the VM (the runtime's invoke context).
  package var host: UnsafeMutableRawPointer?

  /// r0–r10, then the host address of the end of the current stack frame (versions whose frames are fixed).
  package var registers: UnsafeMutablePointer<UInt64>
  var frames: UnsafeMutablePointer<CallFrame>
  /// Calls that have not returned, in [0, 64).
  package var callDepth: Int
  /// What a call adds to r10.
  var frameStep: UInt64
  /// What a call adds to the host address of the frame.
  var hostFrameStep: UInt64
  /// Bytes at the start of the host's stack that a run may have written.
  @usableFromInline var touchedStackByteCount: UInt64
  /// Units that syscalls consumed, nested programs included.
  package var syscallUnits: Int64
  /// The direct-threaded engine's code, one entry a slot, and its uncommon paths.
  var code: UnsafeRawPointer
  var uncommon: UnsafePointer<ThreadedInterpreter.Handler>
  var insns: UnsafePointer<Insn>
  var slotCount: Int
  /// Units beyond those that the engine counts by itself; zero unless the budget is absurd.
  var spareUnits: Int64
  /// Guest address of slot 0, which `callx` counts from.
  var textAddress: UInt64
  @usableFromInline var hasStackGaps: Bool
  /// The input region in parts, ascending by offset; while there are any, its fast bounds are zero.
  package var inputSegments: UnsafePointer<InputSegment>
  package var inputSegmentCount: Int
}
