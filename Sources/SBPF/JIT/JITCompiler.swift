// An executable's text to x86-64 machine code, in one pass over it; where blocks start, the verifier has noted
// (TextMap). A block is straight code that is entered at its start and left at its end; it pays for all its
// instructions when it is entered.
//
// Host registers: rbx JITState, rdi units left, r11 and rcx free within an instruction; the guest's registers
// are in `JITCompiler.host`. rbp is r10, or, where r10 cannot be written, the host address that r10 stands
// for. Inside the program the stack pointer is a multiple of 16 (before a call).
//
// What is uncommon lies behind the last block. Code that gives up calls `leave` in the shared code with
// nothing but its return address to say which instruction it is; see JITEngine.

import MachineCode

struct JITCompiler {
  /// Larger programs are left to the interpreter. An account holds at most 10 MiB, 1.3 million slots.
  static let maxSlotCount = 1 << 21
  /// No slot becomes more code than this, cold part included (JITTests shows it).
  static let maxByteCountPerSlot = 144
  /// Blocks are cut here so that what they cost fits a byte.
  private static let maxBlockUnits = 127

  let executable: Executable
  /// A bit for each slot and the text's end: whether a block starts there.
  private let blocks: UnsafeMutablePointer<UInt64>
  let slotCount: Int
  let usesHostFrames: Bool
  let hasGaps: Bool
  /// What constants of the program are mixed with, so that nobody can plan what bytes they become.
  let blindingKey: UInt64
  var assembler: X86Assembler
  var shared = SharedCode()
  var templates = Templates()
  let encodings: CommonEncodings
  /// The guest register that is not in a host register: 10, or none.
  let frameGuest: UInt8
  /// By slot: 0 until code that can be jumped to is written for it, then where.
  private let entriesBlock: CodePages.Block
  let entries: UnsafeMutablePointer<UInt32>
  private var jumps: PageBuffer<ForwardJump>
  private var coldPaths: PageBuffer<ColdPath>
  private var sites: PageBuffer<CodeSite>

  private struct ForwardJump {
    var patch: X86Patch
    var target: UInt32
  }

  /// Code behind the last block that `patch` jumps to.
  struct ColdPath {
    enum Kind: UInt8 {
      // The first eight are the kinds of accesses.
      case leave = 8
      case deeperCall = 9
    }

    let patch: X86Patch
    /// The kind above the lowest 24 bits.
    private let pcAndKind: UInt32

    init(patch: X86Patch, pc: Int, rawKind: UInt8) {
      self.patch = patch
      pcAndKind = UInt32(truncatingIfNeeded: pc) & 0xff_ffff | UInt32(rawKind) << 24
    }

    var pc: UInt32 { pcAndKind & 0xff_ffff }
    var rawKind: UInt8 { UInt8(truncatingIfNeeded: pcAndKind >> 24) }
  }

  /// nil where the program is too large or there is no memory for its code.
  static func compile(_ executable: Executable) -> MachineCode? {
    guard MachineCode.isSupported, executable.slotCount <= maxSlotCount, let encodings = CommonEncodings.shared
    else { return nil }
    var compiler = JITCompiler(executable, encodings, blindingKey: UInt64.random(in: .min ... .max))
    return compiler?.machineCode()
  }

