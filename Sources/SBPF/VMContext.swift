// One run's machine state, in memory whose address the engines and syscalls share. Plain stored words only: engines
// read and write it by pointer, and machine code will address its fields by offset.

/// A window of guest memory: guest address `index << 32 | offset` is `host + offset`.
package struct MemoryRegion {
  package var host: UnsafeMutableRawPointer
  /// Bytes that may be read, from offset 0.
  package var readableByteCount: UInt64
  /// Bytes that may be written, from offset 0 (0: read-only).
  package var writableByteCount: UInt64
  package var reserved: UInt64 = 0
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
}

package struct VMContext {
  /// Eight regions: 0 (read-only data of the strict versions), 1 program, 2 stack, 3 heap, 4 input; 5–7 empty.
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
}
