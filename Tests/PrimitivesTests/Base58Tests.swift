import Primitives
import Testing

@Suite struct Base58Tests {
  @Test(arguments: [
    ("", ""), ("61", "2g"), ("626262", "a3gV"), ("636363", "aPEr"), ("00", "1"), ("0000ff", "115Q"),
    ("73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"),
    ("00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"),
    ("516b6fcd0f", "ABnLTmg"), ("572e4794", "3EFU7m"), ("10c8511e", "Rt5zm"),
  ])
  func vectors(bytes: String, text: String) {
    #expect(Base58.encode(hex(bytes)) == text)
    #expect(Base58.decode(text) == hex(bytes))
  }

  @Test(arguments: ["0", "O", "I", "l", "a b", "é", "2g\0", "11O", "+"])
  func refuses(text: String) { #expect(Base58.decode(text) == nil) }

  @Test func extremesOfKeysAndSignatures() {
    let ones = [UInt8](repeating: 255, count: 64)
    #expect(Pubkey.zero.description == String(repeating: "1", count: 32))
    #expect(Signature.zero.description == String(repeating: "1", count: 64))
    #expect(Pubkey(ones[..<32])!.description == "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG")
    #expect(
      Signature(ones)!.description
        == "67rpwLCuS5DGA8KGZXKsVQ7dnPb9goRLoKfgGbLfQg9WoLUgNY77E2jT11fem3coV9nAkguBACzrU1iyZM4B8roQ")
  }

  /// 500 keys and signatures with 0 to 35 leading zero bytes, as solders prints them.
  @Test func agreesWithSolders() {
    var random = SplitMix64(seed: 19)
    var all = ""
    for _ in 0..<500 {
      var key = random.bytes(32)
      let zeroes = Int(random.next() % 8)
      if zeroes < 4 { for index in 0..<zeroes * 5 { key[index] = 0 } }
      all += Pubkey(key)!.description + "\n"
      #expect(Pubkey(base58: Pubkey(key)!.description)?.bytes == key)
      var signature = random.bytes(64)
      for index in 0..<zeroes * 5 { signature[index] = 0 }
      all += Signature(signature)!.description + "\n"
      #expect(Signature(base58: Signature(signature)!.description)?.bytes == signature)
    }
    #expect(
      Hex.encode(SHA256.hash(Array(all.utf8)).bytes)
        == "3db49c58850320a5bb9605ed91b1496c62b20c7ed09da4c9c4548c62a37ff6d3")
  }

  @Test func everyLengthComesBack() {
    var random = SplitMix64(seed: 1)
    for count in 0..<150 {
      for zeroes in [0, 1, count] where zeroes <= count {
        let bytes = [UInt8](repeating: 0, count: zeroes) + random.bytes(count - zeroes)
        #expect(Base58.decode(Base58.encode(bytes)) == bytes)
        #expect(Base58.decode(Base58.encode(bytes), byteCount: count) == bytes)
        #expect(Base58.decode(Base58.encode(bytes), byteCount: count + 1) == nil)
        if count > 0 { #expect(Base58.decode(Base58.encode(bytes), byteCount: count - 1) == nil) }
      }
    }
  }

  @Test func hostileLengthsAreRefusedUnread() {
    let clock = ContinuousClock()
    let text = String(repeating: "z", count: 8_000_000)
    let elapsed = clock.measure {
      #expect(Base58.decode(text) == nil)
      #expect(Pubkey(base58: text) == nil)
      #expect(Signature(base58: text) == nil)
    }
    #expect(elapsed < .seconds(2))  // quadratic work would take hours
    #expect(Base58.decode(Base58.encode([UInt8](repeating: 255, count: 2048)))?.count == 2048)
    #expect(Base58.decode(Base58.encode([UInt8](repeating: 255, count: 2049))) == nil)
    #expect(Pubkey(base58: String(repeating: "1", count: 33)) == nil)
    #expect(Pubkey(base58: String(repeating: "1", count: 31)) == nil)
    #expect(Pubkey(base58: "") == nil)
  }

  @Test func aKeyAboveTheLargestIsRefused() {
    // 256^32 itself needs 33 bytes.
    #expect(Pubkey(base58: Base58.encode([1] + [UInt8](repeating: 0, count: 32))) == nil)
  }
}
