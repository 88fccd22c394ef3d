// What the tests of wide code run it with: an assembler's front door, a host with a handful of hooks, and the whole
// outcome of a run as one comparable value.
import Primitives
import Testing
import WideIntegers

@testable import SBPF
@testable import WideVM

/// Everything that a run may change.
struct WideRun: Equatable {
  var fault: VMFault
  var pc: Int
  var gas: Int64
  /// Words between the bottom and the window.
  var height: Int
  /// From the bottom.
  var slots: [UInt256]
  var memory: [UInt8]
  /// What the hooks saw.
  var log: [String]
}

/// The host behind `WideContext.host`.
final class WideTestHost {
  var log: [String] = []
  let machine: WideMachine
  let engine: Engine
  /// What the `call` hook runs.
  var inner: Executable?
  var depth = 0
  /// How deep the `call` hook goes.
  var maxDepth = 1

  init(machine: WideMachine, engine: Engine) {
    self.machine = machine
    self.engine = engine
  }
}

enum WideTestHook {
  static let stop = 0
  /// base[0] = base[0] + base[1], for 3 gas.
  static let add = 1
  /// Spends base[0] & 63.
  static let spend = 2
  /// Runs the host's inner program with half the gas; base[0] = its fault.
  static let call = 3
  /// Returns a number that is no fault.
  static let broken = 4
  /// Notes where everything lies.
  static let note = 5
  /// Faults with base[0] & 15.
  static let fail = 6

  nonisolated(unsafe) static let table: UnsafePointer<WideHook> = {
    let table = UnsafeMutablePointer<WideHook>.allocate(capacity: WideLimits.hookCount)
    table.initialize(repeating: { _, _, _, _ in 0 }, count: WideLimits.hookCount)
    table[stop] = { _, _, _, _ in UInt64(VMFault.halted.rawValue) }
    table[add] = { context, base, _, _ in
      let state = context.assumingMemoryBound(to: WideContext.self)
      let words = base.assumingMemoryBound(to: UInt256.self)
      words[0] = words[0] &+ words[1]
      state.pointee.gas -= 3
      guard state.pointee.gas >= 0 else {
        state.pointee.gas = 0
        return UInt64(VMFault.outOfGas.rawValue)
      }
      return 0
    }
    table[spend] = { context, base, _, _ in
      let state = context.assumingMemoryBound(to: WideContext.self)
      let amount = Int64(base.assumingMemoryBound(to: UInt256.self).pointee.limb0 & 63)
      let left = state.pointee.gas - amount
      state.pointee.gas = max(left, 0)
      return left < 0 ? UInt64(VMFault.outOfGas.rawValue) : 0
    }
    table[call] = { context, base, free, _ in
      let state = context.assumingMemoryBound(to: WideContext.self)
      guard let pointer = state.pointee.host else { return UInt64(VMFault.hostFault.rawValue) }
      let host = Unmanaged<WideTestHost>.fromOpaque(pointer).takeUnretainedValue()
      guard let inner = host.inner, host.depth < host.maxDepth else {
        base.storeBytes(of: UInt256(99), as: UInt256.self)
        return 0
      }
      let gas = state.pointee.gas / 2
      var nested = host.machine.nestedContext(
        of: state.pointee, free: free, gas: gas, input: base, inputByteCount: 32, host: pointer)
      host.depth += 1
      withUnsafeMutablePointer(to: &nested) { host.machine.run(inner, $0, engine: host.engine) }
      host.depth -= 1
      state.pointee.gas -= gas - nested.gas
      host.log.append("inner \(nested.fault) at \(nested.faultPC), \(nested.gas) left")
      base.storeBytes(of: UInt256(UInt64(nested.fault.rawValue)), as: UInt256.self)
      return 0
    }
    table[broken] = { _, _, _, _ in 4711 }
    table[note] = { context, base, free, pc in
      let state = context.assumingMemoryBound(to: WideContext.self)
      guard let pointer = state.pointee.host else { return UInt64(VMFault.hostFault.rawValue) }
      let host = Unmanaged<WideTestHost>.fromOpaque(pointer).takeUnretainedValue()
      host.log.append(
        "\(pc): base \((base - state.pointee.bottom) / 32) free \((free - state.pointee.bottom) / 32) "
          + "gas \(state.pointee.gas) memory \(state.pointee.memoryByteCount)")
      return 0
    }
    table[fail] = { _, base, _, _ in base.assumingMemoryBound(to: UInt256.self).pointee.limb0 & 15 }
    return UnsafePointer(table)
  }()

