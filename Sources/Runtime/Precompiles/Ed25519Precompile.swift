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
    for index in 0..<count {
      try verify(SignatureOffsets(data, index: index), data, instructions)
    }
  }

  private static func verify(
    _ offsets: SignatureOffsets, _ data: [UInt8], _ instructions: [[UInt8]]
  ) throws(PrecompileError) {
    let signatureBytes = try SignatureOffsets.slice(
      data, instructions, instruction: offsets.signatureInstruction, offset: offsets.signatureOffset,
      byteCount: 64)
    // A scalar with any of its three highest bits set is no signature, whatever the key.
    guard signatureBytes[63] & 0xe0 == 0 else { throw .invalidSignature }
    let keyBytes = try SignatureOffsets.slice(
      data, instructions, instruction: offsets.publicKeyInstruction, offset: offsets.publicKeyOffset,
      byteCount: 32)
    guard let key = Pubkey(keyBytes), Curve25519.isEdwardsPoint(key) else { throw .invalidPublicKey }
    let message = try SignatureOffsets.slice(
      data, instructions, instruction: offsets.messageInstruction, offset: offsets.messageOffset,
      byteCount: Int(offsets.messageByteCount))
    let signature = signatureBytes.withUnsafeBytes { bytes -> Signature? in
      bytes.baseAddress.map { Signature(reading: $0) }
    }
    guard let signature, Ed25519.verify(signature, of: message, by: key) else { throw .invalidSignature }
  }
}
