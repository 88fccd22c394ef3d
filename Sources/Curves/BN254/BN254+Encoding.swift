// Points of BN254 as bytes: the encodings of EIP-196 and EIP-197, and the compressed ones of Solana's
// sol_alt_bn128_compression (x alone, big-endian, whose two free bits at the top hold flags; arkworks'
// SWFlags).

extension BN254 {
  // MARK: Points as x and y

  /// A point of G1 from 64 bytes.
  static func decodeG1(_ bytes: UnsafeRawPointer) throws(CurveError) -> G1 {
    guard let x = Fp(reading: bytes), let y = Fp(reading: bytes + 32) else { throw .invalidFieldElement }
    let point = AffinePoint(x, y)
    guard point.isOnCurve(b: b) else { throw .notOnCurve }
    return point
  }

  /// A point of the twist, of any order, from 128 bytes.
  static func decodeOnTwist(_ bytes: UnsafeRawPointer) throws(CurveError) -> G2 {
    guard let x1 = Fp(reading: bytes), let x0 = Fp(reading: bytes + 32), let y1 = Fp(reading: bytes + 64),
      let y0 = Fp(reading: bytes + 96)
    else { throw .invalidFieldElement }
    let point = AffinePoint(Fp2(x0, x1), Fp2(y0, y1))
    guard point.isOnCurve(b: twistB) else { throw .notOnCurve }
    return point
  }

  /// A point of G2 from 128 bytes.
  static func decodeG2(_ bytes: UnsafeRawPointer) throws(CurveError) -> G2 {
    let point = try decodeOnTwist(bytes)
    guard isInG2(point) else { throw .notInSubgroup }
    return point
  }

  static func encode(_ point: G1) -> [UInt8] {
    write([point.x, point.y])
  }

  static func encode(_ point: G2) -> [UInt8] {
    write([point.x.c1, point.x.c0, point.y.c1, point.y.c0])
  }

  private static func write(_ elements: [Fp]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: elements.count * 32) { bytes, count in
      count = elements.count * 32
      guard let start = UnsafeMutableRawPointer(bytes.baseAddress) else { return }
      for (index, element) in elements.enumerated() { element.write(to: start + index * 32) }
    }
  }
}
