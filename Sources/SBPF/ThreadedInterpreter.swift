// The fast interpreter. Every instruction points at the C function that runs it; that function ends by
// jumping to the next instruction's. The optimiser makes those calls jumps because all of them have the same
// signature, whose six words stay in machine registers:
//
//   insn       the instruction
//   registers  r0–r10
//   context    VMContext
//   regions    VMContext.regions
//   limit      where the instruction pointer would be when the units run out, if the code went straight on
//   frame      host address of the end of the current stack frame
//
// Metering: `(limit - insn) / 16` is the number of units left before `insn`. Straight code changes nothing, a
// jump moves `limit` along with the instruction pointer, and `lddw`, which takes two slots and costs one
// unit, moves it one slot. It is looked at where code jumps, calls, exits or faults; when it has been passed
// by then, the instruction at which an exact meter would have stopped is found by walking back over the
// straight code.

enum ThreadedInterpreter {
  typealias Handler =
    @convention(c) (
      UnsafeRawPointer, UnsafeMutablePointer<UInt64>, UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int,
      UnsafeMutableRawPointer
    ) -> Int

  /// Units that fit between an address and the largest integer, with room for both.
  static let maxCountedUnits: Int64 = 1 << 58

  /// Runs from slot `pc` with the context's registers and call frames; frames' `returnPC` is an address in
  /// `threadedCode`.
  static func run(
    _ executable: Executable, _ context: UnsafeMutablePointer<VMContext>, from pc: Int
  ) {
    let units = context.pointee.remainingUnits
    guard units > 0 else {
      context.pointee.remainingUnits = 0
      context.pointee.fault = .exceededMaxInstructions
      context.pointee.faultPC = pc
      return
    }
    let code = executable.threadedCode
    context.pointee.code = UnsafeRawPointer(code)
    context.pointee.insns = executable.insns
    let entry = UnsafeRawPointer(code + pc)
    let counted = min(units, maxCountedUnits)
    context.pointee.spareUnits = units - counted
    let registers = context.pointee.registers
    // Versions with manual frames have no such address and never use it.
    let frame = UnsafeMutableRawPointer(bitPattern: UInt(registers[11])) ?? UnsafeMutableRawPointer(context)
    let limit = Int(bitPattern: entry) + Int(counted) * ThreadedInsn.byteCount
    _ = code[pc].run(
      entry, registers, UnsafeMutableRawPointer(context), UnsafeMutableRawPointer(context.pointee.regions),
      limit,
      frame)
  }
}

/// The six words of a running program and what instructions do with them. Everything here is inlined into
/// handlers.
struct ThreadedStep {
  let insn: UnsafePointer<ThreadedInsn>
  let r: UnsafeMutablePointer<UInt64>
  let context: UnsafeMutablePointer<VMContext>
  let regions: UnsafeMutablePointer<MemoryRegion>
  let limit: Int
  let frame: UnsafeMutableRawPointer

  @inline(__always) init(
    _ insn: UnsafeRawPointer, _ registers: UnsafeMutablePointer<UInt64>, _ context: UnsafeMutableRawPointer,
    _ regions: UnsafeMutableRawPointer, _ limit: Int, _ frame: UnsafeMutableRawPointer
  ) {
    self.insn = insn.assumingMemoryBound(to: ThreadedInsn.self)
    r = registers
    self.context = context.assumingMemoryBound(to: VMContext.self)
    self.regions = regions.assumingMemoryBound(to: MemoryRegion.self)
    self.limit = limit
    self.frame = frame
  }

  @inline(__always) var destination: Int { Int(insn.pointee.destination) }
  @inline(__always) var source: Int { Int(insn.pointee.source) }
  @inline(__always) var immediate: UInt64 { UInt64(bitPattern: Int64(insn.pointee.immediate)) }
  @inline(__always) var immediate32: UInt32 { UInt32(bitPattern: insn.pointee.immediate) }
  /// Units left before this instruction; zero or less when they ran out on the way here.
  @inline(__always) var units: Int { (limit &- Int(bitPattern: insn)) &>> 4 }
  @inline(__always) var isExhausted: Bool { limit <= Int(bitPattern: insn) }

  @inline(__always) func go(
    _ target: UnsafePointer<ThreadedInsn>, limit: Int, frame: UnsafeMutableRawPointer
  ) -> Int {
    target.pointee.run(
      UnsafeRawPointer(target), r, UnsafeMutableRawPointer(context), UnsafeMutableRawPointer(regions), limit,
      frame)
  }

  @inline(__always) func next() -> Int { go(insn + 1, limit: limit, frame: frame) }

