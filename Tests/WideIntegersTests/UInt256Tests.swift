import Testing

@testable import WideIntegers

struct UInt256Tests {
  @Test func layoutIsFourLimbsLowestFirst() {
    #expect(MemoryLayout<UInt256>.size == 32)
    #expect(MemoryLayout<UInt256>.stride == 32)
    #expect(MemoryLayout<UInt256>.alignment == 8)
    withUnsafeBytes(of: UInt256(1, 2, 3, 4)) {
      #expect(Array($0.bindMemory(to: UInt64.self)) == [1, 2, 3, 4])
    }
  }

  static let texts: [(hex: String, value: UInt256?, description: String)] = [
    ("0x0", 0, "0x0"), ("0", 0, "0x0"), ("0x00ff", 255, "0xff"), ("FFfF", 0xffff, "0xffff"),
    (
      "0x1" + String(repeating: "0", count: 63), UInt256(0, 0, 0, 1 << 60),
      "0x1" + String(repeating: "0", count: 63)
    ),
    (
      "0x0123456789abcdef00112233445566778899aabbccddeeff0011223344556677",
      UInt256(0x0011_2233_4455_6677, 0x8899_aabb_ccdd_eeff, 0x0011_2233_4455_6677, 0x0123_4567_89ab_cdef),
      "0x123456789abcdef00112233445566778899aabbccddeeff0011223344556677"
    ),
    ("", nil, ""), ("0x", nil, ""), ("0xg", nil, ""), ("-1", nil, ""),
    (String(repeating: "0", count: 65), nil, ""),
  ]

  @Test(arguments: texts) func hexText(hex: String, value: UInt256?, description: String) {
    let read = UInt256(hex: hex)
    #expect(read == value)
    if let read { #expect(read.description == description) }
  }

  @Test func bigEndianBytes() {
    let value = UInt256(0x18, 0x10, 0x08, 0x0102_0304_0506_0700)
    let bytes: [UInt8] =
      [1, 2, 3, 4, 5, 6, 7, 0] + [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 16]
      + [0, 0, 0, 0, 0, 0, 0, 24]
    #expect(value.bigEndianBytes == bytes)
    #expect(UInt256(bigEndian: bytes) == value)
    #expect(bytes.withUnsafeBytes { UInt256(bigEndianAt: $0.baseAddress!) } == value)
    #expect(UInt256(bigEndian: [UInt8]()) == 0)
    #expect(UInt256(bigEndian: [1, 0]) == 256)
    #expect(UInt256(bigEndian: [0] + bytes) == nil)
    #expect(UInt256(0).minimalBigEndianBytes == [])
    #expect(UInt256(0x100).minimalBigEndianBytes == [1, 0])
  }

  @Test func bitsAgainstTheSlowOnes() {
    var source = WordSource(seed: 11)
    for _ in 0..<20_000 {
      let (a, b) = (source.word(), source.word())
      let (x, y) = (SlowInteger(a).bits, SlowInteger(b).bits)
      #expect(SlowInteger(a & b).bits == zip(x, y).map { $0 && $1 })
      #expect(SlowInteger(a | b).bits == zip(x, y).map { $0 || $1 })
      #expect(SlowInteger(a ^ b).bits == zip(x, y).map { $0 != $1 })
      #expect(SlowInteger(~a).bits == x.map { !$0 })
      #expect(a.bitWidth == (x.lastIndex(of: true) ?? -1) + 1)
      #expect(a.leadingZeroBitCount == 256 - a.bitWidth)
      #expect(a.byteWidth == (a.bitWidth + 7) / 8)
      #expect((a == b) == (x == y))
      let difference = (0..<256).reversed().first { x[$0] != y[$0] }
      #expect((a < b) == (difference.map { y[$0] } ?? false))
      let signed = difference.map { $0 == 255 ? x[255] : y[$0] } ?? false
      #expect(a.isSignedLess(than: b) == signed)
      #expect(a.isPowerOfTwo == (x.count { $0 } == 1))
    }
  }

  @Test func shiftsAgainstTheSlowOnes() {
    var source = WordSource(seed: 12)
    for index in 0..<20_000 {
      let a = source.word()
      let count = index % 3 == 0 ? source.word() : UInt256(source.random.next() % 260)
      let bits = SlowInteger(a).bits
      let shift = Int(min(count.saturatedUInt64, 256))
      let zeros = [Bool](repeating: false, count: shift)
      #expect(SlowInteger(a.shiftedLeft(by: count)).bits == Array((zeros + bits).prefix(256)))
      #expect(SlowInteger(a.shiftedRight(by: count)).bits == Array(bits.dropFirst(shift)) + zeros)
      let signs = [Bool](repeating: bits[255], count: shift)
      #expect(SlowInteger(a.shiftedRightSigned(by: count)).bits == Array(bits.dropFirst(shift)) + signs)
      let small = index % 3 == 0 ? source.word() : UInt256(source.random.next() % 34)
      let bytes = a.bigEndianBytes
      #expect(a.byte(at: small) == (small < 32 ? UInt256(UInt64(bytes[Int(small.limb0)])) : 0))
      var extended = bits
      if small < 31 {
        let sign = Int(small.limb0) * 8 + 7
        for bit in sign..<256 { extended[bit] = bits[sign] }
      }
      #expect(SlowInteger(a.signExtended(fromByte: small)).bits == extended)
    }
  }

  @Test func sumsDifferencesAndProductsAgainstTheSlowOnes() {
    var source = WordSource(seed: 13)
    for _ in 0..<100_000 {
      let (a, b) = (source.word(), source.word())
      let (x, y) = (SlowLimbs.limbs(a), SlowLimbs.limbs(b))
      let sum = SlowLimbs.sum(x, y)
      let added = a.addingReportingOverflow(b)
      #expect(added.partialValue == SlowLimbs.uint256(Array(sum.prefix(8))))
      #expect(added.overflow == (sum[8] != 0))
      #expect(a &+ b == added.partialValue)
      #expect(a.addingSaturated(b) == (added.overflow ? .max : added.partialValue))
      let difference = a.subtractingReportingOverflow(b)
      #expect(difference.overflow == (a < b))
      #expect(difference.partialValue &+ b == a)
      #expect(a &- b == difference.partialValue)
      let product = SlowLimbs.product(x, y)
      #expect(a &* b == SlowLimbs.uint256(Array(product.prefix(8))))
      let wide = UInt512(product: a, b)
      #expect(wide.low == a &* b)
      #expect(wide.high == SlowLimbs.uint256(Array(product.suffix(8))))
    }
    for _ in 0..<2_000 {
      let (a, b) = (source.word(), source.word())
      #expect(a &+ b == (SlowInteger(a) + SlowInteger(b)).uint256)
    }
  }
}
