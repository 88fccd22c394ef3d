// Sums of scalars times points of the Edwards curve, by Straus's method: one run of doublings for all terms, and signed
// digits (the width-w non-adjacent form), of which one in w + 1 is not zero. Points that many sums have in common are
// prepared once, as an `EdwardsBasis`.

/// What the addition of a point takes of it: Y + X, Y − X, 2Z and 2d·T.
private struct PreparedPoint: Sendable {
  let sum, difference, doubleZ, doubleDT: FieldElement25519

  init(_ point: EdwardsPoint) {
    sum = point.y + point.x
    difference = point.y - point.x
    doubleZ = point.z + point.z
    doubleDT = point.t * EdwardsPoint.doubleD
  }
}

/// The same of a point with Z = 1, which an addition does one multiplication less with.
private struct PreparedAffinePoint: Sendable {
  let sum, difference, doubleDT: FieldElement25519

  init(x: FieldElement25519, y: FieldElement25519) {
    sum = y + x
    difference = y - x
    doubleDT = x * y * EdwardsPoint.doubleD
  }
}

/// Points with their odd multiples 1, 3, … 31. 16 times 120 bytes a point.
struct EdwardsBasis: Sendable {
  fileprivate static let width = 6
  fileprivate static var multipleCount: Int { 1 << (width - 2) }

  fileprivate let multiples: [PreparedAffinePoint]

  init(_ points: [EdwardsPoint]) {
    let projective = points.flatMap { $0.oddMultiples(Self.multipleCount) }
    // All Z are inverted with one inversion, of their product (Montgomery's trick); none is zero.
    var (products, product) = ([FieldElement25519](), FieldElement25519.one)
    products.reserveCapacity(projective.count)
    for point in projective {
      products.append(product)
      product = product * point.z
    }
    var inverse = product.inverse
    var prepared: [PreparedAffinePoint] = []
    prepared.reserveCapacity(projective.count)
    for (point, before) in zip(projective, products).reversed() {
      let inverseZ = inverse * before
      prepared.append(PreparedAffinePoint(x: point.x * inverseZ, y: point.y * inverseZ))
      inverse = inverse * point.z
    }
    multiples = prepared.reversed()
  }

  var count: Int { multiples.count / Self.multipleCount }
}

extension EdwardsPoint {
  private static var width: Int { 5 }

  /// The sum of scalar times point, for scalars below 2^255. `basis` has a point for each of `scalars`, or more.
  static func sum(
    of terms: [(scalar: Hash, point: EdwardsPoint)], _ scalars: [Hash] = [], times basis: EdwardsBasis? = nil
  ) -> EdwardsPoint {
    let multipleCount = 1 << (width - 2)
    var multiples: [PreparedPoint] = []
    multiples.reserveCapacity(terms.count * multipleCount)
    for term in terms { multiples += term.point.oddMultiples(multipleCount).map { PreparedPoint($0) } }
    precondition(scalars.count <= basis?.count ?? 0)

    // Digit by digit, for each digit those of all terms.
    let count = terms.count + scalars.count
    var digits = [Int8](repeating: 0, count: 256 * count)
    for (index, term) in terms.enumerated() { term.scalar.writeDigits(to: &digits, index, of: count, width) }
    for (index, scalar) in scalars.enumerated() {
      scalar.writeDigits(to: &digits, terms.count + index, of: count, EdwardsBasis.width)
    }
    var sum = identity
    digits.withUnsafeBufferPointer { digits in
      multiples.withUnsafeBufferPointer { multiples in
        (basis?.multiples ?? []).withUnsafeBufferPointer { fixed in
          for position in stride(from: 255, through: 0, by: -1) {
            if position < 255 { sum = sum.doubled }
            let row = position * count
            for index in 0..<terms.count {
              let digit = Int(digits[row + index])
              if digit > 0 {
                sum = sum.adding(multiples[index * multipleCount + digit / 2])
              } else if digit < 0 {
                sum = sum.subtracting(multiples[index * multipleCount - digit / 2])
              }
            }
            for index in 0..<scalars.count {
              let digit = Int(digits[row + terms.count + index])
              if digit > 0 {
                sum = sum.adding(fixed[index * EdwardsBasis.multipleCount + digit / 2])
              } else if digit < 0 {
                sum = sum.subtracting(fixed[index * EdwardsBasis.multipleCount - digit / 2])
              }
            }
          }
        }
      }
    }
    return sum
  }

  /// 1, 3, 5 … times the point.
  fileprivate func oddMultiples(_ count: Int) -> [EdwardsPoint] {
    let double = PreparedPoint(doubled)
    var multiples = [self]
    for _ in 1..<count { multiples.append(multiples[multiples.count - 1].adding(double)) }
    return multiples
  }

  @inline(__always) private func adding(_ q: PreparedPoint) -> EdwardsPoint {
    let (c, d) = (t * q.doubleDT, z * q.doubleZ)
    return completed((y - x) * q.difference, (y + x) * q.sum, d - c, d + c)
  }

  @inline(__always) private func subtracting(_ q: PreparedPoint) -> EdwardsPoint {
    let (c, d) = (t * q.doubleDT, z * q.doubleZ)
    return completed((y - x) * q.sum, (y + x) * q.difference, d + c, d - c)
  }

  @inline(__always) private func adding(_ q: PreparedAffinePoint) -> EdwardsPoint {
    let (c, d) = (t * q.doubleDT, z + z)
    return completed((y - x) * q.difference, (y + x) * q.sum, d - c, d + c)
  }

  @inline(__always) private func subtracting(_ q: PreparedAffinePoint) -> EdwardsPoint {
    let (c, d) = (t * q.doubleDT, z + z)
    return completed((y - x) * q.sum, (y + x) * q.difference, d + c, d - c)
  }

  @inline(__always) private func completed(
    _ a: FieldElement25519, _ b: FieldElement25519, _ f: FieldElement25519, _ g: FieldElement25519
  ) -> EdwardsPoint {
    let (e, h) = (b - a, b + a)
    return EdwardsPoint(x: e * f, y: g * h, z: f * g, t: e * h)
  }
}

extension Hash {
  /// The non-adjacent form of a number below 2^255, least significant digit first: odd digits between −2^(width−1) and
  /// 2^(width−1), at least `width` apart. They are written to every `stride`-th place from `index` on; the rest stays.
  fileprivate func writeDigits(to digits: inout [Int8], _ index: Int, of stride: Int, _ width: Int) {
    let words = (word0, word1, word2, word3, 0 as UInt64)
    func word(_ at: Int) -> UInt64 {
      switch at {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      case 3: words.3
      default: words.4
      }
    }
    var (position, carry) = (0, 0 as UInt64)
    while position < 256 {
      let (at, shift) = (position / 64, UInt64(position % 64))
      let bits = shift == 0 ? word(at) : word(at) >> shift | word(at + 1) << (64 - shift)
      let window = carry + bits & (1 << UInt64(width) - 1)
      if window & 1 == 0 {
        position += 1
        continue
      }
      carry = window >> UInt64(width - 1)
      digits[position * stride + index] = Int8(Int(window) - Int(carry) << width)
      position += width
    }
  }
}
