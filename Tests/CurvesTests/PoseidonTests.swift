// Poseidon's known hashes, what it refuses, and the arithmetic below it. Random inputs are compared with LiteSVM by
// Tools/oracle/syscalls.py.

import Primitives
import Testing

@testable import Curves

@Suite struct PoseidonTests {
  private func element(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

  /// The example of Agave's documentation (solana-poseidon, `hashv`), and circomlib's own: hashes of (1), (1, 2).
  @Test func knownHashes() throws {
    #expect(
      try Poseidon.hash([element(1), element(2)])
        == hex("0d54e1938f8a8c1c7deb5e0355f26319207b84fe9ca2ce1b26e735c829821990"))
    func small(_ value: UInt8) -> [UInt8] { [UInt8](repeating: 0, count: 31) + [value] }
    #expect(
      try Poseidon.hash([small(1)])
        == hex("29176100eaa962bdc1fe6c654d6a3c130e96a4d1168b33848b897dc502820133"))
    #expect(
      try Poseidon.hash([small(1), small(2)])
        == hex("115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a"))
  }

  @Test func refusals() throws {
    func refusal(_ inputs: [[UInt8]]) -> CurveError? {
      do throws(CurveError) {
        _ = try Poseidon.hash(inputs)
        return nil
      } catch { return error }
    }
    #expect(refusal([]) == .invalidLength && refusal(Array(repeating: element(0), count: 13)) == .invalidLength)
    #expect(refusal([Array(element(0).dropLast())]) == .invalidLength && refusal([element(0) + [0]]) == .invalidLength)
    #expect(refusal([BN254.order.bytes]) == .invalidFieldElement)
    #expect(refusal([element(0), element(0xff)]) == .invalidFieldElement)
    #expect(refusal([(BN254.order &- Scalar(1)).bytes]) == nil)
    for count in 1...12 { #expect(refusal(Array(repeating: element(3), count: count)) == nil) }
  }

  @Test func widthsAndPlacesMatter() throws {
    var known = Set<[UInt8]>()
    for count in 1...12 {
      var inputs = Array(repeating: element(1), count: count)
      known.insert(try Poseidon.hash(inputs))
      for place in 0..<count {
        inputs[place] = element(2)
        known.insert(try Poseidon.hash(inputs))
        inputs[place] = element(1)
      }
    }
    #expect(known.count == 12 + 78)
  }

  /// Modulo the base field's prime the ring must agree with the field.
  @Test func ringAgreesWithField() {
    var generator = SplitMix64(seed: seed)
    let p = BN254.Fp.modulus
    let modulus = Scalar(low: UInt128(p[1]) << 64 | UInt128(p[0]), high: UInt128(p[3]) << 64 | UInt128(p[2]))
    let ring = MontgomeryRing(modulus: modulus)
    func scalar(_ element: BN254.Fp) -> Scalar { element.bytes.withUnsafeBytes { Scalar(reading: $0.baseAddress!) } }
    for _ in 0..<2000 {
      let (a, b) = (BN254.Fp.random(&generator), BN254.Fp.random(&generator))
      let (x, y) = (ring.element(scalar(a)), ring.element(scalar(b)))
      #expect(ring.integer(x) == scalar(a))
      #expect(ring.integer(ring.sum(x, y)) == scalar(a + b))
      #expect(ring.integer(ring.product(x, y)) == scalar(a * b))
    }
    let a = BN254.Fp.random(&generator)
    #expect(ring.integer(ring.inverse(ring.element(scalar(a)))) == scalar(a.inverted()))
  }
}
