// Where EVM frames run: two reserved ranges of addresses, one for all operand stacks of a call chain, one for all
// frames' memories, each between guard pages. A nested frame begins where its caller's live words and memory end, so
// a call allocates nothing. One machine for each worker; it may be entered again from a hook, not from another thread.

import Glibc
import SBPF

package enum WideMachineError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The operating system has no such range of addresses to give.
  case noAddressSpace(byteCount: Int)

  package var description: String {
    switch self {
    case .noAddressSpace(let byteCount): "cannot reserve \(byteCount) bytes of address space"
    }
  }
}

package final class WideMachine {
  /// Frames of a call chain (depth 0 to 1024).
  package static let maxFrameCount = 1025
  /// Frame memory that stays committed from one outermost run to the next.
  private static let keptMemoryByteCount = 16 << 20

  private let stacks: WideArena
  private let memories: WideArena
  /// Frames that have not ended.
  private var depth = 0
  /// The end of what frames have used since memory was last given back.
  private var usedMemoryEnd: UnsafeMutableRawPointer

  package init() throws(WideMachineError) {
    stacks = try WideArena(byteCount: WideMachine.maxFrameCount * WideLimits.frameByteCount)
    memories = try WideMachine.memoryArena()
    usedMemoryEnd = memories.start
  }

  /// 32 GiB of addresses, or less where that much is refused.
  private static func memoryArena() throws(WideMachineError) -> WideArena {
    for shift in 0..<7 {
      if let arena = try? WideArena(byteCount: (32 << 30) >> shift) { return arena }
    }
    return try WideArena(byteCount: 256 << 20)
  }

  /// A context for the first frame of a call chain.
  ///
  /// - Parameters:
  ///   - gas: At least 0.
  ///   - hooks: `WideLimits.hookCount` entries that outlive the run.
  package func outermostContext(
    gas: Int64, input: UnsafeRawPointer, inputByteCount: Int, hooks: UnsafePointer<WideHook>,
    growMemory: @escaping WideMemoryHook, host: UnsafeMutableRawPointer?
  ) -> WideContext {
    WideContext(
      bottom: stacks.start, limit: stacks.end, gas: gas, memory: memories.start,
      memoryByteLimit: UInt64(memories.end - memories.start), input: input,
      inputByteCount: UInt64(max(inputByteCount, 0)), hooks: hooks, growMemory: growMemory, host: host)
  }

  /// A context for a frame that a hook of `parent` starts: it begins at the hook's `free` pointer and behind the
  /// parent's memory, which may not grow until the frame has ended.
  package func nestedContext(
    of parent: borrowing WideContext, free: UnsafeMutableRawPointer, gas: Int64, input: UnsafeRawPointer,
    inputByteCount: Int, host: UnsafeMutableRawPointer?
  ) -> WideContext {
    WideContext(
      bottom: free, limit: parent.limit, gas: gas,
      memory: parent.memory + Int(clamping: parent.memoryByteCount),
      memoryByteLimit: parent.memoryByteLimit &- parent.memoryByteCount, input: input,
      inputByteCount: UInt64(max(inputByteCount, 0)), hooks: parent.hooks, growMemory: parent.growMemory,
      host: host)
  }

  /// Runs `executable` from its entry until it exits or faults; the outcome is in `context` (`fault`, `faultPC`,
  /// `gas`, `window`, memory). A faulted frame's remaining gas is left as it is, except for `.outOfGas` of `wcharge`.
  package func run(
    _ executable: Executable, _ context: UnsafeMutablePointer<WideContext>, engine: Engine
  ) {
    context.pointee.window = context.pointee.bottom
    context.pointee.fault = .none
    context.pointee.faultPC = executable.entryPC
    guard let program = executable.widePointers else {
      context.pointee.fault = .unsupportedInstruction
      return
    }
    guard context.pointee.limit - context.pointee.bottom >= WideLimits.frameByteCount else {
      context.pointee.fault = .hostFault
      return
    }
    context.pointee.constants = UnsafeRawPointer(program.constants)
    context.pointee.jumpTable = program.jumpSlots
    context.pointee.jumpTableCount = UInt64(program.jumpSlotCount)
    context.pointee.executable = UnsafeRawPointer(Unmanaged.passUnretained(executable).toOpaque())
    if depth == 0 { giveBackMemory() }
    depth += 1
    withExtendedLifetime(executable) {
      if engine != .jit || !WideJIT.run(executable, context) { WideInterpreter.run(executable, context) }
    }
    depth -= 1
    let end = context.pointee.memory + Int(clamping: context.pointee.memoryByteCount)
    if end > usedMemoryEnd { usedMemoryEnd = end }
  }

  /// Makes what `engine` runs of `executable`, which otherwise its first run makes.
  package static func prepare(_ executable: Executable, for engine: Engine) {
    if engine == .jit, executable.machineCode(by: { WideCompiler.compile($0) }) != nil { return }
    executable.prepare(for: .plain)
  }

  /// Gives the operating system back what the last call chain committed beyond the usual.
  private func giveBackMemory() {
    let kept = memories.start + WideMachine.keptMemoryByteCount
    if usedMemoryEnd > kept { memories.release(from: kept, to: usedMemoryEnd) }
    usedMemoryEnd = memories.start
  }
}

/// Addresses without memory until they are touched, a guard page at either end.
final class WideArena {
  private static let pageByteCount = 4096

  private let mapping: UnsafeMutableRawPointer
  private let mappedByteCount: Int
  let start: UnsafeMutableRawPointer
  let end: UnsafeMutableRawPointer

  /// - Parameter byteCount: Rounded up to pages.
  init(byteCount: Int) throws(WideMachineError) {
    let page = WideArena.pageByteCount
    let usable = (byteCount + page - 1) & ~(page - 1)
    let total = usable + 2 * page
    let mapped = mmap(nil, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0)
    guard let mapped, mapped != MAP_FAILED else { throw .noAddressSpace(byteCount: byteCount) }
    guard mprotect(mapped + page, usable, PROT_READ | PROT_WRITE) == 0 else {
      munmap(mapped, total)
      throw .noAddressSpace(byteCount: byteCount)
    }
    mapping = mapped
    mappedByteCount = total
    start = mapped + page
    end = start + usable
  }

  deinit { munmap(mapping, mappedByteCount) }

  /// Drops the contents of the whole pages in [from, to).
  func release(from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer) {
    madvise(from, to - from, MADV_DONTNEED)
  }
}
