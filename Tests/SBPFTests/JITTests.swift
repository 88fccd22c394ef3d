// What machine code promises beyond equal results: every operation has code, its size is bounded, constants
// of the program do not stand in it, no page is ever writable and executable, memory is given back.
import Foundation
import Primitives
import Testing

@testable import MachineCode
@testable import SBPF

@Suite(.serialized, .enabled(if: MachineCode.isSupported, "no machine code on this machine")) struct JITTests {
  private static func codeBytes(_ code: MachineCode) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: code.start, count: code.codeByteCount))
  }

  private static func executable(
    _ slots: [EncodedInsn], _ version: SBPFVersion, provesFrameAccesses: Bool = true
  ) throws -> Executable {
    try Executable(
      image: ProgramImage(
        version: version, text: EncodedInsn.bytes(of: slots), functions: [77: 0]),
      syscalls: RandomProgram.syscalls, provesFrameAccesses: provesFrameAccesses)
  }

  /// Every operation of the table with every combination that gives it other code: the hungriest stays within
  /// the bound, and what runs afterwards is the interpreter's to check (JITFuzzTests).
  @Test(arguments: SBPFVersion.classic)
  func everyOperationCompilesWithinTheBound(version: SBPFVersion) throws {
    let repeats = 200
    let empty = try #require(try Self.executable([EncodedInsn(opcode: 0x95)], version).machineCode())
    var operations: Set<Opcode> = []
    for facts in Opcode.table {
      guard let byte = facts.encoding(in: version) else { continue }
      for immediate in [1, 64, 0x7654_3210, -0x7654_3210] as [Int32] {
        for (destination, source) in [(0, 1), (2, 3), (7, 10), (9, 9)] as [(UInt8, UInt8)] {
          var slot = EncodedInsn(
            opcode: byte, destination: destination, source: source, immediate: immediate)
          if facts.rule == .shift { slot.immediate = 31 }
          if facts.rule == .byteOrder { slot.immediate = 32 }
          if facts.opcode == .callx { (slot.destination, slot.source, slot.immediate) = (3, 3, 3) }
          if facts.opcode == .call { slot.immediate = immediate == 1 ? 77 : immediate }
          var slots: [EncodedInsn] = []
          for _ in 0..<repeats {
            slots.append(slot)
            if facts.opcode == .lddw { slots.append(EncodedInsn(opcode: 0, immediate: 0x1234_5678)) }
          }
          slots.append(EncodedInsn(opcode: 0x95))
          let executable = try Self.executable(slots, version)
          let code = try #require(executable.machineCode(), "\(facts.opcode)")
          let growth = code.codeByteCount - empty.codeByteCount
          #expect(growth <= repeats * JITCompiler.maxByteCountPerSlot, "\(facts.opcode): \(growth / repeats)")
          for insn in executable.decodedInsns { operations.insert(insn.opcode) }
        }
      }
    }
    let encoded = Opcode.table.filter { $0.encoding(in: version) != nil && $0.opcode != .call }
    #expect(operations.isSuperset(of: encoded.map(\.opcode)))
    #expect(operations.isSuperset(of: [.callUnresolved]))
  }

  @Test func constantsDoNotStandInTheCode() throws {
    // Each is used by every kind of instruction that has a constant.
    let constant: Int32 = 0x3bad_c0de
    for version in SBPFVersion.classic {
      for facts in Opcode.table {
        guard let byte = facts.encoding(in: version),
          [.registerImmediate, .storeImmediate, .jumpImmediate, .wideImmediate].contains(facts.form),
          facts.rule != .shift, facts.bits >= 32
        else { continue }
        var slots = [EncodedInsn(opcode: byte, destination: 3, immediate: constant)]
        if facts.opcode == .lddw { slots.append(EncodedInsn(opcode: 0, immediate: constant)) }
        slots.append(EncodedInsn(opcode: 0x95))
        let code = try #require(try Self.executable(slots, version).machineCode())
        let needle = withUnsafeBytes(of: constant.littleEndian) { Array($0) }
        let bytes = Self.codeBytes(code)
        #expect(
          !(0..<bytes.count - 4).contains { bytes[$0..<$0 + 4].elementsEqual(needle) }, "\(facts.opcode)")
      }
    }
  }

  /// Keys differ, so the same program is other code each time.
  @Test func codeIsNotPredictable() throws {
    let program = "mov64 r0, 0x12345678\n exit"
    let first = try #require(try assemble(program).machineCode())
    let second = try #require(try assemble(program).machineCode())
    #expect(Self.codeBytes(first) != Self.codeBytes(second))
  }

  // MARK: Pages

  /// Lines of the process's memory map with both rights.
  /// The process's memory map, read to its end: the system hands it out a page at a time, and a read that stops at the
  /// first short piece would miss most of it.
  private func memoryMap() throws -> String {
    let file = try #require(fopen("/proc/self/maps", "r"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += piece[..<count]
    }
  }

  private func writableAndExecutable() throws -> [String] {
    let map = try memoryMap()
    #expect(map.contains(" r-xp "))
    return map.split(separator: "\n").map(String.init).filter { $0.contains(" rwx") || $0.contains(" -wx") }
  }

  @Test func noPageIsWritableAndExecutable() throws {
    // The map is read while other threads compile, run and free.
    let isDone = Flag()
    let threads = (0..<2).map { seed in
      let thread = Thread {
        var random = SplitMix64(seed: UInt64(seed))
        let machine = VirtualMachine(engine: .jit)
        while !isDone.isSet {
          let image = RandomProgram(version: .v0).image(&random)
          guard let executable = try? Executable(image: image, syscalls: RandomProgram.syscalls) else {
            continue
          }
          _ = finish(executable, engine: .jit, heapByteCount: 4096, units: 500, machine: machine)
        }
        isDone.finished()
      }
      thread.start()
      return thread
    }
    for _ in 0..<200 { #expect(try writableAndExecutable() == []) }
    isDone.set()
    isDone.waitForFinished(threads.count)
    #expect(try writableAndExecutable() == [])
  }

  @Test func pagesAreExecutableUntilTheyAreFreed() throws {
    func rights(_ address: UInt) -> String? {
      let map = (try? memoryMap()) ?? ""
      return map.split(separator: "\n").lazy.compactMap { line -> String? in
        let parts = line.split(separator: " ")
        let ends = parts[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        return ends.count == 2 && (ends[0]..<ends[1]).contains(address) ? String(parts[1]) : nil
      }.first
    }
    // Larger than a pooled chunk: it gets one of its own, which no other test's code takes over.
    let code = [UInt8](repeating: 0xc3, count: CodePages.chunkByteCount + 1)
    let block = try #require(code.withUnsafeBytes { CodePages.publish($0) })
    let address = UInt(bitPattern: block.start)
    // Other threads change the map between its pieces, so a line may be missing once.
    #expect((0..<20).contains { _ in rights(address) == "r-xp" })
    CodePages.free(block)
    #expect((0..<20).contains { _ in rights(address) != "r-xp" })
  }

  @Test func machineCodeIsAccountedInPages() throws {
    let executable = try assemble("mov64 r0, 1\n exit")
    _ = try #require(executable.machineCode())
    #expect(executable.machineCodeByteCount >= CodePages.pageByteCount)
  }

  @Test func freedPagesAreUsedAgain() throws {
    let text = Array(repeating: "add64 r0, 1", count: 20_000).joined(separator: "\n") + "\n exit"
    let image = try Assembler.assemble(text, version: .v0)
    var mapped: Set<Int> = []
    for _ in 0..<50 {
      let executable = try Executable(image: image, syscalls: SyscallRegistry())
      #expect(executable.machineCode() != nil)
      mapped.insert(CodePages.mappedByteCount)
    }
    #expect(mapped.count <= 2)
  }

  @Test func publishingRefusesWhatIsTooLarge() {
    // Never touched: the request is refused before anything is copied.
    let bytes = UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: 4096), count: CodePages.maxByteCount + 1)
    #expect(CodePages.publish(bytes) == nil)
    #expect(CodePages.publish(UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
  }

  // MARK: Sharing

  @Test func workersShareOneCompilation() throws {
    let executable = try assemble("mov64 r0, 0\n again: add64 r0, 1\n jlt r0, 1000, again\n exit")
    let isDone = Flag()
    for _ in 0..<4 {
      Thread {
        let outcome = finish(executable, engine: .jit, units: 100_000).outcome
        if outcome.result == 1000, outcome.remainingUnits == 100_000 - 2002 { isDone.succeeded() }
        isDone.finished()
      }.start()
    }
    isDone.waitForFinished(4)
    #expect(isDone.successCount == 4)
    #expect(executable.machineCodeByteCount > 0)
  }

  /// A program above the limit runs all the same.
  @Test func programsTooLargeAreInterpreted() throws {
    var slots = [EncodedInsn](
      repeating: EncodedInsn(opcode: 0xb7, immediate: 5), count: JITCompiler.maxSlotCount)
    slots[0] = EncodedInsn(opcode: 0x95)
    slots.append(EncodedInsn(opcode: 0x95))
    let executable = try Self.executable(slots, .v0)
    #expect(executable.machineCode() == nil)
    #expect(executable.machineCodeByteCount == 0)
    #expect(finish(executable, engine: .jit).outcome.fault == .none)
  }

  // MARK: Leaving

  /// The interpreter takes over inside nested calls and returns through frames that machine code made.
  @Test(arguments: SBPFVersion.classic)
  func computedCallsIntoBlocksReturnThroughMachineCodesFrames(version: SBPFVersion) throws {
    let program = """
      entrypoint: mov64 r6, 1
      mov64 r7, 2
      mov64 r8, 3
      mov64 r9, 4
      call f
      mov64 r0, r10
      lsh64 r6, 12
      or64 r0, r6
      lsh64 r7, 16
      or64 r0, r7
      exit
      f: mov64 r6, 50
      mov64 r7, 60
      call g
      jne r6, 50, bad
      jne r7, 60, bad
      exit
      bad: mov64 r0, -1
      exit
      g: mov64 r6, 500
      mov64 r5, 28
      lsh64 r5, 3
      mov64 r4, 1
      lsh64 r4, 32
      add64 r5, r4
      callx r5
      exit
      mov64 r1, 1
      mov64 r6, 7
      exit
      """
    // Slot 28 is the second instruction of the last block, which no constant of the program points to.
    let executable = try assemble(program, version)
    let runs = Engine.available.map { finish(executable, engine: $0) }
    for run in runs.dropFirst() {
      #expect(run.outcome == runs[0].outcome)
      #expect(run.machine.registers == runs[0].machine.registers)
    }
    #expect(runs[0].outcome.fault == .none)
  }

  /// A constant that points into itself makes its second slot a block; straight code still passes over it.
  @Test func theSecondSlotOfAConstantCanBeCalled() throws {
    let executable = try assemble("mov64 r0, 1\n lddw r3, 0x100000010\n mov64 r0, 2\n callx r3\n exit")
    for units in [Int64(1), 2, 3, 4, 5, 100] {
      let plain = finish(executable, engine: .plain, units: units)
      let run = finish(executable, engine: .jit, units: units)
      #expect(run.outcome.fault == plain.outcome.fault && run.outcome.pc == plain.outcome.pc)
      #expect(run.outcome.remainingUnits == plain.outcome.remainingUnits)
      if units == 100 { #expect(run.outcome.fault == .unsupportedInstruction && run.outcome.pc == 2) }
    }
  }

  @Test func callsGoDownToTheLastFrame() throws {
    for depth in [1, 62, 63, 64] {
      let executable = try assemble(
        "entrypoint: mov64 r1, \(depth)\n call f\n exit\n f: stdw [r10-8], -1\n add64 r1, -1\n"
          + "jeq r1, 0, end\n call f\n end: exit")
      for version in [0, 1] {
        let machine = VirtualMachine(engine: .jit)
        let plain = finish(executable, engine: .plain)
        for _ in 0...version {
          let run = finish(executable, engine: .jit, machine: machine)
          #expect(run.outcome == plain.outcome)
          #expect(run.machine.registers == plain.machine.registers)
          #expect(memcmp(machine.stack, plain.machine.stack, Int(GuestMemory.stackByteCount)) == 0)
        }
        // Nothing of the deep frames is left for the next program.
        _ = finish(try assemble("exit"), engine: .jit, machine: machine)
        let stack = UnsafeRawBufferPointer(start: machine.stack, count: Int(GuestMemory.stackByteCount))
        #expect(stack.allSatisfy { $0 == 0 })
      }
    }
  }
}

/// A few bits shared by threads, behind a lock.
private final class Flag: @unchecked Sendable {
  private let condition = NSCondition()
  private var value = false
  private var finishedCount = 0
  private var successes = 0

  var isSet: Bool { condition.withLock { value } }
  var successCount: Int { condition.withLock { successes } }
  func set() { condition.withLock { value = true } }
  func succeeded() { condition.withLock { successes += 1 } }

  func finished() {
    condition.withLock {
      finishedCount += 1
      condition.broadcast()
    }
  }

  func waitForFinished(_ count: Int) {
    condition.withLock { while finishedCount < count { condition.wait() } }
  }
}
