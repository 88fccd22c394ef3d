// The oracle of the 256-bit arithmetic: bits in an array, one at a time, sharing nothing with what it judges.

import Primitives

@testable import WideIntegers

/// A natural number as bits, lowest first, of any count.
struct SlowInteger {
  var bits: [Bool]

  init(bits: [Bool]) { self.bits = bits }

  init(_ value: UInt256) {
    bits = []
    for limb in [value.limb0, value.limb1, value.limb2, value.limb3] {
      for bit in 0..<64 { bits.append(limb >> UInt64(bit) & 1 == 1) }
    }
  }

  /// The lowest 256 bits.
  var uint256: UInt256 {
    var limbs: [UInt64] = [0, 0, 0, 0]
    for (index, bit) in bits.prefix(256).enumerated() where bit {
      limbs[index / 64] |= 1 << UInt64(index % 64)
    }
    return UInt256(limbs[0], limbs[1], limbs[2], limbs[3])
  }

  static func + (left: SlowInteger, right: SlowInteger) -> SlowInteger {
    let count = max(left.bits.count, right.bits.count)
    var (sum, carry) = ([Bool](), false)
    sum.reserveCapacity(count + 1)
    for index in 0..<count {
      let a = index < left.bits.count && left.bits[index]
      let b = index < right.bits.count && right.bits[index]
      sum.append((a != b) != carry)
      carry = (a && b) || (carry && (a || b))
    }
    return SlowInteger(bits: sum + [carry])
  }
}

/// The same on eight-limb numbers of 32 bits, for what the bits are too slow for.
enum SlowLimbs {
  static func limbs(_ value: UInt256) -> [UInt32] {
    [value.limb0, value.limb1, value.limb2, value.limb3].flatMap {
      [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)]
    }
  }

  static func uint256(_ limbs: [UInt32]) -> UInt256 {
    let all = limbs + [UInt32](repeating: 0, count: 8)
    func limb(_ index: Int) -> UInt64 { UInt64(all[2 * index]) | UInt64(all[2 * index + 1]) << 32 }
    return UInt256(limb(0), limb(1), limb(2), limb(3))
  }

  /// All limbs of the product.
  static func product(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var result = [UInt32](repeating: 0, count: left.count + right.count)
    for (i, a) in left.enumerated() {
      var carry: UInt64 = 0
      for (j, b) in right.enumerated() {
        let sum = UInt64(a) * UInt64(b) + UInt64(result[i + j]) + carry
        result[i + j] = UInt32(truncatingIfNeeded: sum)
        carry = sum >> 32
      }
      result[i + right.count] = UInt32(carry)
    }
    return result
  }

  static func sum(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var (result, carry) = ([UInt32](), UInt64(0))
    for index in left.indices {
      let sum = UInt64(left[index]) + UInt64(right[index]) + carry
      result.append(UInt32(truncatingIfNeeded: sum))
      carry = sum >> 32
    }
    return result + [UInt32(carry)]
  }

  /// Shift and subtract, a bit at a time; both zero for a divisor of zero.
  static func divide(_ left: [UInt32], _ right: UInt256) -> (quotient: [UInt32], remainder: UInt256) {
    var quotient = [UInt32](repeating: 0, count: left.count)
    guard right != .zero else { return (quotient, .zero) }
    let divisor = limbs(right)
    var rest = [UInt32](repeating: 0, count: 9)
    for bit in (0..<left.count * 32).reversed() {
      for index in (1..<9).reversed() { rest[index] = rest[index] << 1 | rest[index - 1] >> 31 }
      rest[0] = rest[0] << 1 | (left[bit / 32] >> UInt32(bit % 32) & 1)
      if !isLess(rest, divisor) {
        var borrow: Int64 = 0
        for index in 0..<9 {
          let difference = Int64(rest[index]) - (index < 8 ? Int64(divisor[index]) : 0) + borrow
          rest[index] = UInt32(truncatingIfNeeded: difference)
          borrow = difference >> 32
        }
        quotient[bit / 32] |= 1 << UInt32(bit % 32)
      }
    }
    return (quotient, uint256(Array(rest.prefix(8))))
  }

  private static func isLess(_ left: [UInt32], _ right: [UInt32]) -> Bool {
    if left[8] != 0 { return false }
    for index in (0..<8).reversed() where left[index] != right[index] { return left[index] < right[index] }
    return false
  }
}

/// Words that arithmetic goes wrong on: long runs of ones and zeros, powers of two and their neighbours, equal
/// limbs, few limbs, and plain random ones.
struct WordSource {
  var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func limb() -> UInt64 {
    switch random.next() % 8 {
    case 0: 0
    case 1: .max
    case 2: 1 << (random.next() % 64)
    case 3: (1 << (random.next() % 64)) &- 1
    case 4: ~(1 << (random.next() % 64))
    case 5: random.next() % 4
    default: random.next()
    }
  }

  mutating func word() -> UInt256 {
    let one = UInt256.one
    switch random.next() % 12 {
    case 0: return one << (random.next() % 256)
    case 1: return (one << (random.next() % 256)) &- one
    case 2: return (one << (random.next() % 256)) &+ one
    case 3: return .zero &- (one << (random.next() % 256))
    case 4:
      let limb = limb()
      return UInt256(limb, limb, limb, limb) >> (random.next() % 4 * 64)
    case 5, 6: return UInt256(limb(), limb(), limb(), limb()) >> (random.next() % 256)
    case 7: return UInt256(limb(), limb(), limb(), limb()) >> (random.next() % 4 * 64)
    case 8: return UInt256(random.next() % 300)
    default: return UInt256(limb(), limb(), limb(), limb())
    }
  }

  /// A word close to a multiple of `other`, or one whose upper limbs are `other`'s.
  mutating func word(near other: UInt256) -> UInt256 {
    switch random.next() % 4 {
    case 0: return other &* (word() >> UInt64(other.bitWidth)) &+ UInt256(random.next() % 3) &- .one
    case 1: return other &- UInt256(limb(), random.next() % 2 == 0 ? limb() : 0, 0, 0)
    case 2:
      let shift = UInt64(other.leadingZeroBitCount) / 64 * 64
      return (other << shift) &- UInt256(limb(), limb(), 0, 0)
    default: return other << (random.next() % 256)
    }
  }
}
