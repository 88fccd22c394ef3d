// One EVM frame's machine state, at a fixed address while the frame runs. Engines and hooks share it: machine code
// reads and writes its fields at the byte offsets in `WideContext.Offset`, which a test compares with the layout.

import SBPF

/// What `wsys` calls: context, base slot, first slot beyond all live ones, pc (slot index of the `wsys`). Popped
/// arguments lie at base[0...n-1], the last one being the top of the stack; a result goes to base[0]. 0 goes on,
/// another value is the `VMFault` that ends the run. A hook that runs another frame from `free` on finds at `base` what
/// that frame has left there: `free` may lie below.
package typealias WideHook =
  @convention(c) (
    _ context: UnsafeMutableRawPointer, _ base: UnsafeMutableRawPointer, _ free: UnsafeMutableRawPointer,
    _ pc: UInt64
  ) -> UInt64

/// Makes the frame's memory hold [byteOffset, byteOffset + byteCount), byteCount > 0: context, byteOffset
/// (2^64 − 1 for anything larger), byteCount. Charges `gas`, raises `memoryByteCount` to a multiple of 32 that
/// suffices, zeroes the new bytes; or returns the `VMFault` that ends the run and leaves memory as it is.
package typealias WideMemoryHook =
  @convention(c) (
    _ context: UnsafeMutableRawPointer, _ byteOffset: UInt64, _ byteCount: UInt64
  ) -> UInt64

package struct WideContext {
  /// Slot 0 of instructions' operands; exact when a run ends, not at hooks.
  package var window: UnsafeMutableRawPointer
  /// The bottom of this frame's stack.
  package var bottom: UnsafeMutableRawPointer
  /// The end of the stacks' arena.
  package var limit: UnsafeMutableRawPointer
  /// Gas left, at least 0; exact at every hook, which may change it.
  package var gas: Int64
  /// The frame's memory.
  package var memory: UnsafeMutableRawPointer
  /// Bytes of it in use, a multiple of 32; hooks may raise it.
  package var memoryByteCount: UInt64
  /// Bytes it could have at all; no hook may raise `memoryByteCount` beyond.
  package var memoryByteLimit: UInt64
  /// The frame's input (call data); any address while `inputByteCount` is 0.
  package var input: UnsafeRawPointer
  package var inputByteCount: UInt64
  /// The executable's constants, 32 bytes each. This and the two fields below are set by `WideMachine.run`.
  package var constants: UnsafeRawPointer
  /// By EVM pc, `jumpTableCount` entries: slot of the target (interpreter) or what the engine keeps there;
  /// `WideProgram.noJump` where no jump may go.
  package var jumpTable: UnsafePointer<UInt32>
  package var jumpTableCount: UInt64
  /// `WideLimits.hookCount` entries, by id.
  package var hooks: UnsafePointer<WideHook>
  package var growMemory: WideMemoryHook
  /// The embedder's own state, untouched by the VM.
  package var host: UnsafeMutableRawPointer?
  /// Why the run ended, and at which slot.
  package var fault: VMFault
  package var faultPC: Int
  /// The executable that runs, without a reference held.
  package var executable: UnsafeRawPointer?

  package init(
    bottom: UnsafeMutableRawPointer, limit: UnsafeMutableRawPointer, gas: Int64,
    memory: UnsafeMutableRawPointer,
    memoryByteLimit: UInt64, input: UnsafeRawPointer, inputByteCount: UInt64, hooks: UnsafePointer<WideHook>,
    growMemory: @escaping WideMemoryHook, host: UnsafeMutableRawPointer?
  ) {
    window = bottom
    self.bottom = bottom
    self.limit = limit
    self.gas = gas
    self.memory = memory
    memoryByteCount = 0
    self.memoryByteLimit = memoryByteLimit
    self.input = input
    self.inputByteCount = inputByteCount
    constants = UnsafeRawPointer(bottom)
    jumpTable = UnsafeRawPointer(bottom).assumingMemoryBound(to: UInt32.self)
    jumpTableCount = 0
    self.hooks = hooks
    self.growMemory = growMemory
    self.host = host
    fault = .none
    faultPC = 0
    executable = nil
  }
}

extension WideContext {
  /// Byte offsets of the fields that machine code addresses.
  enum Offset {
    static let window: Int32 = 0
    static let bottom: Int32 = 8
    static let limit: Int32 = 16
    static let gas: Int32 = 24
    static let memory: Int32 = 32
    static let memoryByteCount: Int32 = 40
    static let memoryByteLimit: Int32 = 48
    static let input: Int32 = 56
    static let inputByteCount: Int32 = 64
    static let constants: Int32 = 72
    static let jumpTable: Int32 = 80
    static let jumpTableCount: Int32 = 88
    static let hooks: Int32 = 96
    static let growMemory: Int32 = 104
    static let host: Int32 = 112
    /// One byte.
    static let fault: Int32 = 120
    static let faultPC: Int32 = 128
    static let executable: Int32 = 136
  }
}
