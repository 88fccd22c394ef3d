// Aggregated range proofs: Bulletproofs (https://eprint.iacr.org/2017/1066, sections 4.3 and 6.2) as solana-zk-sdk has
// them, where the amounts may have different bit lengths, which add up to 64, 128 or 256. All that a proof claims is one sum
// of points that comes to the identity: of the proof's points, the commitments, g, h, and two generators a bit.
//
// Statement: eight commitments, of which those behind the last are zero, and eight bit lengths. Proof: A, S, T_1, T_2, the
// scalars t_x, t_x_blinding and e_blinding; L and R of each halving of the inner product; its last scalars a and b.

import Primitives

enum RangeProof {
  static let contextByteCount = 264
  private static let maximumCommitmentCount = 8
  private static let maximumBitLength = 64

  /// Of a proof for so many bits, a power of two.
  static func byteCount(bitCount: Int) -> Int { 32 * (9 + 2 * bitCount.trailingZeroBitCount) }

  private struct Statement {
    var commitments: [RistrettoPoint] = []
    var bitLengths: [Int] = []

    init(_ words: ProofWords, bitCount: Int) throws(ProofError) {
      let encodings = (0..<maximumCommitmentCount).map { words.word(at: 32 * $0) }
      let lengths = words.bytes[32 * maximumCommitmentCount..<contextByteCount].map(Int.init)
      for encoding in encodings.prefix(while: { $0 != .zero }) {
        guard let point = RistrettoPoint(compressed: encoding) else { throw .context }
        commitments.append(point)
      }
      let count = commitments.count
      bitLengths = Array(lengths.prefix(count))
      if count == 0 { throw .commitmentLength }
      if bitLengths.contains(where: { $0 == 0 || $0 > maximumBitLength }) { throw .bitLength }
      if encodings.dropFirst(count).contains(where: { $0 != .zero }) { throw .context }
      if lengths.dropFirst(count).contains(where: { $0 != 0 }) { throw .context }
      if bitLengths.reduce(0, +) != bitCount { throw .commitmentLength }
    }
  }

  /// The challenges, as the paper and the transcript name them.
  private struct Challenges {
    let y, z, x, w, d: Scalar25519
    /// One a halving.
    let u: [Scalar25519]
  }

  private struct Proof {
    /// A, S, T_1, T_2, then L and R by turns.
    let points: [Hash]
    let tX, tXBlinding, eBlinding, a, b: Scalar25519

    init(_ words: ProofWords) throws(ProofError) {
      let (start, last) = (contextByteCount, words.bytes.count - 64)
      guard
        let tX = words.scalar(at: start + 128), let tXBlinding = words.scalar(at: start + 160),
        let eBlinding = words.scalar(at: start + 192), let a = words.scalar(at: last),
        let b = words.scalar(at: last + 32)
      else { throw .range(.deserialization) }
      (self.tX, self.tXBlinding, self.eBlinding, self.a, self.b) = (tX, tXBlinding, eBlinding, a, b)
      points =
        (0..<4).map { words.word(at: start + 32 * $0) }
        + stride(from: start + 224, to: last, by: 32).map { words.word(at: $0) }
    }

    /// Plays the verifier's part of the transcript.
    func challenges(_ transcript: inout MerlinTranscript, bitCount: Int) throws(ProofError) -> Challenges {
      transcript.append("dom-sep", "range-proof")
      transcript.append("n", UInt64(bitCount))
      try append(0, "A", &transcript)
      try append(1, "S", &transcript)
      let (y, z) = (transcript.challengeScalar("y"), transcript.challengeScalar("z"))
      try append(2, "T_1", &transcript)
      try append(3, "T_2", &transcript)
      let x = transcript.challengeScalar("x")
      transcript.append("t_x", tX.bytes)
      transcript.append("t_x_blinding", tXBlinding.bytes)
      transcript.append("e_blinding", eBlinding.bytes)
      let w = transcript.challengeScalar("w")
      _ = transcript.challengeScalar("c")  // of an earlier protocol, without use
      transcript.append("dom-sep", "inner-product")
      transcript.append("n", UInt64(bitCount))
      var u: [Scalar25519] = []
      for index in stride(from: 4, to: points.count, by: 2) {
        try append(index, "L", &transcript)
        try append(index + 1, "R", &transcript)
        u.append(transcript.challengeScalar("u"))
      }
      transcript.append("ipp_a", a.bytes)
      transcript.append("ipp_b", b.bytes)
      return Challenges(y: y, z: z, x: x, w: w, d: transcript.challengeScalar("d"), u: u)
    }

    private func append(
      _ index: Int, _ label: StaticString, _ transcript: inout MerlinTranscript
    ) throws(ProofError) {
      if points[index] == .zero { throw .range(.transcript) }
      transcript.append(label, points[index])
    }
  }

