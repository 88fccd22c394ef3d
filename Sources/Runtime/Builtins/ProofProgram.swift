// The ZK ElGamal proof program, which checks zero-knowledge proofs about encrypted amounts for Token-2022's
// confidential transfers (SIMD-0153; https://docs.rs/solana-zk-elgamal-proof-program). An instruction is a byte and what
// it works on; what a proof was about may be kept in an account: its authority, a byte for the kind of proof, the
// statement. Proofs are not checked here: every instruction that has one takes its units, says its name and fails.
// Accounts with statements, which a ledger may have been given, are closed as in Agave 4.1.

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

  static let process: BuiltinFunction = { (invoke) throws(InstructionError) in
    guard let number = try invoke.instructionContext.data.first, number < instructions.count else {
      throw .invalidInstructionData
    }
    let instruction = instructions[Int(number)]
    try invoke.consume(instruction.units)
    invoke.log(instruction.name)
    if number > 0 {
      invoke.log("Zero-knowledge proofs are not verified by this runtime")
      throw .unsupportedProgramId
    }
    try close(invoke)
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
