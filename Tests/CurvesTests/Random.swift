// Seeded randomness and bytes for the tests of this target.

import Primitives

@testable import Curves

extension PrimeField {
  /// Any element, now and then one at the edges.
  static func random(_ generator: inout SplitMix64) -> Self {
    switch generator.next() % 16 {
    case 0: return .zero
    case 1: return .one
    case 2: return -.one
    default:
      while true {
        var bytes = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes[0] &= 0x3f
        if let element = bytes.withUnsafeBytes({ Self(reading: $0.baseAddress!) }) { return element }
      }
    }
  }

  var bytes: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    bytes.withUnsafeMutableBytes { write(to: $0.baseAddress!) }
    return bytes
  }
}

extension Fp2 {
  static func random(_ generator: inout SplitMix64) -> Self { Self(.random(&generator), .random(&generator)) }
}

extension Fp6 {
  static func random(_ generator: inout SplitMix64) -> Self {
    Self(.random(&generator), .random(&generator), .random(&generator))
  }
}

extension Fp12 {
  static func random(_ generator: inout SplitMix64) -> Self { Self(.random(&generator), .random(&generator)) }
}

extension Scalar {
  init(_ value: UInt128) { self.init(low: value, high: 0) }

  static func random(_ generator: inout SplitMix64) -> Self {
    let high = UInt128.random(in: 0...UInt128.max, using: &generator)
    return Scalar(low: .random(in: 0...UInt128.max, using: &generator), high: high)
  }

  var bytes: [UInt8] {
    var (low, high) = (low.bigEndian, high.bigEndian)
    return withUnsafeBytes(of: &high) { Array($0) } + withUnsafeBytes(of: &low) { Array($0) }
  }
}

/// The multiple by doubling and adding, bit by bit: what the fast ways are compared with.
func plainMultiple<F: Field>(_ point: JacobianPoint<F>, _ scalar: Scalar) -> JacobianPoint<F> {
  var result = JacobianPoint<F>.infinity
  for word in [scalar.high, scalar.low] {
    for bit in (0..<128).reversed() {
      result = result.doubled()
      if word >> UInt128(bit) & 1 == 1 { result = result + point }
    }
  }
  return result
}

/// An array's bytes, for as long as the call takes.
func with<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(CurveError) -> R) throws(CurveError)
  -> R
{
  let result = bytes.withUnsafeBytes { bytes -> Result<R, CurveError> in
    do throws(CurveError) { return .success(try body(bytes)) } catch { return .failure(error) }
  }
  return try result.get()
}

func hex(_ text: String) -> [UInt8] {
  let digits = text.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

let seed: UInt64 = 0x5eed_0c04_7e51
