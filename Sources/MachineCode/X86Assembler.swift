// x86-64 instructions as bytes, written one after the other into a buffer, with labels whose jumps are
// patched when their place is known. It knows nothing of SBPF, so that another machine's assembler can stand
// beside it.
//
// Encodings: Intel 64 Architectures Software Developer's Manual, volume 2. Operands are written destination
// first. Jumps between labels are always 32 bits wide, which keeps each instruction's length independent of
// distances.

/// A host register by its number in the encoding.
@frozen @usableFromInline package enum X86Register: UInt8, CaseIterable {
  case rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
}

@frozen @usableFromInline package enum X86Width: Int {
  case byte = 8
  case half = 16
  case word = 32
  case double = 64
}

/// Operations of two operands that share one encoding scheme.
@frozen @usableFromInline package enum X86Arithmetic: UInt8 {
  case add = 0
  case or = 1
  case and = 4
  case sub = 5
  case xor = 6
  case compare = 7
}

@frozen @usableFromInline package enum X86Shift: UInt8 {
  case rotateLeft = 0
  case left = 4
  case right = 5
  case arithmeticRight = 7
}

/// Operations of the group F7, on one operand.
@frozen @usableFromInline package enum X86Unary: UInt8 {
  case not = 2
  case negate = 3
  case multiply = 4
  case signedMultiply = 5
  case divide = 6
  case signedDivide = 7
}

@frozen @usableFromInline package enum X86Condition: UInt8 {
  case below = 2
  case aboveOrEqual = 3
  case equal = 4
  case notEqual = 5
  case belowOrEqual = 6
  case above = 7
  case sign = 8
  case less = 12
  case greaterOrEqual = 13
  case lessOrEqual = 14
  case greater = 15
}

/// `[base + index * scale + displacement]`.
@frozen @usableFromInline package struct X86Address {
  @usableFromInline package var base: X86Register
  @usableFromInline package var index: X86Register?
  /// log2 of the factor, in 0...3.
  @usableFromInline package var scale: UInt8 = 0
  @usableFromInline package var displacement: Int32 = 0

  @inlinable package init(_ base: X86Register, _ displacement: Int32 = 0) {
    self.base = base
    self.displacement = displacement
  }

  @inlinable package init(_ base: X86Register, index: X86Register, scale: UInt8 = 0, _ displacement: Int32 = 0) {
    self.base = base
    self.index = index
    self.scale = scale
    self.displacement = displacement
  }
}

/// Where a 32-bit distance of a jump or call has to be written, as an offset in the code.
@frozen @usableFromInline package struct X86Patch {
  @usableFromInline package var offset: Int32

  @inlinable package init(offset: Int32) { self.offset = offset }
}

