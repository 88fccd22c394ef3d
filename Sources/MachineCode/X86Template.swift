// Code that is made by the assembler once and copied afterwards.

/// Up to 32 bytes of code that is always the same, copied as a whole.
@frozen @usableFromInline package struct X86Template {
  @usableFromInline var bytes = SIMD32<UInt8>()
  @usableFromInline var byteCount = 0
  /// From the distance of its jump to its end, in bytes.
  @usableFromInline package internal(set) var patchDistance = 0

  @inlinable package init() {}
}

/// Up to 8 bytes of code, likewise.
@frozen @usableFromInline package struct X86Bytes {
  @usableFromInline package var bytes: UInt64 = 0
  @usableFromInline package var count = 0
  /// Bits before the byte that says how long the displacement is, where there is one.
  @usableFromInline package var modeShift: UInt32 = 0

  @inlinable package init(bytes: UInt64 = 0, count: Int = 0, modeShift: UInt32 = 0) {
    (self.bytes, self.count, self.modeShift) = (bytes, count, modeShift)
  }
}

extension X86Assembler {
  /// What `body` writes, at most 32 bytes, which are not kept here; it returns the jump to be patched, if any.
  @inlinable package mutating func template(_ body: (inout X86Assembler) -> X86Patch?) -> X86Template {
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
  @inlinable package mutating func bytes(_ body: (inout X86Assembler) -> Void) -> X86Bytes {
    let template = template {
      body(&$0)
      return nil
    }
    let count = min(template.byteCount, 8)
    var bytes: UInt64 = 0
    for index in 0..<count { bytes |= UInt64(template.bytes[index]) << UInt64(8 * index) }
    return X86Bytes(bytes: bytes, count: count)
  }

  @inline(__always) @inlinable package mutating func emit(_ bytes: X86Bytes) { emit(bytes.bytes, bytes.count) }

  /// An instruction made for a displacement of a byte, without it, and the displacement.
  @inline(__always) @inlinable package mutating func emit(_ bytes: X86Bytes, displacement: Int32) {
    let isShort = Int32(Int8(truncatingIfNeeded: displacement)) == displacement
    // The mode is 1 for a byte and 2 for four.
    let word = isShort ? bytes.bytes : bytes.bytes ^ 0xc0 << UInt64(bytes.modeShift)
    emit(word, bytes.count)
    emit(UInt64(UInt32(bitPattern: displacement)), isShort ? 1 : 4)
  }

  @inline(__always) @inlinable package mutating func emit(_ template: X86Template) { emit(template.bytes, template.byteCount) }
}
