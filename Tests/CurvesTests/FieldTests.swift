import Primitives
import Testing

@testable import Curves

/// The laws of fields, on random elements and those at the edges, against slower ways to the same result.
@Suite struct FieldTests {
  @Test func laws() {
    var generator = SplitMix64(seed: seed)
    checkLaws { BN254.Fp.random(&generator) }
    checkLaws { BLS12381.Fp.random(&generator) }
    checkLaws { Fp2<BN254.Fp>.random(&generator) }
    checkLaws { Fp2<BLS12381.Fp>.random(&generator) }
    checkLaws { Fp6<BN254.Fp>.random(&generator) }
    checkLaws { Fp6<BLS12381.Fp>.random(&generator) }
    checkLaws { Fp12<BN254.Fp>.random(&generator) }
    checkLaws { Fp12<BLS12381.Fp>.random(&generator) }
  }

  private func checkLaws<F: Field>(_ random: () -> F) {
    #expect(F.zero.isZero && !F.one.isZero && F.zero.inverted().isZero && F.one.inverted() == .one)
    for _ in 0..<200 {
      let (a, b, c) = (random(), random(), random())
      #expect(a + b == b + a && a * b == b * a)
      #expect((a + b) + c == a + (b + c) && (a * b) * c == a * (b * c))
      #expect((a + b) * c == a * c + b * c)
      #expect(a - b == a + -b && (a - a).isZero && a + .zero == a && a * .one == a && (a * .zero).isZero)
      #expect(a.squared() == a * a && a.doubled() == a + a && a.tripled() == a + a + a)
      #expect(a.isZero ? a.inverted().isZero : a * a.inverted() == .one)
      #expect(
        a.power([5]) == a * a * a * a * a && a.power([0]) == .one
          && a.power([0, 1]) == a.power([1 << 32]).power([1 << 32]))
    }
  }

  @Test func primeFields() {
    checkPrimeField(BN254.Fp.self, order: BN254.Fp.modulus)
    checkPrimeField(BLS12381.Fp.self, order: BLS12381.Fp.modulus)
  }

  private func checkPrimeField<F: PrimeField>(_ field: F.Type, order: [UInt64]) {
    var generator = SplitMix64(seed: seed)
    var exponent = order  // p - 2
    exponent[0] -= 2
    var squareCount = 0
    for _ in 0..<300 {
      let (a, b) = (F.random(&generator), F.random(&generator))
      #expect(a.halved().doubled() == a)
      #expect(a.inverted() == a.power(exponent))
      #expect(F.unreducedSum(a, b) * (a - b) == a.squared() - b.squared())
      #expect(F.sumOfProducts(a, b, b, b) == (a + b) * b)
      #expect(F.sumOfProducts(a, b, b.complement, a) == .zero && (a + a.complement).isZero)
      #expect(a.bytes.withUnsafeBytes { F(reading: $0.baseAddress!) } == a)
      #expect(a.isOdd == (a.bytes.last! & 1 == 1))
      #expect(
        a.isZero ? !a.isLexicographicallyLarge : a.isLexicographicallyLarge != (-a).isLexicographicallyLarge)
      if let root = a.squareRoot() {
        squareCount += 1
        #expect(root.squared() == a)
        #expect(a.isZero || (-a).squareRoot() == nil)  // p is 3 modulo 4
      }
    }
    #expect((100...220).contains(squareCount))
  }

  /// Integers modulo p, by addition alone.
  @Test func smallIntegers() {
    for (a, b) in [(0, 0), (1, 1), (7, 9), (65_537, 1_000_003), (UInt64.max, 3), (UInt64.max, UInt64.max)]
      as [(UInt64, UInt64)]
    {
      let product = a.multipliedFullWidth(by: b)
      let expected =
        [UInt8](repeating: 0, count: 16)
        + Scalar(UInt128(product.high) << 64 | UInt128(product.low)).bytes.suffix(16)
      #expect((BN254.Fp(a) * BN254.Fp(b)).bytes == expected)
      #expect((BLS12381.Fp(a) * BLS12381.Fp(b)).bytes == [UInt8](repeating: 0, count: 16) + expected)
    }
  }

  @Test func numbersFromTheModulusOnAreRefused() {
    for difference in 0..<3 as Range<UInt64> {
      for isBelow in [true, false] {
        check(BN254.Fp.self, BN254.Fp.modulus, difference, isBelow)
        check(BLS12381.Fp.self, BLS12381.Fp.modulus, difference, isBelow)
      }
    }
    let ones = [UInt8](repeating: 255, count: 48)
    #expect(ones.withUnsafeBytes { BN254.Fp(reading: $0.baseAddress!) } == nil)
    #expect(ones.withUnsafeBytes { BLS12381.Fp(reading: $0.baseAddress!) } == nil)
  }

  private func check<F: PrimeField>(
    _ field: F.Type, _ modulus: [UInt64], _ difference: UInt64, _ isBelow: Bool
  ) {
    var words = modulus
    words[0] = isBelow ? words[0] - difference - 1 : words[0] + difference
    let bytes = words.reversed().flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    #expect((bytes.withUnsafeBytes { F(reading: $0.baseAddress!) } != nil) == isBelow)
  }

  @Test func quadraticRoots() {
    checkRoots(BN254.Fp.self)
    checkRoots(BLS12381.Fp.self)
  }

  private func checkRoots<F: TowerField>(_ field: F.Type) {
    var generator = SplitMix64(seed: seed)
    let nonSquare = F.timesXi(.one)  // xi is neither a square nor a cube
    #expect(nonSquare.squareRoot() == nil)
    for _ in 0..<100 {
      let a = Fp2<F>.random(&generator)
      #expect(a.squared().squareRoot().map { $0 == a || $0 == -a } == true)
      #expect(a.isZero || (a.squared() * nonSquare).squareRoot() == nil)
      let real = Fp2<F>(a.c0, .zero)
      #expect(real.squareRoot()?.squared() == real)
      #expect(a.isZero || a.isOdd != (-a).isOdd)
    }
  }

  @Test func towers() {
    checkTower(BN254.Fp.self, BN254.Fp.modulus)
    checkTower(BLS12381.Fp.self, BLS12381.Fp.modulus)
  }

  private func checkTower<F: PairingField>(_ field: F.Type, _ modulus: [UInt64]) {
    var generator = SplitMix64(seed: seed)
    let w = Fp12<F>(.zero, .one)
    let v = Fp12<F>(Fp6(.zero, .one, .zero), .zero)
    #expect(w * w == v)
    #expect(v * v * v == Fp12<F>(Fp6(F.timesXi(.one), .zero, .zero), .zero))
    #expect(Fp2<F>(.zero, .one).squared() == -.one)
    for _ in 0..<20 {
      let a = Fp12<F>.random(&generator)
      #expect(a.frobenius() == a.power(modulus))
      #expect(a.frobeniusSquared() == a.frobenius().frobenius())
      var sixth = a
      for _ in 0..<6 { sixth = sixth.frobenius() }
      #expect(sixth == a.conjugate)
      let (b, c, d) = (Fp2<F>.random(&generator), Fp2<F>.random(&generator), Fp2<F>.random(&generator))
      func element(_ c0: Fp2<F>) -> Fp12<F> { Fp12(Fp6(c0, .zero, .zero), .zero) }
      #expect(a.timesLine(b, w: c, w3: d) == a * (element(b) + element(c) * w + element(d) * w * w * w))
      #expect(a.timesLine(b, w2: c, w3: d) == a * (element(b) + element(c) * w * w + element(d) * w * w * w))
      #expect(a.c0.timesV() == a.c0 * Fp6(.zero, .one, .zero))
      if a.isZero { continue }
      let easy = a.conjugate * a.inverted()
      let cyclotomic = easy.frobeniusSquared() * easy
      #expect(cyclotomic.cyclotomicSquared() == cyclotomic.squared())
      #expect(cyclotomic * cyclotomic.conjugate == .one)
      #expect(
        cyclotomic.cyclotomicPower(nonAdjacentForm(0xdead_beef_0bad_cafe))
          == cyclotomic.power([0xdead_beef_0bad_cafe]))
    }
  }

  @Test func nonAdjacentForms() {
    for value in [1, 2, 3, 7, 0xd201_0000_0001_0000, UInt128(UInt64.max), UInt128.max >> 1, UInt128.max] {
      let digits = nonAdjacentForm(value)
      #expect(digits.first == 1)
      #expect(digits.reduce(0 as UInt128) { $0 &* 2 &+ UInt128(truncatingIfNeeded: $1) } == value)
      #expect(zip(digits, digits.dropFirst()).allSatisfy { $0 == 0 || $1 == 0 })
    }
  }
}