/// Writes into pages of its own, which its owner takes with `finish` or frees. An instruction is put together in
/// one word and stored as a whole, so up to `slack` bytes behind it are written, too.
@frozen @usableFromInline package struct X86Assembler {
  /// No instruction is longer.
  @inlinable package static var maxInstructionByteCount: Int { 15 }
  @inlinable static var slack: Int { 32 }

  @usableFromInline var block: CodePages.Block
  @usableFromInline package internal(set) var start: UnsafeMutableRawPointer
  @usableFromInline var cursor: UnsafeMutableRawPointer
  @usableFromInline var end: UnsafeMutableRawPointer
  /// Whether memory ran out; what was written is of no use then.
  @usableFromInline package internal(set) var hasFailed = false

  /// nil where there is no memory.
  @inlinable package init?(capacity: Int) {
    guard let block = CodePages.allocate(capacity + X86Assembler.slack) else { return nil }
    self.block = block
    start = block.start
    cursor = block.start
    end = block.start + block.byteCount
  }

  /// Bytes written; also the place of the next instruction.
  @inline(__always) @inlinable package var offset: Int { cursor - start }

  /// The pages, which the caller owns from now on.
  @inlinable package func finish() -> CodePages.Block { block }

  @inlinable package func free() { CodePages.giveBack(block) }

  /// Makes room for `byteCount` bytes more, at most a page.
  @inline(__always) @inlinable package mutating func reserve(_ byteCount: Int) {
    if end - cursor < byteCount + X86Assembler.slack { grow() }
  }

  @inline(never) @usableFromInline mutating func grow() {
    guard !hasFailed, let larger = CodePages.allocate(block.byteCount * 2 + CodePages.pageByteCount) else {
      // Goes on from the start, over what is of no use any more.
      hasFailed = true
      cursor = start
      return
    }
    let used = offset
    larger.start.copyMemory(from: start, byteCount: used)
    CodePages.giveBack(block)
    block = larger
    start = larger.start
    cursor = start + used
    end = start + larger.byteCount
  }

  // MARK: Bytes

  /// Writes the low `count` bytes of `bytes`, at most 8.
  @inline(__always) @inlinable package mutating func emit(_ bytes: UInt64, _ count: Int) {
    cursor.storeBytes(of: bytes, as: UInt64.self)
    cursor += count
  }

  @inline(__always) @inlinable package mutating func emit8(_ byte: UInt8) { emit(UInt64(byte), 1) }

  @inline(__always) @inlinable package mutating func emit32(_ word: UInt32) { emit(UInt64(word), 4) }

  @inline(__always) @inlinable package mutating func emit64(_ word: UInt64) { emit(word, 8) }

  @inlinable package func byte(at place: Int) -> UInt8 { start.load(fromByteOffset: place, as: UInt8.self) }

  @inline(__always) @inlinable package mutating func patch8(at place: Int, _ byte: UInt8) {
    start.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
  }

  /// Makes the jump or call at `patch` go to `target`, an offset in the code.
  @inline(__always) @inlinable package mutating func resolve(_ patch: X86Patch, to target: Int) {
    let distance = Int32(truncatingIfNeeded: target - Int(patch.offset) - 4)
    start.storeBytes(of: distance, toByteOffset: Int(patch.offset), as: Int32.self)
  }

  /// Writes 32 bytes, of which the first `count` count.
  @inline(__always) @inlinable package mutating func emit(_ bytes: SIMD32<UInt8>, _ count: Int) {
    cursor.storeBytes(of: bytes, as: SIMD32<UInt8>.self)
    cursor += count
  }

  /// Forgets what was written from `offset` on.
  @inlinable package mutating func rewind(to offset: Int) { cursor = start + offset }

  /// What stands where the distance of `patch` belongs, until it is known.
  @inline(__always) @inlinable package func distance(at patch: X86Patch) -> UInt32 {
    start.loadUnaligned(fromByteOffset: Int(patch.offset), as: UInt32.self)
  }

  @inline(__always) @inlinable package mutating func setDistance(at patch: X86Patch, _ word: UInt32) {
    start.storeBytes(of: word, toByteOffset: Int(patch.offset), as: UInt32.self)
  }

  // MARK: Operand encoding

  /// Prefixes, opcode and ModRM, of which `bytes` has the last two.
  @inline(__always) @inlinable mutating func instruction(
    _ bytes: UInt64, _ count: Int, isHalf: Bool, escaped: Bool, rex: UInt8, forced: Bool = false
  ) {
    var (bytes, count) = (bytes, count)
    if escaped {
      bytes = bytes << 8 | 0x0f
      count += 1
    }
    // Without a branch: which registers come next is as good as random.
    let hasPrefix: UInt64 = rex != 0 || forced ? 1 : 0
    bytes = bytes << (8 &* hasPrefix) | UInt64(0x40 | rex) &* hasPrefix
    count += Int(hasPrefix)
    if isHalf {
      bytes = bytes << 8 | 0x66
      count += 1
    }
    emit(bytes, count)
  }

  @inline(__always) @inlinable static func rex(
    wide: Bool, _ reg: UInt8, _ base: UInt8, index: UInt8 = 0
  ) -> UInt8 {
    (wide ? 8 : 0) | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3
  }

  /// An opcode alone, with a register in its low bits.
  @inline(__always) @inlinable mutating func short(_ opcode: UInt8, _ register: X86Register, wide: Bool = false)
  {
    instruction(
      UInt64(opcode | register.rawValue & 7), 1, isHalf: false, escaped: false,
      rex: Self.rex(wide: wide, 0, register.rawValue))
  }

  /// Prefixes, opcode and a memory operand. `forced`: byte registers without a prefix would mean AH to BH.
  @inline(__always) @inlinable mutating func memory(
    _ width: X86Width, _ opcode: UInt8, _ reg: UInt8, _ address: X86Address, escaped: Bool = false,
    isByteRegister: Bool = false
  ) {
    let base = address.base.rawValue & 7
    let isShort = Int32(Int8(truncatingIfNeeded: address.displacement)) == address.displacement
    // Base 5 (rbp, r13) without displacement means something else.
    let mode: UInt8 = address.displacement == 0 && base != 5 ? 0 : isShort ? 0x40 : 0x80
    let field = mode | (reg & 7) << 3
    let rex = Self.rex(
      wide: width == .double, reg, address.base.rawValue, index: address.index?.rawValue ?? 0)
    let forced = isByteRegister && reg >= 4
    if let index = address.index {
      let scaled = address.scale << 6 | (index.rawValue & 7) << 3 | base
      let bytes = UInt64(opcode) | UInt64(field | 4) << 8 | UInt64(scaled) << 16
      instruction(bytes, 3, isHalf: width == .half, escaped: escaped, rex: rex, forced: forced)
    } else {
      // Base 4 (rsp, r12) takes a second byte.
      let isExtended: UInt64 = base == 4 ? 1 : 0
      let bytes = UInt64(opcode) | UInt64(field | base) << 8 | (0x24 << 16) &* isExtended
      instruction(
        bytes, 2 + Int(isExtended), isHalf: width == .half, escaped: escaped, rex: rex, forced: forced)
    }
    emit(UInt64(UInt32(bitPattern: address.displacement)), mode == 0 ? 0 : mode == 0x40 ? 1 : 4)
  }

  /// Prefixes, opcode and a register operand.
  @inline(__always) @inlinable mutating func register(
    _ width: X86Width, _ opcode: UInt8, _ reg: UInt8, _ operand: X86Register, escaped: Bool = false,
    forced: Bool = false
  ) {
    let field = 0xc0 | (reg & 7) << 3 | operand.rawValue & 7
    instruction(
      UInt64(opcode) | UInt64(field) << 8, 2, isHalf: width == .half, escaped: escaped,
      rex: Self.rex(wide: width == .double, reg, operand.rawValue), forced: forced)
  }
}

