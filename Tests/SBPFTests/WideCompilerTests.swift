// Machine code of wide programs against the interpreter, on random programs: many blocks, values kept in registers
// over several instructions, jumps out of the middle of a block, hooks, memory words read back. What is compared: how
// a run ended, gas, memory, what hooks saw, and all words below the window.
import Primitives
import Testing
import WideIntegers

@testable import MachineCode
@testable import SBPF
@testable import WideVM

/// A random program. Every block is entered with `height` words below the window and reads above it only what it has
/// written since, as wide code has to.
struct RandomWideBlocks {
  static let height = 6
  static let blockCount = 6

  var random: SplitMix64
  private var slots: [EncodedInsn] = []
  /// By slot of a jump: the block it goes to.
  private var jumps: [(pc: Int, block: Int)] = []
  private var starts: [Int] = []
  /// Jumps to code of their own behind the blocks, which still reads these slots above the window.
  private var stubs: [(pc: Int, readable: [Int])] = []
  /// Slots above the window that have been written, and how far the window has moved.
  private var written: Set<Int> = []
  private var adjustment = 0
  private var recent: [Int] = []
  private var constants: [UInt256]
  /// Whether each block begins with more slots written than the compiler keeps track of.
  private let isCrowded: Bool
  private var width: Int { isCrowded ? 80 : 20 }

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    isCrowded = seed % 4 == 3
    // Two are `gather`'s.
    constants = [UInt256(0x9e37_79b9_7f4a_7c15, 3, 5, 7), 0x40] + WideWords.corners
    constants += [UInt256(0xffff_ffff), UInt256(5), UInt256(64), UInt256(96), UInt256(200), UInt256(0x12345)]
    // Whose lowest limb is zero, or all that is not.
    constants += [UInt256(0, 1, 0, 0), UInt256(0, 3, 0, 0), UInt256(0, 0, 0, 1 << 63), UInt256(1, 0, 0, 5)]
    constants += [UInt256(.max, .max, 0xffff_ffff, 0), UInt256(0x1000), UInt256(0, 1 << 20, 0, 0)]
    for _ in 0..<8 { constants.append(WideWords.random(&random)) }
  }

  static func image(seed: UInt64) -> ProgramImage {
    var program = RandomWideBlocks(seed: seed)
    return program.image()
  }

  private mutating func image() -> ProgramImage {
    slots.append(.wstack(need: 0, grow: Self.height))
    for slot in 0..<Self.height { slots.append(.wide(.wmov, d: slot, a: constant())) }
    slots.append(.wide(.wadjust, number: Int32(Self.height)))
    for _ in 0..<Self.blockCount { block() }
    jumps.append((slots.count, Self.blockCount))
    slots.append(EncodedInsn(opcode: 0x05))
    for stub in stubs { append(stub) }
    starts.append(slots.count)
    slots.append(EncodedInsn(opcode: 0x95))
    for (pc, block) in jumps {
      slots[pc].offset = Int16(starts[block] - pc - 1)
    }
    let targets = starts.enumerated().map {
      WideJumpTarget(sourceOffset: UInt32($0.offset), slot: UInt32($0.element))
    }
    let code = [UInt8](repeating: 0x5b, count: starts.count + 2)
    return ProgramImage(
      version: .wide, text: EncodedInsn.bytes(of: slots),
      wide: WideTables(constants: constants, jumpTargets: targets, bytecode: code))
  }

  private mutating func append(_ stub: (pc: Int, readable: [Int])) {
    slots[stub.pc].offset = Int16(slots.count - stub.pc - 1)
    slots.append(.wstack(need: Self.height, grow: width))
    for _ in 0...number([0, 1, 2]) {
      let from = stub.readable[Int(random.next() % UInt64(stub.readable.count))]
      slots.append(.wide(.wmov, d: number([-1, -2, -5]), a: .slot(from)))
    }
    jumps.append((slots.count, Self.blockCount))
    slots.append(EncodedInsn(opcode: 0x05))
  }

  private mutating func block() {
    starts.append(slots.count)
    (written, adjustment) = ([], 0)
    slots.append(.wide(.wcharge, number: Int32(number([1, 20, 127, 128, 70_000]))))
    slots.append(.wstack(need: Self.height, grow: width))
    if isCrowded { crowd() }
    for _ in 0..<Int.random(in: 1...25, using: &random) { instruction() }
    straighten()
    if random.next() & 1 == 0 { gather() }
    // The last block's target may be the end.
    let target = Int.random(in: 0...Self.blockCount, using: &random)
    switch random.next() % 4 {
    case 0:
      jumps.append((slots.count, target))
      slots.append(EncodedInsn(opcode: 0x05))
    case 1:
      constants.append(UInt256(UInt64(target)))
      slots.append(.wide(.wjump, a: .constant(constants.count - 1)))
    case 2:
      let slot = Int.random(in: -Self.height..<0, using: &random)
      constants.append(UInt256(7))
      slots.append(.wide(.wand, d: slot, a: .slot(slot), b: .constant(constants.count - 1)))
      slots.append(.wide(.wjump, a: .slot(slot)))
    default: break
    }
  }

  private mutating func number(_ choices: [Int]) -> Int {
    choices[Int(random.next() % UInt64(choices.count))]
  }

  private mutating func constant() -> WideOperand {
    .constant(Int(random.next() % UInt64(constants.count)))
  }

  /// A slot that holds something.
  private mutating func readable() -> Int {
    // Mostly what has been written of late.
    if random.next() % 2 == 0 {
      let slot = recent.randomElement(using: &random)
      if let slot, written.contains(slot) { return slot - adjustment }
    }
    let all = Array(-Self.height..<0).filter { !written.contains($0) } + written.sorted()
    return all[Int(random.next() % UInt64(all.count))] - adjustment
  }

  private mutating func operand() -> WideOperand { random.next() % 3 == 0 ? constant() : .slot(readable()) }

  private mutating func note(_ slot: Int) {
    written.insert(slot)
    recent = recent.suffix(3) + [slot]
  }

  private mutating func result() -> Int {
    let slot = Int.random(in: -Self.height..<12, using: &random)
    note(slot)
    return slot - adjustment
  }

  /// Moves the window back.
  private mutating func straighten() {
    guard adjustment != 0 else { return }
    slots.append(.wide(.wadjust, number: Int32(-adjustment)))
    adjustment = 0
  }

  private static let computing: [Opcode] = [
    .wmov, .wmov, .wadd, .wadd, .wsub, .wsub, .wmul, .wmul, .wdiv, .wsdiv, .wmod, .wsmod, .waddmod, .wmulmod,
    .wsignext, .wbyte, .wand, .wand, .wor, .wxor, .wnot, .wclz, .wshl, .wshr, .wsar, .weq, .wlt, .wslt,
    .wiszero,
    .wexp,
  ]

  private mutating func instruction() {
    switch random.next() % 16 {
    case 0: conditionalJump()
    case 1: hook()
    case 2, 3:
      let (a, b) = (address(), operand())
      slots.append(.wide(random.next() % 5 == 0 ? .wstore8 : .wstore, a: a, b: b, flags: flags(a, b)))
    case 4, 5:
      let a = address()
      slots.append(.wide(.wload, d: result(), a: a, flags: flags(a, nil, writes: true)))
    case 6:
      let opcode = [Opcode.wgas, .wmemsize, .winputsize][number([0, 1, 2])]
      slots.append(.wide(opcode, d: result(), flags: flags(nil, nil, writes: true)))
    case 7:
      if random.next() & 1 == 0 {
        let a = random.next() & 1 == 0 ? address() : operand()
        slots.append(.wide(.winput, d: result(), a: a, flags: flags(a, nil, writes: true)))
      } else {
        let distance = Int.random(in: -3...3, using: &random)
        guard (-Self.height...12).contains(adjustment + distance) else { return }
        slots.append(.wide(.wadjust, number: Int32(distance)))
        adjustment += distance
      }
    default: computation()
    }
  }

  /// Copies a value or two to very many slots, and computes with what has been copied.
  private mutating func crowd() {
    let value = readable()
    slots.append(.wide(.wadd, d: value, a: .slot(value), b: operand()))
    written.insert(value)
    for _ in 0..<90 {
      let slot = Int.random(in: -Self.height..<width, using: &random)
      let a = random.next() % 8 == 0 ? operand() : .slot(value)
      let subtracts = random.next() % 10 == 0
      slots.append(.wide(subtracts ? .wsub : .wmov, d: slot, a: a, b: .slot(subtracts ? value : 0)))
      written.insert(slot)
    }
  }

  /// Lets every slot above the window count in memory: slots are compared only where a program comes to its end.
  private mutating func gather() {
    for slot in written.sorted() where slot >= 0 {
      slots.append(.wide(.wmul, d: -1, a: .slot(-1), b: .constant(0)))
      slots.append(.wide(.wadd, d: -1, a: .slot(-1), b: .slot(slot)))
    }
    slots.append(.wide(.wstore, a: .constant(1), b: .slot(-1)))
    written.insert(-1)
  }

  private mutating func computation() {
    let opcode = Self.computing[Int(random.next() % UInt64(Self.computing.count))]
    let isUnary = opcode.facts.form == .wideUnary
    var (a, b) = (operand(), operand())
    // One slot in several roles.
    if random.next() % 3 == 0 { b = a }
    // The modulus is what D holds.
    let readsD = opcode == .waddmod || opcode == .wmulmod
    let isInPlace = !readsD && a.constantIndex == nil && random.next() % 2 == 0
    let d = isInPlace ? Int(a.rawValue) : readsD ? readable() : result()
    if readsD || isInPlace { note(d + adjustment) }
    let flags = flags(a, isUnary ? nil : b, writes: true)
    slots.append(.wide(opcode, d: d, a: a, b: isUnary ? .slot(0) : b, flags: flags))
  }

  /// A place in memory, mostly one of few.
  private mutating func address() -> WideOperand {
    switch random.next() % 4 {
    case 0: return operand()
    case 1:
      // A masked word; the slot is above all others.
      let slot = 13
      constants.append(UInt256(0x3ff))
      slots.append(
        .wide(.wand, d: slot - adjustment, a: .slot(readable()), b: .constant(constants.count - 1)))
      written.insert(slot)
      return .slot(slot - adjustment)
    default:
      constants.append(UInt256(UInt64(number([0, 32, 64, 64, 80, 128, 0x1234]))))
      return .constant(constants.count - 1)
    }
  }

  private mutating func flags(_ a: WideOperand?, _ b: WideOperand?, writes: Bool = false) -> WideFlags {
    var flags: WideFlags = []
    guard random.next() % 2 == 0 else { return flags }
    if let a, a.constantIndex == nil, Bool.random(using: &random) { flags.insert(.narrowA) }
    if let b, b.constantIndex == nil, Bool.random(using: &random) { flags.insert(.narrowB) }
    if writes, Bool.random(using: &random) { flags.insert(.narrowD) }
    return flags
  }

  private mutating func conditionalJump() {
    straighten()
    let opcodes: [Opcode] = [.wjz, .wjnz, .wjeq, .wjne, .wjlt, .wjge, .wjslt, .wjsge]
    let opcode = opcodes[Int(random.next() % 8)]
    if random.next() & 1 == 0 {
      let comparisons: [Opcode] = [.weq, .wlt, .wslt, .wiszero]
      let comparison = comparisons[number([0, 1, 2, 3])]
      let slot = Int.random(in: 0..<12, using: &random)
      let (a, b) = (operand(), operand())
      slots.append(.wide(comparison, d: slot, a: a, b: comparison == .wiszero ? .slot(0) : b))
      written.insert(slot)
      jumps.append((slots.count, Int.random(in: 0...Self.blockCount, using: &random)))
      slots.append(.wide(random.next() & 1 == 0 ? .wjz : .wjnz, a: .slot(slot)))
      return
    }
    let isUnary = opcode.facts.form == .wideJumpUnary
    let (a, b) = (operand(), operand())
    let flags = flags(a, isUnary ? nil : b)
    if !written.filter({ $0 >= 0 }).isEmpty, random.next() % 3 == 0 {
      stubs.append((slots.count, written.filter { $0 >= 0 }.sorted()))
    } else {
      jumps.append((slots.count, Int.random(in: 0...Self.blockCount, using: &random)))
    }
    slots.append(.wide(opcode, a: a, b: isUnary ? .slot(0) : b, flags: flags))
  }

  private mutating func hook() {
    straighten()
    let id = [WideTestHook.add, WideTestHook.spend, WideTestHook.note, WideTestHook.fail][
      number([0, 1, 2, 0])]
    let base = Int.random(in: -Self.height..<0, using: &random)
    let free = max(base + 2, Int.random(in: 0...8, using: &random))
    // Below `free` everything has to be there.
    for slot in 0..<free where !written.contains(slot) {
      slots.append(.wide(.wmov, d: slot, a: constant()))
      written.insert(slot)
    }
    slots.append(.wsys(base: base, free: free, id: id))
    written = written.filter { $0 < free }
  }
}

