import Primitives
import Testing

@Suite struct Secp256r1Tests {
  private static let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
  private static let halfOrder = hex("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8")

  /// Made by pyca/cryptography, s made low.
  private static let cases = [
    (
      "a3fe57bf5974a02c4c091fe0312d794c2ca52cafd3ca56395f53126b4d66f0e3"
        + "0a04bd20478e8ddf991ecf66226e18d345cd4da883f6031b411becea813cc6da",
      "02e9566800d2362623590faa8bbdc2cc149722c33244fb904de88d4fdc497b9f0d", "message 0"
    ),
    (
      "ac93c568a5f73a2976ae933c71db83c810eaca3bcc0fa5a5cd8c1b52a507d8e2"
        + "623159ece9988ee8b3166a0a448d0f02386987e6b1bdbef36429499f544b8a07",
      "029208b7db46f1f4f8cae735be8414ea7decfd89846aa3a1e02efb502977348717", "message 1"
    ),
    (
      "667fdbbe905152745f7d0a0a960b56d7c6da60c54bbdc69e0f20720e9b432b6a"
        + "4f3e6a05626348a140d142b12365c477e5a2b95544641867567bd04d77139792",
      "02809d8ac66922ed7f2a076aa07fe49b0791d6fff81111c90432de00fa58f51ae0", "message 2"
    ),
  ]

  private func outcome(_ signature: [UInt8], _ message: [UInt8], _ key: [UInt8]) -> Secp256r1
    .VerificationError?
  {
    do throws(Secp256r1.VerificationError) {
      try Secp256r1.verify(signature: signature, message: message, key: key)
      return nil
    } catch { return error }
  }

  @Test(arguments: 0..<3) func verifies(index: Int) {
    let (signature, key, text) = (
      hex(Self.cases[index].0), hex(Self.cases[index].1), Array(Self.cases[index].2.utf8)
    )
    #expect(outcome(signature, text, key) == nil)
    #expect(outcome(signature, text + [0], key) == .invalidSignature)
    #expect(outcome(signature, [], key) == .invalidSignature)
    #expect(outcome(signature, text, [3] + key[1...]) == .invalidSignature)
    for bit in stride(from: 0, to: 512, by: 5) {
      var changed = signature
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(outcome(changed, text, key) == .invalidSignature)
    }
  }

  @Test func rangesOfRAndS() {
    let (signature, key, text) = (hex(Self.cases[0].0), hex(Self.cases[0].1), Array(Self.cases[0].2.utf8))
    let (r, s) = (Array(signature[..<32]), Array(signature[32...]))
    var highS = s  // the order minus s: valid, were it not high
    var borrow = 0
    for index in stride(from: 31, through: 0, by: -1) {
      let value = Int(Self.order[index]) - Int(s[index]) - borrow
      highS[index] = UInt8(value & 255)
      borrow = value < 0 ? 1 : 0
    }
    let zero = [UInt8](repeating: 0, count: 32)
    var justHigh = Self.halfOrder
    justHigh[31] += 1
    let bad = [
      r + highS, zero + s, r + zero, Self.order + s, r + Self.order, r + justHigh, r + Self.halfOrder, [], r,
      r + s + [0],
    ]
    for signature in bad { #expect(outcome(signature, text, key) == .invalidSignature) }
  }

  @Test func badKeys() {
    let (signature, key, text) = (hex(Self.cases[0].0), hex(Self.cases[0].1), Array(Self.cases[0].2.utf8))
    let rest = Array(key[1...])
    let keys = [
      [], [0], [4] + rest, [0] + rest, [6] + rest, [1] + rest, rest, key + [0],
      [2] + [UInt8](repeating: 255, count: 32),
      [2] + [UInt8](repeating: 0, count: 31) + [1],
    ]
    for key in keys { #expect(outcome(signature, text, key) == .invalidPublicKey) }
  }
}

/// Ethereum's form of the same check: a digest, (r, s) with any s, and the key's coordinates.
@Suite struct Secp256r1DigestTests {
  /// Made by pyca/cryptography.
  private static let digest = hex("2b902f8911e81818f8c99d5d5d9831957504d90e945de2e8f54ee781cc75f636")
  private static let (r, s) = (
    hex("4cac5873641fa485d3d3009a16bfe01c13f9c8b5bd2f7ba8672a5b9c712c1031"),
    hex("3f01e3600984551b8bf72112a49ad64ca99f1536acabc63fde90d5bb07ad8b67")
  )
  private static let highS = hex("c0fe1c9ef67baae57408deed5b6529b31347e576fa6bd8451528f507f4b599ea")
  private static let (x, y) = (
    hex("14b8a2c95626f164e38703bd976b200e0650503e4b701ecbf29f96abf786d31f"),
    hex("9b978f67b1ea482736e63b98c445745a521135bf468d6d0c168ef66a4163f46f")
  )
  private static let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
  private static let field = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
  private static let zero = [UInt8](repeating: 0, count: 32)

  private func isSigned(_ digest: [UInt8], _ signature: [UInt8], _ key: [UInt8]) -> Bool {
    signature.withUnsafeBytes { signature in
      key.withUnsafeBytes { Secp256r1.isSigned(digest: Hash(digest)!, signature: signature, key: $0) }
    }
  }

  @Test func acceptsBothFormsOfS() {
    #expect(isSigned(Self.digest, Self.r + Self.s, Self.x + Self.y))
    #expect(isSigned(Self.digest, Self.r + Self.highS, Self.x + Self.y))
  }

  @Test func refuses() {
    let (digest, r, s, x, y) = (Self.digest, Self.r, Self.s, Self.x, Self.y)
    let good = r + s
    for (signature, key) in [
      (s + r, x + y), (good, y + x), (Self.zero + s, x + y), (r + Self.zero, x + y), (Self.order + s, x + y),
      (r + Self.order, x + y), (good, Self.zero + Self.zero), (good, Self.field + y), (good, x + Self.field),
      (good, x), (r, x + y), (good + [0], x + y), (good, x + y + [0]), ([], []),
    ] {
      #expect(!isSigned(digest, signature, key))
    }
    #expect(!isSigned(Self.x, good, x + y))
  }
}