// MARK: - Moves

extension X86Assembler {
  /// Registers of 32 bits clear the upper half of the destination, here and below.
  @inline(__always) @inlinable package mutating func move(_ width: X86Width, _ target: X86Register, _ source: X86Register) {
    register(width, 0x89, source.rawValue, target)
  }

  /// Shortest form that leaves all 64 bits of `value`.
  @inline(__always) @inlinable package mutating func move(_ target: X86Register, immediate value: UInt64) {
    if value == 0 { return arithmetic(.word, .xor, target, target) }
    if value <= UInt64(UInt32.max) {
      short(0xb8, target)
      emit32(UInt32(value))
    } else if Int64(bitPattern: value) == Int64(Int32(truncatingIfNeeded: value)) {
      register(.double, 0xc7, 0, target)
      emit32(UInt32(truncatingIfNeeded: value))
    } else {
      short(0xb8, target, wide: true)
      emit64(value)
    }
  }

  /// Loads `width` bits, zero-extended to 64.
  @inline(__always) @inlinable package mutating func load(_ width: X86Width, _ target: X86Register, _ address: X86Address) {
    switch width {
    case .byte: memory(.word, 0xb6, target.rawValue, address, escaped: true)
    case .half: memory(.word, 0xb7, target.rawValue, address, escaped: true)
    case .word, .double: memory(width, 0x8b, target.rawValue, address)
    }
  }

