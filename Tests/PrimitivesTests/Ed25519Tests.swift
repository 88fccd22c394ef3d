import Primitives
import Testing

@Suite struct Ed25519Tests {
  // RFC 8032 section 7.1, tests 1 to 3.
  @Test(arguments: [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
    (
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
  ])
  func vectors(seed: String, key: String, message: String, signature: String) {
    let pair = Ed25519.KeyPair(seed: Hash(hex(seed))!)
    #expect(pair.pubkey.bytes == hex(key))
    #expect(pair.sign(hex(message)).bytes == hex(signature))
    #expect(Ed25519.verify(Signature(hex(signature))!, of: hex(message), by: pair.pubkey))
  }

  /// 100 keys and signatures over 0 to 99 bytes, as solders makes them.
  @Test func agreesWithSolders() {
    var random = SplitMix64(seed: 23)
    var all: [UInt8] = []
    for count in 0..<100 {
      let pair = Ed25519.KeyPair(seed: random.hash())
      all += pair.pubkey.bytes + pair.sign(random.bytes(count)).bytes
    }
    #expect(
      Hex.encode(SHA256.hash(all).bytes) == "dd0633953204d9b699cc39efd3d4b7dcbfe92f9c54b513fe28707eccfbabc277"
    )
  }

  @Test func anyChangedBitIsRefused() {
    let pair = Ed25519.KeyPair(seed: Hash(pattern(32))!)
    let message = pattern(40)
    let signature = pair.sign(message)
    #expect(Ed25519.verify(signature, of: message, by: pair.pubkey))
    for bit in 0..<512 {
      var bytes = signature.bytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if Ed25519.verify(Signature(bytes)!, of: message, by: pair.pubkey) {
        Issue.record("signature bit \(bit)")
      }
    }
    for bit in 0..<256 {
      var key = pair.pubkey.bytes
      key[bit / 8] ^= 1 << UInt8(bit % 8)
      if Ed25519.verify(signature, of: message, by: Pubkey(key)!) { Issue.record("key bit \(bit)") }
    }
    for bit in 0..<320 {
      var changed = message
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      if Ed25519.verify(signature, of: changed, by: pair.pubkey) { Issue.record("message bit \(bit)") }
    }
    #expect(!Ed25519.verify(signature, of: message + [0], by: pair.pubkey))
    #expect(!Ed25519.verify(.zero, of: message, by: pair.pubkey))
  }

  /// S plus the group order is the same scalar; strict verification refuses it.
  @Test func malleatedSIsRefused() {
    let pair = Ed25519.KeyPair(seed: .zero)
    let message = Array("abc".utf8)
    var bytes = pair.sign(message).bytes
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
    var carry = 0
    for index in 0..<32 {
      carry += Int(bytes[32 + index]) + Int(order[index])
      bytes[32 + index] = UInt8(carry & 255)
      carry >>= 8
    }
    #expect(carry == 0)
    #expect(!Ed25519.verify(Signature(bytes)!, of: message, by: pair.pubkey))
  }

  /// With a key of small order and S = 0, R = identity, lenient verification accepts any message.
  @Test(arguments: [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ])
  func smallOrderKeysAreRefused(key: String) {
    let identity = [1] + [UInt8](repeating: 0, count: 63)
    for r in [identity, hex(key) + [UInt8](repeating: 0, count: 32)] {
      for message in 0..<16 {
        #expect(!Ed25519.verify(Signature(r)!, of: [UInt8(message)], by: Pubkey(hex(key))!))
      }
    }
  }

  @Test func keyPairBytes() {
    let pair = Ed25519.KeyPair.random()
    #expect(Ed25519.KeyPair(bytes: pair.bytes)?.pubkey == pair.pubkey)
    #expect(Array(pair.bytes[32...]) == pair.pubkey.bytes)
    var wrong = pair.bytes
    wrong[40] ^= 1
    #expect(Ed25519.KeyPair(bytes: wrong) == nil)
    for count in [0, 32, 63, 65] { #expect(Ed25519.KeyPair(bytes: pattern(count)) == nil) }
    #expect(Ed25519.KeyPair.random().pubkey != pair.pubkey)
  }
}
