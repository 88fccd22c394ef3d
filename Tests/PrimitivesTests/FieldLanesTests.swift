// The kernels' arithmetic of GF(2^255 − 19) and of secp256k1's field against 256-bit integers, at the bounds
// of every limb: what a class of limbs may hold at most goes in, and what comes out must be congruent and
// within the bounds of its class.

import CVectorCryptoPortable
import Primitives
import Testing
import WideIntegers

@Suite struct FieldLanesTests {
  /// One radix: the kernel's function and the ranges its file states.
  struct Radix: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let modulus: UInt256
    let bits: [Int]
    /// The largest limb of each class, as an exponent's power and what is added.
    let reduced: [UInt64]
    let operand: [UInt64]
    /// What a wide number may be in the test.
    let wide: [UInt64]
    /// Of secp256k1's field: a product and a sum of two that are not carried, what a multiplication takes at most, what
    /// `fe_carry_narrow` does, what `fe_trim` takes after it, and what that gives.
    var product: [UInt64] = []
    var twoProducts: [UInt64] = []
    var factor: [UInt64] = []
    var narrow: [UInt64] = []
    var trimmable: [UInt64] = []
    var trimmed: [UInt64] = []
    let isWideSum: Bool
    let run: @Sendable (vc_field_operation, [UInt64], [UInt64], inout [UInt64]) -> Void

    private static let p25519 = (UInt256(1) << 255) &- UInt256(19)
    private static let p256k1 = UInt256(0) &- UInt256(0x1_0000_03d1)