@Suite struct WideCompilerTests {
  @Test func randomProgramsEndAsInTheInterpreter() throws {
    let (interpreter, jit) = (try WideRig(.plain), try WideRig(.jit))
    let seeds = UInt64(0)..<10_000
    var ends: [VMFault: Int] = [:]
    for seed in seeds {
      let image = RandomWideBlocks.image(seed: seed)
      let executable = try Executable(image: image, syscalls: SyscallRegistry())
      let input = (0..<Int(seed % 100)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 1) }
      for gas in [Int64(500), 20_000] {
        let expected = interpreter.run(executable, gas: gas, input: input).meaningful
        let run = jit.run(executable, gas: gas, input: input).meaningful
        ends[expected.fault, default: 0] += 1
        if run != expected {
          Issue.record("seed \(seed), gas \(gas): \(run.differences(from: expected))")
          return
        }
      }
      let byteCount = executable.machineCode()?.codeByteCount ?? 0
      let limit =
        WideCompiler.SharedCode.maxByteCount + executable.slotCount * WideCompiler.maxByteCountPerSlot
      #expect(byteCount > 0 && byteCount < limit)
    }
    #expect(
      (ends[.none] ?? 0) > 500 && (ends[.outOfGas] ?? 0) > 500 && (ends[.invalidJump] ?? 0) > 20, "\(ends)")
  }

  /// What the flags say of an operand does not hold: its other limbs count as zero.
  @Test(arguments: [
    // One slot read whole and as one limb, for the last time.
    "wnot w1, c0\n wadd w1, n1, w1", "wnot w1, c0\n wadd w1, w1, n1", "wnot w1, c0\n wsub w1, n1, w1",
    "wnot w1, c0\n wsub w1, w1, n1", "wnot w1, c0\n wor w1, n1, w1", "wnot w1, c0\n wxor w1, n1, w1",
    "wnot w1, c0\n wxor w1, w1, n1", "wnot w1, c0\n wand w1, n1, w1",
    // A constant in a slot, its lowest limb zero.
    "wnot w0, c0\n wmov w1, c1\n wmul w1, w0, n1", "wnot w0, c0\n wmov w1, c1\n wmul w1, n1, w0",
    "wnot w0, c0\n wmov w1, c1\n wdiv w1, w0, n1", "wnot w0, c0\n wmov w1, c1\n wdiv w1, n0, n1",
    "wnot w0, c0\n wmov w1, c2\n wdiv w1, n0, n1", "wnot w0, c0\n wmov w1, c2\n wmod w1, n0, n1",
    "wnot w0, c0\n wmov w1, c1\n wmod w1, w0, n1", "wnot w0, c0\n wmov w1, c1\n wsdiv w1, w0, n1",
    "wnot w0, c0\n wmov w1, c1\n wadd w1, w0, n1", "wnot w0, c0\n wmov w1, c2\n wshl w1, n1, w0",
    "wnot w0, c0\n wmov w1, c1\n wlt w1, n1, w0", "wnot w0, c0\n wmov w1, c1\n weq w1, n1, c3",
  ])
  func narrowOperandsOfWideWords(text: String) throws {
    let executable = try wideExecutable(
      """
      .constant 0x112233445566778899aabbccddeeff00fedcba98765432100123456789abcdef
      .constant 0x10000000000000000
      .constant 0x30000000000000000
      .constant 0
      wstack 0, 8
      wmov w0, c0
      \(text)
      wadjust 2
      exit
      """)
    let expected = try WideRig(.plain).run(executable)
    #expect(expected.fault == .none)
    for engine in [Engine.interpreter, .jit] where Engine.available.contains(engine) {
      #expect(try WideRig(engine).run(executable).meaningful == expected.meaningful, "\(engine)")
    }
  }

  /// The same code without MOVBE.
  @Test func processorsWithoutSwappingLoads() throws {
    let (interpreter, jit) = (try WideRig(.plain), try WideRig(.jit))
    let text = """
      .constant 64
      .constant 0x112233445566778899aabbccddeeff00fedcba9876543210
      wstack 0, 3
      wmov w0, c1
      wadd w0, w0, w0
      wstore c0, w0
      wadd w1, c0, c0
      wload w2, w1
      wload w1, c0
      exit
      """
    let executable = try wideExecutable(text)
    let code = try #require(WideCompiler.compile(executable, usesMOVBE: false))
    let other = try #require(WideCompiler.compile(executable, usesMOVBE: X86Features.hasMOVBE))
    #expect(!X86Features.hasMOVBE || code.codeByteCount != other.codeByteCount)
    let expected = interpreter.run(executable)
    #expect(jit.run(executable) == expected)
    #expect(jit.run(executable, code: code) == expected)
  }
}

