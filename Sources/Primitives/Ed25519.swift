// Ed25519 (RFC 8032) by libsodium, whose acceptance rules agree with Agave's `verify_strict` wherever a
// signature can be made at all: S below the group order, neither A nor R of small order, R compared by its
// bytes, no cofactor. libsodium keeps no state that these calls change after its one-time initialisation, so
// any thread may call them.

import CSodium

/// Signatures over Curve25519 (RFC 8032).
public enum Ed25519 {
  /// Runs once a process, before the first use; libsodium chooses its implementations in it.
  private static let isReady: Bool = {
    guard sodium_init() >= 0 else { fatalError("libsodium could not be initialised") }
    return true
  }()

  /// Whether `signature` is `key`'s over `message`.
  package static func verify(_ signature: Signature, of message: UnsafeRawBufferPointer, by key: Pubkey)
    -> Bool
  {
    _ = isReady
    var byte: UInt8 = 0  // an address for the empty message
    return withUnsafeBytes(of: signature) { signature in
      withUnsafeBytes(of: key) { key in
        withUnsafePointer(to: &byte) { nothing in
          crypto_sign_verify_detached(
            signature.bindMemory(to: UInt8.self).baseAddress.unsafelyUnwrapped,  // 64 bytes
            message.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nothing, UInt64(message.count),
            key.bindMemory(to: UInt8.self).baseAddress.unsafelyUnwrapped) == 0  // 32 bytes
        }
      }
    }
  }

  package static func verify(_ signature: Signature, of message: [UInt8], by key: Pubkey) -> Bool {
    message.withUnsafeBytes { verify(signature, of: $0, by: key) }
  }

  /// A seed and the public key that follows from it. Printing or dumping one shows the public key alone.
  public struct KeyPair: Sendable {
    /// The seed's 32 bytes, then the public key's: the form of Solana's keypair files.
    public let bytes: [UInt8]
    /// Whose key it is.
    public let pubkey: Pubkey

    /// The pair that follows from a seed.
    public init(seed: Hash) {
      _ = isReady
      var secret = [UInt8](repeating: 0, count: 64)
      var open = [UInt8](repeating: 0, count: 32)
      _ = crypto_sign_seed_keypair(&open, &secret, seed.bytes)  // fails on no input
      bytes = secret
      pubkey = open.withUnsafeBytes { Pubkey(reading: $0.baseAddress.unsafelyUnwrapped) }
    }

    /// `nil` unless `bytes` are a seed and the public key that follows from it.
    public init?(bytes: [UInt8]) {
      guard bytes.count == 64, let seed = Hash(bytes[..<32]) else { return nil }
      self.init(seed: seed)
      guard self.bytes == bytes else { return nil }
    }

    /// A key pair from the system's randomness.
    public static func random() -> KeyPair {
      var generator = SystemRandomNumberGenerator()
      return KeyPair(
        seed: Hash(
          word0: generator.next(), word1: generator.next(), word2: generator.next(), word3: generator.next()))
    }

    /// Deterministic, as RFC 8032 has it.
    package func sign(_ message: UnsafeRawBufferPointer) -> Signature {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { signature in
        let start = signature.baseAddress.unsafelyUnwrapped  // 64 bytes, never empty
        let text = message.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? UnsafePointer(start)
        _ = crypto_sign_detached(start, nil, text, UInt64(message.count), bytes)  // fails on no input
        return Signature(reading: start)
      }
    }

    package func sign(_ message: [UInt8]) -> Signature {
      message.withUnsafeBytes { sign($0) }
    }
  }
}

extension Ed25519.KeyPair: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "the key pair of \(pubkey)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: ["pubkey": pubkey]) }
}