  /// nil where there is no memory for what is usual.
  private init?(_ executable: Executable, _ encodings: CommonEncodings, blindingKey: UInt64) {
    self.executable = executable
    self.encodings = encodings
    self.blindingKey = blindingKey
    slotCount = executable.slotCount
    usesHostFrames = executable.usesHostFrames
    frameGuest = executable.usesHostFrames ? 10 : 255
    hasGaps = executable.version.hasStackFrameGaps
    let records = slotCount / 2 + 512
    let entryByteCount = (slotCount + 1) * MemoryLayout<UInt32>.stride
    let assembler = X86Assembler(capacity: SharedCode.maxByteCount + slotCount * 24)
    let jumps = PageBuffer<ForwardJump>(capacity: records)
    let coldPaths = PageBuffer<ColdPath>(capacity: records)
    let sites = PageBuffer<CodeSite>(capacity: records)
    guard let assembler, let jumps, let coldPaths, let sites,
      let entriesBlock = CodePages.allocate(entryByteCount)
    else {
      assembler?.free()
      jumps?.free()
      coldPaths?.free()
      sites?.free()
      return nil
    }
    (self.assembler, self.jumps, self.coldPaths, self.sites) = (assembler, jumps, coldPaths, sites)
    self.entriesBlock = entriesBlock
    blocks = executable.map.copyBlocks()
    entries = entriesBlock.start.bindMemory(to: UInt32.self, capacity: slotCount + 1)
    entries.initialize(repeating: 0, count: slotCount + 1)
  }

  private mutating func machineCode() -> MachineCode? {
    emitAll()
    blocks.deallocate()
    templates.free()
    jumps.free()
    coldPaths.free()
    let hasFailed = assembler.hasFailed || jumps.hasFailed || coldPaths.hasFailed || sites.hasFailed
    let codeByteCount = assembler.offset
    if hasFailed {
      assembler.free()
    } else if let block = CodePages.publish(assembler.finish(), codeByteCount: codeByteCount) {
      return MachineCode(
        block: block, codeByteCount: codeByteCount, entries: entriesBlock, entryCount: slotCount + 1,
        siteCount: sites.count, sites: sites.finish())
    }
    sites.free()
    CodePages.giveBack(entriesBlock)
    return nil
  }

  private mutating func emitAll() {
    let hasRegisterCalls = executable.map.hasRegisterCalls
    if hasRegisterCalls { markAddressTaken() }
    assembler.reserve(SharedCode.maxByteCount)
    emitSharedCode(hasRegisterCalls: hasRegisterCalls)
    makeTemplates()
    emitBlocks()
    emitColdPaths()
    for jump in jumps.elements { assembler.resolve(jump.patch, to: Int(entries[Int(jump.target)])) }
  }

  // MARK: Blocks

