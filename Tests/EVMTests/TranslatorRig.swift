// Runs translated code on the VM with hooks into the tests' toy world, and says what came of it in the terms of the
// naive interpreter.

import Primitives
import SBPF
import WideIntegers

@testable import EVM
@testable import WideVM

/// What the hooks work on.
final class RigHost {
  var world = ToyWorld()
  let code: [UInt8]
  let input: [UInt8]
  let fork: Fork
  let text: [UInt64]
  let pcMap: [UInt32]
  var ending: FrameResult.Ending?
  var output: [UInt8] = []
  var trace: [TraceStep] = []

  init(_ image: ProgramImage, input: [UInt8], fork: Fork) {
    code = image.wide?.bytecode ?? []
    pcMap = image.wide?.pcMap ?? []
    self.input = input
    self.fork = fork
    text = EncodedInsn.slots(of: image.text).map(\.word)
  }
}

struct TranslatorRig {
  /// Translates, verifies and runs.
  static func run(
    code: [UInt8], fork: Fork, mode: TranslationMode, engine: Engine, input: [UInt8], gas: Int64,
    trace: UnsafeMutablePointer<[TraceStep]>? = nil, reach: Int = Translation.maxReach
  ) throws -> FrameResult {
    let image = Translator.translate(code: code, fork: fork, mode: mode, reach: reach)
    return try run(image, fork: fork, engine: engine, input: input, gas: gas, trace: trace)
  }

  static func run(
    _ image: ProgramImage, fork: Fork, engine: Engine, input: [UInt8], gas: Int64,
    trace: UnsafeMutablePointer<[TraceStep]>? = nil
  ) throws -> FrameResult {
    let executable = try Executable(image: image, syscalls: SyscallRegistry())
    return run(executable, image, fork: fork, engine: engine, input: input, gas: gas, trace: trace)
  }

  static func run(
    _ executable: Executable, _ image: ProgramImage, fork: Fork, engine: Engine, input: [UInt8], gas: Int64,
    trace: UnsafeMutablePointer<[TraceStep]>? = nil
  ) -> FrameResult {
    let host = RigHost(image, input: input, fork: fork)
    let machine = try! WideMachine()
    let hooks = [WideHook](repeating: { rigHook($0, $1, $2, $3) }, count: WideLimits.hookCount)
    return input.withUnsafeBytes { bytes in
      hooks.withUnsafeBufferPointer { table in
        var context = machine.outermostContext(
          gas: gas, input: bytes.baseAddress ?? UnsafeRawPointer(table.baseAddress!),
          inputByteCount: bytes.count,
          hooks: table.baseAddress!, growMemory: { rigGrowMemory($0, $1, $2) },
          host: Unmanaged.passUnretained(host).toOpaque())
        withExtendedLifetime(host) { machine.run(executable, &context, engine: engine) }
        trace?.pointee = host.trace
        return result(context, host)
      }
    }
  }

  private static func result(_ context: WideContext, _ host: RigHost) -> FrameResult {
    let fault: NaiveFault
    switch context.fault {
    case .halted:
      return FrameResult(
        ending: host.ending!, output: host.output, gasLeft: context.gas, world: host.world)
    case .outOfGas: fault = .outOfGas
    case .stackUnderflow: fault = .stackUnderflow
    case .stackOverflow: fault = .stackOverflow
    case .invalidJump: fault = .invalidJump
    case .invalidInstruction: fault = .invalidInstruction
    default: fatalError("\(context.fault) at \(context.faultPC)")
    }
    return FrameResult(ending: .faulted(fault))
  }
}

/// One call of the host, on raw pointers as the VM gives them.
private struct HookCall {
  let context: UnsafeMutablePointer<WideContext>
  let host: RigHost
  let base: UnsafeMutablePointer<UInt256>
  let pc: Int
  let byte: Int

  func argument(_ index: Int, of count: Int) -> UInt256 { base[count - 1 - index] }

  func charge(_ units: Int64) -> Bool {
    if context.pointee.gas < units { return false }
    context.pointee.gas -= units
    return true
  }

  func chargeWords(_ units: Int64, _ count: UInt256) -> Bool {
    guard count.fitsUInt64, count.limb0 < 1 << 32 else { return false }
    return charge(units * ((Int64(count.limb0) + 31) / 32))
  }

  func grow(_ offset: UInt256, _ count: UInt256) -> Bool {
    if count == .zero { return true }
    return rigGrowMemory(context, offset.saturatedUInt64, count.saturatedUInt64) == 0
  }

  func bytes(_ offset: UInt256, _ count: UInt256) -> [UInt8] {
    if count == .zero { return [] }
    return Array(
      UnsafeRawBufferPointer(
        start: context.pointee.memory + Int(offset.limb0), count: Int(count.limb0)))
  }

  func write(_ bytes: [UInt8], at offset: UInt256) {
    for (index, byte) in bytes.enumerated() {
      context.pointee.memory.storeBytes(of: byte, toByteOffset: Int(offset.limb0) + index, as: UInt8.self)
    }
  }

