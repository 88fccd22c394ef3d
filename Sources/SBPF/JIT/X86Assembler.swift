// x86-64 instructions as bytes, written one after the other into a buffer, with labels whose jumps are
// patched when their place is known. It knows nothing of SBPF, so that another machine's assembler can stand
// beside it.
//
// Encodings: Intel 64 Architectures Software Developer's Manual, volume 2. Operands are written destination
// first. Jumps between labels are always 32 bits wide, which keeps each instruction's length independent of
// distances.

/// A host register by its number in the encoding.
enum X86Register: UInt8, CaseIterable {
  case rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
}

enum X86Width: Int {
  case byte = 8
  case half = 16
  case word = 32
  case double = 64
}

/// Operations of two operands that share one encoding scheme.
enum X86Arithmetic: UInt8 {
  case add = 0
  case or = 1
  case and = 4
  case sub = 5
  case xor = 6
  case compare = 7
}

enum X86Shift: UInt8 {
  case rotateLeft = 0
  case left = 4
  case right = 5
  case arithmeticRight = 7
}

/// Operations of the group F7, on one operand.
enum X86Unary: UInt8 {
  case not = 2
  case negate = 3
  case multiply = 4
  case signedMultiply = 5
  case divide = 6
  case signedDivide = 7
}

enum X86Condition: UInt8 {
  case below = 2
  case aboveOrEqual = 3
  case equal = 4
  case notEqual = 5
  case belowOrEqual = 6
  case above = 7
  case sign = 8
  case less = 12
  case
    greaterOrEqual = 13
  case lessOrEqual = 14
  case greater = 15
}

/// `[base + index * scale + displacement]`.
struct X86Address {
  var base: X86Register
  var index: X86Register?
  /// log2 of the factor, in 0...3.
  var scale: UInt8 = 0
  var displacement: Int32 = 0

  init(_ base: X86Register, _ displacement: Int32 = 0) {
    self.base = base
    self.displacement = displacement
  }

  init(_ base: X86Register, index: X86Register, scale: UInt8 = 0, _ displacement: Int32 = 0) {
    self.base = base
    self.index = index
    self.scale = scale
    self.displacement = displacement
  }
}

/// Where a 32-bit distance of a jump or call has to be written, as an offset in the code.
struct X86Patch { var offset: Int32 }

/// The buffer belongs to the assembler's owner, which calls `reserve` often enough and `deallocate` at the
/// end.
struct X86Assembler {
  /// No instruction is longer.
  static let maxInstructionByteCount = 15

  private(set) var start: UnsafeMutableRawPointer
  private var capacity: Int
  /// Bytes written; also the place of the next instruction.
  private(set) var offset = 0

  init(capacity: Int) {
    self.capacity = max(capacity, 64)
    start = .allocate(byteCount: self.capacity, alignment: 16)
  }

  func deallocate() { start.deallocate() }

  /// Makes room for `byteCount` bytes more.
  @inline(__always) mutating func reserve(_ byteCount: Int) {
    if capacity - offset < byteCount { grow(byteCount) }
  }

  @inline(never) private mutating func grow(_ byteCount: Int) {
    let larger = max(capacity * 2, offset + byteCount)
    let copy = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    copy.copyMemory(from: start, byteCount: offset)
    start.deallocate()
    start = copy
    capacity = larger
  }

  // MARK: Bytes

  @inline(__always) mutating func emit8(_ byte: UInt8) {
    start.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    offset += 1
  }

  @inline(__always) mutating func emit32(_ word: UInt32) {
    start.storeBytes(of: word, toByteOffset: offset, as: UInt32.self)
    offset += 4
  }

  @inline(__always) mutating func emit64(_ word: UInt64) {
    start.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
    offset += 8
  }

  func byte(at place: Int) -> UInt8 { start.load(fromByteOffset: place, as: UInt8.self) }

  mutating func patch8(at place: Int, _ byte: UInt8) {
    start.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
  }

  /// Makes the jump or call at `patch` go to `target`, an offset in the code.
  @inline(__always) mutating func resolve(_ patch: X86Patch, to target: Int) {
    let distance = Int32(truncatingIfNeeded: target - Int(patch.offset) - 4)
    start.storeBytes(of: distance, toByteOffset: Int(patch.offset), as: Int32.self)
  }

  // MARK: Operand encoding

  /// REX prefix; `forced` where byte registers would otherwise mean AH to BH.
  @inline(__always) private mutating func rex(
    wide: Bool, _ reg: UInt8, _ index: UInt8 = 0, _ base: UInt8, forced: Bool = false
  ) {
    let bits = (wide ? 8 : 0) | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3
    if bits != 0 || forced { emit8(0x40 | bits) }
  }

  @inline(__always) private mutating func modRM(_ reg: UInt8, _ register: X86Register) {
    emit8(0xc0 | (reg & 7) << 3 | register.rawValue & 7)
  }

