// Points of BLS12-381 in Zcash's encoding, which KZG commitments and Solana's syscalls have (48 bytes an element of Fp,
// big-endian; of Fp2 the imaginary part first). The three bits above x are flags: compressed, infinity, y is the larger
// root; the last one belongs to compressed points alone. In little-endian order, Solana's other one (SIMD-0388), the bytes
// of each coordinate are turned round as a whole, so that real parts come first and the flags lie in x's last byte.
// What is refused is what blst refuses (https://github.com/supranational/blst).

/// One of the two groups as a field of coordinates.
protocol BLS12381Coordinate: CoordinateField {
  /// b of the curve's equation y^2 = x^3 + b.
  static var curveB: Self { get }
  static func isInGroup(_ point: AffinePoint<Self>) -> Bool
  /// The multiple of a point of the group.
  static func multiply(_ point: AffinePoint<Self>, by scalar: Scalar) -> JacobianPoint<Self>
}

extension BLS12381.Fp: BLS12381Coordinate {
  static var curveB: Self { BLS12381.b }
  static func isInGroup(_ point: BLS12381.G1) -> Bool { BLS12381.isInG1(point) }

  static func multiply(_ point: BLS12381.G1, by scalar: Scalar) -> JacobianPoint<Self> {
    var terms: [Term<Self>] = []
    BLS12381.split(scalar, point, into: &terms)
    return MultiScalar.sum(terms)
  }
}

extension Fp2: BLS12381Coordinate where F == BLS12381.Fp {
  static var curveB: Self { BLS12381.twistB }
  static func isInGroup(_ point: BLS12381.G2) -> Bool { BLS12381.isInG2(point) }

  static func multiply(_ point: BLS12381.G2, by scalar: Scalar) -> JacobianPoint<Self> {
    var terms: [Term<Self>] = []
    BLS12381.split(scalar, point, into: &terms)
    return MultiScalar.sum(terms)
  }
}

/// Points of one group from and to bytes.
enum ZcashEncoding<F: BLS12381Coordinate> {
  static var pointByteCount: Int { 2 * F.byteCount }

  private static var compressed: UInt8 { 0x80 }
  private static var infinity: UInt8 { 0x40 }
  private static var larger: UInt8 { 0x20 }

  /// A point of the curve, of any order, from both coordinates: `pointByteCount` bytes.
  static func readOnCurve(_ bytes: UnsafeRawBufferPointer) throws(CurveError) -> AffinePoint<F> {
    guard bytes.count == pointByteCount, let start = bytes.baseAddress else { throw .invalidLength }
    switch bytes[0] & (compressed | infinity | larger) {
    case 0: break
    case infinity:
      guard isInfinity(bytes) else { throw .invalidFlags }
      return .infinity
    default: throw .invalidFlags
    }
    guard let x = F(reading: start), let y = F(reading: start + F.byteCount) else {
      throw .invalidFieldElement
    }
    let point = AffinePoint(x, y)
    guard !point.isInfinity, point.isOnCurve(b: F.curveB) else { throw .notOnCurve }
    return point
  }

  /// A point of the group from both coordinates.
  static func read(_ bytes: UnsafeRawBufferPointer) throws(CurveError) -> AffinePoint<F> {
    let point = try readOnCurve(bytes)
    guard F.isInGroup(point) else { throw .notInSubgroup }
    return point
  }

  /// A point of the group from x and the flags: `F.byteCount` bytes.
  static func decompress(_ bytes: UnsafeRawBufferPointer) throws(CurveError) -> AffinePoint<F> {
    guard bytes.count == F.byteCount else { throw .invalidLength }
    guard bytes[0] & compressed > 0 else { throw .invalidFlags }
    if bytes[0] & infinity > 0 {
      guard isInfinity(bytes) else { throw .invalidFlags }
      return .infinity
    }
    let x = withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 8) { copy -> F? in
      copy.copyMemory(from: bytes)
      copy[0] &= ~(compressed | infinity | larger)
      return copy.baseAddress.flatMap { F(reading: $0) }
    }
    guard let x else { throw .invalidFieldElement }
    guard let point = AffinePoint(x: x, isYLarger: bytes[0] & larger > 0, b: F.curveB) else {
      throw .notOnCurve
    }
    guard F.isInGroup(point) else { throw .notInSubgroup }
    return point
  }

  /// Whether nothing but the flags compressed and infinity is set.
  private static func isInfinity(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes[0] & ~(compressed | infinity) == 0 && bytes.dropFirst().allSatisfy { $0 == 0 }
  }

  static func write(_ point: AffinePoint<F>) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: pointByteCount)
    if point.isInfinity {
      bytes[0] = infinity
      return bytes
    }
    bytes.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      point.x.write(to: start)
      point.y.write(to: start + F.byteCount)
    }
    return bytes
  }
}

// MARK: Operations on encoded points

extension BLS12381 {
  package enum Group: Sendable {
    case g1, g2

    /// The bytes of an element of the field that coordinates are in, which are those of a compressed point.
    package var coordinateByteCount: Int { self == .g1 ? 48 : 96 }
    /// The bytes of a point's two coordinates.
    package var pointByteCount: Int { 2 * coordinateByteCount }
  }

  package enum ByteOrder: Sendable { case big, little }

  package enum GroupOperation: Sendable {
    /// The sum or the difference of two points of the curve, which need not lie in the group.
    case add, subtract
    /// A scalar below r, 32 bytes, times a point of the group.
    case multiply
  }

  /// The bytes of an element of Fp12.
  package static var pairingByteCount: Int { 12 * Fp.byteCount }

