// Keys that no transaction may write-lock: a request to write one is demoted to a read. The list is Agave
// 4.1's with mainnet's features (https://github.com/anza-xyz/agave/tree/master/reserved-account-keys), and two of this
// ledger's own: the EVM program, which has no account, and its vault, which the program alone pays into and out of.

import Primitives

@usableFromInline package enum ReservedKeys {
  /// Every key that Agave reserves, in no particular order.
  package static let all: [Pubkey] =
    [
      ProgramID.addressLookupTable, ProgramID.bpfLoader1, ProgramID.bpfLoader2,
      ProgramID.bpfLoaderUpgradeable,
      ProgramID.computeBudget, ProgramID.config, ProgramID.ed25519, ProgramID.feature, ProgramID.loaderV4,
      ProgramID.nativeLoader, ProgramID.secp256k1, ProgramID.secp256r1, ProgramID.stake,
      ProgramID.stakeConfig,
      ProgramID.system, ProgramID.sysvar, ProgramID.vote, ProgramID.zkElGamalProof, ProgramID.zkTokenProof,
    ] + SysvarID.all

  /// Those were chosen as vanity text, so all of them, and the EVM program's, start with a byte of at most 8; 31 random keys
  /// of 32 are answered by that test alone.
  @inlinable package static func contains(_ key: Pubkey) -> Bool {
    (key.word0 & 0xff <= largestFirstByte || key.word0 == ProgramID.ethereumVault.word0) && search(key)
  }

  @usableFromInline package static let largestFirstByte: UInt64 = 8

  @usableFromInline @inline(never) package static func search(_ key: Pubkey) -> Bool {
    all.contains(key) || key == ProgramID.ethereum || key == ProgramID.ethereumVault
  }
}
