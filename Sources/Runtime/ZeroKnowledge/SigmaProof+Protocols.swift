// The sigma protocols of the proof program, as tables (https://github.com/solana-program/zk-elgamal-proof,
// zk-sdk/src/sigma_proofs). A public key is P = h/s for the secret s; a ciphertext of x is a commitment C = x·g + r·h and
// a handle D = r·P, a grouped one has a handle for each of several keys. c is the challenge, Y are the masks.
//
// Token-2022 has the identity for the public key of an auditor who is not there, so the last key of a grouped ciphertext
// may be the identity, its handle and mask too; and for a ciphertext of zero, so the second ciphertext of an equality may.

import Primitives

extension SigmaProof {
  /// The protocol of any kind but the range proofs.
  static func of(_ kind: ProofKind) -> SigmaProof {
    switch kind {
    case .zeroCiphertext: zeroCiphertext
    case .ciphertextCiphertextEquality: ciphertextCiphertextEquality
    case .ciphertextCommitmentEquality: ciphertextCommitmentEquality
    case .publicKeyValidity: publicKeyValidity
    case .percentageWithCap: percentageWithCap
    case .groupedCiphertext2Handles: grouped2
    case .batchedGroupedCiphertext2Handles: batched2
    case .groupedCiphertext3Handles: grouped3
    case .batchedGroupedCiphertext3Handles: batched3
    case .batchedRangeU64, .batchedRangeU128, .batchedRangeU256:
      preconditionFailure("a range proof is no sigma proof")
    }
  }

  /// That (C, D) is a ciphertext of zero under P. Statement: P, C, D.
  private static let zeroCiphertext = SigmaProof(
    kind: .zeroCiphertext, instruction: "zero-ciphertext-instruction",
    messages: [Message(label: "pubkey", byteCount: 32), Message(label: "ciphertext", byteCount: 64)],
    pointCount: 3, publicKeyCount: 1, nonIdentities: [0, 1, 2], separator: "zero-ciphertext-proof",
    masks: [Mask(label: "Y_P", word: 0), Mask(label: "Y_D", word: 1, mayBeIdentity: true)],
    responses: [Response(label: "z", word: 2)],
    equations: { values in
      let (z, c) = (values.responses[0], -values.challenge)
      return [
        [Term(z, .statement(0)), Term(c, .h), Term(-.one, .mask(0))],
        [Term(z, .statement(2)), Term(c, .statement(1)), Term(-.one, .mask(1))],
      ]
    })

  /// That two ciphertexts are of the same amount, by who has the first's secret and the second's opening. Statement: both
  /// public keys, both ciphertexts.
  private static let ciphertextCiphertextEquality = SigmaProof(
    kind: .equality, instruction: "ciphertext-ciphertext-equality-instruction",
    messages: [
      Message(label: "first-pubkey", byteCount: 32), Message(label: "second-pubkey", byteCount: 32),
      Message(label: "first-ciphertext", byteCount: 64), Message(label: "second-ciphertext", byteCount: 64),
    ],
    pointCount: 6, publicKeyCount: 2, nonIdentities: [0, 1, 2, 3],
    separator: "ciphertext-ciphertext-equality-proof",
    masks: [
      Mask(label: "Y_0", word: 0), Mask(label: "Y_1", word: 1), Mask(label: "Y_2", word: 2),
      Mask(label: "Y_3", word: 3),
    ],
    responses: [
      Response(label: "z_s", word: 4), Response(label: "z_x", word: 5), Response(label: "z_r", word: 6),
    ],
    equations: { values in
      let (s, x, r, c) = (values.responses[0], values.responses[1], values.responses[2], -values.challenge)
      return [
        [Term(s, .statement(0)), Term(c, .h), Term(-.one, .mask(0))],
        [Term(x, .g), Term(s, .statement(3)), Term(c, .statement(2)), Term(-.one, .mask(1))],
        [Term(x, .g), Term(r, .h), Term(c, .statement(4)), Term(-.one, .mask(2))],
        [Term(r, .statement(1)), Term(c, .statement(5)), Term(-.one, .mask(3))],
      ]
    })

  /// That a ciphertext and a commitment are of the same amount. Statement: public key, ciphertext, commitment.
  private static let ciphertextCommitmentEquality = SigmaProof(
    kind: .equality, instruction: "ciphertext-commitment-equality-instruction",
    messages: [
      Message(label: "pubkey", byteCount: 32), Message(label: "ciphertext", byteCount: 64),
      Message(label: "commitment", byteCount: 32),
    ],
    pointCount: 4, publicKeyCount: 1, nonIdentities: [0, 1, 2, 3],
    separator: "ciphertext-commitment-equality-proof",
    masks: [Mask(label: "Y_0", word: 0), Mask(label: "Y_1", word: 1), Mask(label: "Y_2", word: 2)],
    responses: [
      Response(label: "z_s", word: 3), Response(label: "z_x", word: 4), Response(label: "z_r", word: 5),
    ],
    equations: { values in
      let (s, x, r, c) = (values.responses[0], values.responses[1], values.responses[2], -values.challenge)
      return [
        [Term(s, .statement(0)), Term(c, .h), Term(-.one, .mask(0))],
        [Term(x, .g), Term(s, .statement(2)), Term(c, .statement(1)), Term(-.one, .mask(1))],
        [Term(x, .g), Term(r, .h), Term(c, .statement(3)), Term(-.one, .mask(2))],
      ]
    })

