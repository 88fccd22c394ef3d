// What is not a computation: jumps through the table, stack checks, gas, memory, input, hooks and nested frames; and
// the layouts that machine code relies on.
import Testing
import WideIntegers

@testable import SBPF
@testable import WideVM

@Suite struct WideControlTests {
  private struct Case {
    var name: String
    var text: String
    var stack: [UInt256] = []
    var gas: Int64 = 1000
    var input: [UInt8] = []
    var fault = VMFault.none
    var pc: Int
    var gasLeft: Int64?
    var height = 0
    /// Slot and word.
    var slots: [Int: UInt256] = [:]
    var memory: [UInt8] = []
    var log: [String] = []
  }

  private func check(_ cases: [Case]) throws {
    let rigs = try WideRig.each()
    for test in cases {
      let executable = try wideExecutable(test.text)
      for rig in rigs {
        let run = rig.run(executable, stack: test.stack, gas: test.gas, input: test.input)
        let what: Comment = "\(test.name) on \(rig.engine): \(run.fault) at \(run.pc)"
        #expect(run.fault == test.fault && run.pc == test.pc, what)
        #expect(run.gas == test.gasLeft ?? test.gas, what)
        #expect(run.height == test.height, what)
        for slot in test.slots.keys.sorted() { #expect(run.slots[slot] == test.slots[slot], what) }
        #expect(run.memory == test.memory, what)
        #expect(run.log == test.log, what)
      }
    }
  }

  private static func word(_ last: UInt8...) -> [UInt8] {
    [UInt8](repeating: 0, count: 32 - last.count) + last
  }

  @Test func gas() throws {
    try check([
      Case(name: "spent", text: "wcharge 400\n wcharge 600\n exit", pc: 2, gasLeft: 0),
      Case(name: "nothing", text: "wcharge 0\n exit", gas: 0, pc: 1),
      Case(
        name: "one too few", text: "exit\nentrypoint: wcharge 1001\n exit", fault: .outOfGas, pc: 1,
        gasLeft: 0),
      Case(name: "largest charge", text: "wcharge 4294967295\n exit", fault: .outOfGas, pc: 0, gasLeft: 0),
      Case(
        name: "largest charge, all the gas there is", text: "wcharge 4294967295\n exit", gas: .max, pc: 1,
        gasLeft: .max - 4_294_967_295),
      Case(
        name: "seen", text: "wstack 0, 2\n wgas w0\n wcharge 7\n wgas n1\n exit", stack: [.max, .max], pc: 4,
        gasLeft: 993, slots: [0: UInt256(1000), 1: UInt256(993)]),
      Case(
        name: "a loop ends", text: "entrypoint: wcharge 3\n ja entrypoint", fault: .outOfGas, pc: 0,
        gasLeft: 0),
    ])
  }

  @Test func stackChecks() throws {
    let grown = "wstack 0, 1024\n wadjust 1024\n"
    try check([
      Case(name: "empty", text: "wstack 0, 0\n exit", pc: 1),
      Case(name: "underflow", text: "wstack 1, 0\n exit", fault: .stackUnderflow, pc: 0),
      Case(name: "underflow comes first", text: "wstack 1, 1024\n exit", fault: .stackUnderflow, pc: 0),
      Case(name: "full", text: grown + "wstack 1024, 0\n exit", pc: 3, height: 1024),
      Case(name: "overflow", text: grown + "wstack 0, 1\n exit", fault: .stackOverflow, pc: 2, height: 1024),
      Case(
        name: "down again", text: grown + "wstack 1024, 0\n wadjust -1024\n wstack 0, 1024\n exit", pc: 5),
      Case(
        name: "relative to the window",
        text: ".constant 7\n wstack 0, 3\n wmov w0, c0\n wadjust 2\n wmov w-1, w-2\n wmov w0, w-2\n exit",
        pc: 5,
        height: 2, slots: [0: 7, 1: 7, 2: 7]),
      Case(
        name: "state survives a branch not taken",
        text: ".constant 1\n wstack 0, 1\n wjz c0, done\n wmov w0, c0\n wadjust 1\ndone: exit", pc: 4,
        height: 1,
        slots: [0: 1]),
      Case(
        name: "farthest slots",
        text: ".constant 5\n wstack 0, 1024\n wadjust 1024\n wmov w-1024, c0\n"
          + "wmov w-1, c0\n wadjust -1024\n wmov w1023, w0\n weq w1, w1023, c0\n exit", pc: 7,
        slots: [0: 5, 1: 1]),
    ])
  }

  @Test func jumpsThroughTheTable() throws {
    let text = """
      .constant 3
      .constant 0x100000003
      .bytecode 0x605b005b5b
      .target 1 first
      .target 3 second
      entrypoint: wstack 0, 4
        wjump w0
      first: wstack 0, 1
        wmov w1, c0
        exit
      second: wstack 0, 1
        wmov w2, c0
        exit
      """
    func jump(_ name: String, _ target: UInt256, _ fault: VMFault, _ pc: Int) -> Case {
      Case(name: name, text: text, stack: [target], fault: fault, pc: pc)
    }
    try check([
      jump("first", 1, .none, 4), jump("second", 3, .none, 7), jump("no entry", 2, .invalidJump, 1),
      jump("a JUMPDEST that is not in the table", 4, .invalidJump, 1),
      jump("the end of the code", 5, .invalidJump, 1),
      jump("2^32 + 3", UInt256(1 << 32 | 3), .invalidJump, 1),
      jump("limb 1", UInt256(3, 1, 0, 0), .invalidJump, 1),
      jump("limb 2", UInt256(3, 0, 1, 0), .invalidJump, 1),
      jump("limb 3", UInt256(3, 0, 0, 1), .invalidJump, 1), jump("-1", .max, .invalidJump, 1),
      Case(name: "constant", text: text.replacing("wjump w0", with: "wjump c0"), pc: 7, slots: [2: 3]),
      Case(
        name: "constant too large", text: text.replacing("wjump w0", with: "wjump c1"), fault: .invalidJump,
        pc: 1),
      Case(
        name: "narrow", text: text.replacing("wjump w0", with: "wjump n0"), stack: [UInt256(3, 1, 2, 3)],
        pc: 7,
        slots: [2: 3]),
      Case(name: "no table", text: "wstack 0, 1\n wjump w0", stack: [0], fault: .invalidJump, pc: 1),
    ])
  }

  @Test func farJumps() throws {
    let filling = String(repeating: "wnot w0, w0\n", count: 40_000)
    try check([
      Case(
        name: "beyond 16 bits",
        text: "wstack 0, 1\n wja far\nback: wstack 0, 1\n \(filling) exit\nfar: wja back", stack: [5],
        pc: 40_003,
        slots: [0: 5]),
      Case(name: "ja", text: "ja over\n winvalid\nover: exit", pc: 2),
      Case(name: "winvalid", text: "wcharge 1\n winvalid", fault: .invalidInstruction, pc: 1, gasLeft: 999),
    ])
  }

  @Test func memory() throws {
    let value = UInt256(bigEndian: Array(1...32))!
    let bytes = Array(UInt8(1)...32)
    let zeros = [UInt8](repeating: 0, count: 32)
    try check([
      Case(
        name: "store and load", text: "wstack 0, 4\n wstore w0, w1\n wload w2, w0\n wmemsize w3\n exit",
        stack: [0, value], pc: 4, gasLeft: 997, slots: [2: value, 3: 32], memory: bytes),
      Case(
        name: "unaligned", text: "wstack 0, 4\n wstore w0, w1\n wload w2, w0\n exit", stack: [3, value],
        pc: 3,
        gasLeft: 994, slots: [2: value], memory: zeros[..<3] + bytes + zeros[..<29]),
      Case(
        name: "last bytes of what is there", text: "wstack 0, 4\n wstore w0, w1\n wload w2, w0\n exit",
        stack: [32, value], pc: 3, gasLeft: 994, slots: [2: value], memory: zeros + bytes),
      Case(
        name: "a load grows", text: "wstack 0, 4\n wload w1, w0\n exit", stack: [1, 9], pc: 2, gasLeft: 994,
        slots: [1: 0], memory: zeros + zeros),
      Case(
        name: "one byte", text: "wstack 0, 4\n wstore8 w0, w1\n wmemsize n2\n exit",
        stack: [31, UInt256(0x1234), .max], pc: 3, gasLeft: 997, slots: [2: UInt256(32)],
        memory: Self.word(0x34)),
      Case(
        name: "one byte beyond", text: "wstack 0, 4\n wstore8 w1, w1\n wstore8 w0, w2\n exit",
        stack: [32, 0, 0xff], pc: 3, gasLeft: 994, memory: zeros + [0xff] + zeros[..<31]),
      Case(
        name: "narrow value", text: "wstack 0, 4\n wstore n0, n1\n exit",
        stack: [UInt256(0, 9, 9, 9), UInt256(0x77, 1, 2, 3)], pc: 2, gasLeft: 997, memory: Self.word(0x77)),
      Case(
        name: "constants", text: ".constant 32\n.constant 0xabcd\n wstore c0, c1\n wstore8 c0, c1\n exit",
        pc: 2,
        gasLeft: 994, memory: zeros + [0xcd] + Self.word(0xab, 0xcd).dropFirst()),
      Case(
        name: "too little gas", text: "wstack 0, 4\n wstore w0, w1\n exit", stack: [0, 1], gas: 2,
        fault: .outOfGas,
        pc: 1, gasLeft: 0),
    ])
    for offset in [
      UInt256(.max), UInt256(.max - 31), UInt256(.max - 30), UInt256(0, 1, 0, 0), UInt256(0, 0, 1, 0),
      UInt256(0, 0, 0, 1), .max, UInt256(1 << 20), UInt256(1 << 63),
    ] {
      for statement in ["wload w1, w0", "wstore w0, w1", "wstore8 w0, w1"] {
        try check([
          Case(
            name: "\(statement) at \(offset)", text: "wstack 0, 4\n wstore8 w2, w2\n \(statement)\n exit",
            stack: [offset, 9, 0], fault: .outOfGas, pc: 2, gasLeft: 0, slots: [1: 9], memory: Self.word())
        ])
      }
    }
  }

  @Test func input() throws {
    let text = "wstack 0, 4\n winput w1, w0\n winputsize w2\n exit"
    let input = (0..<40).map { UInt8($0 + 1) }
    func read(_ offset: UInt256, _ bytes: [UInt8], of input: [UInt8]) -> Case {
      let word = UInt256(bigEndian: bytes + [UInt8](repeating: 0, count: 32 - bytes.count))!
      return Case(
        name: "input at \(offset) of \(input.count)", text: text, stack: [offset], input: input, pc: 3,
        slots: [1: word, 2: UInt256(UInt64(input.count))])
    }
    try check([
      read(0, Array(1...32), of: input), read(8, Array(9...40), of: input),
      read(9, Array(10...40), of: input),
      read(39, [40], of: input), read(40, [], of: input), read(UInt256(.max), [], of: input),
      read(.max, [], of: input),
      read(UInt256(0, 1, 0, 0), [], of: input), read(UInt256(8, 0, 0, 1), [], of: input),
      read(0, [], of: []), read(0, [7], of: [7]), read(UInt256(.max - 15), [], of: input),
      Case(
        name: "narrow", text: "wstack 0, 4\n winput n1, n0\n exit", stack: [UInt256(39, 1, 1, 1), .max],
        input: input,
        pc: 2, slots: [1: UInt256(0)]),
    ])
  }

  @Test func hooks() throws {
    let prologue = ".constant 3\n.constant 4\n wstack 0, 8\n wmov w2, c0\n wmov w3, c1\n"
    try check([
      Case(
        name: "computes", text: prologue + "wsys w2, w4, 1\n exit", pc: 4, gasLeft: 997, slots: [2: 7, 3: 4]),
      Case(
        name: "spends what is not there", text: prologue + "wsys w2, w4, 1\n exit", gas: 2, fault: .outOfGas,
        pc: 3,
        gasLeft: 0),
      Case(name: "ends the frame", text: prologue + "wsys w2, w4, 0\n exit", fault: .halted, pc: 3),
      Case(name: "does not answer", text: prologue + "wsys w2, w4, 4\n exit", fault: .hostFault, pc: 3),
      Case(name: "fails", text: prologue + "wsys w2, w4, 6\n exit", fault: .divideByZero, pc: 3),
      Case(name: "last id", text: "wstack 0, 0\n wsys w0, w0, 511\n exit", pc: 2),
      Case(
        name: "sees", text: prologue + "wcharge 10\n wstore8 c0, c0\n wadjust 3\n wsys w-3, w5, 5\n exit",
        pc: 7,
        gasLeft: 987, height: 3, memory: Self.word().prefix(3) + [3] + Self.word().prefix(28),
        log: ["6: base 0 free 8 gas 987 memory 32"]),
    ])
  }

  @Test func nestedFrames() throws {
    let outer = try wideExecutable(
      """
      .constant 5
        wstack 0, 8
        wmov w0, c0
        wmov w1, c0
        wstore c0, c0
        wsys w1, w2, 3
        wload w3, c0
        wmemsize w4
        exit
      """)
    let inner = try wideExecutable(
      """
      .constant 64
        wstack 0, 4
        wmemsize w0
        winputsize w1
        wstore w0, c0
        wcharge 100
        wsys w0, w2, 3
        winvalid
      """)
    for rig in try WideRig.each() {
      let run = rig.run(outer, gas: 10_000, inner: inner)
      #expect(run.fault == .none && run.pc == 7)
      #expect(run.log == ["inner invalidInstruction at 6, \(9994 / 2 - 103) left"])
      #expect(run.gas == 9994 - 103)
      #expect(run.slots[0] == 5 && run.slots[3] == 5 && run.slots[4] == 64)
      #expect(run.slots[1] == UInt256(UInt64(VMFault.invalidInstruction.rawValue)))
      // The nested frame's stack began at the free slot.
      #expect(run.slots[2] == 99)
      #expect(run.memory.count == 64)
    }
  }

  /// As deep as Ethereum goes, each frame taking all the stack that it may.
  @Test func deepNesting() throws {
    let greedy = try wideExecutable(
      "wstack 0, 1024\n wadjust 1024\n wstack 1024, 0\n wsys w-1, w1024, 3\n exit")
    for rig in try WideRig.each() {
      let run = rig.run(greedy, gas: .max, inner: greedy, maxDepth: 1024)
      #expect(run.fault == .none && run.log.count == 1024)
      #expect(run.log.allSatisfy { $0.hasPrefix("inner none at 4") })
    }
  }

  @Test func aFrameWithoutRoomForItsStackDoesNotRun() throws {
    let machine = try WideMachine()
    let executable = try wideExecutable("exit")
    for engine in Engine.available {
      var context = machine.outermostContext(
        gas: 5, input: UnsafeRawPointer(WideTestHook.table), inputByteCount: 0, hooks: WideTestHook.table,
        growMemory: WideTestHook.growMemory, host: nil)
      let room = context.limit - WideLimits.frameByteCount
      for (bottom, fault) in [(room, VMFault.none), (room + 32, .hostFault)] {
        context.bottom = bottom
        withUnsafeMutablePointer(to: &context) { machine.run(executable, $0, engine: engine) }
        #expect(context.fault == fault)
      }
    }
  }

  @Test func theArenaHasRoomForEveryFrame() throws {
    let machine = try WideMachine()
    let context = machine.outermostContext(
      gas: 5, input: UnsafeRawPointer(WideTestHook.table), inputByteCount: 0, hooks: WideTestHook.table,
      growMemory: WideTestHook.growMemory, host: nil)
    #expect(context.limit - context.bottom >= WideMachine.maxFrameCount * WideLimits.frameByteCount)
    #expect(context.memoryByteLimit >= 256 << 20)
    #expect(UInt(bitPattern: context.bottom) % 4096 == 0)
  }

  /// What a call chain committed beyond the usual is gone when the next one starts, and reads as zero.
  @Test func memoryIsGivenBack() throws {
    let grow: WideMemoryHook = { context, offset, byteCount in
      context.assumingMemoryBound(to: WideContext.self).pointee.memoryByteCount =
        (offset + byteCount + 31) / 32 * 32
      return 0
    }
    let machine = try WideMachine()
    func run(_ text: String) throws -> UInt256 {
      var context = machine.outermostContext(
        gas: 5, input: UnsafeRawPointer(WideTestHook.table), inputByteCount: 0, hooks: WideTestHook.table,
        growMemory: grow, host: nil)
      let executable = try wideExecutable(text)
      withUnsafeMutablePointer(to: &context) { machine.run(executable, $0, engine: .interpreter) }
      #expect(context.fault == .none)
      return context.bottom.load(as: UInt256.self)
    }
    let text = ".constant 0x2000000\n wstack 0, 1\n wstore c0, c0\n wload w0, c0\n exit"
    #expect(try run(text) == UInt256(0x200_0000))
    #expect(try run(text.replacing(" wstore c0, c0\n", with: "")) == 0)
  }

  @Test func classicAndWideProgramsStayApart() throws {
    let classic = try Executable(
      image: Assembler.assemble("mov64 r0, 1\n exit", version: .v3), syscalls: SyscallRegistry())
    for rig in try WideRig.each() { #expect(rig.run(classic).fault == .unsupportedInstruction) }
    let wide = try wideExecutable("wcharge 1\n exit")
    for engine in Engine.available {
      let run = finish(wide, engine: engine)
      #expect(run.outcome.fault == .unsupportedInstruction && run.outcome.pc == 0)
    }
  }

  @Test func layout() {
    typealias Offset = WideContext.Offset
    let fields: [(PartialKeyPath<WideContext>, Int32)] = [
      (\.window, Offset.window), (\.bottom, Offset.bottom), (\.limit, Offset.limit), (\.gas, Offset.gas),
      (\.memory, Offset.memory), (\.memoryByteCount, Offset.memoryByteCount),
      (\.memoryByteLimit, Offset.memoryByteLimit), (\.input, Offset.input),
      (\.inputByteCount, Offset.inputByteCount), (\.constants, Offset.constants),
      (\.jumpTable, Offset.jumpTable), (\.jumpTableCount, Offset.jumpTableCount), (\.hooks, Offset.hooks),
      (\.growMemory, Offset.growMemory), (\.host, Offset.host), (\.fault, Offset.fault),
      (\.faultPC, Offset.faultPC), (\.executable, Offset.executable),
    ]
    for (path, offset) in fields { #expect(MemoryLayout<WideContext>.offset(of: path) == Int(offset)) }
    #expect(MemoryLayout<UInt256>.size == 32 && MemoryLayout<VMFault>.size == 1)
    #expect(VMFault.none.rawValue == 0 && VMFault.halted.rawValue == 15)
  }
}