  /// Returns if the commitments are of amounts below two to the power of their bit lengths.
  static func verify(_ words: ProofWords, bitCount: Int) throws(ProofError) {
    let statement = try Statement(words, bitCount: bitCount)
    let proof = try Proof(words)
    var transcript = MerlinTranscript(proofInstruction: "batched-range-proof-instruction")
    let lengths = 32 * maximumCommitmentCount
    transcript.append("commitments", UnsafeRawBufferPointer(rebasing: words.bytes[..<lengths]))
    transcript.append(
      "bit-lengths", UnsafeRawBufferPointer(rebasing: words.bytes[lengths..<contextByteCount]))
    let challenges = try proof.challenges(&transcript, bitCount: bitCount)
    if try !sum(statement, proof, challenges, bitCount).isIdentity { throw .range(.algebraicRelation) }
  }

  private static func sum(
    _ statement: Statement, _ proof: Proof, _ challenges: Challenges, _ bitCount: Int
  ) throws(ProofError) -> RistrettoPoint {
    let (y, z, x, w, d) = (challenges.y, challenges.z, challenges.x, challenges.w, challenges.d)
    let inverses = inverses(of: [y] + challenges.u)
    let (yInverse, uInverses) = (inverses[0], inverses.dropFirst())
    let squares = challenges.u.map { $0 * $0 }

    var terms: [(scalar: Scalar25519, point: RistrettoPoint)] = []
    var scalars = [.one, x, d * x, d * x * x]
    for (square, inverse) in zip(squares, uInverses) { scalars += [square, inverse * inverse] }
    for (encoding, scalar) in zip(proof.points, scalars) {
      guard let point = RistrettoPoint(compressed: encoding) else { throw .range(.multiscalar) }
      terms.append((scalar, point))
    }

    // The generators' scalars, and what the verifier knows of the amounts' polynomial: delta.
    let shares = shares(squares: squares, first: uInverses.reduce(.one, *), count: bitCount)
    var ofGenerators: [Scalar25519] = []
    var (yPower, yInversePower, sumOfY) = (Scalar25519.one, Scalar25519.one, Scalar25519.zero)
    var (zPower, delta) = (z * z, Scalar25519.zero)
    for (commitment, bitLength) in zip(statement.commitments, statement.bitLengths) {
      terms.append((d * zPower, commitment))
      var bit = zPower
      for _ in 0..<bitLength {
        let index = ofGenerators.count / 2
        ofGenerators.append(-(z + proof.a * shares[index]))
        ofGenerators.append(z + yInversePower * (bit - proof.b * shares[bitCount - 1 - index]))
        bit += bit
        sumOfY += yPower
        yPower *= y
        yInversePower *= yInverse
      }
      delta += z * (zPower - bit)  // the bits' sum is twice the last less the first
      zPower *= z
    }
    delta += (z - z * z) * sumOfY
    terms.append((w * (proof.tX - proof.a * proof.b) + d * (delta - proof.tX), Pedersen.g))
    terms.append((-(proof.eBlinding + d * proof.tXBlinding), Pedersen.h))
    return RistrettoPoint.sum(of: terms, ofGenerators, times: RangeGenerators.basis)
  }

  /// What the halvings make of each place of the vectors: the product of u or its inverse for each bit of its index.
  private static func shares(squares: [Scalar25519], first: Scalar25519, count: Int) -> [Scalar25519] {
    var shares = [first]
    shares.reserveCapacity(count)
    for square in squares.reversed() { shares += shares.map { $0 * square } }
    return shares
  }

  /// By one inversion, of the product.
  private static func inverses(of scalars: [Scalar25519]) -> [Scalar25519] {
    var (products, product) = ([Scalar25519](), Scalar25519.one)
    for scalar in scalars {
      products.append(product)
      product *= scalar
    }
    var inverse = product.inverse
    var inverses = scalars
    for index in scalars.indices.reversed() {
      inverses[index] = inverse * products[index]
      inverse *= scalars[index]
    }
    return inverses
  }
}

/// The generators for each bit, of which nobody knows how they hang together: hashes to the group.
enum RangeGenerators {
  /// Two a bit, by turns: g and h.
  static let basis = RistrettoBasis(zip(generators("G"), generators("H")).flatMap { [$0, $1] })

  static func generators(_ label: String) -> [RistrettoPoint] {
    let uniform = SHA3.shake256(Array("GeneratorsChain\(label)".utf8), byteCount: 64 * 256)
    return stride(from: 0, to: uniform.count, by: 64).map {
      RistrettoPoint(uniform: Array(uniform[$0..<$0 + 64]))
    }
  }
}
