// libFuzzer target for the translation of EVM bytecode: the first byte chooses the fork and how far branches go, the
// others are the code. Demanded beyond not crashing: the verifier takes the translation, it is no larger than the tests
// say, and what runs fast ends as the translation for traces does, one operation after the other, on every engine.
import SBPF
import WideIntegers
import WideVM

// libFuzzer calls from one thread.
nonisolated(unsafe) private let machine = makeMachine()
nonisolated(unsafe) private var world = World()
private let gas: Int64 = 20_000
private let hooks = [WideHook](repeating: { hook($0, $1, $2, $3) }, count: WideLimits.hookCount)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let fork = Fork.allCases[Int(start[0] & 0x3f) % Fork.allCases.count]
  let reach = start[0] < 0x80 ? Translation.maxReach : start[0] < 0xc0 ? 256 : 1000
  let code = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
  let fast = Translator.translate(code: code, fork: fork, mode: .fast, reach: reach)
  guard reach < Translation.maxReach || fast.text.count / 8 <= 12 * code.count + 16 else {
    fatalError("too large: \(fast.text.count / 8)")
  }
  let traced = Translator.translate(code: code, fork: fork, mode: .tracing)
  let expected = run(traced, fork, .interpreter)
  for engine in Engine.available where engine != .plain {
    let result = run(fast, fork, engine)
    guard result == expected || (!result.isHalted && !expected.isHalted) else {
      fatalError("\(engine): \(result) not \(expected)\n\(Disassembler.disassemble(fast))")
    }
  }
  return 0
}

private func makeMachine() -> WideMachine {
  do { return try WideMachine() } catch { fatalError("\(error)") }
}

// MARK: - Running

private struct World: Equatable {
  /// Of the host's calls so far.
  var mixed = UInt256.zero
  var isHalted = false
  var gasLeft: Int64 = 0
  var text: [UInt64] = []
  var fork = Fork.latest

  mutating func mix(_ word: UInt256) {
    mixed = (mixed ^ word) &* UInt256(0x94d0_49bb_1331_11eb, 0x2545_f491_4f6c_dd1d, 77, 0xd6e8_feb8_6659_fd93)
    mixed = mixed ^ (mixed >> 101)
  }
}

private func run(_ image: ProgramImage, _ fork: Fork, _ engine: Engine) -> World {
  let executable: Executable
  do {
    executable = try Executable(image: image, syscalls: SyscallRegistry())
  } catch { fatalError("refused: \(error)") }
  world = World()
  world.text = EncodedInsn.slots(of: image.text).map(\.word)
  world.fork = fork
  let input: [UInt8] = [1, 2, 3]
  return input.withUnsafeBytes { bytes in
    hooks.withUnsafeBufferPointer { table in
      guard let input = bytes.baseAddress, let table = table.baseAddress else { return world }
      var context = machine.outermostContext(
        gas: gas, input: input, inputByteCount: bytes.count, hooks: table,
        growMemory: { growMemory($0, $1, $2) }, host: nil)
      machine.run(executable, &context, engine: engine)
      if context.fault == .hostFault || context.fault == .unsupportedInstruction {
        fatalError("\(context.fault) at \(context.faultPC)")
      }
      world.isHalted = context.fault == .halted
      world.gasLeft = world.isHalted ? context.gas : 0
      var result = world
      result.text = []
      return result
    }
  }
}

private func growMemory(_ raw: UnsafeMutableRawPointer, _ offset: UInt64, _ count: UInt64) -> UInt64 {
  let context = raw.assumingMemoryBound(to: WideContext.self)
  let (end, overflow) = offset.addingReportingOverflow(count)
  guard !overflow, end < 1 << 20 else { return UInt64(VMFault.outOfGas.rawValue) }
  let words = (end + 31) / 32
  let old = context.pointee.memoryByteCount / 32
  guard words > old else { return 0 }
  let cost = Int64(3 * (words - old) + words * words / 512 - old * old / 512)
  guard context.pointee.gas >= cost else { return UInt64(VMFault.outOfGas.rawValue) }
  context.pointee.gas -= cost
  (context.pointee.memory + Int(old * 32)).initializeMemory(
    as: UInt8.self, repeating: 0, count: Int(words - old) * 32)
  context.pointee.memoryByteCount = words * 32
  return 0
}

/// Answers every operation with a word mixed from all that has been asked so far.
private func hook(
  _ raw: UnsafeMutableRawPointer, _ base: UnsafeMutableRawPointer, _ free: UnsafeMutableRawPointer,
  _ pc: UInt64
) -> UInt64 {
  let context = raw.assumingMemoryBound(to: WideContext.self)
  let id = Int(world.text[Int(pc)] >> 48)
  if id == WideHookID.trace { return 0 }
  let operation = EVMOpcodeTable.operation(UInt8(id), in: world.fork)
  let words = base.assumingMemoryBound(to: UInt256.self)
  if operation.opcode == .exp {
    // The translator computes it where it can.
    let cost = Int64(words[0].byteWidth * (world.fork < .spuriousDragon ? 10 : 50))
    guard context.pointee.gas >= cost else { return UInt64(VMFault.outOfGas.rawValue) }
    context.pointee.gas -= cost
    words[0] = words[1].raised(to: words[0])
    return 0
  }
  world.mix(UInt256(UInt64(id)))
  for index in 0..<Int(operation.pops) { world.mix(words[index]) }
  if operation.kind == .gasHook { world.mix(UInt256(UInt64(context.pointee.gas))) }
  if operation.kind == .end {
    // Memory is what the frame leaves.
    for offset in stride(from: 0, to: Int(context.pointee.memoryByteCount), by: 32) {
      world.mix(UInt256(bigEndianAt: context.pointee.memory + offset))
    }
    return UInt64(VMFault.halted.rawValue)
  }
  let mask = UInt256.max >> UInt64(256 - operation.opcode.hostResultBits)
  if operation.pushes > 0 { words[0] = world.mixed & mask }
  if free != base { free.initializeMemory(as: UInt8.self, repeating: 0xa5, count: 1024) }
  return 0
}
