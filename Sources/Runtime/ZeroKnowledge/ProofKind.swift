// The twelve statements that the ZK ElGamal proof program verifies, of twisted ElGamal ciphertexts and Pedersen
// commitments over ristretto255, as in solana-zk-sdk 5.0.1 (https://docs.rs/solana-zk-sdk). A statement ("context") and
// its proof lie behind one another in an instruction's data; what they consist of is told in the protocols' tables
// (SigmaProof+Protocols.swift) and in RangeProof.swift.

import Primitives

/// Numbered as the instructions that verify them, and as accounts with statements have them.
enum ProofKind: UInt8, CaseIterable {
  case zeroCiphertext = 1
  case ciphertextCiphertextEquality, ciphertextCommitmentEquality, publicKeyValidity, percentageWithCap
  case batchedRangeU64, batchedRangeU128, batchedRangeU256
  case groupedCiphertext2Handles, batchedGroupedCiphertext2Handles
  case groupedCiphertext3Handles, batchedGroupedCiphertext3Handles

  /// Bits that the amounts of a range proof have together; `nil` of other proofs.
  private var bitCount: Int? {
    switch self {
    case .batchedRangeU64: 64
    case .batchedRangeU128: 128
    case .batchedRangeU256: 256
    default: nil
    }
  }

  var contextByteCount: Int {
    bitCount == nil ? SigmaProof.of(self).contextByteCount : RangeProof.contextByteCount
  }

  var proofByteCount: Int { bitCount.map(RangeProof.byteCount) ?? SigmaProof.of(self).proofByteCount }

  var byteCount: Int { contextByteCount + proofByteCount }

  /// Returns if the proof holds. `data` is the statement and the proof, `byteCount` bytes.
  func verify(_ data: UnsafeRawBufferPointer) throws(ProofError) {
    precondition(data.count == byteCount)
    let words = ProofWords(data)
    if let bitCount {
      try RangeProof.verify(words, bitCount: bitCount)
    } else {
      try SigmaProof.of(self).verify(words)
    }
  }
}

/// A statement and its proof, seen as 32-byte words.
struct ProofWords {
  let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The word that starts at `offset`; the caller keeps within the data.
  func word(at offset: Int) -> Hash {
    precondition(offset >= 0 && offset + 32 <= bytes.count)
    return Hash(reading: bytes.baseAddress.unsafelyUnwrapped + offset)
  }

  /// `nil` for what encodes no element of ristretto255.
  func point(at offset: Int) -> RistrettoPoint? { RistrettoPoint(compressed: word(at: offset)) }

  /// `nil` for what is not below the order of the group.
  func scalar(at offset: Int) -> Scalar25519? { Scalar25519(canonical: word(at: offset)) }
}