  /// That whoever proves has the secret of a public key. Statement: the public key.
  private static let publicKeyValidity = SigmaProof(
    kind: .publicKeyValidity, instruction: "pubkey-validity-instruction",
    messages: [Message(label: "pubkey", byteCount: 32)],
    pointCount: 1, publicKeyCount: 1, nonIdentities: [0], separator: "pubkey-proof",
    masks: [Mask(label: "Y", word: 0)], responses: [Response(label: "z", word: 1)],
    equations: { values in
      [[Term(values.responses[0], .h), Term(-values.challenge, .statement(0)), Term(-.one, .mask(0))]]
    })

  /// That either a percentage is of the maximum, or two other commitments are of the same amount: the real rest of a
  /// division and the claimed one. The challenge is split in two, of which the prover chose one freely. Statement: the
  /// three commitments, then the maximum, eight little-endian bytes.
  private static let percentageWithCap = SigmaProof(
    kind: .percentageWithCap, instruction: "percentage-with-cap-instruction",
    messages: [
      Message(label: "percentage-commitment", byteCount: 32),
      Message(label: "delta-commitment", byteCount: 32),
      Message(label: "claimed-commitment", byteCount: 32), Message(label: "max-value", byteCount: 8),
    ],
    pointCount: 3, publicKeyCount: 0, nonIdentities: [0, 1, 2], separator: "percentage-with-cap-proof",
    masks: [
      Mask(label: "Y_max_proof", word: 0), Mask(label: "Y_delta", word: 3), Mask(label: "Y_claimed", word: 4),
    ],
    responses: [
      Response(label: "z_max", word: 1), Response(label: "c_max_proof", word: 2),
      Response(label: "z_x", word: 5),
      Response(label: "z_delta_real", word: 6), Response(label: "z_claimed", word: 7),
    ],
    equations: { values in
      let (z, ofMaximum, x) = (values.responses[0], values.responses[1], values.responses[2])
      let ofEquality = ofMaximum - values.challenge
      return [
        [
          Term(ofMaximum, .statement(0)), Term(-ofMaximum * Scalar25519(values.number), .g), Term(-z, .h),
          Term(.one, .mask(0)),
        ],
        [Term(x, .g), Term(values.responses[3], .h), Term(ofEquality, .statement(1)), Term(-.one, .mask(1))],
        [Term(x, .g), Term(values.responses[4], .h), Term(ofEquality, .statement(2)), Term(-.one, .mask(2))],
      ]
    })

  private static let grouped2 = grouped(
    "grouped-ciphertext-validity-2-handles-instruction", handleCount: 2, isBatched: false)
  private static let batched2 = grouped(
    "batched-grouped-ciphertext-validity-2-handles-instruction", handleCount: 2, isBatched: true)
  private static let grouped3 = grouped(
    "grouped-ciphertext-validity-3-handles-instruction", handleCount: 3, isBatched: false)
  private static let batched3 = grouped(
    "batched-grouped-ciphertext-validity-3-handles-instruction", handleCount: 3, isBatched: true)

  /// That a grouped ciphertext, or each of two, can be decrypted with each of its keys. Statement: the public keys, then
  /// for each ciphertext the commitment and the handles.
  private static func grouped(_ instruction: StaticString, handleCount: Int, isBatched: Bool) -> SigmaProof {
    let (first, second) = (handleCount, 2 * handleCount + 1)
    let keys = [
      Message(label: "first-pubkey", byteCount: 32), Message(label: "second-pubkey", byteCount: 32),
      Message(label: "third-pubkey", byteCount: 32),
    ].prefix(handleCount)
    let ciphertexts: [StaticString] =
      isBatched ? ["grouped-ciphertext-lo", "grouped-ciphertext-hi"] : ["grouped-ciphertext"]
    let masks = [
      Mask(label: "Y_0", word: 0), Mask(label: "Y_1", word: 1),
      Mask(label: "Y_2", word: 2, mayBeIdentity: handleCount == 2),
      Mask(label: "Y_3", word: 3, mayBeIdentity: true),
    ]
    return SigmaProof(
      kind: .validity, instruction: instruction,
      messages: keys + ciphertexts.map { Message(label: $0, byteCount: 32 * (handleCount + 1)) },
      pointCount: handleCount + ciphertexts.count * (handleCount + 1), publicKeyCount: handleCount,
      nonIdentities: Array(0..<handleCount - 1) + (isBatched ? [first, second] : [first]),
      separator: "validity-proof", handleCount: UInt64(handleCount), isBatched: isBatched,
      masks: Array(masks.prefix(handleCount + 1)),
      responses: [
        Response(label: "z_r", word: handleCount + 1), Response(label: "z_x", word: handleCount + 2),
      ],
      equations: { values in
        let (r, x, c) = (values.responses[0], values.responses[1], -values.challenge)
        return (0...handleCount).map { index in
          var equation = [Term(c, .statement(first + index)), Term(-.one, .mask(index))]
          if isBatched { equation.append(Term(c * values.batch, .statement(second + index))) }
          return equation + (index == 0 ? [Term(r, .h), Term(x, .g)] : [Term(r, .statement(index - 1))])
        }
      })
  }
}
