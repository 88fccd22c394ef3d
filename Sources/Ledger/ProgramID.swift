// Addresses that the runtime knows by name: builtin programs, loaders, precompiles and a few reserved accounts
// (https://docs.rs/solana-sdk-ids). Each is spelled out in words so that comparing with one is four integer
// compares and no lazy initialisation; a test proves the words against the base58 text above them.

import Primitives

package enum ProgramID {
  /// `11111111111111111111111111111111`
  @inlinable package static var system: Pubkey {
    Pubkey(
      word0: 0x0000000000000000, word1: 0x0000000000000000,
      word2: 0x0000000000000000, word3: 0x0000000000000000)
  }
  /// `BPFLoader1111111111111111111111111111111111`
  @inlinable package static var bpfLoader1: Pubkey {
    Pubkey(
      word0: 0x6ba1884e91f6a802, word1: 0xd904645f859523bd,
      word2: 0x14b01b82b756f4b4, word3: 0x000000008c424957)
  }
  /// `BPFLoader2111111111111111111111111111111111`
  @inlinable package static var bpfLoader2: Pubkey {
    Pubkey(
      word0: 0x6ea1884e91f6a802, word1: 0x69fa8f9428e15a39,
      word2: 0x4347dd1868379356, word3: 0x00000000c6f32152)
  }
  /// `BPFLoaderUpgradeab1e11111111111111111111111`
  @inlinable package static var bpfLoaderUpgradeable: Pubkey {
    Pubkey(
      word0: 0xb0a1884e91f6a802, word1: 0x2bae63f73e1510e2,
      word2: 0xd224c1163db9c200, word3: 0x00008004107a53c0)
  }
  /// `LoaderV411111111111111111111111111111111111`
  @inlinable package static var loaderV4: Pubkey {
    Pubkey(
      word0: 0x7ae3515111b41205, word1: 0x7b2e88d3c58b0aad,
      word2: 0xc828c0d2f34cda7f, word3: 0x00000000183683cf)
  }
  /// `ComputeBudget111111111111111111111111111111`
  @inlinable package static var computeBudget: Pubkey {
    Pubkey(
      word0: 0x321721e56f460603, word1: 0xe79bc372baadecff,
      word2: 0x6b12f7c5bbe58cbc, word3: 0x000000403a9b432c)
  }
  /// `AddressLookupTab1e1111111111111111111111111`
  @inlinable package static var addressLookupTable: Pubkey {
    Pubkey(
      word0: 0x7a9b3397afa67702, word1: 0xf54604c992188dc8,
      word2: 0x532ef66692300200, word3: 0x00000082492418c1)
  }
  /// `Ed25519SigVerify111111111111111111111111111`
  @inlinable package static var ed25519: Pubkey {
    Pubkey(
      word0: 0xbefb937cd6467d03, word1: 0xff408d838f42f912,
      word2: 0x648af42749747005, word3: 0x000000804470cafc)
  }
  /// `KeccakSecp256k11111111111111111111111111111`
  @inlinable package static var secp256k1: Pubkey {
    Pubkey(
      word0: 0xf0cc50f020fcc604, word1: 0xf58c9f1c21d78455,
      word2: 0x1e6a16bb8547c19e, word3: 0x0000002012e83028)
  }
  /// `Secp256r1SigVerify1111111111111111111111111`
  @inlinable package static var secp256r1: Pubkey {
    Pubkey(
      word0: 0xb571ea2fec0d9206, word1: 0x03a92d744d8123b7,
      word2: 0x565d79db5fe7831c, word3: 0x000000208047758e)
  }
  /// `Vote111111111111111111111111111111111111111`
  @inlinable package static var vote: Pubkey {
    Pubkey(
      word0: 0xbb7474351d486107, word1: 0xb3bdd3eb24764d7c,
      word2: 0xfc4310d1735e35d8, word3: 0x000000008053a30d)
  }
  /// `Stake11111111111111111111111111111111111111`
  @inlinable package static var stake: Pubkey {
    Pubkey(
      word0: 0x2a54379117d8a106, word1: 0xb27a2afebd373498,
      word2: 0x2b72788a5c537f55, word3: 0x00000000c09da468)
  }
  /// `StakeConfig11111111111111111111111111111111`
  @inlinable package static var stakeConfig: Pubkey {
    Pubkey(
      word0: 0x0b0502a517d8a106, word1: 0x8eb86dcee6910768,
      word2: 0x79c61ff650715b1e, word3: 0x00000000d1b44e0a)
  }
  /// `Config1111111111111111111111111111111111111`
  @inlinable package static var config: Pubkey {
    Pubkey(
      word0: 0xdc742f00a34a0603, word1: 0x2a050c0f31436ec8,
      word2: 0x194010f627dac5f8, word3: 0x00000000a0ef23a3)
  }
  /// `Feature111111111111111111111111111111111111`
  @inlinable package static var feature: Pubkey {
    Pubkey(
      word0: 0xdad206cbcda0c003, word1: 0xcf7aee6fd182aeef,
      word2: 0x211b48237b73ec61, word3: 0x0000000070766a94)
  }
  /// `ZkE1Gama1Proof11111111111111111111111111111`
  @inlinable package static var zkElGamalProof: Pubkey {
    Pubkey(
      word0: 0x28eaaee2ac756308, word1: 0x6aa71b684d376b1a,
      word2: 0x935574c038f6cc53, word3: 0x0000004065d0056c)
  }
  /// `ZkTokenProof1111111111111111111111111111111`
  @inlinable package static var zkTokenProof: Pubkey {
    Pubkey(
      word0: 0xfbc2c4d98dba6308, word1: 0x2c2a7ea2cb054a17,
      word2: 0x350be9793d5723d6, word3: 0x000000000dfc79b5)
  }
  /// `NativeLoader1111111111111111111111111111111`
  @inlinable package static var nativeLoader: Pubkey {
    Pubkey(
      word0: 0x28a48b14bf848705, word1: 0xf1a988485712b02f,
      word2: 0x45c065f7ad7da053, word3: 0x0000008003979a5c)
  }
  /// `1nc1nerator11111111111111111111111111111111`
  @inlinable package static var incinerator: Pubkey {
    Pubkey(
      word0: 0x6011348d72903300, word1: 0xdb00ffbf11c9bd79,
      word2: 0xa69cf7cccd2e4dd4, word3: 0x00000000e13800e1)
  }
  /// `Sysvar1111111111111111111111111111111111111`
  @inlinable package static var sysvar: Pubkey {
    Pubkey(
      word0: 0x29f7751817d5a706, word1: 0x2061218f40933dc7,
      word2: 0x288ce0768cd87e06, word3: 0x000000006094c17f)
  }
}