  /// Whether the bytes are a point of the group.
  package static func isPoint(
    _ bytes: UnsafeRawBufferPointer, of group: Group, _ order: ByteOrder
  ) -> Bool {
    func check<F: BLS12381Coordinate>(_: F.Type) -> Bool {
      (try? ZcashEncoding<F>.read(bytes, order)) != nil
    }
    return group == .g1 ? check(Fp.self) : check(Fp2<Fp>.self)
  }

  /// Both coordinates of a compressed point of the group.
  package static func decompress(
    _ bytes: UnsafeRawBufferPointer, of group: Group, _ order: ByteOrder
  ) throws(CurveError) -> [UInt8] {
    func decompress<F: BLS12381Coordinate>(_: F.Type) throws(CurveError) -> [UInt8] {
      let point = try bigEndian(bytes, order, stride: F.byteCount) { (bytes) throws(CurveError) in
        try ZcashEncoding<F>.decompress(bytes)
      }
      return ZcashEncoding<F>.write(point, order)
    }
    return group == .g1 ? try decompress(Fp.self) : try decompress(Fp2<Fp>.self)
  }

  /// `left` is a point, or the scalar of `.multiply`; `right` is a point.
  package static func operate(
    _ operation: GroupOperation, _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer,
    in group: Group, _ order: ByteOrder
  ) throws(CurveError) -> [UInt8] {
    func operate<F: BLS12381Coordinate>(_: F.Type) throws(CurveError) -> [UInt8] {
      let result: JacobianPoint<F>
      switch operation {
      case .add, .subtract:
        let first = try ZcashEncoding<F>.readOnCurve(left, order)
        let second = try ZcashEncoding<F>.readOnCurve(right, order)
        result = JacobianPoint(first) + (operation == .add ? second : -second)
      case .multiply:
        guard left.count == 32 else { throw .invalidLength }
        let scalar = try bigEndian(left, order, stride: 32) { (bytes) throws(CurveError) -> Scalar in
          guard let start = bytes.baseAddress else { throw .invalidLength }
          return Scalar(reading: start)
        }
        let point = try ZcashEncoding<F>.read(right, order)
        guard scalar < Self.order else { throw .invalidScalar }
        result = F.multiply(point, by: scalar)
      }
      return ZcashEncoding<F>.write(result.affine, order)
    }
    return group == .g1 ? try operate(Fp.self) : try operate(Fp2<Fp>.self)
  }

  /// The product of the pairings of as many points of G1 and of G2, after the final exponentiation: twelve elements of
  /// Fp, in little-endian order from the lowest coefficient of the tower up, in big-endian order from the highest down.
  package static func pairingProduct(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ order: ByteOrder
  ) throws(CurveError) -> [UInt8] {
    let (size1, size2) = (Group.g1.pointByteCount, Group.g2.pointByteCount)
    let count = first.count / size1
    guard first.count == count * size1, second.count == count * size2 else { throw .invalidLength }
    var pairs: [(G1, G2)] = []
    for index in 0..<count {
      let g1 = UnsafeRawBufferPointer(rebasing: first[index * size1..<(index + 1) * size1])
      let g2 = UnsafeRawBufferPointer(rebasing: second[index * size2..<(index + 1) * size2])
      pairs.append((try ZcashEncoding<Fp>.read(g1, order), try ZcashEncoding<Fp2<Fp>>.read(g2, order)))
    }
    let product = Pairing.finalExponentiation(Pairing.millerLoop(pairs))
    let coefficients = [product.c1, product.c0].flatMap { [$0.c2, $0.c1, $0.c0] }
    var bytes = [UInt8](repeating: 0, count: pairingByteCount)
    bytes.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      for (index, coefficient) in coefficients.enumerated() {
        coefficient.write(to: start + index * Fp2<Fp>.byteCount)
      }
    }
    return order == .big ? bytes : bytes.reversed()
  }

  /// Runs `body` on the bytes with each `stride` of them turned round where the order asks for it.
  fileprivate static func bigEndian<Value>(
    _ bytes: UnsafeRawBufferPointer, _ order: ByteOrder, stride: Int,
    _ body: (UnsafeRawBufferPointer) throws(CurveError) -> Value
  ) throws(CurveError) -> Value {
    if order == .big { return try body(bytes) }
    let turned = turnedRound(bytes, stride: stride)
    let result = turned.withUnsafeBytes { bytes -> Result<Value, CurveError> in
      do throws(CurveError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// The bytes with each `stride` of them, of which there is a whole number, turned round.
  fileprivate static func turnedRound(_ bytes: some Collection<UInt8>, stride: Int) -> [UInt8] {
    var turned = Array(bytes)
    for start in Swift.stride(from: 0, to: turned.count, by: stride) {
      turned[start..<min(start + stride, turned.count)].reverse()
    }
    return turned
  }
}

extension ZcashEncoding {
  fileprivate static func readOnCurve(
    _ bytes: UnsafeRawBufferPointer, _ order: BLS12381.ByteOrder
  ) throws(CurveError) -> AffinePoint<F> {
    try BLS12381.bigEndian(bytes, order, stride: F.byteCount) { (bytes) throws(CurveError) in
      try readOnCurve(bytes)
    }
  }

  fileprivate static func read(
    _ bytes: UnsafeRawBufferPointer, _ order: BLS12381.ByteOrder
  ) throws(CurveError) -> AffinePoint<F> {
    try BLS12381.bigEndian(bytes, order, stride: F.byteCount) { (bytes) throws(CurveError) in
      try read(bytes)
    }
  }

  fileprivate static func write(_ point: AffinePoint<F>, _ order: BLS12381.ByteOrder) -> [UInt8] {
    let bytes = write(point)
    return order == .big ? bytes : BLS12381.turnedRound(bytes, stride: F.byteCount)
  }
}
