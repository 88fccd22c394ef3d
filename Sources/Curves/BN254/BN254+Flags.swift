// Points of BN254 whose bytes carry flags, as Solana's sol_alt_bn128_group_op and sol_alt_bn128_compression
// take them (SIMD-0129 and https://docs.rs/solana-bn254; the flags are those of arkworks' ark-serialize):
// the two bits above the 254 of a coordinate. The upper says that y is the larger root, the lower that the
// point is infinity; both together are refused. An uncompressed point has them in y, whose sign flag means
// nothing; a compressed one in x, its only part.

extension BN254 {
  /// The bytes of a compressed point of G1 and of one of G2.
  package static var compressedG1ByteCount: Int { 32 }
  package static var compressedG2ByteCount: Int { 64 }

  private enum Flag: UInt8 { case none, infinity, larger }

  /// Turns an uncompressed point with flags into one without, in place: 64 or 128 bytes. It may still lie
  /// on no curve.
  package static func clearFlags(_ point: UnsafeMutableRawBufferPointer) throws(CurveError) {
    if point.allSatisfy({ $0 == 0 }) { return }
    switch try takeFlag(point, at: point.count / 2) {
    case .none: return
    case .larger:
      // Zeros without the flag would be read as infinity, which (0, 0) with a flag is not.
      if point.allSatisfy({ $0 == 0 }) { throw .notOnCurve }
    case .infinity:
      try checkCoordinates(UnsafeRawBufferPointer(point))
      point.initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  /// x and the flags of a point of G1 (64 bytes) or G2 (128 bytes), which need not be on the curve.
  package static func compress(_ point: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard point.count == g1ByteCount || point.count == g2ByteCount else { throw .invalidLength }
    var bytes = Array(point)
    if bytes.allSatisfy({ $0 == 0 }) { return Array(bytes[..<(bytes.count / 2)]) }
    let isLarger = try editing(&bytes) { (bytes) throws(CurveError) -> Bool? in
      let flag = try takeFlag(bytes, at: bytes.count / 2)
      try checkCoordinates(UnsafeRawBufferPointer(bytes))
      return flag == .infinity ? nil : isYLarger(UnsafeRawBufferPointer(bytes))
    }
    guard let isLarger else {
      return [0x40] + [UInt8](repeating: 0, count: bytes.count / 2 - 1)
    }
    bytes.removeLast(bytes.count / 2)
    if isLarger { bytes[0] |= 0x80 }
    return bytes
  }

  /// The point of G1's curve (from 32 bytes) or of the twist (from 64 bytes, of any order) with a given x.
  package static func decompress(_ compressed: UnsafeRawBufferPointer) throws(CurveError) -> [UInt8] {
    guard compressed.count == compressedG1ByteCount || compressed.count == compressedG2ByteCount else {
      throw .invalidLength
    }
    let infinity = [UInt8](repeating: 0, count: compressed.count * 2)
    if compressed.allSatisfy({ $0 == 0 }) { return infinity }
    var bytes = Array(compressed)
    return try editing(&bytes) { (bytes) throws(CurveError) -> [UInt8] in
      let flag = try takeFlag(bytes, at: 0)
      try checkCoordinates(UnsafeRawBufferPointer(bytes))
      if flag == .infinity { return infinity }
      let bytes = UnsafeRawBufferPointer(bytes)
      return bytes.count == compressedG1ByteCount
        ? encode(try point(bytes, isYLarger: flag == .larger, b: b))
        : encode(try point(bytes, isYLarger: flag == .larger, b: twistB))
    }
  }

  /// The point whose x is `bytes`, and whose y is the larger or the smaller root.
  private static func point<F: CoordinateField>(
    _ bytes: UnsafeRawBufferPointer, isYLarger: Bool, b: F
  ) throws(CurveError) -> AffinePoint<F> {
    guard let x = bytes.baseAddress.flatMap({ F(reading: $0) }) else { throw .invalidFieldElement }
    guard let point = AffinePoint(x: x, isYLarger: isYLarger, b: b) else { throw .notOnCurve }
    return point
  }

  /// Reads and clears the two bits at the top of byte `offset`.
  private static func takeFlag(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(CurveError)
    -> Flag
  {
    guard let flag = Flag(rawValue: bytes[offset] >> 6) else { throw .invalidFlags }
    bytes[offset] &= 0x3f
    return flag
  }

  private static func checkCoordinates(_ bytes: UnsafeRawBufferPointer) throws(CurveError) {
    for offset in stride(from: 0, to: bytes.count, by: 32) {
      guard let start = bytes.baseAddress, Fp(reading: start + offset) != nil else {
        throw .invalidFieldElement
      }
    }
  }

  private static func isYLarger(_ point: UnsafeRawBufferPointer) -> Bool {
    guard let y = point.baseAddress.map({ $0 + point.count / 2 }) else { return false }
    return point.count == g1ByteCount
      ? Fp(reading: y)?.isLexicographicallyLarge ?? false
      : Fp2<Fp>(reading: y)?.isLexicographicallyLarge ?? false
  }

  private static func editing<Result>(
    _ bytes: inout [UInt8], _ body: (UnsafeMutableRawBufferPointer) throws(CurveError) -> Result
  ) throws(CurveError) -> Result {
    let result = bytes.withUnsafeMutableBytes { bytes -> Swift.Result<Result, CurveError> in
      do throws(CurveError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
