// libFuzzer target for wide images. Bytes that begin as an ELF file go through the loader; any others are code that
// has a fixed set of tables. What loads is disassembled and assembled again, what the verifier takes is run on every
// engine, provided that its loops cost gas. Demanded beyond not crashing: the same file, the same text, the same run of
// interpreters, and of machine code where slots that hold nothing are not read.
import Linking
import WideIntegers

@testable import SBPF
@testable import WideVM

// libFuzzer calls from one thread.
nonisolated(unsafe) private let machine = makeMachine()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  guard let image = image(bytes) else { return 0 }
  let text = Disassembler.disassemble(image)
  guard let executable = try? Executable(image: image, syscalls: SyscallRegistry()) else { return 0 }
  // What runs can be written: as text and as a file.
  guard let again = try? Assembler.assemble(text, version: .wide), again.text == image.text,
    again.wide == image.wide
  else { fatalError("the text is another program:\n\(text)") }
  guard let file = try? ObjectLinker.executable(image) else { fatalError("the image cannot be written") }
  guard let loaded = try? ELFLoader.load(file, syscalls: SyscallRegistry(), options: .wide),
    loaded.text == image.text, loaded.wide == image.wide, loaded.entryPC == image.entryPC
  else { fatalError("the file is another program") }
  guard loopsCostGas(image) else { return 0 }
  let keepsConvention = WideContents.firstEmptyRead(in: image) == nil
  let runs = Engine.available.map { (engine: $0, run: run(executable, $0)) }
  // Machine code may do something else where slots that hold nothing are read.
  for other in runs.dropFirst() where other.engine != .jit || keepsConvention {
    guard other.run == runs[0].run else {
      fatalError("engines differ: \(other.run.outcome) and \(runs[0].run.outcome)\n\(text)")
    }
  }
  return 0
}

private func image(_ bytes: [UInt8]) -> ProgramImage? {
  if bytes.starts(with: [0x7f, 0x45]) {
    return try? ELFLoader.load(bytes, syscalls: SyscallRegistry(), options: .wide)
  }
  let slotCount = bytes.count / 8
  guard slotCount > 0 else { return nil }
  return ProgramImage(
    version: .wide, text: Array(bytes[..<(slotCount * 8)]),
    wide: WideTables(
      constants: [0, 1, 5, 32, 255, UInt256(1 << 63), UInt256(0, 0, 1, 0), .max],
      jumpTargets: [
        WideJumpTarget(sourceOffset: 1, slot: 0), WideJumpTarget(sourceOffset: 5, slot: UInt32(slotCount / 2)),
      ],
      bytecode: [UInt8](repeating: 0x5b, count: 8)))
}

/// Whether every place that control may come back to is a charge, so that each run ends.
private func loopsCostGas(_ image: ProgramImage) -> Bool {
  let slots = EncodedInsn.slots(of: image.text)
  var arrivals = (image.wide?.jumpTargets ?? []).map { Int($0.slot) }
  for (pc, slot) in slots.enumerated() {
    guard let insn = Insn(decoding: slot, next: nil, version: .wide) else { return false }
    switch insn.opcode.facts.form {
    case .jump, .wideJumpUnary, .wideJumpBinary:
      if insn.offset < 0 { arrivals.append(pc + 1 + Int(insn.offset)) }
    case .wideJumpLong: if insn.immediate < 0 { arrivals.append(pc + 1 + Int(insn.immediate)) }
    default: break
    }
  }
  return arrivals.allSatisfy {
    Opcode.decoding(slots[$0].opcode, in: .wide) == .wcharge && slots[$0].immediate != 0
  }
}

// MARK: - Running

private struct Run: Equatable {
  var outcome: [Int]
  var memory: [UInt8]
}

private func run(_ executable: Executable, _ engine: Engine) -> Run {
  var context = machine.outermostContext(
    gas: 3000, input: UnsafeRawPointer(hooks), inputByteCount: 0, hooks: hooks, growMemory: growMemory,
    host: nil)
  let words = context.bottom.assumingMemoryBound(to: UInt64.self)
  for index in 0..<(WideLimits.frameByteCount / 8) { words[index] = UInt64(truncatingIfNeeded: index) }
  withUnsafeMutablePointer(to: &context) { machine.run(executable, $0, engine: engine) }
  return Run(
    outcome: [
      Int(context.fault.rawValue), context.faultPC, Int(context.gas), context.window - context.bottom,
    ],
    memory: Array(UnsafeRawBufferPointer(start: context.memory, count: Int(context.memoryByteCount))))
}

private func makeMachine() -> WideMachine {
  do {
    return try WideMachine()
  } catch {
    fatalError("\(error)")
  }
}

/// Every hook gives a number that follows from where it is called, and may end the run by it.
nonisolated(unsafe) private let hooks: UnsafePointer<WideHook> = {
  let table = UnsafeMutablePointer<WideHook>.allocate(capacity: WideLimits.hookCount)
  table.initialize(
    repeating: { context, base, free, pc in
      let words = base.assumingMemoryBound(to: UInt64.self)
      let gas = UInt64(bitPattern: context.assumingMemoryBound(to: WideContext.self).pointee.gas)
      words[0] = UInt64(truncatingIfNeeded: free - base) &+ pc &* 77 &+ gas
      for limb in 1..<4 { words[limb] = words[0] & 1 == 0 ? 0 : gas &* UInt64(limb) }
      return words[0] & 0x3f == 7 ? gas & 31 : 0
    }, count: WideLimits.hookCount)
  return UnsafePointer(table)
}()

private let growMemory: WideMemoryHook = { context, offset, byteCount in
  let state = context.assumingMemoryBound(to: WideContext.self)
  guard offset < 1 << 16 else { return UInt64(VMFault.outOfGas.rawValue) }
  let (old, end) = (state.pointee.memoryByteCount, (offset + byteCount + 31) / 32 * 32)
  (state.pointee.memory + Int(old)).initializeMemory(as: UInt8.self, repeating: 0, count: Int(end - old))
  state.pointee.memoryByteCount = end
  return 0
}
