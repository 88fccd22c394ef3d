// The ZK ElGamal proof program, which checks zero-knowledge proofs about encrypted amounts for Token-2022's
// confidential transfers (SIMD-0153; https://docs.rs/solana-zk-elgamal-proof-program), as in Agave 4.1. An instruction is
// a byte and what it works on: a statement with its proof, or where in an account they start. What a proof was about may be
// kept in an account: its authority, a byte for the kind of proof, the statement. The mathematics are in ZeroKnowledge/.

import Ledger
import Primitives

enum ProofProgram {
  /// The instructions by number: their names, as the log has them, and their compute units.
  static let instructions: [(name: String, units: UInt64)] = [
    ("CloseContextState", 3_300),
    ("VerifyZeroCiphertext", 6_000),
    ("VerifyCiphertextCiphertextEquality", 8_000),
    ("VerifyCiphertextCommitmentEquality", 6_400),
    ("VerifyPubkeyValidity", 2_600),
    ("VerifyPercentageWithCap", 6_500),
    ("VerifyBatchedRangeProofU64", 111_000),
    ("VerifyBatchedRangeProofU128", 200_000),
    ("VerifyBatchedRangeProofU256", 368_000),
    ("VerifyGroupedCiphertext2HandlesValidity", 6_400),
    ("VerifyBatchedGroupedCiphertext2HandlesValidity", 13_000),
    ("VerifyGroupedCiphertext3HandlesValidity", 8_100),
    ("VerifyBatchedGroupedCiphertext3HandlesValidity", 16_400),
  ]

  /// Bytes of an account before the statement: 32 of the authority, one for the kind of proof.
  private static let metadataByteCount = 33
  /// Bytes behind the instruction's number where the proof is in an account: a little-endian offset.
  private static let offsetByteCount = 4

  static let process: BuiltinFunction = { (invoke) throws(InstructionError) in
    guard let number = try invoke.instructionContext.data.first, number < instructions.count else {
      throw .invalidInstructionData
    }
    let instruction = instructions[Int(number)]
    try invoke.consume(instruction.units)
    invoke.log(instruction.name)
    if let kind = ProofKind(rawValue: number) {
      try verify(kind, invoke)
    } else {
      try close(invoke)
    }
  }

  /// Accounts: the one that holds the proof, if the data is an offset; then, or not, the one for the statement and its
  /// authority.
  private static func verify(_ kind: ProofKind, _ invoke: InvokeContext) throws(InstructionError) {
    let data = UnsafeRawBufferPointer(rebasing: try invoke.instructionContext.data.dropFirst())
    let next: Int
    let context: [UInt8]
    if data.count == offsetByteCount {
      let offset = Int(data.loadUnaligned(as: UInt32.self))
      context = try invoke.account(at: 0).withData { (held) throws(InstructionError) in
        guard offset + kind.byteCount <= held.count else { throw .invalidAccountData }
        let proof = UnsafeRawBufferPointer(rebasing: held[offset..<offset + kind.byteCount])
        return try checked(proof, kind, invoke)
      }
      next = 1
    } else {
      if data.count != kind.byteCount {
        invoke.log("invalid proof data")
        throw .invalidInstructionData
      }
      context = try checked(data, kind, invoke)
      next = 0
    }
    if try invoke.instructionContext.accountCount >= next + 2 {
      try keep(context, of: kind, at: next, invoke)
    }
  }

  /// The statement, if the proof holds.
  private static func checked(
    _ data: UnsafeRawBufferPointer, _ kind: ProofKind, _ invoke: InvokeContext
  ) throws(InstructionError) -> [UInt8] {
    do throws(ProofError) {
      try kind.verify(data)
    } catch {
      invoke.log("proof verification failed: \(error)")
      throw .invalidInstructionData
    }
    return Array(data.prefix(kind.contextByteCount))
  }

  /// Writes a statement to the account at `index`, which has its length, for the authority behind it.
  private static func keep(
    _ context: [UInt8], of kind: ProofKind, at index: Int, _ invoke: InvokeContext
  ) throws(InstructionError) {
    let authority = try invoke.account(at: index + 1).key
    let account = try invoke.account(at: index)
    if account.owner != ProgramID.zkElGamalProof { throw .invalidAccountOwner }
    try account.withData { (held) throws(InstructionError) in
      guard held.count >= metadataByteCount else { throw .invalidAccountData }
      if held[metadataByteCount - 1] != 0 { throw .accountAlreadyInitialized }
      if held.count != metadataByteCount + context.count { throw .invalidAccountData }
    }
    try account.setData(authority.bytes + [kind.rawValue] + context)
  }

  /// Accounts: the one to close, who gets its lamports, its authority.
  private static func close(_ invoke: InvokeContext) throws(InstructionError) {
    let authority = try invoke.account(at: 2)
    if !authority.isSigner { throw .missingRequiredSignature }
    let (closed, destination) = (try invoke.account(at: 0), try invoke.account(at: 1))
    if closed.key == destination.key { throw .invalidInstructionData }
    if closed.owner != ProgramID.zkElGamalProof { throw .invalidAccountOwner }
    try closed.withData { (data) throws(InstructionError) in
      guard data.count >= metadataByteCount, let start = data.baseAddress else { throw .invalidAccountData }
      if data[metadataByteCount - 1] == 0 { throw .uninitializedAccount }
      if Pubkey(reading: start) != authority.key { throw .invalidAccountOwner }
    }
    try destination.addLamports(closed.lamports)
    try closed.setLamports(0)
    try closed.setDataByteCount(0)
    try closed.setOwner(ProgramID.system)
  }
}
