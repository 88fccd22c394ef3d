// Key files as geth and other wallets write them: Web3 Secret Storage, version 3
// (https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage). The password makes a key
// by scrypt or PBKDF2; its second half authenticates the cipher text, its first half deciphers it.

import Primitives

/// A key file that has been read but not opened.
package struct Keyfile: Sendable {
  private enum Derivation {
    case scrypt(n: UInt64, r: UInt32, p: UInt32)
    case pbkdf2(rounds: Int32)
  }

  private let derivation: Derivation
  private let salt: [UInt8]
  private let byteCount: Int
  private let counter: [UInt8]
  private let ciphertext: [UInt8]
  private let code: [UInt8]
  /// Whose key it says it holds; not every file says so.
  package let address: Address?

  /// geth's own files need 256 MiB; more than this is nobody's.
  private static let memoryLimit: UInt64 = 1 << 30
  private static let roundLimit: UInt64 = 1 << 26
  /// Of scrypt's n × r × p: about ten seconds.
  private static let workLimit: UInt64 = 1 << 25

  package init(reading bytes: [UInt8]) throws(KeyError) {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes) } catch { throw .notKeyfile(error.description) }
    guard let crypto = json["crypto"] ?? json["Crypto"], crypto.object != nil else {
      throw .notKeyfile("there is no 'crypto'")
    }
    if let version = json["version"], version.uint64 != 3 { throw .unsupported("a version other than 3") }
    guard crypto["cipher"]?.string == "aes-128-ctr" else {
      throw .unsupported("the cipher '\(crypto["cipher"]?.string ?? "")'")
    }
    address = json["address"]?.string.flatMap { Address(hex: $0) }
    counter = try Keyfile.hex(crypto["cipherparams"]?["iv"], "crypto.cipherparams.iv")
    ciphertext = try Keyfile.hex(crypto["ciphertext"], "crypto.ciphertext")
    code = try Keyfile.hex(crypto["mac"], "crypto.mac")
    let parameters = crypto["kdfparams"]
    salt = try Keyfile.hex(parameters?["salt"], "crypto.kdfparams.salt")
    let dklen = try Keyfile.number(parameters, "dklen")
    guard (32...1024).contains(dklen) else { throw .unsupported("a dklen of \(dklen)") }
    byteCount = Int(dklen)
    derivation = try Keyfile.derivation(crypto["kdf"]?.string ?? "", parameters)
  }

  private static func derivation(_ name: String, _ parameters: JSONValue?) throws(KeyError) -> Derivation {
    switch name {
    case "scrypt":
      let (n, r, p) = (try number(parameters, "n"), try number(parameters, "r"), try number(parameters, "p"))
      guard n > 1, n.nonzeroBitCount == 1, n <= memoryLimit, (1...1024).contains(r), (1...1024).contains(p),
        n * r * 128 <= memoryLimit, n * r * p <= workLimit
      else { throw .unsupported("scrypt parameters n \(n), r \(r), p \(p)") }
      return .scrypt(n: n, r: UInt32(r), p: UInt32(p))
    case "pbkdf2":
      guard parameters?["prf"]?.string == "hmac-sha256" else {
        throw .unsupported("the prf '\(parameters?["prf"]?.string ?? "")'")
      }
      let rounds = try number(parameters, "c")
      guard (1...roundLimit).contains(rounds) else { throw .unsupported("\(rounds) rounds of pbkdf2") }
      return .pbkdf2(rounds: Int32(rounds))
    default: throw .unsupported("the kdf '\(name)'")
    }
  }

  /// The key inside.
  package func open(password: [UInt8]) throws(KeyError) -> PrivateKey {
    let derived: [UInt8]?
    switch derivation {
    case .scrypt(let n, let r, let p):
      derived = KeyDerivation.scrypt(
        password: password, salt: salt, n: n, r: r, p: p, byteCount: byteCount)
    case .pbkdf2(let rounds):
      derived = KeyDerivation.pbkdf2(
        password: password, salt: salt, rounds: rounds, digest: .sha256, byteCount: Int32(byteCount))
    }
    guard let derived else {
      throw .unsupported("parameters that nothing here can compute (too little memory?)")
    }
    guard Keccak256.hash(derived[16..<32] + ciphertext).bytes == code else { throw .wrongPassword }
    guard let secret = KeyDerivation.aes128CTR(ciphertext, key: Array(derived[..<16]), counter: counter)
    else {
      throw .notKeyfile("crypto.cipherparams.iv has not 16 bytes")
    }
    guard let key = PrivateKey(secret) else { throw .outOfRange }
    if let address, address != key.address { throw .otherAddress(file: address, key: key.address) }
    return key
  }

  private static func hex(_ value: JSONValue?, _ name: String) throws(KeyError) -> [UInt8] {
    guard let bytes = value?.string.flatMap({ Hex.decode($0) }), !bytes.isEmpty, bytes.count <= 1024 else {
      throw .notKeyfile("'\(name)' is not hexadecimal text")
    }
    return bytes
  }

  private static func number(_ parameters: JSONValue?, _ name: String) throws(KeyError) -> UInt64 {
    guard let value = parameters?[name]?.uint64 else {
      throw .notKeyfile("'crypto.kdfparams.\(name)' is not a number")
    }
    return value
  }
}
