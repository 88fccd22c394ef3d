// Code that every program has once, in front of its blocks: the way in and out, and what blocks call.

import MachineCode

extension JITCompiler {
  /// Offsets in the code.
  struct SharedCode {
    static let maxByteCount = 2048

    /// Back to whoever entered the code, registers and units being stored.
    var end = 0
    /// Stores everything and goes on in the interpreter. Called, never returns.
    var leave = 0
    /// Notes that calls reach a new depth, or gives up at the deepest.
    var deeperCall = 0
    /// Calls the function whose address is in r11 as a syscall.
    var syscall = 0
    /// Turns the guest address in r11 into the host address of a block.
    var registerCall = 0
    /// By kind: leaves in rcx what has to be added to the guest address in r11.
    var accesses: [Int] = []
  }

  private static let calleeSaved: [X86Register] = [.rbx, .rbp, .r12, .r13, .r14, .r15]
  private static let callerSavedGuests: [X86Register] = [.rsi, .rdx, .r10, .r8, .r9]

  private static func contextOffset(_ path: PartialKeyPath<VMContext>) -> Int32 {
    Int32(MemoryLayout<VMContext>.offset(of: path) ?? 0)
  }

  private static let remainingUnits = contextOffset(\.remainingUnits)
  private static let syscallUnits = contextOffset(\.syscallUnits)
  private static let fault = contextOffset(\.fault)
  private static let faultPC = contextOffset(\.faultPC)

  private typealias Field = JITState.Offset

  mutating func emitSharedCode(hasRegisterCalls: Bool) {
    emitEntry()
    emitLeave()
    emitDeeperCall()
    emitSyscall()
    if hasRegisterCalls { emitRegisterCall() }
    emitAccesses()
  }

  /// Calls a function of JITEngine whose arguments are in place.
  private mutating func callHost(_ function: UInt) {
    assembler.move(.rax, immediate: UInt64(function))
    assembler.call(.rax)
  }

  private mutating func emitEntry() {
    for register in Self.calleeSaved { assembler.push(register) }
    assembler.move(.double, Host.state, .rdi)
    assembler.store(.double, Host.field(Field.stackBase), .rsp)
    assembler.loadAddress(.r11, X86Address(.rsp, -8))
    assembler.store(.double, Host.field(Field.callLimit), .r11)
    assembler.load(.double, .rcx, Host.field(Field.context))
    assembler.load(.double, Host.units, X86Address(.rcx, Self.remainingUnits))
    assembler.load(.double, .r11, Host.field(Field.registers))
    for guest in UInt8(0)..<10 {
      assembler.load(.double, Self.host(guest), X86Address(.r11, Int32(guest) * 8))
    }
    assembler.load(.double, Host.frame, X86Address(.r11, usesHostFrames ? 88 : 80))
    jump(assembler.call(), to: executable.entryPC)
    // The program has exited; r11 says where.
    assembler.load(.double, .rcx, Host.field(Field.context))
    assembler.store(.double, X86Address(.rcx, Self.faultPC), .r11)
    storeState()
    shared.end = assembler.offset
    assembler.load(.double, .rsp, Host.field(Field.stackBase))
    for register in Self.calleeSaved.reversed() { assembler.pop(register) }
    assembler.ret()
  }

  /// Guest registers and units to where the interpreter has them.
  private mutating func storeState() {
    assembler.load(.double, .rcx, Host.field(Field.context))
    assembler.store(.double, X86Address(.rcx, Self.remainingUnits), Host.units)
    assembler.load(.double, .rcx, Host.field(Field.registers))
    for guest in UInt8(0)..<10 {
      assembler.store(.double, X86Address(.rcx, Int32(guest) * 8), Self.host(guest))
    }
    let framePointer = value(of: 10, scratch: Host.address)
    assembler.store(.double, X86Address(.rcx, 80), framePointer)
    if usesHostFrames { assembler.store(.double, X86Address(.rcx, 88), Host.frame) }
  }

  private mutating func emitLeave() {
    shared.leave = assembler.offset
    storeState()
    assembler.pop(.rsi)
    assembler.move(.double, .rdi, Host.state)
    assembler.move(.double, .rdx, .rsp)
    callHost(unsafeBitCast(JITEngine.leave, to: UInt.self))
    assembler.jump(to: shared.end)
  }

  private mutating func emitDeeperCall() {
    shared.deeperCall = assembler.offset
    let reached = Host.field(Field.reachedFrameByteCount)
    assembler.arithmetic(.double, .compare, reached, immediate: Int32(GuestMemory.stackByteCount))
    let isDeepest = assembler.jump(if: .aboveOrEqual)
    assembler.arithmetic(.double, .add, reached, immediate: Int32(GuestMemory.frameByteCount))
    assembler.arithmetic(
      .double, .sub, Host.field(Field.callLimit), immediate: Int32(JITEngine.frameByteCount))
    assembler.ret()
    assembler.resolve(isDeepest, to: shared.leave)
  }