  @inline(__always) private mutating func modRM(_ reg: UInt8, _ address: X86Address) {
    let base = address.base.rawValue & 7
    let short = Int32(Int8(truncatingIfNeeded: address.displacement)) == address.displacement
    // Base 5 (rbp, r13) without displacement means something else.
    let mode: UInt8 = address.displacement == 0 && base != 5 ? 0 : short ? 0x40 : 0x80
    if let index = address.index {
      emit8(mode | (reg & 7) << 3 | 4)
      emit8(address.scale << 6 | (index.rawValue & 7) << 3 | base)
    } else if base == 4 {
      emit8(mode | (reg & 7) << 3 | 4)
      emit8(0x24)
    } else {
      emit8(mode | (reg & 7) << 3 | base)
    }
    if mode == 0x40 {
      emit8(UInt8(truncatingIfNeeded: address.displacement))
    } else if mode == 0x80 {
      emit32(UInt32(bitPattern: address.displacement))
    }
  }

  /// Prefixes, opcode and a memory operand.
  @inline(__always) private mutating func memory(
    _ width: X86Width, _ opcode: UInt8, _ reg: UInt8, _ address: X86Address, escaped: Bool = false,
    isByteRegister: Bool = false
  ) {
    if width == .half { emit8(0x66) }
    rex(
      wide: width == .double, reg, address.index?.rawValue ?? 0, address.base.rawValue,
      forced: isByteRegister && reg >= 4)
    if escaped { emit8(0x0f) }
    emit8(opcode)
    modRM(reg, address)
  }

  /// Prefixes, opcode and a register operand.
  @inline(__always) private mutating func register(
    _ width: X86Width, _ opcode: UInt8, _ reg: UInt8, _ operand: X86Register, escaped: Bool = false
  ) {
    if width == .half { emit8(0x66) }
    rex(wide: width == .double, reg, 0, operand.rawValue)
    if escaped { emit8(0x0f) }
    emit8(opcode)
    modRM(reg, operand)
  }
}

// MARK: - Moves

extension X86Assembler {
  /// Registers of 32 bits clear the upper half of the destination, here and below.
  @inline(__always) mutating func move(_ width: X86Width, _ target: X86Register, _ source: X86Register) {
    register(width, 0x89, source.rawValue, target)
  }

  /// Shortest form that leaves all 64 bits of `value`.
  @inline(__always) mutating func move(_ target: X86Register, immediate value: UInt64) {
    if value == 0 { return arithmetic(.word, .xor, target, target) }
    if value <= UInt64(UInt32.max) {
      rex(wide: false, 0, 0, target.rawValue)
      emit8(0xb8 | target.rawValue & 7)
      emit32(UInt32(value))
    } else if Int64(bitPattern: value) == Int64(Int32(truncatingIfNeeded: value)) {
      register(.double, 0xc7, 0, target)
      emit32(UInt32(truncatingIfNeeded: value))
    } else {
      rex(wide: true, 0, 0, target.rawValue)
      emit8(0xb8 | target.rawValue & 7)
      emit64(value)
    }
  }

  /// Loads `width` bits, zero-extended to 64.
  @inline(__always) mutating func load(_ width: X86Width, _ target: X86Register, _ address: X86Address) {
    switch width {
    case .byte: memory(.word, 0xb6, target.rawValue, address, escaped: true)
    case .half: memory(.word, 0xb7, target.rawValue, address, escaped: true)
    case .word, .double: memory(width, 0x8b, target.rawValue, address)
    }
  }

  @inline(__always) mutating func store(_ width: X86Width, _ address: X86Address, _ source: X86Register) {
    memory(
      width, width == .byte ? 0x88 : 0x89, source.rawValue, address, isByteRegister: width == .byte)
  }

  /// Stores the low bits of `value`, sign-extended for 64 bits.
  mutating func store(_ width: X86Width, _ address: X86Address, immediate value: Int32) {
    memory(width, width == .byte ? 0xc6 : 0xc7, 0, address)
    switch width {
    case .byte: emit8(UInt8(truncatingIfNeeded: value))
    case .half:
      emit8(UInt8(truncatingIfNeeded: value))
      emit8(UInt8(truncatingIfNeeded: value >> 8))
    case .word, .double: emit32(UInt32(bitPattern: value))
    }
  }

  @inline(__always) mutating func loadAddress(_ target: X86Register, _ address: X86Address) {
    memory(.double, 0x8d, target.rawValue, address)
  }

  mutating func zeroExtend(_ from: X86Width, _ target: X86Register, _ source: X86Register) {
    switch from {
    case .byte:
      rex(wide: false, target.rawValue, 0, source.rawValue, forced: source.rawValue >= 4)
      emit8(0x0f)
      emit8(0xb6)
      modRM(target.rawValue, source)
    case .half: register(.word, 0xb7, target.rawValue, source, escaped: true)
    case .word: move(.word, target, source)
    case .double: move(.double, target, source)
    }
  }

  /// 32 bits to 64.
  @inline(__always) mutating func signExtend(_ target: X86Register, _ source: X86Register) {
    register(.double, 0x63, target.rawValue, source)
  }

