// The ed25519 precompile: a count, a byte nobody reads, then offsets of each signature, key and message
// (https://docs.rs/solana-ed25519-program). Verification is strict: no small-order points, no malleable
// signatures.

import Primitives

enum Ed25519Precompile {
  static func verify(_ data: [UInt8], instructions: [[UInt8]]) throws(PrecompileError) {
    guard data.count >= SignatureOffsets.start else { throw .invalidInstructionDataSize }
    let count = Int(data[0])
    if count == 0 && data.count > SignatureOffsets.start { throw .invalidInstructionDataSize }
    guard data.count >= SignatureOffsets.start + count * SignatureOffsets.byteCount else {
      throw .invalidInstructionDataSize
    }
    var checks = Checks()
    do throws(PrecompileError) {
      for index in 0..<count { try checks.add(SignatureOffsets(data, index: index), data, instructions) }
    } catch {
      // An invalid signature before the one that is malformed is told first.
      try checks.run()
      throw error
    }
    try checks.run()
  }

  /// Signatures that are well-formed, to be checked together.
  private struct Checks {
    /// Signature, key and message of each.
    private var bytes: [UInt8] = []
    private var messageByteCounts: [Int] = []

    mutating func add(
      _ offsets: SignatureOffsets, _ data: [UInt8], _ instructions: [[UInt8]]
    ) throws(PrecompileError) {
      let signature = try SignatureOffsets.slice(
        data, instructions, instruction: offsets.signatureInstruction, offset: offsets.signatureOffset,
        byteCount: 64)
      // A scalar with any of its three highest bits set is no signature, whatever the key.
      guard signature[63] & 0xe0 == 0 else { throw .invalidSignature }
      let keyBytes = try SignatureOffsets.slice(
        data, instructions, instruction: offsets.publicKeyInstruction, offset: offsets.publicKeyOffset,
        byteCount: 32)
      guard let key = Pubkey(keyBytes), Curve25519.isEdwardsPoint(key) else { throw .invalidPublicKey }
      let message = try SignatureOffsets.slice(
        data, instructions, instruction: offsets.messageInstruction, offset: offsets.messageOffset,
        byteCount: Int(offsets.messageByteCount))
      bytes += signature
      bytes += keyBytes
      bytes += message
      messageByteCounts.append(message.count)
    }

    func run() throws(PrecompileError) {
      var areValid = true
      bytes.withUnsafeBytes { bytes in
        var batch = Ed25519.Batch()
        var rest = bytes[...]
        for byteCount in messageByteCounts {
          let item = UnsafeRawBufferPointer(rebasing: rest.prefix(96 + byteCount))
          rest = rest.dropFirst(96 + byteCount)
          let start = item.baseAddress.unsafelyUnwrapped  // 96 bytes at least
          batch.add(
            signature: start, message: UnsafeRawBufferPointer(rebasing: item[96...]), key: start + 64,
            owner: 0)
        }
        batch.verify { _ in areValid = false }
      }
      guard areValid else { throw .invalidSignature }
    }
  }
}