extension WideRun {
  /// The fields that are not the same, in short.
  func differences(from other: WideRun) -> String {
    var texts: [String] = []
    if fault != other.fault || pc != other.pc {
      texts.append("\(fault) at \(pc), not \(other.fault) at \(other.pc)")
    }
    if gas != other.gas { texts.append("gas \(gas), not \(other.gas)") }
    if height != other.height { texts.append("height \(height), not \(other.height)") }
    for (index, pair) in zip(slots, other.slots).enumerated() where pair.0 != pair.1 {
      texts.append("slot \(index) \(pair.0), not \(pair.1)")
    }
    if memory.count != other.memory.count {
      texts.append("memory \(memory.count), not \(other.memory.count)")
    }
    if let index = zip(memory, other.memory).enumerated().first(where: { $0.element.0 != $0.element.1 })?
      .offset
    {
      texts.append("memory at \(index)")
    }
    if log != other.log { texts.append("log \(log), not \(other.log)") }
    return texts.joined(separator: "; ")
  }
}

extension WideRig {
  /// Runs code that is not the executable's own.
  func run(_ executable: Executable, code: MachineCode) -> WideRun {
    let nowhere = UnsafeRawPointer(WideTestHook.table)
    var context = machine.outermostContext(
      gas: 1_000_000, input: nowhere, inputByteCount: 0, hooks: WideTestHook.table,
      growMemory: WideTestHook.growMemory, host: nil)
    let words = context.bottom.assumingMemoryBound(to: UInt256.self)
    words.update(repeating: UInt256(0xdead), count: WideLimits.frameByteCount / 32)
    if let program = executable.wide { context.constants = UnsafeRawPointer(program.constants) }
    withUnsafeMutablePointer(to: &context) { WideJIT.run(code.entry, $0) }
    return WideRun(
      fault: context.fault, pc: context.faultPC, gas: context.gas,
      height: (context.window - context.bottom) / 32,
      slots: (0..<WideRig.comparedSlotCount).map { words[$0] },
      memory: Array(UnsafeRawBufferPointer(start: context.memory, count: Int(context.memoryByteCount))),
      log: [])
  }
}
