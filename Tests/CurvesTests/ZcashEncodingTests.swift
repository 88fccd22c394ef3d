// BLS12-381 in Zcash's encoding, in both byte orders: what comes back, what is refused for which reason, and that groups and
// pairing keep their laws. Random bytes are compared with LiteSVM by Tools/oracle/syscalls.py.

import Primitives
import Testing

@testable import Curves

@Suite struct ZcashEncodingTests {
  private typealias Order = BLS12381.ByteOrder

  private func operate(
    _ operation: BLS12381.GroupOperation, _ left: [UInt8], _ right: [UInt8], _ group: BLS12381.Group, _ order: Order
  ) throws(CurveError) -> [UInt8] {
    try with(left) { left throws(CurveError) in
      try with(right) { right throws(CurveError) in try BLS12381.operate(operation, left, right, in: group, order) }
    }
  }

  private func isPoint(_ bytes: [UInt8], _ group: BLS12381.Group, _ order: Order = .big) -> Bool {
    bytes.withUnsafeBytes { BLS12381.isPoint($0, of: group, order) }
  }

  private func decompress(_ bytes: [UInt8], _ group: BLS12381.Group, _ order: Order) throws(CurveError) -> [UInt8] {
    try with(bytes) { bytes throws(CurveError) in try BLS12381.decompress(bytes, of: group, order) }
  }

  private func pair(_ first: [UInt8], _ second: [UInt8], _ order: Order) throws(CurveError) -> [UInt8] {
    try with(first) { first throws(CurveError) in
      try with(second) { second throws(CurveError) in try BLS12381.pairingProduct(first, second, order) }
    }
  }

  private func turned(_ bytes: [UInt8], _ group: BLS12381.Group) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: group.coordinateByteCount).flatMap {
      bytes[$0..<$0 + group.coordinateByteCount].reversed()
    }
  }

  private func refusal(_ body: () throws(CurveError) -> [UInt8]) -> CurveError? {
    do throws(CurveError) {
      _ = try body()
      return nil
    } catch { return error }
  }

  private let generators: [(BLS12381.Group, [UInt8])] = [
    (.g1, ZcashEncoding.write(BLS12381.generator1)), (.g2, ZcashEncoding.write(BLS12381.generator2)),
  ]

  @Test func generatorsHaveTheirKnownBytes() {
    #expect(
      Array(generators[0].1.prefix(48))
        == hex("17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"))
    #expect(
      Array(generators[1].1.prefix(48))
        == hex("13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"))
  }

  @Test func groupsInBothOrders() throws {
    var generator = SplitMix64(seed: seed)
    for (group, base) in generators {
      let scalar = Scalar.random(&generator).reduced(modulo: BLS12381.order)
      let multiple = try operate(.multiply, scalar.bytes, base, group, .big)
      let littleBase = turned(base, group)
      let little = try operate(.multiply, scalar.bytes.reversed(), littleBase, group, .little)
      #expect(turned(multiple, group) == little)
      let sum = try operate(.add, multiple, base, group, .big)
      #expect(try operate(.subtract, sum, base, group, .big) == multiple)
      #expect(try operate(.add, little, littleBase, group, .little) == turned(sum, group))
      let infinity = try operate(.subtract, base, base, group, .big)
      #expect(infinity == [0x40] + [UInt8](repeating: 0, count: group.pointByteCount - 1))
      #expect(try operate(.add, infinity, base, group, .big) == base)
      #expect(isPoint(base, group) && isPoint(littleBase, group, .little) && isPoint(infinity, group))
      #expect(isPoint(turned(infinity, group), group, .little))
      #expect(refusal { () throws(CurveError) in
        try operate(.multiply, BLS12381.order.bytes, base, group, .big)
      } == .invalidScalar)
    }
  }

  @Test func compressedPoints() throws {
    for (group, base) in generators {
      let opposite = try operate(.subtract, [0x40] + [UInt8](repeating: 0, count: base.count - 1), base, group, .big)
      var seen = Set<[UInt8]>()
      for flag: UInt8 in [0x80, 0xa0] {
        var short = Array(base.prefix(group.coordinateByteCount))
        short[0] |= flag
        let point = try decompress(short, group, .big)
        #expect(point == base || point == opposite)
        seen.insert(point)
        #expect(try decompress(short.reversed(), group, .little) == turned(point, group))
      }
      #expect(seen.count == 2)
      let infinity = [0xc0] + [UInt8](repeating: 0, count: group.coordinateByteCount - 1)
      #expect(try decompress(infinity, group, .big).first == 0x40)
      func error(_ bytes: [UInt8]) -> CurveError? {
        refusal { () throws(CurveError) in try decompress(bytes, group, .big) }
      }
      #expect(error(Array(base.prefix(group.coordinateByteCount))) == .invalidFlags)
      #expect(error([0xe0] + infinity.dropFirst()) == .invalidFlags)
      #expect(error(infinity.dropLast() + [1]) == .invalidFlags)
      #expect(error([0x9f] + [UInt8](repeating: 0xff, count: infinity.count - 1)) == .invalidFieldElement)
      #expect(error(infinity + [0]) == .invalidLength)
      let outside = (1...40).map { error([0x80] + [UInt8](repeating: 0, count: infinity.count - 2) + [$0]) }
      #expect(outside.contains(.notOnCurve) && outside.contains(.notInSubgroup))
    }
  }

  @Test func refusedPoints() {
    for (group, base) in generators {
      func error(_ bytes: [UInt8]) -> CurveError? {
        refusal { () throws(CurveError) in try operate(.add, bytes, base, group, .big) }
      }
      for flags: UInt8 in [0x80, 0x20, 0xa0, 0x60, 0xe0, 0x40] {
        #expect(error([base[0] | flags] + base.dropFirst()) == .invalidFlags)
      }
      #expect(error([UInt8](repeating: 0, count: base.count)) == .notOnCurve)
      #expect(error([0x40] + [UInt8](repeating: 0, count: base.count - 2) + [1]) == .invalidFlags)
      #expect(error([0x1f] + [UInt8](repeating: 0xff, count: base.count - 1)) == .invalidFieldElement)
      #expect(error(base.dropLast() + [base[base.count - 1] ^ 1]) == .notOnCurve)
      #expect(error(Array(base.dropLast())) == .invalidLength)
    }
  }

  @Test func pairingsAreBilinear() throws {
    let (g1, g2) = (generators[0].1, generators[1].1)
    let three = [UInt8](repeating: 0, count: 31) + [3]
    let first = try operate(.multiply, three, g1, .g1, .big)
    let second = try operate(.multiply, three, g2, .g2, .big)
    let product = try pair(g1 + g1 + g1, g2 + g2 + g2, .big)
    #expect(try pair(first, g2, .big) == product)
    #expect(try pair(g1, second, .big) == product)
    #expect(
      try pair(turned(first, .g1), turned(g2, .g2), .little) == product.reversed())
    let one = [UInt8](repeating: 0, count: 575) + [1]
    #expect(try pair([], [], .big) == one && pair([], [], .little) == one.reversed())
    let opposite = try operate(.subtract, [0x40] + [UInt8](repeating: 0, count: 95), g1, .g1, .big)
    #expect(try pair(g1 + opposite, g2 + g2, .big) == one)
    #expect(refusal { () throws(CurveError) in try pair(g1, g2 + g2, .big) } == .invalidLength)
  }
}
