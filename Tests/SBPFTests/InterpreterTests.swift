// Whole programs on every engine: faults with their pc, meter and log text as a validator's runtime gives them
// (checked against LiteSVM), frames, memory that is zero at the start of each run.
import Testing

@testable import SBPF

@Suite struct InterpreterTests {
  struct Ending: Sendable, CustomTestStringConvertible {
    var name: String
    var program: String
    var units: Int64
    var pc: Int
    var text: String

    var testDescription: String { name }
  }

  /// v0 programs that LiteSVM ran with the same units consumed and the same text.
  static let endings: [Ending] = [
    Ending(
      name: "null", program: "lddw r2, 0\n ldxdw r0, [r2]\n exit", units: 2, pc: 2,
      text: "Access violation in unknown section at address 0x0 of size 8"),
    Ending(
      name: "text is read-only", program: "lddw r2, 0x100000000\n stxdw [r2], r0\n exit", units: 2, pc: 2,
      text: "Access violation in program section at address 0x100000000 of size 8"),
    Ending(
      name: "stack gap", program: "ldxdw r0, [r10+8]\n exit", units: 1, pc: 0,
      text: "Access violation in stack frame 1 at address 0x200001008 of size 8"),
    Ending(
      name: "heap", program: "lddw r2, 0x300100000\n ldxb r0, [r2]\n exit", units: 2, pc: 2,
      text: "Access violation in heap section at address 0x300100000 of size 1"),
    Ending(
      name: "far stack", program: "lddw r2, 0x200100000\n ldxb r0, [r2]\n exit", units: 2, pc: 2,
      text: "Access violation in stack section at address 0x200100000 of size 1"),
    Ending(
      name: "below the stack", program: "lddw r2, 0x1ffffff00\n ldxb r0, [r2]\n exit", units: 2, pc: 2,
      text: "Access violation in stack frame 0 at address 0x1ffffff00 of size 1"),
    Ending(
      name: "input", program: "lddw r2, 0x400100000\n stxw [r2], r0\n exit", units: 2, pc: 2,
      text: "Access violation in input section at address 0x400100000 of size 4"),
    Ending(
      name: "division by zero", program: "div64 r0, r3\n exit", units: 1, pc: 0,
      text: "divide by zero at BPF instruction"),
    Ending(
      name: "callx outside", program: "callx r3\n exit", units: 1, pc: 0,
      text: "callx attempted to call outside of the text segment"),
    Ending(
      name: "endless recursion", program: "lddw r2, 0x100000000\n callx r2\n exit", units: 128, pc: 2,
      text: "exceeded max BPF to BPF call depth"),
    Ending(
      name: "overrun", program: "mov64 r0, 0\n mov64 r0, 0", units: 3, pc: 2,
      text: "attempted to execute past the end of the text segment at BPF instruction"),
    Ending(
      name: "return behind the end",
      program: "ja main\n f: exit\n main: lddw r2, 0x100000008\n callx r2", units: 5, pc: 5,
      text: "attempted to execute past the end of the text segment at BPF instruction"),
    Ending(
      name: "endless loop", program: "ja -1\n exit", units: 1000, pc: 0,
      text: "exceeded CUs meter at BPF instruction"),
    Ending(
      name: "unknown call", program: "call 5\n exit", units: 1, pc: 0, text: "unsupported BPF instruction"),
  ]

  @Test(arguments: endings, Engine.available)
  func faultsAreThoseOfTheReference(_ ending: Ending, engine: Engine) throws {
    let outcome = finish(try assemble(ending.program), engine: engine, units: 1000).outcome
    #expect(outcome.faultText(version: .v0) == ending.text)
    #expect(outcome.pc == ending.pc)
    #expect(outcome.remainingUnits == 1000 - ending.units)
    #expect(outcome.instructionCount == ending.units)
  }

