import CSodium
import Primitives
import Testing

@Suite struct Curve25519Tests {
  private static let prime = hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
  private static let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
  private static let base = Hash(hex("58" + String(repeating: "66", count: 31)))!
  private static let identity = Hash([1] + [UInt8](repeating: 0, count: 31))!
  private static let ristrettoBase = Hash(
    hex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))!
  /// A point of order eight.
  private static let torsion = Hash(hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))!

  private static func number(_ value: UInt64) -> Hash { Hash(word0: value, word1: 0, word2: 0, word3: 0) }

  /// `bytes` as a little-endian number plus a small one.
  private static func plus(_ bytes: [UInt8], _ delta: Int) -> [UInt8] {
    var (result, carry) = (bytes, delta)
    for index in result.indices {
      carry += Int(result[index])
      result[index] = UInt8(carry & 255)
      carry >>= 8
    }
    return result
  }

  /// A canonical scalar: random bits modulo the order, by libsodium.
  private static func scalar(_ random: inout SplitMix64) -> Hash {
    var scalar = [UInt8](repeating: 0, count: 32)
    crypto_core_ed25519_scalar_reduce(&scalar, random.bytes(64))
    return Hash(scalar)!
  }

  // MARK: Points

  @Test func onCurveAgreesWithSolders() {
    var random = SplitMix64(seed: 11)
    let bits = (0..<4096).map { _ in Curve25519.isEdwardsPoint(random.pubkey()) ? 1 : 0 as UInt8 }
    #expect(
      Hex.encode(SHA256.hash(bits).bytes)
        == "27a840d5d4183d989b46da1d61a5508a3b51e717e7ae2698a1779dbe9ae0b1df")
  }

  /// y = 0 … 23 and p − 24 … 2^255 − 1, each with both signs, as solders has them.
  @Test func unusualEncodingsAgreeWithSolders() {
    let zero = [UInt8](repeating: 0, count: 32)
    let all = (0..<24).map { Self.plus(zero, $0) } + (-24..<19).map { Self.plus(Self.prime, $0) }
    var bits = ""
    for var y in all {
      bits += Curve25519.isEdwardsPoint(Pubkey(y)!) ? "1" : "0"
      y[31] |= 0x80
      bits += Curve25519.isEdwardsPoint(Pubkey(y)!) ? "1" : "0"
    }
    #expect(
      bits == "1111001111111100001111000000111111001111001100111111001100111100111111"
        + "0000001111000011111111001111110011111111000011110000001111110011")
  }

  @Test func nonCanonicalPointsAreReduced() {
    for (delta, expected) in [(0, 0), (1, 1), (3, 3), (4, 4), (18, 18)] as [(Int, UInt64)] {
      let point = Hash(Self.plus(Self.prime, delta))!
      #expect(Curve25519.add(point, Self.identity, in: .edwards) == Self.number(expected))
      #expect(!Curve25519.isValid(point, in: .ristretto))
    }
    // x = 0 with the sign set.
    var signed = Self.identity.bytes
    signed[31] = 0x80
    #expect(Curve25519.add(Hash(signed)!, Self.identity, in: .edwards) == Self.identity)
  }

  @Test func ristrettoValidity() {
    var random = SplitMix64(seed: 37)
    let bits = (0..<1000).map { _ in
      let bytes = Array(random.bytes(32)[..<31]) + [0x10]
      return Curve25519.isValid(Hash(bytes)!, in: .ristretto) ? 1 : 0 as UInt8
    }
    #expect(
      Hex.encode(SHA256.hash(bits).bytes)
        == "20969f7e0e322103b727654bf9dd1338b2d8d7fdcd51ba734830211e017f4354")
    let zero = [UInt8](repeating: 0, count: 32)
    let all = (0..<40).map { Self.plus(zero, $0) } + (-10..<19).map { Self.plus(Self.prime, $0) }
    let text = all.map { Curve25519.isValid(Hash($0)!, in: .ristretto) ? "1" : "0" }.joined()
    #expect(text == "100010100000000000001010000000100000000001000001000000000000000000000")
  }

  // RFC 9496 appendix A.2: encodings to refuse.
  @Test(arguments: [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2df6",  // the generator with bit 255
  ])
  func badRistrettoEncodings(bytes: String) {
    let point = Hash(hex(bytes))!
    #expect(!Curve25519.isValid(point, in: .ristretto))
    #expect(Curve25519.add(point, Self.ristrettoBase, in: .ristretto) == nil)
    #expect(Curve25519.subtract(Self.ristrettoBase, point, in: .ristretto) == nil)
    #expect(Curve25519.multiply(Self.number(2), point, in: .ristretto) == nil)
  }

  // RFC 9496 appendix A.1: the first multiples of the generator.
  @Test func ristrettoMultiples() {
    let multiples = [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
      "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
      "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    ]
    for (index, bytes) in multiples.enumerated() {
      #expect(
        Curve25519.multiply(Self.number(UInt64(index)), Self.ristrettoBase, in: .ristretto)?.bytes
          == hex(bytes))
    }
  }

  // MARK: Operations

  /// 120 random pairs with every torsion component, through both groups: by affine arithmetic in Python.
  @Test func agreesWithPlainArithmetic() throws {
    var random = SplitMix64(seed: 31)
    var all: [UInt8] = []
    func multiple(_ count: Int, _ point: Hash) throws -> Hash {
      try #require(Curve25519.multiply(Self.number(UInt64(count)), point, in: .edwards))
    }
    let eighth = try multiple(1, Self.torsion)
    func record(_ value: Hash?) { all += value?.bytes ?? Array("none".utf8) }
    func run(_ p: Hash, _ q: Hash, _ k: Hash, _ m: Hash, _ group: Curve25519.Group) {
      record(p)
      record(q)
      record(Curve25519.add(p, q, in: group))
      record(Curve25519.subtract(p, q, in: group))
      record(Curve25519.multiply(m, p, in: group))
      record(Curve25519.multiscalarMultiply([k, m], [p, q], in: group))
    }
    for index in 0..<120 {
      _ = random.bytes(64)
      let (k, m) = (Self.reduced(random.bytes(32)), Self.reduced(random.bytes(32)))
      let kG = try #require(Curve25519.multiply(k, Self.base, in: .edwards))
      let mG = try #require(Curve25519.multiply(m, Self.base, in: .edwards))
      var p = try #require(Curve25519.add(kG, try multiple(index % 8, eighth), in: .edwards))
      let q = try #require(Curve25519.add(mG, try multiple(index / 8 % 8, eighth), in: .edwards))
      if index % 10 == 9 { p = try multiple(index % 8, eighth) }
      run(p, q, k, m, .edwards)
      let r = try #require(Curve25519.multiply(k, Self.ristrettoBase, in: .ristretto))
      let s = try #require(Curve25519.multiply(m, Self.ristrettoBase, in: .ristretto))
      run(r, s, k, m, .ristretto)
    }
    #expect(
      Hex.encode(SHA256.hash(all).bytes) == "c4112485bcaa17611820f0bbc73312bbee110adbb2f015f1f778ba40d3a6bb12"
    )
  }

  /// 32 random bytes modulo the group order.
  private static func reduced(_ bytes: [UInt8]) -> Hash {
    var scalar = [UInt8](repeating: 0, count: 32)
    crypto_core_ed25519_scalar_reduce(&scalar, bytes + [UInt8](repeating: 0, count: 32))
    return Hash(scalar)!
  }

  @Test func agreesWithLibsodiumOnRandomElements() throws {
    var random = SplitMix64(seed: 43)
    for _ in 0..<300 {
      let (k, m) = (Self.scalar(&random), Self.scalar(&random))
      var (p, q) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))
      var result = p
      #expect(crypto_scalarmult_ed25519_base_noclamp(&p, k.bytes) == 0)
      #expect(crypto_scalarmult_ed25519_base_noclamp(&q, m.bytes) == 0)
      #expect(Curve25519.multiply(k, Self.base, in: .edwards)?.bytes == p)
      #expect(crypto_core_ed25519_add(&result, p, q) == 0)
      #expect(Curve25519.add(Hash(p)!, Hash(q)!, in: .edwards)?.bytes == result)
      #expect(crypto_core_ed25519_sub(&result, p, q) == 0)
      #expect(Curve25519.subtract(Hash(p)!, Hash(q)!, in: .edwards)?.bytes == result)
      #expect(crypto_scalarmult_ed25519_noclamp(&result, m.bytes, p) == 0)
      #expect(Curve25519.multiply(m, Hash(p)!, in: .edwards)?.bytes == result)
      crypto_core_ristretto255_from_hash(&p, random.bytes(64))
      crypto_core_ristretto255_from_hash(&q, random.bytes(64))
      #expect(crypto_core_ristretto255_add(&result, p, q) == 0)
      #expect(Curve25519.add(Hash(p)!, Hash(q)!, in: .ristretto)?.bytes == result)
      #expect(crypto_core_ristretto255_sub(&result, p, q) == 0)
      #expect(Curve25519.subtract(Hash(p)!, Hash(q)!, in: .ristretto)?.bytes == result)
      #expect(crypto_scalarmult_ristretto255(&result, m.bytes, p) == 0)
      #expect(Curve25519.multiply(m, Hash(p)!, in: .ristretto)?.bytes == result)
      var bytes = random.bytes(32)
      bytes[31] &= 0x7f  // libsodium 1.0.18 ignores this bit of ristretto points; RFC 9496 and dalek do not
      #expect(
        Curve25519.isValid(Hash(bytes)!, in: .ristretto)
          == (crypto_core_ristretto255_is_valid_point(bytes) == 1))
      #expect(
        Curve25519.isEdwardsPoint(Pubkey(bytes)!)
          == (crypto_core_ed25519_add(&result, bytes, Self.identity.bytes) == 0))
    }
  }

  @Test func groupLaws() throws {
    var random = SplitMix64(seed: 47)
    for group in [Curve25519.Group.edwards, .ristretto] {
      let (base, zero) = group == .edwards ? (Self.base, Self.identity) : (Self.ristrettoBase, Hash.zero)
      let scalars = (0..<20).map { _ in Self.scalar(&random) }
      let points = try scalars.map { try #require(Curve25519.multiply($0, base, in: group)) }
      var sum = zero
      for (scalar, point) in zip(scalars.reversed(), points) {
        let product = try #require(Curve25519.multiply(scalar, point, in: group))
        sum = try #require(Curve25519.add(sum, product, in: group))
      }
      #expect(Curve25519.multiscalarMultiply(scalars.reversed(), points, in: group) == sum)
      #expect(Curve25519.multiscalarMultiply([], [], in: group) == zero)
      #expect(Curve25519.subtract(points[0], points[0], in: group) == zero)
      #expect(Curve25519.multiply(.zero, points[0], in: group) == zero)
      let last = Hash(Self.plus(Self.order, -1))!
      let negated = try #require(Curve25519.multiply(last, points[0], in: group))
      #expect(Curve25519.add(negated, points[0], in: group) == zero)
    }
  }

  // MARK: Scalars

  @Test func scalarsMustBeCanonical() {
    for delta in [-2, -1] { #expect(Curve25519.isCanonicalScalar(Hash(Self.plus(Self.order, delta))!)) }
    let ones = [UInt8](repeating: 255, count: 32)
    for bytes in [Self.order, Self.plus(Self.order, 1), ones, Self.prime] {
      #expect(!Curve25519.isCanonicalScalar(Hash(bytes)!))
      #expect(Curve25519.multiply(Hash(bytes)!, Self.base, in: .edwards) == nil)
      #expect(Curve25519.multiply(Hash(bytes)!, Self.ristrettoBase, in: .ristretto) == nil)
      #expect(
        Curve25519.multiscalarMultiply([.zero, Hash(bytes)!], [Self.base, Self.base], in: .edwards) == nil)
    }
    #expect(Curve25519.multiscalarMultiply([.zero], [Self.base, Self.base], in: .edwards) == nil)
    let invalid = Self.number(2)  // no point has y = 2
    #expect(Curve25519.multiscalarMultiply([.zero, .zero], [Self.base, invalid], in: .edwards) == nil)
    #expect(Curve25519.add(invalid, Self.base, in: .edwards) == nil)
    #expect(Curve25519.subtract(Self.base, invalid, in: .edwards) == nil)
  }
}
