// Addresses of the sysvars, the accounts in which the runtime tells programs about the chain
// (https://docs.rs/solana-sdk-ids/latest/solana_sdk_ids/sysvar). Written like `ProgramID`.

import Primitives

package enum SysvarID {
  /// `SysvarC1ock11111111111111111111111111111111`
  @inlinable package static var clock: Pubkey {
    Pubkey(
      word0: 0xc974c71817d5a706, word1: 0xb65e1d6998635628,
      word2: 0x5c6d4b9ba3b85e8b, word3: 0x00000000215b5573)
  }
  /// `SysvarEpochRewards1111111111111111111111111`
  @inlinable package static var epochRewards: Pubkey {
    Pubkey(
      word0: 0xee3fdc1817d5a706, word1: 0xe166ce83bf58a502,
      word2: 0x270b95341c2a4244, word3: 0x0000009c5a9b86c1)
  }
  /// `SysvarEpochSchedu1e111111111111111111111111`
  @inlinable package static var epochSchedule: Pubkey {
    Pubkey(
      word0: 0xee3fdc1817d5a706, word1: 0xb0f800017fe4d302,
      word2: 0x3f1e59602e94f754, word3: 0x00000005a8198750)
  }
  /// `SysvarFees111111111111111111111111111111111`
  @inlinable package static var fees: Pubkey {
    Pubkey(
      word0: 0x8d5ae21817d5a706, word1: 0x71f07a1a253c5083,
      word2: 0xedc46fdf0072fd26, word3: 0x00000000909c6a52)
  }
  /// `Sysvar1nstructions1111111111111111111111111`
  @inlinable package static var instructions: Pubkey {
    Pubkey(
      word0: 0x66d17b1817d5a706, word1: 0xc0c2fd5504d4da35,
      word2: 0xa57556218fc624c1, word3: 0x000000085fcbbadb)
  }
  /// `SysvarLastRestartS1ot1111111111111111111111`
  @inlinable package static var lastRestartSlot: Pubkey {
    Pubkey(
      word0: 0xe1dd061917d5a706, word1: 0xf4c8b4ca7d943fcd,
      word2: 0xb813980fad1bf5f4, word3: 0x0000c01f4789d200)
  }
  /// `SysvarRecentB1ockHashes11111111111111111111`
  @inlinable package static var recentBlockhashes: Pubkey {
    Pubkey(
      word0: 0x8e562c1917d5a706, word1: 0x8897d2735f848ae0,
      word2: 0xb31ab245315c03cf, word3: 0x000040a92e06d844)
  }
  /// `SysvarRent111111111111111111111111111111111`
  @inlinable package static var rent: Pubkey {
    Pubkey(
      word0: 0x515c2c1917d5a706, word1: 0x7ff14a3d4cc98c21,
      word2: 0x44fda19b08eeda58, word3: 0x000000008ad9dbe3)
  }
  /// `SysvarRewards111111111111111111111111111111`
  @inlinable package static var rewards: Pubkey {
    Pubkey(
      word0: 0x37612c1917d5a706, word1: 0xe13e92b6d992e0ce,
      word2: 0xa1b882fa0319d6cc, word3: 0x000000808d579161)
  }
  /// `SysvarS1otHashes111111111111111111111111111`
  @inlinable package static var slotHashes: Pubkey {
    Pubkey(
      word0: 0xaf0a2f1917d5a706, word1: 0x7acc77fbe365f2c6,
      word2: 0x133bbed029c582da, word3: 0x0000002055002d6e)
  }
  /// `SysvarS1otHistory11111111111111111111111111`
  @inlinable package static var slotHistory: Pubkey {
    Pubkey(
      word0: 0xaf0a2f1917d5a706, word1: 0x507c5784e1e275c8,
      word2: 0x92ebe34946c8cf69, word3: 0x000000488d952f78)
  }
  /// `SysvarStakeHistory1111111111111111111111111`
  @inlinable package static var stakeHistory: Pubkey {
    Pubkey(
      word0: 0xd084351917d5a706, word1: 0x20131d43b39bedfe,
      word2: 0x56b8571b2844e56b, word3: 0x000000f45f37c56c)
  }

  /// Every sysvar, in the order of the names.
  package static let all: [Pubkey] = [
    clock, epochRewards, epochSchedule, fees, instructions, lastRestartSlot, recentBlockhashes, rent, rewards,
    slotHashes, slotHistory, stakeHistory,
  ]
}
