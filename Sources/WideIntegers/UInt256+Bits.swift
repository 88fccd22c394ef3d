// Bitwise operations, shifts and the EVM's BYTE, SIGNEXTEND, SAR (Yellow Paper appendix H, group 1; EIP-145).

extension UInt256 {
  @inlinable @inline(__always) package static func & (left: UInt256, right: UInt256) -> UInt256 {
    UInt256(
      left.limb0 & right.limb0, left.limb1 & right.limb1, left.limb2 & right.limb2, left.limb3 & right.limb3)
  }

  @inlinable @inline(__always) package static func | (left: UInt256, right: UInt256) -> UInt256 {
    UInt256(
      left.limb0 | right.limb0, left.limb1 | right.limb1, left.limb2 | right.limb2, left.limb3 | right.limb3)
  }

  @inlinable @inline(__always) package static func ^ (left: UInt256, right: UInt256) -> UInt256 {
    UInt256(
      left.limb0 ^ right.limb0, left.limb1 ^ right.limb1, left.limb2 ^ right.limb2, left.limb3 ^ right.limb3)
  }

  @inlinable @inline(__always) package static prefix func ~ (value: UInt256) -> UInt256 {
    UInt256(~value.limb0, ~value.limb1, ~value.limb2, ~value.limb3)
  }

  /// `[0, 256]`
  @inlinable package var leadingZeroBitCount: Int {
    if limb3 != 0 { return limb3.leadingZeroBitCount }
    if limb2 != 0 { return 64 &+ limb2.leadingZeroBitCount }
    if limb1 != 0 { return 128 &+ limb1.leadingZeroBitCount }
    return 192 &+ limb0.leadingZeroBitCount
  }

  /// How many bits the value needs, `[0, 256]`: 0 for 0.
  @inlinable package var bitWidth: Int { 256 &- leadingZeroBitCount }

  /// How many bytes the value needs, `[0, 32]`: 0 for 0.
  @inlinable package var byteWidth: Int { (bitWidth &+ 7) / 8 }

  /// Shifts up by `count` bits; 0 from 256 on.
  @inlinable package static func << (value: UInt256, count: UInt64) -> UInt256 {
    guard count < 256 else { return .zero }
    let high = value.high << count
    if count >= 128 { return UInt256(low: 0, high: value.low << (count &- 128)) }
    return UInt256(low: value.low << count, high: high | value.low >> (128 &- count))
  }

  /// Shifts down by `count` bits, zeros coming in; 0 from 256 on.
  @inlinable package static func >> (value: UInt256, count: UInt64) -> UInt256 {
    guard count < 256 else { return .zero }
    if count >= 128 { return UInt256(low: value.high >> (count &- 128), high: 0) }
    return UInt256(low: value.low >> count | value.high << (128 &- count), high: value.high >> count)
  }

  /// SHL: the count is a word of its own.
  @inlinable package func shiftedLeft(by count: UInt256) -> UInt256 { self << count.saturatedUInt64 }

  /// SHR: shifts down, zeros coming in.
  @inlinable package func shiftedRight(by count: UInt256) -> UInt256 { self >> count.saturatedUInt64 }

  /// SAR: shifts down, the sign coming in.
  @inlinable package func shiftedRightSigned(by count: UInt256) -> UInt256 {
    isNegative ? ~(~self).shiftedRight(by: count) : shiftedRight(by: count)
  }

  /// BYTE: the byte `index` counted from the most significant, 0 from 32 on.
  @inlinable package func byte(at index: UInt256) -> UInt256 {
    guard index.fitsUInt64, index.limb0 < 32 else { return .zero }
    return self >> (8 &* (31 &- index.limb0)) & UInt256(0xff)
  }

  /// SIGNEXTEND: the value's lowest `index` + 1 bytes as two's complement; unchanged from 31 on.
  @inlinable package func signExtended(fromByte index: UInt256) -> UInt256 {
    guard index.fitsUInt64, index.limb0 < 31 else { return self }
    let shift = 56 &- 8 &* (index.limb0 & 7)
    let limb = index.limb0 &>> 3
    let cut = limb < 2 ? (limb == 0 ? limb0 : limb1) : (limb == 2 ? limb2 : limb3)
    let top = Int64(bitPattern: cut &<< shift) &>> Int64(bitPattern: shift)
    let extended = UInt64(bitPattern: top)
    let sign = UInt64(bitPattern: top &>> 63)
    return switch limb {
    case 0: UInt256(extended, sign, sign, sign)
    case 1: UInt256(limb0, extended, sign, sign)
    case 2: UInt256(limb0, limb1, extended, sign)
    default: UInt256(limb0, limb1, limb2, extended)
    }
  }
}