  /// Starts blocks wherever a word of the read-only data looks like an address in the text, as constants of
  /// the code do already. A computed call to another place is left to the interpreter.
  private func markAddressTaken() {
    let data = executable.rodata.start
    let text = executable.textRangeInRodata ?? 0..<0
    var offset = 0
    while offset + 8 <= executable.rodataByteCount {
      if offset == (text.lowerBound + 7) & ~7, text.count >= 16 { offset = text.upperBound & ~7 }
      guard offset + 8 <= executable.rodataByteCount else { return }
      let word = UInt64(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let pc = (word &- executable.textAddress) >> 3
      if pc < UInt64(slotCount) { markBlock(Int(pc)) }
      offset += 8
    }
  }

  @inline(__always) private func isBlock(_ pc: Int) -> Bool { blocks[pc >> 6] >> UInt64(pc & 63) & 1 != 0 }

  private func markBlock(_ pc: Int) { blocks[pc >> 6] |= 1 << UInt64(pc & 63) }

  private mutating func emitBlocks() {
    var decoder = InsnDecoder(executable)
    let forms = CommonForm.table(executable.version)
    let text = executable.text
    let slotCount = slotCount
    var pc = 0
    var units = 0
    var priceOffset = 0
    while pc <= slotCount {
      assembler.reserve(Self.maxByteCountPerSlot)
      if units == 0 || units == Self.maxBlockUnits || isBlock(pc) {
        if units > 0 { assembler.patch8(at: priceOffset, UInt8(truncatingIfNeeded: units)) }
        units = 0
        startBlock(pc)
        priceOffset = assembler.offset - Templates.priceDistance
      }
      // Behind the text is a zero, too, which is nothing common.
      let word = pc < slotCount ? text.word(at: pc) : 0
      let form = forms[Int(truncatingIfNeeded: word & 0xff)]
      units += 1
      if emitCommon(word, pc, form) {
        pc += 1
        // The place behind a jump starts a block, which is priced there.
        continue
      }
      let insn = decoder.insn(at: pc)
      emit(insn, pc)
      pc += 1
      if insn.opcode == .lddw { skipWideHigh(&pc, price: priceOffset, units: &units) }
    }
    assembler.patch8(at: priceOffset, UInt8(truncatingIfNeeded: units))
  }

  @inline(__always) private mutating func startBlock(_ pc: Int) {
    entries[pc] = UInt32(truncatingIfNeeded: assembler.offset)
    assembler.emit(templates.block)
    cold(templates.block, ColdPath.Kind.leave.rawValue, pc)
  }

  /// The second slot of a constant has code only if something calls it: a block that gives up.
  private mutating func skipWideHigh(_ pc: inout Int, price: Int, units: inout Int) {
    if isBlock(pc) {
      assembler.patch8(at: price, UInt8(units))
      jump(assembler.jump(), to: pc + 1)
      markBlock(pc + 1)
      units = 0
    } else {
      pc += 1
    }
  }

  /// Each is a call of shared code and, but for `leave`, a jump back: where to and how much of it is looked up.
  private mutating func emitColdPaths() {
    let kindCount = Int(ColdPath.Kind.deeperCall.rawValue) + 1
    var targets = [Int](repeating: shared.deeperCall, count: kindCount)
    // From the jump's distance to where the code goes on: behind it, or behind the load of a bias, which
    // the call has found.
    var resumes = [Int](repeating: 4, count: kindCount)
    var byteCounts = [Int](repeating: 10, count: kindCount)
    for raw in 0..<AccessKind.count {
      targets[raw] = shared.accesses[raw]
      resumes[raw] = templates.accesses[raw].patchDistance
    }
    targets[Int(ColdPath.Kind.leave.rawValue)] = shared.leave
    byteCounts[Int(ColdPath.Kind.leave.rawValue)] = 5
    for path in coldPaths.elements {
      let kind = Int(path.rawKind)
      assembler.reserve(16)
      assembler.land(path.patch)
      assembler.callAndJump(
        targets[kind], to: Int(path.patch.offset) + resumes[kind], keeping: byteCounts[kind])
      sites.append(
        CodeSite(
          offset: UInt32(truncatingIfNeeded: assembler.offset - byteCounts[kind] + 5), pc: path.pc))
    }
  }

  // MARK: For all instructions

  /// Code for `patch` that gives up at the instruction at `pc`.
  @inline(__always) mutating func leave(at pc: Int, from patch: X86Patch) {
    coldPaths.append(ColdPath(patch: patch, pc: pc, rawKind: ColdPath.Kind.leave.rawValue))
  }

  /// Code for the jump in `template`, which has just been written.
  @inline(__always) mutating func cold(_ template: X86Template, _ rawKind: UInt8, _ pc: Int) {
    let patch = X86Patch(offset: Int32(truncatingIfNeeded: assembler.offset - template.patchDistance))
    coldPaths.append(ColdPath(patch: patch, pc: pc, rawKind: rawKind))
  }

  /// Notes that the call just written belongs to the instruction at `pc`.
  @inline(__always) mutating func site(_ pc: Int) {
    sites.append(
      CodeSite(
        offset: UInt32(truncatingIfNeeded: assembler.offset), pc: UInt32(truncatingIfNeeded: pc)))
  }

  /// Sends `patch` to the block at slot `target`.
  @inline(__always) mutating func jump(_ patch: X86Patch, to target: Int) {
    let entry = entries[target]
    if entry != 0 {
      assembler.resolve(patch, to: Int(entry))
    } else {
      jumps.append(ForwardJump(patch: patch, target: UInt32(truncatingIfNeeded: target)))
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
  @inline(never) mutating func loadFramePointer(_ target: X86Register) {
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
