import Primitives
import Testing

@Suite struct Secp256k1Tests {
  private static let order = hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")

  private struct Case {
    var signature: [UInt8], recoveryID: UInt64, hash: Hash, key: [UInt8], address: [UInt8]
  }

  /// Made by coincurve; the second has a high s.
  private static let cases = [
    Case(
      signature: hex(
        "fa2966c020ece267090ddacd8c018fc3a2bd52c331f0e9eac0e622a49f9c3c4a"
          + "1277eb05cb2748a4624d52de91f7e005a3ee23c518f4f457d60c54e226ab0a21"),
      recoveryID: 1, hash: Hash(hex("051310e3058b50f2e6340ad91254ddaf320aceff3b048bcc387f996aa41a2a1f"))!,
      key: hex(
        "8e1a029dfed8fcd4e86999c0fbeafeff4f94248e2c0f645529c52444311e49fe"
          + "e940baa9dba2751b4a4102829866b24b03c3966cc94c486825b66220433cab77"),
      address: hex("d0f83eea635d60caa011d30fd77a0dcf9d1daf88")),
    Case(
      signature: hex(
        "811bdbd1b4125590cb394fb4088e8ac5cae1a9784f71a34cc4679c5b825f62c3"
          + "c1316b6f881b43186fab20c7405d151887a9aec517b38f33cea86e1935004bc6"),
      recoveryID: 1, hash: Hash(hex("d5c50a08141ee32e1e5622a5073163413fa1c60b082178b8fc1d349d1c2f4c19"))!,
      key: hex(
        "6036bc311bad301b08169b4662211248320c5094c15bd8a59d76f148d34d9ed5"
          + "86a0d548b12f6d5083c3f1185238a9519fe1a5bc9aa56f883ce599b602cb8c28"),
      address: hex("906c23b5eb9e15773496351746226b2622c888c9")),
  ]

  @Test(arguments: 0..<2) func recovers(index: Int) throws {
    let sample = Self.cases[index]
    let key = try Secp256k1.recover(
      hash: sample.hash, recoveryID: sample.recoveryID, signature: sample.signature)
    #expect(key == sample.key)
    #expect(Secp256k1.ethereumAddress(of: key) == sample.address)
    #expect(Secp256k1.verify(sample.signature, hash: sample.hash, key: [4] + sample.key))
    #expect(Secp256k1.verify(sample.signature, hash: sample.hash, key: [2 + key[63] % 2] + key[..<32]))
    #expect(!Secp256k1.verify(sample.signature, hash: .zero, key: [4] + sample.key))
    #expect(!Secp256k1.verify(sample.signature, hash: sample.hash, key: sample.key))
    #expect(!Secp256k1.verify(sample.signature, hash: sample.hash, key: []))
    #expect(!Secp256k1.verify(Array(sample.signature[..<63]), hash: sample.hash, key: [4] + sample.key))
    let other = try? Secp256k1.recover(hash: sample.hash, recoveryID: 0, signature: sample.signature)
    #expect(other != nil && other != sample.key)
  }

  @Test(arguments: [4, 5, 27, 255, 256, 257, UInt64.max]) func recoveryIDsAboveThree(id: UInt64) {
    let sample = Self.cases[0]
    #expect(throws: Secp256k1.RecoveryError.invalidRecoveryID) {
      try Secp256k1.recover(hash: sample.hash, recoveryID: id, signature: sample.signature)
    }
  }

  @Test func valuesOutOfRange() {
    let sample = Self.cases[0]
    let (r, s) = (Array(sample.signature[..<32]), Array(sample.signature[32...]))
    let zero = [UInt8](repeating: 0, count: 32)
    let ones = [UInt8](repeating: 255, count: 32)
    for bad in [
      zero + s, r + zero, zero + zero, Self.order + s, r + Self.order, ones + s, r + ones, [], r, r + s + [0],
    ] {
      #expect(throws: Secp256k1.RecoveryError.invalidSignature) {
        try Secp256k1.recover(hash: sample.hash, recoveryID: 1, signature: bad)
      }
      #expect(!Secp256k1.verify(bad, hash: sample.hash, key: [4] + sample.key))
    }
    // Recovery ids 2 and 3 mean x = r + n, which only small r allow.
    for id in [2, 3] as [UInt64] {
      #expect(throws: Secp256k1.RecoveryError.invalidSignature) {
        try Secp256k1.recover(hash: sample.hash, recoveryID: id, signature: sample.signature)
      }
    }
    // r = 5 is no x of the curve.
    let five = zero.dropLast() + [5]
    #expect(throws: Secp256k1.RecoveryError.invalidSignature) {
      try Secp256k1.recover(hash: sample.hash, recoveryID: 0, signature: five + s)
    }
  }

  @Test func manyThreadsShareTheContext() async {
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          (0..<20).allSatisfy { index in
            let sample = Self.cases[index % 2]
            let key = try? Secp256k1.recover(
              hash: sample.hash, recoveryID: sample.recoveryID, signature: sample.signature)
            return key == sample.key
          }
        }
      }
      for await same in group { #expect(same) }
    }
  }
}