  /// 3 gas a new word, at most 1 MiB.
  static let growMemory: WideMemoryHook = { context, offset, byteCount in
    let state = context.assumingMemoryBound(to: WideContext.self)
    guard offset < 1 << 20 else {
      state.pointee.gas = 0
      return UInt64(VMFault.outOfGas.rawValue)
    }
    let end = (offset + byteCount + 31) / 32 * 32
    let old = state.pointee.memoryByteCount
    guard end <= state.pointee.memoryByteLimit else { return UInt64(VMFault.hostFault.rawValue) }
    let left = state.pointee.gas - Int64((end - old) / 32) * 3
    state.pointee.gas = max(left, 0)
    guard left >= 0 else { return UInt64(VMFault.outOfGas.rawValue) }
    (state.pointee.memory + Int(old)).initializeMemory(as: UInt8.self, repeating: 0, count: Int(end - old))
    state.pointee.memoryByteCount = end
    return 0
  }
}

/// One engine's machine and host.
final class WideRig {
  let engine: Engine
  let machine: WideMachine
  let host: WideTestHost
  /// Words at the bottom that runs are compared in.
  static let comparedSlotCount = 64

  init(_ engine: Engine) throws {
    self.engine = engine
    machine = try WideMachine()
    host = WideTestHost(machine: machine, engine: engine)
  }

  static func each() throws -> [WideRig] { try Engine.available.map { try WideRig($0) } }

  /// - Parameter stack: What lies above the bottom at the start, where the window is.
  func run(
    _ executable: Executable, stack: [UInt256] = [], gas: Int64 = 1_000_000, input: [UInt8] = [],
    inner: Executable? = nil, maxDepth: Int = 1
  ) -> WideRun {
    host.log = []
    host.inner = inner
    host.maxDepth = maxDepth
    return input.withUnsafeBytes { input in
      let nowhere = UnsafeRawPointer(WideTestHook.table)
      var context = machine.outermostContext(
        gas: gas, input: input.baseAddress ?? nowhere, inputByteCount: input.count, hooks: WideTestHook.table,
        growMemory: WideTestHook.growMemory, host: Unmanaged.passUnretained(host).toOpaque())
      let words = context.bottom.assumingMemoryBound(to: UInt256.self)
      words.update(repeating: UInt256(0xdead), count: WideLimits.frameByteCount / 32)
      for (index, word) in stack.enumerated() { words[index] = word }
      withUnsafeMutablePointer(to: &context) { machine.run(executable, $0, engine: engine) }
      return WideRun(
        fault: context.fault, pc: context.faultPC, gas: context.gas,
        height: (context.window - context.bottom) / 32,
        slots: (0..<WideRig.comparedSlotCount).map { words[$0] },
        memory: Array(
          UnsafeRawBufferPointer(start: context.memory, count: Int(context.memoryByteCount))),
        log: host.log)
    }
  }
}

func wideImage(_ text: String) throws -> ProgramImage { try Assembler.assemble(text, version: .wide) }

func wideExecutable(_ text: String) throws -> Executable {
  try Executable(image: wideImage(text), syscalls: SyscallRegistry())
}

/// Words where carries, signs and limbs meet, and random ones of every size.
struct WideWords {
  static let corners: [UInt256] = [
    .zero, .one, UInt256(2), UInt256(3), UInt256(31), UInt256(32), UInt256(255), UInt256(256), UInt256(257),
    UInt256(.max), UInt256(0, 1, 0, 0), UInt256(.max, .max, 0, 0), UInt256(0, 0, 1, 0), UInt256(0, 0, 0, 1),
    UInt256(.max, .max, .max, .max), UInt256(.max, .max, .max, .max >> 1), UInt256(0, 0, 0, 1 << 63),
    UInt256(1, 0, 0, 1 << 63), UInt256(.max - 1, .max, .max, .max), UInt256(1 << 63),
  ]

  static func random(_ random: inout SplitMix64) -> UInt256 {
    switch random.next() % 4 {
    case 0: return corners[Int(random.next() % UInt64(corners.count))]
    case 1: return UInt256(random.next() % 300)
    default:
      let limbs = (0..<4).map { _ in random.next() }
      let word = UInt256(limbs[0], limbs[1], limbs[2], limbs[3])
      return word >> (random.next() & 255)
    }
  }
}
