// Dispatch, jumps, gas and stack checks, hooks, and the code that blocks share.

import MachineCode
import SBPF

/// Code behind the last block that `patch` jumps to.
struct WideColdPath {
  enum Kind {
    /// Ends the run.
    case fault(VMFault)
    case outOfGas
    /// Ends the run with the fault in rax.
    case hookFault
    /// Grows the frame's memory to hold `byteCount` bytes at `address`, at rax, or beyond all addresses.
    case growAt(address: UInt32, byteCount: UInt8)
    case grow(byteCount: UInt8)
    case growBeyond(byteCount: UInt8)
  }
  var kind: Kind
  var patch: X86Patch
  var resume: Int32
  var pc: UInt32
}

extension WideCompiler {
  /// What every program has once, in front of its blocks.
  struct SharedCode {
    static let maxByteCount = 1024

    /// Back to whoever entered the code: the fault in rax, its slot in rdx.
    var end = 0
    /// The same for `.outOfGas`.
    var outOfGas = 0
    /// Calls the function in rax with the operands in the scratch space, changing rax, rcx, rdx only.
    var helper = 0
    /// Grows memory to hold rcx bytes at rax, for the instruction at slot rdx; keeps rax and registers of values.
    var grow = 0
  }

  func field(_ offset: Int32) -> X86Address { X86Address(.rbp, offset) }

  // MARK: One instruction

  mutating func emit(_ insn: Insn, _ pc: Int) {
    switch insn.opcode {
    case .wload: loadWord(insn, pc)
    case .wstore: storeWord(insn, pc)
    case .wstore8: storeByte(insn, pc)
    case .wjz, .wjnz, .wjeq, .wjne, .wjlt, .wjge, .wjslt, .wjsge: branch(insn, pc, jump: insn, at: pc)
    case .wcharge: charge(UInt32(truncatingIfNeeded: insn.immediate), pc)
    case .wstack: checkStack(insn, pc)
    case .wadjust: adjust(Int(insn.immediate))
    case .wsys: callHook(insn, pc)
    case .ja: jump(pc, to: pc + 1 + Int(insn.offset))
    case .wja: jump(pc, to: pc + 1 + Int(insn.immediate))
    case .wjump: jumpDynamically(insn, pc)
    case .exit:
      flush(below: .max)
      finish(.none, pc)
    case .winvalid: finish(.invalidInstruction, pc)
    default:
      if notes[pc] & Note.isUnused != 0, insn.opcode != .waddmod, insn.opcode != .wmulmod {
        skip(insn, pc)
      } else {
        compute(insn, pc)
      }
    }
  }

  private mutating func compute(_ insn: Insn, _ pc: Int) {
    switch insn.opcode {
    case .wmov: move(insn, pc)
    case .wadd: addOrSubtract(insn, pc, subtracts: false)
    case .wsub: addOrSubtract(insn, pc, subtracts: true)
    case .wand: bits(insn, pc, X86Group.and)
    case .wor: bits(insn, pc, X86Group.or)
    case .wxor: bits(insn, pc, X86Group.xor)
    case .wnot: complement(insn, pc)
    case .weq, .wlt, .wslt, .wiszero: comparison(insn, pc)
    case .wshl, .wshr, .wsar: shift(insn, pc)
    case .wmul: multiply(insn, pc)
    case .wbyte: extractByte(insn, pc)
    case .wsignext: extendSign(insn, pc)
    case .winput: loadInput(insn, pc)
    case .winputsize: loadField(insn, WideContext.Offset.inputByteCount)
    case .wmemsize: loadField(insn, WideContext.Offset.memoryByteCount)
    case .wgas: loadGas(insn)
    case .wdiv: divide(insn, pc, wantsRemainder: false)
    case .wmod: divide(insn, pc, wantsRemainder: true)
    case .wsdiv: callHelper(insn, pc, WideHelpers.signedDivide)
    case .wsmod: callHelper(insn, pc, WideHelpers.signedModulo)
    case .wexp: callHelper(insn, pc, WideHelpers.exponentiate)
    case .waddmod: callHelper(insn, pc, WideHelpers.addModulo)
    case .wmulmod: callHelper(insn, pc, WideHelpers.multiplyModulo)
    case .wclz: callHelper(insn, pc, WideHelpers.leadingZeros, count: 1)
    default: finish(.unsupportedInstruction, pc)
    }
  }

