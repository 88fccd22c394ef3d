// Poseidon over the scalar field of BN254 with the parameters of circom (Grassi, Khovratovich, Rechberger, Roy and
// Schofnegger, https://eprint.iacr.org/2019/458): the S-box x^5, 8 full rounds, 56 to 66 partial ones. Solana's
// sol_poseidon is this hash, as the crate light-poseidon has it. Constants are not tables here: they are drawn from the
// Grain generator that the paper prescribes (appendix E), once for each width.

package enum Poseidon {
  /// The most elements that one hash takes.
  package static var maximumCount: Int { 12 }
  package static var byteCount: Int { 32 }

  private static let field = MontgomeryRing(modulus: BN254.order)
  private static var fullRoundCount: Int { 8 }
  /// By the number of elements, from one on.
  private static let partialRoundCounts = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65]

  /// The hash of 1 to `maximumCount` elements of the field, each of 32 bytes, big-endian, below its order.
  package static func hash(_ inputs: [[UInt8]]) throws(CurveError) -> [UInt8] {
    guard (1...maximumCount).contains(inputs.count) else { throw .invalidLength }
    var state: [MontgomeryRing.Element] = [field.element(Scalar(low: 0, high: 0))]
    for input in inputs {
      guard input.count == byteCount else { throw .invalidLength }
      let integer = input.withUnsafeBytes { bytes in bytes.baseAddress.map { Scalar(reading: $0) } }
      guard let integer, integer < field.modulus else { throw .invalidFieldElement }
      state.append(field.element(integer))
    }
    permute(&state, constants[inputs.count - 1])
    return bytes(field.integer(state[0]))
  }

  private static func bytes(_ integer: Scalar) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, count in
      count = byteCount
      guard let start = UnsafeMutableRawPointer(bytes.baseAddress) else { return }
      for (index, word) in [integer.high >> 64, integer.high, integer.low >> 64, integer.low].enumerated() {
        storeWord(UInt64(truncatingIfNeeded: word), start, index * 8)
      }
    }
  }

  private static func permute(_ state: inout [MontgomeryRing.Element], _ constants: Constants) {
    let width = state.count
    let partialRounds = fullRoundCount / 2..<(constants.rounds.count / width - fullRoundCount / 2)
    withUnsafeTemporaryAllocation(of: MontgomeryRing.Element.self, capacity: width) { mixed in
      state.withUnsafeMutableBufferPointer { state in
        for round in 0..<(constants.rounds.count / width) {
          for index in 0..<width {
            state[index] = field.sum(state[index], constants.rounds[round * width + index])
          }
          for index in 0..<(partialRounds.contains(round) ? 1 : width) { state[index] = fifthPower(state[index]) }
          for row in 0..<width {
            var sum: MontgomeryRing.Element = (0, 0, 0, 0)
            for column in 0..<width {
              sum = field.sum(sum, field.product(constants.matrix[row * width + column], state[column]))
            }
            mixed.initializeElement(at: row, to: sum)
          }
          for index in 0..<width { state[index] = mixed[index] }
        }
      }
    }
  }

  @inline(__always)
  private static func fifthPower(_ a: MontgomeryRing.Element) -> MontgomeryRing.Element {
    let square = field.product(a, a)
    return field.product(field.product(square, square), a)
  }

  // MARK: Constants

  private struct Constants: Sendable {
    /// What is added in each round to each element of the state.
    let rounds: [MontgomeryRing.Element]
    /// The linear layer, row by row.
    let matrix: [MontgomeryRing.Element]

    /// Those for a hash of `count` elements.
    init(count: Int) {
      let width = count + 1
      let partialRoundCount = Poseidon.partialRoundCounts[count - 1]
      var grain = Grain(width: width, fullRounds: Poseidon.fullRoundCount, partialRounds: partialRoundCount)
      rounds = (0..<(Poseidon.fullRoundCount + partialRoundCount) * width).map { _ in
        var drawn = grain.integer()
        while !(drawn < Poseidon.field.modulus) { drawn = grain.integer() }
        return Poseidon.field.element(drawn)
      }
      // A Cauchy matrix. The draws are distinct, and the matrix withstands the paper's three attacks, at the first try
      // for every width here (Hadeshash's generator tries again where they do not).
      let drawn = (0..<2 * width).map { _ in Poseidon.field.element(grain.integer()) }
      matrix = (0..<width * width).map { place in
        Poseidon.field.inverse(Poseidon.field.sum(drawn[place / width], drawn[width + place % width]))
      }
    }
  }

  /// For hashes of 1 to `maximumCount` elements; all of them take a few milliseconds, once a process.
  private static let constants = (1...maximumCount).map { Constants(count: $0) }

  /// The paper's shift register of 80 bits, self-shrinking.
  private struct Grain {
    /// The youngest bit is the lowest; the oldest is bit 79.
    private var state: UInt128 = 0
    /// Bits that have been made and not taken, the next one highest.
    private var made: UInt16 = 0
    private var madeCount = 0

    init(width: Int, fullRounds: Int, partialRounds: Int) {
      // A prime field, the S-box x^alpha, 254 bits, then the sizes, and ones: the first bit is the oldest.
      for (value, bitCount) in [(1, 2), (0, 4), (254, 12), (width, 12), (fullRounds, 10), (partialRounds, 10)] {
        state = state << UInt128(bitCount) | UInt128(value)
      }
      state = state << 30 | (1 << 30 - 1)
      for _ in 0..<160 { _ = step() }
    }

    /// Sixteen steps at once: the youngest bit that a step reads is the 18th.
    private mutating func step() -> UInt128 {
      if madeCount == 0 {
        func window(_ age: Int) -> UInt128 { state >> UInt128(64 - age) }
        let new = (window(62) ^ window(51) ^ window(38) ^ window(23) ^ window(13) ^ window(0)) & 0xffff
        state = (state << 16 | new) & (1 << 80 - 1)
        (made, madeCount) = (UInt16(new), 16)
      }
      defer { (made, madeCount) = (made << 1, madeCount - 1) }
      return UInt128(made >> 15)
    }

    /// 254 bits, most significant first: of each pair of steps the second counts where the first gave one.
    mutating func integer() -> Scalar {
      var (low, high): (UInt128, UInt128) = (0, 0)
      for _ in 0..<254 {
        while step() == 0 { _ = step() }
        (high, low) = (high << 1 | low >> 127, low << 1 | step())
      }
      return Scalar(low: low, high: high)
    }
  }
}
