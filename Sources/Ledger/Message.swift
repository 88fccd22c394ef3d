// A transaction's signed part: which accounts, which instructions, which blockhash
// (https://docs.rs/solana-message; the wire format is https://solana.com/docs/core/transactions).
// A message is a view: it shares the transaction's wire bytes and holds offsets, checked once by the decoder.

import Primitives

/// How many of the static keys sign and how many of each group are read-only.
@frozen @usableFromInline package struct MessageHeader: Sendable, Equatable {
  @usableFromInline package var requiredSignatureCount: UInt8
  @usableFromInline package var readonlySignedCount: UInt8
  @usableFromInline package var readonlyUnsignedCount: UInt8

  @inlinable package init(
    requiredSignatureCount: UInt8, readonlySignedCount: UInt8, readonlyUnsignedCount: UInt8
  ) {
    self.requiredSignatureCount = requiredSignatureCount
    self.readonlySignedCount = readonlySignedCount
    self.readonlyUnsignedCount = readonlyUnsignedCount
  }
}

package enum MessageVersion: Sendable, Equatable {
  case legacy
  case v0
}

/// The decoded message of one transaction; immutable. A class, so that a transaction on its way through decoding,
/// preparation and execution is one reference.
@usableFromInline package final class Message: Sendable {
  package let version: MessageVersion
  @usableFromInline package let header: MessageHeader
  /// The whole transaction's wire bytes; every offset below is into these.
  @usableFromInline package let bytes: [UInt8]
  /// Where `bytes` lie: they neither move nor change while this holds them, and reading them here costs no reference
  /// counting. The decoder has checked every offset.
  @usableFromInline nonisolated(unsafe) package let base: UnsafeRawPointer
  /// Where the message starts in `bytes`; it runs to the end.
  @usableFromInline package let offset: Int
  @usableFromInline package let keysOffset: Int
  @usableFromInline package let staticKeyCount: Int
  @usableFromInline package let blockhashOffset: Int
  @usableFromInline let instructionTable: InstructionTable
  /// Empty for a legacy message.
  package let addressTableLookups: [AddressTableLookup]

  init(
    version: MessageVersion, header: MessageHeader, bytes: [UInt8], base: UnsafeRawPointer, offset: Int,
    keysOffset: Int, staticKeyCount: Int, blockhashOffset: Int, instructions: InstructionTable,
    addressTableLookups: [AddressTableLookup]
  ) {
    self.version = version
    self.header = header
    self.bytes = bytes
    self.base = base
    self.offset = offset
    self.keysOffset = keysOffset
    self.staticKeyCount = staticKeyCount
    self.blockhashOffset = blockhashOffset
    instructionTable = instructions
    self.addressTableLookups = addressTableLookups
  }

  /// The key at `index` in `[0, staticKeyCount)`.
  @inlinable @inline(__always) package func staticKey(at index: Int) -> Pubkey {
    precondition(index >= 0 && index < staticKeyCount)
    return Pubkey(reading: base + (keysOffset &+ index &* 32))
  }

  package var staticKeys: [Pubkey] {
    [Pubkey](unsafeUninitializedCapacity: staticKeyCount) { buffer, count in
      for index in 0..<staticKeyCount { buffer.initializeElement(at: index, to: staticKey(at: index)) }
      count = staticKeyCount
    }
  }

  /// A recent blockhash, or a durable nonce.
  @inlinable package var recentBlockhash: Hash { Hash(reading: base + blockhashOffset) }

  /// The bytes that the signatures sign.
  package var messageBytes: ArraySlice<UInt8> { bytes[offset...] }

  /// Indices of the instruction's accounts, into static ++ looked-up keys.
  @inlinable package func accountIndices(of instruction: CompiledInstruction) -> ArraySlice<UInt8> {
    bytes[instruction.accountIndices]
  }

  @inlinable package func data(of instruction: CompiledInstruction) -> ArraySlice<UInt8> {
    bytes[instruction.data]
  }

  /// `accountIndices(of:)` where they lie, for as long as somebody holds the message.
  @inlinable @inline(__always)
  package func accountIndexBytes(of instruction: CompiledInstruction) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: base + Int(instruction.accountsOffset), count: Int(instruction.accountCount))
  }

  /// `data(of:)` where it lies, for as long as somebody holds the message.
  @inlinable @inline(__always)
  package func dataBytes(of instruction: CompiledInstruction) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + Int(instruction.dataOffset), count: Int(instruction.dataCount))
  }

  @inlinable @inline(__always) package var instructionCount: Int { instructionTable.count }

  /// The instruction at `index` in `[0, instructionCount)`.
  @inlinable @inline(__always) package func instruction(at index: Int) -> CompiledInstruction {
    precondition(index >= 0 && index < instructionTable.count)
    return index < InstructionTable.inlineCount
      ? instructionTable.first[index] : instructionTable.rest[index - InstructionTable.inlineCount]
  }

  /// The instructions as a collection.
  @inlinable package var instructions: Instructions { Instructions(message: self) }

  /// The program that `instruction` calls; the message must be sane.
  @inlinable @inline(__always) package func programID(of instruction: CompiledInstruction) -> Pubkey {
    staticKey(at: Int(instruction.programIndex))
  }

  /// Keys that the address table lookups add, writable and read-only together.
  package var lookedUpKeyCount: Int { addressTableLookups.reduce(0) { $0 + $1.count } }
}

extension Message {
  @frozen @usableFromInline package struct Instructions: RandomAccessCollection, Sendable {
    @usableFromInline let message: Message

    @inlinable init(message: Message) { self.message = message }
    @inlinable package var startIndex: Int { 0 }
    @inlinable package var endIndex: Int { message.instructionCount }
    @inlinable package subscript(index: Int) -> CompiledInstruction { message.instruction(at: index) }
  }
}

extension Message: Equatable {
  /// Everything else about a message follows from the bytes and from where it starts in them.
  @usableFromInline package static func == (left: Message, right: Message) -> Bool {
    left === right || left.offset == right.offset && left.bytes == right.bytes
  }
}

extension Message {
  /// Names the message whatever its signatures: BLAKE3 of a fixed prefix and the signed bytes, as in Agave.
  /// Computed at each call.
  package func hash() -> Hash {
    var hasher = BLAKE3()
    hasher.update(Array("solana-tx-message-v1".utf8))
    bytes.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    return hasher.finalize()
  }
}
