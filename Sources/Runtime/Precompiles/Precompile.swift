// Precompiles: programs that check signatures over bytes of the transaction's own instructions and touch no
// account (https://docs.rs/agave-precompiles). They run when their instruction's turn comes, cost no compute
// units and log nothing; a failure is the instruction's error `custom` with the numbers of `PrecompileError`.

import Ledger
import Primitives

package enum PrecompileError: UInt32, Error, Sendable {
  case invalidPublicKey = 0
  case invalidRecoveryID = 1
  case invalidSignature = 2
  case invalidDataOffsets = 3
  case invalidInstructionDataSize = 4

  package var instructionError: InstructionError { .custom(rawValue) }
}

package enum Precompile: Sendable {
  case ed25519
  case secp256k1
  case secp256r1

  package init?(id: Pubkey) {
    switch id {
    case ProgramID.ed25519: self = .ed25519
    case ProgramID.secp256k1: self = .secp256k1
    case ProgramID.secp256r1: self = .secp256r1
    default: return nil
    }
  }

  /// Verifies what `data` asks for; `instructions` is the data of each of the transaction's instructions, in
  /// order.
  package func verify(_ data: [UInt8], instructions: [[UInt8]]) throws(PrecompileError) {
    switch self {
    case .ed25519: try Ed25519Precompile.verify(data, instructions: instructions)
    case .secp256k1: try Secp256k1Precompile.verify(data, instructions: instructions)
    case .secp256r1: try Secp256r1Precompile.verify(data, instructions: instructions)
    }
  }
}

/// Where ed25519 and secp256r1 instructions say a signature, its key and its message are: seven u16,
/// little-endian.
struct SignatureOffsets {
  static let byteCount = 14
  /// Bytes before the first of them: the count of signatures and a byte that nobody reads.
  static let start = 2
  /// Stands for the precompile's own instruction.
  static let thisInstruction = UInt16.max

  let signatureOffset: UInt16
  let signatureInstruction: UInt16
  let publicKeyOffset: UInt16
  let publicKeyInstruction: UInt16
  let messageOffset: UInt16
  let messageByteCount: UInt16
  let messageInstruction: UInt16

  /// Reads the offsets of signature `index`, which must lie within `data`.
  init(_ data: [UInt8], index: Int) {
    let base = Self.start + index * Self.byteCount
    func word(_ position: Int) -> UInt16 {
      UInt16(data[base + position * 2]) | UInt16(data[base + position * 2 + 1]) << 8
    }
    signatureOffset = word(0)
    signatureInstruction = word(1)
    publicKeyOffset = word(2)
    publicKeyInstruction = word(3)
    messageOffset = word(4)
    messageByteCount = word(5)
    messageInstruction = word(6)
  }

  /// `byteCount` bytes at `offset` of the instruction numbered `instruction`.
  static func slice(
    _ data: [UInt8], _ instructions: [[UInt8]], instruction: UInt16, offset: UInt16, byteCount: Int
  ) throws(PrecompileError) -> [UInt8] {
    let source: [UInt8]
    if instruction == thisInstruction {
      source = data
    } else {
      guard Int(instruction) < instructions.count else { throw .invalidDataOffsets }
      source = instructions[Int(instruction)]
    }
    let end = Int(offset) + byteCount
    guard end <= source.count else { throw .invalidDataOffsets }
    return Array(source[Int(offset)..<end])
  }
}