  @inline(__always) func uncommon(_ path: ThreadedInterpreter.Uncommon) -> Int {
    context.pointee.uncommon[path.rawValue](
      UnsafeRawPointer(insn), r, UnsafeMutableRawPointer(context), UnsafeMutableRawPointer(regions), limit,
      frame)
  }
}

// MARK: - Arithmetic

extension ThreadedStep {
  @inline(__always) func imm64(_ operation: (UInt64, UInt64) -> UInt64) -> Int {
    r[destination] = operation(r[destination], immediate)
    return next()
  }

  @inline(__always) func reg64(_ operation: (UInt64, UInt64) -> UInt64) -> Int {
    r[destination] = operation(r[destination], r[source])
    return next()
  }

  /// 32-bit operands, result zero-extended.
  @inline(__always) func imm32(_ operation: (UInt32, UInt32) -> UInt32) -> Int {
    r[destination] = UInt64(operation(UInt32(truncatingIfNeeded: r[destination]), immediate32))
    return next()
  }

  @inline(__always) func reg32(_ operation: (UInt32, UInt32) -> UInt32) -> Int {
    let right = UInt32(truncatingIfNeeded: r[source])
    r[destination] = UInt64(operation(UInt32(truncatingIfNeeded: r[destination]), right))
    return next()
  }

  /// 32-bit operands, result sign-extended.
  @inline(__always) func imm32Signed(_ operation: (Int32, Int32) -> Int32) -> Int {
    let result = operation(Int32(truncatingIfNeeded: r[destination]), insn.pointee.immediate)
    r[destination] = UInt64(bitPattern: Int64(result))
    return next()
  }

  @inline(__always) func reg32Signed(_ operation: (Int32, Int32) -> Int32) -> Int {
    let right = Int32(truncatingIfNeeded: r[source])
    r[destination] = UInt64(bitPattern: Int64(operation(Int32(truncatingIfNeeded: r[destination]), right)))
    return next()
  }

  @inline(__always) func divide64(_ operation: (UInt64, UInt64) -> UInt64) -> Int {
    guard r[source] != 0 else { return uncommon(.divideByZero) }
    return reg64(operation)
  }

  @inline(__always) func divide32(_ operation: (UInt32, UInt32) -> UInt32) -> Int {
    guard UInt32(truncatingIfNeeded: r[source]) != 0 else { return uncommon(.divideByZero) }
    return reg32(operation)
  }

  /// As `imm64` with the immediate zero-extended.
  @inline(__always) func imm64Unsigned(_ operation: (UInt64, UInt64) -> UInt64) -> Int {
    r[destination] = operation(r[destination], UInt64(immediate32))
    return next()
  }

  @inline(__always) func signedDivide64Imm(_ operation: (Int64, Int64) -> Int64) -> Int {
    signedDivide64(by: immediate, operation)
  }

  @inline(__always) func signedDivide64Reg(_ operation: (Int64, Int64) -> Int64) -> Int {
    signedDivide64(by: r[source], operation)
  }

  @inline(__always) func signedDivide32Imm(_ operation: (Int32, Int32) -> Int32) -> Int {
    signedDivide32(by: immediate, operation)
  }

  @inline(__always) func signedDivide32Reg(_ operation: (Int32, Int32) -> Int32) -> Int {
    signedDivide32(by: r[source], operation)
  }

  @inline(__always) private func signedDivide64(by divisor: UInt64, _ operation: (Int64, Int64) -> Int64)
    -> Int
  {
    let (left, right) = (Int64(bitPattern: r[destination]), Int64(bitPattern: divisor))
    guard right != 0 else { return uncommon(.divideByZero) }
    guard left != .min || right != -1 else { return uncommon(.divideOverflow) }
    r[destination] = UInt64(bitPattern: operation(left, right))
    return next()
  }

  @inline(__always) private func signedDivide32(by divisor: UInt64, _ operation: (Int32, Int32) -> Int32)
    -> Int
  {
    let (left, right) = (Int32(truncatingIfNeeded: r[destination]), Int32(truncatingIfNeeded: divisor))
    guard right != 0 else { return uncommon(.divideByZero) }
    guard left != .min || right != -1 else { return uncommon(.divideOverflow) }
    r[destination] = UInt64(UInt32(bitPattern: operation(left, right)))
    return next()
  }

  @inline(__always) func loadWide() -> Int {
    r[destination] = UInt64(immediate32) | UInt64(UInt32(bitPattern: insn[1].immediate)) &<< 32
    return go(insn + 2, limit: limit &+ ThreadedInsn.byteCount, frame: frame)
  }

