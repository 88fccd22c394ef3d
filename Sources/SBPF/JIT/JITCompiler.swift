// An executable's decoded instructions to x86-64 machine code, in one pass over them after one that finds
// where blocks start. A block is straight code that is entered at its start and left at its end; it pays for
// all its instructions when it is entered.
//
// Host registers: rbx JITState, rdi units left, r11 and rcx free within an instruction; the guest's registers
// are in `JITCompiler.host`. rbp is r10, or, where r10 cannot be written, the host address that r10 stands
// for. Inside the program the stack pointer is a multiple of 16 (before a call).
//
// What is uncommon lies behind the last block. Code that gives up calls `leave` in the shared code with
// nothing but its return address to say which instruction it is; see JITEngine.

struct JITCompiler {
  /// Larger programs are left to the interpreter. An account holds at most 10 MiB, 1.3 million slots.
  static let maxSlotCount = 1 << 21
  /// No slot becomes more code than this, cold part included (JITTests shows it).
  static let maxByteCountPerSlot = 144
  /// Blocks are cut here so that what they cost fits a byte.
  private static let maxBlockUnits = 127

  let executable: Executable
  let insns: UnsafePointer<Insn>
  let slotCount: Int
  let usesHostFrames: Bool
  let hasGaps: Bool
  /// What constants of the program are mixed with, so that nobody can plan what bytes they become.
  let blindingKey: UInt64
  var assembler: X86Assembler
  var shared = SharedCode()
  /// By slot: 0, `isBlock` until its code is written, then where.
  let entries: UnsafeMutablePointer<UInt32>
  static let isBlock: UInt32 = .max
  var jumps: [(patch: X86Patch, target: UInt32)] = []
  var coldPaths: [ColdPath] = []
  var sites: [CodeSite] = []

  /// Code behind the last block that `patch` jumps to.
  struct ColdPath {
    enum Kind {
      case leave, deeperCall
      case access(AccessKind)
    }
    var kind: Kind
    var patch: X86Patch
    var resume: Int32
    var pc: UInt32
  }

  /// nil where the program is too large or there is no memory for its code.
  static func compile(_ executable: Executable) -> MachineCode? {
    guard JITEngine.isSupported, executable.slotCount <= maxSlotCount else { return nil }
    var compiler = JITCompiler(executable, blindingKey: UInt64.random(in: .min ... .max))
    defer { compiler.assembler.deallocate() }
    compiler.emitAll()
    let code = compiler.assembler
    let bytes = UnsafeRawBufferPointer(start: code.start, count: code.offset)
    guard let block = CodePages.publish(bytes) else {
      compiler.entries.deallocate()
      return nil
    }
    return MachineCode(
      block: block, codeByteCount: code.offset, entries: compiler.entries,
      entryCount: executable.slotCount + 1, sites: compiler.sites)
  }

  private init(_ executable: Executable, blindingKey: UInt64) {
    self.executable = executable
    self.blindingKey = blindingKey
    insns = UnsafePointer(executable.insns)
    slotCount = executable.slotCount
    usesHostFrames = executable.usesHostFrames
    hasGaps = executable.version.hasStackFrameGaps
    assembler = X86Assembler(capacity: SharedCode.maxByteCount + slotCount * 24)
    entries = .allocate(capacity: slotCount + 1)
    entries.initialize(repeating: 0, count: slotCount + 1)
    sites.reserveCapacity(slotCount / 2 + 8)
    coldPaths.reserveCapacity(slotCount / 2 + 8)
  }

  private mutating func emitAll() {
    let hasRegisterCalls = markBlocks()
    if hasRegisterCalls { markAddressTaken() }
    assembler.reserve(SharedCode.maxByteCount)
    emitSharedCode(hasRegisterCalls: hasRegisterCalls)
    emitBlocks()
    emitColdPaths()
    for jump in jumps { assembler.resolve(jump.patch, to: Int(entries[Int(jump.target)])) }
  }

  // MARK: Blocks

