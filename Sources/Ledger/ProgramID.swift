// Addresses that the runtime knows by name: builtin programs, loaders, precompiles and a few reserved
// accounts (https://docs.rs/solana-sdk-ids). Each is spelled out in words so that comparing with one is four
// integer compares and no lazy initialisation; a test proves the words against the base58 text above them.

import Primitives

@usableFromInline package enum ProgramID {
  /// `11111111111111111111111111111111`
  @inlinable package static var system: Pubkey {
    Pubkey(
      word0: 0x0000_0000_0000_0000, word1: 0x0000_0000_0000_0000,
      word2: 0x0000_0000_0000_0000, word3: 0x0000_0000_0000_0000)
  }
  /// `BPFLoader1111111111111111111111111111111111`
  @inlinable package static var bpfLoader1: Pubkey {
    Pubkey(
      word0: 0x6ba1_884e_91f6_a802, word1: 0xd904_645f_8595_23bd,
      word2: 0x14b0_1b82_b756_f4b4, word3: 0x0000_0000_8c42_4957)
  }
  /// `BPFLoader2111111111111111111111111111111111`
  @inlinable package static var bpfLoader2: Pubkey {
    Pubkey(
      word0: 0x6ea1_884e_91f6_a802, word1: 0x69fa_8f94_28e1_5a39,
      word2: 0x4347_dd18_6837_9356, word3: 0x0000_0000_c6f3_2152)
  }
  /// `BPFLoaderUpgradeab1e11111111111111111111111`
  @inlinable package static var bpfLoaderUpgradeable: Pubkey {
    Pubkey(
      word0: 0xb0a1_884e_91f6_a802, word1: 0x2bae_63f7_3e15_10e2,
      word2: 0xd224_c116_3db9_c200, word3: 0x0000_8004_107a_53c0)
  }
  /// `LoaderV411111111111111111111111111111111111`
  @inlinable package static var loaderV4: Pubkey {
    Pubkey(
      word0: 0x7ae3_5151_11b4_1205, word1: 0x7b2e_88d3_c58b_0aad,
      word2: 0xc828_c0d2_f34c_da7f, word3: 0x0000_0000_1836_83cf)
  }
  /// `ComputeBudget111111111111111111111111111111`
  @inlinable package static var computeBudget: Pubkey {
    Pubkey(
      word0: 0x3217_21e5_6f46_0603, word1: 0xe79b_c372_baad_ecff,
      word2: 0x6b12_f7c5_bbe5_8cbc, word3: 0x0000_0040_3a9b_432c)
  }
  /// `AddressLookupTab1e1111111111111111111111111`
  @inlinable package static var addressLookupTable: Pubkey {
    Pubkey(
      word0: 0x7a9b_3397_afa6_7702, word1: 0xf546_04c9_9218_8dc8,
      word2: 0x532e_f666_9230_0200, word3: 0x0000_0082_4924_18c1)
  }
  /// `Ed25519SigVerify111111111111111111111111111`
  @inlinable package static var ed25519: Pubkey {
    Pubkey(
      word0: 0xbefb_937c_d646_7d03, word1: 0xff40_8d83_8f42_f912,
      word2: 0x648a_f427_4974_7005, word3: 0x0000_0080_4470_cafc)
  }
  /// `KeccakSecp256k11111111111111111111111111111`
  @inlinable package static var secp256k1: Pubkey {
    Pubkey(
      word0: 0xf0cc_50f0_20fc_c604, word1: 0xf58c_9f1c_21d7_8455,
      word2: 0x1e6a_16bb_8547_c19e, word3: 0x0000_0020_12e8_3028)
  }
  /// `Secp256r1SigVerify1111111111111111111111111`
  @inlinable package static var secp256r1: Pubkey {
    Pubkey(
      word0: 0xb571_ea2f_ec0d_9206, word1: 0x03a9_2d74_4d81_23b7,
      word2: 0x565d_79db_5fe7_831c, word3: 0x0000_0020_8047_758e)
  }
  /// `Vote111111111111111111111111111111111111111`
  @inlinable package static var vote: Pubkey {
    Pubkey(
      word0: 0xbb74_7435_1d48_6107, word1: 0xb3bd_d3eb_2476_4d7c,
      word2: 0xfc43_10d1_735e_35d8, word3: 0x0000_0000_8053_a30d)
  }
  /// `Stake11111111111111111111111111111111111111`
  @inlinable package static var stake: Pubkey {
    Pubkey(
      word0: 0x2a54_3791_17d8_a106, word1: 0xb27a_2afe_bd37_3498,
      word2: 0x2b72_788a_5c53_7f55, word3: 0x0000_0000_c09d_a468)
  }
  /// `StakeConfig11111111111111111111111111111111`
  @inlinable package static var stakeConfig: Pubkey {
    Pubkey(
      word0: 0x0b05_02a5_17d8_a106, word1: 0x8eb8_6dce_e691_0768,
      word2: 0x79c6_1ff6_5071_5b1e, word3: 0x0000_0000_d1b4_4e0a)
  }
  /// `Config1111111111111111111111111111111111111`
  @inlinable package static var config: Pubkey {
    Pubkey(
      word0: 0xdc74_2f00_a34a_0603, word1: 0x2a05_0c0f_3143_6ec8,
      word2: 0x1940_10f6_27da_c5f8, word3: 0x0000_0000_a0ef_23a3)
  }
  /// `Feature111111111111111111111111111111111111`
  @inlinable package static var feature: Pubkey {
    Pubkey(
      word0: 0xdad2_06cb_cda0_c003, word1: 0xcf7a_ee6f_d182_aeef,
      word2: 0x211b_4823_7b73_ec61, word3: 0x0000_0000_7076_6a94)
  }
  /// `ZkE1Gama1Proof11111111111111111111111111111`
  @inlinable package static var zkElGamalProof: Pubkey {
    Pubkey(
      word0: 0x28ea_aee2_ac75_6308, word1: 0x6aa7_1b68_4d37_6b1a,
      word2: 0x9355_74c0_38f6_cc53, word3: 0x0000_0040_65d0_056c)
  }
  /// `ZkTokenProof1111111111111111111111111111111`
  @inlinable package static var zkTokenProof: Pubkey {
    Pubkey(
      word0: 0xfbc2_c4d9_8dba_6308, word1: 0x2c2a_7ea2_cb05_4a17,
      word2: 0x350b_e979_3d57_23d6, word3: 0x0000_0000_0dfc_79b5)
  }
  /// `NativeLoader1111111111111111111111111111111`
  @inlinable package static var nativeLoader: Pubkey {
    Pubkey(
      word0: 0x28a4_8b14_bf84_8705, word1: 0xf1a9_8848_5712_b02f,
      word2: 0x45c0_65f7_ad7d_a053, word3: 0x0000_0080_0397_9a5c)
  }
  /// `Ethereum11111111111111111111111111111111111`: owns what Ethereum's side of the state is made of.
  @inlinable package static var ethereum: Pubkey {
    Pubkey(
      word0: 0x0b27_cfae_4802_8f03, word1: 0x6250_35f3_6657_5e22,
      word2: 0xb968_499d_22b7_afa3, word3: 0x0000_0000_0027_c180)
  }
  /// `5RPT4fy4DZmWepsMnuDaMGKLmcnUxAnXR7mDQ9b6uQtu`: what the seed "vault" derives under `ethereum`; holds the lamports
  /// behind the wei that cross.
  @inlinable package static var ethereumVault: Pubkey {
    Pubkey(
      word0: 0x25b6_46a5_1912_ae41, word1: 0xcfaa_b318_e435_b94c,
      word2: 0x56f8_59da_1674_2fac, word3: 0x2eea_aab2_5a70_f773)
  }
  /// `1nc1nerator11111111111111111111111111111111`
  @inlinable package static var incinerator: Pubkey {
    Pubkey(
      word0: 0x6011_348d_7290_3300, word1: 0xdb00_ffbf_11c9_bd79,
      word2: 0xa69c_f7cc_cd2e_4dd4, word3: 0x0000_0000_e138_00e1)
  }
  /// `Sysvar1111111111111111111111111111111111111`
  @inlinable package static var sysvar: Pubkey {
    Pubkey(
      word0: 0x29f7_7518_17d5_a706, word1: 0x2061_218f_4093_3dc7,
      word2: 0x288c_e076_8cd8_7e06, word3: 0x0000_0000_6094_c17f)
  }
}
