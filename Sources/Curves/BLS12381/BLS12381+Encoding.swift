// Points of BLS12-381 as bytes in the encoding of EIP-2537.

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
}
