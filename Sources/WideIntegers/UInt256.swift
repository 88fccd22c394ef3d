// The EVM's word: 256 bits in four 64-bit limbs, the lowest first (Yellow Paper section 4.1,
// https://ethereum.github.io/yellowpaper/paper.pdf; two's complement where an operation is signed). A pointer to
// one is 32 bytes of little-endian limbs with an alignment of 8, which machine code and interpreter rely on.
// No operation traps, whatever its operands. Arithmetic: UInt256+Arithmetic.swift; bits: UInt256+Bits.swift;
// division: UInt256+Division.swift; bytes and text: UInt256+Bytes.swift.

/// An unsigned 256-bit integer; arithmetic wraps modulo 2^256.
@frozen public struct UInt256: Equatable, Hashable, Sendable, BitwiseCopyable {
  /// Bits 0–63.
  @usableFromInline package var limb0: UInt64
  /// Bits 64–127.
  @usableFromInline package var limb1: UInt64
  /// Bits 128–191.
  @usableFromInline package var limb2: UInt64
  /// Bits 192–255.
  @usableFromInline package var limb3: UInt64

  @inlinable @inline(__always)
  package init(_ limb0: UInt64, _ limb1: UInt64, _ limb2: UInt64, _ limb3: UInt64) {
    (self.limb0, self.limb1, self.limb2, self.limb3) = (limb0, limb1, limb2, limb3)
  }

  @inlinable @inline(__always) public init(_ value: UInt64) { self.init(value, 0, 0, 0) }

  /// `low` is bits 0–127, `high` bits 128–255.
  @inlinable @inline(__always) package init(low: UInt128, high: UInt128) {
    self.init(
      UInt64(truncatingIfNeeded: low), UInt64(truncatingIfNeeded: low >> 64),
      UInt64(truncatingIfNeeded: high), UInt64(truncatingIfNeeded: high >> 64))
  }

  @inlinable public static var zero: UInt256 { UInt256(0, 0, 0, 0) }
  @inlinable public static var one: UInt256 { UInt256(1, 0, 0, 0) }
  /// 2^256 − 1.
  @inlinable public static var max: UInt256 { UInt256(.max, .max, .max, .max) }

  /// Bits 0–127.
  @inlinable @inline(__always) package var low: UInt128 { UInt128(limb1) &<< 64 | UInt128(limb0) }
  /// Bits 128–255.
  @inlinable @inline(__always) package var high: UInt128 { UInt128(limb3) &<< 64 | UInt128(limb2) }

  @inlinable @inline(__always) package var isZero: Bool { limb0 | limb1 | limb2 | limb3 == 0 }

  /// Whether the value is below 2^64.
  @inlinable @inline(__always) package var fitsUInt64: Bool { limb1 | limb2 | limb3 == 0 }

  /// The value, or `nil` from 2^64 on.
  @inlinable @inline(__always) public var uint64: UInt64? { fitsUInt64 ? limb0 : nil }

  /// The value, or 2^64 − 1 where it is larger.
  @inlinable @inline(__always) package var saturatedUInt64: UInt64 { fitsUInt64 ? limb0 : .max }

  /// Bit 255, the sign of two's complement.
  @inlinable @inline(__always) package var isNegative: Bool { limb3 >> 63 != 0 }
}

extension UInt256: ExpressibleByIntegerLiteral {
  @inlinable public init(integerLiteral value: UInt64) { self.init(value) }
}

extension UInt256: Comparable {
  @inlinable @inline(__always)
  public static func == (left: UInt256, right: UInt256) -> Bool {
    (left.limb0 ^ right.limb0) | (left.limb1 ^ right.limb1) | (left.limb2 ^ right.limb2)
      | (left.limb3 ^ right.limb3) == 0
  }

  @inlinable @inline(__always)
  public static func < (left: UInt256, right: UInt256) -> Bool {
    let low = left.low < right.low
    return left.high < right.high || (left.high == right.high && low)
  }

  /// Compares as two's complement (SLT).
  @inlinable @inline(__always) package func isSignedLess(than other: UInt256) -> Bool {
    isNegative == other.isNegative ? self < other : isNegative
  }
}
