// Private keys from text, and why a text or a file holds none.

import Primitives

extension PrivateKey {
  /// Reads 64 hex digits, with or without 0x.
  public init(hex text: String) throws(KeyError) {
    guard let bytes = Hex.decode(text), bytes.count == 32 else { throw .notHex(digits: text.utf8.count) }
    guard let key = PrivateKey(bytes) else { throw .outOfRange }
    self = key
  }
}

/// Why there is no key. None of the texts holds any part of one.
public enum KeyError: Error, Equatable, Sendable {
  /// Not 64 hex digits.
  case notHex(digits: Int)
  /// Zero, or not below the group's order.
  case outOfRange
  /// A key file that is none; the text says what is missing.
  case notKeyfile(String)
  case unsupported(String)
  case wrongPassword
  /// There is no password to open a key file with; the text says why.
  case noPassword(String)
  /// The key inside is another account's than the file says.
  case otherAddress(file: Address, key: Address)
}

extension KeyError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notHex(let digits):
      "a private key is 64 hex digits, with or without 0x; \(digits) characters were given"
    case .outOfRange: "a private key is a number from 1 up to the order of secp256k1's group"
    case .notKeyfile(let detail): "no key file (Web3 secret storage, version 3): \(detail)"
    case .unsupported(let what): "a key file with \(what), which is not supported"
    case .wrongPassword: "the password is wrong, or the key file is damaged"
    case .noPassword(let detail): detail
    case .otherAddress(let file, let key):
      "the key file says \(file.checksummed) but holds the key of \(key.checksummed)"
    }
  }
}