  /// An instruction whose result nothing reads.
  private mutating func skip(_ insn: Insn, _ pc: Int) {
    if notes[pc] & Note.endsA != 0 { unbind(insn.wideA &+ shift) }
    if notes[pc] & Note.endsB != 0 { unbind(insn.wideB &+ shift) }
    unbind(insn.wideD &+ shift)
  }

  private mutating func loadField(_ insn: Insn, _ offset: Int32) {
    if freeRegisterCount == 0 { evict() }
    let register = allocate()
    assembler.memory(0x8b, register, Host.context, offset)
    setResult(insn, 0xffff_ff00 | UInt32(register), 1)
  }

  private mutating func loadGas(_ insn: Insn) {
    if freeRegisterCount == 0 { evict() }
    let register = allocate()
    assembler.registers(0x89, Host.gas, register)
    setResult(insn, 0xffff_ff00 | UInt32(register), 1)
  }

  // MARK: Control

  mutating func cold(_ kind: WideColdPath.Kind, _ patch: X86Patch, _ pc: Int) {
    coldPaths.append(
      WideColdPath(
        kind: kind, patch: patch, resume: Int32(truncatingIfNeeded: assembler.offset),
        pc: UInt32(truncatingIfNeeded: pc)))
  }

  private mutating func finish(_ fault: VMFault, _ pc: Int) {
    assembler.moveWord(Host.rdx, UInt32(truncatingIfNeeded: pc))
    assembler.moveWord(Host.rax, UInt32(fault.rawValue))
    assembler.jump(to: shared.end)
  }

  private mutating func jump(_ pc: Int, to target: Int) {
    flush(below: liveEnd(at: target))
    if target != pc + 1 { jump(assembler.jump(), to: target) }
  }

  private mutating func jumpDynamically(_ insn: Insn, _ pc: Int) {
    flush(below: shift)
    let a = sourceA(insn, pc)
    load(Host.rax, a, 0)
    if a.limbCount > 1 {
      orUpperLimbs(a)
      cold(.fault(.invalidJump), assembler.jump(if: .notEqual), pc)
    }
    assembler.memory(0x3b, Host.rax, Host.context, WideContext.Offset.jumpTableCount)
    cold(.fault(.invalidJump), assembler.jump(if: .aboveOrEqual), pc)
    assembler.memory(0x8b, Host.rcx, Host.context, WideContext.Offset.jumpTable)
    assembler.load(.word, .rax, X86Address(.rcx, index: .rax, scale: 2))
    assembler.arithmetic(.word, .compare, .rax, immediate: -1)
    cold(.fault(.invalidJump), assembler.jump(if: .equal), pc)
    // lea rcx, [rip + start of the code]
    assembler.emit(0x0d8d48, 3)
    assembler.emit(UInt64(UInt32(truncatingIfNeeded: -(assembler.offset + 4))), 4)
    assembler.registers(0x01, Host.rcx, Host.rax)
    // jmp rax
    assembler.emit(0xe0ff, 2)
  }

  /// rdx = all limbs of `source` but the lowest, or-ed, and the flags by it; there are at least two. Uses rcx.
  mutating func orUpperLimbs(_ source: WideSource) {
    usePool(source)
    load(Host.rdx, source, 1)
    for limb in 2..<max(source.limbCount, 3) { alu(X86Group.or, Host.rdx, source, limb) }
  }

  private mutating func charge(_ amount: UInt32, _ pc: Int) {
    if amount == 0 { return }
    let (low, high) = (Int32(amount & 0xffff), amount & 0xffff_0000)
    if low <= 127 {
      assembler.immediate(X86Group.sub, Host.gas, Int8(low))
    } else {
      assembler.immediateWord(X86Group.sub, Host.gas, low)
    }
    if high != 0 {
      assembler.moveWord(Host.rax, high)
      assembler.registers(0x29, Host.rax, Host.gas)
    }
    cold(.outOfGas, assembler.jump(if: .less), pc)
  }

