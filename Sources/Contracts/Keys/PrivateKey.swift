// A secret key of an Ethereum account. It never shows itself: neither printing, interpolating nor dumping one tells
// more than the account's address; whoever means to show it says `exposedHex`.

import Primitives
import WideIntegers

/// Signs for one account.
package struct PrivateKey: Equatable, Sendable {
  /// A number in [1, n), big-endian.
  private let secret: [UInt8]
  /// Whose key it is.
  package let address: Address

  /// `nil` unless `bytes` is a number in [1, n), 32 bytes big-endian.
  package init?(_ bytes: [UInt8]) {
    guard let key = Secp256k1.publicKey(of: bytes) else { return nil }
    secret = bytes
    address = Address(Keccak256.hash(key))
  }

  /// Reads 64 hex digits, with or without 0x.
  package init(hex text: String) throws(KeyError) {
    guard let bytes = Hex.decode(text), bytes.count == 32 else { throw .notHex(digits: text.utf8.count) }
    guard let key = PrivateKey(bytes) else { throw .outOfRange }
    self = key
  }

  /// 0x and the key: for who asks to see it, never for messages.
  package var exposedHex: String { "0x" + Hex.encode(secret) }

  /// The signature over a hash: parity of R's y (0 or 1), r, s with s in the lower half.
  package func sign(_ hash: Hash) -> (yParity: UInt8, r: UInt256, s: UInt256) {
    guard let signature = Secp256k1.sign(hash, secretKey: secret),
      let r = UInt256(bigEndian: signature.r), let s = UInt256(bigEndian: signature.s)
    else { preconditionFailure("a key that was checked does not sign") }
    return (signature.recoveryID, r, s)
  }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "the private key of \(address)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: ["address": address]) }
}

/// Why there is no key. None of the texts holds any part of one.
package enum KeyError: Error, Equatable, Sendable {
  /// Not 64 hex digits.
  case notHex(digits: Int)
  /// Zero, or not below the group's order.
  case outOfRange
  /// A key file that is none; the text says what is missing.
  case notKeyfile(String)
  case unsupported(String)
  case wrongPassword
  /// The key inside is another account's than the file says.
  case otherAddress(file: Address, key: Address)
}

extension KeyError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notHex(let digits):
      "a private key is 64 hex digits, with or without 0x; \(digits) characters were given"
    case .outOfRange: "a private key is a number from 1 up to the order of secp256k1's group"
    case .notKeyfile(let detail): "no key file (Web3 secret storage, version 3): \(detail)"
    case .unsupported(let what): "a key file with \(what), which is not supported"
    case .wrongPassword: "the password is wrong, or the key file is damaged"
    case .otherAddress(let file, let key):
      "the key file says \(file.checksummed) but holds the key of \(key.checksummed)"
    }
  }
}
