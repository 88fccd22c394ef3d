import Primitives
import Testing
import WideIntegers

@testable import Contracts

@Suite struct KeyTests {
  /// The accounts that every tool with this mnemonic shows.
  @Test(
    arguments: [
      (
        0, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
      ),
      (
        1, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
      ),
      (
        9, "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
        "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"
      ),
    ] as [(UInt32, String, String)]) func derives(index: UInt32, address: String, key: String)
  {
    let derived = DevelopmentAccounts.key(index)
    #expect(derived.address.checksummed == address)
    #expect(derived.exposedHex == key)
    #expect(DevelopmentAccounts.keys[Int(index)] == derived)
  }

  @Test func signsSoThatTheSignerIsFound() throws {
    var random = SplitMix64(seed: 7)
    for round in 0..<50 {
      let key = DevelopmentAccounts.key(UInt32(round % 10))
      let hash = Keccak256.hash(UInt256(random.next()).bigEndianBytes)
      let (parity, r, s) = key.sign(hash)
      let found = try Secp256k1.recover(
        hash: hash, recoveryID: UInt64(parity), signature: r.bigEndianBytes + s.bigEndianBytes)
      #expect(Address(Keccak256.hash(found)) == key.address)
      #expect(s.bitWidth <= 255)
      #expect(key.sign(hash) == (parity, r, s))
    }
  }

  @Test func keepsKeysToItself() throws {
    let key = DevelopmentAccounts.key(3)
    var dumped = ""
    dump(key, to: &dumped)
    let digits = key.exposedHex.dropFirst(2)
    for text in ["\(key)", String(reflecting: key), dumped, "\([key])", "\(Optional(key) as Any)"] {
      #expect(!text.contains(digits) && !text.contains(String(key.exposedHex.prefix(12))))
    }
    for bad in [
      "", "0x12", String(repeating: "0", count: 64), String(repeating: "f", count: 64), String(digits) + "00",
      "zz" + digits.dropFirst(2),
    ] {
      let error = #expect(throws: KeyError.self) { try PrivateKey(hex: bad) }
      #expect(bad.count < 10 || error?.description.contains(bad.prefix(20)) == false)
    }
    #expect(try PrivateKey(hex: String(digits)) == key)
  }

  /// The two examples of the Web3 secret storage definition, and one with small parameters that says its address.
  private static func file(_ crypto: String, address: String = "") -> [UInt8] {
    Array(
      "{\(address)\"crypto\":\(crypto),\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}".utf8)
  }
  private static let pbkdf2 = """
    {"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},\
    "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",\
    "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},\
    "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"}
    """
  private static let scrypt = """
    {"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},\
    "ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt",\
    "kdfparams":{"dklen":32,"n":262144,"p":8,"r":1,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},\
    "mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"}
    """
  private static let secret = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"

  @Test(arguments: [pbkdf2, scrypt]) func opensKeyfiles(crypto: String) throws {
    let file = try Keyfile(reading: Self.file(crypto))
    let key = try file.open(password: Array("testpassword".utf8))
    #expect(key.exposedHex == Self.secret)
    #expect(throws: KeyError.wrongPassword) { try file.open(password: Array("testpasswore".utf8)) }
    #expect(throws: KeyError.wrongPassword) { try file.open(password: []) }
    let other = try Keyfile(
      reading: Self.file(crypto, address: "\"address\":\"\(String(repeating: "0", count: 40))\","))
    #expect(throws: KeyError.otherAddress(file: .zero, key: key.address)) {
      try other.open(password: Array("testpassword".utf8))
    }
  }

  @Test(arguments: [
    ("\"pbkdf2\"", "\"argon2\""), ("aes-128-ctr", "aes-128-cbc"), ("\"c\":262144", "\"c\":0"),
    ("\"c\":262144", "\"c\":9999999999"), ("\"dklen\":32", "\"dklen\":16"),
    ("hmac-sha256", "hmac-sha512"), ("\"mac\"", "\"mca\""), ("\"salt\":\"ae", "\"salt\":\"zz"),
    ("\"ciphertext\":\"53", "\"ciphertext\":\"5"), ("\"c\":262144", "\"c\":\"262144\""),
  ]) func refusesKeyfiles(old: String, new: String) {
    let crypto = Self.pbkdf2.replacing(old, with: new)
    #expect(crypto != Self.pbkdf2)
    #expect(throws: KeyError.self) { try Keyfile(reading: Self.file(crypto)) }
  }

  @Test func refusesHugeScrypt() {
    for (n, r, p) in [
      ("1073741824", "8", "1"), ("3", "1", "1"), ("0", "1", "1"), ("2", "0", "1"), ("1024", "1024", "1024"),
      ("18446744073709551615", "1", "1"),
    ] {
      let crypto = Self.scrypt.replacing(
        "\"n\":262144,\"p\":8,\"r\":1", with: "\"n\":\(n),\"p\":\(p),\"r\":\(r)")
      #expect(throws: KeyError.self) { try Keyfile(reading: Self.file(crypto)) }
    }
    for text in ["", "{}", "[]", "{\"crypto\":7}", "{\"version\":1,\"crypto\":{}}"] {
      #expect(throws: KeyError.self) { try Keyfile(reading: Array(text.utf8)) }
    }
  }
}