  func halt(_ ending: FrameResult.Ending, _ output: [UInt8] = []) -> VMFault {
    host.ending = ending
    host.output = output
    return .halted
  }
}

private func rigGrowMemory(_ raw: UnsafeMutableRawPointer, _ offset: UInt64, _ count: UInt64) -> UInt64 {
  let context = raw.assumingMemoryBound(to: WideContext.self)
  let end = UInt256(offset).addingSaturated(UInt256(count))
  guard end < UInt256(1 << 32) else { return UInt64(VMFault.outOfGas.rawValue) }
  let words = (Int64(end.limb0) + 31) / 32
  let old = Int64(context.pointee.memoryByteCount) / 32
  if words <= old { return 0 }
  let cost = 3 * (words - old) + words * words / 512 - old * old / 512
  if context.pointee.gas < cost { return UInt64(VMFault.outOfGas.rawValue) }
  context.pointee.gas -= cost
  (context.pointee.memory + Int(old * 32)).initializeMemory(
    as: UInt8.self, repeating: 0, count: Int(words - old) * 32)
  context.pointee.memoryByteCount = UInt64(words) * 32
  return 0
}

private func rigHook(
  _ raw: UnsafeMutableRawPointer, _ base: UnsafeMutableRawPointer, _ free: UnsafeMutableRawPointer,
  _ pc: UInt64
) -> UInt64 {
  let context = raw.assumingMemoryBound(to: WideContext.self)
  let host = Unmanaged<RigHost>.fromOpaque(context.pointee.host!).takeUnretainedValue()
  let call = HookCall(
    context: context, host: host, base: base.assumingMemoryBound(to: UInt256.self), pc: Int(pc),
    byte: Int(host.text[Int(pc)] >> 48))
  let fault = perform(call)
  if fault == .none {
    // What lies beyond the live slots is the callee's.
    free.initializeMemory(as: UInt8.self, repeating: 0xa5, count: 40 * 32)
  }
  return UInt64(fault.rawValue)
}

private func perform(_ call: HookCall) -> VMFault {
  if call.byte == WideHookID.trace {
    let bottom = call.context.pointee.bottom.assumingMemoryBound(to: UInt256.self)
    call.host.trace.append(
      TraceStep(
        pc: Int(call.host.pcMap[call.pc]), gas: call.context.pointee.gas,
        stack: Array(UnsafeBufferPointer(start: bottom, count: call.base - bottom))))
    return .none
  }
  let byte = UInt8(call.byte)
  switch byte {
  case 0x00: return call.halt(.stopped)
  case 0x0a, 0x20, 0x37, 0x39, 0x5e: return performSized(call, byte)
  case 0xa0...0xa4: return log(call, byte)
  case 0xf3, 0xfd:
    let (offset, count) = (call.argument(0, of: 2), call.argument(1, of: 2))
    guard call.grow(offset, count) else { return .outOfGas }
    return call.halt(byte == 0xf3 ? .returned : .reverted, call.bytes(offset, count))
  case 0xff:
    call.host.world.record(byte, [call.base[0]])
    return call.halt(.selfdestructed)
  default:
    let effect = NaiveFacts.effects[call.byte]!
    let arguments = (0..<effect.pops).map { call.argument($0, of: effect.pops) }
    guard let result = call.host.world.perform(byte, arguments, &call.context.pointee.gas) else {
      return .outOfGas
    }
    if effect.pushes > 0 { call.base[0] = result }
    return .none
  }
}

private func performSized(_ call: HookCall, _ byte: UInt8) -> VMFault {
  let (first, second) = (call.argument(0, of: 2), call.argument(1, of: 2))
  let (a, b, c) = (call.argument(0, of: 3), call.argument(1, of: 3), call.argument(2, of: 3))
  switch byte {
  case 0x0a:
    let units = ToyWorld.expByteGas(call.host.fork) * Int64(second.byteWidth)
    guard call.charge(units) else { return .outOfGas }
    call.base[0] = first.raised(to: second)
  case 0x20:
    guard call.chargeWords(6, second), call.grow(first, second) else { return .outOfGas }
    call.base[0] = UInt256(Keccak256.hash(call.bytes(first, second)))
  case 0x5e:
    guard call.chargeWords(3, c), call.grow(max(a, b), c) else { return .outOfGas }
    call.write(call.bytes(b, c), at: a)
  default:
    guard call.chargeWords(3, c), call.grow(a, c) else { return .outOfGas }
    let source = byte == 0x37 ? call.host.input : call.host.code
    call.write(ToyWorld.window(source, b, Int(c.limb0)), at: a)
  }
  return .none
}

private func log(_ call: HookCall, _ byte: UInt8) -> VMFault {
  let count = Int(byte - 0xa0) + 2
  let (offset, size) = (call.argument(0, of: count), call.argument(1, of: count))
  guard size.fitsUInt64, size.limb0 < 1 << 32, call.charge(8 * Int64(size.limb0)), call.grow(offset, size)
  else {
    return .outOfGas
  }
  call.host.world.record(byte, (2..<count).map { call.argument($0, of: count) }, call.bytes(offset, size))
  return .none
}