  mutating func push(_ source: X86Register) {
    rex(wide: false, 0, 0, source.rawValue)
    emit8(0x50 | source.rawValue & 7)
  }

  mutating func pop(_ target: X86Register) {
    rex(wide: false, 0, 0, target.rawValue)
    emit8(0x58 | target.rawValue & 7)
  }
}

// MARK: - Arithmetic

extension X86Assembler {
  @inline(__always) mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ target: X86Register, _ source: X86Register
  ) {
    register(width, operation.rawValue << 3 | 1, source.rawValue, target)
  }

  @inline(__always) mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ target: X86Register, immediate: Int32
  ) {
    let short = Int32(Int8(truncatingIfNeeded: immediate)) == immediate
    register(width, short ? 0x83 : 0x81, operation.rawValue, target)
    if short { emit8(UInt8(truncatingIfNeeded: immediate)) } else { emit32(UInt32(bitPattern: immediate)) }
  }

  mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ target: X86Register, _ address: X86Address
  ) {
    memory(width, operation.rawValue << 3 | 3, target.rawValue, address)
  }

  mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ address: X86Address, _ source: X86Register
  ) {
    memory(width, operation.rawValue << 3 | 1, source.rawValue, address)
  }

  /// A 32-bit immediate, extended to `width`.
  mutating func arithmetic(
    _ width: X86Width, _ operation: X86Arithmetic, _ address: X86Address, immediate: Int32
  ) {
    memory(width, width == .byte ? 0x80 : 0x81, operation.rawValue, address)
    if width == .byte {
      emit8(UInt8(truncatingIfNeeded: immediate))
    } else {
      emit32(UInt32(bitPattern: immediate))
    }
  }

  mutating func test(_ width: X86Width, _ left: X86Register, _ right: X86Register) {
    register(width, 0x85, right.rawValue, left)
  }

  mutating func test(_ width: X86Width, _ left: X86Register, immediate: Int32) {
    register(width, 0xf7, 0, left)
    emit32(UInt32(bitPattern: immediate))
  }

  mutating func unary(_ width: X86Width, _ operation: X86Unary, _ operand: X86Register) {
    register(width, 0xf7, operation.rawValue, operand)
  }

  mutating func multiply(_ width: X86Width, _ target: X86Register, _ source: X86Register) {
    register(width, 0xaf, target.rawValue, source, escaped: true)
  }

  mutating func multiply(_ width: X86Width, _ target: X86Register, by immediate: Int32) {
    let short = Int32(Int8(truncatingIfNeeded: immediate)) == immediate
    register(width, short ? 0x6b : 0x69, target.rawValue, target)
    if short { emit8(UInt8(truncatingIfNeeded: immediate)) } else { emit32(UInt32(bitPattern: immediate)) }
  }

  mutating func shift(_ width: X86Width, _ operation: X86Shift, _ target: X86Register, by count: UInt8) {
    register(width, 0xc1, operation.rawValue, target)
    emit8(count)
  }

  /// By the low bits of rcx.
  mutating func shiftByRCX(_ width: X86Width, _ operation: X86Shift, _ target: X86Register) {
    register(width, 0xd3, operation.rawValue, target)
  }

  /// rax's sign into all of rdx.
  mutating func extendSignIntoRDX(_ width: X86Width) {
    rex(wide: width == .double, 0, 0, 0)
    emit8(0x99)
  }

  mutating func swapBytes(_ width: X86Width, _ target: X86Register) {
    rex(wide: width == .double, 0, 0, target.rawValue)
    emit8(0x0f)
    emit8(0xc8 | target.rawValue & 7)
  }

  mutating func setBit(_ target: X86Register, _ bit: UInt8) {
    register(.double, 0xba, 5, target, escaped: true)
    emit8(bit)
  }

  mutating func moveIf(_ condition: X86Condition, _ target: X86Register, _ source: X86Register) {
    register(.double, 0x40 | condition.rawValue, target.rawValue, source, escaped: true)
  }
}

// MARK: - Control

extension X86Assembler {
  @inline(__always) mutating func jump() -> X86Patch {
    emit8(0xe9)
    return distance()
  }

  @inline(__always) mutating func jump(if condition: X86Condition) -> X86Patch {
    emit8(0x0f)
    emit8(0x80 | condition.rawValue)
    return distance()
  }

  @inline(__always) mutating func call() -> X86Patch {
    emit8(0xe8)
    return distance()
  }

  @inline(__always) private mutating func distance() -> X86Patch {
    emit32(0)
    return X86Patch(offset: Int32(truncatingIfNeeded: offset - 4))
  }

  mutating func jump(to target: Int) {
    let patch = jump()
    resolve(patch, to: target)
  }

  mutating func call(_ target: Int) {
    let patch = call()
    resolve(patch, to: target)
  }

  mutating func call(_ target: X86Register) { register(.word, 0xff, 2, target) }

  /// Writes the distance of `patch` so that it goes to the next instruction.
  mutating func land(_ patch: X86Patch) { resolve(patch, to: offset) }

  mutating func ret() { emit8(0xc3) }

  mutating func trap() { emit8(0xcc) }
}
