// The VM's internal instruction: 16 bytes, one for each 8-byte slot of the encoding, so that a slot index is
// the pc that the reference reports. Decoding normalises: the immediate is extended as the operation wants
// it, `lddw` holds all 64 bits in its first slot, `callx` has its register in `source` whatever field the
// version uses.

/// One slot as it is encoded: opcode byte, registers, 16-bit offset, 32-bit immediate, little-endian.
@frozen @usableFromInline package struct EncodedInsn: Sendable, Equatable {
  @inlinable package static var byteCount: Int { 8 }

  @usableFromInline package var opcode: UInt8
  /// In [0, 16); registers above 10 do not exist.
  @usableFromInline package var destination: UInt8
  /// In [0, 16).
  @usableFromInline package var source: UInt8
  @usableFromInline package var offset: Int16
  @usableFromInline package var immediate: Int32

  @inlinable package init(
    opcode: UInt8, destination: UInt8 = 0, source: UInt8 = 0, offset: Int16 = 0, immediate: Int32 = 0
  ) {
    self.opcode = opcode
    self.destination = destination & 15
    self.source = source & 15
    self.offset = offset
    self.immediate = immediate
  }

  @inlinable package init(word: UInt64) {
    opcode = UInt8(truncatingIfNeeded: word)
    destination = UInt8(truncatingIfNeeded: word >> 8) & 15
    source = UInt8(truncatingIfNeeded: word >> 12) & 15
    offset = Int16(truncatingIfNeeded: word >> 16)
    immediate = Int32(truncatingIfNeeded: word >> 32)
  }

  package var word: UInt64 {
    UInt64(opcode) | UInt64(destination) << 8 | UInt64(source) << 12
      | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(UInt32(bitPattern: immediate)) << 32
  }

  /// The slots of `text`; bytes after the last whole slot are left out.
  package static func slots(of text: [UInt8]) -> [EncodedInsn] {
    text.withUnsafeBytes { bytes in
      (0..<bytes.count / byteCount).map { index in
        EncodedInsn(
          word: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * byteCount, as: UInt64.self)))
      }
    }
  }

  /// The bytes of `slots`.
  package static func bytes(of slots: [EncodedInsn]) -> [UInt8] {
    slots.flatMap { slot in withUnsafeBytes(of: slot.word.littleEndian) { Array($0) } }
  }
}

@frozen @usableFromInline package struct Insn: Sendable, Equatable {
  @usableFromInline package var opcode: Opcode
  @usableFromInline package var destination: UInt8
  @usableFromInline package var source: UInt8
  /// Bytes for loads and stores, slots for jumps.
  @usableFromInline package var offset: Int16
  /// Extended to 64 bits. `callInternal`: target pc; `callSyscall`: index in the executable's registry;
  /// `callUnresolved`: the call's immediate.
  @usableFromInline package var immediate: Int64

  @inlinable package init(
    _ opcode: Opcode, destination: UInt8 = 0, source: UInt8 = 0, offset: Int16 = 0, immediate: Int64 = 0
  ) {
    self.opcode = opcode
    self.destination = destination
    self.source = source
    self.offset = offset
    self.immediate = immediate
  }

  /// The operation in `slot`, whose following slot is `next`; nil where `version` has no such instruction.
  package init?(decoding slot: EncodedInsn, next: EncodedInsn?, version: SBPFVersion) {
    guard let shape = OpcodeShapes(version).decoding(slot.opcode) else { return nil }
    if shape.immediate == .wide, next == nil { return nil }
    self.init(slot, shape, next: next, version: version)
  }

  /// As above, for loops that have found the row of `slot` in the tables.
  @inline(__always) init(_ slot: EncodedInsn, _ shape: OpcodeShape, next: EncodedInsn?, version: SBPFVersion)
  {
    self.init(shape.opcode, destination: slot.destination, source: slot.source, offset: slot.offset)
    switch shape.immediate {
    case .none: break
    case .signExtended: immediate = Int64(slot.immediate)
    case .zeroExtended: immediate = Int64(UInt32(bitPattern: slot.immediate))
    case .wide:
      immediate = Int64(next?.immediate ?? 0) << 32 | Int64(UInt32(bitPattern: slot.immediate))
    }
    if opcode == .callx {
      if version.callxUsesDestinationField {
        source = slot.destination
      } else if !version.callxUsesSourceField {
        source = UInt8(truncatingIfNeeded: immediate)
      }
    }
  }
}
