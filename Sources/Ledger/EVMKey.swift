// Where Ethereum's state lies among the runtime's accounts. An account's key is a tag of 12 bytes and its address; a
// storage slot and a code have keys of their own, a tag of 8 bytes and 24 of a hash, so that two transfers of a token
// between different people touch no common key. All begin with the same seven bytes, by which the runtime keeps
// everybody else out of the key space (ResolvedTransaction); an address can be chosen, so no tag of 12 begins with a
// tag of 8. 24 bytes are 192 bits: to find two slots under one key takes 2^96 attempts, to meet a given one 2^192.

import Primitives
import WideIntegers

package enum EVMKey {
  /// `estuary:evm:`
  private static let accountTag: (UInt64, UInt32) = (0x3a79_7261_7574_7365, 0x3a6d_7665)
  /// `estuary#`
  private static let slotTag: UInt64 = 0x2379_7261_7574_7365
  /// `estuary@`
  private static let codeTag: UInt64 = 0x4079_7261_7574_7365
  private static let commonBytes: UInt64 = 0x00ff_ffff_ffff_ffff

  /// The keys of the key space, which lie together in the order of their bytes.
  package static let all: ClosedRange<Pubkey> = {
    let first = Pubkey(word0: accountTag.0 & commonBytes, word1: 0, word2: 0, word3: 0)
    let last = Pubkey(word0: accountTag.0 | ~commonBytes, word1: .max, word2: .max, word3: .max)
    return first...last
  }()

  /// What a key of the key space holds.
  package enum Kind: Equatable, Sendable {
    case account(Address)
    case slot, code
  }

  package static func account(_ address: Address) -> Pubkey {
    let (first, second) = (address.word0, address.word1)
    return Pubkey(
      word0: accountTag.0, word1: UInt64(accountTag.1) | first << 32, word2: first >> 32 | second << 32,
      word3: second >> 32 | UInt64(address.word2) << 32)
  }

  package static func slot(_ address: Address, incarnation: UInt64, slot: UInt256) -> Pubkey {
    hashed(slotTag, address, incarnation, slot)
  }

  package static func code(_ address: Address, incarnation: UInt64) -> Pubkey {
    hashed(codeTag, address, incarnation, .zero)
  }

  /// Whether `key` belongs to the EVM alone.
  @inline(__always) package static func contains(_ key: Pubkey) -> Bool {
    key.word0 & commonBytes == accountTag.0 & commonBytes
  }

  /// `nil` for a key outside of the key space, or in it without a meaning.
  package static func kind(of key: Pubkey) -> Kind? {
    if key.word0 == slotTag { return .slot }
    if key.word0 == codeTag { return .code }
    guard key.word0 == accountTag.0, UInt32(truncatingIfNeeded: key.word1) == accountTag.1 else { return nil }
    return .account(
      Address(
        word0: key.word1 >> 32 | key.word2 << 32, word1: key.word2 >> 32 | key.word3 << 32,
        word2: UInt32(truncatingIfNeeded: key.word3 >> 32)))
  }

  /// BLAKE3 of the address, the incarnation (u64, little-endian) and the slot (big-endian), its first 24 bytes behind
  /// the tag. 60 bytes are one block of BLAKE3.
  private static func hashed(
    _ tag: UInt64, _ address: Address, _ incarnation: UInt64, _ slot: UInt256
  ) -> Pubkey {
    let hash = withUnsafeTemporaryAllocation(byteCount: 60, alignment: 8) { buffer -> Hash in
      let base = buffer.baseAddress.unsafelyUnwrapped  // 60 bytes
      address.write(to: base)
      base.storeBytes(of: incarnation.littleEndian, toByteOffset: 20, as: UInt64.self)
      slot.writeBigEndian(to: base + 28)
      return BLAKE3.hash(UnsafeRawBufferPointer(buffer))
    }
    return Pubkey(word0: tag, word1: hash.word0, word2: hash.word1, word3: hash.word2)
  }
}
