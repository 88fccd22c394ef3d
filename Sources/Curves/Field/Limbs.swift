// Carry arithmetic on 64-bit limbs, least significant first. These compile to chains of add and adc;
// everything that multiplies or adds field elements is built from them, unrolled, on local values.

/// `sum + a * b + carry`, which fits 128 bits: returns the low half and leaves the high half in `carry`.
@inline(__always)
func multiplyAdd(_ sum: UInt64, _ a: UInt64, _ b: UInt64, _ carry: inout UInt64) -> UInt64 {
  let total = UInt128(a) &* UInt128(b) &+ UInt128(sum) &+ UInt128(carry)
  carry = UInt64(truncatingIfNeeded: total >> 64)
  return UInt64(truncatingIfNeeded: total)
}

/// `a + b + carry`; `carry` becomes 0 or 1.
@inline(__always)
func addCarrying(_ a: UInt64, _ b: UInt64, _ carry: inout UInt64) -> UInt64 {
  let total = UInt128(a) &+ UInt128(b) &+ UInt128(carry)
  carry = UInt64(truncatingIfNeeded: total >> 64)
  return UInt64(truncatingIfNeeded: total)
}

/// `a - b - borrow`; `borrow` becomes 0 or 1.
@inline(__always)
func subtractBorrowing(_ a: UInt64, _ b: UInt64, _ borrow: inout UInt64) -> UInt64 {
  let total = UInt128(a) &- UInt128(b) &- UInt128(borrow)
  borrow = UInt64(truncatingIfNeeded: total >> 127)
  return UInt64(truncatingIfNeeded: total)
}

/// The big-endian 64-bit word at `offset`; the caller has checked the length.
@inline(__always)
func loadWord(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt64 {
  UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
}

@inline(__always)
func storeWord(_ word: UInt64, _ bytes: UnsafeMutableRawPointer, _ offset: Int) {
  bytes.storeBytes(of: word.bigEndian, toByteOffset: offset, as: UInt64.self)
}