  private mutating func checkStack(_ insn: Insn, _ pc: Int) {
    let (need, grow) = (Int32(insn.wideD), Int32(insn.wideA))
    if need > 0 {
      assembler.memory(0x8d, Host.rax, Host.window, -32 * need)
      assembler.memory(0x3b, Host.rax, Host.context, WideContext.Offset.bottom)
      cold(.fault(.stackUnderflow), assembler.jump(if: .below), pc)
    }
    if grow > 0 {
      let limit = Int32(WideLimits.maxStackHeight)
      assembler.memory(0x8d, Host.rax, Host.window, 32 * (grow - limit))
      assembler.memory(0x3b, Host.rax, Host.context, WideContext.Offset.bottom)
      cold(.fault(.stackOverflow), assembler.jump(if: .above), pc)
    }
  }

  private mutating func adjust(_ distance: Int) {
    if abs(shift + distance) > WideScratch.maxShift {
      flush(below: .max)
      forgetAll()
      shift = -distance
    }
    shift += distance
    if distance != 0 {
      assembler.memory(0x8d, Host.window, Host.window, Int32(truncatingIfNeeded: distance &* 32))
    }
  }

  // MARK: Hooks

  private mutating func callHook(_ insn: Insn, _ pc: Int) {
    let (base, free) = (insn.wideD, insn.wideA)
    flush(below: free &+ shift)
    assembler.memory(0x8d, 6, Host.window, Int32(truncatingIfNeeded: base &* 32))
    assembler.memory(0x8d, Host.rdx, Host.window, Int32(truncatingIfNeeded: free &* 32))
    assembler.moveWord(Host.rcx, UInt32(truncatingIfNeeded: pc))
    assembler.registers(0x89, Host.context, 7)
    assembler.memory(0x89, Host.gas, Host.context, WideContext.Offset.gas)
    assembler.memory(0x8b, Host.rax, Host.context, WideContext.Offset.hooks)
    assembler.memory(0xff, 2, Host.rax, Int32(truncatingIfNeeded: insn.wideB &* 8))
    assembler.memory(0x8b, Host.gas, Host.context, WideContext.Offset.gas)
    assembler.memory(0x8b, Host.memory, Host.context, WideContext.Offset.memory)
    assembler.registers(0x85, Host.rax, Host.rax)
    cold(.hookFault, assembler.jump(if: .notEqual), pc)
    forgetAllButConstants(below: base &+ shift)
  }

  /// The hook may have changed everything that is no constant in a slot below its arguments.
  private mutating func forgetAllButConstants(below limit: Int) {
    var kept = 0
    // Places and constants, moved to the front of the table.
    for index in 0..<trackedCount {
      let entry = tracked[index]
      let constant = values[Int(entry.value)].constant
      scratch.index[Int(entry.place) & slotMask] = 0
      guard constant >= 0, Int(entry.place) < limit else { continue }
      scratch.keptConstants[kept] = (entry.place, constant)
      kept += 1
    }
    forgetAll()
    for index in 0..<kept {
      let (place, constant) = scratch.keptConstants[index]
      let count = constantSource(Int(constant)).limbCount
      bind(Int(place), makeValue(.max, limbCount: count, constant: Int(constant)), level: 2)
    }
  }
}

// MARK: - Shared code

extension WideCompiler {
  private static let calleeSaved: [X86Register] = [.rbx, .rbp, .r12, .r13, .r14, .r15]
  /// Values in registers that a call of the host would change.
  private static let callerSaved: [X86Register] = [.rsi, .rdi, .r8, .r9, .r10, .r11]
  /// Scratch space below the saved registers: A, B, N and a result, and 8 bytes that align the stack.
  private static let frameByteCount: Int32 = 136

  mutating func emitSharedCode() {
    emitEntry()
    // The entry's jump to the first block comes behind the shared code.
    let toProgram = assembler.jump()
    emitEnd()
    emitHelperCall()
    emitGrow()
    assembler.land(toProgram)
  }

  private mutating func emitEntry() {
    for register in Self.calleeSaved { assembler.push(register) }
    assembler.arithmetic(.double, .sub, .rsp, immediate: Self.frameByteCount)
    assembler.move(.double, .rbp, .rdi)
    assembler.load(.double, .rbx, field(WideContext.Offset.window))
    assembler.load(.double, .r12, field(WideContext.Offset.gas))
    assembler.load(.double, .r13, field(WideContext.Offset.memory))
  }

