import Primitives
import Testing

@Suite struct ModularExponentiationTests {
  @Test(arguments: [
    ("03", "05", "07", "05"), ("00", "00", "05", "01"), ("00", "01", "05", "00"), ("02", "00", "01", "00"),
    ("02", "0a", "0400", "0000"), ("02", "09", "0400", "0200"), ("ff", "ff", "00", "00"),
    ("ff", "ff", "", ""),
    ("", "", "05", "01"), ("", "03", "05", "00"), ("0000000007", "00000002", "000064", "000031"),
    // Fermat: the modulus of secp256k1's field is prime.
    (
      "03", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2e",
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
      "0000000000000000000000000000000000000000000000000000000000000001"
    ),
  ])
  func examples(base: String, exponent: String, modulus: String, expected: String) {
    let result = ModularExponentiation.power(base: hex(base), exponent: hex(exponent), modulus: hex(modulus))
    #expect(result == hex(expected))
  }

  /// Against squaring and multiplying modulo a word.
  @Test func smallNumbers() {
    var generator = SplitMix64(seed: 0x5eed)
    for _ in 0..<500 {
      let (base, exponent, modulus) = (
        generator.next(), generator.next() % 1000, generator.next() >> (generator.next() % 60)
      )
      if modulus == 0 { continue }
      var expected = 1 % modulus
      for _ in 0..<exponent {
        expected = modulus.dividingFullWidth((expected.multipliedFullWidth(by: base % modulus))).remainder
      }
      let bytes = { (value: UInt64) in withUnsafeBytes(of: value.bigEndian) { Array($0) } }
      let result = ModularExponentiation.power(
        base: bytes(base), exponent: bytes(exponent), modulus: bytes(modulus))
      #expect(result == bytes(expected))
    }
  }

  @Test func operandsBeyondTheLimitAreRefused() {
    let long = [UInt8](repeating: 0, count: ModularExponentiation.maximumByteCount + 1)
    #expect(ModularExponentiation.power(base: long, exponent: [1], modulus: [5]) == nil)
    #expect(ModularExponentiation.power(base: [1], exponent: long, modulus: [5]) == nil)
    #expect(ModularExponentiation.power(base: [1], exponent: [1], modulus: long) == nil)
  }
}