  /// Whether there is a `callx`.
  private mutating func markBlocks() -> Bool {
    entries[executable.entryPC] = Self.isBlock
    entries[slotCount] = Self.isBlock
    var hasRegisterCalls = false
    for pc in 0..<slotCount {
      let insn = insns[pc]
      guard insn.opcode.endsBlock, insn.opcode != .wideHigh else { continue }
      entries[pc + 1] = Self.isBlock
      if insn.opcode.rawValue < Opcode.call.rawValue {
        entries[pc + 1 + Int(insn.offset)] = Self.isBlock
      } else if insn.opcode == .callInternal {
        entries[Int(insn.immediate)] = Self.isBlock
      } else if insn.opcode == .callx {
        hasRegisterCalls = true
      }
    }
    return hasRegisterCalls
  }

  /// Starts blocks wherever a constant or a word of the read-only data looks like an address in the text. A
  /// computed call to another place is left to the interpreter.
  private mutating func markAddressTaken() {
    for pc in 0..<slotCount {
      let insn = insns[pc]
      if insn.opcode == .lddw { markAddress(UInt64(bitPattern: insn.immediate)) }
      if insn.opcode == .hor64Imm, pc > 0, insns[pc - 1].opcode == .mov32Imm {
        let low = UInt64(UInt32(truncatingIfNeeded: insns[pc - 1].immediate))
        markAddress(UInt64(bitPattern: insn.immediate) << 32 | low)
      }
    }
    let data = UnsafeRawBufferPointer(executable.rodata)
    var offset = 0
    while offset + 8 <= executable.rodataByteCount {
      markAddress(UInt64(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset += 8
    }
  }

  private func markAddress(_ address: UInt64) {
    let pc = (address &- executable.textAddress) >> 3
    if pc < UInt64(slotCount) { entries[Int(pc)] = Self.isBlock }
  }

  private mutating func emitBlocks() {
    var pc = 0
    var units = 0
    var priceOffset = 0
    while pc <= slotCount {
      assembler.reserve(Self.maxByteCountPerSlot)
      if entries[pc] != 0 || units == Self.maxBlockUnits || units == 0 {
        if units > 0 { assembler.patch8(at: priceOffset, UInt8(units)) }
        units = 0
        entries[pc] = UInt32(assembler.offset)
        assembler.arithmetic(.double, .sub, Host.units, immediate: 0)
        priceOffset = assembler.offset - 1
        cold(.leave, assembler.jump(if: .below), pc)
      }
      let insn = insns[pc]
      emit(insn, pc)
      units += 1
      if insn.opcode.endsBlock {
        assembler.patch8(at: priceOffset, UInt8(units))
        units = 0
      }
      pc += 1
      if insn.opcode == .lddw { skipWideHigh(&pc, price: priceOffset, units: &units) }
    }
  }

  /// The second slot of a constant has code only if something calls it: a block that gives up.
  private mutating func skipWideHigh(_ pc: inout Int, price: Int, units: inout Int) {
    if entries[pc] != 0 {
      assembler.patch8(at: price, UInt8(units))
      jump(assembler.jump(), to: pc + 1)
      entries[pc + 1] = Self.isBlock
      units = 0
    } else {
      pc += 1
    }
  }

  private mutating func emitColdPaths() {
    for path in coldPaths {
      assembler.reserve(32)
      assembler.land(path.patch)
      switch path.kind {
      case .leave: assembler.call(shared.leave)
      case .deeperCall: assembler.call(shared.deeperCall)
      case .access(let kind): assembler.call(shared.accesses[Int(kind.rawValue)])
      }
      sites.append(CodeSite(offset: UInt32(assembler.offset), pc: path.pc))
      if case .leave = path.kind { continue }
      assembler.jump(to: Int(path.resume))
    }
  }

  // MARK: For all instructions

  mutating func cold(_ kind: ColdPath.Kind, _ patch: X86Patch, _ pc: Int) {
    coldPaths.append(
      ColdPath(kind: kind, patch: patch, resume: Int32(truncatingIfNeeded: assembler.offset), pc: UInt32(pc)))
  }

  /// Notes that the call just written belongs to the instruction at `pc`.
  mutating func site(_ pc: Int) {
    sites.append(CodeSite(offset: UInt32(assembler.offset), pc: UInt32(pc)))
  }

  /// Sends `patch` to the block at slot `target`.
  mutating func jump(_ patch: X86Patch, to target: Int) {
    let entry = entries[target]
    if entry != 0, entry != Self.isBlock {
      assembler.resolve(patch, to: Int(entry))
    } else {
      jumps.append((patch, UInt32(target)))
    }
  }

  /// Gives up at the instruction at `pc`.
  mutating func leave(_ pc: Int) {
    assembler.call(shared.leave)
    site(pc)
  }
}

// MARK: - Registers and constants

extension JITCompiler {
  enum Host {
    static let state = X86Register.rbx
    static let units = X86Register.rdi
    /// Free within an instruction; the guest address of an access.
    static let address = X86Register.r11
    /// Free within an instruction; the region of an access, a shift's count.
    static let scratch = X86Register.rcx
    static let frame = X86Register.rbp

    static func field(_ offset: Int32) -> X86Address { X86Address(state, offset) }
  }

  /// Callee-saved registers hold what a call of the program preserves.
  @inline(__always) static func host(_ guest: UInt8) -> X86Register {
    switch guest {
    case 0: .rax
    case 1: .rsi
    case 2: .rdx
    case 3: .r10
    case 4: .r8
    case 5: .r9
    case 6: .r14
    case 7: .r15
    case 8: .r13
    case 9: .r12
    default: .rbp
    }
  }

  /// The register that holds guest register `guest`, which is `scratch` if it has to be computed.
  @inline(__always) mutating func value(of guest: UInt8, scratch: X86Register) -> X86Register {
    if guest < 10 || !usesHostFrames { return Self.host(guest) }
    loadFramePointer(scratch)
    return scratch
  }

  /// r10 from the host address of the frame.
  mutating func loadFramePointer(_ target: X86Register) {
    assembler.load(.double, target, Host.field(JITState.Offset.framePointerBias))
    assembler.loadAddress(target, X86Address(target, index: Host.frame, scale: hasGaps ? 1 : 0))
  }

  /// Whether a constant may stand in the code as it is. Those of one byte are of no use to somebody who wants
  /// the code to hold instructions of theirs.
  @inline(__always) static func isHarmless(_ value: Int64) -> Bool {
    Int64(Int8(truncatingIfNeeded: value)) == value
  }

  /// Loads a constant of the program without having it in the code. Leaves flags undefined; for constants of
  /// more than 33 bits it takes the other free register, too.
  mutating func loadConstant(_ target: X86Register, _ value: UInt64) {
    let key = UInt32(truncatingIfNeeded: blindingKey)
    let low = UInt32(truncatingIfNeeded: value)
    let high = value >> 32
    if Self.isHarmless(Int64(bitPattern: value)) { return assembler.move(target, immediate: value) }
    if high == 0 || high == 1 || high == 2 || high == 4 {
      assembler.move(target, immediate: UInt64(low ^ key))
      assembler.arithmetic(.word, .xor, target, immediate: Int32(bitPattern: key))
      if high != 0 { assembler.setBit(target, UInt8(32 + high.trailingZeroBitCount)) }
    } else if Int64(bitPattern: value) == Int64(Int32(bitPattern: low)) {
      assembler.move(target, immediate: UInt64(bitPattern: Int64(Int32(bitPattern: low ^ key))))
      assembler.arithmetic(.double, .xor, target, immediate: Int32(bitPattern: key))
    } else {
      let other = target == Host.scratch ? Host.address : Host.scratch
      assembler.move(target, immediate: value ^ blindingKey)
      assembler.move(other, immediate: blindingKey)
      assembler.arithmetic(.double, .xor, target, other)
    }
  }
}
