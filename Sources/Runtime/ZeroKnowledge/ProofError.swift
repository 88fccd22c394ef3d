// Why a proof is refused, in the words of solana-zk-sdk, which the program's log shows.

/// The first thing that is wrong with a proof or its statement.
enum ProofError: Error, Equatable, CustomStringConvertible {
  case sigma(SigmaProof.Kind, Reason)
  case range(Reason)
  /// A public key of the statement is no point.
  case publicKey
  /// A ciphertext, commitment or handle of the statement is no point.
  case ciphertext
  /// Commitments that are no points, or bytes behind the last commitment and bit length.
  case context
  /// No commitment, or bit lengths that do not add up to the proof's.
  case commitmentLength
  /// A bit length that is zero or above 64.
  case bitLength

  enum Reason: String, Equatable {
    case algebraicRelation = "AlgebraicRelation"
    /// A scalar that is not below the order of the group, or (of sigma proofs) a point that is none.
    case deserialization = "Deserialization"
    /// A point of a range proof that is none.
    case multiscalar = "MultiscalarMul"
    /// A point of the proof that must not be the identity.
    case transcript = "Transcript(ValidationError)"
    /// A point of the statement that must not be the identity.
    case identity = "IdentityPoint"
  }

  var description: String {
    switch self {
    case .sigma(let kind, let reason): "SigmaProof(\(kind.rawValue), \(reason.rawValue))"
    case .range(let reason): "RangeProof(\(reason.rawValue))"
    case .publicKey: "ElGamal(PubkeyDeserialization)"
    case .ciphertext: "ElGamal(CiphertextDeserialization)"
    case .context: "ProofContext"
    case .commitmentLength: "IllegalCommitmentLength"
    case .bitLength: "IllegalAmountBitLength"
    }
  }
}
