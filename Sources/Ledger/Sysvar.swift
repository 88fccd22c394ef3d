// The sysvars' values and their exact account bytes: Borsh-free bincode, little-endian, no padding
// (https://docs.rs/solana-sysvar). A list's account is as long as its longest list, its unused tail zero.

import Primitives

package struct Clock: Sendable, Equatable {
  package var slot: UInt64
  /// Unix seconds at the epoch's first slot.
  package var epochStartTimestamp: Int64
  package var epoch: UInt64
  package var leaderScheduleEpoch: UInt64
  /// Unix seconds.
  package var unixTimestamp: Int64

  package init(
    slot: UInt64 = 0, epochStartTimestamp: Int64 = 0, epoch: UInt64 = 0, leaderScheduleEpoch: UInt64 = 0,
    unixTimestamp: Int64 = 0
  ) {
    self.slot = slot
    self.epochStartTimestamp = epochStartTimestamp
    self.epoch = epoch
    self.leaderScheduleEpoch = leaderScheduleEpoch
    self.unixTimestamp = unixTimestamp
  }
}

package struct Rent: Sendable, Equatable {
  package var lamportsPerByte: UInt64
  package var exemptionThreshold: Double
  package var burnPercent: UInt8

  /// Bytes that every account is charged for beside its data.
  package static let accountOverheadByteCount: UInt64 = 128

  package init(lamportsPerByte: UInt64 = 6960, exemptionThreshold: Double = 1, burnPercent: UInt8 = 50) {
    self.lamportsPerByte = lamportsPerByte
    self.exemptionThreshold = exemptionThreshold
    self.burnPercent = burnPercent
  }

  /// Lamports that make an account with `dataByteCount` bytes of data exempt from rent.
  package func minimumBalance(dataByteCount: Int) -> UInt64 {
    let chargedByteCount = Self.accountOverheadByteCount &+ UInt64(truncatingIfNeeded: dataByteCount)
    let lamports = chargedByteCount &* lamportsPerByte
    if exemptionThreshold == 1 { return lamports }
    if exemptionThreshold == 2 { return lamports &* 2 }
    let product = Double(lamports) * exemptionThreshold
    if product.isNaN || product <= 0 { return 0 }
    return product >= 0x1p64 ? .max : UInt64(product)
  }

  package func isExempt(lamports: UInt64, dataByteCount: Int) -> Bool {
    lamports >= minimumBalance(dataByteCount: dataByteCount)
  }
}

package struct EpochSchedule: Sendable, Equatable {
  package var slotsPerEpoch: UInt64
  package var leaderScheduleSlotOffset: UInt64
  /// Whether the first epochs are shorter and double in length.
  package var hasWarmup: Bool
  package var firstNormalEpoch: UInt64
  package var firstNormalSlot: UInt64

  package init(
    slotsPerEpoch: UInt64 = 432_000, leaderScheduleSlotOffset: UInt64 = 432_000, hasWarmup: Bool = true,
    firstNormalEpoch: UInt64 = 14, firstNormalSlot: UInt64 = 524_256
  ) {
    self.slotsPerEpoch = slotsPerEpoch
    self.leaderScheduleSlotOffset = leaderScheduleSlotOffset
    self.hasWarmup = hasWarmup
    self.firstNormalEpoch = firstNormalEpoch
    self.firstNormalSlot = firstNormalSlot
  }
}

package struct SlotHash: Sendable, Equatable {
  package var slot: UInt64
  package var hash: Hash

  package init(slot: UInt64, hash: Hash) { (self.slot, self.hash) = (slot, hash) }
}

package struct RecentBlockhash: Sendable, Equatable {
  package var blockhash: Hash
  package var lamportsPerSignature: UInt64

  package init(blockhash: Hash, lamportsPerSignature: UInt64) {
    self.blockhash = blockhash
    self.lamportsPerSignature = lamportsPerSignature
  }
}

package struct StakeHistoryEntry: Sendable, Equatable {
  package var epoch: UInt64
  /// Lamports.
  package var effective: UInt64
  package var activating: UInt64
  package var deactivating: UInt64

  package init(epoch: UInt64, effective: UInt64, activating: UInt64, deactivating: UInt64) {
    self.epoch = epoch
    self.effective = effective
    self.activating = activating
    self.deactivating = deactivating
  }
}

package struct EpochRewards: Sendable, Equatable {
  package var distributionStartingBlockHeight: UInt64 = 0
  package var partitionCount: UInt64 = 0
  package var parentBlockhash: Hash = .zero
  package var totalPoints: UInt128 = 0
  /// Lamports.
  package var totalRewards: UInt64 = 0
  package var distributedRewards: UInt64 = 0
  package var isActive = false

  package init() {}
}
