// Big-endian bytes and hex text of 256-bit values, the forms of the EVM's memory, of RLP and of Ethereum's JSON
// (https://ethereum.org/developers/docs/apis/json-rpc/#quantities-encoding).

extension UInt256 {
  /// Reads 32 big-endian bytes; `pointer` needs no alignment.
  @inlinable @inline(__always) package init(bigEndianAt pointer: UnsafeRawPointer) {
    self.init(
      UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 24, as: UInt64.self)),
      UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
      UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
      UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 0, as: UInt64.self)))
  }

  /// Writes 32 big-endian bytes; `pointer` needs no alignment.
  @inlinable @inline(__always) package func writeBigEndian(to pointer: UnsafeMutableRawPointer) {
    pointer.storeBytes(of: limb3.bigEndian, toByteOffset: 0, as: UInt64.self)
    pointer.storeBytes(of: limb2.bigEndian, toByteOffset: 8, as: UInt64.self)
    pointer.storeBytes(of: limb1.bigEndian, toByteOffset: 16, as: UInt64.self)
    pointer.storeBytes(of: limb0.bigEndian, toByteOffset: 24, as: UInt64.self)
  }

  /// Big-endian bytes, as many as there are up to 32, leading zeros allowed; `nil` for more than 32.
  @inlinable public init?(bigEndian bytes: some Collection<UInt8>) {
    guard bytes.count <= 32 else { return nil }
    self = .zero
    for byte in bytes {
      self = UInt256(
        limb0 << 8 | UInt64(byte), limb1 << 8 | limb0 >> 56, limb2 << 8 | limb1 >> 56,
        limb3 << 8 | limb2 >> 56)
    }
  }

  /// Up to 64 hex digits, odd counts allowed, with or without `0x`; `nil` where `text` is not that.
  package init?(hex text: some StringProtocol) {
    var digits = text.utf8[...]
    if digits.starts(with: "0x".utf8) || digits.starts(with: "0X".utf8) { digits = digits.dropFirst(2) }
    guard !digits.isEmpty, digits.count <= 64 else { return nil }
    self = .zero
    for digit in digits {
      guard let value = UInt256.value(ofHexDigit: digit) else { return nil }
      self = UInt256(
        limb0 << 4 | UInt64(value), limb1 << 4 | limb0 >> 60, limb2 << 4 | limb1 >> 60,
        limb3 << 4 | limb2 >> 60)
    }
  }

  /// 32 bytes, most significant first.
  public var bigEndianBytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      writeBigEndian(to: UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped))
      count = 32
    }
  }

  /// The bytes without leading zeros, most significant first: empty for zero, as RLP writes integers.
  package var minimalBigEndianBytes: [UInt8] { Array(bigEndianBytes.suffix((bitWidth &+ 7) / 8)) }
}

extension UInt256 {
  private static func value(ofHexDigit character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character &- 0x30
    case 0x41...0x46: character &- 0x41 &+ 10
    case 0x61...0x66: character &- 0x61 &+ 10
    default: nil
    }
  }
}

extension UInt256: CustomStringConvertible {
  /// A quantity as Ethereum's JSON writes it: `0x` and hex digits without leading zeros.
  public var description: String {
    let high = [limb3, limb2, limb1].drop { $0 == 0 }
    let digits = (high + [limb0]).map { String($0, radix: 16) }
    return digits.dropFirst().reduce("0x" + digits[0]) { text, limb in
      text + String(repeating: "0", count: 16 - limb.count) + limb
    }
  }
}