  /// Reverses the low `immediate` bits' bytes, if asked to, and clears the rest.
  @inline(__always) func order(swapsBytes: Bool) -> Int {
    let value = r[destination]
    let unused = 64 &- immediate
    r[destination] = swapsBytes ? value.byteSwapped &>> unused : (value &<< unused) &>> unused
    return next()
  }
}

// MARK: - Memory

extension ThreadedStep {
  /// The host memory of an access that needs no exact path.
  @inline(__always) func host(
    _ base: Int, byteCount: UInt64, bound: (UnsafeMutablePointer<MemoryRegion>) -> UInt64
  ) -> UnsafeMutableRawPointer? {
    let address = r[base] &+ UInt64(bitPattern: Int64(insn.pointee.offset))
    let index = address &>> 32
    guard index < 8 else { return nil }
    let region = regions + Int(truncatingIfNeeded: index)
    let offset = address & 0xffff_ffff
    guard offset &+ byteCount <= bound(region) else { return nil }
    return region.pointee.host + Int(truncatingIfNeeded: offset)
  }

  @inline(__always) func load<Word: FixedWidthInteger & UnsignedInteger>(
    _: Word.Type, else path: ThreadedInterpreter.Uncommon
  ) -> Int {
    let pointer = host(source, byteCount: UInt64(MemoryLayout<Word>.size)) { $0.pointee.readableByteCount }
    guard let pointer else { return uncommon(path) }
    r[destination] = UInt64(truncatingIfNeeded: pointer.loadUnaligned(as: Word.self))
    return next()
  }

  @inline(__always) func store<Word: FixedWidthInteger & UnsignedInteger>(
    _ value: Word, else path: ThreadedInterpreter.Uncommon
  ) -> Int {
    let pointer = host(destination, byteCount: UInt64(MemoryLayout<Word>.size)) {
      $0.pointee.writableByteCount
    }
    guard let pointer else { return uncommon(path) }
    pointer.storeBytes(of: value, as: Word.self)
    return next()
  }

  @inline(__always) func storeImm<Word: FixedWidthInteger & UnsignedInteger>(
    _: Word.Type, else path: ThreadedInterpreter.Uncommon
  ) -> Int {
    store(Word(truncatingIfNeeded: immediate), else: path)
  }

  @inline(__always) func storeReg<Word: FixedWidthInteger & UnsignedInteger>(
    _: Word.Type, else path: ThreadedInterpreter.Uncommon
  ) -> Int {
    store(Word(truncatingIfNeeded: r[source]), else: path)
  }

  @inline(__always) func loadFromFrame<Word: FixedWidthInteger & UnsignedInteger>(_: Word.Type) -> Int {
    let pointer = frame + Int(insn.pointee.offset)
    r[destination] = UInt64(truncatingIfNeeded: pointer.loadUnaligned(as: Word.self))
    return next()
  }

  @inline(__always) func storeToFrame<Word: FixedWidthInteger & UnsignedInteger>(_ value: Word) -> Int {
    (frame + Int(insn.pointee.offset)).storeBytes(of: value, as: Word.self)
    return next()
  }

  @inline(__always) func storeImmToFrame<Word: FixedWidthInteger & UnsignedInteger>(_: Word.Type) -> Int {
    storeToFrame(Word(truncatingIfNeeded: immediate))
  }

  @inline(__always) func storeRegToFrame<Word: FixedWidthInteger & UnsignedInteger>(_: Word.Type) -> Int {
    storeToFrame(Word(truncatingIfNeeded: r[source]))
  }
}

// MARK: - Jumps and calls

extension ThreadedStep {
  @inline(__always) func jump() -> Int {
    if isExhausted { return uncommon(.exhausted) }
    let distance = Int(insn.pointee.offset)
    return go(insn + (1 &+ distance), limit: limit &+ distance &* ThreadedInsn.byteCount, frame: frame)
  }

  @inline(__always) func jump(if isTaken: Bool) -> Int { isTaken ? jump() : next() }

  @inline(__always) func jumpImm(_ condition: (UInt64, UInt64) -> Bool) -> Int {
    jump(if: condition(r[destination], immediate))
  }

  @inline(__always) func jumpReg(_ condition: (UInt64, UInt64) -> Bool) -> Int {
    jump(if: condition(r[destination], r[source]))
  }

  @inline(__always) func jumpImmSigned(_ condition: (Int64, Int64) -> Bool) -> Int {
    jump(if: condition(Int64(bitPattern: r[destination]), Int64(insn.pointee.immediate)))
  }

  @inline(__always) func jumpRegSigned(_ condition: (Int64, Int64) -> Bool) -> Int {
    jump(if: condition(Int64(bitPattern: r[destination]), Int64(bitPattern: r[source])))
  }