  /// With every budget, the run ends where a meter that ticks once an instruction would end it.
  @Test(arguments: Engine.available)
  func everyBudgetIsExact(engine: Engine) throws {
    let program = """
      mov64 r1, 3
      again: lddw r2, 0x123456789
      jeq r1, 9, again
      add64 r1, -1
      jne r1, 0, again
      call f
      exit
      f: lddw r0, 7
      exit
      """
    let executable = try assemble(program)
    let pcs = [0, 1, 3, 4, 5, 1, 3, 4, 5, 1, 3, 4, 5, 6, 8, 10, 7]
    for units in 0..<pcs.count {
      let outcome = finish(executable, engine: engine, units: Int64(units)).outcome
      #expect(outcome.fault == .exceededMaxInstructions && outcome.pc == pcs[units], "\(units) units")
      #expect(outcome.remainingUnits == 0)
    }
    let outcome = finish(executable, engine: engine, units: Int64(pcs.count)).outcome
    #expect(outcome.fault == .none && outcome.result == 7 && outcome.remainingUnits == 0)
    let rich = finish(executable, engine: engine, units: .max).outcome
    #expect(rich.result == 7 && rich.remainingUnits == .max - Int64(pcs.count))
  }

  @Test(
    arguments: zip(
      SBPFVersion.classic, [0x2_0000_3000, 0x2_0004_0000, 0x2_0004_0000, 0x2_0000_2000] as [UInt64]))
  func callsMoveTheFrameAsTheVersionSays(version: SBPFVersion, framePointer: UInt64) throws {
    for engine in Engine.available {
      let executable = try assemble("entrypoint: call f\n exit\n f: mov64 r0, r10\n exit", version)
      #expect(finish(executable, engine: engine).outcome.result == framePointer)
    }
  }

  @Test(arguments: Engine.available)
  func memoryIsZeroAtTheStartOfEachRun(engine: Engine) throws {
    for version in [SBPFVersion.v0, .v1, .v3] {
      let dirty = try assemble(
        """
        entrypoint: lddw r6, 0x300000ff8
        stdw [r6], -1
        stdw [r10-8], -1
        mov64 r7, r10
        add64 r7, -4000
        stdw [r7], -1
        call f
        exit
        f: stdw [r10-4096], -1
        exit
        """, version)
      let sum = try assemble(
        """
        entrypoint: lddw r6, 0x300000ff8
        ldxdw r0, [r6]
        ldxdw r1, [r10-8]
        or64 r0, r1
        mov64 r7, r10
        add64 r7, -4000
        ldxdw r1, [r7]
        or64 r0, r1
        call f
        or64 r0, r1
        exit
        f: ldxdw r1, [r10-4096]
        exit
        """, version)
      let machine = VirtualMachine(engine: engine)
      #expect(finish(dirty, engine: engine, heapByteCount: 4096, machine: machine).outcome.fault == .none)
      let outcome = finish(sum, engine: engine, heapByteCount: 4096, machine: machine).outcome
      #expect(outcome.fault == .none && outcome.result == 0, "\(version)")
    }
  }

  @Test func unknownSyscallsAreRefusedByName() throws {
    let image = try Assembler.assemble("call sol_nothing_\n exit", version: .v0)
    let key = Murmur3.hash(Array("sol_nothing_".utf8))
    #expect(throws: ExecutableError.unresolvedCall(pc: 0, key: key, name: "sol_nothing_")) {
      try Executable(image: image, syscalls: SyscallRegistry(), refusesUnresolvedCalls: true)
    }
  }

  /// A stack access that starts in a frame and ends in the gap reads the next frame's bytes.
  @Test func translationSkipsTheGaps() throws {
    let machine = finish(try assemble("exit"), engine: .interpreter, heapByteCount: 64).machine
    func offset(_ address: UInt64, _ count: UInt64, _ access: MemoryAccess = .load) -> Int? {
      machine.context.pointee.translate(address: address, byteCount: count, access: access).map {
        $0 - machine.stack
      }
    }
    #expect(offset(0x2_0000_0000, 4096) == 0)
    #expect(offset(0x2_0000_0fff, 2) == 4095)
    #expect(offset(0x2_0000_1000, 1) == nil)
    #expect(offset(0x2_0000_2000, 8, .store) == 4096)
    #expect(offset(0x2_0007_e000, 4096) == 63 * 4096)
    #expect(offset(0x2_0007_e000, 4097) == nil)
    #expect(offset(0x2_0008_0000, 1) == nil)
    #expect(offset(0x3_0000_0000, 65) == nil)
    #expect(offset(0x3_0000_0000, .max) == nil)
    #expect(offset(.max, .max) == nil)
    #expect(offset(0x1_0000_0000, 8, .store) == nil)
    #expect(offset(0x1_0000_0000, 8) != nil)
  }
}
