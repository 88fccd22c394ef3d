import Testing

@testable import WideIntegers

struct UInt256DivisionTests {
  /// Dividends and divisors, a third of them close to each other.
  static func operands(_ source: inout WordSource) -> (UInt256, UInt256) {
    let divisor = source.word()
    return (source.random.next() % 3 == 0 ? source.word(near: divisor) : source.word(), divisor)
  }

  @Test func quotientsAndRemainders() {
    var source = WordSource(seed: 21)
    for _ in 0..<120_000 {
      let (a, b) = Self.operands(&source)
      let expected = SlowLimbs.divide(SlowLimbs.limbs(a), b)
      #expect(a.divided(by: b) == SlowLimbs.uint256(expected.quotient), "\(a) / \(b)")
      #expect(a.modulo(b) == expected.remainder, "\(a) % \(b)")
    }
  }

  @Test func quotientsTimesDivisorsAndRemaindersGiveDividends() {
    var source = WordSource(seed: 22)
    for _ in 0..<1_000_000 {
      let (a, b) = Self.operands(&source)
      let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
      if b.isZero {
        #expect(quotient.isZero && remainder.isZero)
      } else {
        #expect(remainder < b, "\(a) % \(b)")
        #expect(UInt512(product: quotient, b).high.isZero && quotient &* b &+ remainder == a, "\(a) / \(b)")
      }
    }
  }

  @Test func signedDivision() {
    var source = WordSource(seed: 23)
    let smallest = UInt256.one << 255
    for index in 0..<100_000 {
      var (a, b) = Self.operands(&source)
      if index % 16 == 0 { a = smallest }
      if index % 32 == 0 { b = .max }
      func size(_ value: UInt256) -> UInt256 { value.limb3 >> 63 == 1 ? ~value &+ 1 : value }
      let expected = SlowLimbs.divide(SlowLimbs.limbs(size(a)), size(b))
      let quotient = SlowLimbs.uint256(expected.quotient)
      let isNegative = (a.limb3 >> 63) != (b.limb3 >> 63)
      #expect(a.signedDivided(by: b) == (isNegative ? ~quotient &+ 1 : quotient), "\(a) / \(b)")
      let remainder = a.limb3 >> 63 == 1 ? ~expected.remainder &+ 1 : expected.remainder
      #expect(a.signedModulo(b) == remainder, "\(a) % \(b)")
    }
    #expect(smallest.signedDivided(by: .max) == smallest)
    #expect(smallest.signedModulo(.max) == 0)
  }

  @Test func sumsAndProductsAreReducedWhole() {
    var source = WordSource(seed: 24)
    for index in 0..<100_000 {
      var (a, m) = Self.operands(&source)
      let b = index % 4 == 0 ? source.word(near: m) : source.word()
      if index % 5 == 0 { a = a.modulo(m) }
      let (x, y) = (SlowLimbs.limbs(a), SlowLimbs.limbs(b))
      let sum = SlowLimbs.divide(SlowLimbs.sum(x, y), m).remainder
      #expect(a.adding(b, modulo: m) == sum, "\(a) + \(b) mod \(m)")
      let product = SlowLimbs.divide(SlowLimbs.product(x, y), m).remainder
      #expect(a.multiplied(by: b, modulo: m) == product, "\(a) * \(b) mod \(m)")
      m = m | (UInt256.one << 255)
      #expect(a.adding(b, modulo: m) == SlowLimbs.divide(SlowLimbs.sum(x, y), m).remainder)
    }
  }

  @Test func powersAreRepeatedProducts() {
    var source = WordSource(seed: 25)
    for index in 0..<100_000 {
      let base = source.word()
      let exponent = index % 100 == 0 ? source.word() : UInt256(source.random.next() % 600)
      // Right to left, where the tested one goes from the left.
      var (expected, square, rest) = (UInt256.one, base, exponent)
      while !rest.isZero {
        if rest.limb0 & 1 == 1 { expected = expected &* square }
        square = square &* square
        rest = rest >> 1
      }
      #expect(base.raised(to: exponent) == expected, "\(base) ** \(exponent)")
    }
    #expect(UInt256.zero.raised(to: 0) == 1)
    #expect(UInt256.zero.raised(to: .max) == 0)
    #expect(UInt256(2).raised(to: 255) == .one << 255)
    #expect(UInt256(2).raised(to: 256) == 0)
  }

  @Test func machineCodeFunctionsWorkInPlace() {
    var source = WordSource(seed: 26)
    let binary: [(WideOperation.Binary, (UInt256, UInt256) -> UInt256)] = [
      (WideOperation.multiply, { $0 &* $1 }), (WideOperation.divide, { $0.divided(by: $1) }),
      (WideOperation.signedDivide, { $0.signedDivided(by: $1) }), (WideOperation.modulo, { $0.modulo($1) }),
      (WideOperation.signedModulo, { $0.signedModulo($1) }),
      (WideOperation.exponentiate, { $0.raised(to: $1) }),
      (WideOperation.signExtend, { $1.signExtended(fromByte: $0) }),
      (WideOperation.byte, { $1.byte(at: $0) }),
      (WideOperation.shiftLeft, { $1.shiftedLeft(by: $0) }),
      (WideOperation.shiftRight, { $1.shiftedRight(by: $0) }),
      (WideOperation.shiftRightSigned, { $1.shiftedRightSigned(by: $0) }),
    ]
    for index in 0..<5_000 {
      let (a, b, m) = (
        index % 2 == 0 ? source.word() : UInt256(source.random.next() % 257), source.word(), source.word()
      )
      var words = [a, b, m, 0]
      words.withUnsafeMutableBytes { bytes in
        let base = bytes.baseAddress!
        func set() {
          bytes.storeBytes(of: a, as: UInt256.self)
          bytes.storeBytes(of: b, toByteOffset: 32, as: UInt256.self)
        }
        func word(_ index: Int) -> UInt256 { bytes.load(fromByteOffset: 32 * index, as: UInt256.self) }
        for (function, expected) in binary {
          function(base + 96, base, base + 32)
          #expect(word(3) == expected(a, b))
          function(base, base, base + 32)
          #expect(word(0) == expected(a, b))
          set()
          function(base + 32, base, base + 32)
          #expect(word(1) == expected(a, b))
          set()
        }
        WideOperation.addModulo(base + 96, base, base + 32, base + 64)
        #expect(word(3) == a.adding(b, modulo: m))
        WideOperation.multiplyModulo(base + 64, base, base + 32, base + 64)
        #expect(word(2) == a.multiplied(by: b, modulo: m))
      }
    }
  }
}