  private mutating func emitEnd() {
    shared.outOfGas = assembler.offset
    assembler.arithmetic(.word, .xor, .r12, .r12)
    assembler.move(.rax, immediate: UInt64(VMFault.outOfGas.rawValue))
    shared.end = assembler.offset
    assembler.store(.double, field(WideContext.Offset.faultPC), .rdx)
    assembler.store(.double, field(WideContext.Offset.window), .rbx)
    assembler.store(.double, field(WideContext.Offset.gas), .r12)
    assembler.arithmetic(.double, .add, .rsp, immediate: Self.frameByteCount)
    for register in Self.calleeSaved.reversed() { assembler.pop(register) }
    assembler.ret()
  }

  private mutating func emitHelperCall() {
    shared.helper = assembler.offset
    for register in Self.callerSaved { assembler.push(register) }
    assembler.arithmetic(.double, .sub, .rsp, immediate: 8)
    // Above: 8 bytes, six registers, the return address, then the scratch space.
    assembler.loadAddress(.rdi, X86Address(.rsp, 64 + 96))
    assembler.loadAddress(.rsi, X86Address(.rsp, 64))
    assembler.loadAddress(.rdx, X86Address(.rsp, 64 + 32))
    assembler.loadAddress(.rcx, X86Address(.rsp, 64 + 64))
    assembler.move(.double, .r8, .rbp)
    assembler.call(.rax)
    assembler.arithmetic(.double, .add, .rsp, immediate: 8)
    for register in Self.callerSaved.reversed() { assembler.pop(register) }
    assembler.ret()
  }

  private mutating func emitGrow() {
    shared.grow = assembler.offset
    for register in [.rax, .rcx, .rdx] + Self.callerSaved { assembler.push(register) }
    assembler.store(.double, field(WideContext.Offset.gas), .r12)
    assembler.move(.double, .rdi, .rbp)
    assembler.move(.double, .rsi, .rax)
    assembler.move(.double, .rdx, .rcx)
    assembler.load(.double, .rax, field(WideContext.Offset.growMemory))
    assembler.call(.rax)
    assembler.load(.double, .r12, field(WideContext.Offset.gas))
    assembler.load(.double, .r13, field(WideContext.Offset.memory))
    for register in Self.callerSaved.reversed() { assembler.pop(register) }
    assembler.pop(.rdx)
    assembler.pop(.rcx)
    assembler.test(.double, .rax, .rax)
    let hasFailed = assembler.jump(if: .notEqual)
    assembler.pop(.rax)
    assembler.arithmetic(.double, .add, .rcx, .rax)
    let isBeyond = assembler.jump(if: .below)
    assembler.arithmetic(.double, .compare, .rcx, field(WideContext.Offset.memoryByteCount))
    let isShort = assembler.jump(if: .above)
    assembler.ret()
    assembler.land(isBeyond)
    assembler.land(isShort)
    assembler.move(.rax, immediate: UInt64(VMFault.hostFault.rawValue))
    assembler.push(.rax)
    assembler.land(hasFailed)
    assembler.arithmetic(.double, .add, .rsp, immediate: 16)
    assembler.jump(to: shared.end)
  }

  mutating func emitColdPaths() {
    for path in coldPaths {
      assembler.reserve(64)
      assembler.land(path.patch)
      assembler.moveWord(Host.rdx, path.pc)
      switch path.kind {
      case .fault(let fault):
        assembler.moveWord(Host.rax, UInt32(fault.rawValue))
        assembler.jump(to: shared.end)
      case .outOfGas: assembler.jump(to: shared.outOfGas)
      case .hookFault: assembler.jump(to: shared.end)
      case .growAt(let address, let byteCount):
        assembler.moveWord(Host.rax, address)
        grow(byteCount, path)
      case .grow(let byteCount): grow(byteCount, path)
      case .growBeyond(let byteCount):
        assembler.moveSigned(Host.rax, -1)
        grow(byteCount, path)
      }
    }
  }

  private mutating func grow(_ byteCount: UInt8, _ path: WideColdPath) {
    assembler.moveWord(Host.rcx, UInt32(byteCount))
    assembler.call(shared.grow)
    assembler.jump(to: Int(path.resume))
  }
}
