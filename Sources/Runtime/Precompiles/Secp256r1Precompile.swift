// The secp256r1 precompile: at most eight ECDSA signatures over P-256 with SHA-256, s in the lower half of
// the range, keys compressed (https://docs.rs/solana-secp256r1-program, SIMD-0075).

import Primitives

enum Secp256r1Precompile {
  private static let maximumSignatureCount = 8

  static func verify(_ data: [UInt8], instructions: [[UInt8]]) throws(PrecompileError) {
    guard data.count >= SignatureOffsets.start else { throw .invalidInstructionDataSize }
    let count = Int(data[0])
    guard (1...maximumSignatureCount).contains(count),
      data.count >= SignatureOffsets.start + count * SignatureOffsets.byteCount
    else { throw .invalidInstructionDataSize }
    for index in 0..<count {
      try verify(SignatureOffsets(data, index: index), data, instructions)
    }
  }

  private static func verify(
    _ offsets: SignatureOffsets, _ data: [UInt8], _ instructions: [[UInt8]]
  ) throws(PrecompileError) {
    let signature = try SignatureOffsets.slice(
      data, instructions, instruction: offsets.signatureInstruction, offset: offsets.signatureOffset,
      byteCount: 64)
    let key = try SignatureOffsets.slice(
      data, instructions, instruction: offsets.publicKeyInstruction, offset: offsets.publicKeyOffset,
      byteCount: 33)
    let message = try SignatureOffsets.slice(
      data, instructions, instruction: offsets.messageInstruction, offset: offsets.messageOffset,
      byteCount: Int(offsets.messageByteCount))
    do throws(Secp256r1.VerificationError) {
      try Secp256r1.verify(signature: signature, message: message, key: key)
    } catch {
      switch error {
      case .invalidPublicKey: throw .invalidPublicKey
      case .invalidSignature: throw .invalidSignature
      }
    }
  }
}
