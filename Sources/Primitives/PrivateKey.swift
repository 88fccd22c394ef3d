// A secret key of an Ethereum account. It never shows itself: neither printing, interpolating nor dumping one tells
// more than the account's address; whoever means to show it says `exposedHex`.

import WideIntegers

/// Signs for one account.
public struct PrivateKey: Equatable, Sendable {
  /// A number in [1, n), big-endian.
  private let secret: [UInt8]
  /// Whose key it is.
  public let address: Address

  /// `nil` unless `bytes` is a number in [1, n), 32 bytes big-endian.
  public init?(_ bytes: [UInt8]) {
    guard let key = Secp256k1.publicKey(of: bytes) else { return nil }
    secret = bytes
    address = Address(Keccak256.hash(key))
  }

  /// 0x and the key: for who asks to see it, never for messages.
  public var exposedHex: String { "0x" + Hex.encode(secret) }

  /// The signature over a hash: parity of R's y (0 or 1), r, s with s in the lower half.
  package func sign(_ hash: Hash) -> (yParity: UInt8, r: UInt256, s: UInt256) {
    guard let signature = Secp256k1.sign(hash, secretKey: secret),
      let r = UInt256(bigEndian: signature.r), let s = UInt256(bigEndian: signature.s)
    else { preconditionFailure("a key that was checked does not sign") }
    return (signature.recoveryID, r, s)
  }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "the private key of \(address)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["address": address]) }
}
