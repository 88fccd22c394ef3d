// Sigma protocols made non-interactive: the prover commits to masks, takes a challenge from the transcript and answers
// with responses, which satisfy one equation a mask. A protocol is a table of what is said and of the equations; all are
// verified alike. The equations are weighed with powers of a further challenge and summed: the sum is the identity if
// all hold, and if one does not hold only with negligible probability.

import Primitives

struct SigmaProof: Sendable {
  /// As the log calls them.
  enum Kind: String, Sendable {
    case zeroCiphertext = "ZeroCiphertext"
    case equality = "Equality"
    case publicKeyValidity = "PubkeyValidity"
    case percentageWithCap = "PercentageWithCap"
    case validity = "ValidityProof"
  }

  /// A part of the statement as the transcript has it.
  struct Message: Sendable {
    let label: StaticString
    let byteCount: Int
  }

  /// A point of the proof, or one of its scalars, by its place among the proof's words.
  struct Mask: Sendable {
    let label: StaticString
    let word: Int
    var mayBeIdentity = false
  }

  struct Response: Sendable {
    let label: StaticString
    let word: Int
  }

  /// A point that an equation is about: the generators, or a word of the statement or proof.
  enum Base: Sendable {
    case g, h
    case statement(Int)
    case mask(Int)
  }

  struct Term: Sendable {
    let scalar: Scalar25519
    let base: Base
    init(_ scalar: Scalar25519, _ base: Base) { (self.scalar, self.base) = (scalar, base) }
  }

  /// What the equations are made of.
  struct Values {
    /// In the order of `responses`.
    let responses: [Scalar25519]
    let challenge: Scalar25519
    /// The weight of the second of two batched statements; zero of others.
    let batch: Scalar25519
    /// The number behind the points of the statement; zero where there is none.
    let number: UInt64
  }

  let kind: Kind
  /// The transcript's label.
  let instruction: StaticString
  /// The parts of the statement, in their order.
  let messages: [Message]
  /// The points at the statement's start, of which the first `publicKeyCount` are public keys.
  let pointCount: Int
  let publicKeyCount: Int
  /// Points of the statement that must not be the identity.
  let nonIdentities: [Int]
  /// What separates the statement from the proof; with the number of handles, where there are some.
  let separator: StaticString
  var handleCount: UInt64?
  /// Whether two statements with the same public keys are proved together.
  var isBatched = false
  let masks: [Mask]
  let responses: [Response]
  /// Each is a sum that comes to the identity.
  let equations: @Sendable (Values) -> [[Term]]

  var contextByteCount: Int { messages.reduce(0) { $0 + $1.byteCount } }
  var proofByteCount: Int { 32 * (masks.count + responses.count) }

  func verify(_ words: ProofWords) throws(ProofError) {
    var statement: [RistrettoPoint] = []
    for index in 0..<pointCount {
      guard let point = words.point(at: 32 * index) else {
        throw index < publicKeyCount ? .publicKey : .ciphertext
      }
      statement.append(point)
    }
    let proof = contextByteCount
    var scalars: [Scalar25519] = []
    for response in responses {
      guard let scalar = words.scalar(at: proof + 32 * response.word) else {
        throw .sigma(kind, .deserialization)
      }
      scalars.append(scalar)
    }
    if nonIdentities.contains(where: { statement[$0].isIdentity }) { throw .sigma(kind, .identity) }

    var (transcript, batch) = begun(words)
    for mask in masks {
      let word = words.word(at: proof + 32 * mask.word)
      if !mask.mayBeIdentity && word == .zero { throw .sigma(kind, .transcript) }
      transcript.append(mask.label, word)
    }
    let challenge = transcript.challengeScalar("c")
    for (response, scalar) in zip(responses, scalars) { transcript.append(response.label, scalar.bytes) }
    let weight = transcript.challengeScalar("w")

    var points: [RistrettoPoint] = []
    for mask in masks {
      guard let point = words.point(at: proof + 32 * mask.word) else { throw .sigma(kind, .deserialization) }
      points.append(point)
    }
    let number = contextByteCount > 32 * pointCount ? words.word(at: 32 * pointCount).word0 : 0
    let values = Values(responses: scalars, challenge: challenge, batch: batch, number: number)
    if !sum(of: equations(values), weight, statement, points).isIdentity {
      throw .sigma(kind, .algebraicRelation)
    }
  }

  /// The transcript up to the masks, and the weight of a second statement.
  private func begun(_ words: ProofWords) -> (MerlinTranscript, batch: Scalar25519) {
    var transcript = MerlinTranscript(proofInstruction: instruction)
    var offset = 0
    for message in messages {
      transcript.append(
        message.label, UnsafeRawBufferPointer(rebasing: words.bytes[offset..<offset + message.byteCount]))
      offset += message.byteCount
    }
    var batch = Scalar25519.zero
    if isBatched, let handleCount {
      transcript.append("dom-sep", "batched-validity-proof")
      transcript.append("handles", handleCount)
      batch = transcript.challengeScalar("t")
    }
    transcript.append("dom-sep", separator)
    if let handleCount { transcript.append("handles", handleCount) }
    return (transcript, batch)
  }

  private func sum(
    of equations: [[Term]], _ weight: Scalar25519, _ statement: [RistrettoPoint], _ masks: [RistrettoPoint]
  ) -> RistrettoPoint {
    var (ofG, ofH) = (Scalar25519.zero, Scalar25519.zero)
    var terms: [(scalar: Scalar25519, point: RistrettoPoint)] = []
    var power = Scalar25519.one
    for equation in equations {
      for term in equation {
        let scalar = power * term.scalar
        switch term.base {
        case .g: ofG += scalar
        case .h: ofH += scalar
        case .statement(let index): terms.append((scalar, statement[index]))
        case .mask(let index): terms.append((scalar, masks[index]))
        }
      }
      power *= weight
    }
    terms.append((ofG, Pedersen.g))
    terms.append((ofH, Pedersen.h))
    return RistrettoPoint.sum(of: terms)
  }
}

extension MerlinTranscript {
  /// The program's transcript for a kind of proof.
  init(proofInstruction label: StaticString) {
    self.init(label: "solana-zk-elgamal-proof-program-v1")
    append("dom-sep", label)
  }
}

/// The two generators of Pedersen commitments, amount · g + opening · h.
enum Pedersen {
  static var g: RistrettoPoint { RistrettoPoint.base }
  static let h = RistrettoPoint(uniform: SHA3.hash512(RistrettoPoint.base.compressed.bytes))
}