  private mutating func emitSyscall() {
    shared.syscall = assembler.offset
    for register in Self.callerSavedGuests { assembler.push(register) }
    assembler.push(.rax)
    assembler.arithmetic(.double, .sub, .rsp, immediate: 8)
    assembler.load(.double, .rcx, Host.field(Field.context))
    assembler.store(.double, X86Address(.rcx, Self.remainingUnits), Host.units)
    assembler.arithmetic(.double, .add, X86Address(.rcx, Self.syscallUnits), Host.units)
    assembler.move(.double, .rdi, .rcx)
    assembler.move(.double, .rcx, .r10)
    assembler.call(.r11)
    assembler.load(.double, .rcx, Host.field(Field.context))
    assembler.load(.double, Host.units, X86Address(.rcx, Self.remainingUnits))
    assembler.arithmetic(.double, .sub, X86Address(.rcx, Self.syscallUnits), Host.units)
    assembler.arithmetic(.byte, .compare, X86Address(.rcx, Self.fault), immediate: 0)
    let hasFailed = assembler.jump(if: .notEqual)
    // A meter below zero is empty.
    assembler.arithmetic(.word, .xor, .rcx, .rcx)
    assembler.test(.double, Host.units, Host.units)
    assembler.moveIf(.sign, Host.units, .rcx)
    assembler.arithmetic(.double, .add, .rsp, immediate: 16)
    for register in Self.callerSavedGuests.reversed() { assembler.pop(register) }
    assembler.ret()

    assembler.land(hasFailed)
    assembler.arithmetic(.double, .add, .rsp, immediate: 8)
    assembler.pop(.rax)
    for register in Self.callerSavedGuests.reversed() { assembler.pop(register) }
    storeState()
    assembler.pop(.rsi)
    assembler.move(.double, .rdi, Host.state)
    callHost(unsafeBitCast(JITEngine.failSyscall, to: UInt.self))
    assembler.jump(to: shared.end)
  }

  private mutating func emitRegisterCall() {
    shared.registerCall = assembler.offset
    assembler.move(Host.scratch, immediate: executable.textAddress)
    assembler.arithmetic(.double, .sub, Host.address, Host.scratch)
    assembler.shift(.double, .right, Host.address, by: 3)
    assembler.arithmetic(.double, .compare, Host.address, immediate: Int32(slotCount))
    assembler.resolve(assembler.jump(if: .aboveOrEqual), to: shared.leave)
    assembler.load(.double, Host.scratch, Host.field(Field.entries))
    assembler.load(.word, Host.address, X86Address(Host.scratch, index: Host.address, scale: 2))
    assembler.test(.word, Host.address, Host.address)
    assembler.resolve(assembler.jump(if: .equal), to: shared.leave)
    assembler.arithmetic(.double, .add, Host.address, Host.field(Field.codeStart))
    assembler.ret()
  }

  // MARK: Accesses that the tables refuse

  private mutating func emitAccesses() {
    var jumps: [X86Patch] = []
    for raw in 0..<UInt8(AccessKind.count) {
      shared.accesses.append(assembler.offset)
      assembler.move(Host.scratch, immediate: UInt64(raw))
      jumps.append(assembler.jump())
    }
    for patch in jumps { assembler.land(patch) }
    assembler.push(.rax)
    assembler.push(.rdx)
    if hasGaps { emitGappedAccess() }
    let saved: [X86Register] = [.rsi, .rdi, .r8, .r9, .r10, .r11]
    for register in saved { assembler.push(register) }
    assembler.arithmetic(.double, .sub, .rsp, immediate: 8)
    assembler.move(.double, .rdi, Host.state)
    assembler.move(.double, .rsi, Host.address)
    assembler.move(.word, .rdx, Host.scratch)
    callHost(unsafeBitCast(JITEngine.translate, to: UInt.self))
    assembler.arithmetic(.double, .add, .rsp, immediate: 8)
    for register in saved.reversed() { assembler.pop(register) }
    assembler.move(.double, Host.scratch, .rax)
    assembler.arithmetic(.double, .sub, Host.scratch, Host.address)
    assembler.test(.double, .rax, .rax)
    assembler.pop(.rdx)
    assembler.pop(.rax)
    assembler.resolve(assembler.jump(if: .equal), to: shared.leave)
    assembler.ret()
  }

  /// The stack of the versions with gaps: bit 12 of an address in it says whether it lies in a gap, and
  /// frames are half as far apart on the host.
  private mutating func emitGappedAccess() {
    assembler.move(.double, .rax, Host.address)
    assembler.shift(.double, .right, .rax, by: 32)
    assembler.arithmetic(.double, .compare, .rax, immediate: Int32(GuestMemory.stackIndex))
    let isElsewhere = assembler.jump(if: .notEqual)
    assembler.test(.word, Host.address, immediate: Int32(GuestMemory.frameByteCount))
    let isInGap = assembler.jump(if: .notEqual)
    assembler.move(.word, .rax, Host.address)
    assembler.move(.word, .rdx, .rax)
    assembler.arithmetic(.word, .and, .rdx, immediate: Int32(GuestMemory.frameByteCount) - 1)
    assembler.arithmetic(.word, .and, .rax, immediate: -Int32(GuestMemory.frameByteCount))
    assembler.shift(.word, .right, .rax, by: 1)
    assembler.arithmetic(.word, .or, .rax, .rdx)
    assembler.arithmetic(
      .double, .compare, .rax, X86Address(Host.state, index: Host.scratch, scale: 3, Field.gapLimits))
    let isBehind = assembler.jump(if: .greater)
    assembler.arithmetic(.double, .add, .rax, Host.field(Field.stackHost))
    assembler.arithmetic(.double, .sub, .rax, Host.address)
    assembler.move(.double, Host.scratch, .rax)
    assembler.pop(.rdx)
    assembler.pop(.rax)
    assembler.ret()
    for patch in [isElsewhere, isInGap, isBehind] { assembler.land(patch) }
  }
}
