// Code that is made by the assembler once and copied afterwards.

/// Up to 32 bytes of code that is always the same, copied as a whole.
struct X86Template {
  fileprivate var bytes = SIMD32<UInt8>()
  fileprivate var byteCount = 0
  /// From the distance of its jump to its end, in bytes.
  fileprivate(set) var patchDistance = 0
}

/// Up to 8 bytes of code, likewise.
struct X86Bytes {
  var bytes: UInt64 = 0
  var count = 0
  /// Bits before the byte that says how long the displacement is, where there is one.
  var modeShift: UInt32 = 0
}

extension X86Assembler {
  /// What `body` writes, at most 32 bytes, which are not kept here; it returns the jump to be patched, if any.
  mutating func template(_ body: (inout X86Assembler) -> X86Patch?) -> X86Template {
    reserve(32)
    let first = offset
    let patch = body(&self)
    var template = X86Template()
    template.bytes = (start + first).loadUnaligned(as: SIMD32<UInt8>.self)
    template.byteCount = min(offset - first, 32)
    template.patchDistance = patch.map { offset - Int($0.offset) } ?? 0
    rewind(to: first)
    return template
  }

  /// What `body` writes, at most 8 bytes, which are not kept here.
  mutating func bytes(_ body: (inout X86Assembler) -> Void) -> X86Bytes {
    let template = template {
      body(&$0)
      return nil
    }
    let count = min(template.byteCount, 8)
    var bytes: UInt64 = 0
    for index in 0..<count { bytes |= UInt64(template.bytes[index]) << UInt64(8 * index) }
    return X86Bytes(bytes: bytes, count: count)
  }

  @inline(__always) mutating func emit(_ bytes: X86Bytes) { emit(bytes.bytes, bytes.count) }

  /// An instruction made for a displacement of a byte, without it, and the displacement.
  @inline(__always) mutating func emit(_ bytes: X86Bytes, displacement: Int32) {
    let isShort = Int32(Int8(truncatingIfNeeded: displacement)) == displacement
    // The mode is 1 for a byte and 2 for four.
    let word = isShort ? bytes.bytes : bytes.bytes ^ 0xc0 << UInt64(bytes.modeShift)
    emit(word, bytes.count)
    emit(UInt64(UInt32(bitPattern: displacement)), isShort ? 1 : 4)
  }

  @inline(__always) mutating func emit(_ template: X86Template) { emit(template.bytes, template.byteCount) }
}
