// Keys of a mnemonic (BIP-39 https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki, BIP-32, BIP-44): those
// of `test test … junk`, which Anvil and Hardhat have too. Everybody knows them: they are for development alone.

import Primitives

package enum DevelopmentAccounts {
  /// How many accounts a new ledger has.
  package static let count = 10
  package static let mnemonic = "test test test test test test test test test test test junk"

  /// The key at m/44'/60'/0'/0/index of the development mnemonic, `index` in [0, 2^31).
  package static func key(_ index: UInt32) -> PrivateKey {
    guard let key = external.child(index).privateKey else { preconditionFailure("no key at \(index)") }
    return key
  }

  /// The first `count` keys.
  package static var keys: [PrivateKey] { (0..<UInt32(count)).map(key) }

  /// m/44'/60'/0'/0; made once a process (about 2 ms).
  private static let external = ExtendedKey(seed: seed(mnemonic: mnemonic)).child(hardened: 44)
    .child(hardened: 60).child(hardened: 0).child(0)

  /// BIP-39's seed without a passphrase.
  static func seed(mnemonic: String) -> [UInt8] {
    KeyDerivation.pbkdf2(
      password: Array(mnemonic.utf8), salt: Array("mnemonic".utf8), rounds: 2048, digest: .sha512,
      byteCount: 64)
      ?? []
  }
}

/// A secret key with the chain code that its children follow from (BIP-32).
struct ExtendedKey {
  private let secret: [UInt8]
  private let chainCode: [UInt8]

  init(seed: [UInt8]) { self.init(KeyDerivation.hmacSHA512(key: Array("Bitcoin seed".utf8), seed)) }

  private init(_ bytes: [UInt8]) { (secret, chainCode) = (Array(bytes[..<32]), Array(bytes[32...])) }

  private init(secret: [UInt8], chainCode: [UInt8]) { (self.secret, self.chainCode) = (secret, chainCode) }

  var privateKey: PrivateKey? { PrivateKey(secret) }

  func child(hardened index: UInt32) -> ExtendedKey { derived([0] + secret, index | 1 << 31) }

  func child(_ index: UInt32) -> ExtendedKey {
    guard let key = Secp256k1.publicKey(of: secret) else { return derived([], index) }
    return derived([2 + key[63] % 2] + key[..<32], index)
  }

  private func derived(_ parent: [UInt8], _ index: UInt32) -> ExtendedKey {
    let number = withUnsafeBytes(of: index.bigEndian) { Array($0) }
    let bytes = KeyDerivation.hmacSHA512(key: chainCode, parent + number)
    // A sum that is no key has a probability below 2^-127; BIP-32 then goes on to the next index.
    let secret = Secp256k1.secretKey(self.secret, adding: Array(bytes[..<32])) ?? []
    return ExtendedKey(secret: secret, chainCode: Array(bytes[32...]))
  }
}