  @inline(__always) func jumpImm32(_ condition: (UInt32, UInt32) -> Bool) -> Int {
    jump(if: condition(UInt32(truncatingIfNeeded: r[destination]), immediate32))
  }

  @inline(__always) func jumpReg32(_ condition: (UInt32, UInt32) -> Bool) -> Int {
    jump(if: condition(UInt32(truncatingIfNeeded: r[destination]), UInt32(truncatingIfNeeded: r[source])))
  }

  @inline(__always) func jumpImm32Signed(_ condition: (Int32, Int32) -> Bool) -> Int {
    jump(if: condition(Int32(truncatingIfNeeded: r[destination]), insn.pointee.immediate))
  }

  @inline(__always) func jumpReg32Signed(_ condition: (Int32, Int32) -> Bool) -> Int {
    jump(if: condition(Int32(truncatingIfNeeded: r[destination]), Int32(truncatingIfNeeded: r[source])))
  }

  /// Goes on at `target` after a call or a return.
  @inline(__always) func transfer(to target: UnsafePointer<ThreadedInsn>, frame: UnsafeMutableRawPointer)
    -> Int
  {
    let distance = Int(bitPattern: target) &- Int(bitPattern: insn + 1)
    return go(target, limit: limit &+ distance, frame: frame)
  }

  @inline(__always) func callInternal() -> Int {
    call(insn + Int(insn.pointee.immediate))
  }

  @inline(__always) func call(_ target: UnsafePointer<ThreadedInsn>) -> Int {
    if isExhausted { return uncommon(.exhausted) }
    let depth = context.pointee.callDepth &+ 1
    guard depth < GuestMemory.maxCallDepth else { return uncommon(.callDepthExceeded) }
    context.pointee.frames[depth &- 1] = CallFrame(
      r6: r[6], r7: r[7], r8: r[8], r9: r[9], framePointer: r[10], hostFrame: UInt64(UInt(bitPattern: frame)),
      returnPC: Int(bitPattern: insn + 1))
    context.pointee.callDepth = depth
    r[10] &+= context.pointee.frameStep
    let touched = UInt64(truncatingIfNeeded: depth &+ 1) &* GuestMemory.frameByteCount
    if touched > context.pointee.touchedStackByteCount { context.pointee.touchedStackByteCount = touched }
    return transfer(to: target, frame: frame + Int(truncatingIfNeeded: context.pointee.hostFrameStep))
  }

  @inline(__always) func callRegister() -> Int {
    let pc = (r[source] &- context.pointee.textAddress) &>> 3
    guard pc < UInt64(truncatingIfNeeded: context.pointee.slotCount) else { return uncommon(.callOutside) }
    let code = context.pointee.code.assumingMemoryBound(to: ThreadedInsn.self)
    return call(code + Int(truncatingIfNeeded: pc))
  }

  @inline(__always) func exit() -> Int {
    if isExhausted { return uncommon(.exhausted) }
    let depth = context.pointee.callDepth
    guard depth > 0 else { return uncommon(.exitProgram) }
    let saved = context.pointee.frames + (depth &- 1)
    context.pointee.callDepth = depth &- 1
    r[6] = saved.pointee.r6
    r[7] = saved.pointee.r7
    r[8] = saved.pointee.r8
    r[9] = saved.pointee.r9
    r[10] = saved.pointee.framePointer
    guard let target = UnsafePointer<ThreadedInsn>(bitPattern: saved.pointee.returnPC),
      let frame = UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: saved.pointee.hostFrame))
    else { return uncommon(.unsupported) }
    return transfer(to: target, frame: frame)
  }

  @inline(__always) func callSyscall() -> Int {
    if isExhausted { return uncommon(.exhausted) }
    let before = Int64(units &- 1) &+ context.pointee.spareUnits
    context.pointee.remainingUnits = before
    let function = UnsafeRawPointer(insn).load(fromByteOffset: 8, as: SyscallFunction.self)
    let result = function(UnsafeMutableRawPointer(context), r[1], r[2], r[3], r[4], r[5])
    let after = context.pointee.remainingUnits
    context.pointee.syscallUnits &+= before &- after
    guard context.pointee.fault == .none else { return uncommon(.syscallFailed) }
    r[0] = result
    let counted = min(max(after, 0), ThreadedInterpreter.maxCountedUnits)
    context.pointee.spareUnits = after &- counted
    let limit = Int(bitPattern: insn + 1) &+ Int(truncatingIfNeeded: counted) &* ThreadedInsn.byteCount
    return go(insn + 1, limit: limit, frame: frame)
  }
}
