// The modexp precompile: base^exponent mod modulus for integers of any length. Input: the three lengths in
// bytes, 32 bytes each, then the three integers, big-endian; what the input lacks is zeros. Prices: EIP-198
// from Byzantium on, EIP-2565 from Berlin on, EIP-7883 from Osaka on, which also limits each length to
// 1,024 bytes (EIP-7823).

import Primitives

extension Precompile {
  /// EIP-7823's limit.
  private static var osakaByteLimit: UInt64 { 1024 }

  /// The head of the input; lengths from 2^64 on are kept as the largest number.
  private struct Lengths {
    var base: UInt64, exponent: UInt64, modulus: UInt64

    init(_ input: UnsafeRawBufferPointer) {
      (base, exponent, modulus) = padded(input, to: 96) { head in
        func length(_ offset: Int) -> UInt64 {
          head[offset..<offset + 24].allSatisfy { $0 == 0 }
            ? UInt64(bigEndian: head.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self)) : .max
        }
        return (length(0), length(32), length(64))
      }
    }
  }

  /// `nil` where a length is beyond the fork's limit, or beyond what can be computed.
  func modularPower(_ input: UnsafeRawBufferPointer) -> [UInt8]? {
    let lengths = Lengths(input)
    let limit = fork >= .osaka ? Self.osakaByteLimit : UInt64(ModularExponentiation.maximumByteCount)
    if lengths.modulus == 0, lengths.base <= limit || fork < .osaka,
      lengths.exponent <= limit || fork < .osaka
    {
      return []
    }
    guard max(lengths.base, lengths.exponent, lengths.modulus) <= limit else { return nil }
    let (base, exponent, modulus) = (Int(lengths.base), Int(lengths.exponent), Int(lengths.modulus))
    return Self.operand(input, 96, base) { base in
      Self.operand(input, 96 + base.count, exponent) { exponent in
        Self.operand(input, 96 + base.count + exponent.count, modulus) { modulus in
          ModularExponentiation.power(base: base, exponent: exponent, modulus: modulus)
        }
      }
    }
  }

  /// `count` bytes from `offset` on.
  private static func operand<Result>(
    _ input: UnsafeRawBufferPointer, _ offset: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    let rest = UnsafeRawBufferPointer(rebasing: input[min(offset, input.count)...])
    return padded(rest, to: count, body)
  }

  // MARK: Price

  func modularPowerGas(_ input: UnsafeRawBufferPointer) -> UInt64 {
    let lengths = Lengths(input)
    let bitCount = Self.exponentHeadBitCount(input, lengths)
    let size = UInt128(max(lengths.base, lengths.modulus))
    let words = (size + 7) / 8
    let extra = UInt128(lengths.exponent > 32 ? lengths.exponent - 32 : 0)
    func iterations(perByte: UInt128) -> UInt128 { max(extra * perByte + UInt128(max(bitCount, 1) - 1), 1) }
    if fork >= .osaka {
      let complexity = size > 32 ? Self.product(2, words * words) : 16
      return max(500, Self.clamped(Self.product(complexity, iterations(perByte: 16))))
    }
    if fork >= .berlin {
      return max(200, Self.clamped(Self.product(words * words, iterations(perByte: 8)) / 3))
    }
    return Self.clamped(Self.product(Self.byzantiumComplexity(size), iterations(perByte: 8)) / 20)
  }

  private static func byzantiumComplexity(_ size: UInt128) -> UInt128 {
    if size <= 64 { return size * size }
    if size <= 1024 { return size * size / 4 + 96 * size - 3072 }
    return size * size / 16 + 480 * size - 199_680
  }

  /// The significant bits among the first 32 bytes of the exponent.
  private static func exponentHeadBitCount(_ input: UnsafeRawBufferPointer, _ lengths: Lengths) -> Int {
    guard lengths.base < UInt64(input.count) else { return 0 }
    let (start, count) = (96 + Int(lengths.base), Int(min(lengths.exponent, 32)))
    guard start < input.count else { return 0 }
    for index in start..<min(start + count, input.count) where input[index] > 0 {
      return (start + count - index) * 8 - input[index].leadingZeroBitCount
    }
    return 0
  }

  private static func product(_ a: UInt128, _ b: UInt128) -> UInt128 {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? .max : product
  }

  private static func clamped(_ value: UInt128) -> UInt64 { UInt64(clamping: value) }
}
