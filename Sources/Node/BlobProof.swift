// Whether a blob is the one that its commitment stands for: EIP-4844's verify_blob_kzg_proof
// (https://github.com/ethereum/consensus-specs/blob/master/specs/deneb/polynomial-commitments.md). The blob holds the values
// of a polynomial of degree 4095 at the 4096th roots of unity, in bit-reversed order; commitment and proof show its value
// at a point that follows from both by a hash.

import Curves
import Primitives
import WideIntegers

enum BlobProof {
  private static let fieldElementCount = 4096
  /// The order of BLS12-381's groups.
  private static let modulus = UInt256(
    0xffff_ffff_0000_0001, 0x53bd_a402_fffe_5bfe, 0x3339_d808_09a1_d805, 0x73ed_a753_299d_7d48)

  /// The roots of unity, in the order of a blob's values; made once a process.
  private static let roots: [UInt256] = {
    // 7 generates the field's multiplicative group.
    var exponent = (modulus &- 1).divided(by: UInt256(UInt64(fieldElementCount)))
    var (root, power) = (UInt256(1), UInt256(7))
    while !exponent.isZero {
      if exponent.limb0 & 1 == 1 { root = root.multiplied(by: power, modulo: modulus) }
      power = power.multiplied(by: power, modulo: modulus)
      exponent = exponent >> 1
    }
    var all: [UInt256] = []
    var next = UInt256(1)
    for _ in 0..<fieldElementCount {
      all.append(next)
      next = next.multiplied(by: root, modulo: modulus)
    }
    let bitCount = fieldElementCount.trailingZeroBitCount
    return all.indices.map { index in
      all[(0..<bitCount).reduce(0) { $0 << 1 | index >> $1 & 1 }]
    }
  }()

  /// - Parameters:
  ///   - blob: 131,072 bytes.
  ///   - commitment: 48 bytes, as is `proof`.
  static func isValid(blob: [UInt8], commitment: [UInt8], proof: [UInt8]) -> Bool {
    var values: [UInt256] = []
    for offset in stride(from: 0, to: blob.count, by: 32) {
      guard let value = UInt256(bigEndian: blob[offset..<offset + 32]), value < modulus else { return false }
      values.append(value)
    }
    guard values.count == fieldElementCount else { return false }
    let degree = [UInt8](repeating: 0, count: 14) + [UInt8(fieldElementCount >> 8), 0]
    let digest = SHA256.hash(Array("FSBLOBVERIFY_V1_".utf8) + degree + blob + commitment)
    guard let hashed = UInt256(bigEndian: digest.bytes) else { return false }
    let point = hashed.modulo(modulus)
    let value = evaluate(values, at: point)
    return point.bigEndianBytes.withUnsafeBytes { point in
      value.bigEndianBytes.withUnsafeBytes { value in
        commitment.withUnsafeBytes { commitment in
          proof.withUnsafeBytes { proof in
            (try? KZG.verify(commitment: commitment, z: point, y: value, proof: proof)) ?? false
          }
        }
      }
    }
  }

  /// By the barycentric formula: (z^n - 1) / n · Σ value · root / (z - root).
  private static func evaluate(_ values: [UInt256], at point: UInt256) -> UInt256 {
    if let place = roots.firstIndex(of: point) { return values[place] }
    // All inverses for the price of one.
    var products: [UInt256] = []
    var product = UInt256(1)
    let differences = roots.map { subtract(point, $0) }
    for difference in differences {
      products.append(product)
      product = multiply(product, difference)
    }
    var inverse = inverse(of: product)
    var sum = UInt256.zero
    for index in differences.indices.reversed() {
      let own = multiply(inverse, products[index])
      inverse = multiply(inverse, differences[index])
      sum = sum.adding(multiply(multiply(values[index], roots[index]), own), modulo: modulus)
    }
    var power = point
    for _ in 0..<fieldElementCount.trailingZeroBitCount { power = multiply(power, power) }
    let factor = multiply(subtract(power, 1), Self.inverse(of: UInt256(UInt64(fieldElementCount))))
    return multiply(sum, factor)
  }

  private static func multiply(_ left: UInt256, _ right: UInt256) -> UInt256 {
    left.multiplied(by: right, modulo: modulus)
  }

  private static func subtract(_ left: UInt256, _ right: UInt256) -> UInt256 {
    left >= right ? left &- right : left &+ (modulus &- right)
  }

  /// By Fermat's little theorem.
  private static func inverse(of value: UInt256) -> UInt256 {
    var (result, power, exponent) = (UInt256(1), value, modulus &- 2)
    while !exponent.isZero {
      if exponent.limb0 & 1 == 1 { result = multiply(result, power) }
      power = multiply(power, power)
      exponent = exponent >> 1
    }
    return result
  }
}
