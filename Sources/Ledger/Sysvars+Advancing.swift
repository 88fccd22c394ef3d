// What changes in the sysvars from one block to the next, for a ledger that makes its own blocks.

import Primitives

extension Sysvars {
  /// Blockhashes that the recent-blockhashes sysvar keeps.
  private static let recentBlockhashCapacity = 150

  /// The accounts that change when the block at `slot` begins after a parent with `parentBlockhash`; ascending keys.
  package func advanced(
    toSlot slot: UInt64, unixTimestamp: Int64, parentBlockhash: Hash
  ) -> [(key: Pubkey, account: Account)] {
    let epoch = epochSchedule.epoch(ofSlot: slot)
    var next = Clock(
      slot: slot, epochStartTimestamp: clock.epochStartTimestamp, epoch: epoch,
      leaderScheduleEpoch: epochSchedule.leaderScheduleEpoch(ofSlot: slot),
      unixTimestamp: unixTimestamp)
    if epoch != clock.epoch { next.epochStartTimestamp = unixTimestamp }
    let hashes =
      [SlotHash(slot: clock.slot, hash: parentBlockhash)] + slotHashes.filter { $0.slot != clock.slot }
    let recent =
      [RecentBlockhash(blockhash: parentBlockhash, lamportsPerSignature: 5000)]
      + recentBlockhashes.filter { $0.blockhash != parentBlockhash }
    let changed = [
      (SysvarID.clock, SysvarWriter.clock(next)),
      (SysvarID.slotHashes, SysvarWriter.slotHashes(Array(hashes.prefix(SysvarWriter.slotHashesCapacity)))),
      (
        SysvarID.recentBlockhashes,
        SysvarWriter.recentBlockhashes(Array(recent.prefix(Self.recentBlockhashCapacity)))
      ),
    ]
    return changed.map { key, data in
      let lamports = accounts.first { $0.key == key }?.account.lamports ?? 1
      return (key, Account(lamports: lamports, data: data, owner: ProgramID.sysvar, rentEpoch: 0))
    }.sorted { $0.key < $1.key }
  }
}

extension EpochSchedule {
  /// Slots of the first epoch, each later one of which has twice as many until they are as long as they are to be.
  private static let shortestEpoch: UInt64 = 32

  package func firstSlot(ofEpoch epoch: UInt64) -> UInt64 {
    if epoch >= firstNormalEpoch { return firstNormalSlot &+ (epoch - firstNormalEpoch) &* slotsPerEpoch }
    return ((1 << epoch) - 1) * Self.shortestEpoch
  }

  package func slotCount(ofEpoch epoch: UInt64) -> UInt64 {
    epoch >= firstNormalEpoch ? slotsPerEpoch : Self.shortestEpoch << epoch
  }

  /// Epochs before the first normal one have 32, 64, 128 … slots.
  package func epoch(ofSlot slot: UInt64) -> UInt64 {
    if slot >= firstNormalSlot {
      return firstNormalEpoch &+ (slot - firstNormalSlot) / max(slotsPerEpoch, 1)
    }
    return UInt64(UInt64.bitWidth - 1 - (slot &+ Self.shortestEpoch).leadingZeroBitCount) - 5
  }

  /// The last epoch whose leaders are known at `slot`: before the first normal epoch the next one.
  package func leaderScheduleEpoch(ofSlot slot: UInt64) -> UInt64 {
    if slot < firstNormalSlot { return epoch(ofSlot: slot) &+ 1 }
    return epoch(ofSlot: slot &+ leaderScheduleSlotOffset)
  }
}
