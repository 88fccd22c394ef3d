import Primitives
import Testing

@testable import Curves

/// Signatures made with the curve's own arithmetic; those of others are among the vote program's cases (BuiltinsTests).
@Suite struct SignatureTests {
  /// The two points with this x, compressed.
  private static func compressed(_ encoded: [UInt8]) -> [[UInt8]] {
    let x = encoded.prefix(encoded.count / 2)
    return [0x80, 0xa0].map { [encoded[0] | $0] + x.dropFirst() }
  }

  private static func verify(_ signature: [UInt8], _ key: [UInt8], _ uniform: [UInt8]) -> Bool {
    (signature + key + uniform).withUnsafeBytes { bytes in
      func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
      }
      return BLS12381.isSignature(part(0..<96), of: part(96..<144), uniform: part(144..<bytes.count))
    }
  }

  @Test func signatures() {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<4 {
      let secret = Scalar(UInt128(generator.next() | 1))
      let uniform = (0..<256).map { _ in UInt8.random(in: 0...255, using: &generator) }
      // RFC 9380: two elements of Fp2, each coordinate of 64 bytes.
      let elements = stride(from: 0, to: 256, by: 64).map { start in
        uniform[start..<start + 64].reduce(BLS12381.Fp.zero) { value, byte in
          let shifted = (0..<8).reduce(value) { each, _ in each + each }
          return (0..<Int(byte)).reduce(shifted) { each, _ in each + .one }
        }
      }
      let message =
        (JacobianPoint(BLS12381.mapToG2(Fp2(elements[0], elements[1])))
        + BLS12381.mapToG2(Fp2(elements[2], elements[3]))).affine
      let key = plainMultiple(JacobianPoint(BLS12381.generator1), secret).affine
      let signature = plainMultiple(JacobianPoint(message), secret).affine
      let (keys, forms) = (
        Self.compressed(ZcashEncoding.write(key)), Self.compressed(ZcashEncoding.write(signature))
      )
      // To either key belongs one of the two.
      let matches = keys.map { key in forms.map { Self.verify($0, key, uniform) } }
      #expect(matches == [[true, false], [false, true]] || matches == [[false, true], [true, false]])
      for index in [0, 63, 64, 255] {
        var other = uniform
        other[index] ^= 1
        #expect(forms.allSatisfy { !Self.verify($0, keys[0], other) })
      }
      let infinity: [UInt8] = [0xc0] + [UInt8](repeating: 0, count: 47)
      #expect(!Self.verify([0xc0] + [UInt8](repeating: 0, count: 95), infinity, uniform))
      #expect(forms.allSatisfy { !Self.verify($0, keys[0], Array(uniform.dropLast())) })
    }
  }
}
