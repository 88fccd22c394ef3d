// The secp256k1 precompile: a count, then for each signature 11 bytes of offsets; an Ethereum address must be
// the one that the recoverable signature over the message's Keccak-256 gives
// (https://docs.rs/solana-secp256k1-program). Instruction numbers are bytes, and no number stands for "this
// one".

import Primitives

enum Secp256k1Precompile {
  private static let offsetsByteCount = 11
  private static let signatureByteCount = 64
  private static let addressByteCount = 20

  static func verify(_ data: [UInt8], instructions: [[UInt8]]) throws(PrecompileError) {
    guard let first = data.first else { throw .invalidInstructionDataSize }
    let count = Int(first)
    if count == 0 && data.count > 1 { throw .invalidInstructionDataSize }
    guard data.count >= 1 + count * offsetsByteCount else { throw .invalidInstructionDataSize }
    var checks = Checks()
    do throws(PrecompileError) {
      for index in 0..<count {
        let start = 1 + index * offsetsByteCount
        try add(data[start..<start + offsetsByteCount], instructions, to: &checks)
      }
    } catch {
      // A signature by another before the one that is malformed is told first.
      try checks.run()
      throw error
    }
    try checks.run()
  }

  /// Signatures that are well-formed, to be recovered together, and whose they must be.
  private struct Checks {
    var batch = Secp256k1.Batch()
    var addresses: [Address?] = []

    mutating func run() throws(PrecompileError) {
      for (signer, address) in zip(batch.addresses(), addresses) {
        guard let signer, signer == address else { throw .invalidSignature }
      }
    }
  }

  /// signature u16 · its instruction u8 · address u16 · its instruction u8 · message u16 · its length u16 ·
  /// its instruction u8
  private static func add(
    _ offsets: ArraySlice<UInt8>, _ instructions: [[UInt8]], to checks: inout Checks
  ) throws(PrecompileError) {
    let base = offsets.startIndex
    func word(_ position: Int) -> Int {
      Int(offsets[base + position]) | Int(offsets[base + position + 1]) << 8
    }

    let signatureInstruction = Int(offsets[base + 2])
    guard signatureInstruction < instructions.count else { throw .invalidInstructionDataSize }
    let source = instructions[signatureInstruction]
    let signatureEnd = word(0) + signatureByteCount
    guard signatureEnd < source.count else { throw .invalidSignature }
    let signature = Array(source[word(0)..<signatureEnd])
    // A number not below the group order is told before a bad recovery id.
    guard isBelowOrder(signature[..<32]), isBelowOrder(signature[32...]) else { throw .invalidSignature }
    let recoveryID = source[signatureEnd]
    guard recoveryID < 4 else { throw .invalidRecoveryID }

    let address = try slice(
      instructions, instruction: offsets[base + 5], offset: word(3), byteCount: addressByteCount)
    let message = try slice(
      instructions, instruction: offsets[base + 10], offset: word(6), byteCount: word(8))
    checks.batch.add(
      hash: Keccak256.hash(message), recoveryID: UInt64(recoveryID), r: Array(signature[..<32]),
      s: Array(signature[32...]))
    checks.addresses.append(Address(address))
  }

  private static func slice(
    _ instructions: [[UInt8]], instruction: UInt8, offset: Int, byteCount: Int
  ) throws(PrecompileError) -> [UInt8] {
    guard Int(instruction) < instructions.count else { throw .invalidDataOffsets }
    let source = instructions[Int(instruction)]
    guard offset + byteCount <= source.count else { throw .invalidSignature }
    return Array(source[offset..<offset + byteCount])
  }

  /// The group order, big-endian.
  private static let order: [UInt8] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
  ]

  private static func isBelowOrder(_ number: ArraySlice<UInt8>) -> Bool {
    number.lexicographicallyPrecedes(order)
  }
}