  @inline(__always) @inlinable package mutating func store(_ width: X86Width, _ address: X86Address, _ source: X86Register) {
    memory(
      width, width == .byte ? 0x88 : 0x89, source.rawValue, address, isByteRegister: width == .byte)
  }

  /// Stores the low bits of `value`, sign-extended for 64 bits.
  @inline(__always) @inlinable package mutating func store(_ width: X86Width, _ address: X86Address, immediate value: Int32) {
    memory(width, width == .byte ? 0xc6 : 0xc7, 0, address)
    switch width {
    case .byte: emit8(UInt8(truncatingIfNeeded: value))
    case .half:
      emit8(UInt8(truncatingIfNeeded: value))
      emit8(UInt8(truncatingIfNeeded: value >> 8))
    case .word, .double: emit32(UInt32(bitPattern: value))
    }
  }

  @inline(__always) @inlinable package mutating func loadAddress(_ target: X86Register, _ address: X86Address) {
    memory(.double, 0x8d, target.rawValue, address)
  }

  @inline(__always) @inlinable package mutating func zeroExtend(_ from: X86Width, _ target: X86Register, _ source: X86Register) {
    switch from {
    case .byte:
      register(.word, 0xb6, target.rawValue, source, escaped: true, forced: source.rawValue >= 4)
    case .half: register(.word, 0xb7, target.rawValue, source, escaped: true)
    case .word: move(.word, target, source)
    case .double: move(.double, target, source)
    }
  }

  /// 32 bits to 64.
  @inline(__always) @inlinable package mutating func signExtend(_ target: X86Register, _ source: X86Register) {
    register(.double, 0x63, target.rawValue, source)
  }

  @inline(__always) @inlinable package mutating func push(_ source: X86Register) {
    short(0x50, source)
  }

  @inline(__always) @inlinable package mutating func pop(_ target: X86Register) {
    short(0x58, target)
  }
}

// MARK: - Arithmetic

extension X86Assembler {
  @inline(__always) @inlinable package mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ target: X86Register, _ source: X86Register
  ) {
    register(width, operation.rawValue << 3 | 1, source.rawValue, target)
  }

  @inline(__always) @inlinable package mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ target: X86Register, immediate: Int32
  ) {
    let short = Int32(Int8(truncatingIfNeeded: immediate)) == immediate
    register(width, short ? 0x83 : 0x81, operation.rawValue, target)
    if short { emit8(UInt8(truncatingIfNeeded: immediate)) } else { emit32(UInt32(bitPattern: immediate)) }
  }

  @inline(__always) @inlinable package mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ target: X86Register, _ address: X86Address
  ) {
    memory(width, operation.rawValue << 3 | 3, target.rawValue, address)
  }

  @inline(__always) @inlinable package mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ address: X86Address, _ source: X86Register
  ) {
    memory(width, operation.rawValue << 3 | 1, source.rawValue, address)
  }

  /// A 32-bit immediate, extended to `width`.
  @inline(__always) @inlinable package mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ address: X86Address, immediate: Int32
  ) {
    memory(width, width == .byte ? 0x80 : 0x81, operation.rawValue, address)
    if width == .byte {
      emit8(UInt8(truncatingIfNeeded: immediate))
    } else {
      emit32(UInt32(bitPattern: immediate))
    }
  }

  @inline(__always) @inlinable package mutating func test(_ width: X86Width, _ left: X86Register, _ right: X86Register) {
    register(width, 0x85, right.rawValue, left)
  }

  @inline(__always) @inlinable package mutating func test(_ width: X86Width, _ left: X86Register, immediate: Int32) {
    register(width, 0xf7, 0, left)
    emit32(UInt32(bitPattern: immediate))
  }

  @inline(__always) @inlinable package mutating func unary(_ width: X86Width, _ operation: X86Unary, _ operand: X86Register) {
    register(width, 0xf7, operation.rawValue, operand)
  }

  @inline(__always) @inlinable package mutating func multiply(_ width: X86Width, _ target: X86Register, _ source: X86Register) {
    register(width, 0xaf, target.rawValue, source, escaped: true)
  }

  @inline(__always) @inlinable package mutating func multiply(_ width: X86Width, _ target: X86Register, by immediate: Int32) {
    let short = Int32(Int8(truncatingIfNeeded: immediate)) == immediate
    register(width, short ? 0x6b : 0x69, target.rawValue, target)
    if short { emit8(UInt8(truncatingIfNeeded: immediate)) } else { emit32(UInt32(bitPattern: immediate)) }
  }

  @inline(__always) @inlinable package mutating func shift(
    _ width: X86Width, _ operation: X86Shift, _ target: X86Register, by count: UInt8
  ) {
    register(width, 0xc1, operation.rawValue, target)
    emit8(count)
  }

  /// By the low bits of rcx.
  @inline(__always) @inlinable package mutating func shiftByRCX(_ width: X86Width, _ operation: X86Shift, _ target: X86Register)
  {
    register(width, 0xd3, operation.rawValue, target)
  }

  /// rax's sign into all of rdx.
  @inline(__always) @inlinable package mutating func extendSignIntoRDX(_ width: X86Width) {
    instruction(0x99, 1, isHalf: false, escaped: false, rex: Self.rex(wide: width == .double, 0, 0))
  }

  @inline(__always) @inlinable package mutating func swapBytes(_ width: X86Width, _ target: X86Register) {
    instruction(
      UInt64(0xc8 | target.rawValue & 7), 1, isHalf: false, escaped: true,
      rex: Self.rex(wide: width == .double, 0, target.rawValue))
  }

  @inline(__always) @inlinable package mutating func setBit(_ target: X86Register, _ bit: UInt8) {
    register(.double, 0xba, 5, target, escaped: true)
    emit8(bit)
  }

  @inline(__always) @inlinable package mutating func moveIf(
    _ condition: X86Condition, _ target: X86Register, _ source: X86Register
  ) {
    register(.double, 0x40 | condition.rawValue, target.rawValue, source, escaped: true)
  }
}

