// Signatures that nobody makes by accident, each built from its definition: the group order's multiples,
// points of small order, keys and nonces with a part of small order, encodings that are not canonical. Every
// kernel must answer as the library does, and as the definition of strict verification says, in every lane.

import CSodium
import Testing

@testable import Primitives

@Suite struct Ed25519EdgeTests {
  /// Encodings of the eight points of small order, then those of them that are not canonical (y + p, or a
  /// sign of x = 0).
  static let smallOrder = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ].map(hex)

  private static func filled(_ body: (UnsafeMutablePointer<UInt8>) -> Int32) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
      _ = body(bytes.baseAddress!)
      count = 32
    }
  }
  static func scalar(_ wide: [UInt8]) -> [UInt8] {
    filled {
      crypto_core_ed25519_scalar_reduce($0, wide)
      return 0
    }
  }
  static func multiply(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
    filled {
      crypto_core_ed25519_scalar_mul($0, a, b)
      return 0
    }
  }
  static func add(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
    filled {
      crypto_core_ed25519_scalar_add($0, a, b)
      return 0
    }
  }
  static func base(_ scalar: [UInt8]) -> [UInt8] {
    filled { crypto_scalarmult_ed25519_base_noclamp($0, scalar) }
  }
  static func sum(_ p: [UInt8], _ q: [UInt8]) -> [UInt8] { filled { crypto_core_ed25519_add($0, p, q) } }
  /// SHA-512 of R, A and the message, modulo the order.
  static func challenge(_ r: [UInt8], _ a: [UInt8], _ message: [UInt8]) -> [UInt8] {
    scalar(SHA512.hash(r + a + message))
  }

  struct Case {
    let name: String
    let isValid: Bool
    let signed: SignedMessage
    init(_ name: String, _ isValid: Bool, r: [UInt8], s: [UInt8], _ message: [UInt8], key: [UInt8]) {
      (self.name, self.isValid) = (name, isValid)
      signed = SignedMessage(signature: r + s, message: message, key: key)
    }
  }

  /// Scalars at the order's edges with a good R: only the one that was computed is accepted.
  static func scalarCases(_ random: inout SplitMix64) -> [Case] {
    let (secret, nonce) = (scalar(random.bytes(64)), scalar(random.bytes(64)))
    let (key, r, message) = (base(secret), base(nonce), random.bytes(20))
    let s = add(nonce, multiply(challenge(r, key, message), secret))
    var cases = [Case("computed from the definition", true, r: r, s: s, message, key: key)]
    var signature = r + s
    // s + l, s + 2 l … s + 14 l: all the same scalar; the last ones have the high bits set.
    for count in 1...14 {
      Ed25519BatchTests.addOrder(to: &signature)
      cases.append(
        Case("s + \(count) l", false, r: r, s: Array(signature[32...]), message, key: key))
    }
    let zero = [UInt8](repeating: 0, count: 32)
    var below = Ed25519BatchTests.order
    below[0] -= 1
    for (name, other) in [
      ("s = 0", zero), ("s = l", Ed25519BatchTests.order), ("s = l − 1", below),
      ("s = 2^256 − 1", [UInt8](repeating: 255, count: 32)),
    ] { cases.append(Case(name, false, r: r, s: other, message, key: key)) }
    return cases
  }

  /// Keys of small order: the equation holds as often as k A is zero, and still all are refused.
  static func smallKeyCases(_ random: inout SplitMix64) -> [Case] {
    smallOrder.flatMap { key in
      (0..<10).map { number in
        let nonce = scalar(random.bytes(64))
        return Case("A of small order", false, r: base(nonce), s: nonce, [UInt8(number)], key: key)
      }
    }
  }

  /// Nonces of small order, with s = k a, so that the equation holds for the canonical identity.
  static func smallNonceCases(_ random: inout SplitMix64) -> [Case] {
    smallOrder.flatMap { r in
      (0..<10).map { number in
        let secret = scalar(random.bytes(64))
        let (key, message) = (base(secret), [UInt8(number)])
        let s = multiply(challenge(r, key, message), secret)
        return Case("R of small order", false, r: r, s: s, message, key: key)
      }
    }
  }

  /// Nonces of small order and keys with a part of it, by each of the other points with which the equation holds: nothing
  /// but R's order refuses them.
  static func smallNonceMixedKeyCases(_ random: inout SplitMix64) -> [Case] {
    let zero = smallOrder[0]
    return smallOrder[..<8].flatMap { r in
      smallOrder[1..<8].compactMap { torsion -> Case? in
        for number in 0..<100 {
          let secret = scalar(random.bytes(64))
          let (key, message) = (sum(base(secret), torsion), [UInt8(number), 5])
          let k = challenge(r, key, message)
          var part = r
          for _ in 0..<Int(k[0] & 7) { part = sum(part, torsion) }
          // s B − k A = −k T, which is R.
          if part == zero {
            return Case("R of small order, A mixed", false, r: r, s: multiply(k, secret), message, key: key)
          }
        }
        return nil
      }
    }
  }

  /// Keys and nonces with a part of small order. Without the cofactor, such a signature is valid where k
  /// times the key's part is the nonce's: known from k modulo 8.
  static func mixedCases(_ random: inout SplitMix64) -> [Case] {
    var cases: [Case] = []
    for torsion in smallOrder[1..<8] {
      for number in 0..<16 {
        let (secret, nonce) = (scalar(random.bytes(64)), scalar(random.bytes(64)))
        let (plain, message) = (base(secret), [UInt8(number), 3])
        let key = sum(plain, torsion)
        let r = base(nonce)
        let k = challenge(r, key, message)
        // k T by repeated addition, k modulo 8.
        var part = smallOrder[0]
        for _ in 0..<Int(k[0] & 7) { part = sum(part, torsion) }
        let s = add(nonce, multiply(k, secret))
        cases.append(Case("A of mixed order", part == smallOrder[0], r: r, s: s, message, key: key))
        let mixed = sum(r, torsion)
        let other = add(nonce, multiply(challenge(mixed, plain, message), secret))
        cases.append(Case("R of mixed order", false, r: mixed, s: other, message, key: plain))
      }
    }
    return cases
  }

  /// y from p to 2^255 − 1 with either sign, and y that belong to no point, as key and as R.
  static func encodingCases(_ random: inout SplitMix64) -> [Case] {
    let pair = Ed25519.KeyPair(seed: random.hash())
    let good = SignedMessage(pair, pattern(9))
    var cases: [Case] = []
    for low in 0xed...0xff {
      for high in [0x7f, 0xff] as [UInt8] {
        let bytes = [UInt8(low)] + [UInt8](repeating: 0xff, count: 30) + [high]
        let s = Array(good.signature[32...])
        cases.append(
          Case("A = \(low)…", false, r: Array(good.signature[..<32]), s: s, good.message, key: bytes))
        cases.append(Case("R = \(low)…", false, r: bytes, s: s, good.message, key: good.key))
      }
    }
    for number in 0..<40 {
      let bytes = [UInt8(number)] + [UInt8](repeating: 0, count: 31)
      let s = Array(good.signature[32...])
      cases.append(
        Case("A = \(number)", false, r: Array(good.signature[..<32]), s: s, good.message, key: bytes))
      cases.append(Case("R = \(number)", false, r: bytes, s: s, good.message, key: good.key))
    }
    return cases
  }

  @Test(arguments: Ed25519Kernel.all)
  func verdicts(_ kernel: Ed25519Kernel) {
    var random = SplitMix64(seed: 7)
    var cases = Self.scalarCases(&random)
    cases += Self.smallKeyCases(&random) + Self.smallNonceCases(&random)
    let solved = Self.smallNonceMixedKeyCases(&random)
    #expect(Set(solved.map { Array($0.signed.signature[..<32]) }).count == 8)
    cases += solved + Self.mixedCases(&random) + Self.encodingCases(&random)
    let validCount = cases.count { $0.isValid }
    #expect(validCount > 20)
    for one in cases { #expect(one.signed.isValid == one.isValid, "library: \(one.name)") }
    // Rotated, so that each comes to lie in each lane among ever other neighbours.
    #if DEBUG
      let rotations = [0, 3]
    #else
      let rotations = Array(0..<8)
    #endif
    for rotation in rotations {
      let order = Array(cases[rotation...] + cases[..<rotation])
      let verdicts = SignedMessage.verdicts(order.map(\.signed), kernel)
      for (verdict, one) in zip(verdicts, order) where verdict != one.isValid {
        Issue.record("\(one.name), rotated by \(rotation): \(verdict)")
      }
    }
  }
}
