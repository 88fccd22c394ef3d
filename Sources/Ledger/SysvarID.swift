// Addresses of the sysvars, the accounts in which the runtime tells programs about the chain
// (https://docs.rs/solana-sdk-ids/latest/solana_sdk_ids/sysvar). Written like `ProgramID`.

import Primitives

@usableFromInline package enum SysvarID {
  /// `SysvarC1ock11111111111111111111111111111111`
  @inlinable package static var clock: Pubkey {
    Pubkey(
      word0: 0xc974_c718_17d5_a706, word1: 0xb65e_1d69_9863_5628,
      word2: 0x5c6d_4b9b_a3b8_5e8b, word3: 0x0000_0000_215b_5573)
  }
  /// `SysvarEpochRewards1111111111111111111111111`
  @inlinable package static var epochRewards: Pubkey {
    Pubkey(
      word0: 0xee3f_dc18_17d5_a706, word1: 0xe166_ce83_bf58_a502,
      word2: 0x270b_9534_1c2a_4244, word3: 0x0000_009c_5a9b_86c1)
  }
  /// `SysvarEpochSchedu1e111111111111111111111111`
  @inlinable package static var epochSchedule: Pubkey {
    Pubkey(
      word0: 0xee3f_dc18_17d5_a706, word1: 0xb0f8_0001_7fe4_d302,
      word2: 0x3f1e_5960_2e94_f754, word3: 0x0000_0005_a819_8750)
  }
  /// `SysvarFees111111111111111111111111111111111`
  @inlinable package static var fees: Pubkey {
    Pubkey(
      word0: 0x8d5a_e218_17d5_a706, word1: 0x71f0_7a1a_253c_5083,
      word2: 0xedc4_6fdf_0072_fd26, word3: 0x0000_0000_909c_6a52)
  }
  /// `Sysvar1nstructions1111111111111111111111111`
  @inlinable package static var instructions: Pubkey {
    Pubkey(
      word0: 0x66d1_7b18_17d5_a706, word1: 0xc0c2_fd55_04d4_da35,
      word2: 0xa575_5621_8fc6_24c1, word3: 0x0000_0008_5fcb_badb)
  }
  /// `SysvarLastRestartS1ot1111111111111111111111`
  @inlinable package static var lastRestartSlot: Pubkey {
    Pubkey(
      word0: 0xe1dd_0619_17d5_a706, word1: 0xf4c8_b4ca_7d94_3fcd,
      word2: 0xb813_980f_ad1b_f5f4, word3: 0x0000_c01f_4789_d200)
  }
  /// `SysvarRecentB1ockHashes11111111111111111111`
  @inlinable package static var recentBlockhashes: Pubkey {
    Pubkey(
      word0: 0x8e56_2c19_17d5_a706, word1: 0x8897_d273_5f84_8ae0,
      word2: 0xb31a_b245_315c_03cf, word3: 0x0000_40a9_2e06_d844)
  }
  /// `SysvarRent111111111111111111111111111111111`
  @inlinable package static var rent: Pubkey {
    Pubkey(
      word0: 0x515c_2c19_17d5_a706, word1: 0x7ff1_4a3d_4cc9_8c21,
      word2: 0x44fd_a19b_08ee_da58, word3: 0x0000_0000_8ad9_dbe3)
  }
  /// `SysvarRewards111111111111111111111111111111`
  @inlinable package static var rewards: Pubkey {
    Pubkey(
      word0: 0x3761_2c19_17d5_a706, word1: 0xe13e_92b6_d992_e0ce,
      word2: 0xa1b8_82fa_0319_d6cc, word3: 0x0000_0080_8d57_9161)
  }
  /// `SysvarS1otHashes111111111111111111111111111`
  @inlinable package static var slotHashes: Pubkey {
    Pubkey(
      word0: 0xaf0a_2f19_17d5_a706, word1: 0x7acc_77fb_e365_f2c6,
      word2: 0x133b_bed0_29c5_82da, word3: 0x0000_0020_5500_2d6e)
  }
  /// `SysvarS1otHistory11111111111111111111111111`
  @inlinable package static var slotHistory: Pubkey {
    Pubkey(
      word0: 0xaf0a_2f19_17d5_a706, word1: 0x507c_5784_e1e2_75c8,
      word2: 0x92eb_e349_46c8_cf69, word3: 0x0000_0048_8d95_2f78)
  }
  /// `SysvarStakeHistory1111111111111111111111111`
  @inlinable package static var stakeHistory: Pubkey {
    Pubkey(
      word0: 0xd084_3519_17d5_a706, word1: 0x2013_1d43_b39b_edfe,
      word2: 0x56b8_571b_2844_e56b, word3: 0x0000_00f4_5f37_c56c)
  }

  /// Every sysvar, in the order of the names.
  package static let all: [Pubkey] = [
    clock, epochRewards, epochSchedule, fees, instructions, lastRestartSlot, recentBlockhashes, rent, rewards,
    slotHashes, slotHistory, stakeHistory,
  ]
}
