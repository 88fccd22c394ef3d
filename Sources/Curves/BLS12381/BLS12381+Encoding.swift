// Points of BLS12-381 as bytes: the encoding of EIP-2537, and the compressed form of G1 that KZG
// commitments have (48 bytes: x, big-endian, whose three free bits at the top are flags: compressed,
// infinity, y is the larger root).

extension BLS12381 {
  /// An element of Fp from 64 bytes.
  static func decodeField(_ bytes: UnsafeRawPointer) throws(CurveError) -> Fp {
    guard loadWord(bytes, 0) | loadWord(bytes, 8) == 0, let element = Fp(reading: bytes + 16) else {
      throw .invalidFieldElement
    }
    return element
  }

  /// A point of G1's curve, of any order, from 128 bytes.
  static func decodeOnCurve(_ bytes: UnsafeRawPointer) throws(CurveError) -> G1 {
    let point = AffinePoint(try decodeField(bytes), try decodeField(bytes + 64))
    guard point.isOnCurve(b: b) else { throw .notOnCurve }
    return point
  }

  /// A point of G1 from 128 bytes.
  static func decodeG1(_ bytes: UnsafeRawPointer) throws(CurveError) -> G1 {
    let point = try decodeOnCurve(bytes)
    guard isInG1(point) else { throw .notInSubgroup }
    return point
  }

  /// A point of the twist, of any order, from 256 bytes.
  static func decodeOnTwist(_ bytes: UnsafeRawPointer) throws(CurveError) -> G2 {
    let x = Fp2(try decodeField(bytes), try decodeField(bytes + 64))
    let y = Fp2(try decodeField(bytes + 128), try decodeField(bytes + 192))
    let point = AffinePoint(x, y)
    guard point.isOnCurve(b: twistB) else { throw .notOnCurve }
    return point
  }

  /// A point of G2 from 256 bytes.
  static func decodeG2(_ bytes: UnsafeRawPointer) throws(CurveError) -> G2 {
    let point = try decodeOnTwist(bytes)
    guard isInG2(point) else { throw .notInSubgroup }
    return point
  }

  static func encode(_ point: G1) -> [UInt8] {
    write([point.x, point.y])
  }

  static func encode(_ point: G2) -> [UInt8] {
    write([point.x.c0, point.x.c1, point.y.c0, point.y.c1])
  }

  private static func write(_ elements: [Fp]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: elements.count * 64) { bytes, count in
      bytes.initialize(repeating: 0)
      count = elements.count * 64
      guard let start = UnsafeMutableRawPointer(bytes.baseAddress) else { return }
      for (index, element) in elements.enumerated() { element.write(to: start + index * 64 + 16) }
    }
  }

  /// A point of G1 from 48 bytes, with the checks of EIP-4844's `validate_kzg_g1`.
  static func decompressG1(_ bytes: UnsafeRawPointer) throws(CurveError) -> G1 {
    let flags = bytes.load(as: UInt8.self) >> 5
    guard flags & 0b100 > 0 else { throw .invalidFlags }
    let x = withUnsafeTemporaryAllocation(byteCount: 48, alignment: 8) { copy -> Fp? in
      guard let start = copy.baseAddress else { return nil }
      copy.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: 48))
      copy[0] &= 0x1f
      return Fp(reading: start)
    }
    guard let x else { throw .invalidFieldElement }
    if flags & 0b010 > 0 {
      guard flags == 0b110, x.isZero else { throw .invalidFlags }
      return .infinity
    }
    guard let root = (x.squared() * x + b).squareRoot() else { throw .notOnCurve }
    let point = AffinePoint(x, root.isLexicographicallyLarge == (flags & 0b001 > 0) ? root : -root)
    guard isInG1(point) else { throw .notInSubgroup }
    return point
  }
}
