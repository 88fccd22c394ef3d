// Wire bytes to a `Transaction`, in one pass. Lengths are compact-u16 as solana-short-vec reads them: at most
// three bytes, never more than the value needs (https://docs.rs/solana-short-vec).

import Primitives

extension Transaction {
  /// Decodes wire bytes; keeps `bytes` without copying them.
  public static func decode(_ bytes: [UInt8]) throws(TransactionDecodingError) -> Transaction {
    guard bytes.count <= maximumByteCount else { throw .tooLong(byteCount: bytes.count) }
    return try bytes.withUnsafeBufferPointer { (buffer) throws(TransactionDecodingError) in
      guard let base = buffer.baseAddress, buffer.count > 0 else { throw .truncated(offset: 0) }
      var reader = WireReader(base: UnsafeRawPointer(base), count: buffer.count)
      return try reader.transaction(keeping: bytes)
    }
  }
}

/// A cursor over a transaction's bytes. Every read is checked against the end before it happens.
private struct WireReader {
  let base: UnsafeRawPointer
  let count: Int
  var offset = 0

  /// - Parameter bytes: what is read, which the message holds on to.
  @inline(__always)
  mutating func transaction(keeping bytes: [UInt8]) throws(TransactionDecodingError) -> Transaction {
    let signatureCount = Int(try byte())
    // A second length byte would make this a count of 128 or more, which no packet can hold.
    guard signatureCount < 0x80 else { throw .tooManySignatures }
    try skip(signatureCount * 64)

    let messageOffset = offset
    var requiredSignatureCount = try byte()
    var version = MessageVersion.legacy
    if requiredSignatureCount & 0x80 != 0 {
      guard requiredSignatureCount == 0x80 else { throw .unsupportedVersion(requiredSignatureCount & 0x7f) }
      version = .v0
      requiredSignatureCount = try byte()
    }
    let header = MessageHeader(
      requiredSignatureCount: requiredSignatureCount, readonlySignedCount: try byte(),
      readonlyUnsignedCount: try byte())
    let keyCount = try length()
    let keysOffset = offset
    try skip(keyCount * 32)
    let blockhashOffset = offset
    try skip(32)
    let instructions = try instructions()
    let lookups = version == .v0 ? try lookups() : []
    guard offset == count else { throw .trailingBytes(offset: offset) }
    return Transaction(
      message: Message(
        version: version, header: header, bytes: bytes, base: base, offset: messageOffset,
        keysOffset: keysOffset, staticKeyCount: keyCount, blockhashOffset: blockhashOffset,
        instructions: instructions,
        addressTableLookups: lookups),
      signatureCount: signatureCount)
  }

  @inline(__always)
  private mutating func instructions() throws(TransactionDecodingError) -> InstructionTable {
    let instructionCount = try length()
    // An instruction takes at least three bytes, so a hostile count is known at once.
    guard instructionCount * 3 <= count - offset else { throw .truncated(offset: offset) }
    var instructions = InstructionTable()
    for _ in 0..<instructionCount {
      let programIndex = try byte()
      let accountCount = try length()
      let accountsOffset = offset
      try skip(accountCount)
      let dataCount = try length()
      let dataOffset = offset
      try skip(dataCount)
      instructions.append(
        CompiledInstruction(
          programIndex: programIndex, accountsOffset: accountsOffset, accountCount: accountCount,
          dataOffset: dataOffset, dataCount: dataCount))
    }
    return instructions
  }

  private mutating func lookups() throws(TransactionDecodingError) -> [AddressTableLookup] {
    let lookupCount = try length()
    guard lookupCount <= (count - offset) / 34 else { throw .truncated(offset: offset) }
    var lookups: [AddressTableLookup] = []
    lookups.reserveCapacity(lookupCount)
    for _ in 0..<lookupCount {
      let keyOffset = offset
      try skip(32)
      let key = Pubkey(reading: base + keyOffset)
      let writable = try byteRange()
      let readonly = try byteRange()
      lookups.append(AddressTableLookup(tableKey: key, writableIndices: writable, readonlyIndices: readonly))
    }
    return lookups
  }

  private mutating func byteRange() throws(TransactionDecodingError) -> Range<Int> {
    let count = try length()
    let start = offset
    try skip(count)
    return start..<offset
  }

  @inline(__always) private mutating func byte() throws(TransactionDecodingError) -> UInt8 {
    guard offset < count else { throw .truncated(offset: offset) }
    defer { offset += 1 }
    return base.load(fromByteOffset: offset, as: UInt8.self)
  }

  @inline(__always) private mutating func skip(_ byteCount: Int) throws(TransactionDecodingError) {
    guard byteCount <= count - offset else { throw .truncated(offset: offset) }
    offset += byteCount
  }

  /// A compact-u16, `[0, 65535]`.
  @inline(__always) private mutating func length() throws(TransactionDecodingError) -> Int {
    guard offset < count else { throw .truncated(offset: offset) }
    let first = base.load(fromByteOffset: offset, as: UInt8.self)
    if first < 0x80 {
      offset += 1
      return Int(first)
    }
    return try longLength()
  }

  private mutating func longLength() throws(TransactionDecodingError) -> Int {
    let start = offset
    var value = 0
    for index in 0..<3 {
      let byte = try byte()
      if byte == 0 && index > 0 { throw .invalidLength(offset: start) }  // an alias of a shorter form
      if index == 2 && byte > 3 { throw .invalidLength(offset: start) }
      value |= Int(byte & 0x7f) << (7 * index)
      if byte & 0x80 == 0 { return value }
    }
    throw .invalidLength(offset: start)
  }
}

extension Transaction {
  /// Whether `key` is among the static keys of a transaction in wire form; of bytes that are none, any answer.
  package static func hasStaticKey(_ key: Pubkey, wire: [UInt8]) -> Bool {
    wire.withUnsafeBytes { bytes in
      guard let signatureCount = bytes.first, signatureCount < 128 else { return false }
      var offset = 1 + 64 * Int(signatureCount)
      // A version before the header of three bytes; a packet holds fewer keys than need a second byte to count.
      guard offset < bytes.count else { return false }
      offset += bytes[offset] & 0x80 != 0 ? 4 : 3
      guard offset < bytes.count, let base = bytes.baseAddress else { return false }
      let count = Int(bytes[offset])
      guard offset + 1 + 32 * count <= bytes.count else { return false }
      return (0..<count).contains { Pubkey(reading: base + offset + 1 + 32 * $0) == key }
    }
  }
}