    static let all = [
      Radix(
        testDescription: "2^255 − 19, five limbs", modulus: p25519, bits: [51, 51, 51, 51, 51],
        reduced: [UInt64](repeating: 1 << 51 + 1 << 17 - 1, count: 5),
        operand: [UInt64](repeating: 1 << 52 - 1, count: 5),
        wide: [UInt64](repeating: 1 << 59, count: 5), isWideSum: true,
        run: { vc_field25519_radix51($0, $1, $2, &$3) }),
      Radix(
        testDescription: "2^255 − 19, ten limbs", modulus: p25519,
        bits: [26, 25, 26, 25, 26, 25, 26, 25, 26, 25],
        reduced: (0..<10).map { $0 % 2 == 0 ? 1 << 26 - 1 : 1 << 25 + 1 << 19 - 1 },
        operand: (0..<10).map { $0 % 2 == 0 ? 3 << 26 - 1 : 3 << 25 + 1 << 20 - 1 },
        wide: [UInt64](repeating: 1 << 60, count: 10), isWideSum: true,
        run: { vc_field25519_radix25($0, $1, $2, &$3) }),
      Radix(
        testDescription: "2^256 − 2^32 − 977, five limbs", modulus: p256k1, bits: [52, 52, 52, 52, 48],
        reduced: [1 << 52 - 1, 1 << 52 - 1, 1 << 52 - 1, 1 << 52 - 1, 1 << 49 - 1],
        operand: [1 << 52 - 1, 1 << 52 - 1, 1 << 52 - 1, 1 << 52 - 1, 1 << 51 - 1],
        wide: [UInt64](repeating: 1 << 62 - 1, count: 5),
        product: [14 << 52, 14 << 52, 14 << 52, 14 << 52, 1 << 48 - 1],
        twoProducts: [24 << 52, 24 << 52, 24 << 52, 24 << 52, 1 << 48 - 1],
        factor: [UInt64](repeating: 1 << 52 - 1, count: 5),
        narrow: [1 << 62 - 1, 1 << 62 - 1, 1 << 62 - 1, 1 << 62 - 1, 1 << 52 - 1 << 11],
        trimmable: [1 << 62 - 1, 1 << 62 - 1, 1 << 62 - 1, 1 << 62 - 1, 1 << 51 - 1 << 11],
        trimmed: [1 << 52 - 1, 1 << 52 - 1, 1 << 52 - 1, 1 << 52 - 1, 1 << 51 - 9], isWideSum: false,
        run: { vc_field256k1_radix52($0, $1, $2, &$3) }),
      Radix(
        testDescription: "2^256 − 2^32 − 977, ten limbs", modulus: p256k1,
        bits: [26, 26, 26, 26, 26, 26, 26, 26, 26, 22],
        reduced: [UInt64](repeating: 1 << 26 + 1 << 20 - 1, count: 9) + [1 << 22 + 1 << 10 - 1],
        operand: [UInt64](repeating: 1 << 26 + 1 << 20 - 1, count: 9) + [1 << 22 + 1 << 10 - 1],
        wide: [UInt64](repeating: 1 << 34 - 1, count: 9) + [1 << 31 - 1],
        product: [UInt64](repeating: 1 << 26 + 1 << 20 - 1, count: 9) + [1 << 22 + 1 << 10 - 1],
        twoProducts: [UInt64](repeating: 1 << 26 + 1 << 20 - 1, count: 9) + [1 << 22 + 1 << 10 - 1],
        factor: [UInt64](repeating: 1 << 26 + 1 << 20 - 1, count: 9) + [1 << 22 + 1 << 10 - 1],
        narrow: [UInt64](repeating: 1 << 34 - 1, count: 9) + [1 << 31 - 1],
        trimmable: [UInt64](repeating: 1 << 34 - 1, count: 9) + [1 << 31 - 1],
        trimmed: [UInt64](repeating: 1 << 26 + 1 << 20 - 1, count: 9) + [1 << 22 + 1 << 10 - 1],
        isWideSum: false,
        run: { vc_field256k1_radix26($0, $1, $2, &$3) }),
    ]
  }

  /// The element that limbs of any size stand for.
  private static func value(_ words: [UInt64], lane: Int, _ radix: Radix) -> UInt256 {
    let p = radix.modulus
    var (sum, offset) = (UInt256(0), 0)
    for (limb, bits) in radix.bits.enumerated() {
      let weight = (UInt256(1) << UInt64(offset)).modulo(p)
      sum = sum.adding(UInt256(words[8 * limb + lane]).multiplied(by: weight, modulo: p), modulo: p)
      offset += bits
    }
    return sum
  }

  /// Limbs of `bounds` at most: all at the bound, or each at the bound, zero or between.
  private static func limbs(_ bounds: [UInt64], round: Int, _ random: inout SplitMix64) -> [UInt64] {
    bounds.flatMap { bound in
      (0..<8).map { _ -> UInt64 in
        let drawn = random.next()
        switch (round, drawn % 4) {
        case (0, _), (_, 0): return bound
        case (_, 1): return 0
        default: return random.next() % (bound + 1)
        }
      }
    }
  }

  private typealias Expectation = (UInt256, UInt256) -> UInt256

  private func check(
    _ radix: Radix, _ operation: vc_field_operation, inputs: [UInt64], outputs: [UInt64], rounds: Int,
    _ expected: Expectation
  ) {
    var random = SplitMix64(seed: UInt64(operation.rawValue))
    for round in 0..<rounds {
      let a = Self.limbs(inputs, round: round, &random)
      let b = Self.limbs(inputs, round: round, &random)
      var result = [UInt64](repeating: 0, count: 8 * radix.bits.count)
      radix.run(operation, a, b, &result)
      for lane in 0..<8 {
        let (x, y) = (Self.value(a, lane: lane, radix), Self.value(b, lane: lane, radix))
        let found = Self.value(result, lane: lane, radix)
        #expect(found == expected(x, y), "operation \(operation), round \(round)")
        for (limb, bound) in outputs.enumerated() {
          #expect(result[8 * limb + lane] <= bound, "operation \(operation), limb \(limb), round \(round)")
        }
      }
    }
  }

  @Test(arguments: Radix.all)
  func staysWithinItsBounds(_ radix: Radix) {
    let p = radix.modulus
    let rounds = 40
    check(radix, VC_MULTIPLY, inputs: radix.operand, outputs: radix.reduced, rounds: rounds) {
      $0.multiplied(by: $1, modulo: p)
    }
    check(radix, VC_SQUARE, inputs: radix.operand, outputs: radix.reduced, rounds: rounds) { x, _ in
      x.multiplied(by: x, modulo: p)
    }
    check(radix, VC_ADD, inputs: radix.reduced, outputs: radix.operand, rounds: rounds) {
      $0.adding($1, modulo: p)
    }
    check(radix, VC_SUBTRACT, inputs: radix.reduced, outputs: radix.operand, rounds: rounds) {
      $0.adding(p &- $1, modulo: p)
    }
    check(radix, VC_NEGATE, inputs: radix.reduced, outputs: radix.operand, rounds: rounds) { x, _ in
      x.isZero ? x : p &- x
    }
    check(radix, VC_WIDE, inputs: radix.wide, outputs: radix.reduced, rounds: rounds) { x, _ in
      radix.isWideSum ? x.adding(x, modulo: p) : x.modulo(p)
    }
    if radix.isWideSum {
      check(radix, VC_MULTIPLY_RAISED, inputs: radix.operand, outputs: radix.reduced, rounds: rounds) {
        $0.multiplied(by: $1, modulo: p).adding(p &- $1.multiplied(by: $1, modulo: p), modulo: p)
      }
      check(radix, VC_SQUARE_RAISED, inputs: radix.operand, outputs: radix.reduced, rounds: rounds) {
        $0.multiplied(by: $0, modulo: p).adding(p &- $1.multiplied(by: $1, modulo: p), modulo: p)
      }
    } else {
      check(radix, VC_MULTIPLY_TWO, inputs: radix.operand, outputs: radix.reduced, rounds: rounds) {
        let product = $0.multiplied(by: $1, modulo: p)
        return product.adding(product, modulo: p)
      }
      check(radix, VC_MULTIPLY, inputs: radix.factor, outputs: radix.reduced, rounds: rounds) {
        $0.multiplied(by: $1, modulo: p)
      }
      check(radix, VC_MULTIPLY_WIDE, inputs: radix.factor, outputs: radix.product, rounds: rounds) {
        $0.multiplied(by: $1, modulo: p)
      }
      check(radix, VC_SQUARE_WIDE, inputs: radix.factor, outputs: radix.product, rounds: rounds) { x, _ in
        x.multiplied(by: x, modulo: p)
      }
      check(
        radix, VC_MULTIPLY_ADD_SQUARE_WIDE, inputs: radix.operand, outputs: radix.twoProducts, rounds: rounds
      ) { $0.multiplied(by: $1, modulo: p).adding($0.multiplied(by: $0, modulo: p), modulo: p) }
      check(radix, VC_NEGATE_PRODUCT, inputs: radix.product, outputs: radix.factor, rounds: rounds) { x, _ in
        let eight = x.multiplied(by: UInt256(8), modulo: p)
        return eight.isZero ? eight : p &- eight
      }
      check(radix, VC_SUBTRACT_TRIMMED, inputs: radix.trimmed, outputs: radix.factor, rounds: rounds) {
        $0.adding(p &- $1, modulo: p)
      }
      check(radix, VC_TRIM, inputs: radix.trimmable, outputs: radix.trimmed, rounds: rounds) { x, _ in x }
      check(radix, VC_FACTOR, inputs: radix.wide, outputs: radix.factor, rounds: rounds) { x, _ in x }
      check(radix, VC_NARROW_FACTOR, inputs: radix.narrow, outputs: radix.factor, rounds: rounds) { x, _ in x
      }
    }
    let exact = radix.bits.map { UInt64(1) << UInt64($0) - 1 }
    let any = radix.isWideSum ? radix.wide : radix.reduced
    check(radix, VC_CANONICAL, inputs: any, outputs: exact, rounds: rounds) { x, _ in x }
  }

  /// a times 1/a in every lane, and that of numbers next to p.
  @Test(arguments: Radix.all)
  func inverses(_ radix: Radix) {
    var random = SplitMix64(seed: 12)
    for round in 0..<40 {
      var a = Self.limbs(radix.reduced, round: round + 1, &random)
      for lane in 0..<8 where Self.value(a, lane: lane, radix).isZero { a[lane] = 1 }
      if round < 8 {
        // p − 1, and one more than it.
        for limb in radix.bits.indices { a[8 * limb + round] = limb == 0 ? 1 : 0 }
        let words = (0..<8 * radix.bits.count).map { $0 % 8 == round ? a[$0] : 0 }
        var negative = [UInt64](repeating: 0, count: a.count)
        radix.run(VC_NEGATE, words, words, &negative)
        for limb in radix.bits.indices where round % 2 == 0 {
          a[8 * limb + round] = negative[8 * limb + round]
        }
      }
      // Negation gives operands, of which the bounds are wider.
      radix.run(VC_CANONICAL, a, a, &a)
      var inverse = [UInt64](repeating: 0, count: a.count)
      radix.run(VC_INVERT, a, a, &inverse)
      for lane in 0..<8 {
        let product = Self.value(a, lane: lane, radix).multiplied(
          by: Self.value(inverse, lane: lane, radix), modulo: radix.modulus)
        #expect(product == UInt256(1), "lane \(lane), round \(round)")
      }
    }
  }

  /// The canonical form of p − 20 … p + 18: what lies at or above p comes down by p.
  @Test(arguments: Radix.all)
  func canonicalFormAroundTheModulus(_ radix: Radix) {
    for distance in -20...18 {
      let offset = UInt256(UInt64(abs(distance)))
      let number = distance < 0 ? radix.modulus &- offset : radix.modulus &+ offset
      // Limbs of the number as it stands, above p or not.
      var (words, expected, position): ([UInt64], [UInt64], UInt64) = ([], [], 0)
      let canonical = distance < 0 ? number : offset
      for bits in radix.bits {
        let mask = UInt64(1) << UInt64(bits) - 1
        words += [UInt64](repeating: (number >> position).limb0 & mask, count: 8)
        expected += [UInt64](repeating: (canonical >> position).limb0 & mask, count: 8)
        position += UInt64(bits)
      }
      var result = [UInt64](repeating: 0, count: words.count)
      radix.run(VC_CANONICAL, words, words, &result)
      #expect(result == expected, "p + \(distance)")
    }
  }
}
