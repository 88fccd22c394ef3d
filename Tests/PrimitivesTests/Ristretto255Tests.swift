import Primitives
import Testing

@Suite struct Ristretto255Tests {
  private static let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"

  private static func scalar(_ random: inout SplitMix64) -> Scalar25519 {
    Scalar25519(reducing: random.bytes(64))
  }

  // MARK: Scalars

  @Test func canonicalScalars() throws {
    let order = Hex.decode(Self.order)!
    #expect(Scalar25519(canonical: Hash(order)!) == nil)
    #expect(Scalar25519(canonical: Hash([UInt8](repeating: 255, count: 32))!) == nil)
    var last = order
    last[0] -= 1
    let minusOne = try #require(Scalar25519(canonical: Hash(last)!))
    #expect(minusOne == -.one)
    #expect(minusOne + .one == .zero)
    #expect(minusOne * minusOne == .one)
    #expect(Scalar25519(reducing: order + [UInt8](repeating: 0, count: 32)) == .zero)
    #expect(Scalar25519.zero - .one == minusOne)
    #expect(Scalar25519.zero.inverse == .zero)
  }

  @Test func scalarsAreAField() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<200 {
      let (a, b, c) = (Self.scalar(&random), Self.scalar(&random), Self.scalar(&random))
      #expect(a * (b + c) == a * b + a * c)
      #expect((a - b) + b == a)
      #expect(a * a.inverse == .one)
      #expect(-a + a == .zero)
    }
    #expect(Scalar25519(1 << 40) * Scalar25519(1 << 20) == Scalar25519(1 << 60))
  }

  // MARK: Points

  /// RFC 9496, appendix A.3.
  @Test func uniformBytes() {
    let vectors = [
      (
        "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
          + "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
        "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"
      )
    ]
    for (uniform, encoding) in vectors {
      #expect(Hex.encode(RistrettoPoint(uniform: Hex.decode(uniform)!).compressed.bytes) == encoding)
    }
    #expect(
      Hex.encode(RistrettoPoint.base.compressed.bytes)
        == "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
  }

  /// The class of the identity has four points, and the encoding of zeros.
  @Test func identity() throws {
    #expect(try #require(RistrettoPoint(compressed: .zero)).isIdentity)
    #expect(!RistrettoPoint.base.isIdentity)
    var random = SplitMix64(seed: 8)
    for _ in 0..<50 {
      let (point, scalar) = (RistrettoPoint(uniform: random.bytes(64)), Self.scalar(&random))
      #expect(RistrettoPoint.sum(of: [(scalar, point), (-scalar, point)]).isIdentity)
      #expect(!RistrettoPoint.sum(of: [(scalar, point), (.one - scalar, point)]).isIdentity)
      #expect(RistrettoPoint.sum(of: [(.zero, point)]).isIdentity)
    }
    #expect(RistrettoPoint.sum(of: []).isIdentity)
  }

  /// Against the operations that the curve syscalls use, which are tested against solders.
  @Test(arguments: [1, 2, 3, 7, 20, 100, 300])
  func sums(_ count: Int) throws {
    var random = SplitMix64(seed: UInt64(count))
    let points = (0..<count).map { _ in RistrettoPoint(uniform: random.bytes(64)) }
    var scalars = (0..<count).map { _ in Self.scalar(&random) }
    scalars[0] = -.one
    scalars[count / 2] = .zero
    scalars[count - 1] = Scalar25519(random.next())
    var expected = Hash.zero
    for (scalar, point) in zip(scalars, points) {
      let product = try #require(Curve25519.multiply(scalar.bytes, point.compressed, in: .ristretto))
      expected = try #require(Curve25519.add(expected, product, in: .ristretto))
    }
    let terms = zip(scalars, points).map { ($0, $1) }
    #expect(RistrettoPoint.sum(of: terms).compressed == expected)
    let basis = RistrettoBasis(points)
    for split in [0, 1, count / 2, count] {
      let (fixed, rest) = (Array(scalars.prefix(split)), Array(terms.dropFirst(split)))
      #expect(RistrettoPoint.sum(of: rest, fixed, times: basis).compressed == expected)
    }
  }
}
