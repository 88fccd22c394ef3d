// The direct-threaded engine's ends and detours: faults, the exact path of memory accesses, exit. They are
// reached through a table of their own so that they, too, are jumps with the handlers' signature and cost
// handlers no stack.

extension ThreadedInterpreter {
  enum Uncommon: Int, CaseIterable {
    case exhausted, accessViolation, divideByZero, divideOverflow, callDepthExceeded, callOutside,
      unsupported, overrun,
      syscallFailed, exitProgram
    case load8, load16, load32, load64
    case storeImm8, storeImm16, storeImm32, storeImm64
    case storeReg8, storeReg16, storeReg32, storeReg64
  }

  /// By `Uncommon`'s raw value; written once, never freed.
  nonisolated(unsafe) static let uncommonHandlers: UnsafePointer<Handler> = {
    let table = UnsafeMutablePointer<Handler>.allocate(capacity: Uncommon.allCases.count)
    for path in Uncommon.allCases { (table + path.rawValue).initialize(to: handler(for: path)) }
    return UnsafePointer(table)
  }()

  private static func handler(for path: Uncommon) -> Handler {
    switch path {
    case .exhausted: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.exceededMaxInstructions) }
    case .accessViolation: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.accessViolation) }
    case .divideByZero: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.divideByZero) }
    case .divideOverflow: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.divideOverflow) }
    case .callDepthExceeded: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.callDepthExceeded) }
    case .callOutside: { ThreadedStep($0, $1, $2, $3, $4, $5).stopCallOutside() }
    case .unsupported: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.unsupportedInstruction) }
    case .overrun: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.executionOverrun) }
    case .syscallFailed: { ThreadedStep($0, $1, $2, $3, $4, $5).stopAfterSyscall() }
    case .exitProgram: { ThreadedStep($0, $1, $2, $3, $4, $5).stop(.none) }
    case .load8: { ThreadedStep($0, $1, $2, $3, $4, $5).loadExactly(UInt8.self) }
    case .load16: { ThreadedStep($0, $1, $2, $3, $4, $5).loadExactly(UInt16.self) }
    case .load32: { ThreadedStep($0, $1, $2, $3, $4, $5).loadExactly(UInt32.self) }
    case .load64: { ThreadedStep($0, $1, $2, $3, $4, $5).loadExactly(UInt64.self) }
    case .storeImm8: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmExactly(UInt8.self) }
    case .storeImm16: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmExactly(UInt16.self) }
    case .storeImm32: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmExactly(UInt32.self) }
    case .storeImm64: { ThreadedStep($0, $1, $2, $3, $4, $5).storeImmExactly(UInt64.self) }
    case .storeReg8: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegExactly(UInt8.self) }
    case .storeReg16: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegExactly(UInt16.self) }
    case .storeReg32: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegExactly(UInt32.self) }
    case .storeReg64: { ThreadedStep($0, $1, $2, $3, $4, $5).storeRegExactly(UInt64.self) }
    }
  }
}

extension ThreadedStep {
  private var pc: Int {
    (Int(bitPattern: insn) - Int(bitPattern: context.pointee.code)) / ThreadedInsn.byteCount
  }

  /// Ends the run at this instruction, or where the units ran out before it.
  func stop(_ fault: VMFault) -> Int {
    if units > 0 {
      context.pointee.remainingUnits = Int64(units) - 1 + context.pointee.spareUnits
      context.pointee.fault = fault
      context.pointee.faultPC = pc
      return 0
    }
    var stopPC = pc
    for _ in 0..<(-units) {
      stopPC -= 1
      if context.pointee.insns[stopPC].opcode == .wideHigh { stopPC -= 1 }
    }
    context.pointee.remainingUnits = 0
    context.pointee.fault = .exceededMaxInstructions
    context.pointee.faultPC = stopPC
    return 0
  }

  /// A `callx` with a bad target still runs out of call depth first, as it would after pushing its frame.
  func stopCallOutside() -> Int {
    stop(
      context.pointee.callDepth + 1 < GuestMemory.maxCallDepth ? .callOutsideTextSegment : .callDepthExceeded)
  }

  /// The syscall has set the fault, and the units are as it left them.
  func stopAfterSyscall() -> Int {
    context.pointee.faultPC = pc
    return 0
  }

  private func hostExactly(_ base: Int, byteCount: Int, access: MemoryAccess) -> UnsafeMutableRawPointer? {
    let address = r[base] &+ UInt64(bitPattern: Int64(insn.pointee.offset))
    let size = UInt64(byteCount)
    if let pointer = context.pointee.translateExactly(address: address, byteCount: size, access: access) {
      return pointer
    }
    context.pointee.failAccess(address: address, byteCount: size, access: access)
    return nil
  }

  @inline(__always) func loadExactly<Word: FixedWidthInteger & UnsignedInteger>(_: Word.Type) -> Int {
    guard let pointer = hostExactly(source, byteCount: MemoryLayout<Word>.size, access: .load) else {
      return uncommon(.accessViolation)
    }
    r[destination] = UInt64(truncatingIfNeeded: pointer.loadUnaligned(as: Word.self))
    return next()
  }

  @inline(__always) func storeExactly<Word: FixedWidthInteger & UnsignedInteger>(_ value: Word) -> Int {
    guard let pointer = hostExactly(destination, byteCount: MemoryLayout<Word>.size, access: .store) else {
      return uncommon(.accessViolation)
    }
    pointer.storeBytes(of: value, as: Word.self)
    return next()
  }

  @inline(__always) func storeImmExactly<Word: FixedWidthInteger & UnsignedInteger>(_: Word.Type) -> Int {
    storeExactly(Word(truncatingIfNeeded: immediate))
  }

  @inline(__always) func storeRegExactly<Word: FixedWidthInteger & UnsignedInteger>(_: Word.Type) -> Int {
    storeExactly(Word(truncatingIfNeeded: r[source]))
  }
}
