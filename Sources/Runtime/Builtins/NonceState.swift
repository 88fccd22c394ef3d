// A durable nonce account's state: 80 bytes, version u32, state u32, then authority, nonce and the fee per
// signature of the block that made it (https://docs.rs/solana-nonce). A nonce is a hash of its domain and a
// blockhash; accounts of the first version hold the bare blockhash and cannot be used until they are
// upgraded.

import Primitives

package struct NonceState: Equatable, Sendable {
  package enum Version: UInt32, Sendable {
    case legacy = 0
    case current = 1
  }

  package struct Contents: Equatable, Sendable {
    package var authority: Pubkey
    package var durableNonce: Hash
    package var lamportsPerSignature: UInt64

    package init(authority: Pubkey, durableNonce: Hash, lamportsPerSignature: UInt64) {
      self.authority = authority
      self.durableNonce = durableNonce
      self.lamportsPerSignature = lamportsPerSignature
    }
  }

  package static let byteCount = 80

  package var version: Version
  /// `nil` while the account is uninitialised.
  package var contents: Contents?

  package init(version: Version = .current, contents: Contents?) {
    self.version = version
    self.contents = contents
  }

  package static func decode(_ reader: inout ByteReader) throws(CodecError) -> NonceState {
    let start = reader.offset
    let versionNumber = try reader.readUInt32()
    guard let version = Version(rawValue: versionNumber) else {
      throw .invalidTag(offset: start, value: UInt8(truncatingIfNeeded: versionNumber))
    }
    let stateOffset = reader.offset
    let state = try reader.readUInt32()
    switch state {
    case 0: return NonceState(version: version, contents: nil)
    case 1:
      let (authority, nonce) = (try reader.readPubkey(), try reader.readHash())
      let fee = try reader.readUInt64()
      return NonceState(
        version: version,
        contents: Contents(authority: authority, durableNonce: nonce, lamportsPerSignature: fee))
    default: throw .invalidTag(offset: stateOffset, value: UInt8(truncatingIfNeeded: state))
    }
  }

  /// 8 bytes where uninitialised, else 80.
  package func encode() -> [UInt8] {
    var writer = ByteWriter(capacity: Self.byteCount)
    writer.write(version.rawValue)
    guard let contents else {
      writer.write(0 as UInt32)
      return writer.bytes
    }
    writer.write(1 as UInt32)
    writer.write(contents.authority)
    writer.write(contents.durableNonce)
    writer.write(contents.lamportsPerSignature)
    return writer.bytes
  }

  /// The nonce that `blockhash` makes: sha256("DURABLE_NONCE" ‖ blockhash).
  package static func durableNonce(from blockhash: Hash) -> Hash {
    var hash = SHA256()
    hash.update(Array("DURABLE_NONCE".utf8))
    hash.update(blockhash)
    return hash.finalize()
  }
}