// MARK: - Control

extension X86Assembler {
  @inline(__always) @inlinable package mutating func jump() -> X86Patch {
    emit8(0xe9)
    return distance()
  }

  @inline(__always) @inlinable package mutating func jump(if condition: X86Condition) -> X86Patch {
    emit(0x0f | UInt64(0x80 | condition.rawValue) << 8, 2)
    return distance()
  }

  @inline(__always) @inlinable package mutating func call() -> X86Patch {
    emit8(0xe8)
    return distance()
  }

  /// The distance of a jump whose opcode has been written.
  @inline(__always) @inlinable package mutating func distance() -> X86Patch {
    emit32(0)
    return X86Patch(offset: Int32(truncatingIfNeeded: offset - 4))
  }

  @inline(__always) @inlinable package mutating func jump(to target: Int) {
    let patch = jump()
    resolve(patch, to: target)
  }

  @inline(__always) @inlinable package mutating func call(_ target: Int) {
    let patch = call()
    resolve(patch, to: target)
  }

  /// A call and a jump, of which only the first `byteCount` bytes (5 or 10) count.
  @inline(__always) @inlinable package mutating func callAndJump(_ callee: Int, to target: Int, keeping byteCount: Int) {
    let calls = UInt64(UInt32(truncatingIfNeeded: callee - offset - 5))
    let jumps = UInt64(UInt32(truncatingIfNeeded: target - offset - 10))
    emit(0xe8 | calls << 8 | 0xe9 << 40, 6)
    emit(jumps, byteCount - 6)
  }

  @inline(__always) @inlinable package mutating func call(_ target: X86Register) { register(.word, 0xff, 2, target) }

  /// Writes the distance of `patch` so that it goes to the next instruction.
  @inline(__always) @inlinable package mutating func land(_ patch: X86Patch) { resolve(patch, to: offset) }

  @inline(__always) @inlinable package mutating func ret() { emit8(0xc3) }

  @inline(__always) @inlinable package mutating func trap() { emit8(0xcc) }
}
